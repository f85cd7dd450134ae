/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.c - see catalog.h. */
#include "catalog/catalog.h"
#include "catalog/points.h"
#include "client.h"
#include "log.h"
#include "resolvers/resolvers.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_A_BATCH 256u
#define LOOK_EACH      10u /* ticks after which it looks even if no revision was counted */

struct reeved_catalog {
	struct reeved *daemon;
	struct reeved_store *store;
	struct reeve *rehearsal;	  /* anonymous memory of this process */
	struct reeve_definitions current; /* as the store has them */
	_Atomic uint64_t newest;	  /* revision */
	uint64_t seen_revision;		  /* of the segment, when it was last compared */
	uint64_t seen_event;		  /* last one kept */
	uint32_t ticks;
	uint32_t max_revisions, max_events; /* kept */
};

#if REEVE_CHECKED
void reeved_point(const char *name)
{
	static _Atomic unsigned passed;
	const char *at = getenv("REEVED_KILL_AT");
	size_t len = strlen(name);

	if (at == NULL || strncmp(at, name, len) != 0 || at[len] != ':')
		return;
	if (atomic_fetch_add(&passed, 1) + 1 == (unsigned)atoi(at + len + 1))
		raise(SIGKILL);
}
#endif

static reeve_ns wall(const struct reeved_catalog *c)
{
	return reeve_now_wall(c->daemon->reeve);
}

/* ---- writing ---- */

/* Makes *to, which it takes over, the present definitions, once they are written. */
static int write_revision(struct reeved_catalog *c, struct reeve_definitions *to,
	const char *author, const char *operation, struct reeve_error *err)
{
	uint64_t newest = reeved_store_newest(c->store);
	struct reeved_revision_note note = {
		.number = to->revision > newest ? to->revision : newest + 1,
		.at_wall = wall(c),
		.author = author,
		.operation = operation,
	};
	int rc = reeved_store_write(c->store, &c->current, to, &note, c->max_revisions, err);

	if (rc != 0)
		return rc;
	to->revision = note.number;
	reeve_definitions_fini(&c->current);
	c->current = *to;
	*to = (struct reeve_definitions)REEVE_DEFINITIONS_INIT;
	atomic_store(&c->newest, note.number);
	return 0;
}

static bool differs(const struct reeve_definitions *a, const struct reeve_definitions *b)
{
	return reeve_definitions_diff(a, b, NULL, NULL) != 0;
}

/* Writes what the segment has that the catalog has not. */
static int import(struct reeved_catalog *c, const char *author, const char *operation,
	struct reeve_error *err)
{
	struct reeve_definitions live = REEVE_DEFINITIONS_INIT;
	uint64_t seen;
	int rc = reeve_definitions_copy(c->daemon->reeve, &live, err);

	if (rc != 0)
		return rc;
	seen = live.revision;
	if (differs(&c->current, &live)) {
		rc = write_revision(c, &live, author, operation, err);
	} else {
		memcpy(c->current.next_ids, live.next_ids, sizeof(live.next_ids));
	}
	reeve_definitions_fini(&live);
	if (rc == 0) {
		reeve_revision_raise(c->daemon->reeve, reeved_store_newest(c->store));
		c->current.revision = reeved_store_newest(c->store);
		if (c->current.revision < seen)
			c->current.revision = seen;
		c->seen_revision = seen;
	}
	return rc;
}

/* ---- around a change ---- */

/* Mappings that are not permanent are no definitions: a rehearsal has left them behind. */
static void clear_stage(struct reeved_catalog *c)
{
	struct reeve_user_mapping users[EVENTS_A_BATCH];
	uint64_t after = 0;
	uint32_t n;

	while ((n = reeve_user_copy(c->rehearsal, after, users, EVENTS_A_BATCH)) > 0) {
		after = users[n - 1].user_id;
		for (uint32_t i = 0; i < n; i++)
			if (!users[i].is_permanent)
				(void)reeve_user_unmap(c->rehearsal, users[i].user_id, NULL);
	}
}

/* The rehearsal gets the same definitions, ids and revisions as the segment. */
static int set_stage(struct reeved_catalog *c, struct reeve_error *err)
{
	struct reeve_plan_change change = {0};
	int rc = import(c, "reeved", "changed from outside", err);

	clear_stage(c);
	if (rc == 0)
		rc = reeve_definitions_apply(
			c->rehearsal, &c->current, REEVE_DEFINITIONS_RESTORE, err);
	/* Schedules are followed there too. A switch ends limits by hand: they are set again. */
	if (rc == 0)
		rc = reeve_plan_check(c->rehearsal, &change, NULL, err);
	if (rc == 0 && change.switched)
		rc = reeve_definitions_apply(
			c->rehearsal, &c->current, REEVE_DEFINITIONS_RESTORE, err);
	return rc;
}

