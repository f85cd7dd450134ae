/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role.h - what somebody may do, and who it is.
 *
 *	viewer    ask: every query, the metrics
 *	operator  act on what lives: sessions, tasks, statements
 *	admin     define: groups, plans, rules, limits, settings; and read the audit log
 */
#ifndef REEVE_DAEMON_AUTH_ROLE_H
#define REEVE_DAEMON_AUTH_ROLE_H

#include <stdbool.h>
#include <stdint.h>

enum reeved_role { REEVED_NOBODY, REEVED_VIEWER, REEVED_OPERATOR, REEVED_ADMIN, REEVED_ROLES };

extern const char *const reeved_role_names[REEVED_ROLES]; /* "none", "viewer", ... */

/* By name; false when there is none of it. */
bool reeved_role_parse(const char *text, enum reeved_role *ret_role);

/* Who makes a request, and from where. */
struct reeved_identity {
	enum reeved_role role;
	char name[80]; /* "token:NAME", "uid:1000", "loopback", "anonymous" */
	char from[46]; /* an address, or "unix" */
};

#endif
