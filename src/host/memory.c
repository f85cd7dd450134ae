/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - what Linux tells about memory. Control groups: version 2 when the process is in one that
 * has a memory.current, else version 1's memory controller. A limit may be set further up, so the
 * tightest of all levels counts (the one with the least left, by part).
 */
#include "host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_SIZE 640

bool reeve__host_read(const char *root, const char *path, char *to, size_t size)
{
	char full[PATH_SIZE];
	ssize_t n;
	int fd;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return false;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, to, size - 1);
	close(fd);
	to[n > 0 ? n : 0] = 0;
	return n > 0;
}

uint64_t reeve__host_number(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0)
			return strtoull(line + length, NULL, 10);
	}
	return 0;
}

/* "12.34" after `key` in this line of a pressure file, in ppm; UINT32_MAX when it is not there. */
static uint32_t stall_of(const char *text, const char *line)
{
	const char *at = strstr(text, line);
	uint32_t ppm = 0, scale = 10000;
	bool fraction = false;

	if (!at || !(at = strstr(at, "avg10=")))
		return UINT32_MAX;
	for (at += 6; (*at >= '0' && *at <= '9') || *at == '.'; at++) {
		if (*at == '.')
			fraction = true;
		else if (!fraction)
			ppm = ppm * 10 + (uint32_t)(*at - '0') * 10000;
		else
			ppm += (uint32_t)(*at - '0') * (scale /= 10);
		if (ppm > REEVE_PPM)
			return REEVE_PPM;
	}
	return ppm;
}

/* The names of one version's files. */
struct version {
	const char *mount, *limit, *used, *cache;
};
static const struct version v2 = {
	"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "};
static const struct version v1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
	"memory.usage_in_bytes", "total_inactive_file "};

/* One level: its limit and use, if it has both. */
static bool read_level(const char *root, const struct version *v, const char *group,
	uint64_t *ret_limit, uint64_t *ret_used)
{
	char path[PATH_SIZE], text[8192];
	uint64_t cache;

	snprintf(path, sizeof(path), "%s%s/%s", v->mount, group, v->used);
	if (!reeve__host_read(root, path, text, sizeof(text)))
		return false;
	*ret_used = strtoull(text, NULL, 10);
	snprintf(path, sizeof(path), "%s%s/%s", v->mount, group, v->limit);
	if (!reeve__host_read(root, path, text, sizeof(text)))
		return false;
	*ret_limit = strncmp(text, "max", 3) == 0 ? REEVE_UNLIMITED : strtoull(text, NULL, 10);
	if (*ret_limit == 0 || *ret_limit >= UINT64_C(1) << 62) /* version 1's "none" */
		*ret_limit = REEVE_UNLIMITED;
	snprintf(path, sizeof(path), "%s%s/memory.stat", v->mount, group);
	if (reeve__host_read(root, path, text, sizeof(text))) {
		cache = reeve__host_number(text, v->cache);
		*ret_used -= cache < *ret_used ? cache : *ret_used;
	}
	return true;
}

/* Keeps the tightest of this level and those above it. True when there was any. */
static bool read_levels(
	const char *root, const struct version *v, char *group, struct reeve_host_memory *ret)
{
	uint64_t limit, used;
	bool any = false;

	for (;;) {
		if (read_level(root, v, group, &limit, &used)) {
			if (!any || reeve__muldiv(used, REEVE_PPM, limit) >
					    reeve__muldiv(ret->container_used_bytes, REEVE_PPM,
						    ret->container_limit_bytes)) {
				ret->container_limit_bytes = limit;
				ret->container_used_bytes = used;
			}
			any = true;
		}
		char *slash = strrchr(group, '/');
		if (!slash)
			return any;
		*slash = 0;
	}
}

/* The group's path in the line of /proc/self/cgroup that starts with a number and then `key`. */
static bool group_of(const char *text, const char *key, char *to, size_t size)
{
	const char *line = text;

	while (line) {
		const char *at = strchr(line, ':');
		if (at && strncmp(at, key, strlen(key)) == 0) {
			at += strlen(key);
			snprintf(to, size, "%.*s", (int)strcspn(at, "\n"), at);
			if (strcmp(to, "/") == 0)
				*to = 0;
			return true;
		}
		line = strchr(line, '\n');
		if (line && *++line == 0)
			break;
	}
	return false;
}

static void read_container(const char *root, struct reeve_host_memory *ret)
{
	char text[4096], group[512];

	ret->container_limit_bytes = REEVE_UNLIMITED;
	if (!reeve__host_read(root, "/proc/self/cgroup", text, sizeof(text)))
		return;
	if (group_of(text, "::", group, sizeof(group)) && read_levels(root, &v2, group, ret))
		return;
	if (group_of(text, ":memory:", group, sizeof(group)) &&
		!read_levels(root, &v1, group, ret)) {
		*group = 0; /* in a container the path may be the host's, and the mount ours */
		read_levels(root, &v1, group, ret);
	}
}

bool reeve__host_memory(const char *root, struct reeve_host_memory *ret)
{
	struct reeve_host_memory m = {.stall_some_ppm = UINT32_MAX, .stall_full_ppm = UINT32_MAX};
	long page = sysconf(_SC_PAGESIZE);
	char text[4096], *at;

	if (reeve__host_read(root, "/proc/meminfo", text, sizeof(text)))
		m.system_bytes = reeve__host_number(text, "MemTotal:") * 1024;
	if (reeve__host_read(root, "/proc/self/statm", text, sizeof(text)) &&
		(at = strchr(text, ' ')))
		m.resident_bytes = strtoull(at, NULL, 10) * (uint64_t)(page > 0 ? page : 4096);
	if (reeve__host_read(root, "/proc/pressure/memory", text, sizeof(text))) {
		m.stall_some_ppm = stall_of(text, "some");
		m.stall_full_ppm = stall_of(text, "full");
	}
	read_container(root, &m);
	*ret = m;
	return true;
}
