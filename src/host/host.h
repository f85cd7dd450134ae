/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - the door to the outside: the real clocks, futexes and /proc, and how the rest of the
 * library reads the host it was given.
 */
#ifndef REEVE_HOST_HOST_H
#define REEVE_HOST_HOST_H

#include "../base/base.h"

#include <pthread.h>

#include <reeve/host.h>

/* Text of the machine's present boot, at least 40 bytes; "" when it cannot be told. */
void reeve__host_boot_id(char *to, size_t size);
/*
 * Memory as Linux tells it: /proc/meminfo, /proc/self/statm, /proc/pressure/memory, and the control
 * group of this process, version 2 or 1. `root` ("": the real one) goes before every path, for tests.
 */
bool reeve__host_memory(const char *root, struct reeve_host_memory *ret);
/* The same for everything that control groups limit; false: there are none. */
bool reeve__host_container(const char *root, struct reeve_container_limits *ret);
/* Up to size - 1 bytes of the file `root``path` as text; false when it cannot be read. */
bool reeve__host_read(const char *root, const char *path, char *to, size_t size);
/* The number after `key` at the start of a line of a text; 0 when it is not there. */
uint64_t reeve__host_number(const char *text, const char *key);
/* Short name of this program, for lists. */
void reeve__host_program(char *to, size_t size);
/*
 * Whether the processor's counter runs at a constant rate, and if so that rate: ns in 2^32 ticks,
 * measured against the monotonic clock for half a millisecond (error below 0.02 %).
 */
bool reeve__host_counter(uint64_t *ret_ns_q32);

/* Tells threads of this process apart. */
static inline uintptr_t reeve__host_thread(void)
{
#if defined(__x86_64__) && !defined(__ILP32__)
	uintptr_t self; /* without a call: the ABI keeps the thread's own address there */
	__asm__("mov %%fs:0, %0" : "=r"(self));
	return self;
#else
	return (uintptr_t)pthread_self();
#endif
}

#if defined(__x86_64__)
static inline uint64_t reeve__host_ticks(void)
{
	return __builtin_ia32_rdtsc();
}
#elif defined(__aarch64__)
static inline uint64_t reeve__host_ticks(void)
{
	uint64_t ticks;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
}
#else
static inline uint64_t reeve__host_ticks(void)
{
	return 0;
}
#endif

#endif
