/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the catalog's file: definitions as they are to be, revisions, events. SQLite with a
 * write-ahead log and synchronous=FULL: what was written is there after a crash of the machine.
 *
 * One thread at a time. Every call is a transaction of its own, and changes all or nothing.
 */
#ifndef REEVE_DAEMON_CATALOG_STORE_H
#define REEVE_DAEMON_CATALOG_STORE_H

#include <reeve/definitions.h>
#include <reeve/event.h>

struct reeved_store;

/* Opens or makes it. Errors: CONFIGURATION (not a catalog, of another format), SYSTEM (the disk). */
int reeved_store_open(const char *path, struct reeved_store **ret_store, struct reeve_error *err);
void reeved_store_close(struct reeved_store *store);

/* Number of the newest revision; 0: there is none yet. */
uint64_t reeved_store_newest(const struct reeved_store *store);
/* All definitions of the newest revision. */
int reeved_store_load(
	struct reeved_store *store, struct reeve_definitions *ret, struct reeve_error *err);

/* What led to a revision. */
struct reeved_revision_note {
	uint64_t number; /* above the newest */
	reeve_ns at_wall;
	const char *author, *operation;
};
/*
 * Writes the difference between two sets as a revision, and keeps at most `keep` of them. RESOURCE_EXHAUSTED
 * when the disk is full, SYSTEM.
 */
int reeved_store_write(struct reeved_store *store, const struct reeve_definitions *from,
	const struct reeve_definitions *to, const struct reeved_revision_note *note, uint32_t keep,
	struct reeve_error *err);

struct reeved_revision_info {
	uint64_t number;
	reeve_ns at_wall;
	char author[129], operation[129];
	uint32_t changes;
};
/* The newest up to `capacity` with a number below `before`, newest first. How many, or negative. */
int reeved_store_list(struct reeved_store *store, uint64_t before, struct reeved_revision_info *ret,
	uint32_t capacity, struct reeve_error *err);
/* NOT_FOUND. */
int reeved_store_get(struct reeved_store *store, uint64_t number, struct reeved_revision_info *ret,
	struct reeve_error *err);
/* Each change of a revision, by kind and id; texts are JSON and NULL where there is no such row. */
typedef void (*reeved_change_fn)(
	void *arg, uint32_t kind, uint64_t id, const char *before, const char *after);
int reeved_store_changes(struct reeved_store *store, uint64_t number, reeved_change_fn found,
	void *arg, struct reeve_error *err);
/*
 * Brings `set`, the definitions of the newest revision, back to those of an older one. NOT_FOUND when
 * that, or one after it, is not kept any more.
 */
int reeved_store_rewind(struct reeved_store *store, uint64_t number, struct reeve_definitions *set,
	struct reeve_error *err);

/* Keeps events, at most `keep` of them. */
int reeved_store_put_events(struct reeved_store *store, const struct reeve_event *events,
	uint32_t count, uint32_t keep, struct reeve_error *err);

#endif
