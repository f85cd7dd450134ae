/* SPDX-License-Identifier: Apache-2.0 */
/* row.c - rows as a whole: defaults, what follows from other fields, and one from its JSON. */
#include "codec.h"

#include <stdlib.h>
#include <string.h>

/* What follows from the id and from other fields. */
void reeve__row_complete(struct reeve_definition *row)
{
	switch (row->kind) {
	case REEVE_DEFINITION_GROUP:
		row->u.group.id.v = row->id;
		row->u.group.is_system = row->id < REEVE_FIRST_USER_ID;
		break;
	case REEVE_DEFINITION_USER:
		row->u.user.user_id = row->id;
		row->u.user.is_permanent = true;
		break;
	case REEVE_DEFINITION_RULE:
		row->u.rule.id.v = row->id;
		break;
	case REEVE_DEFINITION_PLAN:
		row->u.plan.id.v = row->id;
		row->u.plan.is_system = row->id < REEVE_FIRST_USER_ID;
		row->u.plan.is_default = row->id == REEVE_DEFAULT_PLAN;
		row->u.plan.is_top_plan = row->u.plan.parent.v == 0;
		break;
	case REEVE_DEFINITION_DIRECTIVE:
		row->u.directive.id.v = row->id;
		break;
	case REEVE_DEFINITION_SCHEDULE:
		row->u.schedule.id.v = row->id;
		break;
	case REEVE_DEFINITION_WINDOW:
		row->u.window.id.v = row->id;
		break;
	case REEVE_DEFINITION_SERVER_POOL:
		row->u.server_pool.id.v = row->id;
		break;
	case REEVE_DEFINITION_MEMORY_POOL:
		row->u.memory_pool.id.v = row->id;
		break;
	default:
		break;
	}
}

static void init_group(struct reeve_group_info *g)
{
	g->priority = 3;
	g->category = REEVE_CATEGORY_CUSTOM;
	g->is_active = true;
	g->max_sessions = g->max_execution_ns = g->max_idle_ns = REEVE_UNLIMITED;
	g->parallel_degree_limit = g->memory_limit_bytes = REEVE_UNLIMITED;
	g->io_bandwidth_limit = g->iops_limit = REEVE_UNLIMITED;
}

void reeve_row_init(struct reeve_definition *row, uint32_t kind)
{
	memset(row, 0, sizeof(*row));
	row->kind = kind;
	switch (kind) {
	case REEVE_DEFINITION_GROUP:
		init_group(&row->u.group);
		break;
	case REEVE_DEFINITION_RULE:
		row->u.rule.priority = 100;
		row->u.rule.is_enabled = true;
		break;
	case REEVE_DEFINITION_PLAN:
		row->u.plan.cpu_method = REEVE_METHOD_SHARES;
		row->u.plan.is_enabled = true;
		break;
	case REEVE_DEFINITION_SCHEDULE:
		row->u.schedule.days = REEVE_ALL_DAYS;
		row->u.schedule.priority = 100;
		row->u.schedule.is_enabled = true;
		break;
	case REEVE_DEFINITION_WINDOW:
		row->u.window.duration_s = 3600;
		row->u.window.priority = 100;
		row->u.window.max_user_sessions = REEVE_USERS_UNLIMITED;
		row->u.window.is_enabled = true;
		break;
	case REEVE_DEFINITION_SERVER_POOL:
		row->u.server_pool.idle_timeout_ns = 300 * REEVE_SEC;
		break;
	case REEVE_DEFINITION_MEMORY_POOL:
		row->u.memory_pool.target_bytes = REEVE_UNLIMITED;
		row->u.memory_pool.page_bytes = 8192;
		break;
	case REEVE_DEFINITION_CPU_LIMITS:
		row->u.cpu_limits.shares = 1000;
		break;
	case REEVE_DEFINITION_IO_LIMITS:
		row->u.io_limits.bandwidth = row->u.io_limits.iops = REEVE_UNLIMITED;
		row->u.io_limits.weight = 100;
		break;
	case REEVE_DEFINITION_MEMORY_LIMITS:
		row->u.memory_limits.max_group_memory = REEVE_UNLIMITED;
		row->u.memory_limits.max_session_pga = REEVE_UNLIMITED;
		break;
	case REEVE_DEFINITION_PARALLEL_LIMITS:
		row->u.parallel_limits.degree = row->u.parallel_limits.servers = UINT32_MAX;
		break;
	case REEVE_DEFINITION_SESSION_POOL:
		row->u.session_pool.queue_timeout_ns = REEVE_UNLIMITED;
		row->u.session_pool.allow_queuing = true;
		break;
	default:
		break;
	}
}

void reeve_row_fini(struct reeve_definition *row)
{
	free(row->condition);
	row->condition = NULL;
}

int reeve_row_parse(const char *json, size_t len, uint32_t kind, uint64_t id,
	struct reeve_definition *ret_row, struct reeve_error *err)
{
	struct reeve_definition row;
	struct reeve_tree tree;
	int rc;

	if (kind >= REEVE_DEFINITION_KINDS)
		return reeve_node_refuse(&(struct reeve_tree){0}, NULL, REEVE_EINVALID_ARGUMENT,
			err, "kind %u of a definition is not known", kind);
	rc = reeve_tree_parse(json, len, "", &tree, err);
	if (rc)
		return rc;
	reeve_row_init(&row, kind);
	row.id = id;
	rc = reeve_row_read(&tree, tree.root, NULL, NULL, &row, err);
	reeve__row_complete(&row);
	reeve_tree_destroy(&tree);
	if (rc)
		reeve_row_fini(&row);
	else
		memcpy(ret_row, &row, sizeof(row));
	return rc;
}
