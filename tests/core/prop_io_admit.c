/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random work on the whole I/O scheduler against a simple model: who is served next under each policy,
 * two buckets a group with debt, limits, weights, policies and concurrency that change meanwhile,
 * deadlines, boosts, cancels, and sessions in a shield that take what they want. The clocks stand still
 * between steps, so the model knows every bucket exactly, as a real number.
 */
#include "io_kit.h"
#include "io_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/engine/io.h"

#define ENTRIES	   IO_MODEL_ENTRIES
#define FLOWS	   IO_MODEL_FLOWS
#define MUST_SLACK 3.0 /* tokens that rounding may cost: in what is shown, and at two changes */

enum kind { BYTES, OPS };

struct limit {
	uint64_t rate; /* REEVE_UNLIMITED: none */
	double tokens;
};

struct world {
	struct core_host h;
	struct reeve *r;
	struct reeve_session *shielded[FLOWS];
	struct reeve_io_config config;
	uint64_t group[FLOWS];
	uint32_t slot[FLOWS];
	struct limit limit[FLOWS][2];
	struct io_model m;
	uint64_t id[ENTRIES]; /* 0: the entry is free */
	bool active[ENTRIES];
	uint64_t submitted, completed, failed, cancelled, bytes[FLOWS], ops[FLOWS];
	uint64_t episode, step;
};

#define must(w, condition, ...)                                                                    \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error("episode %llu, step %llu, policy %u: ",                        \
				(unsigned long long)(w)->episode, (unsigned long long)(w)->step,   \
				(w)->m.policy);                                                    \
			print_error(__VA_ARGS__);                                                  \
			print_error("\n");                                                         \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

/* ---- buckets as real numbers ---- */

static double capacity(const struct world *w, const struct limit *l)
{
	return (double)l->rate * w->config.burst_ppm / 1e6;
}

static double slack(const struct world *w, const struct limit *l)
{
	return capacity(w, l) * 1e-5 + fabs(l->tokens) * 1e-4 + MUST_SLACK;
}

/* Nanoseconds until it has so many; negative: it has more. */
static double wait_of(const struct world *w, const struct limit *l, uint64_t units)
{
	double need = (double)units < capacity(w, l) ? (double)units : capacity(w, l);

	return l->rate == REEVE_UNLIMITED ? -1e18 : (need - l->tokens) / (double)l->rate * 1e9;
}

static double wait_for(const struct world *w, uint32_t i)
{
	const struct limit *l = w->limit[w->m.e[i].flow];

	return fmax(wait_of(w, &l[BYTES], w->m.e[i].size), wait_of(w, &l[OPS], 1));
}

/* How far off the library may be with a wait. */
static double wait_slack(const struct world *w, uint32_t f)
{
	double ns = 2;

	for (int k = 0; k < 2; k++)
		if (w->limit[f][k].rate != REEVE_UNLIMITED)
			ns += slack(w, &w->limit[f][k]) / (double)w->limit[f][k].rate * 1e9;
	return ns;
}

static void take(struct world *w, uint32_t f, uint64_t size)
{
	w->limit[f][BYTES].tokens -= (double)size;
	w->limit[f][OPS].tokens -= 1;
}

static void pass_time(struct world *w, uint64_t ns)
{
	core_sleep(&w->h, (reeve_ns)ns);
	w->m.now += ns;
	for (uint32_t f = 0; f < FLOWS; f++)
		for (int k = 0; k < 2; k++) {
			struct limit *l = &w->limit[f][k];
			l->tokens += (double)l->rate * (double)ns / 1e9;
			l->tokens = fmin(l->tokens, capacity(w, l));
		}
}

/* Another limit or burst: tokens stay, but for what no longer fits in. */
static void set_limit(struct world *w, struct limit *l, uint64_t rate)
{
	bool had = l->rate != REEVE_UNLIMITED;

	l->rate = rate;
	l->tokens = had ? fmin(l->tokens, capacity(w, l)) : capacity(w, l);
}

