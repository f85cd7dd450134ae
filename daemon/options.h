/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - reeved's command line.
 */
#ifndef REEVE_DAEMON_OPTIONS_H
#define REEVE_DAEMON_OPTIONS_H

#include "log.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct reeved_options {
	struct sockaddr_storage listen;
	socklen_t listen_len;
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
};

enum reeved_options_result {
	REEVED_OPTIONS_RUN,
	REEVED_OPTIONS_HELP,
	REEVED_OPTIONS_VERSION,
	REEVED_OPTIONS_WRONG /* `error` says what, in one line without newline */
};

/* Texts of *ret_options are borrowed from argv. */
enum reeved_options_result reeved_options_parse(
	int argc, char **argv, struct reeved_options *ret_options, char *error, size_t error_size);

extern const char reeved_options_help[];

#endif
