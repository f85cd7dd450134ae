/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. */
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include <reeve/reeve.h>

#define MINUTE (60 * REEVE_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Three significant digits, not rounded up into the next unit: 999.9 is "999". */
static void three_digits(char *to, double number, const char *unit)
{
	if (number < 10.0)
		snprintf(to, TEXT_MAX, "%d.%02d%s", (int)number, (int)(number * 100.0) % 100, unit);
	else if (number < 100.0)
		snprintf(to, TEXT_MAX, "%d.%d%s", (int)number, (int)(number * 10.0) % 10, unit);
	else
		snprintf(to, TEXT_MAX, "%d%s", (int)number, unit);
}

/* Two units of a span: "4m05s". */
static void two_units(char *to, reeve_ns ns, reeve_ns large, const char *large_unit, reeve_ns small,
	const char *small_unit)
{
	snprintf(to, TEXT_MAX, "%lld%s%02lld%s", (long long)(ns / large), large_unit,
		(long long)(ns % large / small), small_unit);
}

const char *text_duration(char to[TEXT_MAX], reeve_ns ns)
{
	if (ns <= 0)
		snprintf(to, TEXT_MAX, "0");
	else if (ns < REEVE_USEC)
		snprintf(to, TEXT_MAX, "%dns", (int)ns);
	else if (ns < REEVE_MSEC)
		snprintf(to, TEXT_MAX, "%dus", (int)(ns / REEVE_USEC));
	else if (ns < REEVE_SEC)
		three_digits(to, (double)ns / 1e6, "ms");
	else if (ns < MINUTE)
		three_digits(to, (double)ns / 1e9, "s");
	else if (ns < HOUR)
		two_units(to, ns, MINUTE, "m", REEVE_SEC, "s");
	else if (ns < DAY)
		two_units(to, ns, HOUR, "h", MINUTE, "m");
	else if (ns < 10000 * DAY)
		two_units(to, ns, DAY, "d", HOUR, "h");
	else
		snprintf(to, TEXT_MAX, ">9999d");
	return to;
}

const char *text_pct(char to[TEXT_MAX], double pct)
{
	snprintf(to, TEXT_MAX, pct < 99.95 ? "%.1f" : "%.0f", pct);
	return to;
}

const char *text_rate(char to[TEXT_MAX], double per_second)
{
	if (per_second <= 0.0)
		snprintf(to, TEXT_MAX, "0");
	else if (per_second < 9.95)
		snprintf(to, TEXT_MAX, "%.1f", per_second);
	else if (per_second < 9999.5)
		snprintf(to, TEXT_MAX, "%.0f", per_second);
	else if (per_second < 9999.5e3)
		snprintf(to, TEXT_MAX, "%.0fk", per_second / 1e3);
	else
		snprintf(to, TEXT_MAX, "%.0fM", per_second / 1e6);
	return to;
}

/* The next character of *from, which moves on: its bytes and how many cells it takes. */
static size_t next_character(const char **from, const char **ret_bytes, size_t *ret_cells)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t length = mbrtowc(&wide, *from, strlen(*from), &state);
	int cells = length == (size_t)-1 || length == (size_t)-2 ? -1 : wcwidth(wide);

	if (cells < 0) {
		*from += length == (size_t)-1 || length == (size_t)-2 || length == 0 ? 1 : length;
		*ret_bytes = "?";
		*ret_cells = 1;
		return 1;
	}
	*ret_bytes = *from;
	*ret_cells = (size_t)cells;
	*from += length;
	return length;
}

const char *text_bytes(char to[TEXT_MAX], uint64_t bytes)
{
	static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(to, TEXT_MAX, "%.*f%s",
		unit == 0 || value >= 99.95 ? 0
		: value >= 9.995	    ? 1
					    : 2,
		value, units[unit]);
	return to;
}

size_t text_fit(char *to, size_t size, const char *from, size_t columns)
{
	size_t used = 0, taken = 0;

	while (*from != '\0') {
		const char *bytes;
		size_t cells, length = next_character(&from, &bytes, &cells);

		if (taken + cells > columns || used + length >= size)
			break;
		memcpy(to + used, bytes, length);
		used += length;
		taken += cells;
	}
	while (taken < columns && used + 1 < size) {
		to[used++] = ' ';
		taken++;
	}
	to[used] = '\0';
	return used;
}

const char *text_session_state(uint32_t state)
{
	switch ((enum reeve_session_state)state) {
	case REEVE_SESSION_INACTIVE:
		return "INACTIVE";
	case REEVE_SESSION_ACTIVE:
		return "ACTIVE";
	case REEVE_SESSION_WAITING:
		return "WAITING";
	case REEVE_SESSION_BLOCKED:
		return "BLOCKED";
	case REEVE_SESSION_IDLE:
		return "IDLE";
	case REEVE_SESSION_KILLED:
		return "KILLED";
	case REEVE_SESSION_TERMINATED:
		return "TERMINATED";
	}
	return "?";
}

const char *text_session_priority(uint32_t priority)
{
	switch ((enum reeve_session_priority)priority) {
	case REEVE_SESSION_CRITICAL:
		return "CRITICAL";
	case REEVE_SESSION_HIGH:
		return "HIGH";
	case REEVE_SESSION_NORMAL:
		return "NORMAL";
	case REEVE_SESSION_LOW:
		return "LOW";
	}
	return "?";
}

const char *text_segment_state(uint32_t state)
{
	switch ((enum reeve_segment_state)state) {
	case REEVE_SEGMENT_INIT:
		return "INIT";
	case REEVE_SEGMENT_READY:
		return "READY";
	case REEVE_SEGMENT_RECOVERING:
		return "RECOVERING";
	case REEVE_SEGMENT_DEGRADED:
		return "DEGRADED";
	case REEVE_SEGMENT_RETIRED:
		return "RETIRED";
	}
	return "?";
}

const char *text_cpu_method(uint32_t method)
{
	switch ((enum reeve_cpu_method)method) {
	case REEVE_METHOD_EMPHASIS:
		return "EMPHASIS";
	case REEVE_METHOD_RATIO:
		return "RATIO";
	case REEVE_METHOD_SHARES:
		return "SHARES";
	}
	return "?";
}

const char *text_execution_state(uint32_t state)
{
	static const char *const names[] = {
		"QUEUED", "INITIALIZING", "EXECUTING", "COMPLETING", "COMPLETED", "FAILED"};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

const char *text_io_policy(uint32_t policy)
{
	static const char *const names[] = {
		"COMPLETELY_FAIR", "DEADLINE", "BUDGET_FAIR", "PRIORITY"};

	return policy < sizeof(names) / sizeof(names[0]) ? names[policy] : "?";
}

const char *text_pressure(uint32_t level)
{
	static const char *const names[] = {"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};

	return level < sizeof(names) / sizeof(names[0]) ? names[level] : "?";
}

const char *text_wall(char to[TEXT_MAX], reeve_ns wall)
{
	time_t seconds = (time_t)(wall / REEVE_SEC);
	struct tm broken;

	if (wall <= 0 || localtime_r(&seconds, &broken) == NULL ||
		strftime(to, TEXT_MAX, "%Y-%m-%d %H:%M:%S", &broken) == 0)
		snprintf(to, TEXT_MAX, "-");
	return to;
}
