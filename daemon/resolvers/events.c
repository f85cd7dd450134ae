/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - what has happened: the list, and the subjects of subscriptions.
 *
 * The parent object of a root field of Subscription is the event that it answers, or NULL for a
 * period; the others are bound where the same is a query. A subject is a row: which events make it answer, or that it comes periodically.
 */
#include "resolvers/resolvers.h"
#include "stream/stream.h"

#include <stdio.h>
#include <string.h>

#define LIST_MAX   10000
#define PERIOD_MIN 100
#define PERIOD_MAX 3600000
#define KINDS	   63 /* a bit each in reeved_feed.kinds */

#define BIT(kind) REEVED_FEED_BIT(REEVE_EVENT_##kind)

/* 0: no such kind. */
static uint32_t find_kind(const char *name)
{
	for (uint32_t kind = 1; kind <= KINDS; kind++) {
		const struct reeve_event_row *row = reeve_event_row_of(kind);
		if (row != NULL && row->name != NULL && strcmp(row->name, name) == 0)
			return kind;
	}
	return 0;
}

/* The `kinds` argument as bits; all when it is not given, none when the list is empty. */
static uint64_t read_kinds(const struct reeve_gql_value *kinds)
{
	uint64_t bits = 0;
	if (reeve_gql_value_given(kinds) != REEVE_GQL_GIVEN)
		return REEVED_FEED_ALL;
	for (uint32_t i = 0; i < reeve_gql_value_count(kinds); i++) {
		const char *name = "";
		reeve_gql_value_str(reeve_gql_value_item(kinds, i), &name);
		bits |= REEVED_FEED_BIT(find_kind(name));
	}
	return bits & ~REEVED_FEED_BIT(0);
}

/* ResourceEvent */

static int resolve_kind(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_event *event = object;
	return reeve_gql_emit_str(ctx, reeve_event_row_of(event->kind)->name);
}

static int resolve_severity(struct reeve_gql_ctx *ctx, const void *object)
{
	static const char *const names[] = {"INFO", "WARNING", "ERROR"};
	const struct reeve_event *event = object;
	return reeve_gql_emit_str(ctx, event->severity < 3 ? names[event->severity] : names[2]);
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
	return event->code == 0 ? reeve_gql_emit_null(ctx)
				: reeve_gql_emit_str(ctx, reeve_error_row_of(event->code)->name);
}

static void write_number(struct reeve_json *json, const char *key, uint64_t number)
{
	if (number == 0)
		return;
	reeve_json_key(json, key);
	reeve_json_u64(json, number);
}

/* What the other fields do not say; members that the kind has no use for are left out. */
static int resolve_details(struct reeve_gql_ctx *ctx, const void *object)
{
	static const char *const actions[] = {"NONE", "LOG", "THROTTLE", "QUEUE", "SWITCH_GROUP",
		"CANCEL_QUERY", "TERMINATE_SESSION", "REJECT"};
	const struct reeve_event *event = object;
	const struct reeve_limit_row *limit = reeve_limit_row_of(event->limit_kind);
	struct reeve_json json;
	reeve_json_init(&json, 0);
	reeve_json_object_begin(&json);
	write_number(&json, "object", event->object);
	write_number(&json, "holder", event->holder.v);
	if (event->limit_kind != 0 && limit != NULL) {
		reeve_json_key(&json, "limitKind");
		reeve_json_str(&json, limit->name);
		reeve_json_key(&json, "unit");
		reeve_json_str(&json, limit->unit);
	}
	write_number(&json, "limit", event->limit);
	write_number(&json, "actual", event->actual);
	if (event->action != REEVE_ACTION_NONE && event->action < REEVED_COUNT(actions)) {
		reeve_json_key(&json, "action");
		reeve_json_str(&json, actions[event->action]);
	}
	if (event->text[0] != '\0') {
		reeve_json_key(&json, "text");
		reeve_json_str(&json, event->text);
	}
	reeve_json_object_end(&json);
	int rc = reeve_json_ok(&json) ? reeve_gql_emit_json(ctx, json.data, json.len)
				      : reeve_gql_fail(ctx, NULL, "Out of memory.");
	reeve_json_fini(&json);
	return rc;
}

/* The list */

struct listing {
	struct reeve_gql_ctx *ctx;
	uint32_t left;
};

static bool emit_event(void *arg, const struct reeve_event *event)
{
	struct listing *listing = arg;
	listing->left--;
	return reeve_gql_emit_object(listing->ctx, event) != REEVE_GQL_STOP && listing->left > 0;
}

