/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coro.c - stackful coroutines: a switch in assembly on x86-64, ucontext elsewhere.
 *
 * ucontext saves the signal mask with two system calls a switch (about 350 ns); a simulated second
 * has some 100,000 switches, so the common processor has its own switch (about 5 ns). Build with
 * -DSIM_CORO_UCONTEXT=1 for the portable one; the tests run both.
 */
#include "coro.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef SIM_CORO_UCONTEXT
#if defined(__x86_64__)
#define SIM_CORO_UCONTEXT 0
#else
#define SIM_CORO_UCONTEXT 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif
#ifndef SIM_ASAN
#define SIM_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define SIM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SIM_TSAN 1
#endif
#endif
#ifndef SIM_TSAN
#define SIM_TSAN 0
#endif

#if SIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if SIM_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if SIM_CORO_UCONTEXT
#include <ucontext.h>
#endif

#define STACK_SIZE ((size_t)256 * 1024)

struct sim_coro {
	void (*fn)(void *arg);
	void *arg;
	char *map; /* guard page, then the stack */
	size_t map_size;
	bool has_ended;
#if SIM_CORO_UCONTEXT
	ucontext_t own, resumer;
#else
	void *own_sp, *resumer_sp; /* saved stack pointers; registers lie on the stacks */
#endif
#if SIM_ASAN
	void *own_fake, *resumer_fake;
	const void *resumer_bottom;
	size_t resumer_size;
#endif
#if SIM_TSAN
	void *own_fiber, *resumer_fiber;
#endif
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The first thing on a new stack, and the last. */
static void run_coro(struct sim_coro *coro);

#if SIM_CORO_UCONTEXT

static void start_coro(unsigned int high, unsigned int low)
{
	run_coro((struct sim_coro *)(((uintptr_t)high << 32) | (uintptr_t)low));
}

static void init_stack(struct sim_coro *coro)
{
	uintptr_t self = (uintptr_t)coro;

	getcontext(&coro->own);
	coro->own.uc_stack.ss_sp = coro->map + page_size();
	coro->own.uc_stack.ss_size = STACK_SIZE;
	coro->own.uc_link = NULL;
	makecontext(&coro->own, (void (*)(void))start_coro, 2, (unsigned int)(self >> 32),
		(unsigned int)(self & 0xffffffffu));
}

static void switch_in(struct sim_coro *coro)
{
	swapcontext(&coro->resumer, &coro->own);
}

static void switch_out(struct sim_coro *coro)
{
	swapcontext(&coro->own, &coro->resumer);
}

#else

/*
 * sim__coro_switch(from, to): pushes the callee-saved registers, leaves the stack pointer in *from,
 * takes that of `to`, pops. Calling convention: System V AMD64, section 3.2.1.
 */
void sim__coro_switch(void **from, void *to);
void sim__coro_entry(void);
void sim__coro_start(struct sim_coro *coro);

__asm__(".text\n"
	".globl sim__coro_switch\n"
	".hidden sim__coro_switch\n"
	".type sim__coro_switch,@function\n"
	"sim__coro_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size sim__coro_switch,.-sim__coro_switch\n"
	/* First return of a new stack: the coroutine is in r12. */
	".globl sim__coro_entry\n"
	".hidden sim__coro_entry\n"
	".type sim__coro_entry,@function\n"
	"sim__coro_entry:\n"
	"	movq %r12, %rdi\n"
	"	xorl %ebp, %ebp\n"
	"	call sim__coro_start\n"
	"	ud2\n"
	".size sim__coro_entry,.-sim__coro_entry\n");

void sim__coro_start(struct sim_coro *coro)
{
	run_coro(coro);
}

static void init_stack(struct sim_coro *coro)
{
	/* r15 r14 r13 r12 rbx rbp, return address, and two words that align the `call` to 16 */
	void **sp = (void **)(void *)(coro->map + page_size() + STACK_SIZE) - 9;

	sp[3] = coro;
	sp[6] = (void *)(uintptr_t)sim__coro_entry;
	coro->own_sp = sp;
}

static void switch_in(struct sim_coro *coro)
{
	sim__coro_switch(&coro->resumer_sp, coro->own_sp);
}

static void switch_out(struct sim_coro *coro)
{
	sim__coro_switch(&coro->own_sp, coro->resumer_sp);
}

#endif

/* What the sanitizers want to hear before and after each change of stack. */
static void announce_in(struct sim_coro *coro)
{
#if SIM_ASAN
	__sanitizer_start_switch_fiber(&coro->resumer_fake, coro->map + page_size(), STACK_SIZE);
#endif
#if SIM_TSAN
	coro->resumer_fiber = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(coro->own_fiber, 0);
#endif
	(void)coro;
}

static void arrive_in(struct sim_coro *coro)
{
#if SIM_ASAN
	__sanitizer_finish_switch_fiber(coro->own_fake, &coro->resumer_bottom, &coro->resumer_size);
#endif
	(void)coro;
}

static void announce_out(struct sim_coro *coro)
{
#if SIM_ASAN
	__sanitizer_start_switch_fiber(
		coro->has_ended ? NULL : &coro->own_fake, coro->resumer_bottom, coro->resumer_size);
#endif
#if SIM_TSAN
	__tsan_switch_to_fiber(coro->resumer_fiber, 0);
#endif
	(void)coro;
}

static void arrive_out(struct sim_coro *coro)
{
#if SIM_ASAN
	__sanitizer_finish_switch_fiber(coro->resumer_fake, NULL, NULL);
#endif
	(void)coro;
}

static void run_coro(struct sim_coro *coro)
{
	arrive_in(coro);
	coro->fn(coro->arg);
	coro->has_ended = true;
	announce_out(coro);
	switch_out(coro);
	abort(); /* nobody resumes an ended coroutine */
}

struct sim_coro *sim_coro_create(void (*fn)(void *arg), void *arg)
{
	struct sim_coro *coro = calloc(1, sizeof(*coro));

	if (coro == NULL)
		return NULL;
	coro->fn = fn;
	coro->arg = arg;
	coro->map_size = page_size() + STACK_SIZE;
	coro->map = mmap(NULL, coro->map_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (coro->map == MAP_FAILED) {
		free(coro);
		return NULL;
	}
	if (mprotect(coro->map, page_size(), PROT_NONE) != 0) {
		munmap(coro->map, coro->map_size);
		free(coro);
		return NULL;
	}
#if SIM_TSAN
	coro->own_fiber = __tsan_create_fiber(0);
#endif
	init_stack(coro);
	return coro;
}

void sim_coro_destroy(struct sim_coro *coro)
{
	if (coro == NULL)
		return;
#if SIM_TSAN
	__tsan_destroy_fiber(coro->own_fiber);
#endif
#if SIM_ASAN
	/* red zones of frames that never returned must not outlive the mapping */
	__asan_unpoison_memory_region(coro->map + page_size(), STACK_SIZE);
#endif
	munmap(coro->map, coro->map_size);
	free(coro);
}

void sim_coro_resume(struct sim_coro *coro)
{
	if (coro->has_ended)
		abort();
	announce_in(coro);
	switch_in(coro);
	arrive_out(coro);
}

void sim_coro_yield(struct sim_coro *coro)
{
	announce_out(coro);
	switch_out(coro);
	arrive_in(coro);
}

bool sim_coro_has_ended(const struct sim_coro *coro)
{
	return coro->has_ended;
}
