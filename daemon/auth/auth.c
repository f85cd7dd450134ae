/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - see auth.h. */
#include "auth/auth.h"
#include "log.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_GROUPS 64

#define CHALLENGE "Bearer realm=\"reeve\""

static bool parse_id(const char *text, uint32_t *ret_id)
{
	char *end;
	unsigned long id = strtoul(text, &end, 10);
	*ret_id = (uint32_t)id;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && id < UINT32_MAX;
}

static bool find_user(const char *name, uint32_t *ret_id)
{
	const struct passwd *user = getpwnam(name);
	if (user != NULL)
		*ret_id = user->pw_uid;
	return user != NULL;
}

static bool find_group(const char *name, uint32_t *ret_id)
{
	const struct group *group = getgrnam(name);
	if (group != NULL)
		*ret_id = group->gr_gid;
	return group != NULL;
}

bool reeved_grant_parse(
	const char *text, struct reeved_grant *ret_grant, char *error, size_t error_size)
{
	static const struct {
		const char *prefix;
		bool is_group;
		bool (*find)(const char *text, uint32_t *ret_id);
	} kinds[] = {{"user:", false, find_user}, {"uid:", false, parse_id},
		{"group:", true, find_group}, {"gid:", true, parse_id}};
	char whom[128];
	const char *equal = strrchr(text, '=');
	size_t len = equal != NULL ? (size_t)(equal - text) : sizeof(whom);
	struct reeved_grant grant;
	snprintf(error, error_size,
		"--grant takes user:NAME, uid:N, group:NAME or gid:N, then =ROLE (viewer, operator "
		"or admin), not \"%.80s\"",
		text);
	if (len >= sizeof(whom) || !reeved_role_parse(equal + 1, &grant.role) ||
		grant.role == REEVED_NOBODY)
		return false;
	memcpy(whom, text, len);
	whom[len] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t prefix_len = strlen(kinds[i].prefix);
		if (strncmp(whom, kinds[i].prefix, prefix_len) != 0)
			continue;
		grant.is_group = kinds[i].is_group;
		if (kinds[i].find(whom + prefix_len, &grant.id)) {
			*ret_grant = grant;
			return true;
		}
		snprintf(error, error_size, "--grant %.80s: there is no %s \"%.40s\"", text,
			grant.is_group ? "group" : "user", whom + prefix_len);
	}
	return false;
}

static struct reeve_http_judgement refuse(struct reeved_auth *auth, int status, const char *code,
	const char *message, const char *challenge)
{
	atomic_fetch_add_explicit(&auth->refused, 1, memory_order_relaxed);
	return (struct reeve_http_judgement){
		.status = status, .code = code, .message = message, .challenge = challenge};
}

static bool is_member(const struct reeve_http_head *head, uint32_t gid)
{
	gid_t groups[MAX_GROUPS];
	socklen_t len = sizeof(groups);
	if (head->gid == gid)
		return true;
	if (getsockopt(head->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false; /* of more than 64 groups only the first one counts */
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

/* The strongest of all that is granted. */
static enum reeved_role role_of_peer(
	const struct reeved_auth *auth, const struct reeve_http_head *head)
{
	enum reeved_role role = REEVED_NOBODY;
	if (head->uid == 0 || head->uid == geteuid())
		return REEVED_ADMIN;
	for (uint32_t i = 0; i < auth->n_grants; i++) {
		const struct reeved_grant *grant = &auth->grants[i];
		if (grant->role > role &&
			(grant->is_group ? is_member(head, grant->id) : grant->id == head->uid))
			role = grant->role;
	}
	return role;
}

static struct reeve_http_judgement admit_peer(struct reeved_auth *auth,
	const struct reeve_http_head *head, struct reeved_identity *identity)
{
	identity->role = role_of_peer(auth, head);
	snprintf(identity->name, sizeof(identity->name), "uid:%u", head->uid);
	if (identity->role != REEVED_NOBODY)
		return (struct reeve_http_judgement){0};
	REEVED_LOG(REEVED_WARN, "peer_refused", {"uid", NULL, head->uid});
	return refuse(auth, 403, "PERMISSION_DENIED",
		"Your user has no role here; see --grant of reeved.", NULL);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct reeve_http_judgement note_failure(struct reeved_auth *auth,
	const struct reeve_http_head *head, const uint8_t network[16], const char *message)
{
	reeved_failures_note(&auth->failures, network, now_ms());
	REEVED_LOG(REEVED_WARN, "token_refused", {"from", head->from, 0});
	return refuse(auth, 401, "UNAUTHENTICATED", message, CHALLENGE ", error=\"invalid_token\"");
}

static struct reeve_http_judgement admit_token(struct reeved_auth *auth,
	const struct reeve_http_head *head, struct reeved_identity *identity)
{
	static const char scheme[] = "Bearer ";
	size_t scheme_len = sizeof(scheme) - 1;
	uint8_t network[16];
	memcpy(network, head->network, sizeof(network));
	if (head->kind == REEVE_HTTP_LOCAL)
		memcpy(network, &head->uid, sizeof(head->uid));
	uint32_t wait = reeved_failures_wait(&auth->failures, network, now_ms());
	if (wait > 0) {
		struct reeve_http_judgement judgement = refuse(auth, 429, "RESOURCE_EXHAUSTED",
			"Too many wrong tokens from this address.", NULL);
		judgement.retry_seconds = wait;
		return judgement;
	}
	if (head->authorization_len <= scheme_len ||
		strncasecmp(head->authorization, scheme, scheme_len) != 0)
		return note_failure(
			auth, head, network, "The Authorization header must be: Bearer TOKEN.");
	enum reeved_token_verdict verdict =
		auth->tokens == NULL
			? REEVED_TOKEN_UNKNOWN
			: reeved_tokens_check(auth->tokens, head->authorization + scheme_len,
				  head->authorization_len - scheme_len, time(NULL), identity);
	if (verdict == REEVED_TOKEN_GOOD)
		return (struct reeve_http_judgement){0};
	return note_failure(auth, head, network,
		verdict == REEVED_TOKEN_EXPIRED ? "The token has expired."
						: "The token is not one of this server's.");
}

struct reeve_http_judgement reeved_auth_admit(struct reeved_auth *auth,
	const struct reeve_http_head *head, struct reeved_identity *ret_identity)
{
	struct reeved_identity identity = {.role = REEVED_NOBODY, .name = "anonymous"};
	struct reeve_http_judgement judgement = {0};
	snprintf(identity.from, sizeof(identity.from), "%s", head->from);
	if (reeve_http_route_of(head->path) == REEVE_HTTP_ROUTE_HEALTH) {
		*ret_identity = identity;
		return judgement;
	}
	if (head->authorization != NULL) {
		judgement = admit_token(auth, head, &identity);
	} else if (head->kind == REEVE_HTTP_LOCAL) {
		judgement = admit_peer(auth, head, &identity);
	} else if (head->kind == REEVE_HTTP_LOOPBACK && auth->loopback_role != REEVED_NOBODY) {
		identity.role = auth->loopback_role;
		snprintf(identity.name, sizeof(identity.name), "loopback");
	} else {
		judgement = refuse(auth, 401, "UNAUTHENTICATED",
			"A token is needed: Authorization: Bearer TOKEN.", CHALLENGE);
	}
	if (judgement.status == 0)
		*ret_identity = identity;
	return judgement;
}
