/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - see audit.h. */
#include "audit/audit.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 32u			/* `{"id":N,` with any N */
#define TAIL_BYTES ((off_t)1024 * 1024) /* of the file, read at the start */

static const char id_head[] = "{\"id\":";

/* One line in memory. */
struct line {
	char *text; /* NUL-terminated, without the newline; NULL: none */
	uint64_t id;
};

struct reeved_audit {
	pthread_mutex_t lock; /* protects all below but path */
	int fd;
	uint64_t bytes, max_bytes, next_id;
	bool is_failing; /* the last write failed, and that was logged */
	struct reeved_audit_stats stats;
	struct line recent[REEVED_AUDIT_RECENT]; /* by id */
	char path[PATH_MAX];
};

static int fail(struct reeve_error *err, const char *path)
{
	snprintf(err->text, sizeof(err->text), "cannot open the audit log %.150s: %s", path,
		strerror(errno));
	return err->code = REEVE_ESYSTEM;
}

static int open_file(struct reeved_audit *audit)
{
	struct stat status;
	int fd = open(audit->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	audit->fd = fd;
	audit->bytes = (uint64_t)status.st_size;
	return 0;
}

/* The line takes the place of the one that is REEVED_AUDIT_RECENT older. */
static void remember_locked(struct reeved_audit *audit, uint64_t id, char *text)
{
	struct line *line = &audit->recent[id % REEVED_AUDIT_RECENT];
	free(line->text);
	*line = (struct line){text, id};
}

static void take_old_line(struct reeved_audit *audit, const char *text)
{
	char *end;
	if (strncmp(text, id_head, sizeof(id_head) - 1) != 0)
		return;
	uint64_t id = strtoull(text + sizeof(id_head) - 1, &end, 10);
	if (*end != ',' || id < audit->next_id || id > INT64_MAX)
		return;
	char *copy = strdup(text);
	if (copy == NULL)
		return;
	audit->next_id = id + 1;
	remember_locked(audit, id, copy);
}

/* Lines that are not ours, and a last one that was cut off, are passed over. */
static void read_old(struct reeved_audit *audit, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = malloc((size_t)TAIL_BYTES + 1);
	if (fd >= 0 && text != NULL && fstat(fd, &status) == 0) {
		off_t from = status.st_size > TAIL_BYTES ? status.st_size - TAIL_BYTES : 0;
		ssize_t len = pread(fd, text, (size_t)TAIL_BYTES, from);
		char *rest = text;
		text[len > 0 ? len : 0] = '\0';
		for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
			if (rest != NULL)
				take_old_line(audit, line);
		}
	}
	free(text);
	if (fd >= 0)
		close(fd);
}

/* A process that died in the middle of a line left no newline. */
static void end_last_line(struct reeved_audit *audit)
{
	char last = '\n';
	if (audit->bytes > 0 && pread(audit->fd, &last, 1, (off_t)audit->bytes - 1) == 1 &&
		last != '\n' && write(audit->fd, "\n", 1) == 1)
		audit->bytes++;
}

int reeved_audit_open(const char *directory, uint64_t max_bytes, struct reeved_audit **ret_audit,
	struct reeve_error *err)
{
	char former[PATH_MAX + 8];
	struct reeved_audit *audit = calloc(1, sizeof(*audit));
	if (audit == NULL) {
		errno = ENOMEM;
		return fail(err, directory);
	}
	pthread_mutex_init(&audit->lock, NULL);
	audit->max_bytes = max_bytes;
	audit->next_id = 1;
	if (snprintf(audit->path, sizeof(audit->path), "%s/audit.log", directory) >=
			(int)sizeof(audit->path) ||
		open_file(audit) != 0) {
		int rc = fail(err, audit->path);
		free(audit);
		return rc;
	}
	snprintf(former, sizeof(former), "%s.1", audit->path);
	read_old(audit, former);
	read_old(audit, audit->path);
	end_last_line(audit);
	*ret_audit = audit;
	return 0;
}

void reeved_audit_close(struct reeved_audit *audit)
{
	if (audit == NULL)
		return;
	for (size_t i = 0; i < REEVED_AUDIT_RECENT; i++)
		free(audit->recent[i].text);
	close(audit->fd);
	pthread_mutex_destroy(&audit->lock);
	free(audit);
}

/* A step that fails leaves a file under its old name, and the present one goes on growing. */
static void rotate_locked(struct reeved_audit *audit)
{
	char from[PATH_MAX + 8], to[PATH_MAX + 8];
	for (uint32_t n = REEVED_AUDIT_KEEP; n > 0; n--) {
		snprintf(to, sizeof(to), "%s.%u", audit->path, n);
		snprintf(from, sizeof(from), n > 1 ? "%s.%u" : "%s", audit->path, n - 1);
		if (rename(from, to) != 0 && errno != ENOENT)
			return;
	}
	int former = audit->fd;
	if (open_file(audit) == 0)
		close(former);
}

