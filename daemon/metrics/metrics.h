/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - everything that is counted, as text for Prometheus.
 *
 * Two forms, chosen by the Accept header: OpenMetrics 1.0 when it is asked for by name and not
 * refused by q=0, else the older Prometheus text 0.0.4. Labels are bounded: consumer groups, plans,
 * and fixed words. Nothing is kept: all values are read when asked for.
 */
#ifndef REEVE_DAEMON_METRICS_H
#define REEVE_DAEMON_METRICS_H

#include "json/json.h"
#include "metrics/writer.h"
#include "reeved.h"

/* Appends the whole text to `out`, and returns its content type. `accept` NULL: not given. */
const char *reeved_metrics_write(struct reeved *daemon, const char *accept, struct reeve_json *out);

/* A part of it: what the modules count. */
void reeved_metrics_write_modules(
	struct reeved_metrics_writer *w, struct reeve *reeve, const struct reeve_stats *stats);

/* True when the Accept header prefers OpenMetrics. */
bool reeved_metrics_wants_openmetrics(const char *accept);

#endif
