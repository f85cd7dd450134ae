/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h - what every layer uses: errors, assertions, fixed point, bounded text, test points.
 */
#ifndef REEVE_BASE_H
#define REEVE_BASE_H

#include <reeve/types.h>
#include <reeve/waits.h>

#include <stdatomic.h>
#include <string.h>

#define REEVE_NONE UINT32_MAX /* "no slot": index of nothing */

#define REEVE_LIKELY(x)	  __builtin_expect(!!(x), 1)
#define REEVE_UNLIKELY(x) __builtin_expect(!!(x), 0)
/* Not in the way of what runs often: never inlined, so that its caller saves no registers for it. */
#define REEVE_APART __attribute__((noinline))
#define REEVE_COLD  __attribute__((noinline, cold))
/* Run for every statement, however short: linked side by side, so that they share pages and lines. */
#define REEVE_HOT      __attribute__((hot))
#define REEVE_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Relaxed access to a shared counter, hint, or word that a lock orders already. */
#define reeve__get(p)	 atomic_load_explicit((p), memory_order_relaxed)
#define reeve__put(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define reeve__add(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)

__extension__ typedef unsigned __int128 reeve__u128;

/* a * b / c in 128 bits, rounded down, saturating at UINT64_MAX; c = 0 gives UINT64_MAX. */
static inline uint64_t reeve__muldiv(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t product;

	if (c == 0)
		return UINT64_MAX;
	/* Nearly all are small, and a division of 128 bits takes as long as a lock. */
	if (REEVE_LIKELY(!__builtin_mul_overflow(a, b, &product)))
		return product / c;
	reeve__u128 q = (reeve__u128)a * b / c;
	return q > UINT64_MAX ? UINT64_MAX : (uint64_t)q;
}

/* a * q / 2^32, saturating: ticks of a counter to nanoseconds. */
static inline uint64_t reeve__mulq32(uint64_t a, uint64_t q)
{
	reeve__u128 p = ((reeve__u128)a * q) >> 32;
	return p > UINT64_MAX ? UINT64_MAX : (uint64_t)p;
}

/* Order of two points of a wrapping clock: true when a is before b. */
static inline bool reeve__before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* a + b, saturating at REEVE_NEVER; both at least 0. */
static inline reeve_ns reeve__later(reeve_ns a, reeve_ns b)
{
	return a > REEVE_NEVER - b ? REEVE_NEVER : a + b;
}

/* State of a token bucket (policy/bucket.h). Lies in the segment, under its owner's lock. */
struct reeve_sh_bucket {
	int64_t tokens;	    /* may be negative: debt */
	uint64_t filled_ns; /* instant of the last refill */
};

/* Fills *err (if any) with the code and a printf text, and returns the code. */
__attribute__((format(printf, 3, 4))) int reeve__fail(
	struct reeve_error *err, int code, const char *format, ...);

/*
 * Checks a caller's text: length 1 (or 0 when `may_be_empty`) to `max` - 1 bytes, valid UTF-8, no
 * control characters. Returns 0 or fills *err naming `field`. NULL counts as empty.
 */
int reeve__text_check(const char *text, size_t max, bool may_be_empty, const char *field,
	struct reeve_error *err);

/* Copies a text known to fit and fills the rest with NULs. NULL copies as "". */
void reeve__text_copy(char *to, size_t size, const char *text);
/* Copies as much of a UTF-8 text as fits, and no part of a character. NULL copies as "". */
void reeve__text_cut(char *to, size_t size, const char *text);

/* 64-bit FNV-1a of a name, which need not end when the memory it lies in is damaged. */
uint64_t reeve__text_hash(const char *text);

/*
 * Named points, where tests of a checking build kill or stop this process. In other builds they
 * are nothing.
 */
#if REEVE_CHECKED
#include "points.h"
typedef void (*reeve__point_fn)(int point);
extern _Atomic(reeve__point_fn) reeve__point_hook;
#define REEVE_POINT(name)                                                                          \
	do {                                                                                       \
		reeve__point_fn point_hook_ = atomic_load(&reeve__point_hook);                     \
		if (point_hook_)                                                                   \
			point_hook_(REEVE_POINT_##name);                                           \
	} while (0)
#else
#define REEVE_POINT(name) ((void)0)
#endif

#endif
