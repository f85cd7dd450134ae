/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - what has happened, from the ring of the segment. */
#include "resolvers/resolvers.h"

#include <string.h>

#define BATCH	  32
#define LIMIT_MAX 10000u
#define NAMES_MAX 1024

static int resolve_kind(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_event *event = object;
	const struct reeve_event_row *row = reeve_event_row_of(event->kind);
	if (row == NULL)
		return reeved_refuse(ctx, REEVE_EINTERNAL, "event %llu is of the unknown kind %u",
			(unsigned long long)event->sequence, event->kind);
	return reeve_gql_emit_str(ctx, row->name);
}

static int resolve_message(struct reeve_gql_ctx *ctx, const void *object)
{
	char text[512];
	reeve_event_format(object, text, sizeof(text));
	return reeve_gql_emit_str(ctx, text);
}

static int resolve_code(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_event *event = object;
	if (event->code == 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_str(ctx, reeve_error_row_of(event->code)->name);
}

static void write_number(struct reeve_json *json, const char *key, uint64_t v)
{
	if (v == 0)
		return;
	reeve_json_key(json, key);
	reeve_json_u64(json, v);
}

/* What else the event says; null when that is nothing. */
static int resolve_details(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_event *event = object;
	const struct reeve_limit_row *limit = reeve_limit_row_of(event->limit_kind);
	struct reeve_json json;
	reeve_json_init(&json, NAMES_MAX);
	reeve_json_object_begin(&json);
	if (event->text[0] != '\0') {
		reeve_json_key(&json, "text");
		reeve_json_str(&json, event->text);
	}
	if (limit != NULL && event->limit_kind != REEVE_LIMIT_NONE) {
		reeve_json_key(&json, "limitKind");
		reeve_json_str(&json, limit->name);
	}
	write_number(&json, "limit", event->limit);
	write_number(&json, "actual", event->actual);
	write_number(&json, "object", event->object);
	write_number(&json, "holder", event->holder.v);
	reeve_json_object_end(&json);
	int rc = reeve_json_ok(&json) && json.len > 2
			 ? reeve_gql_emit_json(ctx, json.data, json.len)
			 : reeve_gql_emit_null(ctx);
	reeve_json_fini(&json);
	return rc;
}

/* Kinds asked for, as bits by kind; none given: all. */
static uint64_t read_kinds(struct reeve_gql_ctx *ctx)
{
	const struct reeve_gql_value *list = reeve_gql_arg(ctx, "kinds");
	uint64_t bits = 0;
	if (reeve_gql_value_given(list) != REEVE_GQL_GIVEN)
		return UINT64_MAX;
	for (uint32_t i = 0; i < reeve_gql_value_count(list); i++) {
		const char *name = "";
		reeve_gql_value_str(reeve_gql_value_item(list, i), &name);
		for (uint32_t kind = 1; kind <= REEVE_EVENT_LAST; kind++) {
			if (strcmp(name, reeve_event_row_of(kind)->name) == 0)
				bits |= (uint64_t)1 << kind;
		}
	}
	return bits;
}

static int resolve_list(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_event events[BATCH];
	uint64_t after = reeved_arg_id(ctx, "afterSequence"), kinds = read_kinds(ctx);
	uint32_t left = 0, n;
	int given = reeved_take_int(ctx, reeve_gql_arg(ctx, "limit"), "limit", 1, LIMIT_MAX, &left);
	if (given < 0)
		return -1;
	if (given == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "limit");
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_event_copy(reeved_segment_of(ctx), after, events, BATCH, &after, NULL);
		for (uint32_t i = 0; i < n && left > 0; i++) {
			if ((kinds >> events[i].kind & 1) == 0)
				continue;
			reeve_gql_emit_object(ctx, &events[i]);
			left--;
		}
	} while (n > 0 && left > 0);
	return reeve_gql_list_end(ctx);
}

#define E "ResourceEvent"
static const struct reeve_gql_binding rows[] = {
	UINT(E, "sequence", struct reeve_event, sequence, ),
	TIME_NS(E, "at", struct reeve_event, wall, ),
	FN(E, "kind", resolve_kind),
	FN(E, "message", resolve_message),
	UINT(E, "groupId", struct reeve_event, group.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(E, "sessionId", struct reeve_event, session.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(E, "planId", struct reeve_event, plan.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(E, "queryId", struct reeve_event, query, .flags = REEVE_GQL_ZERO_IS_NULL),
	FN(E, "errorCode", resolve_code),
	FN(E, "details", resolve_details),
	FN("Query", "listResourceEvents", resolve_list),
};
const struct reeve_gql_table reeved_event_table = {rows, REEVED_COUNT(rows)};
