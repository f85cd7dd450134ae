/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.c - see measure.h.
 *
 * Lead and lag are all-pairs: the largest difference, over any stretch [s, t] inside the range,
 * between the CPU a group got and its share of what all groups got, in the one or other direction.
 */
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static size_t cell_of(reeve_ns at)
{
	return (size_t)(at / RECORD_CELL_NS);
}

/* CPU, bytes or requests of one group in one cell. */
static double amount_of(
	const struct record *record, enum scn_metric metric, uint32_t group, size_t cell)
{
	switch (metric) {
	case SCN_IO_SHARE:
	case SCN_IO_RATE:
		return (double)record->io_bytes[group][cell];
	case SCN_IOPS:
		return (double)record->io_requests[group][cell];
	default:
		return (double)record->cpu_ns[group][cell];
	}
}

/* The same of all groups for SCN_NONE. */
static double amount_in_cell(
	const struct record *record, enum scn_metric metric, uint32_t group, size_t cell)
{
	double sum = 0.0;

	if (group != SCN_NONE)
		return amount_of(record, metric, group, cell);
	for (uint32_t i = 0; i < record->group_count; i++)
		sum += amount_of(record, metric, i, cell);
	return sum;
}

static double cpu_in_cell(const struct record *record, uint32_t group, size_t cell)
{
	return amount_in_cell(record, SCN_USAGE, group, cell);
}

/* Whether `a` is worse than `b` for an expectation. */
static bool is_worse(const struct scn_expect *expect, double a, double b)
{
	switch (expect->relation) {
	case SCN_LESS:
	case SCN_AT_MOST:
		return a > b;
	case SCN_MORE:
	case SCN_AT_LEAST:
		return a < b;
	case SCN_EQUAL:
		break;
	}
	return fabs(a - expect->value) > fabs(b - expect->value);
}

/*
 * Percent of `part` in `whole`: a group of all groups, or of the machine; or `part` a second. `length`
 * is in cells.
 */
static double ratio_of(
	const struct scn_expect *expect, double part, double all, size_t length, uint32_t cores)
{
	double ns = (double)length * (double)RECORD_CELL_NS;

	switch (expect->metric) {
	case SCN_SHARE:
	case SCN_IO_SHARE:
		return all > 0.0 ? 100.0 * part / all : NAN;
	case SCN_IO_RATE:
	case SCN_IOPS:
		return part / ns * 1e9;
	default:
		return 100.0 * part / ns / cores;
	}
}

/* Share, usage, utilization or rate of the range, or of the worst window in it. */
static double measure_ratio(const struct scenario *scenario, const struct record *record,
	const struct scn_expect *expect)
{
	size_t first = cell_of(expect->from), end = cell_of(expect->to);
	size_t length = expect->window_ns == 0 ? end - first : cell_of(expect->window_ns);
	uint32_t group = expect->metric == SCN_UTILIZATION ? SCN_NONE : expect->group;
	double part = 0.0, all = 0.0, worst = NAN;

	for (size_t cell = first; cell < end; cell++) {
		double ratio;

		part += amount_in_cell(record, expect->metric, group, cell);
		all += amount_in_cell(record, expect->metric, SCN_NONE, cell);
		if (cell + 1 < first + length)
			continue;
		ratio = ratio_of(expect, part, all, length, scenario->machine.cores);
		if (!isnan(ratio) && (isnan(worst) || is_worse(expect, ratio, worst)))
			worst = ratio;
		part -= amount_in_cell(record, expect->metric, group, cell + 1 - length);
		all -= amount_in_cell(record, expect->metric, SCN_NONE, cell + 1 - length);
	}
	return worst;
}

static double measure_lead(const struct record *record, const struct scn_expect *expect)
{
	double sign = expect->metric == SCN_LEAD ? 1.0 : -1.0;
	double ahead = 0.0, lowest = 0.0, worst = 0.0;

	for (size_t cell = cell_of(expect->from); cell < cell_of(expect->to); cell++) {
		ahead += sign *
			 (cpu_in_cell(record, expect->group, cell) -
				 expect->of_pct / 100.0 * cpu_in_cell(record, SCN_NONE, cell));
		lowest = fmin(lowest, ahead);
		worst = fmax(worst, ahead - lowest);
	}
	return worst;
}

