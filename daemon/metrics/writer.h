/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - the text form of metrics: families, then their samples, in order.
 *
 *	reeved_metrics_family(&w, COUNTER, "reeve_cpu_seconds", "seconds", "CPU charged.");
 *	reeved_metrics_sample(&w, "group", "BATCH_GROUP", 1.5);
 *
 *	# HELP reeve_cpu_seconds CPU charged.          (0.0.4: reeve_cpu_seconds_total)
 *	# TYPE reeve_cpu_seconds counter
 *	# UNIT reeve_cpu_seconds seconds               (OpenMetrics only)
 *	reeve_cpu_seconds_total{group="BATCH_GROUP"} 1.5
 */
#ifndef REEVE_DAEMON_METRICS_WRITER_H
#define REEVE_DAEMON_METRICS_WRITER_H

#include "json/json.h"

enum reeved_metric_type { REEVED_COUNTER, REEVED_GAUGE, REEVED_INFO_METRIC, REEVED_HISTOGRAM };

struct reeved_metrics_writer {
	struct reeve_json *out;
	bool is_openmetrics;
	enum reeved_metric_type type; /* of the present family */
	const char *name;
};

/* Name and help need no escaping. `unit` NULL: none; else the name ends in it. */
void reeved_metrics_family(struct reeved_metrics_writer *w, enum reeved_metric_type type,
	const char *name, const char *unit, const char *help);

/* One or two labels; a NULL key ends them. Values are escaped. */
struct reeved_label {
	const char *key, *value;
};
void reeved_metrics_real(struct reeved_metrics_writer *w, struct reeved_label first,
	struct reeved_label second, double value);
void reeved_metrics_whole(struct reeved_metrics_writer *w, struct reeved_label first,
	struct reeved_label second, uint64_t value);

/*
 * A histogram of spans in seconds: _bucket for bounds of 1 us to 69 s, each four times the last, then
 * _sum and _count. counts[i] is how many spans
 * were below 2^(first_end_bit + i) ns and not in those before; the last holds all longer ones too.
 */
void reeved_metrics_histogram(struct reeved_metrics_writer *w, struct reeved_label label,
	const uint64_t *counts, size_t n, unsigned first_end_bit, uint64_t count, uint64_t sum_ns);

#define REEVED_NO_LABEL ((struct reeved_label){NULL, NULL})

/* "# EOF" where the form has it. */
void reeved_metrics_end(struct reeved_metrics_writer *w);

#endif
