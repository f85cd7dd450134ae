/* SPDX-License-Identifier: Apache-2.0 */
/* common.c - what resolvers of all kinds need; see resolvers.h. */
#include "resolvers/resolvers.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAGE_MAX 10000

int reeved_fail(struct reeve_gql_ctx *ctx, const struct reeve_error *err)
{
	const struct reeve_error_row *row = reeve_error_row_of(err->code);
	return reeve_gql_fail(ctx, row->name, "%s: %s", row->prefix, err->text);
}

int reeved_refuse(struct reeve_gql_ctx *ctx, int code, const char *format, ...)
{
	struct reeve_error err = {.code = code};
	va_list args;
	va_start(args, format);
	vsnprintf(err.text, sizeof(err.text), format, args);
	va_end(args);
	return reeved_fail(ctx, &err);
}

int reeved_refuse_null(struct reeve_gql_ctx *ctx, const char *name)
{
	return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "%s cannot be null", name);
}

int reeved_emit_done(struct reeve_gql_ctx *ctx, const char *format, ...)
{
	struct reeved_done done;
	va_list args;
	va_start(args, format);
	vsnprintf(done.message, sizeof(done.message), format, args);
	va_end(args);
	return reeve_gql_emit_object(ctx, &done);
}

uint64_t reeved_revision(struct reeve_gql_ctx *ctx)
{
	struct reeve_segment_info info;
	reeve_segment_get(reeved_segment_of(ctx), &info);
	return info.revision;
}

int reeved_resolve_true(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeve_gql_emit_bool(ctx, true);
}

int reeved_resolve_revision(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeve_gql_emit_u64(ctx, reeved_revision(ctx));
}

int reeved_emit_text(struct reeve_gql_ctx *ctx, const char *text)
{
	return reeve_gql_emit_str(ctx, text[0] != '\0' ? text : NULL);
}

int reeved_emit_limit(struct reeve_gql_ctx *ctx, uint64_t limit)
{
	if (limit == REEVE_UNLIMITED)
		return reeve_gql_emit_null(ctx);
	/* Another program may have set more than an Int holds; no counter gets there. */
	return reeve_gql_emit_u64(ctx, limit > INT32_MAX ? INT32_MAX : limit);
}

uint64_t reeved_arg_id(const struct reeve_gql_ctx *ctx, const char *name)
{
	uint64_t id = 0;
	reeve_gql_arg_u64(ctx, name, &id);
	return id;
}

const char *reeved_arg_text(const struct reeve_gql_ctx *ctx, const char *name)
{
	const char *text = "";
	reeve_gql_arg_str(ctx, name, &text);
	return text;
}

/* The next letter that counts, lower case; '\0' at the end. */
static int next_letter(const char **text)
{
	while (**text == '_' || **text == '-')
		(*text)++;
	return **text == '\0' ? '\0' : tolower((unsigned char)*(*text)++);
}

static bool names_match(const char *a, const char *b)
{
	int letter;
	do {
		letter = next_letter(&a);
		if (letter != next_letter(&b))
			return false;
	} while (letter != '\0');
	return true;
}

int reeved_parse_name(struct reeve_gql_ctx *ctx, const char *argument, const char *text,
	const char *const *names, size_t n_names, uint32_t *ret_index)
{
	char choices[256];
	size_t len = 0;
	for (size_t i = 0; i < n_names; i++) {
		if (names_match(text, names[i])) {
			*ret_index = (uint32_t)i;
			return 0;
		}
	}
	choices[0] = '\0';
	for (size_t i = 0; i < n_names && len < sizeof(choices); i++)
		len += (size_t)snprintf(
			choices + len, sizeof(choices) - len, "%s%s", i == 0 ? "" : ", ", names[i]);
	return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "%s \"%.40s\" is none of %s", argument,
		text, choices);
}

