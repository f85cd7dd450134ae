/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - see world.h. */
#include "world.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the bystanders ---- */

struct loop {
	struct world *w;
	struct reeve *r;
	uint32_t index;
};

/* A transfer of no time at all, admitted like any other. */
static int run_io(struct reeve_session *s)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	int rc;

	def.size_bytes = 4096;
	rc = reeve_io_begin(s, &def, NULL);
	return rc ? rc : reeve_io_end(s, def.size_bytes, true);
}

/* Works with parallel servers, for which it may have to wait. */
static int run_parallel(struct reeve_session *s)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_parallel parallel;
	int rc;

	def.mode = REEVE_PARALLEL_MANUAL;
	def.requested_dop = WORLD_DOP - 1;
	rc = reeve_parallel_begin(s, &def, &parallel, NULL);
	if (rc)
		return rc;
	if (reeve_parallel_dop(&parallel) != WORLD_DOP - 1)
		abort();
	kit_spin(30 * REEVE_USEC);
	return reeve_parallel_end(&parallel, NULL, NULL);
}

static void run_statement(struct world *w, struct reeve_session *s, uint64_t *seed, bool busy)
{
	int rc = reeve_query_begin(s, NULL, NULL);

	if (rc) {
		kit_put(&w->refused, rc);
		return;
	}
	/* Memory is wide: a charge is refused only when a death has left something counted. */
	rc = reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, 300000, NULL);
	for (uint32_t i = 0, n = busy ? 2 + kit_below(seed, 8) : 0; i < n && !rc; i++) {
		kit_spin(30 * REEVE_USEC);
		rc = reeve_checkpoint(s);
	}
	if (!rc && kit_below(seed, 3) == 0)
		rc = run_io(s);
	if (!rc && busy && kit_below(seed, 4) == 0)
		rc = run_parallel(s);
	if (!rc)
		rc = reeve_memory_release(s, REEVE_MEMORY_WORK_AREA, 300000, NULL);
	if (rc)
		kit_put(&w->refused, rc);
	reeve_query_end(s, NULL);
}

/* A new session every third statement: one that has never held a slot. */
static struct reeve_session *renew(struct reeve *r, struct reeve_session *s, uint64_t n)
{
	if (n % 3)
		return s;
	reeve_session_destroy(s);
	s = kit_session(r, REEVE_BATCH_GROUP);
	if (!s)
		abort();
	return s;
}

static void *run_loop(void *arg)
{
	struct loop *l = arg;
	struct world *w = l->w;
	struct reeve_session *s = NULL;
	uint64_t seed = l->index;

	for (;;) {
		uint32_t mode = atomic_load(&w->mode);
		if (mode == WORLD_PAUSED) {
			atomic_store(&w->idle[l->index], 1);
			kit_nap(200 * REEVE_USEC);
			continue;
		}
		atomic_store(&w->idle[l->index], 0);
		if (atomic_load(&w->mode) == WORLD_PAUSED)
			continue;
		s = renew(l->r, s, kit_get(&w->progress[l->index]));
		run_statement(w, s, &seed, mode == WORLD_BUSY);
		kit_add(&w->progress[l->index], 1);
		if (mode == WORLD_LIGHT)
			kit_nap(REEVE_MSEC);
	}
	return NULL;
}

static int run_bystander(struct world *w, void *arg)
{
	static struct loop loops[WORLD_THREADS];
	uint32_t first = *(const uint32_t *)arg;
	struct reeve *r = kit_open(w->path);
	pthread_t thread;

	if (!r)
		return 1;
	for (uint32_t i = 0; i < WORLD_THREADS; i++) {
		loops[i] = (struct loop){w, r, first + i};
		if (pthread_create(&thread, NULL, run_loop, &loops[i]))
			return 1;
	}
	pthread_join(thread, NULL);
	return 1;
}

static int run_ticker(struct world *w, void *arg)
{
	struct reeve *r = kit_open(w->path);

	(void)arg;
	while (r) {
		if (atomic_load(&w->ticking))
			reeve_tick(r, NULL, NULL);
		kit_nap(20 * REEVE_MSEC);
	}
	return 1;
}

/* ---- processes ---- */

