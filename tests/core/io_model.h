/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_model.h - which request is next under each I/O policy, as a table that is searched from end to end.
 *
 * The model knows nothing of limits: whoever drives it says which flows are held. Equals that the library
 * tells apart by the order of its heaps are not told apart.
 */
#ifndef TESTS_CORE_IO_MODEL_H
#define TESTS_CORE_IO_MODEL_H

#include "core.h"

#include "../../src/policy/io_policy.h"

#define IO_MODEL_ENTRIES 128u
#define IO_MODEL_FLOWS	 6u

struct io_model_entry {
	bool waits;
	uint32_t flow, is_write, klass;
	uint64_t size, submitted, deadline, tie;
};

struct io_model {
	uint32_t policy;
	uint64_t now, tie;
	struct io_model_entry e[IO_MODEL_ENTRIES];
	bool held[IO_MODEL_FLOWS];
	uint64_t until[IO_MODEL_FLOWS];
	uint32_t weight[IO_MODEL_FLOWS];
	/* completely fair and budget fair */
	uint64_t clock, start[IO_MODEL_FLOWS];
	/* budget fair */
	uint64_t finish[IO_MODEL_FLOWS], used[IO_MODEL_FLOWS];
	bool paused[IO_MODEL_FLOWS];
	uint32_t current;
	/* deadline */
	uint32_t batch_left, batch_is_write, reads_first;
};

/* Nothing waits, under another policy; service and virtual time stay. */
void io_model_clear(struct io_model *m, uint32_t policy);
/* Entry i, filled but for tie and waits, is added; is taken out unserved; is served. */
void io_model_add(struct io_model *m, uint32_t i);
void io_model_remove(struct io_model *m, uint32_t i);
void io_model_serve(struct io_model *m, uint32_t i);
/* A flow that has entries is over a limit. */
void io_model_hold(struct io_model *m, uint32_t flow, uint64_t until);
/* Entries that wait, of a flow. */
uint32_t io_model_count(const struct io_model *m, uint32_t flow);
/* The first of a flow's, of the reads (0), the writes (1) or all (REEVE_NONE); REEVE_NONE. */
uint32_t io_model_first(const struct io_model *m, uint32_t flow, uint32_t write);
/* Whether entry i, or nobody, is what may be picked now; if so a turn begins with it. */
bool io_model_may_pick(struct io_model *m, uint32_t i);

#endif
