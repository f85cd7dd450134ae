/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on the I/O policies, buckets and rates against simple models: lists searched from
 * end to end, exact fractions, real exponentials. Episodes begin short; the failing one is named.
 */
#include "core.h"

#include <math.h>
#include <string.h>

#include "../../src/policy/io_bucket.h"
#include "../../src/policy/io_policy.h"
#include "../../src/policy/io_rate.h"

static uint64_t episode_number;

static void episodes(
	const char *name, uint64_t steps, void (*episode)(struct sim_random *random, uint32_t size))
{
	uint64_t seed = core_seed(name), done = 0;

	for (uint64_t i = 0; done < core_steps(steps); i++) {
		uint32_t size = (uint32_t)(2 + i / 4 < 128 ? 2 + i / 4 : 128);
		struct sim_random random;
		episode_number = i;
		sim_random_init(&random, seed, i);
		episode(&random, size);
		done += 4 * size;
	}
}

#define must(condition, ...)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error("episode %llu: ", (unsigned long long)episode_number);         \
			print_error(__VA_ARGS__);                                                  \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

/* ---- a queue beside its model ---- */

#define ENTRIES 128u
#define FLOWS	6u

struct world {
	struct reeve_sh_io_entry entries[ENTRIES];
	struct reeve_sh_io_flow flows[FLOWS];
	struct reeve_sh_io_queue q;
	struct reeve__io_view v;
	uint64_t now;
	/* the model: which wait, and what the policy has to remember */
	bool waits[ENTRIES];
	bool held[FLOWS];
	uint64_t until[FLOWS], start[FLOWS], clock;
	uint32_t batch_left, batch_is_write, reads_first;
	uint64_t finish[FLOWS], used[FLOWS];
	bool paused[FLOWS];
	uint32_t current;
	uint64_t served[FLOWS];
};

static void world_open(struct world *w, struct sim_random *random, uint32_t policy)
{
	memset(w, 0, sizeof(*w));
	w->now = 1000 * (uint64_t)REEVE_SEC;
	w->q.clock = w->clock = UINT64_MAX - 5; /* about to wrap */
	w->current = REEVE_NONE;
	reeve__io_queue_clear(&w->q, policy);
	reeve__io_view_init(&w->v, &w->q, w->entries, sizeof(w->entries[0]), ENTRIES, w->flows,
		sizeof(w->flows[0]), FLOWS);
	for (uint32_t f = 0; f < FLOWS; f++) {
		reeve__io_flow_clear(&w->flows[f]);
		w->flows[f].start = w->start[f] = w->clock;
		w->flows[f].weight = 1 + (uint32_t)core_below(random, 400);
	}
}

static bool is_late(const struct world *w, uint32_t i)
{
	return w->entries[i].deadline_ns <= w->now;
}

static uint64_t class_key(const struct world *w, uint32_t i)
{
	const struct reeve_sh_io_entry *e = &w->entries[i];
	uint64_t k = e->klass;

	if (is_late(w, i))
		k = k > 2 ? k - 2 : 0;
	return e->submitted_ns + k * (uint64_t)(500 * REEVE_MSEC);
}

static uint64_t due_key(const struct world *w, uint32_t i)
{
	const struct reeve_sh_io_entry *e = &w->entries[i];

	return e->deadline_ns == UINT64_MAX ? e->submitted_ns + (uint64_t)(5 * REEVE_SEC)
					    : e->deadline_ns;
}

/* The best waiting entry of those that `fits`, by a key; REEVE_NONE. */
static uint32_t least(const struct world *w, uint64_t (*key)(const struct world *, uint32_t),
	uint32_t flow, uint32_t write)
{
	uint32_t best = REEVE_NONE;

	for (uint32_t i = 0; i < ENTRIES; i++) {
		const struct reeve_sh_io_entry *e = &w->entries[i];
		if (!w->waits[i] || w->held[e->flow] || (flow != REEVE_NONE && e->flow != flow) ||
			(write != REEVE_NONE && e->is_write != write))
			continue;
		if (best == REEVE_NONE || key(w, i) < key(w, best) ||
			(key(w, i) == key(w, best) && e->tie < w->entries[best].tie))
			best = i;
	}
	return best;
}

