/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coro.h - stackful coroutines, for one thread.
 *
 * A coroutine is a function with a stack of its own. The main context resumes it; it runs until it
 * yields or returns; then the resumer goes on. Coroutines do not resume each other. Everything
 * happens on the caller's thread, so two of them never run at once, and thread-local variables are
 * shared by all. The sanitizers are told of every change of stack.
 */
#ifndef SIM_CORO_H
#define SIM_CORO_H

#include <stdbool.h>

struct sim_coro;

/*
 * Makes a coroutine that will call fn(arg) when first resumed. The caller owns it. NULL when memory
 * is short. Its stack is 256 KiB with a guard page below; untouched pages cost nothing.
 */
struct sim_coro *sim_coro_create(void (*fn)(void *arg), void *arg);

/* Frees it in whatever state: what its stack held is not unwound. Not from within itself. */
void sim_coro_destroy(struct sim_coro *coro);

/* Runs it until it yields or returns. From the main context only; it must not have ended. */
void sim_coro_resume(struct sim_coro *coro);

/* Back to the resumer; returns at the next resume. From within `coro` only. */
void sim_coro_yield(struct sim_coro *coro);

/* Whether its function has returned. */
bool sim_coro_has_ended(const struct sim_coro *coro);

#endif
