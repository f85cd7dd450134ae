/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on the I/O policies, buckets and rates against simple models: lists searched from
 * end to end, exact fractions, real exponentials. Episodes begin short; the failing one is named.
 */
#include "io_model.h"

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

#define ENTRIES IO_MODEL_ENTRIES
#define FLOWS	IO_MODEL_FLOWS

struct world {
	struct reeve_sh_io_entry entries[ENTRIES];
	struct reeve_sh_io_flow flows[FLOWS];
	struct reeve_sh_io_queue q;
	struct reeve__io_view v;
	struct io_model m;
};

static void world_open(struct world *w, struct sim_random *random, uint32_t policy)
{
	memset(w, 0, sizeof(*w));
	w->m.now = 1000 * (uint64_t)REEVE_SEC;
	w->q.clock = w->m.clock = UINT64_MAX - 5; /* about to wrap */
	io_model_clear(&w->m, policy);
	reeve__io_queue_clear(&w->q, policy);
	reeve__io_view_init(&w->v, &w->q, w->entries, sizeof(w->entries[0]), ENTRIES, w->flows,
		sizeof(w->flows[0]), FLOWS);
	for (uint32_t f = 0; f < FLOWS; f++) {
		reeve__io_flow_clear(&w->flows[f]);
		w->flows[f].start = w->m.start[f] = w->m.clock;
		w->flows[f].weight = w->m.weight[f] = 1 + (uint32_t)core_below(random, 400);
	}
}

static void add(struct world *w, uint32_t i, uint32_t flow, struct io_model_entry e)
{
	uint32_t dir = w->m.policy == REEVE_IO_DEADLINE && e.is_write, before;

	e.flow = flow;
	e.submitted = w->m.now;
	w->m.e[i] = e;
	w->entries[i] = (struct reeve_sh_io_entry){.size_bytes = e.size,
		.submitted_ns = e.submitted,
		.deadline_ns = e.deadline,
		.flow = flow,
		.is_write = e.is_write,
		.klass = e.klass};
	before = w->flows[flow].root[dir];
	reeve__io_policy_add(&w->v, i);
	io_model_add(&w->m, i);
	if (w->flows[flow].root[dir] != before) /* a new first entry is worth another try */
		w->m.held[flow] = false;
}

static struct io_model_entry random_entry(const struct world *w, struct sim_random *random)
{
	return (struct io_model_entry){
		.size = core_below(random, 3) ? core_below(random, 300000) : 0,
		.deadline = core_below(random, 3) ? w->m.now + core_below(random, 800000000)
						  : UINT64_MAX,
		.is_write = (uint32_t)core_below(random, 2),
		.klass = (uint32_t)core_below(random, 5)};
}

/* Something was done to the first of a flow perhaps, and then the flow is tried again. */
static void see_whether_held(struct world *w, uint32_t f)
{
	w->m.held[f] = w->flows[f].where == REEVE_FLOW_HELD;
}

static void pass_time(struct world *w, struct sim_random *random)
{
	uint64_t before = w->m.now;

	w->m.now += core_below(random, 100000000);
	reeve__io_policy_advance(&w->v, w->m.now);
	for (uint32_t f = 0; f < FLOWS; f++)
		w->m.held[f] = w->m.held[f] && w->m.until[f] > w->m.now;
	for (uint32_t i = 0; i < ENTRIES; i++)
		if (w->m.e[i].waits && w->m.e[i].deadline > before &&
			w->m.e[i].deadline <= w->m.now)
			see_whether_held(w, w->m.e[i].flow);
}

static void serve_next(struct world *w, uint32_t step)
{
	uint32_t i = reeve__io_policy_pick(&w->v, w->m.now);

	must(io_model_may_pick(&w->m, i), "policy %u, step %u: entry %d is not next\n", w->m.policy,
		step, (int)i);
	must(w->m.policy != REEVE_IO_BUDGET_FAIR || i == REEVE_NONE || w->q.clock == w->m.clock,
		"step %u: virtual time\n", step);
	if (i == REEVE_NONE)
		return;
	reeve__io_policy_serve(&w->v, i);
	io_model_serve(&w->m, i);
}

static void change_one(struct world *w, struct sim_random *random, uint32_t i, uint32_t what)
{
	uint32_t f = w->m.e[i].flow;
	uint64_t until = w->m.now + core_below(random, 200000000);

	if (what == 0) {
		reeve__io_policy_remove(&w->v, i);
		io_model_remove(&w->m, i);
		see_whether_held(w, f);
	} else if (what == 1) {
		w->entries[i].klass = w->m.e[i].klass = (uint32_t)core_below(random, 5);
		reeve__io_policy_again(&w->v, i);
		see_whether_held(w, f);
	} else {
		reeve__io_policy_hold(&w->v, f, until);
		io_model_hold(&w->m, f, until);
	}
}

static void queue_step(struct world *w, struct sim_random *random, uint32_t step, uint32_t size)
{
	uint32_t i = (uint32_t)core_below(random, size), what = (uint32_t)core_below(random, 17);

	if (what < 7) {
		if (!w->m.e[i].waits)
			add(w, i, (uint32_t)core_below(random, FLOWS), random_entry(w, random));
	} else if (what < 12) {
		serve_next(w, step);
	} else if (what < 15) {
		if (w->m.e[i].waits)
			change_one(w, random, i, what - 12);
	} else if (what == 15) {
		pass_time(w, random);
	} else {
		uint32_t f = (uint32_t)core_below(random, FLOWS);
		w->m.weight[f] = 1 + (uint32_t)core_below(random, 400);
		reeve__io_policy_weigh(&w->v, f, w->m.weight[f]);
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
	uint64_t all = 0, weights = 0, served[FLOWS] = {0};
	struct world w;

	(void)size;
	world_open(&w, random, policy);
	for (uint32_t f = 0; f < FLOWS; f++)
		w.flows[f].weight = w.m.weight[f] = 50 + (uint32_t)core_below(random, 400);
	for (uint32_t n = 0; n < 6000; n++) {
		for (uint32_t f = 0; f < FLOWS; f++) /* everybody always has one */
			for (uint32_t k = 0; k < 2; k++)
				if (!w.m.e[f * 2 + k].waits) {
					struct io_model_entry e = random_entry(&w, random);
					e.size = 4096 + core_below(random, 200000);
					add(&w, f * 2 + k, f, e);
				}
		uint32_t i = reeve__io_policy_pick(&w.v, w.m.now);
		must(i != REEVE_NONE, "nobody is next\n");
		reeve__io_policy_serve(&w.v, i);
		w.m.e[i].waits = false;
		served[w.m.e[i].flow] += w.m.e[i].size;
		all += w.m.e[i].size;
	}
	for (uint32_t f = 0; f < FLOWS; f++)
		weights += w.flows[f].weight;
	for (uint32_t f = 0; f < FLOWS; f++) {
		double part = (double)served[f] / (double)all;
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
