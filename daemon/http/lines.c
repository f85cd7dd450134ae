/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - see lines.h. */
#include "http/lines.h"

#include <string.h>

void reeve_http_lines_begin(struct reeve_http_lines *lines, const char *method, const char *target,
	size_t target_len, const char *version)
{
	lines->next = version + strlen(version) + 2;
	/* One blank between the three. */
	lines->is_broken =
		method + strlen(method) + 1 != target || target + target_len + 1 != version;
}

/* Only blanks lie between the colon and the value. */
static bool is_blank(const char *from, const char *to)
{
	for (; from < to; from++) {
		if (*from != ' ' && *from != '\t')
			return false;
	}
	return true;
}

void reeve_http_lines_header(struct reeve_http_lines *lines, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	if (lines->is_broken)
		return;
	const char *colon = name + name_len;
	lines->is_broken = name != lines->next || value <= colon || value - colon > 4096 ||
			   !is_blank(colon + 1, value);
	lines->next = value + value_len + 2;
}

bool reeve_http_lines_end(const struct reeve_http_lines *lines, const char *end)
{
	/* The last line's CR and LF, and those of the empty line. */
	return !lines->is_broken && lines->next + 2 == end && memcmp(end - 4, "\0\0\0\0", 4) == 0;
}
