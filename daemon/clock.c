/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - see clock.h. */
#include "clock.h"
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
	bool is_monitoring;
	reeve_ns rebalance_at; /* monotonic, while monitoring */
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

static void tick(struct reeved_clock *clock)
{
	struct reeve_tick_report report = {0};
	struct reeve_error err;
	if (reeve_tick(clock->daemon->reeve, &report, &err) != 0)
		REEVED_LOG(REEVED_ERROR, "tick_failed", {"reason", err.text, 0});
	else
		log_tick(&report);
	reeved_sessions_sweep(clock->daemon->sessions);
}

/* Rebalances when it is time, while monitoring is on. */
static void monitor(struct reeved_clock *clock)
{
	struct reeve *reeve = clock->daemon->reeve;
	struct reeve_manager_config config;
	struct reeve_error err;
	reeve_ns now = reeve_now_mono(reeve);
	pthread_mutex_lock(&clock->lock);
	bool is_due = clock->is_monitoring && now >= clock->rebalance_at;
	pthread_mutex_unlock(&clock->lock);
	if (!is_due)
		return;
	if (reeve_manager_config_get(reeve, &config, &err) != 0 ||
		reeve_rebalance(reeve, NULL, &err) != 0) {
		REEVED_LOG(REEVED_ERROR, "rebalance_failed", {"reason", err.text, 0});
		config.rebalancing_period_ns = REEVE_SEC;
	}
	pthread_mutex_lock(&clock->lock);
	clock->rebalance_at = now + config.rebalancing_period_ns;
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
	for (uint32_t ticks = 0; !wait_for_tick(clock); ticks++) {
		tick(clock);
		monitor(clock);
		if (ticks % TICKS_A_SAMPLE == 0)
			measure(clock);
		if (clock->daemon->auth.tokens != NULL)
			reeved_tokens_tick(clock->daemon->auth.tokens, time(NULL));
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

int reeved_clock_start_monitoring(struct reeved_clock *clock)
{
	pthread_mutex_lock(&clock->lock);
	if (!clock->is_monitoring)
		clock->rebalance_at = 0; /* at the next tick */
	clock->is_monitoring = true;
	pthread_mutex_unlock(&clock->lock);
	return 0;
}

int reeved_clock_stop_monitoring(struct reeved_clock *clock)
{
	pthread_mutex_lock(&clock->lock);
	clock->is_monitoring = false;
	pthread_mutex_unlock(&clock->lock);
	return 0;
}

double reeved_clock_usage_percent(struct reeved_clock *clock, reeve_group_id group)
{
	pthread_mutex_lock(&clock->lock);
	const struct usage *usage = find_usage_locked(clock, group.v);
	double percent = usage != NULL ? usage->percent : 0.0;
	pthread_mutex_unlock(&clock->lock);
	return percent;
}
