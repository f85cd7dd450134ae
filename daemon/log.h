/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - what reeved says while it runs: JSON lines on stderr, one event a line.
 *
 *	{"ts":"2026-01-31T09:00:00.123Z","level":"info","event":"ready","address":"127.0.0.1:8080"}
 *
 * A line is written by one system call, so lines of several threads do not mix.
 */
#ifndef REEVE_DAEMON_LOG_H
#define REEVE_DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum reeved_log_level { REEVED_DEBUG, REEVED_INFO, REEVED_WARN, REEVED_ERROR, REEVED_LOG_LEVELS };

extern const char *const reeved_log_level_names[REEVED_LOG_LEVELS];

/* Lines below the level are left out. Before any thread starts. Default: info. */
void reeved_log_set_level(enum reeved_log_level level);

/* Whether lines of this level are written at all. */
bool reeved_log_wants(enum reeved_log_level level);

/* One key and its text, or its number when `text` is NULL. */
struct reeved_log_field {
	const char *key;
	const char *text;
	int64_t number;
};

/* `fields` ends with a key of NULL; NULL: none. */
void reeved_log(
	enum reeved_log_level level, const char *event, const struct reeved_log_field *fields);

#define REEVED_LOG(level_, event_, ...)                                                            \
	reeved_log((level_), (event_),                                                             \
		(const struct reeved_log_field[]){__VA_ARGS__, {NULL, NULL, 0}})

#endif
