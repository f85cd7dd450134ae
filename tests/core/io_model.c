/* SPDX-License-Identifier: Apache-2.0 */
/* io_model.c - see io_model.h. */
#include "io_model.h"

#include <string.h>

#define FLOWS IO_MODEL_FLOWS
#define ANY   REEVE_NONE

static bool before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

void io_model_clear(struct io_model *m, uint32_t policy)
{
	m->policy = policy;
	m->current = REEVE_NONE;
	m->batch_left = m->batch_is_write = m->reads_first = 0;
	memset(m->held, 0, sizeof(m->held));
	memset(m->paused, 0, sizeof(m->paused));
	memset(m->used, 0, sizeof(m->used));
	for (uint32_t i = 0; i < IO_MODEL_ENTRIES; i++)
		m->e[i].waits = false;
}

static uint64_t class_key(const struct io_model *m, uint32_t i)
{
	const struct io_model_entry *e = &m->e[i];
	uint64_t k = e->klass;

	if (e->deadline <= m->now)
		k = k > 2 ? k - 2 : 0;
	return e->submitted + k * (uint64_t)(500 * REEVE_MSEC);
}

static uint64_t due_key(const struct io_model *m, uint32_t i)
{
	const struct io_model_entry *e = &m->e[i];

	return e->deadline == UINT64_MAX ? e->submitted + (uint64_t)(5 * REEVE_SEC) : e->deadline;
}

static uint64_t key(const struct io_model *m, uint32_t i)
{
	return m->policy == REEVE_IO_DEADLINE ? due_key(m, i) : class_key(m, i);
}

/* The best waiting entry, of one flow (held or not) or of all that are not held. */
static uint32_t least(const struct io_model *m, uint32_t flow, uint32_t write)
{
	uint32_t best = REEVE_NONE;

	for (uint32_t i = 0; i < IO_MODEL_ENTRIES; i++) {
		const struct io_model_entry *e = &m->e[i];
		if (!e->waits || (flow == ANY ? m->held[e->flow] : flow != e->flow) ||
			(write != ANY && e->is_write != write))
			continue;
		if (best == REEVE_NONE || key(m, i) < key(m, best) ||
			(key(m, i) == key(m, best) && e->tie < m->e[best].tie))
			best = i;
	}
	return best;
}

uint32_t io_model_first(const struct io_model *m, uint32_t flow, uint32_t write)
{
	return least(m, flow, write);
}

uint32_t io_model_count(const struct io_model *m, uint32_t flow)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < IO_MODEL_ENTRIES; i++)
		n += m->e[i].waits && m->e[i].flow == flow;
	return n;
}

/* ---- budget fair: turns ---- */

static uint64_t virtual_time(uint64_t bytes, uint64_t weight)
{
	return (bytes << 16) / weight;
}

static void turn_ends(struct io_model *m, uint32_t f)
{
	m->start[f] += virtual_time(m->used[f], m->weight[f]);
	m->finish[f] = m->start[f] + virtual_time(REEVE_IO_BUDGET_BYTES, m->weight[f]);
	m->used[f] = 0;
	m->current = m->current == f ? REEVE_NONE : m->current;
}

static void turn_joins(struct io_model *m, uint32_t f)
{
	uint32_t c = m->current;

	if (!m->paused[f]) {
		if (before(m->start[f], m->clock))
			m->start[f] = m->clock;
		m->used[f] = 0;
		turn_ends(m, f);
		return;
	}
	m->paused[f] = false;
	if (c == REEVE_NONE || before(m->clock, m->start[f]) || before(m->finish[c], m->finish[f]))
		return;
	if (m->used[c] >= REEVE_IO_BUDGET_BYTES)
		turn_ends(m, c);
	m->current = f;
}

static void turn_runs_dry(struct io_model *m, uint32_t f)
{
	m->current = m->current == f ? REEVE_NONE : m->current;
	if (m->used[f] >= REEVE_IO_BUDGET_BYTES)
		turn_ends(m, f);
	m->paused[f] = before(m->clock, m->finish[f]);
	if (!m->paused[f])
		turn_ends(m, f);
}

static void turn_is_charged(struct io_model *m, uint32_t f, uint64_t bytes)
{
	uint64_t all = io_model_count(m, f) ? 0 : m->weight[f];

	for (uint32_t k = 0; k < FLOWS; k++)
		all += io_model_count(m, k) || m->paused[k] ? m->weight[k] : 0;
	m->used[f] += bytes;
	m->clock += virtual_time(bytes, all);
	for (uint32_t k = 0; k < FLOWS; k++)
		if (m->paused[k] && !before(m->clock, m->finish[k])) {
			m->paused[k] = false;
			turn_ends(m, k);
		}
	if (io_model_count(m, f) == 0)
		turn_runs_dry(m, f);
}