static uint32_t model_deadline(const struct world *w)
{
	uint32_t read = least(w, due_key, REEVE_NONE, 0), write = least(w, due_key, REEVE_NONE, 1);
	uint32_t first;

	if (read == REEVE_NONE || write == REEVE_NONE)
		return read == REEVE_NONE ? write : read;
	first = due_key(w, write) < due_key(w, read) ? write : read;
	if (due_key(w, first) <= w->now)
		return first;
	if (w->batch_left)
		return w->batch_is_write ? write : read;
	return w->reads_first >= 2 ? write : read;
}

static uint32_t count_of(const struct world *w, uint32_t flow)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ENTRIES; i++)
		n += w->waits[i] && w->entries[i].flow == flow;
	return n;
}

/* Start tags of all flows that may go on; equals are not told apart: true when i is of a least one. */
static bool model_fair_allows(const struct world *w, uint32_t i)
{
	uint32_t flow = w->entries[i].flow;

	if (w->held[flow] || least(w, class_key, flow, REEVE_NONE) != i)
		return false;
	for (uint32_t f = 0; f < FLOWS; f++)
		if (!w->held[f] && count_of(w, f) && (int64_t)(w->start[f] - w->start[flow]) < 0)
			return false;
	return true;
}

/* ---- budget fair: turns, as a table that is searched ---- */

static void turn_ends(struct world *w, uint32_t f)
{
	w->start[f] += (w->used[f] << 16) / w->flows[f].weight;
	w->finish[f] = w->start[f] + (REEVE_IO_BUDGET_BYTES << 16) / w->flows[f].weight;
	w->used[f] = 0;
	w->current = w->current == f ? REEVE_NONE : w->current;
}

static void turn_joins(struct world *w, uint32_t f)
{
	uint32_t c = w->current;

	if (!w->paused[f]) {
		w->used[f] = 0;
		if ((int64_t)(w->start[f] - w->clock) < 0)
			w->start[f] = w->clock;
		turn_ends(w, f);
		return;
	}
	w->paused[f] = false;
	if (c == REEVE_NONE || (int64_t)(w->start[f] - w->clock) > 0 ||
		(int64_t)(w->finish[f] - w->finish[c]) > 0)
		return;
	if (w->used[c] >= REEVE_IO_BUDGET_BYTES)
		turn_ends(w, c);
	w->current = f;
}

static void turn_runs_dry(struct world *w, uint32_t f)
{
	w->current = w->current == f ? REEVE_NONE : w->current;
	if (w->used[f] >= REEVE_IO_BUDGET_BYTES)
		turn_ends(w, f);
	w->paused[f] = (int64_t)(w->finish[f] - w->clock) > 0;
	if (!w->paused[f])
		turn_ends(w, f);
}

static void turn_is_charged(struct world *w, uint32_t f, uint64_t bytes)
{
	uint64_t all = count_of(w, f) ? 0 : w->flows[f].weight;

	for (uint32_t k = 0; k < FLOWS; k++)
		all += count_of(w, k) || w->paused[k] ? w->flows[k].weight : 0;
	w->used[f] += bytes;
	w->clock += (bytes << 16) / all;
	for (uint32_t k = 0; k < FLOWS; k++)
		if (w->paused[k] && (int64_t)(w->finish[k] - w->clock) <= 0) {
			w->paused[k] = false;
			turn_ends(w, k);
		}
	if (count_of(w, f) == 0)
		turn_runs_dry(w, f);
}

/* The least tag of the flows that may go on, of those only that have started or of all. */
static bool least_tag(const struct world *w, const uint64_t *tags, bool started, uint64_t *ret)
{
	bool any = false;

	for (uint32_t f = 0; f < FLOWS; f++)
		if (count_of(w, f) && !w->held[f] &&
			(!started || (int64_t)(w->start[f] - w->clock) <= 0) &&
			(!any || (int64_t)(tags[f] - *ret) < 0)) {
			any = true;
			*ret = tags[f];
		}
	return any;
}

