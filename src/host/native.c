/* SPDX-License-Identifier: Apache-2.0 */
/* native.c - the host as Linux provides it. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static reeve_ns read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (reeve_ns)t.tv_sec * REEVE_SEC + t.tv_nsec;
}

static reeve_ns native_mono(void *self)
{
	(void)self;
	return read_clock(CLOCK_MONOTONIC);
}

static reeve_ns native_wall(void *self)
{
	(void)self;
	return read_clock(CLOCK_REALTIME);
}

static reeve_ns native_thread_cpu(void *self)
{
	(void)self;
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* FUTEX_WAIT_BITSET takes an absolute monotonic time-out, so an early return costs nothing. */
static void native_wait(void *self, uint32_t *word, uint32_t expected, reeve_ns deadline)
{
	struct timespec t = {deadline / REEVE_SEC, deadline % REEVE_SEC};

	(void)self;
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline == REEVE_NEVER ? NULL : &t,
		NULL, FUTEX_BITSET_MATCH_ANY);
}

static void native_wake(void *self, uint32_t *word)
{
	(void)self;
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/*
 * Field 22 of /proc/PID/stat, the start time; *ret_state gets field 3, *ret_threads field 20. The
 * second field is the program's name in parentheses and may hold anything, so fields are counted from
 * the last ')'.
 */
static uint64_t read_stat(int32_t pid, char *ret_state, long *ret_threads)
{
	char path[32], text[1024], *at;
	ssize_t n;
	int fd;

	*ret_state = 'X';
	*ret_threads = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strrchr(text, ')');
	if (!at || at[1] != ' ')
		return 0;
	*ret_state = at[2];
	for (int field = 3; field <= 22 && at; field++) {
		at = strchr(at + 1, ' ');
		if (at && field == 20)
			*ret_threads = strtol(at + 1, NULL, 10);
	}
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

static bool native_process_alive(void *self, int32_t pid, uint64_t start_ticks)
{
	long threads;
	char state;

	(void)self;
	if (pid <= 0 || read_stat(pid, &state, &threads) != start_ticks)
		return false;
	/* A process whose first thread has left reads Z too, but others of it go on. */
	return state != 'X' && (state != 'Z' || threads > 1);
}

static uint64_t native_process_start(void *self, int32_t pid)
{
	long threads;
	char state;

	(void)self;
	return read_stat(pid, &state, &threads);
}

static int32_t native_process_id(void *self)
{
	(void)self;
	return (int32_t)getpid();
}

static uint32_t native_cpu_count(void *self)
{
	cpu_set_t set;

	(void)self;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (uint32_t)CPU_COUNT(&set);
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (uint32_t)n : 1;
}

static bool native_memory(void *self, struct reeve_host_memory *ret)
{
	(void)self;
	return reeve__host_memory("", ret);
}

/*
 * First line of /proc/stat, proc(5): user nice system idle iowait irq softirq steal. Idle and waiting
 * for I/O are not busy.
 */
static bool native_cpu_times(void *self, uint64_t *ret_busy, uint64_t *ret_all)
{
	char text[512], *at = text + 3;
	uint64_t fields[8] = {0}, all = 0;
	int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC), n = 0;
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	(void)self;
	if (fd >= 0)
		close(fd);
	if (length < 4 || strncmp(text, "cpu", 3) != 0)
		return false;
	text[length] = 0;
	for (char *end = at; n < 8; n++, at = end) {
		fields[n] = strtoull(at, &end, 10);
		if (end == at)
			break;
		all += fields[n];
	}
	if (n < 4)
		return false;
	*ret_all = all;
	*ret_busy = all - fields[3] - fields[4];
	return true;
}

static bool native_container(void *self, struct reeve_container_limits *ret)
{
	(void)self;
	return reeve__host_container("", ret);
}

REEVE_API const struct reeve_host *reeve_host_native(void)
{
	static const struct reeve_host native = {
		.mono = native_mono,
		.wall = native_wall,
		.thread_cpu = native_thread_cpu,
		.wait = native_wait,
		.wake = native_wake,
		.process_alive = native_process_alive,
		.process_start = native_process_start,
		.process_id = native_process_id,
		.cpu_count = native_cpu_count,
		.memory = native_memory,
		.cpu_times = native_cpu_times,
		.container = native_container,
	};
	return &native;
}

void reeve__host_boot_id(char *to, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, to, size - 1);

	if (fd >= 0)
		close(fd);
	to[n > 0 ? n : 0] = 0;
	to[strcspn(to, "\n")] = 0;
}

void reeve__host_program(char *to, size_t size)
{
	snprintf(to, size, "%s", program_invocation_short_name);
}

/* The "invariant TSC" bit; on ARM the counter is constant by definition. */
static bool counter_is_constant(void)
{
#if defined(__x86_64__)
	unsigned a, b, c, d;
	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8));
#elif defined(__aarch64__)
	return true;
#else
	return false;
#endif
}

bool reeve__host_counter(uint64_t *ret_ns_q32)
{
	if (!counter_is_constant())
		return false;
	reeve_ns ns0 = read_clock(CLOCK_MONOTONIC), ns1;
	uint64_t ticks0 = reeve__host_ticks(), ticks;
	do {
		ns1 = read_clock(CLOCK_MONOTONIC);
	} while (ns1 - ns0 < 500 * REEVE_USEC);
	ticks = reeve__host_ticks() - ticks0;
	if (ticks == 0)
		return false;
	*ret_ns_q32 = reeve__muldiv((uint64_t)(ns1 - ns0), UINT64_C(1) << 32, ticks);
	return *ret_ns_q32 != 0;
}
