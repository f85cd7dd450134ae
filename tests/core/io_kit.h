/* SPDX-License-Identifier: Apache-2.0 */
/* io_kit.h - short ways to the I/O scheduler for tests; all must succeed. */
#ifndef TESTS_CORE_IO_KIT_H
#define TESTS_CORE_IO_KIT_H

#include "core.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

static inline struct reeve_io_def io_def(uint32_t type, uint32_t priority, uint64_t size)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;

	def.type = type;
	def.priority = priority;
	def.size_bytes = size;
	return def;
}

static inline struct reeve_io_def io_read(uint64_t size)
{
	return io_def(REEVE_IO_READ, REEVE_IO_NORMAL, size);
}

static inline uint64_t io_submit_def(struct reeve *r, uint64_t group, struct reeve_io_def def)
{
	reeve_io_id id = {0};

	assert_ok(reeve_io_submit(r, (reeve_group_id){group}, &def, &id, E));
	return id.v;
}

static inline uint64_t io_submit(struct reeve *r, uint64_t group, uint64_t size)
{
	return io_submit_def(r, group, io_read(size));
}

static inline struct reeve_io_request_info io_next(struct reeve *r)
{
	struct reeve_io_request_info info = {0};

	assert_ok(reeve_io_next(r, &info, NULL, E));
	return info;
}

/* How long to the next chance; fails when there is one now. */
static inline reeve_ns io_retry(struct reeve *r)
{
	struct reeve_io_request_info info;
	reeve_ns retry = -1;

	assert_fails(reeve_io_next(r, &info, &retry, E), REEVE_ENOT_FOUND, "no I/O request");
	return retry;
}

static inline void io_complete(struct reeve *r, uint64_t id, uint64_t bytes)
{
	assert_ok(reeve_io_complete(r, (reeve_io_id){id}, bytes, true, NULL, E));
}

/* Performs the next request at once; its group. */
static inline uint64_t io_perform(struct reeve *r)
{
	struct reeve_io_request_info info = io_next(r);

	io_complete(r, info.id.v, info.size_bytes);
	return info.group.v;
}

static inline struct reeve_io_request_info io_info(struct reeve *r, uint64_t id)
{
	struct reeve_io_request_info info = {0};

	assert_ok(reeve_io_request_get(r, (reeve_io_id){id}, &info, E));
	return info;
}

static inline void io_limit(
	struct reeve *r, uint64_t group, uint64_t bandwidth, uint64_t iops, uint32_t weight)
{
	assert_ok(reeve_io_group_register(r, (reeve_group_id){group}, bandwidth, iops, weight, E));
}

static inline struct reeve_io_group_stats io_group(struct reeve *r, uint64_t group)
{
	struct reeve_io_group_stats stats = {0};

	assert_ok(reeve_io_group_stats_get(r, (reeve_group_id){group}, &stats, E));
	return stats;
}

static inline struct reeve_io_stats io_stats(struct reeve *r)
{
	struct reeve_io_stats stats = {0};

	reeve_io_stats_get(r, &stats);
	return stats;
}

static inline void io_configure(struct reeve *r, uint32_t policy, uint32_t max_concurrent)
{
	struct reeve_io_config k;

	reeve_io_config_get(r, &k);
	k.policy = policy;
	k.max_concurrent = max_concurrent;
	assert_ok(reeve_io_config_set(r, &k, E));
}

#endif