/* Whether flow f may have the turn; equals are not told apart. It then has it. */
static bool turn_allows(struct world *w, uint32_t f)
{
	uint64_t least = 0;
	bool paused = false;

	for (uint32_t k = 0; k < FLOWS; k++)
		paused = paused || w->paused[k];
	if (w->current != REEVE_NONE && w->used[w->current] < REEVE_IO_BUDGET_BYTES)
		return f == w->current;
	if (w->current != REEVE_NONE)
		turn_ends(w, w->current);
	if (!least_tag(w, w->finish, true, &least)) {
		least_tag(w, w->start, false, &least);
		if (!paused)
			w->clock = least;
		else if (w->start[f] != least)
			return false;
	}
	if (least_tag(w, w->finish, true, &least) &&
		(w->finish[f] != least || (int64_t)(w->start[f] - w->clock) > 0))
		return false;
	w->current = f;
	return true;
}

static void model_serve(struct world *w, uint32_t i)
{
	const struct reeve_sh_io_entry *e = &w->entries[i];
	uint64_t bytes = e->size_bytes < 4096 ? 4096 : e->size_bytes;
	uint32_t f = e->flow;
	bool writes_wait;

	w->waits[i] = false;
	w->served[f] += bytes;
	if (w->q.policy == REEVE_IO_COMPLETELY_FAIR) {
		if ((int64_t)(w->start[f] - w->clock) > 0)
			w->clock = w->start[f];
		w->start[f] += (bytes << 16) / w->flows[f].weight;
		bool any = false;
		for (uint32_t k = 0; k < ENTRIES; k++)
			any |= w->waits[k];
		if (!any)
			w->clock = w->start[f];
	}
	if (w->q.policy == REEVE_IO_BUDGET_FAIR)
		turn_is_charged(w, f, bytes);
	/* the writes that were there when it was picked */
	writes_wait = least(w, due_key, REEVE_NONE, 1) != REEVE_NONE || e->is_write;
	if (w->batch_left == 0 || w->batch_is_write != e->is_write) {
		w->batch_is_write = e->is_write;
		w->batch_left = 16;
		w->reads_first = e->is_write ? 0 : w->reads_first + writes_wait;
	}
	w->batch_left--;
}

static void add(struct world *w, struct sim_random *random, uint32_t i)
{
	struct reeve_sh_io_entry *e = &w->entries[i];

	memset(e, 0, sizeof(*e));
	e->size_bytes = core_below(random, 3) ? core_below(random, 300000) : 0;
	e->submitted_ns = w->now;
	e->deadline_ns =
		core_below(random, 3) ? w->now + core_below(random, 800000000) : UINT64_MAX;
	e->flow = (uint32_t)core_below(random, FLOWS);
	e->is_write = (uint32_t)core_below(random, 2);
	e->klass = (uint32_t)core_below(random, 5);
	if (count_of(w, e->flow) == 0) {
		if (w->q.policy == REEVE_IO_BUDGET_FAIR)
			turn_joins(w, e->flow);
		else if ((int64_t)(w->start[e->flow] - w->clock) < 0)
			w->start[e->flow] = w->clock;
	}
	/* a new first entry is worth another try */
	uint32_t dir = w->q.policy == REEVE_IO_DEADLINE && e->is_write;
	uint32_t before = w->flows[e->flow].root[dir];
	reeve__io_policy_add(&w->v, i);
	if (w->flows[e->flow].root[dir] != before)
		w->held[e->flow] = false;
	w->waits[i] = true;
}

static void pass_time(struct world *w, struct sim_random *random)
{
	uint64_t before = w->now;

	w->now += core_below(random, 100000000);
	reeve__io_policy_advance(&w->v, w->now);
	for (uint32_t f = 0; f < FLOWS; f++)
		if (w->held[f] && w->until[f] <= w->now)
			w->held[f] = false;
	/* who becomes late may become first of its group, and that is tried again */
	for (uint32_t i = 0; i < ENTRIES; i++)
		if (w->waits[i] && w->entries[i].deadline_ns > before &&
			w->entries[i].deadline_ns <= w->now)
			w->held[w->entries[i].flow] =
				w->flows[w->entries[i].flow].where == REEVE_FLOW_HELD;
}

