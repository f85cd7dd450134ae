/* SPDX-License-Identifier: Apache-2.0 */
/* orders.c - see orders.h. */
#include "orders.h"

#include "kit.h"

#include "../../src/base/base.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

enum { RUNS = 0, STOPPED = 1, ENDED = 2 };
enum { AT_START = -1 };

struct actor {
	const struct orders_actor *what;
	pthread_t thread;
	sem_t go;
	_Atomic int state, point, stat_fd;
};

/* One order: which of the options was taken at each step. */
struct path {
	uint8_t choice[ORDERS_STEPS_MAX], options[ORDERS_STEPS_MAX];
	uint32_t depth;
	uint8_t actor[ORDERS_STEPS_MAX]; /* for the report */
	int point[ORDERS_STEPS_MAX];
};

static _Thread_local struct actor *me;

static void stop_at(int point)
{
	if (!me)
		return;
	atomic_store(&me->point, point);
	atomic_store(&me->state, STOPPED);
	while (sem_wait(&me->go) != 0)
		;
}

static void *act(void *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)gettid());
	me = arg;
	atomic_store(&me->stat_fd, open(path, O_RDONLY | O_CLOEXEC));
	stop_at(AT_START);
	me->what->run(me->what->arg);
	atomic_store(&me->state, ENDED);
	return NULL;
}

/* Whether an actor that was let go sleeps in the kernel: for a lock, or for a slot. */
static bool is_asleep(struct actor *a)
{
	char text[128] = "";
	ssize_t n = pread(atomic_load(&a->stat_fd), text, sizeof(text) - 1, 0);
	const char *end = n > 0 ? strrchr(text, ')') : NULL;

	return end && end[1] == ' ' && end[2] == 'S';
}

static bool is_settled(struct actor *actors, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (atomic_load(&actors[i].state) == RUNS && !is_asleep(&actors[i]))
			return false;
	return true;
}

/* Waits until nothing moves, seen twice. */
static void settle(struct actor *actors, uint32_t count)
{
	for (uint32_t seen = 0; seen < 2;) {
		seen = is_settled(actors, count) ? seen + 1 : 0;
		sched_yield();
	}
}

/* Stopped actors that may go next, the last one first. */
static uint32_t list_options(
	struct actor *actors, uint32_t count, uint32_t last, bool may_switch, uint8_t *ret)
{
	uint32_t n = 0;

	if (last < count && atomic_load(&actors[last].state) == STOPPED)
		ret[n++] = (uint8_t)last;
	if (n && !may_switch)
		return n;
	for (uint32_t i = 0; i < count; i++)
		if (i != last && atomic_load(&actors[i].state) == STOPPED)
			ret[n++] = (uint8_t)i;
	return n;
}

static uint32_t count_ended(struct actor *actors, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += atomic_load(&actors[i].state) == ENDED;
	return n;
}

/* One step: lets an actor go. False when none is stopped. */
static bool step(struct actor *actors, const struct orders *o, struct path *p, uint32_t d,
	uint32_t *last, uint32_t *switches)
{
	uint8_t options[ORDERS_ACTORS_MAX];
	uint32_t n = list_options(actors, o->count, *last, *switches < o->switches, options), next;

	if (n == 0)
		return false;
	if (d >= p->depth) {
		p->choice[d] = 0;
		p->depth = d + 1;
	}
	p->options[d] = (uint8_t)n;
	if (p->choice[d] >= n) /* the machine's own timing made another path of it */
		p->choice[d] = 0;
	next = options[p->choice[d]];
	*switches += next != *last && options[0] == *last;
	p->actor[d] = (uint8_t)next;
	p->point[d] = atomic_load(&actors[next].point);
	*last = next;
	atomic_store(&actors[next].state, RUNS);
	sem_post(&actors[next].go);
	return true;
}

/* Lets everybody run to the end, whatever happens: after a fault. */
static void let_all_go(struct actor *actors, uint32_t count)
{
	while (count_ended(actors, count) < count) {
		for (uint32_t i = 0; i < count; i++) {
			int stopped = STOPPED;
			if (atomic_compare_exchange_strong(&actors[i].state, &stopped, RUNS))
				sem_post(&actors[i].go);
		}
		sched_yield();
	}
}

