/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_protect.c - look-ups beside reports. One session looks up single rows without pause; eight
 * others group and sort the whole table. Three phases: the look-ups alone, beside the reports
 * without reeve, and beside them under a plan of 9 shares to 1. The reports are to use what is left.
 */
#include "sqlite_load.h"

enum { REPORTS = 8 };

struct phase {
	double rate, p50, p99, reports, used_pct;
};

static uint64_t total_runs(const struct load_worker *workers, uint32_t count)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < count; i++)
		total += atomic_load(&workers[i].runs);
	return total;
}

static struct phase run_phase(const struct load_database *database, struct reeve *reeve,
	uint32_t report_count, double seconds)
{
	static struct load_worker reports[REPORTS], look_up;
	uint64_t looked_up, reported;
	struct phase phase;
	int64_t cpu;

	for (uint32_t i = 0; i < report_count; i++) {
		reports[i] = (struct load_worker){.database = database,
			.reeve = reeve,
			.group = REEVE_BATCH_GROUP,
			.sql = LOAD_REPORT};
		load_start(&reports[i]);
	}
	look_up = (struct load_worker){.database = database,
		.reeve = reeve,
		.latencies = true,
		.group = REEVE_INTERACTIVE_GROUP,
		.sql = LOAD_LOOK_UP};
	load_start(&look_up);
	load_sleep(0.5);
	load_clear_histogram(&look_up);
	looked_up = atomic_load(&look_up.runs);
	reported = total_runs(reports, report_count);
	cpu = load_process_cpu_ns();
	load_sleep(seconds);
	phase.used_pct =
		100 * (double)(load_process_cpu_ns() - cpu) / (seconds * 1e9 * load_processors());
	phase.rate = (double)(atomic_load(&look_up.runs) - looked_up) / seconds;
	phase.p50 = load_quantile(&look_up, 0.50);
	phase.p99 = load_quantile(&look_up, 0.99);
	load_stop(&look_up);
	reported = total_runs(reports, report_count) - reported;
	phase.reports = (double)reported / seconds;
	for (uint32_t i = 0; i < report_count; i++)
		load_stop(&reports[i]);
	return phase;
}

static void print_phase(const char *name, const struct phase *phase, const struct phase *alone)
{
	printf("%-22s %10.0f %8.1f %% %9.1f %9.1f %8.2f x %9.2f %10.1f %%\n", name, phase->rate,
		100 * phase->rate / alone->rate, phase->p50, phase->p99, phase->p99 / alone->p99,
		phase->reports, phase->used_pct);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct load_options options = {.seconds = 10, .rows = 300000};
	struct load_database database;
	struct phase alone, ungoverned, governed;
	struct reeve *reeve;

	load_parse(argc, argv, "Look-ups beside 8 report sessions, ungoverned and governed.",
		&options);
	load_create(&database, options.rows);
	reeve = load_segment();
	load_plan(reeve, "protect", REEVE_INTERACTIVE_GROUP, 9, 0, REEVE_BATCH_GROUP, 1);
	printf("%-22s %10s %10s %9s %9s %10s %9s %12s\n", "look-ups of 1 session", "a second",
		"of alone", "p50 us", "p99 us", "p99/alone", "reports/s", "processors");
	alone = run_phase(&database, NULL, 0, options.seconds);
	print_phase("alone", &alone, &alone);
	ungoverned = run_phase(&database, NULL, REPORTS, options.seconds);
	print_phase("8 reports, ungoverned", &ungoverned, &alone);
	governed = run_phase(&database, reeve, REPORTS, options.seconds);
	print_phase("8 reports, governed", &governed, &alone);
	printf("governed throughput of alone, bar 90 %%: %s; p99, bar 1.5 x: %s; processors, bar "
	       "90 "
	       "%%: %s\n",
		load_verdict(governed.rate >= 0.9 * alone.rate),
		load_verdict(governed.p99 <= 1.5 * alone.p99),
		load_verdict(governed.used_pct >= 90));
	reeve_close(reeve);
	load_destroy(&database);
	return 0;
}
