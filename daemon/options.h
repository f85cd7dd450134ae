/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - reeved's command line, and the file of settings that it may name.
 */
#ifndef REEVE_DAEMON_OPTIONS_H
#define REEVE_DAEMON_OPTIONS_H

#include "auth/auth.h"
#include "http/http.h"
#include "log.h"

#include <stdbool.h>
#include <stddef.h>

#define REEVED_NAMES_MAX 16u

struct reeved_options {
	struct reeve_http_door doors[REEVE_HTTP_DOORS_MAX];
	uint32_t n_doors;
	const char *names[REEVED_NAMES_MAX]; /* --host */
	uint32_t n_names;
	const char *token_file; /* NULL: no tokens */
	enum reeved_role loopback_role;
	struct reeved_grant grants[REEVED_GRANTS_MAX];
	uint32_t n_grants;
	const char *tls_cert, *tls_key; /* both or none */
	uint32_t max_connections, max_per_address;
	uint32_t audit_mib; /* size at which the audit log is rotated */
	const char *data_dir;
	const char *segment;	  /* NULL: reeve.segment in the data directory */
	const char *database;	  /* the SQLite file; NULL: no engine */
	uint32_t threads;	  /* loop threads; 0: as many as processors, at most 4 */
	uint32_t workers;	  /* statements at once */
	uint32_t idle_seconds;	  /* what a client may take for the headers, and for the body */
	uint32_t max_subscribers; /* event streams at once */
	uint32_t max_cost;	  /* of a GraphQL operation */
	uint32_t max_seconds;	  /* that a GraphQL operation may run, waits apart */
	uint32_t cpu_slots;	  /* of a segment created now; 0: as many as processors */
	uint32_t max_revisions;	  /* kept in the catalog */
	uint32_t max_events;	  /* the same; 0: none */
	enum reeved_log_level log_level;
	char *config_text; /* of the file, for free() */
};

enum reeved_options_result {
	REEVED_OPTIONS_RUN,
	REEVED_OPTIONS_HELP,
	REEVED_OPTIONS_VERSION,
	REEVED_OPTIONS_WRONG /* `error` says what, in one line without newline */
};

/* Texts of *ret_options are borrowed from argv and from its config_text. */
enum reeved_options_result reeved_options_parse(
	int argc, char **argv, struct reeved_options *ret_options, char *error, size_t error_size);

extern const char reeved_options_help[];

#endif
