/* SPDX-License-Identifier: Apache-2.0 */
/* database.h - the file that --engine names. */
#ifndef REEVE_DAEMON_SQL_DATABASE_H
#define REEVE_DAEMON_SQL_DATABASE_H

#include <reeve/types.h>

/* Finds out whether the file is an SQLite database that can be written, and puts it into WAL mode,
 * so that readers and the writer do not wait for each other. CONFIGURATION, with the reason. */
int reeved_database_prepare(const char *path, struct reeve_error *err);

#endif