/* The library's tokens are the model's; whole tokens that a change has rounded away are no debt. */
static void compare_tokens(struct world *w, uint32_t f)
{
	struct reeve_io_group_stats g = io_group(w->r, w->group[f]);
	int64_t seen[2] = {g.bandwidth_tokens, g.iops_tokens};

	must(w, g.bandwidth == w->limit[f][BYTES].rate && g.iops == w->limit[f][OPS].rate,
		"other limits are in force in flow %u", f);
	for (int k = 0; k < 2; k++) {
		struct limit *l = &w->limit[f][k];
		if (l->rate == REEVE_UNLIMITED)
			continue;
		must(w, fabs((double)seen[k] - l->tokens) <= slack(w, l),
			"flow %u shows %lld %s, should have %f", f, (long long)seen[k],
			k == OPS ? "operations" : "bytes", l->tokens);
	}
}

/* ---- what the library says of itself ---- */

static const struct reeve_sh_io_flow *flow_of(const struct world *w, uint32_t f)
{
	return &w->r->io_groups[w->slot[f]].flows[REEVE_IO_QUEUE_PULL];
}

/* Flows that were held and are not any longer, or anew: they may be tried again at any time. */
static void see_released(struct world *w)
{
	for (uint32_t f = 0; f < FLOWS; f++)
		w->m.held[f] = w->m.held[f] && flow_of(w, f)->where == REEVE_FLOW_HELD &&
			       flow_of(w, f)->held_until_ns == w->m.until[f];
}

/* That flow is held now: rightly so, and for as long as its first request, of a direction, has to wait. */
static void judge_hold(struct world *w, uint32_t f)
{
	bool right = false;

	for (uint32_t write = 0; write < 2; write++) {
		bool all = w->m.policy != REEVE_IO_DEADLINE;
		uint32_t i = io_model_first(&w->m, f, all ? REEVE_NONE : write);
		double wait;
		if (i == REEVE_NONE)
			continue;
		wait = wait_for(w, i);
		right = right || (wait > -wait_slack(w, f) &&
					 fabs((double)(flow_of(w, f)->held_until_ns - w->m.now) -
						 wait) <= wait_slack(w, f) + fabs(wait) * 1e-4);
	}
	must(w, right, "flow %u is held for %lld ns", f,
		(long long)(flow_of(w, f)->held_until_ns - w->m.now));
}

/*
 * Takes over what the library has held while it looked for the next. Under budget fair the order counts,
 * because virtual time goes on: it must be one in which each of them had the turn.
 */
static void see_held(struct world *w)
{
	for (bool more = true; more;) {
		more = false;
		for (uint32_t f = 0; f < FLOWS && !more; f++) {
			struct io_model tried = w->m;
			if (flow_of(w, f)->where != REEVE_FLOW_HELD || w->m.held[f])
				continue;
			judge_hold(w, f);
			if (w->m.policy == REEVE_IO_BUDGET_FAIR &&
				!io_model_may_pick(&tried, io_model_first(&w->m, f, REEVE_NONE)))
				continue;
			w->m = tried;
			io_model_hold(&w->m, f, flow_of(w, f)->held_until_ns);
			more = true;
		}
	}
	for (uint32_t f = 0; f < FLOWS; f++)
		must(w, (flow_of(w, f)->where == REEVE_FLOW_HELD) == w->m.held[f],
			"flow %u was held out of turn", f);
}

/* ---- steps ---- */

static uint32_t find(const struct world *w, uint64_t id)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		if (w->id[i] == id)
			return i;
	return REEVE_NONE;
}

static uint32_t count_active(const struct world *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ENTRIES; i++)
		n += w->id[i] && w->active[i];
	return n;
}