/* The least tag of the flows that may go on, of those only that have started or of all. */
static bool least_tag(const struct io_model *m, const uint64_t *tags, bool started, uint64_t *ret)
{
	bool any = false;

	for (uint32_t f = 0; f < FLOWS; f++)
		if (io_model_count(m, f) && !m->held[f] &&
			(!started || !before(m->clock, m->start[f])) &&
			(!any || before(tags[f], *ret))) {
			any = true;
			*ret = tags[f];
		}
	return any;
}

static bool turn_begins(struct io_model *m, uint32_t f)
{
	uint64_t tag = 0;
	bool paused = false;

	for (uint32_t k = 0; k < FLOWS; k++)
		paused = paused || m->paused[k];
	if (m->current != REEVE_NONE && m->used[m->current] < REEVE_IO_BUDGET_BYTES)
		return f == m->current;
	if (m->current != REEVE_NONE)
		turn_ends(m, m->current);
	if (!least_tag(m, m->finish, true, &tag)) {
		least_tag(m, m->start, false, &tag);
		if (!paused)
			m->clock = tag;
		else if (m->start[f] != tag)
			return false;
	}
	if (least_tag(m, m->finish, true, &tag) &&
		(m->finish[f] != tag || before(m->clock, m->start[f])))
		return false;
	m->current = f;
	return true;
}

/* ---- deadline: batches ---- */

static uint32_t next_by_deadline(const struct io_model *m)
{
	uint32_t read = least(m, ANY, 0), write = least(m, ANY, 1), first;

	if (read == REEVE_NONE || write == REEVE_NONE)
		return read == REEVE_NONE ? write : read;
	first = due_key(m, write) < due_key(m, read) ? write : read;
	if (due_key(m, first) <= m->now)
		return first;
	if (m->batch_left)
		return m->batch_is_write ? write : read;
	return m->reads_first >= 2 ? write : read;
}

static void batch_is_charged(struct io_model *m, bool write)
{
	/* the writes that were there when it was picked */
	bool writes_wait = write || least(m, ANY, 1) != REEVE_NONE;

	if (m->batch_left == 0 || m->batch_is_write != write) {
		m->batch_is_write = write;
		m->batch_left = 16;
		m->reads_first = write ? 0 : m->reads_first + writes_wait;
	}
	m->batch_left--;
}

/* ---- all ---- */

void io_model_add(struct io_model *m, uint32_t i)
{
	uint32_t f = m->e[i].flow;

	if (io_model_count(m, f) == 0) {
		if (m->policy == REEVE_IO_BUDGET_FAIR)
			turn_joins(m, f);
		else if (m->policy == REEVE_IO_COMPLETELY_FAIR && before(m->start[f], m->clock))
			m->start[f] = m->clock;
	}
	m->e[i].tie = m->tie++;
	m->e[i].waits = true;
}

void io_model_remove(struct io_model *m, uint32_t i)
{
	m->e[i].waits = false;
	if (m->policy == REEVE_IO_BUDGET_FAIR && io_model_count(m, m->e[i].flow) == 0)
		turn_runs_dry(m, m->e[i].flow);
}

void io_model_hold(struct io_model *m, uint32_t f, uint64_t until)
{
	m->held[f] = true;
	m->until[f] = until;
	if (m->policy == REEVE_IO_BUDGET_FAIR)
		turn_ends(m, f);
}

static void fair_is_charged(struct io_model *m, uint32_t f, uint64_t bytes)
{
	uint32_t left = 0;

	if (before(m->clock, m->start[f]))
		m->clock = m->start[f];
	m->start[f] += virtual_time(bytes, m->weight[f]);
	for (uint32_t k = 0; k < FLOWS; k++)
		left += io_model_count(m, k);
	if (left == 0)
		m->clock = m->start[f];
}

void io_model_serve(struct io_model *m, uint32_t i)
{
	const struct io_model_entry *e = &m->e[i];
	uint64_t bytes = e->size < 4096 ? 4096 : e->size;

	m->e[i].waits = false;
	if (m->policy == REEVE_IO_COMPLETELY_FAIR)
		fair_is_charged(m, e->flow, bytes);
	else if (m->policy == REEVE_IO_BUDGET_FAIR)
		turn_is_charged(m, e->flow, bytes);
	else if (m->policy == REEVE_IO_DEADLINE)
		batch_is_charged(m, e->is_write);
}

bool io_model_may_pick(struct io_model *m, uint32_t i)
{
	uint32_t f = i == REEVE_NONE ? ANY : m->e[i].flow;
	uint64_t tag = 0;

	if (i == REEVE_NONE)
		return least(m, ANY, ANY) == REEVE_NONE;
	if (m->policy == REEVE_IO_DEADLINE)
		return next_by_deadline(m) == i;
	if (m->policy == REEVE_IO_PRIORITY)
		return least(m, ANY, ANY) == i;
	if (m->held[f] || least(m, f, ANY) != i)
		return false;
	if (m->policy == REEVE_IO_BUDGET_FAIR)
		return turn_begins(m, f);
	least_tag(m, m->start, false, &tag);
	return m->start[f] == tag;
}