pid_t world_fork(struct world *w, int (*run)(struct world *w, void *arg), void *arg)
{
	pid_t test = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != test)
		_exit(1);
	_exit(run(w, arg));
}

int world_wait(pid_t pid, reeve_ns limit)
{
	struct kit_poll poll = kit_poll_for(limit);
	int status = 0;

	do {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
	} while (kit_poll_more(&poll));
	printf("FAULT process %d does not end\n", (int)pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

/* One I/O at a time, and a limit with a small bucket: there is always somebody who waits. */
static void narrow_io(struct reeve *r)
{
	struct reeve_io_config k;

	reeve_io_config_get(r, &k);
	k.max_concurrent = 1;
	k.burst_ppm = 1000;
	if (reeve_io_config_set(r, &k, NULL) ||
		reeve_io_group_register(
			r, (reeve_group_id){REEVE_BATCH_GROUP}, REEVE_UNLIMITED, 20000, 100, NULL))
		abort();
}

/* A maximum of one and a half times the minimum, and six. */
static struct reeve_server_pool_def pool_def(uint32_t min_servers)
{
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;

	def.name = "world";
	def.min_servers = min_servers;
	def.max_servers = min_servers + min_servers / 2 + 6;
	def.idle_timeout_ns = 20 * REEVE_MSEC;
	return def;
}

void world_change_pool(struct world *w, struct reeve *r, uint32_t min_servers)
{
	struct reeve_server_pool_def def = pool_def(min_servers);
	struct reeve_error err;

	if (reeve_server_pool_update(
		    r, w->pool, REEVE_SERVER_POOL_MIN | REEVE_SERVER_POOL_MAX, &def, 0, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

static void create_pool(struct world *w)
{
	struct reeve_server_pool_def def = pool_def(1);
	struct reeve_parallel_config config;

	reeve_parallel_config_get(w->r, &config);
	config.max_total_dop = config.cpu_cores = WORLD_DOP;
	if (reeve_parallel_config_set(w->r, &config, NULL) ||
		reeve_server_pool_create(w->r, &def, &w->pool, NULL))
		abort();
}

struct world *world_create(uint32_t cpu_slots)
{
	struct world *w = kit_shared(sizeof(*w));
	static uint32_t firsts[WORLD_PROCESSES];

	w->slots = cpu_slots;
	w->r = kit_create(w->path, cpu_slots);
	narrow_io(w->r);
	for (uint32_t i = 0; i < WORLD_SETS; i++)
		definitions_create(&w->sets[i], w->r, i);
	w->plan_intended = w->plan_acknowledged = REEVE_DEFAULT_PLAN;
	create_pool(w);
	for (uint32_t i = 0; i < w->slots; i++) {
		w->probes[i] = kit_session(w->r, REEVE_SYS_GROUP);
		if (!w->probes[i])
			abort();
	}
	for (uint32_t i = 0; i < WORLD_PROCESSES; i++) {
		firsts[i] = i * WORLD_THREADS;
		w->children[i] = world_fork(w, run_bystander, &firsts[i]);
	}
	w->children[WORLD_PROCESSES] = world_fork(w, run_ticker, NULL);
	return w;
}

void world_destroy(struct world *w)
{
	for (uint32_t i = 0; i <= WORLD_PROCESSES; i++) {
		kill(w->children[i], SIGKILL);
		waitpid(w->children[i], NULL, 0);
	}
	for (uint32_t i = 0; i < w->slots; i++)
		reeve_session_destroy(w->probes[i]);
	reeve_close(w->r);
	unlink(w->path);
}

bool world_pause(struct world *w)
{
	struct kit_poll poll = kit_poll_for(2 * REEVE_SEC);
	uint32_t idle;

	atomic_store(&w->mode, (uint32_t)WORLD_PAUSED);
	do {
		idle = 0;
		for (uint32_t i = 0; i < WORLD_LOOPS; i++)
			idle += atomic_load(&w->idle[i]);
		if (idle == WORLD_LOOPS)
			return true;
	} while (kit_poll_more(&poll));
	return false;
}

void world_go(struct world *w, enum world_mode mode)
{
	atomic_store(&w->mode, (uint32_t)mode);
}

/* ---- what must be true ---- */

static bool all_went_on(struct world *w, const uint64_t *before)
{
	for (uint32_t i = 0; i < WORLD_LOOPS; i++)
		if (kit_get(&w->progress[i]) < before[i] + 2)
			return false;
	return true;
}

static int wait_for_recovery(struct world *w, const pid_t *dead, uint32_t n, const char *what)
{
	struct kit_poll poll = kit_poll_for(REEVE_SEC);
	uint64_t before[WORLD_LOOPS];
	uint32_t left;

	for (uint32_t i = 0; i < WORLD_LOOPS; i++)
		before[i] = kit_get(&w->progress[i]);
	do {
		left = 0;
		for (uint32_t i = 0; i < n; i++)
			left += kit_attachments_of(w->r, dead[i]);
		if (left == 0 && all_went_on(w, before)) {
			if (kit_poll_took(&poll) > w->longest)
				w->longest = kit_poll_took(&poll);
			return 0;
		}
	} while (kit_poll_more(&poll));
	printf("FAULT %s: after %.3f s (%.3f s of it lost to a busy machine) %u attachments of the "
	       "dead are left; statements since:",
		what, (double)kit_poll_took(&poll) / 1e9, (double)poll.late / 1e9, left);
	for (uint32_t i = 0; i < WORLD_LOOPS; i++)
		printf(" %llu", (unsigned long long)(kit_get(&w->progress[i]) - before[i]));
	printf("\n");
	return 1;
}

/* Begins one statement a slot, all at once, and ends them. */
static int check_capacity(struct world *w, const char *what)
{
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;
	struct reeve_error err;
	uint32_t begun = 0;
	int faults = 0;

	def.deadline = kit_now() + 2 * REEVE_SEC;
	for (; begun < w->slots && !faults; begun++)
		if (reeve_query_begin(w->probes[begun], &def, &err)) {
			printf("FAULT %s: statement %u of %u did not get a slot: %s\n", what,
				begun + 1, w->slots, err.text);
			faults++;
			break;
		}
	while (begun-- > 0)
		reeve_query_end(w->probes[begun], NULL);
	return faults;
}

/* Nobody has an I/O request; explicit limits of a group are all of one number. */
static int check_io(struct world *w, const char *what)
{
	struct reeve_io_group_stats g;
	struct reeve_io_stats io;
	int faults = 0;

	reeve_io_stats_get(w->r, &io);
	if (io.active || io.queued) {
		printf("FAULT %s: nobody works, but %u I/O requests are under way and %u wait\n",
			what, io.active, io.queued);
		faults++;
	}
	if (reeve_io_group_stats_get(w->r, (reeve_group_id){REEVE_MAINTENANCE_GROUP}, &g, NULL))
		abort();
	if (g.is_registered && (g.bandwidth != 1000 * g.iops || g.weight != g.iops % 1000)) {
		printf("FAULT %s: half a registration: %llu bytes and %llu operations a second, "
		       "weight %u\n",
			what, (unsigned long long)g.bandwidth, (unsigned long long)g.iops,
			g.weight);
		faults++;
	}
	return faults;
}

static int check_plan(struct world *w, const char *what)
{
	uint64_t now = reeve_plan_active(w->r).v;
	int faults = w->any_plan ? now < 1 || now > 4
				 : now != w->plan_intended && now != w->plan_acknowledged;

	if (faults)
		printf("FAULT %s: plan %llu is active; acknowledged %llu, intended %llu\n", what,
			(unsigned long long)now, (unsigned long long)w->plan_acknowledged,
			(unsigned long long)w->plan_intended);
	w->plan_intended = w->plan_acknowledged = now;
	return faults;
}

/* Nobody runs or waits, so no place in any pool is taken, and as many can be taken as there are. */
static int check_pools(struct world *w, const char *what)
{
	struct reeve_session_pool_info infos[8];
	uint32_t n = reeve_session_pool_copy(w->r, (reeve_group_id){0}, infos, 8);
	int faults = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (infos[i].active == 0 && infos[i].queued == 0)
			continue;
		printf("FAULT %s: the pool of group %llu counts %u active and %u queued\n", what,
			(unsigned long long)infos[i].group.v, infos[i].active, infos[i].queued);
		faults++;
	}
	return faults;
}

/* Readers of events come past what the dead have left unfinished, once something is told after it. */
static int check_events(struct world *w, const char *what)
{
	struct kit_poll poll = kit_poll_for(2 * REEVE_SEC);
	struct reeve_event e[64];
	uint64_t last;

	reeve_session_destroy(kit_session(w->r, REEVE_BATCH_GROUP));
	last = reeve_event_newest(w->r);
	do {
		uint32_t n = reeve_event_copy(w->r, w->events_read, e, 64, &w->events_read, NULL);
		if (w->events_read >= last)
			return 0;
		if (!n && !kit_poll_more(&poll))
			break;
	} while (true);
	printf("FAULT %s: a reader of events is stuck at %llu of %llu\n", what,
		(unsigned long long)w->events_read, (unsigned long long)last);
	return 1;
}

/* With nobody at work no server is in use; the pool is of one piece; all servers can be had. */
static int check_servers(struct world *w, const char *what)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_server_pool_info pool;
	struct reeve_parallel_stats stats;
	struct reeve_parallel parallel;
	struct reeve_error err;
	int faults = 0;

	reeve_parallel_stats_get(w->r, &stats);
	if (stats.current_total_dop || stats.queued_now || stats.executing_now ||
		stats.busy_servers) {
		printf("FAULT %s: nobody works, but %u servers are held, %u executions run, %u "
		       "wait\n",
			what, stats.current_total_dop, stats.executing_now, stats.queued_now);
		faults++;
	}
	if (reeve_server_pool_get(w->r, w->pool, &pool, &err) ||
		pool.max_servers != pool.min_servers + pool.min_servers / 2 + 6) {
		printf("FAULT %s: half a change of the pool: minimum %u, maximum %u\n", what,
			pool.min_servers, pool.max_servers);
		faults++;
	}
	def.mode = REEVE_PARALLEL_MANUAL;
	def.requested_dop = WORLD_DOP;
	def.deadline = kit_now() + REEVE_SEC;
	if (reeve_parallel_begin(w->probes[0], &def, &parallel, &err) ||
		reeve_parallel_end(&parallel, NULL, &err)) {
		printf("FAULT %s: not all servers can be had: %s\n", what, err.text);
		faults++;
	}
	return faults;
}

/* What the bystanders may keep is credit; of all that the dead had, nothing is left. */
static int check_memory(struct world *w, const char *what)
{
	struct reeve_memory_stats stats;

	reeve_memory_stats_get(w->r, &stats);
	if (stats.pool_bytes == 0 && stats.allocations == stats.deallocations &&
		stats.session_bytes <= WORLD_LOOPS * 2 * 65536)
		return 0;
	printf("FAULT %s: %llu bytes of allocations, %llu of sessions are in use; %llu made, %llu "
	       "freed\n",
		what, (unsigned long long)stats.pool_bytes, (unsigned long long)stats.session_bytes,
		(unsigned long long)stats.allocations, (unsigned long long)stats.deallocations);
	return 1;
}

int world_check_at_rest(struct world *w, const char *what)
{
	struct reeve_cpu_stats cpu;
	int faults = 0;

	if (!world_pause(w)) {
		printf("FAULT %s: a statement of a bystander does not end\n", what);
		faults++;
	}
	faults += kit_faults(w->r, what) + kit_count_faults(w->r, what);
	reeve_cpu_stats_get(w->r, &cpu);
	if (cpu.running || cpu.ready) {
		printf("FAULT %s: nobody works, but %u tasks run and %u wait\n", what, cpu.running,
			cpu.ready);
		faults++;
	}
	faults += check_events(w, what);
	faults += check_capacity(w, what) + check_io(w, what);
	faults += check_servers(w, what);
	faults += check_pools(w, what);
	for (uint32_t i = 0; i < WORLD_SETS; i++)
		faults += definitions_check(&w->sets[i], w->r, what);
	faults += check_plan(w, what);
	faults += check_memory(w, what);
	if (kit_get(&w->refused)) {
		printf("FAULT %s: a bystander was refused with code %d\n", what,
			kit_get(&w->refused));
		kit_put(&w->refused, 0);
		faults++;
	}
	return faults;
}

int world_recovered(struct world *w, const pid_t *dead, uint32_t n, const char *what)
{
	int faults = wait_for_recovery(w, dead, n, what);

	return faults + world_check_at_rest(w, what);
}