/* The longest time without any CPU, in whole cells. */
static double measure_gap(const struct record *record, const struct scn_expect *expect)
{
	size_t length = 0, longest = 0;

	for (size_t cell = cell_of(expect->from); cell < cell_of(expect->to); cell++) {
		length = record->cpu_ns[expect->group][cell] == 0 ? length + 1 : 0;
		if (length > longest)
			longest = length;
	}
	return (double)longest * (double)RECORD_CELL_NS;
}

static double measure_idle(const struct record *record, const struct scn_expect *expect)
{
	uint32_t index = expect->group == SCN_NONE ? record->group_count : expect->group;
	const struct record_idle *idle = &record->idle[index];
	reeve_ns longest = 0;

	for (size_t i = 0; i < idle->count; i++) {
		reeve_ns from = idle->items[i].from, to = idle->items[i].to;

		from = from < expect->from ? expect->from : from;
		to = to > expect->to ? expect->to : to;
		if (to - from > longest)
			longest = to - from;
	}
	return (double)longest;
}

static bool is_meant(const struct scn_expect *expect, const struct record_sample *sample)
{
	return (expect->group == SCN_NONE || sample->group == expect->group) &&
	       sample->at >= expect->from && sample->at <= expect->to;
}

static double count_samples(
	const struct record *record, enum record_kind kind, const struct scn_expect *expect)
{
	const struct record_samples *samples = &record->samples[kind];
	double count = 0.0;

	for (size_t i = 0; i < samples->count; i++)
		count += is_meant(expect, &samples->items[i]);
	return count;
}

static int compare_ns(const void *a, const void *b)
{
	reeve_ns x = *(const reeve_ns *)a, y = *(const reeve_ns *)b;

	return x < y ? -1 : x > y;
}

static double compute_statistic(reeve_ns *values, size_t count, const struct scn_expect *expect)
{
	double sum = 0.0;
	size_t rank;

	if (count == 0)
		return NAN;
	if (expect->statistic == SCN_MEAN) {
		for (size_t i = 0; i < count; i++)
			sum += (double)values[i];
		return sum / (double)count;
	}
	qsort(values, count, sizeof(*values), compare_ns);
	if (expect->statistic == SCN_MAX)
		return (double)values[count - 1];
	/* nearest rank: the smallest value that at least this part of all does not exceed */
	rank = (size_t)ceil(expect->quantile * (double)count);
	return (double)values[rank == 0 ? 0 : rank - 1];
}

static double measure_samples(
	const struct record *record, enum record_kind kind, const struct scn_expect *expect)
{
	const struct record_samples *samples = &record->samples[kind];
	reeve_ns *values = malloc((samples->count + 1) * sizeof(*values));
	size_t count = 0;
	double measured;

	if (values == NULL)
		return NAN;
	for (size_t i = 0; i < samples->count; i++) {
		if (is_meant(expect, &samples->items[i]))
			values[count++] = samples->items[i].ns;
	}
	measured = compute_statistic(values, count, expect);
	free(values);
	return measured;
}

static bool is_event_meant(const struct scn_expect *expect, const struct record_event *event)
{
	return event->kind == expect->event &&
	       (expect->limit == 0 || event->limit == expect->limit) &&
	       (expect->group == SCN_NONE || event->group == expect->group) &&
	       event->at >= expect->from && event->at <= expect->to;
}

static double measure_events(const struct record *record, const struct scn_expect *expect)
{
	reeve_ns *values = malloc((record->event_count + 1) * sizeof(*values));
	size_t count = 0;
	double measured;

	if (values == NULL)
		return NAN;
	for (size_t i = 0; i < record->event_count; i++) {
		if (is_event_meant(expect, &record->events[i]))
			values[count++] = record->events[i].over;
	}
	measured = expect->metric == SCN_EVENTS ? (double)count
						: compute_statistic(values, count, expect);
	free(values);
	return measured;
}

