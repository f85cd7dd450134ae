/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone.h - time zones of this machine, by name. What is done with one is in base/zone.h.
 *
 * Reads files: never call it with a lock held. Any thread; keeps nothing between calls.
 */
#ifndef REEVE_HOST_ZONE_H
#define REEVE_HOST_ZONE_H

#include "../base/zone.h"

/*
 * Loads a zone into *ret, which is untouched on failure.
 *
 * `name` is one of the zone data base (Europe/Berlin), "UTC", which needs no file, or "" for the
 * server's own: TZ of the environment (a name, a file or a POSIX rule), else /etc/localtime, else
 * UTC. Names are looked up below /usr/share/zoneinfo and cannot lead out of it. A server's zone that
 * cannot be read counts as UTC, as it does in the C library.
 * Errors: INVALID_ARGUMENT (malformed name, no such zone, damaged file), SYSTEM, RESOURCE_EXHAUSTED.
 */
int reeve__zone_load(const char *name, struct reeve_sh_zone_data *ret, struct reeve_error *err);

#endif
