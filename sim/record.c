/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - see record.h. */
#include "record.h"

#include <stdlib.h>

/* Shorter stretches of idleness are hand-overs; keeping them would only cost memory. */
#define STRETCH_MIN_NS (20 * REEVE_USEC)

static void *make_cells(struct record *record, size_t size)
{
	char **cells = calloc(record->group_count, sizeof(*cells));

	for (uint32_t i = 0; cells != NULL && i < record->group_count; i++) {
		cells[i] = calloc(record->cell_count, size);
		record->is_short_of_memory |= cells[i] == NULL;
	}
	record->is_short_of_memory |= cells == NULL;
	return cells;
}

static void free_cells(const struct record *record, void *address)
{
	void **cells = address;

	for (uint32_t i = 0; i < record->group_count && cells != NULL; i++)
		free(cells[i]);
	free(cells);
}

bool record_init(struct record *record, uint32_t groups, reeve_ns duration, uint32_t cores)
{
	*record = (struct record){.group_count = groups, .idle_cores = cores};
	record->cell_count = (size_t)(duration / RECORD_CELL_NS);
	record->cpu_ns = make_cells(record, sizeof(**record->cpu_ns));
	record->io_bytes = make_cells(record, sizeof(**record->io_bytes));
	record->io_requests = make_cells(record, sizeof(**record->io_requests));
	record->total_ns = calloc(groups, sizeof(*record->total_ns));
	record->idle = calloc(groups + 1, sizeof(*record->idle));
	record->is_short_of_memory |= record->total_ns == NULL || record->idle == NULL;
	for (size_t i = 0; i < RECORD_KINDS; i++) {
		record->level[i] = calloc(groups, sizeof(*record->level[i]));
		record->is_short_of_memory |= record->level[i] == NULL;
	}
	if (!record->is_short_of_memory)
		return true;
	record_fini(record);
	return false;
}

void record_fini(struct record *record)
{
	free_cells(record, record->cpu_ns);
	free_cells(record, record->io_bytes);
	free_cells(record, record->io_requests);
	for (uint32_t i = 0; i <= record->group_count && record->idle != NULL; i++)
		free(record->idle[i].items);
	for (size_t i = 0; i < RECORD_KINDS; i++) {
		free(record->samples[i].items);
		free(record->level[i]);
	}
	free(record->total_ns);
	free(record->idle);
	free(record->events);
	*record = (struct record){0};
}

void record_ran(struct record *record, uint32_t group, reeve_ns from, reeve_ns to)
{
	record->total_ns[group] += (uint64_t)(to - from);
	while (from < to) {
		size_t cell = (size_t)(from / RECORD_CELL_NS);
		reeve_ns end = ((reeve_ns)cell + 1) * RECORD_CELL_NS;

		if (cell >= record->cell_count)
			return;
		if (end > to)
			end = to;
		record->cpu_ns[group][cell] += (uint32_t)(end - from);
		from = end;
	}
}

/* Room for one more of `size`; false, and noted, when memory is short. */
static bool make_room(
	struct record *record, void *items_address, size_t count, size_t *capacity, size_t size)
{
	void **address = items_address, *items;
	size_t larger = *capacity == 0 ? 64 : *capacity * 2;

	if (count < *capacity)
		return true;
	items = realloc(*address, larger * size);
	if (items == NULL) {
		record->is_short_of_memory = true;
		return false;
	}
	*address = items;
	*capacity = larger;
	return true;
}

void record_sample(
	struct record *record, enum record_kind kind, uint32_t group, reeve_ns at, reeve_ns ns)
{
	struct record_samples *samples = &record->samples[kind];

	if (!make_room(record, &samples->items, samples->count, &samples->capacity,
		    sizeof(*samples->items)))
		return;
	samples->items[samples->count++] = (struct record_sample){at, ns, group};
}

void record_level(
	struct record *record, enum record_kind kind, uint32_t group, reeve_ns at, int change)
{
	record->level[kind][group] = (uint32_t)((int)record->level[kind][group] + change);
	if (change > 0)
		record_sample(record, kind, group, at, record->level[kind][group]);
}

void record_io(struct record *record, uint32_t group, reeve_ns at, uint64_t bytes)
{
	size_t cell = (size_t)(at / RECORD_CELL_NS);

	if (cell >= record->cell_count)
		return;
	record->io_bytes[group][cell] += bytes;
	record->io_requests[group][cell]++;
}

void record_event(struct record *record, const struct record_event *event)
{
	if (make_room(record, &record->events, record->event_count, &record->event_capacity,
		    sizeof(*record->events)))
		record->events[record->event_count++] = *event;
}

static void keep_stretch(struct record *record, struct record_idle *idle)
{
	if (idle->to - idle->from < STRETCH_MIN_NS)
		return;
	if (!make_room(record, &idle->items, idle->count, &idle->capacity, sizeof(*idle->items)))
		return;
	idle->items[idle->count++] = (struct record_stretch){idle->from, idle->to};
}

/*
 * Opens or closes the stretch as things are at `now`. One that closes and opens at one instant is
 * one stretch: threads that come and go without using time do not cut it.
 */
static void update_idle(struct record *record, struct record_idle *idle, reeve_ns now)
{
	bool is_open = idle->parked > 0 && record->idle_cores > 0;

	if (is_open == idle->is_open)
		return;
	idle->is_open = is_open;
	if (!is_open) {
		idle->to = now;
	} else if (idle->to != now || idle->to == 0) {
		keep_stretch(record, idle);
		idle->from = now;
		idle->to = now;
	}
}

void record_idle_cores(struct record *record, reeve_ns now, uint32_t idle_cores)
{
	record->idle_cores = idle_cores;
	for (uint32_t i = 0; i <= record->group_count; i++)
		update_idle(record, &record->idle[i], now);
}

void record_parked(struct record *record, reeve_ns now, uint32_t group, int change)
{
	struct record_idle *own = &record->idle[group];
	struct record_idle *all = &record->idle[record->group_count];

	own->parked = (uint32_t)((int)own->parked + change);
	all->parked = (uint32_t)((int)all->parked + change);
	update_idle(record, own, now);
	update_idle(record, all, now);
}

void record_close(struct record *record, reeve_ns now)
{
	for (uint32_t i = 0; i <= record->group_count; i++) {
		struct record_idle *idle = &record->idle[i];

		if (idle->is_open)
			idle->to = now;
		idle->is_open = false;
		keep_stretch(record, idle);
		idle->from = idle->to;
	}
}
