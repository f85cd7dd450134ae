/* SPDX-License-Identifier: Apache-2.0 */
/* event_api.c - reading events, and events as sentences. */
#include "../engine/engine.h"

#include <stdio.h>

REEVE_API uint32_t reeve_event_copy(struct reeve *reeve, uint64_t after,
	struct reeve_event *ret_events, uint32_t capacity, uint64_t *ret_next, uint64_t *ret_lost)
{
	if (!reeve || (!ret_events && capacity))
		return 0;
	return reeve__event_copy(reeve, after, ret_events, capacity, ret_next, ret_lost);
}

REEVE_API uint64_t reeve_event_newest(struct reeve *reeve)
{
	return reeve ? reeve__get(&reeve->header->events.next) - 1 : 0;
}

REEVE_API int reeve_event_wait(
	struct reeve *reeve, uint64_t after, reeve_ns deadline, struct reeve_error *err)
{
	if (!reeve)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	if (deadline < 0)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"deadline is %lld; allowed are instants from 0", (long long)deadline);
	return reeve__event_wait(reeve, after, deadline, err);
}

/* ---- as a sentence ---- */

struct text {
	char *to;
	size_t size, length;
};

static void put_bytes(struct text *t, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++, t->length++)
		if (t->length + 1 < t->size)
			t->to[t->length] = bytes[i];
}

static void put_text(struct text *t, const char *text)
{
	put_bytes(t, text, strlen(text));
}

static void put_number(struct text *t, uint64_t n)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	put_text(t, digits);
}

/* A quantity in the unit of its limit; times in seconds. */
static void put_quantity(struct text *t, uint32_t limit_kind, uint64_t n)
{
	const struct reeve_limit_row *row = reeve_limit_row_of(limit_kind);
	char seconds[40];

	if (n == REEVE_UNLIMITED) {
		put_text(t, "none");
	} else if (row && strcmp(row->unit, "ns") == 0) {
		snprintf(seconds, sizeof(seconds), "%llu.%03llu s",
			(unsigned long long)(n / 1000000000),
			(unsigned long long)(n % 1000000000 / 1000000));
		put_text(t, seconds);
	} else {
		put_number(t, n);
		if (row && *row->unit && limit_kind != REEVE_LIMIT_ACTIVE_SESSIONS) {
			put_text(t, " ");
			put_text(t, row->unit);
		}
	}
}

static bool is_field(const char *at, size_t n, const char *name)
{
	return strlen(name) == n && memcmp(at, name, n) == 0;
}

/* The field whose name, n bytes long, stands at `at`. */
static void put_field(struct text *t, const struct reeve_event *e, const char *at, size_t n)
{
	const struct reeve_limit_row *limit = reeve_limit_row_of(e->limit_kind);
	struct {
		const char *name;
		uint64_t number;
	} const numbers[] = {{"group", e->group.v}, {"session", e->session.v}, {"plan", e->plan.v},
		{"object", e->object}, {"query", e->query}, {"holder", e->holder.v}};

	for (size_t i = 0; i < REEVE_COUNT(numbers); i++)
		if (is_field(at, n, numbers[i].name))
			put_number(t, numbers[i].number);
	if (is_field(at, n, "limit"))
		put_quantity(t, e->limit_kind, e->limit);
	else if (is_field(at, n, "actual"))
		put_quantity(t, e->limit_kind, e->actual);
	else if (is_field(at, n, "reason"))
		put_text(t, limit ? limit->text : "");
	else if (is_field(at, n, "text"))
		put_bytes(t, e->text, strnlen(e->text, sizeof(e->text) - 1));
}

REEVE_API size_t reeve_event_format(const struct reeve_event *event, char *to, size_t size)
{
	struct text t = {to, size, 0};
	const struct reeve_event_row *row = event ? reeve_event_row_of(event->kind) : NULL;
	const char *at = row ? row->text : "unknown event", *end;

	for (; *at; at = end) {
		end = at + 1;
		if (*at == '{' && (end = strchr(at, '}'))) {
			put_field(&t, event, at + 1, (size_t)(end - at - 1));
			end++;
		} else {
			end = at + 1;
			put_bytes(&t, at, 1);
		}
	}
	if (size)
		to[t.length < size ? t.length : size - 1] = 0;
	return t.length;
}