int reeved_take_int(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value,
	const char *name, uint32_t least, uint32_t most, uint32_t *ret)
{
	int32_t number = 0;
	enum reeve_gql_given given = reeve_gql_value_i32(value, &number);
	if (given != REEVE_GQL_GIVEN)
		return (int)given;
	if (number < 0 || (uint32_t)number < least || (uint32_t)number > most)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "%s is %d, and must be %u to %u",
			name, number, least, most);
	*ret = (uint32_t)number;
	return (int)given;
}

int reeved_parse_page(struct reeve_gql_ctx *ctx, struct reeved_page *ret_page)
{
	const struct reeve_gql_value *page = reeve_gql_arg(ctx, "page");
	struct reeved_page parsed = {0, 1000};
	if (reeve_gql_value_given(page) == REEVE_GQL_GIVEN) {
		reeve_gql_value_u64(reeve_gql_value_member(page, "afterId"), &parsed.after);
		if (reeved_take_int(ctx, reeve_gql_value_member(page, "limit"), "limit", 1,
			    PAGE_MAX, &parsed.left) < 0)
			return -1;
	}
	*ret_page = parsed;
	return 0;
}

int reeved_parse_seconds(
	struct reeve_gql_ctx *ctx, const char *name, uint64_t seconds, uint64_t *ret_ns)
{
	const uint64_t most = (uint64_t)INT64_MAX / (uint64_t)REEVE_SEC;
	if (seconds > most)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"%s is %llu seconds, and must be at most %llu", name,
			(unsigned long long)seconds, (unsigned long long)most);
	*ret_ns = seconds * (uint64_t)REEVE_SEC;
	return 0;
}

int reeved_read_days(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *list,
	const char *name, uint32_t *days)
{
	for (uint32_t i = 0; i < reeve_gql_value_count(list); i++) {
		uint32_t day = 0;
		if (reeved_take_int(ctx, reeve_gql_value_item(list, i), name, 0, 6, &day) < 0)
			return -1;
		*days |= 1u << day;
	}
	if (*days == 0)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"%s is empty, and must have at least one day", name);
	return 0;
}

int reeved_emit_latency(struct reeve_gql_ctx *ctx, const struct reeve_latency *latency)
{
	struct reeve_wait_latency wait = {
		.count = latency->count,
		.mean_ns = latency->count > 0 ? latency->sum_ns / latency->count : 0,
		.min_ns = latency->min_ns,
		.p50_ns = reeve_latency_at(latency, 500000),
		.p90_ns = reeve_latency_at(latency, 900000),
		.p99_ns = reeve_latency_at(latency, 990000),
		.p999_ns = reeve_latency_at(latency, 999000),
		.max_ns = latency->max_ns,
	};
	return reeve_gql_emit_object(ctx, &wait);
}

int reeved_emit_mono(struct reeve_gql_ctx *ctx, reeve_ns mono)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	if (mono == 0 || mono == REEVE_NEVER)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_time_ns(ctx, reeve_now_wall(reeve) + (mono - reeve_now_mono(reeve)));
}

#define L "LatencySummary"
#define SPAN_US(field_, member_)                                                                   \
	UINT(L, field_, struct reeve_wait_latency, member_, .divisor = 1000)
static const struct reeve_gql_binding rows[] = {
	UINT(L, "count", struct reeve_wait_latency, count, ),
	SPAN_US("meanUs", mean_ns),
	SPAN_US("minUs", min_ns),
	SPAN_US("p50Us", p50_ns),
	SPAN_US("p90Us", p90_ns),
	SPAN_US("p99Us", p99_ns),
	SPAN_US("p999Us", p999_ns),
	SPAN_US("maxUs", max_ns),
	FN("OperationResult", "success", reeved_resolve_true),
	CHARS("OperationResult", "message", struct reeved_done, message),
	FN("OperationResult", "revision", reeved_resolve_revision),
};
const struct reeve_gql_table reeved_common_table = {rows, REEVED_COUNT(rows)};