static void submit(struct world *w, struct sim_random *random, uint32_t size)
{
	uint32_t i = find(w, 0), f = (uint32_t)core_below(random, FLOWS);
	struct reeve_io_def def = io_def((uint32_t)core_below(random, REEVE_IO_TYPES),
		(uint32_t)core_below(random, REEVE_IO_PRIORITIES),
		core_below(random, 4) ? core_below(random, 300000) : core_below(random, 3000000));
	reeve_io_id id = {0};
	reeve_ns span;

	if (core_below(random, 3) == 0)
		def.deadline = (reeve_ns)(w->m.now + core_below(random, 800000000));
	else if (core_below(random, 5) == 0)
		def.deadline = REEVE_NEVER;
	if (i != REEVE_NONE && i >= size)
		return;
	if (i == REEVE_NONE) {
		assert_fails(reeve_io_submit(w->r, (reeve_group_id){w->group[f]}, &def, &id, E),
			REEVE_ERESOURCE_EXHAUSTED, "table of I/O requests is full");
		return;
	}
	w->id[i] = io_submit_def(w->r, w->group[f], def);
	w->active[i] = false;
	w->submitted++;
	span = w->config.deadlines[def.type][def.priority];
	w->m.e[i] = (struct io_model_entry){.flow = f,
		.is_write = def.type == REEVE_IO_WRITE || def.type == REEVE_IO_SYNC_WRITE,
		.klass = def.priority,
		.size = def.size_bytes,
		.submitted = w->m.now,
		.deadline = def.deadline == REEVE_NEVER ? UINT64_MAX
			    : def.deadline		? (uint64_t)def.deadline
			    : span == REEVE_NEVER	? UINT64_MAX
							: w->m.now + (uint64_t)span};
	io_model_add(&w->m, i);
}

/* Nobody may start: all are held, and the first is free again when the library says. */
static void judge_refusal(struct world *w, reeve_ns retry)
{
	uint64_t first = UINT64_MAX;

	must(w, io_model_may_pick(&w->m, REEVE_NONE), "nobody is next, and somebody could be");
	for (uint32_t f = 0; f < FLOWS; f++)
		if (w->m.held[f] && w->m.until[f] < first)
			first = w->m.until[f];
	must(w, first == UINT64_MAX ? retry == REEVE_NEVER : w->m.now + (uint64_t)retry == first,
		"the next chance is said to be in %lld ns", (long long)retry);
}

static void serve_next(struct world *w)
{
	struct reeve_io_request_info info = {0};
	reeve_ns retry = -1;
	int rc = reeve_io_next(w->r, &info, &retry, E);
	uint32_t i = rc ? REEVE_NONE : find(w, info.id.v);

	see_released(w);
	see_held(w);
	if (rc && retry == 0) { /* max_concurrent */
		uint32_t turn = w->r->io->queues[REEVE_IO_QUEUE_PULL].current;
		must(w, count_active(w) >= w->config.max_concurrent, "%u are under way",
			count_active(w));
		for (uint32_t f = 0; f < FLOWS; f++)
			if (w->slot[f] == turn)
				i = io_model_first(&w->m, f, REEVE_NONE);
		must(w, i == REEVE_NONE || io_model_may_pick(&w->m, i), "a wrong turn begins");
		return;
	}
	if (rc) {
		judge_refusal(w, retry);
		return;
	}
	must(w, i != REEVE_NONE && w->m.e[i].waits, "a request that does not wait is next");
	must(w, count_active(w) < w->config.max_concurrent, "too many are under way");
	must(w, wait_for(w, i) <= wait_slack(w, w->m.e[i].flow),
		"entry %u goes %f ns before its limits allow it", i, wait_for(w, i));
	must(w, io_model_may_pick(&w->m, i), "entry %u is not next", i);
	io_model_serve(&w->m, i);
	take(w, w->m.e[i].flow, w->m.e[i].size);
	w->active[i] = true;
}

static void complete(struct world *w, struct sim_random *random, uint32_t i)
{
	bool ok = core_below(random, 8) != 0;
	uint64_t bytes = core_below(random, w->m.e[i].size + 1);

	if (!w->active[i]) {
		assert_fails(reeve_io_complete(w->r, (reeve_io_id){w->id[i]}, bytes, ok, NULL, E),
			REEVE_EINVALID_STATE, "was not started");
		return;
	}
	assert_ok(reeve_io_complete(w->r, (reeve_io_id){w->id[i]}, bytes, ok, NULL, E));
	w->completed += ok;
	w->failed += !ok;
	w->bytes[w->m.e[i].flow] += ok ? bytes : 0;
	w->ops[w->m.e[i].flow] += ok;
	w->id[i] = 0;
}

