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
};

/*
 * Takes a view; `earlier` (may be NULL) is what rates are computed against. 0, or -1 when memory is
 * short; then there is nothing to free.
 */
int view_take(struct reeve *reeve, const struct view *earlier, struct view *ret_view);
void view_fini(struct view *view);

/* Name of a group of the view; "?" when it is not in it. */
const char *view_group_name(const struct view *view, reeve_group_id id);

/* Whether the process of an attachment of this machine runs. */
bool view_is_alive(const struct reeve_attachment_info *attachment);

#endif
