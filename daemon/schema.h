/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - schema.graphql, as it is linked in. */
#ifndef REEVE_DAEMON_SCHEMA_H
#define REEVE_DAEMON_SCHEMA_H

#include <stddef.h>

extern const char reeved_schema[];
size_t reeved_schema_len(void);

#endif