static int resolve_list(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeved_feed feed = {.kinds = read_kinds(reeve_gql_arg(ctx, "kinds"))};
	struct listing listing = {ctx, 100};
	if (reeved_take_int(ctx, reeve_gql_arg(ctx, "limit"), "limit", 1, LIST_MAX, &listing.left) <
		0)
		return -1;
	reeve_gql_arg_u64(ctx, "afterSequence", &feed.last);
	uint64_t newest = reeve_event_newest(reeve); /* others may write as fast as this reads */
	reeve_gql_list_begin(ctx);
	while (reeved_feed_read(&feed, reeve, emit_event, &listing) && listing.left > 0 &&
		feed.last < newest)
		continue;
	return reeve_gql_list_end(ctx);
}

/* Subscriptions */

static int resolve_event(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_object(ctx, object);
}

static int resolve_session(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_event *event = object;
	return reeved_emit_session(ctx, event->session);
}

struct subject {
	const char *field;
	uint64_t kinds; /* of the events that it answers; 0: periodic */
};

static const struct subject subjects[] = {
	{"resourceEvents", REEVED_FEED_ALL},
	{"sessionChanged", BIT(SESSION_CREATED) | BIT(SESSION_STATE_CHANGED) |
				   BIT(SESSION_SWITCHED) | BIT(SESSION_TERMINATED) |
				   BIT(SESSION_QUEUED) | BIT(SESSION_DEQUEUED) |
				   BIT(PRIORITY_BOOSTED)},
	{"memoryPressureChanged", BIT(MEMORY_PRESSURE_CHANGED)},
	{"activePlanChanged", BIT(PLAN_SWITCHED)},
	{"consumerGroupStats", 0},
	{"resourceStats", 0},
};

static int open_periodic(const struct reeve_gql_subscription *subscription,
	struct reeved_topic *topic, struct reeve_error *err)
{
	int32_t period_ms = 1000;
	reeve_gql_value_i32(reeve_gql_subscription_arg(subscription, "intervalMs"), &period_ms);
	if (period_ms < PERIOD_MIN || period_ms > PERIOD_MAX) {
		err->code = REEVE_EINVALID_ARGUMENT;
		snprintf(err->text, sizeof(err->text), "intervalMs is %d, and must be %d to %d",
			period_ms, PERIOD_MIN, PERIOD_MAX);
		return err->code;
	}
	topic->period_ms = period_ms;
	return 0;
}

int reeved_subject_open(struct reeve *reeve, const struct reeve_gql_subscription *subscription,
	uint64_t last_event, struct reeved_topic *topic, struct reeve_error *err)
{
	const char *field = reeve_gql_subscription_field(subscription);
	struct reeved_feed *feed = &topic->feed;
	const struct subject *subject = subjects;
	while (strcmp(subject->field, field) != 0)
		subject++; /* the schema has no others */
	if (subject->kinds == 0)
		return open_periodic(subscription, topic, err);
	feed->kinds = subject->kinds;
	feed->last = last_event != 0 ? last_event : reeve_event_newest(reeve);
	if (strcmp(field, "sessionChanged") == 0)
		reeve_gql_value_u64(
			reeve_gql_subscription_arg(subscription, "sessionId"), &feed->session);
	if (strcmp(field, "resourceEvents") != 0)
		return 0;
	feed->kinds = read_kinds(reeve_gql_subscription_arg(subscription, "kinds"));
	reeve_gql_value_u64(reeve_gql_subscription_arg(subscription, "groupId"), &feed->group);
	reeve_gql_value_u64(reeve_gql_subscription_arg(subscription, "sessionId"), &feed->session);
	if (last_event == 0)
		reeve_gql_value_u64(
			reeve_gql_subscription_arg(subscription, "afterSequence"), &feed->last);
	return 0;
}

#define E "ResourceEvent"
#define ID(field, member)                                                                          \
	UINT(E, field, struct reeve_event, member, .flags = REEVE_GQL_ZERO_IS_NULL)
static const struct reeve_gql_binding rows[] = {
	UINT(E, "sequence", struct reeve_event, sequence, ),
	TIME_NS(E, "at", struct reeve_event, wall, ),
	FN(E, "kind", resolve_kind),
	FN(E, "severity", resolve_severity),
	FN(E, "message", resolve_message),
	ID("groupId", group.v),
	ID("sessionId", session.v),
	ID("planId", plan.v),
	ID("queryId", query),
	FN(E, "errorCode", resolve_code),
	FN(E, "details", resolve_details),
	FN("Query", "listResourceEvents", resolve_list),
	FN("Subscription", "resourceEvents", resolve_event),
	FN("Subscription", "sessionChanged", resolve_session),
};
const struct reeve_gql_table reeved_event_table = {rows, REEVED_COUNT(rows)};
