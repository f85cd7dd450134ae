/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - see clock.h. */
#include "clock.h"
#include "catalog/catalog.h"
#include "log.h"
#include "reeved.h"
#include "sql/sessions.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICK_NS	       (100 * REEVE_MSEC)
#define TICKS_A_SAMPLE 10
#define BATCH	       32

struct usage {
	uint64_t group;
	uint64_t cpu_ns; /* charged when last measured */
	double percent;	 /* of all slots, between the last two measurements */
	bool is_there;	 /* in the measurement that is being made */
};

struct reeved_clock {
	struct reeved *daemon;
	pthread_t thread;
	pthread_mutex_t lock; /* protects all below */
	pthread_cond_t stop;
	bool is_stopping;
	struct usage *usages; /* by group, rising */
	size_t n_usages, cap_usages;
	reeve_ns measured; /* monotonic; 0: never */
	struct reeved_monitoring monitoring;
	reeve_ns rebalance_due; /* monotonic */
};

static struct usage *find_usage_locked(const struct reeved_clock *clock, uint64_t group)
{
	size_t low = 0, high = clock->n_usages;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (clock->usages[middle].group < group)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_there = low < clock->n_usages && clock->usages[low].group == group;
	return is_there ? &clock->usages[low] : NULL;
}

/* Adds a group that is new, at its place in the order. A failed allocation only loses its figure. */
static void add_usage_locked(struct reeved_clock *clock, uint64_t group, uint64_t cpu_ns)
{
	if (clock->n_usages == clock->cap_usages) {
		size_t cap = clock->cap_usages > 0 ? clock->cap_usages * 2 : 64;
		struct usage *usages = realloc(clock->usages, cap * sizeof(*usages));
		if (usages == NULL)
			return;
		clock->usages = usages;
		clock->cap_usages = cap;
	}
	size_t at = clock->n_usages++;
	for (; at > 0 && clock->usages[at - 1].group > group; at--)
		clock->usages[at] = clock->usages[at - 1];
	clock->usages[at] = (struct usage){.group = group, .cpu_ns = cpu_ns, .is_there = true};
}

/* `slot_ns`: what all slots together could have given since the last measurement. */
static void note_usage_locked(
	struct reeved_clock *clock, const struct reeve_cpu_group_stats *stats, double slot_ns)
{
	struct usage *usage = find_usage_locked(clock, stats->group.v);
	if (usage == NULL) {
		add_usage_locked(clock, stats->group.v, stats->cpu_ns);
		return;
	}
	uint64_t used = stats->cpu_ns - usage->cpu_ns;
	usage->percent = slot_ns > 0 ? 100.0 * (double)used / slot_ns : 0.0;
	usage->cpu_ns = stats->cpu_ns;
	usage->is_there = true;
}

/* Groups that were not measured again are gone. */
static void forget_gone_locked(struct reeved_clock *clock)
{
	size_t kept = 0;
	for (size_t i = 0; i < clock->n_usages; i++) {
		if (!clock->usages[i].is_there)
			continue;
		clock->usages[kept] = clock->usages[i];
		clock->usages[kept++].is_there = false;
	}
	clock->n_usages = kept;
}

static void measure(struct reeved_clock *clock)
{
	struct reeve *reeve = clock->daemon->reeve;
	struct reeve_cpu_group_stats stats[BATCH];
	struct reeve_cpu_config config;
	reeve_group_id after = {0};
	uint32_t n;
	reeve_cpu_config_get(reeve, &config);
	reeve_ns now = reeve_now_mono(reeve);
	reeve_ns since = clock->measured != 0 ? now - clock->measured : 0;
	double slot_ns = (double)since * config.cpu_slots;
	clock->measured = now;
	do {
		n = reeve_cpu_group_stats_copy(reeve, after, stats, BATCH);
		pthread_mutex_lock(&clock->lock);
		for (uint32_t i = 0; i < n; i++) {
			note_usage_locked(clock, &stats[i], slot_ns);
			after = stats[i].group;
		}
		pthread_mutex_unlock(&clock->lock);
	} while (n == BATCH);
	pthread_mutex_lock(&clock->lock);
	forget_gone_locked(clock);
	pthread_mutex_unlock(&clock->lock);
}