static void judge(struct world *w, uint32_t step, uint32_t i)
{
	uint32_t want = REEVE_NONE;

	switch (w->q.policy) {
	case REEVE_IO_COMPLETELY_FAIR:
		must(i == REEVE_NONE ? least(w, class_key, REEVE_NONE, REEVE_NONE) == REEVE_NONE
				     : model_fair_allows(w, i),
			"fair, step %u: entry %d is not next\n", step, (int)i);
		return;
	case REEVE_IO_DEADLINE:
		want = model_deadline(w);
		break;
	case REEVE_IO_PRIORITY:
		want = least(w, class_key, REEVE_NONE, REEVE_NONE);
		break;
	default: /* budget fair */
		want = least(w, class_key, i == REEVE_NONE ? i : w->entries[i].flow, REEVE_NONE);
		must(i == REEVE_NONE || turn_allows(w, w->entries[i].flow),
			"budget, step %u: it is not the turn of flow %u\n", step,
			w->entries[i].flow);
		must(w->q.clock == w->clock, "budget, step %u: virtual time\n", step);
	}
	must(i == want, "policy %u, step %u: entry %d, wanted %d\n", w->q.policy, step, (int)i,
		(int)want);
}

static void queue_step(struct world *w, struct sim_random *random, uint32_t step, uint32_t size)
{
	uint32_t i = (uint32_t)core_below(random, size), what = (uint32_t)core_below(random, 17);

	if (what < 7) {
		if (!w->waits[i])
			add(w, random, i);
	} else if (what < 12) {
		i = reeve__io_policy_pick(&w->v, w->now);
		judge(w, step, i);
		if (i == REEVE_NONE)
			return;
		reeve__io_policy_serve(&w->v, i);
		model_serve(w, i);
	} else if (what == 12 && w->waits[i]) {
		reeve__io_policy_remove(&w->v, i);
		w->waits[i] = false;
		if (w->q.policy == REEVE_IO_BUDGET_FAIR && count_of(w, w->entries[i].flow) == 0)
			turn_runs_dry(w, w->entries[i].flow);
		/* taking the first away has its flow tried again */
		w->held[w->entries[i].flow] = w->flows[w->entries[i].flow].where == REEVE_FLOW_HELD;
	} else if (what == 13 && w->waits[i]) {
		w->entries[i].klass = (uint32_t)core_below(random, 5);
		reeve__io_policy_again(&w->v, i);
		w->held[w->entries[i].flow] = w->flows[w->entries[i].flow].where == REEVE_FLOW_HELD;
	} else if (what == 14 && w->waits[i]) {
		uint32_t f = w->entries[i].flow;
		w->held[f] = true;
		w->until[f] = w->now + core_below(random, 200000000);
		reeve__io_policy_hold(&w->v, f, w->until[f]);
		if (w->q.policy == REEVE_IO_BUDGET_FAIR)
			turn_ends(w, f);
	} else if (what == 15) {
		pass_time(w, random);
	} else if (what == 16) {
		reeve__io_policy_weigh(&w->v, (uint32_t)core_below(random, FLOWS),
			1 + (uint32_t)core_below(random, 400));
	}
}

static void queue_episode(struct sim_random *random, uint32_t size)
{
	struct world w;
	const char *fault;

	world_open(&w, random, (uint32_t)core_below(random, 4));
	for (uint32_t step = 0; step < 4 * size; step++) {
		queue_step(&w, random, step, size);
		fault = reeve__io_policy_check(&w.v, FLOWS);
		must(!fault, "policy %u, step %u: %s\n", w.q.policy, step, fault);
		must(!reeve__io_view_fault(&w.v), "a fault\n");
	}
}

static void a_queue_is_a_searched_list(void **state)
{
	(void)state;
	episodes("queues", 600000, queue_episode);
}

/* ---- long-run shares of the two policies with weights ---- */