static const char *author_of(const struct reeved_client *client)
{
	return client->who.name;
}

int reeved_catalog_begin(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object)
{
	struct reeved_client *client = reeved_client_of(ctx);
	struct reeved_catalog *c = client->daemon->catalog;
	struct reeve_definitions after = REEVE_DEFINITIONS_INIT;
	struct reeve_error err = {0};
	int rc;

	if (c == NULL)
		return 0;
	rc = set_stage(c, &err);
	if (rc != 0)
		return reeved_fail(ctx, &err);
	client->rehearsal = c->rehearsal;
	rc = row->fn(ctx, object);
	client->rehearsal = NULL;
	reeve_gql_take_back(ctx);
	REEVED_POINT("rehearsed");
	if (rc < 0)
		return 0; /* the segment itself has the word; if it accepts, end writes what changed */
	rc = reeve_definitions_copy(c->rehearsal, &after, &err);
	if (rc == 0 && differs(&c->current, &after)) {
		rc = write_revision(c, &after, author_of(client), row->field, &err);
		client->revision = rc == 0 ? c->current.revision : 0;
	}
	reeve_definitions_fini(&after);
	REEVED_POINT("written");
	return rc != 0 ? reeved_fail(ctx, &err) : 0;
}

/* The catalog cannot have what was just done: it is undone. */
static int undo(struct reeve_gql_ctx *ctx, struct reeved_catalog *c, const struct reeve_error *why)
{
	struct reeve_error second = {0};

	if (reeve_definitions_apply(c->daemon->reeve, &c->current, 0, &second) != 0)
		REEVED_LOG(REEVED_ERROR, "catalog_behind", {"reason", why->text, 0},
			{"undo", second.text, 0});
	reeve_gql_take_back(ctx);
	return reeved_fail(ctx, why);
}

int reeved_catalog_end(struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, int result)
{
	struct reeved_client *client = reeved_client_of(ctx);
	struct reeved_catalog *c = client->daemon->catalog;
	struct reeve_error err = {0};
	char operation[160];
	int rc;

	if (c == NULL)
		return result;
	REEVED_POINT("performed");
	snprintf(operation, sizeof(operation), "%s%s", row->field,
		result < 0 ? ": refused" : ": as it was performed");
	rc = import(c, author_of(client), operation, &err);
	client->revision = 0;
	if (rc == 0)
		return result;
	if (result >= 0)
		return undo(ctx, c, &err);
	/* Refused, and the catalog has it nonetheless: tried again before the next change. */
	REEVED_LOG(REEVED_ERROR, "catalog_ahead", {"reason", err.text, 0});
	return result;
}

/* ---- by the clock ---- */

static void keep_events(struct reeved_catalog *c)
{
	struct reeve_event events[EVENTS_A_BATCH];
	struct reeve_error err = {0};
	uint32_t n;

	if (c->max_events == 0)
		return;
	do {
		uint64_t next = c->seen_event;
		n = reeve_event_copy(
			c->daemon->reeve, c->seen_event, events, EVENTS_A_BATCH, &next, NULL);
		if (n > 0 &&
			reeved_store_put_events(c->store, events, n, c->max_events, &err) != 0) {
			REEVED_LOG(REEVED_WARN, "events_lost", {"reason", err.text, 0});
			n = 0;
		}
		c->seen_event = next;
	} while (n == EVENTS_A_BATCH);
}

void reeved_catalog_tick(struct reeved_catalog *catalog)
{
	struct reeve_segment_info info;
	struct reeve_error err = {0};

	if (catalog == NULL || pthread_mutex_trylock(&catalog->daemon->definitions) != 0)
		return; /* a change is under way, and looks itself */
	reeve_segment_get(catalog->daemon->reeve, &info);
	if ((info.revision != catalog->seen_revision || ++catalog->ticks >= LOOK_EACH) &&
		info.state == REEVE_SEGMENT_READY) {
		catalog->ticks = 0;
		if (import(catalog, "reeved", "changed from outside", &err) != 0)
			REEVED_LOG(REEVED_ERROR, "catalog_behind", {"reason", err.text, 0});
	}
	keep_events(catalog);
	pthread_mutex_unlock(&catalog->daemon->definitions);
}

/* ---- start and end ---- */