static int run_once(const struct orders *o, struct path *p)
{
	struct actor actors[ORDERS_ACTORS_MAX];
	uint32_t last = UINT32_MAX, switches = 0, d = 0;
	struct kit_poll idle = kit_poll_for(5 * REEVE_SEC);
	int faults = 0;

	o->prepare(o->arg);
	atomic_store(&reeve__point_hook, stop_at);
	for (uint32_t i = 0; i < o->count; i++) {
		actors[i] = (struct actor){.what = &o->actors[i], .stat_fd = -1};
		sem_init(&actors[i].go, 0, 0);
		if (pthread_create(&actors[i].thread, NULL, act, &actors[i]))
			abort();
	}
	for (uint32_t i = 0; i < o->count; i++)
		while (atomic_load(&actors[i].state) != STOPPED)
			sched_yield();
	while (count_ended(actors, o->count) < o->count && !faults) {
		settle(actors, o->count);
		if (d < ORDERS_STEPS_MAX && step(actors, o, p, d, &last, &switches)) {
			idle = kit_poll_for(5 * REEVE_SEC);
			d++;
		} else if (count_ended(actors, o->count) < o->count &&
			   (d == ORDERS_STEPS_MAX || !kit_poll_more(&idle))) {
			printf("FAULT nobody goes on, after %u steps\n", d);
			faults++;
		}
	}
	p->depth = d;
	let_all_go(actors, o->count);
	for (uint32_t i = 0; i < o->count; i++) {
		pthread_join(actors[i].thread, NULL);
		close(actors[i].stat_fd);
		sem_destroy(&actors[i].go);
	}
	atomic_store(&reeve__point_hook, NULL);
	return faults + o->check(o->arg);
}

/* The next order in depth-first sequence; false when all have been. */
static bool next_path(struct path *p)
{
	while (p->depth > 0) {
		uint32_t d = p->depth - 1;
		if (++p->choice[d] < p->options[d])
			return true;
		p->depth = d;
	}
	return false;
}

static void print_path(const struct orders *o, const struct path *p)
{
	static const char *const names[] = {REEVE_POINT_NAMES};

	for (uint32_t d = 0; d < p->depth; d++)
		printf("  %s goes on from %s\n", o->actors[p->actor[d]].name,
			p->point[d] == AT_START ? "its start" : names[p->point[d]]);
}

int orders_run(const char *title, const struct orders *o)
{
	static struct path p;
	uint32_t runs = 0, deepest = 0;
	bool more = true;
	int faults = 0;

	memset(&p, 0, sizeof(p));
	while (more && runs < o->most_runs && !faults) {
		faults += run_once(o, &p);
		runs++;
		if (p.depth > deepest)
			deepest = p.depth;
		if (faults)
			print_path(o, &p);
		more = next_path(&p);
	}
	printf("%s: %u orders of up to %u steps, %s\n", title, runs, deepest,
		faults ? "the last with faults"
		: more ? "and there are more"
		       : "which are all");
	return faults;
}

/* ---- the host ---- */

static _Atomic uint32_t overslept;

static void wait_long(void *self, uint32_t *word, uint32_t expected, reeve_ns deadline)
{
	reeve_ns until = deadline;

	if (deadline <= kit_now())
		return;		     /* a look at the word and no sleep */
	if (deadline != REEVE_NEVER) /* on a busy machine the steps of an order may take seconds */
		until = deadline + 20 * REEVE_SEC;
	reeve_host_native()->wait(self, word, expected, until);
	if (kit_now() >= until)
		kit_add(&overslept, 1);
}

const struct reeve_host *orders_host(void)
{
	static struct reeve_host host;

	host = *reeve_host_native();
	host.wait = wait_long;
	return &host;
}

uint32_t orders_overslept(void)
{
	return atomic_exchange(&overslept, 0);
}
