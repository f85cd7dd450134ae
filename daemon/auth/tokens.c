/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c - tokens of a running daemon; see tokens.h. */
#include "auth/tokens.h"
#include "log.h"

#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USED_EVERY_SECONDS 60

/* What tells one version of the file from another. */
struct stamp {
	uint64_t device, inode, bytes;
	int64_t changed_s, changed_ns;
};

struct reeved_tokens {
	pthread_mutex_t lock; /* protects all below but path */
	struct reeved_token_list list;
	bool is_used; /* since FILE.used was written */
	int64_t written;
	struct stamp stamp; /* the clock thread's */
	char path[];
};

static struct stamp read_stamp(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		return (struct stamp){0};
	return (struct stamp){status.st_dev, status.st_ino, (uint64_t)status.st_size,
		status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
}

int reeved_tokens_open(const char *path, struct reeved_tokens **ret_tokens, struct reeve_error *err)
{
	struct reeved_token_list list;
	struct stamp stamp = read_stamp(path); /* before, so that a change in between is seen */
	int rc = reeved_token_list_read(path, &list, err);
	if (rc != 0)
		return rc;
	struct reeved_tokens *tokens = calloc(1, sizeof(*tokens) + strlen(path) + 1);
	if (tokens == NULL) {
		reeved_token_list_free(&list);
		snprintf(err->text, sizeof(err->text), "out of memory");
		return err->code = REEVE_ERESOURCE_EXHAUSTED;
	}
	strcpy(tokens->path, path);
	pthread_mutex_init(&tokens->lock, NULL);
	tokens->list = list;
	tokens->stamp = stamp;
	*ret_tokens = tokens;
	return 0;
}

/* FILE.used: "NAME SECONDS" a line. What cannot be written is tried again a minute later. */
static void write_used(struct reeved_tokens *tokens)
{
	char path[4096], temporary[4096];
	if (snprintf(path, sizeof(path), "%s.used", tokens->path) >= (int)sizeof(path) ||
		snprintf(temporary, sizeof(temporary), "%s.used.new", tokens->path) >=
			(int)sizeof(temporary))
		return;
	FILE *file = fopen(temporary, "we");
	if (file == NULL)
		return;
	pthread_mutex_lock(&tokens->lock);
	for (uint32_t i = 0; i < tokens->list.n; i++) {
		const struct reeved_token *token = &tokens->list.tokens[i];
		if (token->used != 0)
			fprintf(file, "%s %lld\n", token->name, (long long)token->used);
	}
	tokens->is_used = false;
	pthread_mutex_unlock(&tokens->lock);
	bool is_bad = ferror(file) != 0;
	if (fclose(file) != 0 || is_bad || rename(temporary, path) != 0) {
		(void)unlink(temporary);
		pthread_mutex_lock(&tokens->lock);
		tokens->is_used = true;
		pthread_mutex_unlock(&tokens->lock);
	}
}

void reeved_tokens_close(struct reeved_tokens *tokens)
{
	if (tokens == NULL)
		return;
	if (tokens->is_used)
		write_used(tokens);
	reeved_token_list_free(&tokens->list);
	pthread_mutex_destroy(&tokens->lock);
	free(tokens);
}

/* All are compared, each in constant time. */
static struct reeved_token *find_token(struct reeved_tokens *tokens, const uint8_t hash[32])
{
	struct reeved_token *found = NULL;
	for (uint32_t i = 0; i < tokens->list.n; i++) {
		if (gnutls_memcmp(tokens->list.tokens[i].hash, hash, 32) == 0)
			found = &tokens->list.tokens[i];
	}
	return found;
}

enum reeved_token_verdict reeved_tokens_check(struct reeved_tokens *tokens, const char *text,
	size_t len, int64_t now, struct reeved_identity *identity)
{
	uint8_t hash[32];
	enum reeved_token_verdict verdict = REEVED_TOKEN_UNKNOWN;
	if (len != REEVED_TOKEN_TEXT_BYTES - 1 ||
		gnutls_hash_fast(GNUTLS_DIG_SHA256, text, len, hash) != 0)
		return verdict;
	pthread_mutex_lock(&tokens->lock);
	struct reeved_token *token = find_token(tokens, hash);
	if (token != NULL && token->expires != 0 && token->expires <= now) {
		verdict = REEVED_TOKEN_EXPIRED;
	} else if (token != NULL) {
		verdict = REEVED_TOKEN_GOOD;
		token->used = now;
		tokens->is_used = true;
		identity->role = token->role;
		snprintf(identity->name, sizeof(identity->name), "token:%s", token->name);
	}
	pthread_mutex_unlock(&tokens->lock);
	return verdict;
}

/* What was used since FILE.used was written is known here only. */
static void keep_used(const struct reeved_token_list *from, struct reeved_token_list *to)
{
	for (uint32_t i = 0; i < to->n; i++) {
		for (uint32_t j = 0; j < from->n; j++) {
			if (memcmp(to->tokens[i].hash, from->tokens[j].hash, 32) == 0)
				to->tokens[i].used = from->tokens[j].used;
		}
	}
}

static void reload(struct reeved_tokens *tokens)
{
	struct reeved_token_list list = {NULL, 0}, former;
	struct reeve_error err = {0};
	int rc = reeved_token_list_read(tokens->path, &list, &err);
	if (rc != 0)
		REEVED_LOG(REEVED_ERROR, "tokens_unreadable", {"reason", err.text, 0});
	if (rc != 0 && rc != REEVE_ENOT_FOUND)
		return;
	pthread_mutex_lock(&tokens->lock);
	former = tokens->list;
	keep_used(&former, &list);
	tokens->list = list;
	pthread_mutex_unlock(&tokens->lock);
	reeved_token_list_free(&former);
	REEVED_LOG(REEVED_INFO, "tokens_loaded", {"tokens", NULL, list.n});
}

void reeved_tokens_tick(struct reeved_tokens *tokens, int64_t now)
{
	struct stamp stamp = read_stamp(tokens->path);
	if (memcmp(&stamp, &tokens->stamp, sizeof(stamp)) != 0) {
		tokens->stamp = stamp;
		reload(tokens);
	}
	pthread_mutex_lock(&tokens->lock);
	bool is_due = tokens->is_used && now - tokens->written >= USED_EVERY_SECONDS;
	if (is_due)
		tokens->written = now;
	pthread_mutex_unlock(&tokens->lock);
	if (is_due)
		write_used(tokens);
}
