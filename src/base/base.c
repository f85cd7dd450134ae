/* SPDX-License-Identifier: Apache-2.0 */
/* base.c - errors, bounded text, and the tables generated from defs/. */
#include "base.h"

#include <reeve/cpu.h>
#include <reeve/event.h>
#include <stdarg.h>
#include <stdio.h>

#include "errors.inc"
#include "events.inc"
#include "limits.inc"
#include "waits.inc"

#if REEVE_CHECKED
_Atomic(reeve__point_fn) reeve__point_hook;
#endif

REEVE_API const struct reeve_error_row *reeve_error_row_of(int code)
{
	const struct reeve_error_row *internal = &rows[0];

	for (size_t i = 0; i < REEVE_COUNT(rows); i++) {
		if (rows[i].code == code)
			return &rows[i];
		if (rows[i].code == REEVE_EINTERNAL)
			internal = &rows[i];
	}
	return internal;
}

REEVE_API const char *reeve_wait_text(uint32_t reason)
{
	return reason < REEVE_COUNT(wait_texts) && wait_texts[reason] ? wait_texts[reason]
								      : "unknown";
}

REEVE_API const struct reeve_event_row *reeve_event_row_of(uint32_t kind)
{
	return kind < REEVE_COUNT(event_rows) && event_rows[kind].name ? &event_rows[kind] : NULL;
}

REEVE_API const struct reeve_limit_row *reeve_limit_row_of(uint32_t limit_kind)
{
	return limit_kind < REEVE_COUNT(limit_rows) && limit_rows[limit_kind].name
		       ? &limit_rows[limit_kind]
		       : NULL;
}

int reeve__fail(struct reeve_error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

/* Length of the UTF-8 sequence at p, or 0 when it is malformed, overlong or a control character. */
static size_t utf8_length(const unsigned char *p)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;
	uint32_t c = p[0];

	if (n == 1)
		return c < 0x20 || c == 0x7f ? 0 : 1;
	if (n == 4 && (p[0] & 0xf8) != 0xf0)
		return 0;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

int reeve__text_check(
	const char *text, size_t max, bool may_be_empty, const char *field, struct reeve_error *err)
{
	size_t length = text ? strnlen(text, max) : 0;

	if (length == 0)
		return may_be_empty
			       ? 0
			       : reeve__fail(err, REEVE_EINVALID_ARGUMENT,
					 "%s is empty; allowed are 1 to %zu bytes", field, max - 1);
	if (length == max)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"%s \"%.24s...\" is too long; allowed are %d to %zu bytes", field, text,
			may_be_empty ? 0 : 1, max - 1);
	for (size_t i = 0; i < length;) {
		size_t n = utf8_length((const unsigned char *)text + i);
		if (n == 0)
			return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
				"%s has a control character or malformed UTF-8 at byte %zu", field,
				i);
		i += n;
	}
	return 0;
}

void reeve__text_copy(char *to, size_t size, const char *text)
{
	size_t length = text ? strnlen(text, size - 1) : 0;

	if (length)
		memcpy(to, text, length);
	memset(to + length, 0, size - length);
}

void reeve__text_cut(char *to, size_t size, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (n >= size)
		for (n = size - 1; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	if (n)
		memcpy(to, text, n);
	to[n] = 0;
}

uint64_t reeve__text_hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *end = text + REEVE_NAME_MAX; *text && text < end; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h;
}
