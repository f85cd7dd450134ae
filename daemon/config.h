/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - settings from a file: lines `name = value`, read by inih.
 *
 * A comment is a line that begins with # or ;, or what follows a ; after a space. A line is at most 190
 * bytes; spaces before a name mean nothing. The one section that may be named is [reeved].
 */
#ifndef REEVE_DAEMON_CONFIG_H
#define REEVE_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* Takes one setting; false after writing why not, in one line, into error. */
typedef bool (*reeved_config_take)(
	void *arg, const char *name, const char *value, char *error, size_t error_size);

/*
 * Reads a file of at most 64 KiB that others must not be able to write, and gives its settings to `take`
 * in their order, until one is refused. *ret_text holds the names and values that were given, and
 * is the caller's to free, on failure too. On false `error` says what is wrong, in one line that
 * begins with the path and, where there is one, the number of the line.
 */
bool reeved_config_read(const char *path, reeved_config_take take, void *arg, char **ret_text,
	char *error, size_t error_size);

#endif