static void cancel(struct world *w, uint32_t i)
{
	assert_ok(reeve_io_cancel(w->r, (reeve_io_id){w->id[i]}, NULL, E));
	if (!w->active[i])
		io_model_remove(&w->m, i);
	w->cancelled++;
	w->id[i] = 0;
}

static void boost(struct world *w, struct sim_random *random, uint32_t i)
{
	uint32_t klass = (uint32_t)core_below(random, REEVE_IO_PRIORITIES);

	if (w->active[i]) {
		assert_fails(reeve_io_boost(w->r, (reeve_io_id){w->id[i]}, klass, E),
			REEVE_EINVALID_STATE, "waits no longer");
		return;
	}
	assert_ok(reeve_io_boost(w->r, (reeve_io_id){w->id[i]}, klass, E));
	w->m.e[i].klass = klass;
}

/* A session in a shield takes what it wants, into debt. */
static void take_shielded(struct world *w, struct sim_random *random)
{
	uint32_t f = (uint32_t)core_below(random, FLOWS);
	struct reeve_io_def def = io_read(core_below(random, 1000000));

	if (!w->shielded[f])
		w->shielded[f] = core_session(w->r, w->group[f]);
	assert_ok(reeve_query_begin(w->shielded[f], NULL, E));
	reeve_shield_begin(w->shielded[f]);
	assert_ok(reeve_io_begin(w->shielded[f], &def, E));
	assert_ok(reeve_io_end(w->shielded[f], def.size_bytes, true));
	reeve_shield_end(w->shielded[f]);
	reeve_query_end(w->shielded[f], NULL);
	w->submitted++;
	w->completed++;
	w->bytes[f] += def.size_bytes;
	w->ops[f]++;
	/* without any limit it took the way on which nothing is counted, to the same effect */
	take(w, f, def.size_bytes);
}

static uint64_t random_rate(struct sim_random *random, uint64_t most)
{
	return core_below(random, 3) ? 1 + core_below(random, most) : REEVE_UNLIMITED;
}

static void change_limits(struct world *w, struct sim_random *random)
{
	uint32_t f = (uint32_t)core_below(random, FLOWS), weight;
	uint64_t bytes = random_rate(random, 20000000), ops = random_rate(random, 2000);

	weight = 1 + (uint32_t)core_below(random, 400);
	io_limit(w->r, w->group[f], bytes, ops, weight);
	set_limit(w, &w->limit[f][BYTES], bytes);
	set_limit(w, &w->limit[f][OPS], ops);
	w->m.weight[f] = weight;
	compare_tokens(w, f);
	for (int k = 0; k < 2; k++) /* the whole tokens that it rounded off are gone */
		if (w->limit[f][k].rate != REEVE_UNLIMITED)
			w->limit[f][k].tokens =
				(double)(k == OPS ? io_group(w->r, w->group[f]).iops_tokens
						  : io_group(w->r, w->group[f]).bandwidth_tokens);
}

/* Everything that waits is added again, by its place in the table. */
static void follow_policy(struct world *w, uint32_t policy)
{
	bool waits[ENTRIES];

	for (uint32_t i = 0; i < ENTRIES; i++)
		waits[i] = w->m.e[i].waits;
	io_model_clear(&w->m, policy);
	for (uint32_t s = 0; s < w->r->header->io.requests.capacity; s++)
		for (uint32_t i = 0; i < ENTRIES; i++)
			if (waits[i] && w->r->io_requests[s].head.id == w->id[i])
				io_model_add(&w->m, i);
}

static void configure(struct world *w, struct sim_random *random)
{
	struct reeve_io_config k = w->config;

	if (core_below(random, 4) == 0)
		k.policy = (uint32_t)core_below(random, 4);
	k.max_concurrent = 1 + (uint32_t)core_below(random, 20);
	k.deadlines[core_below(random, REEVE_IO_TYPES)][core_below(random, REEVE_IO_PRIORITIES)] =
		core_below(random, 3) ? 1000 + (reeve_ns)core_below(random, 1000000000)
				      : REEVE_NEVER;
	assert_ok(reeve_io_config_set(w->r, &k, E));
	if (k.policy != w->m.policy)
		follow_policy(w, k.policy);
	w->config = k;
}

