/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container.c - what Linux's control groups limit. Version 2 when the unified tree is mounted, else
 * version 1, each controller in a tree of its own. A quota may be set further up, so the tightest of
 * all levels counts; the set of processors and the throttled time are this process's own group's.
 * See cgroups(7) and the kernel's admin-guide/cgroup-v2.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_SIZE 640

/* A file of a group. */
static bool read_file(const char *root, const char *mount, const char *group, const char *name,
	char *to, size_t size)
{
	char path[PATH_SIZE];

	if (snprintf(path, sizeof(path), "%s%s/%s", mount, group, name) >= (int)sizeof(path))
		return false;
	return reeve__host_read(root, path, to, size);
}

/* Whether `name` is one of those in a list of `length` bytes, separated by commas. */
static bool is_listed(const char *list, size_t length, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; at <= list + length;) {
		size_t here = 0;
		while (at + here < list + length && at[here] != ',')
			here++;
		if (here == n && memcmp(at, name, n) == 0)
			return true;
		at += here + 1;
	}
	return false;
}

/*
 * This process's group under a controller ("": version 2's), from /proc/self/cgroup, whose lines are
 * "number:controllers:path". The root is "".
 */
static bool find_group(const char *text, const char *controller, char *to, size_t size)
{
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		const char *list = memchr(line, ':', length), *path = NULL;
		if (list)
			path = memchr(list + 1, ':', length - (size_t)(list + 1 - line));
		if (path && is_listed(list + 1, (size_t)(path - list - 1), controller)) {
			size_t n = length - (size_t)(path + 1 - line);
			if (n >= size)
				return false;
			memcpy(to, path + 1, n);
			to[n] = 0;
			if (strcmp(to, "/") == 0)
				*to = 0;
			return true;
		}
		line += length + (line[length] == '\n');
	}
	return false;
}

/* One level's quota in ppm of a processor; REEVE_UNLIMITED: none. */
static uint64_t quota_of(const char *root, const char *mount, const char *group, bool unified)
{
	char text[64], period_text[64], *end;
	unsigned long long quota, period;

	if (!read_file(root, mount, group, unified ? "cpu.max" : "cpu.cfs_quota_us", text,
		    sizeof(text)))
		return REEVE_UNLIMITED;
	if (*text == 'm' || *text == '-') /* "max" and -1: none */
		return REEVE_UNLIMITED;
	quota = strtoull(text, &end, 10);
	if (unified) {
		period = strtoull(end, NULL, 10);
	} else {
		if (!read_file(root, mount, group, "cpu.cfs_period_us", period_text,
			    sizeof(period_text)))
			return REEVE_UNLIMITED;
		period = strtoull(period_text, NULL, 10);
	}
	return quota && period ? reeve__muldiv(quota, REEVE_PPM, period) : REEVE_UNLIMITED;
}

/* The tightest quota of a group and all above it. */
static uint64_t least_quota(const char *root, const char *mount, const char *group, bool unified)
{
	uint64_t least = REEVE_UNLIMITED, here;
	char level[512], *slash;

	snprintf(level, sizeof(level), "%s", group);
	for (;;) {
		here = quota_of(root, mount, level, unified);
		least = here < least ? here : least;
		slash = strrchr(level, '/');
		if (!slash)
			return least;
		*slash = 0;
	}
}

/* "0-3,8" as bits; processors beyond the table are left out. */
static void parse_set(const char *text, struct reeve_container_limits *ret)
{
	char *end;

	for (const char *at = text; *at >= '0' && *at <= '9'; at = end + 1) {
		unsigned long from = strtoul(at, &end, 10), to = from;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from < REEVE_CONTAINER_CPUS; from++) {
			uint64_t bit = UINT64_C(1) << from % 64;
			ret->cpu_count += !(ret->cpu_set[from / 64] & bit);
			ret->cpu_set[from / 64] |= bit;
		}
		if (*end != ',')
			return;
	}
}

static void read_unified(const char *root, const char *text, struct reeve_container_limits *ret)
{
	static const char mount[] = "/sys/fs/cgroup";
	char group[512] = "", stat[4096], set[4096];

	find_group(text, "", group, sizeof(group));
	ret->cpu_quota_ppm = least_quota(root, mount, group, true);
	if (read_file(root, mount, group, "cpu.stat", stat, sizeof(stat)) &&
		strstr(stat, "throttled_usec "))
		ret->throttled_us = reeve__host_number(stat, "throttled_usec ");
	if (read_file(root, mount, group, "cpuset.cpus.effective", set, sizeof(set)))
		parse_set(set, ret);
}

/* The group under a controller of version 1: in a container the path may be the host's. */
static bool find_mounted(const char *root, const char *text, const char *controller,
	const char *mount, const char *file, char *group, size_t size)
{
	char probe[64];

	if (!find_group(text, controller, group, size))
		return false;
	if (read_file(root, mount, group, file, probe, sizeof(probe)))
		return true;
	*group = 0;
	return read_file(root, mount, group, file, probe, sizeof(probe));
}

static bool read_separate(const char *root, const char *text, struct reeve_container_limits *ret)
{
	static const char cpu[] = "/sys/fs/cgroup/cpu", cpuset[] = "/sys/fs/cgroup/cpuset";
	char group[512], stat[4096], set[4096];
	bool any = false;

	if (find_mounted(root, text, "cpu", cpu, "cpu.cfs_quota_us", group, sizeof(group))) {
		any = true;
		ret->cpu_quota_ppm = least_quota(root, cpu, group, false);
		if (read_file(root, cpu, group, "cpu.stat", stat, sizeof(stat)) &&
			strstr(stat, "throttled_time "))
			ret->throttled_us = reeve__host_number(stat, "throttled_time ") / 1000;
	}
	if (find_mounted(root, text, "cpuset", cpuset, "cpuset.cpus", group, sizeof(group))) {
		any = true;
		if (read_file(root, cpuset, group, "cpuset.effective_cpus", set, sizeof(set)) ||
			read_file(root, cpuset, group, "cpuset.cpus", set, sizeof(set)))
			parse_set(set, ret);
	}
	return any;
}

bool reeve__host_container(const char *root, struct reeve_container_limits *ret)
{
	struct reeve_container_limits limits = {.cpu_quota_ppm = REEVE_UNLIMITED,
		.memory_limit_bytes = REEVE_UNLIMITED,
		.throttled_us = REEVE_UNLIMITED};
	struct reeve_host_memory memory;
	char text[4096], controllers[1024];

	if (!reeve__host_read(root, "/proc/self/cgroup", text, sizeof(text)))
		return false;
	reeve__host_memory(root, &memory);
	if (reeve__host_read(
		    root, "/sys/fs/cgroup/cgroup.controllers", controllers, sizeof(controllers))) {
		limits.version = 2;
		read_unified(root, text, &limits);
	} else if (read_separate(root, text, &limits) || memory.container_used_bytes) {
		limits.version = 1;
	} else {
		return false;
	}
	limits.memory_limit_bytes = memory.container_limit_bytes;
	limits.memory_used_bytes = memory.container_used_bytes;
	*ret = limits;
	return true;
}
