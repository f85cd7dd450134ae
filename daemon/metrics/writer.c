/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c - see writer.h. */
#include "metrics/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct reeved_metrics_writer *w, const char *text)
{
	reeve_json_raw(w->out, text, strlen(text));
}

static const char *suffix_of(enum reeved_metric_type type)
{
	switch (type) {
	case REEVED_COUNTER:
		return "_total";
	case REEVED_INFO_METRIC:
		return "_info";
	case REEVED_GAUGE:
	case REEVED_HISTOGRAM:
		break;
	}
	return "";
}

static const char *type_name(const struct reeved_metrics_writer *w)
{
	if (w->type == REEVED_COUNTER)
		return "counter";
	if (w->type == REEVED_HISTOGRAM)
		return "histogram";
	return w->type == REEVED_INFO_METRIC && w->is_openmetrics ? "info" : "gauge";
}

static void put_comment(struct reeved_metrics_writer *w, const char *what, const char *text)
{
	put(w, "# ");
	put(w, what);
	put(w, " ");
	put(w, w->name);
	if (!w->is_openmetrics)
		put(w, suffix_of(w->type));
	put(w, " ");
	put(w, text);
	put(w, "\n");
}

void reeved_metrics_family(struct reeved_metrics_writer *w, enum reeved_metric_type type,
	const char *name, const char *unit, const char *help)
{
	w->type = type;
	w->name = name;
	put_comment(w, "HELP", help);
	put_comment(w, "TYPE", type_name(w));
	if (w->is_openmetrics && unit != NULL)
		put_comment(w, "UNIT", unit);
}

static void put_label(struct reeved_metrics_writer *w, struct reeved_label label)
{
	put(w, label.key);
	put(w, "=\"");
	for (const char *c = label.value; *c != '\0'; c++) {
		if (*c == '\n')
			put(w, "\\n");
		else if (*c == '"')
			put(w, "\\\"");
		else if (*c == '\\')
			put(w, "\\\\");
		else
			reeve_json_raw(w->out, c, 1);
	}
	put(w, "\"");
}

static void put_named_series(struct reeved_metrics_writer *w, const char *suffix,
	struct reeved_label first, struct reeved_label second)
{
	put(w, w->name);
	put(w, suffix);
	if (first.key != NULL) {
		put(w, "{");
		put_label(w, first);
		if (second.key != NULL) {
			put(w, ",");
			put_label(w, second);
		}
		put(w, "}");
	}
	put(w, " ");
}

static void put_series(
	struct reeved_metrics_writer *w, struct reeved_label first, struct reeved_label second)
{
	put_named_series(w, suffix_of(w->type), first, second);
}

void reeved_metrics_real(struct reeved_metrics_writer *w, struct reeved_label first,
	struct reeved_label second, double value)
{
	put_series(w, first, second);
	reeve_json_double(w->out, value);
	put(w, "\n");
}

static void put_whole(struct reeved_metrics_writer *w, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	put(w, text);
}

void reeved_metrics_whole(struct reeved_metrics_writer *w, struct reeved_label first,
	struct reeved_label second, uint64_t value)
{
	put_series(w, first, second);
	put_whole(w, value);
}

static void put_bucket(
	struct reeved_metrics_writer *w, struct reeved_label label, const char *end, uint64_t count)
{
	struct reeved_label le = {"le", end};
	if (label.key != NULL)
		put_named_series(w, "_bucket", label, le);
	else
		put_named_series(w, "_bucket", le, REEVED_NO_LABEL);
	put_whole(w, count);
}

void reeved_metrics_histogram(struct reeved_metrics_writer *w, struct reeved_label label,
	const uint64_t *counts, size_t n, unsigned first_end_bit, uint64_t count, uint64_t sum_ns)
{
	uint64_t below = 0;
	size_t i = 0;
	for (unsigned bit = 10; bit <= 36; bit += 2) {
		char end[32];
		while (i + 1 < n && first_end_bit + i <= bit)
			below += counts[i++];
		snprintf(end, sizeof(end), "%.9g", (double)((uint64_t)1 << bit) / 1e9);
		put_bucket(w, label, end, below);
	}
	put_bucket(w, label, "+Inf", count);
	put_named_series(w, "_sum", label, REEVED_NO_LABEL);
	reeve_json_double(w->out, (double)sum_ns / 1e9);
	put(w, "\n");
	put_named_series(w, "_count", label, REEVED_NO_LABEL);
	put_whole(w, count);
}

void reeved_metrics_end(struct reeved_metrics_writer *w)
{
	if (w->is_openmetrics)
		put(w, "# EOF\n");
}
