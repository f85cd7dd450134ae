/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types.h - ids, units and small shared types of the public API.
 *
 * Quantities carry their unit in the name: _ns nanoseconds, _bytes, _ppm parts per million.
 * Ids are plain numbers per kind, counted up and never reused; 0 is never an id. They are wrapped in
 * one-member structs so that a session's id does not compile where a group's is wanted.
 */
#ifndef REEVE_TYPES_H
#define REEVE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/errors.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define REEVE_API __attribute__((visibility("default")))
#else
#define REEVE_API
#endif

/* Signed nanoseconds: a span, or an instant of the monotonic or wall clock as the name says. */
typedef int64_t reeve_ns;

#define REEVE_SEC  ((reeve_ns)1000000000)
#define REEVE_MSEC ((reeve_ns)1000000)
#define REEVE_USEC ((reeve_ns)1000)
/* "No deadline". */
#define REEVE_NEVER ((reeve_ns)INT64_MAX)
/* "No limit" in any unsigned limit field. */
#define REEVE_UNLIMITED UINT64_MAX
/* Parts per million that make a whole. */
#define REEVE_PPM 1000000u

typedef struct {
	uint64_t v;
} reeve_group_id;
typedef struct {
	uint64_t v;
} reeve_plan_id;
typedef struct {
	uint64_t v;
} reeve_directive_id;
typedef struct {
	uint64_t v;
} reeve_session_id;
typedef struct {
	uint64_t v;
} reeve_task_id;
typedef struct {
	uint64_t v;
} reeve_admission_id;

/* Longest texts, in bytes with the final NUL. Longer input is INVALID_ARGUMENT, never cut. */
#define REEVE_NAME_MAX	      129 /* names of groups, plans, users: 128 bytes of UTF-8 */
#define REEVE_DESCRIPTION_MAX 257
#define REEVE_ATTRIBUTE_MAX   65 /* program, machine, service, module, action */
#define REEVE_ERROR_TEXT_MAX  256

/*
 * Why a call failed. Caller-owned, last argument of every call that can fail, may be NULL.
 * Untouched on success. `text` names the object, the limit and the value.
 */
struct reeve_error {
	int code; /* one of REEVE_E..., negative */
	char text[REEVE_ERROR_TEXT_MAX];
};

/* One process's attachment to one segment; see reeve.h. */
struct reeve;
/* One session as the process that runs it holds it; see session.h. */
struct reeve_session;
/* What reeve asks of the outside; see host.h. */
struct reeve_host;

#ifdef __cplusplus
}
#endif
#endif
