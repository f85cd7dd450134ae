/* SPDX-License-Identifier: Apache-2.0 */
/* follow.h - events as they happen, over server-sent events. */
#ifndef REEVE_CLI_FOLLOW_H
#define REEVE_CLI_FOLLOW_H

#include <jansson.h>

#include "server.h"

/*
 * Prints each event, those that are kept first, until the server or the reader is gone. `variables` may
 * have afterSequence, kinds and limit, the number of events to end after. `columns` NULL: JSON. Returns
 * the exit status, after a line on stderr when it is not CLI_OK.
 */
int follow(const struct server *server, const json_t *variables, const char *columns);

#endif
