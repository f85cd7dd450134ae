/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - who makes a request, and what he may do.
 *
 *	a token in Authorization   its role; one that is none is refused, at every door
 *	a Unix socket              this process's user and root are admins; others by grants
 *	loopback                   loopback_role, an admin unless configured otherwise
 *	the network                nobody without a token
 *
 * /healthz and /readyz answer anybody who gets past the door: they tell one word. All else, the
 * metrics too, needs a viewer.
 */
#ifndef REEVE_DAEMON_AUTH_AUTH_H
#define REEVE_DAEMON_AUTH_AUTH_H

#include "auth/failures.h"
#include "auth/role.h"
#include "auth/tokens.h"
#include "http/http.h"

#define REEVED_GRANTS_MAX 64u

/* What a user, or a member of a group, may do who comes by a Unix socket. */
struct reeved_grant {
	bool is_group;
	uint32_t id;
	enum reeved_role role;
};

struct reeved_auth {
	struct reeved_tokens *tokens; /* NULL: there are none */
	enum reeved_role loopback_role;
	const struct reeved_grant *grants;
	uint32_t n_grants;
	struct reeved_failures failures;
	_Atomic uint64_t refused; /* requests; for the metrics */
};

/* "user:NAME=ROLE", "uid:N=ROLE", "group:NAME=ROLE" or "gid:N=ROLE". False, with a sentence in
 * `error`, when it is none of them or nobody is called that. */
bool reeved_grant_parse(
	const char *text, struct reeved_grant *ret_grant, char *error, size_t error_size);

/* Judges a request; on status 0 *ret_identity is who makes it. Does not wait. */
struct reeve_http_judgement reeved_auth_admit(struct reeved_auth *auth,
	const struct reeve_http_head *head, struct reeved_identity *ret_identity);

#endif