static void compare_counts(struct world *w)
{
	struct reeve_io_stats s = io_stats(w->r);
	uint32_t waiting = 0, active = count_active(w);

	for (uint32_t f = 0; f < FLOWS; f++) {
		struct reeve_io_group_stats g = io_group(w->r, w->group[f]);
		uint32_t here = 0;
		for (uint32_t i = 0; i < ENTRIES; i++)
			here += w->id[i] && w->active[i] && w->m.e[i].flow == f;
		must(w, g.queued == io_model_count(&w->m, f) && g.active == here,
			"flow %u has %u waiting and %u under way", f, g.queued, g.active);
		must(w, g.total_bytes == w->bytes[f] && g.total_ops == w->ops[f],
			"flow %u has moved %llu bytes", f, (unsigned long long)g.total_bytes);
		waiting += g.queued;
		compare_tokens(w, f);
	}
	must(w, s.queued == waiting && s.active == active, "%u wait, %u are under way", s.queued,
		s.active);
	must(w,
		s.completed == w->completed && s.failed == w->failed &&
			s.cancelled == w->cancelled && s.total == w->submitted,
		"%llu submitted, %llu completed, %llu failed, %llu cancelled",
		(unsigned long long)s.total, (unsigned long long)s.completed,
		(unsigned long long)s.failed, (unsigned long long)s.cancelled);
	must(w, s.total == s.completed + s.failed + s.cancelled + s.queued + s.active,
		"begun is not ended and under way");
	assert_clean(w->r);
}

static void step(struct world *w, struct sim_random *random, uint32_t size)
{
	uint32_t i = (uint32_t)core_below(random, size), what = (uint32_t)core_below(random, 32);

	if (what < 9) {
		submit(w, random, size);
	} else if (what < 18) {
		serve_next(w);
	} else if (what < 24) {
		if (w->id[i])
			complete(w, random, i);
	} else if (what == 24) {
		if (w->id[i])
			cancel(w, i);
	} else if (what == 25) {
		if (w->id[i])
			boost(w, random, i);
	} else if (what == 26) {
		take_shielded(w, random);
	} else if (what == 27) {
		change_limits(w, random);
	} else if (what == 28 && core_below(random, 4) == 0) {
		configure(w, random);
	} else {
		pass_time(w, core_below(random, 1 << core_below(random, 29)));
	}
	see_released(w);
}

static void world_open(struct world *w, struct sim_random *random)
{
	memset(w, 0, sizeof(*w));
	core_host_init(&w->h);
	w->r = core_open(&w->h.host, 1);
	w->m.now = (uint64_t)w->h.mono;
	reeve_io_config_get(w->r, &w->config);
	w->config.policy = (uint32_t)core_below(random, 4);
	w->config.burst_ppm = 1000 + (uint32_t)core_below(random, 3000000);
	assert_ok(reeve_io_config_set(w->r, &w->config, E));
	io_model_clear(&w->m, w->config.policy);
	for (uint32_t f = 0; f < FLOWS; f++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "FLOW%u", f);
		w->group[f] = core_group(w->r, name, 0);
		w->slot[f] = reeve__table_find(w->r, &w->r->header->groups, w->group[f]);
		w->m.weight[f] = REEVE_IO_WEIGHT_DEFAULT;
		w->limit[f][BYTES].rate = w->limit[f][OPS].rate = REEVE_UNLIMITED;
	}
}

static void requests_go_as_the_model_says(void **state)
{
	uint64_t seed = core_seed("admission"), done = 0, all = core_steps(20000);
	static struct world w;

	(void)state;
	for (uint64_t n = 0; done < all; n++) {
		uint32_t size = (uint32_t)(2 + n < ENTRIES ? 2 + n : ENTRIES);
		struct sim_random random;
		sim_random_init(&random, seed, n);
		world_open(&w, &random);
		w.episode = n;
		for (w.step = 0; w.step < 16 * size; w.step++, done++) {
			step(&w, &random, size);
			if (w.step % 16 == 0)
				compare_counts(&w);
		}
		compare_counts(&w);
		reeve_close(w.r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_go_as_the_model_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
