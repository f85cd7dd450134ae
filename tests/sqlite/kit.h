/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit.h - what the tests of libreeve-sqlite share: a segment in anonymous memory, a database file
 * in a folder of its own, connections, and SQL functions by which a test knows where a statement is.
 */
#ifndef REEVE_TESTS_SQLITE_KIT_H
#define REEVE_TESTS_SQLITE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <reeve/sqlite.h>

/* A statement that never ends by itself, about 10 opcodes a row. */
#define KIT_ENDLESS                                                                                \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
/* The same, once kit_mark was called: another thread can see that it runs. */
#define KIT_ENDLESS_MARKED                                                                         \
	"WITH RECURSIVE n(i) AS (SELECT kit_mark() UNION ALL SELECT i + 1 FROM n) "                \
	"SELECT count(*) FROM n"

/* Rows without end. */
#define KIT_ROWS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

struct kit {
	struct reeve *reeve;
	char folder[64];
	char database[96];
	_Atomic uint32_t marks; /* calls of kit_mark() on any connection of kit_connect */
};

/* A segment with so many CPU slots, and a database of t(a INTEGER PRIMARY KEY, b), 100 rows. */
void kit_init(struct kit *kit, uint32_t cpu_slots);
/* Also checks that the segment is whole. All connections must be closed. */
void kit_fini(struct kit *kit);

/* Options for a session of `username` in `group`. `ret_def` must live as long as *ret_options. */
void kit_options(struct kit *kit, const char *username, uint64_t group,
	struct reeve_session_def *ret_def, struct reeve_sqlite_options *ret_options);
/* A governed connection, with kit_mark(). */
sqlite3 *kit_connect(struct kit *kit, const char *username, uint64_t group);
sqlite3 *kit_connect_by(struct kit *kit, const struct reeve_sqlite_options *options);
/* A plain one. */
sqlite3 *kit_connect_plain(struct kit *kit);

/* Runs SQL to its end; SQLite's result. */
int kit_run(sqlite3 *db, const char *sql);
/* The first column of the first row as a number; fails the test when there is none. */
int64_t kit_number(sqlite3 *db, const char *sql);
sqlite3_stmt *kit_prepare(sqlite3 *db, const char *sql);

uint64_t kit_session_of(sqlite3 *db);
/* State of a session, enum reeve_session_state. */
uint32_t kit_state(struct kit *kit, uint64_t session);
/* Statements that ended in a group. */
uint64_t kit_queries(struct kit *kit, uint64_t group);

/* Goes on when the condition holds; fails the test when it has not after a minute. */
#define KIT_UNTIL(condition)                                                                       \
	do {                                                                                       \
		for (uint64_t tries_ = 0; !(condition); tries_++)                                  \
			if (!kit_is_patient(tries_))                                               \
				fail_msg("never came true: %s", #condition);                       \
	} while (0)
bool kit_is_patient(uint64_t tries);

/* Runs SQL on a connection in a thread of its own. */
struct kit_worker {
	sqlite3 *db;
	const char *sql;
	int result; /* valid after kit_join */
	uintptr_t thread;
};
void kit_start(struct kit_worker *worker, sqlite3 *db, const char *sql);
int kit_join(struct kit_worker *worker);

#endif
