/* SPDX-License-Identifier: Apache-2.0 */
/* token_file.c - reading and replacing the file of tokens; see tokens.h. */
#include "auth/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINE    512
#define SECRET	    32u
#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"

static const char prefix[] = "reeve_";

__attribute__((format(printf, 3, 4))) static int refuse(
	struct reeve_error *err, int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

bool reeved_token_name_is_good(const char *name)
{
	size_t len =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	return len > 0 && len <= REEVED_TOKEN_NAME_MAX && name[len] == '\0';
}

static void print_hex(const uint8_t *bytes, size_t n, char *text)
{
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

static bool parse_hash(const char *text, uint8_t hash[32])
{
	if (strlen(text) != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		hash[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool parse_time(const char *text, int64_t *ret_seconds)
{
	struct tm utc = {0};
	const char *end = strptime(text, TIME_FORMAT, &utc);
	if (end == NULL || *end != '\0')
		return false;
	*ret_seconds = timegm(&utc);
	return *ret_seconds > 0;
}

bool reeved_token_make(char text[REEVED_TOKEN_TEXT_BYTES], uint8_t hash[32])
{
	uint8_t secret[SECRET];
	if (gnutls_rnd(GNUTLS_RND_KEY, secret, sizeof(secret)) != 0)
		return false;
	memcpy(text, prefix, sizeof(prefix));
	print_hex(secret, sizeof(secret), text + sizeof(prefix) - 1);
	gnutls_memset(secret, 0, sizeof(secret));
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), hash) == 0;
}

/* NULL, or what is wrong with the line. */
static const char *parse_line(char *line, struct reeved_token *token)
{
	char *rest = line, *fields[6] = {NULL};
	size_t n = 0;
	memset(token, 0, sizeof(*token));
	for (char *field; n < 6 && (field = strtok_r(rest, " \t\n", &rest)) != NULL; n++)
		fields[n] = field;
	if (n != 5)
		return "a line has five fields: name, role, SHA-256, created, expires";
	if (!reeved_token_name_is_good(fields[0]))
		return "a name is 1 to 64 letters, digits, '.', '_' or '-'";
	strcpy(token->name, fields[0]);
	if (!reeved_role_parse(fields[1], &token->role) || token->role == REEVED_NOBODY)
		return "a role is viewer, operator or admin";
	if (!parse_hash(fields[2], token->hash))
		return "a hash is 64 hexadecimal digits in lower case";
	if (!parse_time(fields[3], &token->created))
		return "a time is like 2026-01-31T09:00:00Z";
	if (strcmp(fields[4], "never") != 0 && !parse_time(fields[4], &token->expires))
		return "a token expires at a time, or never";
	return NULL;
}

static const char *add_line(struct reeved_token_list *list, char *line)
{
	struct reeved_token token;
	size_t blank = strspn(line, " \t\n");
	if (line[blank] == '\0' || line[blank] == '#')
		return NULL;
	const char *fault = parse_line(line, &token);
	if (fault != NULL)
		return fault;
	for (uint32_t i = 0; i < list->n; i++) {
		if (strcmp(list->tokens[i].name, token.name) == 0)
			return "a name is there twice";
	}
	if (list->n == REEVED_TOKENS_MAX)
		return "there are more than 1024 tokens";
	list->tokens[list->n++] = token;
	return NULL;
}

static int read_lines(
	FILE *file, const char *path, struct reeved_token_list *list, struct reeve_error *err)
{
	char line[MAX_LINE];
	for (unsigned number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
		const char *fault = strlen(line) == sizeof(line) - 1 ? "a line is too long"
								     : add_line(list, line);
		if (fault != NULL)
			return refuse(
				err, REEVE_ECONFIGURATION, "%s, line %u: %s", path, number, fault);
	}
	if (ferror(file))
		return refuse(err, REEVE_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
	return 0;
}

/* Whoever writes the file decides who comes in. */
static int check_mode(FILE *file, const char *path, struct reeve_error *err)
{
	struct stat status;
	if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode))
		return refuse(err, REEVE_ECONFIGURATION, "%s is not a file", path);
	if ((status.st_mode & (S_IWGRP | S_IRWXO)) != 0)
		return refuse(err, REEVE_ECONFIGURATION,
			"%s can be read by everybody, or written by others: chmod g-w,o= it", path);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return refuse(err, REEVE_ECONFIGURATION,
			"%s belongs to user %u, who is neither this one nor root", path,
			(unsigned)status.st_uid);
	return 0;
}

/* It is a convenience: what cannot be read is as if it were not there. */
static void read_used(const char *path, struct reeved_token_list *list)
{
	char used[4096], name[REEVED_TOKEN_NAME_MAX + 1];
	long long seconds;
	if (snprintf(used, sizeof(used), "%s.used", path) >= (int)sizeof(used))
		return;
	FILE *file = fopen(used, "re");
	if (file == NULL)
		return;
	while (fscanf(file, "%64s %lld", name, &seconds) == 2) {
		for (uint32_t i = 0; i < list->n; i++) {
			if (strcmp(list->tokens[i].name, name) == 0)
				list->tokens[i].used = seconds;
		}
	}
	fclose(file);
}

int reeved_token_list_read(
	const char *path, struct reeved_token_list *ret_list, struct reeve_error *err)
{
	struct reeved_token_list list = {NULL, 0};
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return refuse(err, errno == ENOENT ? REEVE_ENOT_FOUND : REEVE_ECONFIGURATION,
			"cannot read the tokens in %s: %s", path, strerror(errno));
	list.tokens = calloc(REEVED_TOKENS_MAX, sizeof(*list.tokens));
	int rc = list.tokens == NULL ? refuse(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory")
				     : check_mode(file, path, err);
	if (rc == 0)
		rc = read_lines(file, path, &list, err);
	fclose(file);
	if (rc != 0) {
		reeved_token_list_free(&list);
		return rc;
	}
	read_used(path, &list);
	*ret_list = list;
	return 0;
}

void reeved_token_list_free(struct reeved_token_list *list)
{
	free(list->tokens);
	*list = (struct reeved_token_list){NULL, 0};
}

static void write_line(FILE *file, const struct reeved_token *token)
{
	char hash[65], created[32], expires[32] = "never";
	struct tm utc;
	time_t at = token->created;
	print_hex(token->hash, sizeof(token->hash), hash);
	strftime(created, sizeof(created), TIME_FORMAT, gmtime_r(&at, &utc));
	at = token->expires;
	if (at != 0)
		strftime(expires, sizeof(expires), TIME_FORMAT, gmtime_r(&at, &utc));
	fprintf(file, "%s %s %s %s %s\n", token->name, reeved_role_names[token->role], hash,
		created, expires);
}

static int replace(FILE *file, const char *temporary, const char *path, struct reeve_error *err)
{
	bool is_bad = ferror(file) != 0 || fflush(file) != 0 || fsync(fileno(file)) != 0;
	if (fclose(file) == 0 && !is_bad && rename(temporary, path) == 0)
		return 0;
	int error = errno;
	(void)unlink(temporary);
	return refuse(err, REEVE_ESYSTEM, "cannot write %s: %s", path, strerror(error));
}

int reeved_token_list_write(
	const char *path, const struct reeved_token_list *list, struct reeve_error *err)
{
	char temporary[4096];
	struct stat former;
	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return refuse(err, REEVE_EINVALID_ARGUMENT, "the path %.60s... is too long", path);
	bool had_one = stat(path, &former) == 0;
	(void)unlink(temporary); /* the caller has the lock; of one who died */
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file == NULL) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		return refuse(
			err, REEVE_ESYSTEM, "cannot write %s: %s", temporary, strerror(error));
	}
	/* Root may make a file for the daemon's user: it stays that user's. */
	if (had_one && (fchown(fd, former.st_uid, former.st_gid) != 0 ||
			       fchmod(fd, former.st_mode & 0640) != 0)) {
		refuse(err, REEVE_ESYSTEM, "cannot keep owner and mode of %s: %s", path,
			strerror(errno));
		fclose(file);
		(void)unlink(temporary);
		return err->code;
	}
	fputs("# Tokens of reeved: name, role, SHA-256, created, expires. See reeved(8).\n", file);
	for (uint32_t i = 0; i < list->n; i++)
		write_line(file, &list->tokens[i]);
	return replace(file, temporary, path, err);
}
