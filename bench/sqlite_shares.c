/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_shares.c - how exactly a plan divides the CPU between SQLite queries.
 *
 * Two groups of sessions run the same scan without pause, each in a thread of its own. What each
 * group got is counted twice: in queries ended, and in CPU time by the clocks of the threads, not
 * by reeve's accounts. Then one group alone against the same threads ungoverned, and a cap.
 */
#include "sqlite_load.h"

enum { MOST = 32 };

struct team {
	struct load_worker workers[MOST];
	uint32_t count;
};

struct tally {
	double queries;
	double cpu_ns;
};

static void team_start(struct team *team, const struct load_database *database, struct reeve *reeve,
	uint64_t group, uint32_t count)
{
	team->count = count;
	for (uint32_t i = 0; i < count; i++) {
		team->workers[i] = (struct load_worker){
			.database = database, .reeve = reeve, .group = group, .sql = LOAD_SCAN};
		load_start(&team->workers[i]);
	}
}

static void team_stop(struct team *team)
{
	for (uint32_t i = 0; i < team->count; i++)
		atomic_store(&team->workers[i].stop, true);
	for (uint32_t i = 0; i < team->count; i++)
		load_stop(&team->workers[i]);
}

static struct tally team_tally(const struct team *team)
{
	struct tally sum = {0, 0};

	for (uint32_t i = 0; i < team->count; i++) {
		sum.queries += (double)atomic_load(&team->workers[i].runs);
		sum.cpu_ns += (double)load_cpu_ns(&team->workers[i]);
	}
	return sum;
}

static struct tally team_measure(const struct team *team, double seconds)
{
	struct tally before = team_tally(team), after;

	load_sleep(seconds);
	after = team_tally(team);
	return (struct tally){after.queries - before.queries, after.cpu_ns - before.cpu_ns};
}

static double distance(double left, double right)
{
	return left < right ? right - left : left - right;
}

static void share_of_two(
	const struct load_database *database, uint32_t shares, uint32_t sessions, double seconds)
{
	static struct team teams[2];
	const uint64_t groups[2] = {REEVE_INTERACTIVE_GROUP, REEVE_BATCH_GROUP};
	struct reeve *reeve = load_segment();
	struct tally before[2], after[2];
	double queries, cpu, entitled = 100.0 * shares / (shares + 1);

	load_plan(reeve, "shares", groups[0], shares, 0, groups[1], 1);
	for (int i = 0; i < 2; i++)
		team_start(&teams[i], database, reeve, groups[i], sessions);
	load_sleep(0.5);
	for (int i = 0; i < 2; i++)
		before[i] = team_tally(&teams[i]);
	load_sleep(seconds);
	for (int i = 0; i < 2; i++)
		after[i] = team_tally(&teams[i]);
	for (int i = 0; i < 2; i++)
		team_stop(&teams[i]);
	reeve_close(reeve);
	for (int i = 0; i < 2; i++) {
		after[i].queries -= before[i].queries;
		after[i].cpu_ns -= before[i].cpu_ns;
	}
	queries = 100 * after[0].queries / (after[0].queries + after[1].queries);
	cpu = 100 * after[0].cpu_ns / (after[0].cpu_ns + after[1].cpu_ns);
	printf("shares %u:1, %u sessions a group    entitled %5.1f %%  queries %5.1f %%  CPU %5.1f "
	       "%%"
	       "  bar 2 points  %s\n",
		shares, sessions, entitled, queries, cpu,
		load_verdict(distance(queries, entitled) <= 2 && distance(cpu, entitled) <= 2));
	fflush(stdout);
}

/* Four turns each, so that what else runs on the machine falls on both. */
static void alone_against_ungoverned(const struct load_database *database, double seconds)
{
	enum { TURNS = 4 };
	static struct team team;
	struct reeve *reeve = load_segment();
	double rate[2] = {0, 0}, per_cpu[2], cpu[2] = {0, 0}, ratio;
	struct tally got;

	load_plan(reeve, "alone", REEVE_INTERACTIVE_GROUP, 9, 0, REEVE_BATCH_GROUP, 1);
	for (int turn = 0; turn < 2 * TURNS; turn++) {
		int side = (turn + turn / 2) % 2;

		team_start(&team, database, side ? reeve : NULL, REEVE_BATCH_GROUP, 8);
		load_sleep(0.2);
		got = team_measure(&team, seconds / TURNS);
		team_stop(&team);
		rate[side] += got.queries / seconds;
		cpu[side] += got.cpu_ns / 1e9;
	}
	reeve_close(reeve);
	ratio = 100 * rate[1] / rate[0];
	for (int side = 0; side < 2; side++)
		per_cpu[side] = rate[side] * seconds / cpu[side];
	printf("one group alone, 8 sessions       ungoverned %.0f/s  governed %.0f/s  ratio %.1f %%"
	       "  (%.1f %% a second of CPU)  bar 97 %%  %s\n",
		rate[0], rate[1], ratio, 100 * per_cpu[1] / per_cpu[0], load_verdict(ratio >= 97));
	fflush(stdout);
}

static void cap_holds(const struct load_database *database, uint32_t cap_pct, double seconds)
{
	static struct team team;
	struct reeve *reeve = load_segment();
	struct reeve_cpu_group_stats before, after;
	struct reeve_error err;
	struct tally got;
	double used, charged, all = seconds * 1e9 * load_processors();

	load_plan(reeve, "cap", REEVE_BATCH_GROUP, 1, cap_pct, REEVE_INTERACTIVE_GROUP, 1);
	team_start(&team, database, reeve, REEVE_BATCH_GROUP, 8);
	load_sleep(0.5);
	if (reeve_cpu_group_stats_get(reeve, (reeve_group_id){REEVE_BATCH_GROUP}, &before, &err))
		load_die("statistics", err.text);
	got = team_measure(&team, seconds);
	if (reeve_cpu_group_stats_get(reeve, (reeve_group_id){REEVE_BATCH_GROUP}, &after, &err))
		load_die("statistics", err.text);
	team_stop(&team);
	reeve_close(reeve);
	used = 100 * got.cpu_ns / all;
	charged = 100 * (double)(after.cpu_ns - before.cpu_ns) / all;
	printf("cap %u %%, 8 sessions              used %5.1f %% of %u processors (charged %.1f %%)"
	       "  bar 1 point  %s\n",
		cap_pct, used, load_processors(), charged,
		load_verdict(distance(used, cap_pct) <= 1));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const uint32_t shares[] = {3, 9}, sessions[] = {2, 8};
	struct load_options options = {.seconds = 10, .rows = 300000};
	struct load_database database;

	load_parse(argc, argv, "Shares, work conservation and caps, in SQLite queries.", &options);
	load_create(&database, options.rows);
	for (int s = 0; s < 2; s++)
		for (int n = 0; n < 2; n++)
			share_of_two(&database, shares[s], sessions[n], options.seconds);
	alone_against_ungoverned(&database, options.seconds);
	cap_holds(&database, 25, options.seconds);
	load_destroy(&database);
	return 0;
}
