/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - see config.h. */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_BYTES 65536
#define MAX_LINE  190 /* of the 200 that inih has room for */

struct config {
	reeved_config_take take;
	void *arg;
	const char *path;
	char *file;   /* what is left to read */
	char *copies; /* of names and values, one after another */
	size_t copied;
	unsigned line; /* that was read last; inih handles each before it asks for the next */
	bool has_failed;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool fail(
	struct config *config, const char *format, ...)
{
	va_list args;
	int n = snprintf(config->error, config->error_size, "%s:%u: ", config->path, config->line);

	if (n < 0 || (size_t)n >= config->error_size)
		n = 0;
	va_start(args, format);
	vsnprintf(config->error + n, config->error_size - (size_t)n, format, args);
	va_end(args);
	config->has_failed = true;
	return false;
}

/* A line as fgets has it, without the spaces that make inih take it for part of the one before. */
static char *next_line(char *str, int num, void *stream)
{
	struct config *config = stream;
	size_t len;

	if (config->has_failed || *config->file == '\0')
		return NULL;
	config->line++;
	len = strcspn(config->file, "\n");
	if (len > MAX_LINE || len + 2 > (size_t)num) {
		fail(config, "the line has more than %d bytes", MAX_LINE);
		return NULL;
	}
	size_t blank = strspn(config->file, " \t\r\v\f");
	memcpy(str, config->file + blank, len - blank);
	strcpy(str + len - blank, "\n");
	config->file += len + (config->file[len] == '\n');
	return str;
}

static const char *copy(struct config *config, const char *text)
{
	char *at = config->copies + config->copied;
	size_t size = strlen(text) + 1;

	memcpy(at, text, size);
	config->copied += size;
	return at;
}

static int take_line(void *user, const char *section, const char *name, const char *value)
{
	struct config *config = user;
	char why[256];

	if (section[0] != '\0' && strcmp(section, "reeved") != 0)
		return fail(config, "there is no section [%s], only [reeved]", section);
	if (!config->take(config->arg, copy(config, name), copy(config, value), why, sizeof(why)))
		return fail(config, "%s", why);
	return 1;
}

static bool refuse(struct config *config, const char *why)
{
	snprintf(config->error, config->error_size, "%s: %s", config->path, why);
	return false;
}

/* The whole file, ended by 0; *ret is the caller's. Who writes it decides who comes in. */
static bool load(struct config *config, char **ret)
{
	FILE *file = fopen(config->path, "re");
	struct stat stat;
	size_t n;
	bool is_good = false;

	if (file == NULL)
		return refuse(config, strerror(errno));
	*ret = calloc(1, MAX_BYTES + 1);
	n = *ret != NULL ? fread(*ret, 1, MAX_BYTES + 1, file) : 0;
	if (*ret == NULL)
		refuse(config, "out of memory");
	else if (ferror(file) || fstat(fileno(file), &stat) != 0)
		refuse(config, strerror(errno));
	else if (S_ISREG(stat.st_mode) && (stat.st_mode & S_IWOTH) != 0)
		refuse(config, "it can be written by others: chmod o-w it");
	else if (n > MAX_BYTES)
		refuse(config, "it has more than 65536 bytes");
	else if (strlen(*ret) != n)
		refuse(config, "it has a byte 0, and is no text");
	else
		is_good = true;
	fclose(file);
	return is_good;
}

bool reeved_config_read(const char *path, reeved_config_take take, void *arg, char **ret_text,
	char *error, size_t error_size)
{
	struct config config = {
		.take = take, .arg = arg, .path = path, .error = error, .error_size = error_size};
	char *text = NULL;
	bool is_good = load(&config, &text);
	int line;

	if (is_good) {
		config.file = text;
		/* A name and a value end where their line has '=' and its end; the last may have none. */
		config.copies = *ret_text = malloc(strlen(text) + 2);
		is_good = config.copies != NULL || refuse(&config, "out of memory");
	}
	if (is_good) {
		line = ini_parse_stream(next_line, &config, take_line, &config);
		if (line != 0 && !config.has_failed) {
			config.line = (unsigned)line;
			fail(&config, "a line is name = value, [reeved], or a comment");
		}
		is_good = !config.has_failed;
	}
	free(text);
	return is_good;
}
