/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h. */
#include "log.h"
#include "json/json.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINE_BYTES ((size_t)8192)

const char *const reeved_log_level_names[REEVED_LOG_LEVELS] = {"debug", "info", "warn", "error"};

static enum reeved_log_level least = REEVED_INFO;

void reeved_log_set_level(enum reeved_log_level level)
{
	least = level;
}

bool reeved_log_wants(enum reeved_log_level level)
{
	return level >= least;
}

static void print_now(char *text, size_t capacity)
{
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t len = strftime(text, capacity, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, capacity - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

void reeved_log(
	enum reeved_log_level level, const char *event, const struct reeved_log_field *fields)
{
	char now[40];
	struct reeve_json line;
	if (!reeved_log_wants(level))
		return;
	print_now(now, sizeof(now));
	reeve_json_init(&line, MAX_LINE_BYTES);
	reeve_json_object_begin(&line);
	reeve_json_key(&line, "ts");
	reeve_json_str(&line, now);
	reeve_json_key(&line, "level");
	reeve_json_str(&line, reeved_log_level_names[level]);
	reeve_json_key(&line, "event");
	reeve_json_str(&line, event);
	for (; fields != NULL && fields->key != NULL; fields++) {
		reeve_json_key(&line, fields->key);
		if (fields->text != NULL)
			reeve_json_str(&line, fields->text);
		else
			reeve_json_i64(&line, fields->number);
	}
	reeve_json_object_end(&line);
	reeve_json_raw(&line, "\n", 1);
	/* Nobody is left to be told when stderr is gone. */
	if (reeve_json_ok(&line))
		(void)!write(STDERR_FILENO, line.data, line.len);
	reeve_json_fini(&line);
}