static void log_tick(const struct reeve_tick_report *report)
{
	if (report->reaped_attachments > 0)
		REEVED_LOG(REEVED_WARN, "reaped", {"processes", NULL, report->reaped_attachments},
			{"sessions", NULL, report->reaped_sessions});
	if (report->throttled_tasks > 0)
		REEVED_LOG(REEVED_WARN, "runaway", {"tasks", NULL, report->throttled_tasks});
}

/* True when it went well. */
static bool tick(struct reeved_clock *clock)
{
	struct reeve_tick_report report = {0};
	struct reeve_error err;
	int rc = reeve_tick(clock->daemon->reeve, &report, &err);
	if (rc != 0)
		REEVED_LOG(REEVED_ERROR, "tick_failed", {"reason", err.text, 0});
	else
		log_tick(&report);
	reeved_sessions_sweep(clock->daemon->sessions);
	return rc == 0;
}

static reeve_ns rebalancing_period(struct reeved_clock *clock)
{
	struct reeve_manager_config config;
	if (reeve_manager_config_get(clock->daemon->reeve, &config, NULL) != 0)
		return 60 * REEVE_SEC;
	return config.rebalancing_period_ns;
}

/* When monitoring is active, and it is time. True when it went well. */
static bool rebalance(struct reeved_clock *clock)
{
	struct reeve *reeve = clock->daemon->reeve;
	struct reeve_rebalancing_report report;
	struct reeve_error err;
	reeve_ns now = reeve_now_mono(reeve), period = rebalancing_period(clock);
	pthread_mutex_lock(&clock->lock);
	/* An interval that was shortened holds at once. */
	if (clock->rebalance_due > now + period)
		clock->rebalance_due = now + period;
	bool is_due = clock->monitoring.is_active && now >= clock->rebalance_due;
	if (is_due)
		clock->rebalance_due = now + period;
	pthread_mutex_unlock(&clock->lock);
	if (!is_due)
		return true;
	if (reeve_rebalance(reeve, &report, &err) != 0) {
		REEVED_LOG(REEVED_ERROR, "rebalance_failed", {"reason", err.text, 0});
		return false;
	}
	pthread_mutex_lock(&clock->lock);
	clock->monitoring.report = report;
	clock->monitoring.has_report = true;
	clock->monitoring.rebalancings++;
	pthread_mutex_unlock(&clock->lock);
	return true;
}

/* Accounts for a cycle that was due at `due` and has run from `began` to `ended`. */
static void note_cycle(
	struct reeved_clock *clock, reeve_ns due, reeve_ns began, reeve_ns ended, bool is_good)
{
	struct reeved_monitoring *monitoring = &clock->monitoring;
	struct timespec cpu = {0};
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	pthread_mutex_lock(&clock->lock);
	monitoring->cycles++;
	monitoring->failed_cycles += !is_good;
	monitoring->late_cycles += began >= due + TICK_NS;
	monitoring->cpu_ns = (uint64_t)cpu.tv_sec * (uint64_t)REEVE_SEC + (uint64_t)cpu.tv_nsec;
	if ((uint64_t)(ended - began) > monitoring->longest_ns)
		monitoring->longest_ns = (uint64_t)(ended - began);
	pthread_mutex_unlock(&clock->lock);
}

static struct timespec later(reeve_ns span)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	reeve_ns ns = at.tv_nsec + span;
	at.tv_sec += ns / REEVE_SEC;
	at.tv_nsec = ns % REEVE_SEC;
	return at;
}

/* True when it is time to end. */
static bool wait_for_tick(struct reeved_clock *clock)
{
	struct timespec at = later(TICK_NS);
	int rc = 0;
	pthread_mutex_lock(&clock->lock);
	while (!clock->is_stopping && rc == 0)
		rc = pthread_cond_timedwait(&clock->stop, &clock->lock, &at);
	bool is_stopping = clock->is_stopping;
	pthread_mutex_unlock(&clock->lock);
	return is_stopping;
}