static void share_episode(struct sim_random *random, uint32_t size)
{
	uint32_t policy = core_below(random, 2) ? REEVE_IO_COMPLETELY_FAIR : REEVE_IO_BUDGET_FAIR;
	uint64_t all = 0, weights = 0;
	struct world w;

	(void)size;
	world_open(&w, random, policy);
	for (uint32_t f = 0; f < FLOWS; f++)
		w.flows[f].weight = 50 + (uint32_t)core_below(random, 400);
	for (uint32_t n = 0; n < 6000; n++) {
		for (uint32_t f = 0; f < FLOWS; f++) /* everybody always has one */
			for (uint32_t k = 0; count_of(&w, f) < 2 && k < 2; k++) {
				uint32_t i = f * 2 + k;
				if (w.waits[i])
					continue;
				add(&w, random, i);
				reeve__io_policy_remove(&w.v, i);
				w.entries[i].flow = f;
				w.entries[i].size_bytes = 4096 + core_below(random, 200000);
				reeve__io_policy_add(&w.v, i);
			}
		uint32_t i = reeve__io_policy_pick(&w.v, w.now);
		must(i != REEVE_NONE, "nobody is next\n");
		reeve__io_policy_serve(&w.v, i);
		w.waits[i] = false;
		w.served[w.entries[i].flow] += w.entries[i].size_bytes;
		all += w.entries[i].size_bytes;
	}
	for (uint32_t f = 0; f < FLOWS; f++)
		weights += w.flows[f].weight;
	for (uint32_t f = 0; f < FLOWS; f++) {
		double part = (double)w.served[f] / (double)all;
		double due = (double)w.flows[f].weight / (double)weights;
		must(fabs(part - due) < 0.01, "policy %u: flow %u had %.4f, due %.4f\n", policy, f,
			part, due);
	}
}

static void weights_hold_in_the_long_run(void **state)
{
	(void)state;
	episodes("shares", 400, share_episode);
}

/* ---- buckets against exact fractions ---- */

static void bucket_episode(struct sim_random *random, uint32_t size)
{
	uint64_t rate = 1 + core_below(random, core_below(random, 2) ? 1000 : UINT64_C(1) << 38);
	uint32_t burst_ppm = 1000 + (uint32_t)core_below(random, 10000000);
	uint64_t now = UINT64_C(1) << 40;
	struct reeve_sh_io_bucket b = {0, 0, 0, 0};
	double tokens, capacity = (double)rate * burst_ppm / 1e6;

	reeve__io_bucket_set(&b, rate, burst_ppm, reeve__io_ticks(now));
	tokens = capacity;
	for (uint32_t step = 0; step < 4 * size; step++) {
		uint64_t units = core_below(random, (uint64_t)(capacity * 2) + 2), wait, ns;
		double need = (double)units < capacity ? (double)units : capacity;
		double slack = capacity * 1e-5 + 1e-3 + (double)rate * 1e-9;
		wait = reeve__io_bucket_wait(&b, units, reeve__io_ticks(now));
		if (wait == 0) {
			must(tokens >= need - slack, "%f of %f tokens were enough\n", tokens, need);
			reeve__io_bucket_take(&b, units, reeve__io_ticks(now));
			tokens -= (double)units;
		} else {
			must(tokens <= need + slack, "%f of %f tokens were not enough\n", tokens,
				need);
			must(fabs((need - tokens) / (double)rate * 1e9 - (double)wait / 1024) <
					(double)wait / 1024 * 1e-4 + 2000 + burst_ppm * 1e-2,
				"%f tokens are missing at %llu a second; wait is %f ns\n",
				need - tokens, (unsigned long long)rate, (double)wait / 1024);
		}
		ns = core_below(random, 3) ? core_below(random, 1000000000) : (wait >> 10) + 1;
		now += ns;
		tokens += (double)rate * (double)ns / 1e9;
		tokens = tokens < capacity ? tokens : capacity;
		double seen = (double)reeve__io_bucket_tokens(&b, reeve__io_ticks(now));
		must(fabs(seen - tokens) <= fabs(tokens) * 1e-4 + capacity * 1e-5 + 2,
			"%f tokens are there, %f are shown\n", tokens, seen);
	}
}

static void a_bucket_is_an_exact_fraction(void **state)
{
	(void)state;
	episodes("buckets", 60000, bucket_episode);
}