static void print_time(reeve_ns at, char *text, size_t capacity)
{
	struct tm utc;
	time_t seconds = at / REEVE_SEC;
	gmtime_r(&seconds, &utc);
	size_t len = strftime(text, capacity, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, capacity - len, ".%03dZ", (int)(at % REEVE_SEC / REEVE_MSEC));
}

/* All after the id, with the newline. */
static void write_rest(struct reeve_json *line, const struct reeved_audit_entry *entry)
{
	static const char too_long[] = "{\"leftOut\":\"the arguments are too long\"}";
	const char *const texts[][2] = {{"who", entry->who->name},
		{"role", reeved_role_names[entry->who->role]}, {"from", entry->who->from},
		{"operation", entry->operation}};
	char at[40];
	bool fits = entry->arguments_len <= REEVED_AUDIT_LINE / 2;
	print_time(entry->at, at, sizeof(at));
	reeve_json_key(line, "at");
	reeve_json_str(line, at);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		reeve_json_key(line, texts[i][0]);
		reeve_json_str(line, texts[i][1]);
	}
	reeve_json_key(line, "arguments");
	reeve_json_raw_value(line, fits ? entry->arguments : too_long,
		fits ? entry->arguments_len : sizeof(too_long) - 1);
	reeve_json_key(line, "outcome");
	reeve_json_str(line, entry->outcome);
	reeve_json_key(line, "durationUs");
	reeve_json_u64(line, entry->duration > 0 ? (uint64_t)(entry->duration / 1000) : 0);
	reeve_json_object_end(line);
	reeve_json_raw(line, "\n", 1);
}

/* A failure is logged when it begins, and when it is over. */
static void note_written_locked(struct reeved_audit *audit, bool is_written, int error)
{
	if (!is_written)
		audit->stats.failures++;
	if (is_written == audit->is_failing) {
		REEVED_LOG(is_written ? REEVED_INFO : REEVED_ERROR,
			is_written ? "audit_writes_again" : "audit_failed",
			{"file", audit->path, 0}, {"reason", is_written ? "" : strerror(error), 0});
	}
	audit->is_failing = !is_written;
}

static void append_locked(struct reeved_audit *audit, const char *text, size_t len)
{
	if (audit->bytes > 0 && audit->bytes + len > audit->max_bytes)
		rotate_locked(audit);
	ssize_t n = write(audit->fd, text, len);
	note_written_locked(audit, n == (ssize_t)len, n < 0 ? errno : ENOSPC);
	audit->bytes += n > 0 ? (uint64_t)n : 0;
	if (n > 0 && (size_t)n < len)
		end_last_line(audit);
}

void reeved_audit_write(struct reeved_audit *audit, const struct reeved_audit_entry *entry)
{
	char head[HEAD_BYTES];
	struct reeve_json rest;
	reeve_json_init(&rest, REEVED_AUDIT_LINE);
	write_rest(&rest, entry);
	char *text = reeve_json_ok(&rest) ? malloc(HEAD_BYTES + rest.len + 1) : NULL;
	pthread_mutex_lock(&audit->lock);
	uint64_t id = audit->next_id++;
	audit->stats.entries++;
	if (text != NULL) {
		int head_len =
			snprintf(head, sizeof(head), "%s%llu,", id_head, (unsigned long long)id);
		size_t len = (size_t)head_len + rest.len;
		memcpy(text, head, (size_t)head_len);
		memcpy(text + head_len, rest.data, rest.len);
		append_locked(audit, text, len);
		text[len - 1] = '\0'; /* the newline */
		remember_locked(audit, id, text);
	} else {
		note_written_locked(audit, false, ENOMEM);
	}
	pthread_mutex_unlock(&audit->lock);
	reeve_json_fini(&rest);
}

uint32_t reeved_audit_copy(
	struct reeved_audit *audit, uint64_t before, uint32_t most, char *to, size_t capacity)
{
	uint32_t n = 0;
	pthread_mutex_lock(&audit->lock);
	uint64_t id = before != 0 && before < audit->next_id ? before : audit->next_id;
	uint64_t least =
		audit->next_id > REEVED_AUDIT_RECENT ? audit->next_id - REEVED_AUDIT_RECENT : 1;
	while (id > least && n < most) {
		const struct line *line = &audit->recent[--id % REEVED_AUDIT_RECENT];
		if (line->text == NULL || line->id != id)
			continue;
		size_t len = strlen(line->text) + 1;
		if (len > capacity)
			break;
		memcpy(to, line->text, len);
		to += len;
		capacity -= len;
		n++;
	}
	pthread_mutex_unlock(&audit->lock);
	return n;
}

void reeved_audit_stats_get(struct reeved_audit *audit, struct reeved_audit_stats *ret_stats)
{
	pthread_mutex_lock(&audit->lock);
	*ret_stats = audit->stats;
	pthread_mutex_unlock(&audit->lock);
}