static void *run_clock(void *arg)
{
	struct reeved_clock *clock = arg;
	struct reeve *reeve = clock->daemon->reeve;
	reeve_ns due = reeve_now_mono(reeve) + TICK_NS;
	for (uint32_t ticks = 0; !wait_for_tick(clock); ticks++) {
		reeve_ns began = reeve_now_mono(reeve);
		bool is_good = tick(clock);
		is_good = rebalance(clock) && is_good;
		if (ticks % TICKS_A_SAMPLE == 0) {
			measure(clock);
			reeved_catalog_tick(clock->daemon->catalog);
			if (clock->daemon->auth.tokens != NULL)
				reeved_tokens_tick(clock->daemon->auth.tokens, time(NULL));
		}
		reeve_ns ended = reeve_now_mono(reeve);
		note_cycle(clock, due, began, ended, is_good);
		due = ended + TICK_NS;
	}
	return NULL;
}

int reeved_clock_start(
	struct reeved *daemon, struct reeved_clock **ret_clock, struct reeve_error *err)
{
	pthread_condattr_t attr;
	struct reeved_clock *clock = calloc(1, sizeof(*clock));
	if (clock == NULL) {
		*err = (struct reeve_error){REEVE_ESYSTEM, "out of memory for the clock"};
		return REEVE_ESYSTEM;
	}
	clock->daemon = daemon;
	pthread_mutex_init(&clock->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&clock->stop, &attr);
	pthread_condattr_destroy(&attr);
	(void)reeved_clock_start_monitoring(clock);
	if (pthread_create(&clock->thread, NULL, run_clock, clock) != 0) {
		free(clock);
		*err = (struct reeve_error){REEVE_ESYSTEM, "cannot start the clock's thread"};
		return REEVE_ESYSTEM;
	}
	*ret_clock = clock;
	return 0;
}

void reeved_clock_stop(struct reeved_clock *clock)
{
	if (clock == NULL)
		return;
	pthread_mutex_lock(&clock->lock);
	clock->is_stopping = true;
	pthread_cond_signal(&clock->stop);
	pthread_mutex_unlock(&clock->lock);
	pthread_join(clock->thread, NULL);
	pthread_cond_destroy(&clock->stop);
	pthread_mutex_destroy(&clock->lock);
	free(clock->usages);
	free(clock);
}

double reeved_clock_usage_percent(struct reeved_clock *clock, reeve_group_id group)
{
	pthread_mutex_lock(&clock->lock);
	const struct usage *usage = find_usage_locked(clock, group.v);
	double percent = usage != NULL ? usage->percent : 0.0;
	pthread_mutex_unlock(&clock->lock);
	return percent;
}

int reeved_clock_start_monitoring(struct reeved_clock *clock)
{
	struct reeve *reeve = clock->daemon->reeve;
	reeve_ns now = reeve_now_mono(reeve), wall = reeve_now_wall(reeve);
	reeve_ns period = rebalancing_period(clock);
	pthread_mutex_lock(&clock->lock);
	bool was_active = clock->monitoring.is_active;
	if (!was_active) {
		clock->monitoring.is_active = true;
		clock->monitoring.since_wall = wall;
		clock->rebalance_due = now + period;
	}
	pthread_mutex_unlock(&clock->lock);
	return was_active;
}

int reeved_clock_stop_monitoring(struct reeved_clock *clock)
{
	pthread_mutex_lock(&clock->lock);
	bool was_active = clock->monitoring.is_active;
	clock->monitoring.is_active = false;
	pthread_mutex_unlock(&clock->lock);
	return was_active;
}

void reeved_clock_monitoring(struct reeved_clock *clock, struct reeved_monitoring *ret_status)
{
	reeve_ns period = rebalancing_period(clock);
	pthread_mutex_lock(&clock->lock);
	*ret_status = clock->monitoring;
	pthread_mutex_unlock(&clock->lock);
	ret_status->rebalancing_seconds = (uint64_t)(period / REEVE_SEC);
	ret_status->tick_ms = (uint64_t)(TICK_NS / REEVE_MSEC);
}
