/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens.h - the file of tokens: who may come in with which, kept as hashes.
 *
 * A token is "reeve_" and 64 hexadecimal digits, 256 bits of chance; the file has its SHA-256, which
 * says nothing about it, so neither the file nor a copy lets anybody in. One line a token:
 *
 *	NAME ROLE SHA-256 CREATED EXPIRES
 *	ci operator 5f1c...e0 2026-01-31T09:00:00Z never
 *
 * Lines that begin with '#' and empty lines are passed over; any other is an error that names its
 * line. The file is replaced as a whole, by rename, so it is never seen half written. FILE.used has
 * when each token was used last, to the minute.
 */
#ifndef REEVE_DAEMON_AUTH_TOKENS_H
#define REEVE_DAEMON_AUTH_TOKENS_H

#include "auth/role.h"

#include <reeve/types.h>

#include <stddef.h>

#define REEVED_TOKENS_MAX	1024u
#define REEVED_TOKEN_NAME_MAX	64u
#define REEVED_TOKEN_TEXT_BYTES 71u /* with the NUL */

struct reeved_token {
	char name[REEVED_TOKEN_NAME_MAX + 1];
	enum reeved_role role; /* viewer to admin */
	uint8_t hash[32];
	int64_t created, expires, used; /* Unix seconds; expires 0: never; used 0: not yet */
};

struct reeved_token_list {
	struct reeved_token *tokens;
	uint32_t n;
};

/* Letters, digits, '.', '_' and '-', 1 to 64 of them. */
bool reeved_token_name_is_good(const char *name);

/*
 * Reads a file with what FILE.used says. NOT_FOUND: there is none. CONFIGURATION: it is malformed, or
 * others than its owner may write it, or everybody may read it. *ret_list is to be freed.
 */
int reeved_token_list_read(
	const char *path, struct reeved_token_list *ret_list, struct reeve_error *err);
void reeved_token_list_free(struct reeved_token_list *list);
/* Replaces the file. */
int reeved_token_list_write(
	const char *path, const struct reeved_token_list *list, struct reeve_error *err);

/* Makes a token: its text, which is kept nowhere, and the hash of it. False: no randomness. */
bool reeved_token_make(char text[REEVED_TOKEN_TEXT_BYTES], uint8_t hash[32]);

/* The file as a running daemon has it. From any thread. */
struct reeved_tokens;

int reeved_tokens_open(
	const char *path, struct reeved_tokens **ret_tokens, struct reeve_error *err);
/* Writes FILE.used. NULL is allowed. */
void reeved_tokens_close(struct reeved_tokens *tokens);

enum reeved_token_verdict { REEVED_TOKEN_GOOD, REEVED_TOKEN_UNKNOWN, REEVED_TOKEN_EXPIRED };

/* Judges a token's text at `now` (Unix seconds). GOOD: role and name of *identity are set. Takes as
 * long for one that is there as for one that is not. */
enum reeved_token_verdict reeved_tokens_check(struct reeved_tokens *tokens, const char *text,
	size_t len, int64_t now, struct reeved_identity *identity);

/* Ten times a second: reads the file again when it has changed, so that a revoked token is good for
 * no longer; writes FILE.used once a minute. A file that is gone lets nobody in; one that is
 * malformed leaves things as they were. Both are logged. */
void reeved_tokens_tick(struct reeved_tokens *tokens, int64_t now);

/* `reeved token create|list|revoke ...`; argv[0] is "token". The exit status. */
int reeved_token_command(int argc, char **argv);

#endif
