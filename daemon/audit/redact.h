/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact.h - what of an operation's arguments may be written down.
 *
 *	a member whose name has "password", "secret", "token" or "credential" in it   "[redacted]"
 *	`parameters` of a statement                         as many times "[redacted]" as there are
 *	`sql`                                               the statement with ? in place of literals
 *	other texts                                         their first 256 bytes
 *
 * Pure: no I/O, no clock.
 */
#ifndef REEVE_DAEMON_AUDIT_REDACT_H
#define REEVE_DAEMON_AUDIT_REDACT_H

#include "graphql/graphql.h"
#include "json/json.h"

/* Appends the value of the argument or member of this name. */
void reeved_redact(const char *name, const struct reeve_gql_value *value, struct reeve_json *out);

/*
 * Writes the statement with one '?' for each literal (strings, blobs, numbers; what follows a quote
 * that never ends is part of it), without comments, each run of blanks as one. Returns the length;
 * what does not fit is left out. `to` is always ended by NUL.
 */
size_t reeved_redact_sql(const char *sql, char *to, size_t capacity);

#endif