/* As large as the segment, so that what the tables refuse is refused before it is written. */
static int open_rehearsal(struct reeved_catalog *c, struct reeve_error *err)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_segment_info info;
	struct reeve_edit_info edit;

	reeve_edit_get(c->daemon->reeve, &edit);
	reeve_segment_get(c->daemon->reeve, &info);
	options.name = "reeved: rehearsal";
	options.cpu_slots = info.cpu_slots;
	options.max_attachments = 8;
	options.max_edit_ops = edit.max_steps;
	options.max_groups = info.max_groups;
	options.max_plans = info.max_plans;
	options.max_directives = info.max_directives;
	options.max_mappings = info.max_mappings;
	options.max_schedules = info.max_schedules;
	options.max_windows = info.max_windows;
	options.max_rules = info.max_rules;
	options.max_servers = info.max_servers;
	options.max_server_pools = info.max_server_pools;
	options.max_sessions = options.max_tasks = options.max_quotas = 64;
	options.max_allocations = options.max_external_sessions = options.max_io_requests = 64;
	options.max_executions = options.max_events = 64;
	return reeve_open(&options, &c->rehearsal, err);
}

/* Whether the segment was there when the newest revision was written. */
static bool has_survived(struct reeved_catalog *c)
{
	struct reeved_revision_info newest;
	struct reeve_segment_info info;
	struct reeve_error err;

	reeve_segment_get(c->daemon->reeve, &info);
	return reeved_store_list(c->store, INT64_MAX, &newest, 1, &err) == 1 &&
	       info.created_wall <= newest.at_wall;
}

/* Ids are not used a second time, whoever has given them out. */
static int restore(struct reeved_catalog *c, struct reeve_error *err)
{
	struct reeve_definitions live = REEVE_DEFINITIONS_INIT;
	uint32_t n;
	int rc = reeved_store_load(c->store, &c->current, err);

	if (rc == 0)
		rc = reeve_definitions_copy(c->daemon->reeve, &live, err);
	if (rc != 0)
		return rc;
	for (int i = 0; i < REEVE_DEFINITION_COUNTERS; i++)
		if (c->current.next_ids[i] < live.next_ids[i])
			c->current.next_ids[i] = live.next_ids[i];
	if (c->current.revision < live.revision)
		c->current.revision = live.revision;
	n = reeve_definitions_diff(&live, &c->current, NULL, NULL);
	reeve_definitions_fini(&live);
	REEVED_POINT("restoring");
	rc = reeve_definitions_apply(c->daemon->reeve, &c->current, REEVE_DEFINITIONS_RESTORE, err);
	if (rc != 0 && has_survived(c)) {
		/* What lives in it forbids it, and it has all that was ever acknowledged: it stays. */
		REEVED_LOG(REEVED_ERROR, "not_restored", {"reason", err->text, 0});
		return 0;
	}
	if (rc == 0 && n != 0)
		REEVED_LOG(REEVED_INFO, "restored", {"definitions", NULL, n});
	return rc;
}

static int begin(struct reeved_catalog *c, struct reeve_error *err)
{
	int rc = open_rehearsal(c, err);

	if (rc == 0 && reeved_store_newest(c->store) != 0) {
		atomic_store(&c->newest, reeved_store_newest(c->store));
		rc = restore(c, err);
	}
	/* A new catalog, and what has run out meanwhile. */
	if (rc == 0)
		rc = import(c, "reeved",
			reeved_store_newest(c->store) == 0 ? "first start" : "restored", err);
	c->seen_event = reeve_event_newest(c->daemon->reeve);
	return rc;
}

int reeved_catalog_open(struct reeved *daemon, struct reeved_catalog **ret, struct reeve_error *err)
{
	struct reeved_catalog *c = calloc(1, sizeof(*c));
	char path[PATH_MAX];
	int rc;

	if (c == NULL) {
		*err = (struct reeve_error){REEVE_ERESOURCE_EXHAUSTED, "out of memory"};
		return err->code;
	}
	c->daemon = daemon;
	c->max_revisions = daemon->options.max_revisions;
	c->max_events = daemon->options.max_events;
	if (snprintf(path, sizeof(path), "%s/catalog.db", daemon->options.data_dir) >=
		(int)sizeof(path)) {
		*err = (struct reeve_error){REEVE_ECONFIGURATION, "--data: the path is too long"};
		rc = err->code;
	} else {
		rc = reeved_store_open(path, &c->store, err);
	}
	if (rc == 0)
		rc = begin(c, err);
	if (rc != 0)
		reeved_catalog_close(c);
	else
		*ret = c;
	return rc;
}

void reeved_catalog_close(struct reeved_catalog *catalog)
{
	if (catalog == NULL)
		return;
	reeve_close(catalog->rehearsal);
	reeved_store_close(catalog->store);
	reeve_definitions_fini(&catalog->current);
	free(catalog);
}

struct reeve *reeved_catalog_rehearsal(struct reeved_catalog *catalog)
{
	return catalog->rehearsal;
}

struct reeved_store *reeved_catalog_store(struct reeved_catalog *catalog)
{
	return catalog->store;
}

const struct reeve_definitions *reeved_catalog_definitions(const struct reeved_catalog *catalog)
{
	return &catalog->current;
}

uint64_t reeved_catalog_revision(const struct reeved_catalog *catalog)
{
	return atomic_load(&catalog->newest);
}
