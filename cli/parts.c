/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c - waits, I/O, memory and parallel work of a view; see view.h. */
#include <stdlib.h>

#include "view.h"

/* Rows copied in one call. */
#define BATCH 128u

/*
 * Copies all rows of a kind in batches: `call` is told of `last`, the id of the row before, and gives
 * the next ones into `to`.
 */
#define COPY_ALL(items, count, last, id_of_row, call)                                              \
	do {                                                                                       \
		uint32_t got = BATCH;                                                              \
		while (got == BATCH) {                                                             \
			void *grown =                                                              \
				realloc(items, ((size_t)(count) + BATCH) * sizeof(*(items)));      \
			if (grown == NULL)                                                         \
				return false;                                                      \
			(items) = grown;                                                           \
			got = call(reeve, last, (items) + (count), BATCH);                         \
			(count) += got;                                                            \
			if (got > 0)                                                               \
				(last) = (items)[(count)-1].id_of_row;                             \
		}                                                                                  \
	} while (0)

static uint32_t copy_executions(struct reeve *reeve, reeve_execution_id after,
	struct reeve_execution_info *to, uint32_t capacity)
{
	return reeve_execution_copy(reeve, after, 0, to, capacity);
}

static bool take_waits(struct reeve *reeve, const struct view *view, struct view_parts *parts)
{
	parts->waits = calloc(view->session_count + 1, sizeof(*parts->waits));
	if (parts->waits == NULL)
		return false;
	for (uint32_t i = 0; i < view->session_count; i++) {
		struct reeve_wait_explanation *wait = &parts->waits[parts->wait_count];

		/* it may have ended in between */
		if (reeve_explain(reeve, view->sessions[i].info.id, wait, NULL) == 0 &&
			wait->waiting)
			parts->wait_count++;
	}
	return true;
}

static bool take_io(struct reeve *reeve, struct view_parts *parts)
{
	reeve_group_id last = {0};

	reeve_io_config_get(reeve, &parts->io_config);
	reeve_io_stats_get(reeve, &parts->io);
	COPY_ALL(parts->io_groups, parts->io_group_count, last, group, reeve_io_group_stats_copy);
	return true;
}

static bool take_memory(struct reeve *reeve, struct view_parts *parts)
{
	reeve_pool_id last_pool = {0};
	reeve_group_id last = {0};

	reeve_memory_stats_get(reeve, &parts->memory);
	reeve_memory_pressure_get(reeve, &parts->pressure);
	COPY_ALL(parts->pools, parts->pool_count, last_pool, id, reeve_pool_copy);
	COPY_ALL(parts->memory_groups, parts->memory_group_count, last, group,
		reeve_memory_group_copy);
	return true;
}

static bool take_parallel(struct reeve *reeve, struct view_parts *parts)
{
	reeve_execution_id last_execution = {0};
	reeve_group_id last = {0};

	reeve_parallel_stats_get(reeve, &parts->parallel);
	COPY_ALL(parts->executions, parts->execution_count, last_execution, id, copy_executions);
	COPY_ALL(parts->degrees, parts->degree_count, last, group, reeve_parallel_group_copy);
	return true;
}

bool view_parts_take(
	struct reeve *reeve, uint32_t wanted, const struct view *view, struct view_parts *parts)
{
	return ((wanted & VIEW_WAITS) == 0 || take_waits(reeve, view, parts)) &&
	       ((wanted & VIEW_IO) == 0 || take_io(reeve, parts)) &&
	       ((wanted & VIEW_MEMORY) == 0 || take_memory(reeve, parts)) &&
	       ((wanted & VIEW_PARALLEL) == 0 || take_parallel(reeve, parts));
}

void view_parts_fini(struct view_parts *parts)
{
	free(parts->waits);
	free(parts->io_groups);
	free(parts->pools);
	free(parts->memory_groups);
	free(parts->executions);
	free(parts->degrees);
	*parts = (struct view_parts){0};
}
