/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - see table.h. */
#include "table.h"

#include <stdio.h>

static double rate(const struct load_result *result, size_t count)
{
	return result->seconds > 0 ? (double)count / result->seconds : 0;
}

static void show_row(const char *name, const char *format, const double values[PHASES])
{
	printf("   %-34s", name);
	for (unsigned phase = 0; phase < PHASES; phase++)
		printf(format, values[phase]);
	printf("\n");
}

/* One row: a value of each phase, by `value`. */
static void show_value(struct table *table, const char *name, const char *format,
	double (*value)(const struct table *table, struct load_result *result))
{
	double values[PHASES];

	for (unsigned phase = 0; phase < PHASES; phase++)
		values[phase] = value(table, &table->results[phase]);
	show_row(name, format, values);
}

static double lookups_per_s(const struct table *table, struct load_result *result)
{
	(void)table;
	return rate(result, result->lookups.count);
}

static double lookups_of_alone(const struct table *table, struct load_result *result)
{
	double alone = rate(&table->results[0], table->results[0].lookups.count);

	return alone > 0 ? 100 * rate(result, result->lookups.count) / alone : 0;
}

static double lookup_p50(const struct table *table, struct load_result *result)
{
	(void)table;
	return samples_ms(&result->lookups, 500);
}

static double lookup_p99(const struct table *table, struct load_result *result)
{
	(void)table;
	return samples_ms(&result->lookups, 990);
}

static double lookup_worst(const struct table *table, struct load_result *result)
{
	(void)table;
	return samples_ms(&result->lookups, 1000);
}

static double reports_per_s(const struct table *table, struct load_result *result)
{
	(void)table;
	return rate(result, result->reports.count);
}

static double cpu_lookups(const struct table *table, struct load_result *result)
{
	return 100 * result->cpu_lookups / table->cores;
}

static double cpu_reports(const struct table *table, struct load_result *result)
{
	return 100 * result->cpu_reports / table->cores;
}

static double cpu_all(const struct table *table, struct load_result *result)
{
	return 100 * result->cpu_all / table->cores;
}

void table_show(struct table *table)
{
	printf("\nMeasured, %u s each, %u look-up and %u report clients, %u processors\n\n",
		table->seconds, table->lookup_clients, table->report_clients, table->cores);
	printf("   %-34s%13s%13s%13s\n", "", "alone", "ungoverned", "governed");
	show_value(table, "look-ups per second", "%13.0f", lookups_per_s);
	show_value(table, "  of those alone, percent", "%13.0f", lookups_of_alone);
	show_value(table, "look-up latency p50, ms", "%13.2f", lookup_p50);
	show_value(table, "look-up latency p99, ms", "%13.2f", lookup_p99);
	show_value(table, "look-up latency worst, ms", "%13.2f", lookup_worst);
	show_value(table, "reports per second", "%13.2f", reports_per_s);
	show_value(table, "CPU of look-up statements, percent", "%13.1f", cpu_lookups);
	show_value(table, "CPU of report statements, percent", "%13.1f", cpu_reports);
	show_value(table, "CPU of server and clients, percent", "%13.1f", cpu_all);
	fflush(stdout);
}
