/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the commands of reeve(1) share: exit statuses, finding and opening the segment.
 */
#ifndef REEVE_CLI_CLI_H
#define REEVE_CLI_CLI_H

#include <stdio.h>

#include <reeve/reeve.h>

enum {
	CLI_OK = 0,
	CLI_PROBLEM = 1, /* the command worked, and found something wrong */
	CLI_CANNOT = 2	 /* wrong usage, or what it needs is not there */
};

/* Where to find the segment. First of: segment, data, the environment. */
struct cli_source {
	const char *segment; /* --segment FILE; NULL: not given */
	const char *data;    /* --data DIR; NULL: not given */
};

/*
 * Writes the segment's path into `to`. CLI_OK, or CLI_CANNOT after a line on stderr that says what
 * to give.
 */
int cli_find_segment(const struct cli_source *source, char *to, size_t size);

/*
 * Attaches to an existing segment. CLI_OK, or CLI_CANNOT after a line on stderr
 * that says why and what may help. *ret_reeve is the caller's, for reeve_close.
 */
int cli_open_segment(const char *path, struct reeve **ret_reeve);

/* One line on stderr, "reeve: ..."; returns CLI_CANNOT. */
__attribute__((format(printf, 1, 2))) int cli_refuse(const char *format, ...);

/* For an option getopt_long did not take: points at the command's help. Returns CLI_CANNOT. */
int cli_bad_usage(const char *command);

/* Flushes stdout. `status`, or CLI_CANNOT after a line on stderr when not all could be written. */
int cli_finish_output(int status);

/* The commands. argv[0] is the command's name; each returns the exit status. */
int cli_top(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_segment(int argc, char **argv);
/* validate, diff, apply, export */
int cli_plan(int argc, char **argv);

#endif
