/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - what SQL from the network may not do to the server's files: a list of what is allowed.
 *
 * Refused: ATTACH and DETACH of files, VACUUM INTO, loadable extensions, writable_schema, and every
 * PRAGMA that is not known to be harmless (those that only tell something, and a few settings of
 * the connection itself). The cache and temporary-store settings, on which the bound of a sort
 * between two checkpoints rests, are among the refused.
 */
#ifndef REEVE_DAEMON_SQL_GUARD_H
#define REEVE_DAEMON_SQL_GUARD_H

#include <reeve/types.h>
#include <sqlite3.h>

/* Puts the guard on a connection. It takes the place of the authorizer that reeve_sqlite_open set,
 * and refuses what that one ignores. *was_refused is set when it refuses; it must live as long as
 * the connection. SYSTEM. */
int reeved_guard_install(sqlite3 *db, bool *was_refused, struct reeve_error *err);

#endif