/* Metrics that count, or weigh, samples of one kind. */
static const struct {
	enum scn_metric metric;
	enum record_kind kind;
	bool is_count;
} sampled[] = {
	{SCN_WAIT, RECORD_WAIT, false},
	{SCN_PARK, RECORD_PARK, false},
	{SCN_LATENCY, RECORD_LATENCY, false},
	{SCN_STATEMENTS, RECORD_LATENCY, true},
	{SCN_PARKS, RECORD_PARK, true},
	{SCN_SHIELD_PARKS, RECORD_SHIELD_PARK, true},
	{SCN_TIMEOUTS, RECORD_TIMEOUT, true},
	{SCN_CANCELS, RECORD_CANCEL, true},
	{SCN_QUEUE_TIMEOUTS, RECORD_QUEUE_TIMEOUT, true},
	{SCN_REFUSALS, RECORD_REFUSAL, true},
	{SCN_KILLS, RECORD_KILL, true},
	{SCN_ACTIVE, RECORD_ACTIVE, false},
	{SCN_SERVERS, RECORD_SERVERS, false},
	{SCN_DEGREE, RECORD_DEGREE, false},
	{SCN_MEMORY_USE, RECORD_MEMORY, false},
	{SCN_IO_WAIT, RECORD_IO_WAIT, false},
	{SCN_IO_LATENCY, RECORD_IO_LATENCY, false},
};

double measure(const struct scenario *scenario, const struct outcome *outcome,
	const struct scn_expect *expect)
{
	const struct record *record = &outcome->record;

	for (size_t i = 0; i < sizeof(sampled) / sizeof(sampled[0]); i++) {
		if (sampled[i].metric == expect->metric)
			return sampled[i].is_count
				       ? count_samples(record, sampled[i].kind, expect)
				       : measure_samples(record, sampled[i].kind, expect);
	}
	switch (expect->metric) {
	case SCN_LEAD:
	case SCN_LAG:
		return measure_lead(record, expect);
	case SCN_GAP:
		return measure_gap(record, expect);
	case SCN_IDLE_WAIT:
		return measure_idle(record, expect);
	case SCN_EVENTS:
	case SCN_OVERRUN:
		return measure_events(record, expect);
	case SCN_CHARGED:
		break;
	default:
		return measure_ratio(scenario, record, expect);
	}
	if (record->total_ns[expect->group] == 0)
		return NAN;
	return 100.0 * (double)outcome->charged_ns[expect->group] /
	       (double)record->total_ns[expect->group];
}

bool measure_is_met(const struct scn_expect *expect, double measured)
{
	if (isnan(measured))
		return false;
	switch (expect->relation) {
	case SCN_LESS:
		return measured < expect->value;
	case SCN_AT_MOST:
		return measured <= expect->value;
	case SCN_MORE:
		return measured > expect->value;
	case SCN_AT_LEAST:
		return measured >= expect->value;
	case SCN_EQUAL:
		break;
	}
	return fabs(measured - expect->value) <= expect->within;
}

void measure_format(const struct scn_expect *expect, double measured, char *to, size_t size)
{
	if (isnan(measured))
		snprintf(to, size, "nothing to measure");
	else if (expect->unit == SCN_PERCENT)
		snprintf(to, size, "%.2f%%", measured);
	else if (expect->unit == SCN_COUNT)
		snprintf(to, size, "%.6g", measured);
	else if (expect->unit == SCN_BYTES)
		snprintf(to, size, "%.1fKiB", measured / 1024.0);
	else if (measured >= 1e9)
		snprintf(to, size, "%.3fs", measured / 1e9);
	else if (measured >= 1e6)
		snprintf(to, size, "%.3fms", measured / 1e6);
	else
		snprintf(to, size, "%.1fus", measured / 1e3);
}
