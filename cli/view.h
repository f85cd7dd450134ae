/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h - a copy of what a segment shows at one moment, and what changed since an earlier one.
 */
#ifndef REEVE_CLI_VIEW_H
#define REEVE_CLI_VIEW_H

#include <reeve/reeve.h>

struct view_group {
	struct reeve_group_info info;
	struct reeve_cpu_group_stats cpu;
	/* over the interval between two views; 0 without an earlier one */
	double share_pct;   /* of the CPU that all groups used */
	double cpu_pct;	    /* of the CPU slots */
	double waits;	    /* waits that ended, a second */
	reeve_ns mean_wait; /* of those */
};

struct view_session {
	struct reeve_session_info info;
	double cpu_pct; /* of one processor, over the interval */
};

/* What a view holds beyond CPU and sessions, when it is asked for. */
enum { VIEW_WAITS = 1, VIEW_IO = 2, VIEW_MEMORY = 4, VIEW_PARALLEL = 8 };

struct view_parts {
	struct reeve_wait_explanation *waits; /* of sessions that wait or are blocked, by id */
	struct reeve_io_config io_config;
	struct reeve_io_stats io;
	struct reeve_io_group_stats *io_groups;
	struct reeve_memory_stats memory;
	struct reeve_memory_pressure pressure;
	struct reeve_pool_info *pools;
	struct reeve_memory_group_info *memory_groups;
	struct reeve_parallel_stats parallel;
	struct reeve_execution_info *executions; /* that are not over */
	struct reeve_parallel_group_info *degrees;
	uint32_t wait_count, io_group_count, pool_count, memory_group_count;
	uint32_t execution_count, degree_count;
};

struct view {
	struct reeve_segment_info segment;
	struct reeve_plan_info plan; /* the active one */
	struct reeve_cpu_config config;
	struct reeve_cpu_stats cpu;
	struct reeve_session_stats session_stats;
	reeve_ns mono, wall;
	reeve_ns interval;	   /* since the earlier view; 0: there was none */
	double cpu_pct;		   /* of the CPU slots, all groups */
	struct view_group *groups; /* by id */
	uint32_t group_count;
	struct view_session *sessions; /* by id; live ones */
	uint32_t session_count;
	struct reeve_attachment_info *attachments; /* but this process's own */
	uint32_t attachment_count;
	struct view_parts parts; /* those asked for */
};

/*
 * Takes a view with `wanted` parts (VIEW_...); `earlier` (may be NULL) is what rates are computed against. 0, or -1 when memory is
 * short; then there is nothing to free.
 */
int view_take(
	struct reeve *reeve, uint32_t wanted, const struct view *earlier, struct view *ret_view);
void view_fini(struct view *view);

/* Used by the above. Whether memory sufficed; the waits are told of view's sessions. */
bool view_parts_take(
	struct reeve *reeve, uint32_t wanted, const struct view *view, struct view_parts *parts);
void view_parts_fini(struct view_parts *parts);

/* Name of a group of the view; "?" when it is not in it. */
const char *view_group_name(const struct view *view, reeve_group_id id);

/* Whether the process of an attachment of this machine runs. */
bool view_is_alive(const struct reeve_attachment_info *attachment);

#endif
