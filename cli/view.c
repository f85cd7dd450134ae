/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - see view.h. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

/* Rows copied in one call. */
#define BATCH 256u

static bool grow(void *items_address, uint32_t count, size_t size)
{
	void **address = items_address;
	void *items = realloc(*address, ((size_t)count + BATCH) * size);

	if (items == NULL)
		return false;
	*address = items;
	return true;
}

static bool copy_groups(struct reeve *reeve, struct view *view)
{
	struct reeve_group_info *infos = calloc(BATCH, sizeof(*infos));
	reeve_group_id after = {0};
	uint32_t count = BATCH;

	while (infos != NULL && count == BATCH) {
		if (!grow(&view->groups, view->group_count, sizeof(*view->groups))) {
			free(infos);
			return false;
		}
		count = reeve_group_copy(reeve, after, infos, BATCH);
		for (uint32_t i = 0; i < count; i++) {
			struct view_group *group = &view->groups[view->group_count];

			*group = (struct view_group){.info = infos[i]};
			after = infos[i].id;
			/* it may have gone in between */
			if (reeve_cpu_group_stats_get(reeve, after, &group->cpu, NULL) == 0)
				view->group_count++;
		}
	}
	free(infos);
	return infos != NULL;
}

static bool copy_sessions(struct reeve *reeve, struct view *view)
{
	struct reeve_session_info *infos = calloc(BATCH, sizeof(*infos));
	reeve_session_id after = {0};
	uint32_t count = BATCH;

	while (infos != NULL && count == BATCH) {
		if (!grow(&view->sessions, view->session_count, sizeof(*view->sessions))) {
			free(infos);
			return false;
		}
		count = reeve_session_copy(reeve, after, 0, infos, BATCH);
		for (uint32_t i = 0; i < count; i++)
			view->sessions[view->session_count++] =
				(struct view_session){.info = infos[i]};
		if (count > 0)
			after = infos[count - 1].id;
	}
	free(infos);
	return infos != NULL;
}

static bool copy_attachments(struct reeve *reeve, struct view *view)
{
	uint32_t capacity = view->segment.max_attachments, count;
	const struct reeve_host *host = reeve_host_native();
	int32_t self = host->process_id(host->self);

	view->attachments = calloc(capacity + 1, sizeof(*view->attachments));
	if (view->attachments == NULL)
		return false;
	count = reeve_attachment_copy(reeve, view->attachments, capacity);
	for (uint32_t i = 0; i < count && i < capacity; i++) {
		if (view->attachments[i].pid != self)
			view->attachments[view->attachment_count++] = view->attachments[i];
	}
	return true;
}

/* Counters may be read a little apart from each other: what went back counts as no change. */
static double grown(uint64_t now, uint64_t before)
{
	return now > before ? (double)(now - before) : 0.0;
}

static const struct view_group *find_group(const struct view *view, reeve_group_id id)
{
	uint32_t low = 0, high = view->group_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (view->groups[middle].info.id.v < id.v)
			low = middle + 1;
		else
			high = middle;
	}
	return low < view->group_count && view->groups[low].info.id.v == id.v ? &view->groups[low]
									      : NULL;
}

static void rate_group(
	struct view_group *group, const struct view_group *before, double all_ns, double slots_ns)
{
	double cpu_ns = grown(group->cpu.cpu_ns, before->cpu.cpu_ns);
	double waits = grown(group->cpu.dispatches, before->cpu.dispatches);

	group->share_pct = all_ns > 0.0 ? 100.0 * cpu_ns / all_ns : 0.0;
	group->cpu_pct = 100.0 * cpu_ns / slots_ns;
	group->waits = waits;
	if (waits > 0.0)
		group->mean_wait =
			(reeve_ns)(grown(group->cpu.wait_ns, before->cpu.wait_ns) / waits);
}

static void rate_groups(struct view *view, const struct view *earlier)
{
	double seconds = (double)view->interval / 1e9;
	double slots_ns = (double)view->interval * view->segment.cpu_slots, all_ns = 0.0;

	for (uint32_t i = 0; i < view->group_count; i++) {
		const struct view_group *before = find_group(earlier, view->groups[i].info.id);

		if (before != NULL)
			all_ns += grown(view->groups[i].cpu.cpu_ns, before->cpu.cpu_ns);
	}
	for (uint32_t i = 0; i < view->group_count; i++) {
		const struct view_group *before = find_group(earlier, view->groups[i].info.id);

		if (before == NULL)
			continue;
		rate_group(&view->groups[i], before, all_ns, slots_ns);
		view->groups[i].waits /= seconds;
	}
	view->cpu_pct = 100.0 * all_ns / slots_ns;
}

/* Both are in order of id. */
static void rate_sessions(struct view *view, const struct view *earlier)
{
	uint32_t j = 0;

	for (uint32_t i = 0; i < view->session_count; i++) {
		struct view_session *session = &view->sessions[i];

		while (j < earlier->session_count &&
			earlier->sessions[j].info.id.v < session->info.id.v)
			j++;
		if (j < earlier->session_count &&
			earlier->sessions[j].info.id.v == session->info.id.v)
			session->cpu_pct =
				100.0 *
				grown(session->info.cpu_ns, earlier->sessions[j].info.cpu_ns) /
				(double)view->interval;
	}
}

int view_take(
	struct reeve *reeve, uint32_t wanted, const struct view *earlier, struct view *ret_view)
{
	struct view view = {0};

	reeve_segment_get(reeve, &view.segment);
	reeve_cpu_config_get(reeve, &view.config);
	view.mono = reeve_now_mono(reeve);
	view.wall = reeve_now_wall(reeve);
	reeve_cpu_stats_get(reeve, &view.cpu);
	reeve_session_stats_get(reeve, &view.session_stats);
	(void)reeve_plan_get(reeve, reeve_plan_active(reeve), &view.plan, NULL);
	if (!copy_groups(reeve, &view) || !copy_sessions(reeve, &view) ||
		!copy_attachments(reeve, &view) ||
		!view_parts_take(reeve, wanted, &view, &view.parts)) {
		view_fini(&view);
		return -1;
	}
	if (earlier != NULL && view.mono > earlier->mono) {
		view.interval = view.mono - earlier->mono;
		rate_groups(&view, earlier);
		rate_sessions(&view, earlier);
	}
	*ret_view = view;
	return 0;
}

void view_fini(struct view *view)
{
	free(view->groups);
	free(view->sessions);
	free(view->attachments);
	view_parts_fini(&view->parts);
	*view = (struct view){0};
}

const char *view_group_name(const struct view *view, reeve_group_id id)
{
	const struct view_group *group = find_group(view, id);

	return group == NULL ? "?" : group->info.name;
}

bool view_is_alive(const struct reeve_attachment_info *attachment)
{
	const struct reeve_host *host = reeve_host_native();

	return host->process_alive(host->self, attachment->pid, attachment->start_ticks);
}
