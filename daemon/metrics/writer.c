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
		break;
	}
	return "";
}

static const char *type_name(const struct reeved_metrics_writer *w)
{
	if (w->type == REEVED_COUNTER)
		return "counter";
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

static void put_series(
	struct reeved_metrics_writer *w, struct reeved_label first, struct reeved_label second)
{
	put(w, w->name);
	put(w, suffix_of(w->type));
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

void reeved_metrics_real(struct reeved_metrics_writer *w, struct reeved_label first,
	struct reeved_label second, double value)
{
	put_series(w, first, second);
	reeve_json_double(w->out, value);
	put(w, "\n");
}

void reeved_metrics_whole(struct reeved_metrics_writer *w, struct reeved_label first,
	struct reeved_label second, uint64_t value)
{
	char text[24];
	put_series(w, first, second);
	snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	put(w, text);
}

void reeved_metrics_end(struct reeved_metrics_writer *w)
{
	if (w->is_openmetrics)
		put(w, "# EOF\n");
}