static void a_bucket_keeps_tokens_when_its_limit_changes(void **state)
{
	struct reeve_sh_io_bucket b = {0, 0, 0, 0};
	uint64_t ticks = reeve__io_ticks(5 * (uint64_t)REEVE_SEC);

	(void)state;
	reeve__io_bucket_set(&b, 1000, REEVE_PPM, ticks);
	assert_true(reeve__io_bucket_tokens(&b, ticks) == 1000); /* a new one is full */
	reeve__io_bucket_take(&b, 400, ticks);
	reeve__io_bucket_set(&b, 100000, REEVE_PPM, ticks);
	assert_in_range(reeve__io_bucket_tokens(&b, ticks), 599, 600);
	reeve__io_bucket_set(&b, 500, REEVE_PPM, ticks);
	assert_in_range(reeve__io_bucket_tokens(&b, ticks), 499, 500); /* what fits */
	reeve__io_bucket_take(&b, 1500, ticks);
	reeve__io_bucket_set(&b, 10, REEVE_PPM, ticks);
	assert_true(reeve__io_bucket_tokens(&b, ticks) <= -999 &&
		    reeve__io_bucket_tokens(&b, ticks) >= -1002); /* debt stays debt */
	reeve__io_bucket_set(&b, REEVE_UNLIMITED, REEVE_PPM, ticks);
	assert_true(reeve__io_bucket_wait(&b, UINT64_C(1) << 40, ticks) == 0);
	assert_true(reeve__io_bucket_tokens(&b, ticks) == 0);
}

/* After a wrap of the clock, and after so long a rest that it could seem to be ahead. */
static void a_bucket_outlives_the_wrap_of_its_clock(void **state)
{
	struct reeve_sh_io_bucket b = {0, 0, 0, 0};
	uint64_t ticks = UINT64_MAX - reeve__io_ticks(100000000);

	(void)state;
	reeve__io_bucket_set(&b, 1000, REEVE_PPM, ticks);
	reeve__io_bucket_take(&b, 1000, ticks);
	assert_in_range(reeve__io_bucket_wait(&b, 500, ticks), reeve__io_ticks(499999999),
		reeve__io_ticks(500000001));
	ticks += reeve__io_ticks(500000001);
	assert_true(reeve__io_bucket_wait(&b, 500, ticks) == 0);
	for (uint32_t i = 0; i < 20; i++) { /* 40 days at a time */
		ticks += reeve__io_ticks(40 * 86400 * (uint64_t)REEVE_SEC);
		reeve__io_bucket_touch(&b, ticks);
		assert_true(reeve__io_bucket_tokens(&b, ticks) == 1000);
	}
}

/* ---- rates against real exponentials ---- */

static void rate_episode(struct sim_random *random, uint32_t size)
{
	struct reeve_sh_io_rate rate = {0, 0, 0};
	double bytes = 0, ops = 0;

	for (uint32_t step = 0; step < 4 * size; step++) {
		uint64_t ns = core_below(random, core_below(random, 2) ? 1000000 : 3000000000u);
		uint64_t n = core_below(random, 1000000);
		double factor = exp2(-(double)ns / 1e9);
		bytes = bytes * factor + (double)n * log(2);
		ops = ops * factor + log(2);
		reeve__io_rate_count(&rate, ns, rate.at + ns, n, 1);
		must(fabs((double)rate.bytes_q8 / 256 - bytes) < bytes * 2e-4 + 1 + step / 256.0,
			"%f bytes a second, shown %f\n", bytes, (double)rate.bytes_q8 / 256);
		must(fabs((double)rate.ops_q8 / 256 - ops) < ops * 1e-3 + 0.02 + step / 256.0,
			"%f operations a second, shown %f\n", ops, (double)rate.ops_q8 / 256);
	}
}

static void a_rate_is_an_exponential_mean(void **state)
{
	(void)state;
	episodes("rates", 60000, rate_episode);
	assert_true(reeve__io_decay(1000000, 0) == 1000000 - 0);
	assert_in_range(reeve__io_decay(1000000, REEVE_IO_HALF_LIFE_NS), 499999, 500000);
	assert_true(reeve__io_decay(UINT64_MAX, 64 * REEVE_IO_HALF_LIFE_NS) == 0);
	assert_true(reeve__io_decay(UINT64_MAX, UINT64_MAX) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_is_a_searched_list),
		cmocka_unit_test(weights_hold_in_the_long_run),
		cmocka_unit_test(a_bucket_is_an_exact_fraction),
		cmocka_unit_test(a_bucket_keeps_tokens_when_its_limit_changes),
		cmocka_unit_test(a_bucket_outlives_the_wrap_of_its_clock),
		cmocka_unit_test(a_rate_is_an_exponential_mean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
