#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* First allocation, bytes. Most answers fit; larger ones double from here. */
#define FIRST_CAP 1024u
/* Integers up to this magnitude are exact in a double. */
#define EXACT_DOUBLE 9007199254740992.0

void reeve_json_init(struct reeve_json *w, size_t max_bytes)
{
	*w = (struct reeve_json){.max_bytes = max_bytes ? max_bytes : SIZE_MAX / 4};
}

void reeve_json_fini(struct reeve_json *w)
{
	free(w->data);
	*w = (struct reeve_json){.max_bytes = w->max_bytes};
}

void reeve_json_reset(struct reeve_json *w)
{
	w->len = 0;
	w->failed = false;
}

void reeve_json_truncate(struct reeve_json *w, size_t len)
{
	if (len < w->len)
		w->len = len;
}

char *reeve_json_take(struct reeve_json *w, size_t *ret_len)
{
	char *data = w->data;

	if (w->failed || !data) {
		reeve_json_fini(w);
		return NULL;
	}
	*ret_len = w->len;
	*w = (struct reeve_json){.max_bytes = w->max_bytes};
	return data;
}

bool reeve_json_ok(const struct reeve_json *w)
{
	return !w->failed;
}

/* The slow half of reeve_json_reserve: the buffer is too small. */
static bool grow_buffer(struct reeve_json *w, size_t more)
{
	size_t need, cap = w->cap ? w->cap : FIRST_CAP;
	char *data;

	if (more > w->max_bytes || w->len > w->max_bytes - more) {
		w->failed = true;
		return false;
	}
	need = w->len + more;
	while (cap < need)
		cap *= 2;
	data = realloc(w->data, cap);
	if (!data) {
		w->failed = true;
		return false;
	}
	w->data = data;
	w->cap = cap;
	return true;
}

bool reeve_json_reserve(struct reeve_json *w, size_t more)
{
	if (w->failed)
		return false;
	if (w->cap - w->len >= more && w->max_bytes - w->len >= more)
		return true;
	return grow_buffer(w, more);
}

void reeve_json_raw(struct reeve_json *w, const char *bytes, size_t len)
{
	if (!len || !reeve_json_reserve(w, len))
		return;
	memcpy(w->data + w->len, bytes, len);
	w->len += len;
}

/* True if the last byte ends a value, so that a following value needs a comma. */
static bool needs_comma(const struct reeve_json *w)
{
	unsigned char last;

	if (!w->len)
		return false;
	last = (unsigned char)w->data[w->len - 1];
	return last == '"' || last == '}' || last == ']' || (last >= '0' && last <= '9') ||
	       (last >= 'a' && last <= 'z');
}

/* Comma if needed, then room for `more` bytes, which the caller fills in. */
static char *begin_value(struct reeve_json *w, size_t more)
{
	if (!reeve_json_reserve(w, more + 1))
		return NULL;
	if (needs_comma(w))
		w->data[w->len++] = ',';
	return w->data + w->len;
}

void reeve_json_raw_value(struct reeve_json *w, const char *text, size_t len)
{
	char *at = begin_value(w, len);

	if (!at)
		return;
	memcpy(at, text, len);
	w->len += len;
}

void reeve_json_object_begin(struct reeve_json *w)
{
	reeve_json_raw_value(w, "{", 1);
}

void reeve_json_object_end(struct reeve_json *w)
{
	reeve_json_raw(w, "}", 1);
}

void reeve_json_array_begin(struct reeve_json *w)
{
	reeve_json_raw_value(w, "[", 1);
}

void reeve_json_array_end(struct reeve_json *w)
{
	reeve_json_raw(w, "]", 1);
}

size_t reeve_json_utf8_len(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xBF;
	size_t need, i;

	if (!len)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	need = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (len < need)
		return 0;
	/* The second byte carries the rules on overlong forms, surrogates and the upper end. */
	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < need; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	return need;
}

/* Writes one byte that may not stand as it is; at most 6 bytes. */
static size_t escape_byte(char *at, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char letter = 0;

	switch (c) {
	case '"':
	case '\\':
		letter = (char)c;
		break;
	case '\b':
		letter = 'b';
		break;
	case '\f':
		letter = 'f';
		break;
	case '\n':
		letter = 'n';
		break;
	case '\r':
		letter = 'r';
		break;
	case '\t':
		letter = 't';
		break;
	default:
		break;
	}
	at[0] = '\\';
	if (letter) {
		at[1] = letter;
		return 2;
	}
	memcpy(at + 1, "u00", 3);
	at[4] = hex[c >> 4];
	at[5] = hex[c & 15];
	return 6;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Escapes text into the buffer; six output bytes for each input byte are reserved. */
static void append_escaped(struct reeve_json *w, const char *text, size_t len)
{
	char *at = w->data + w->len;
	size_t i = 0, n;

	while (i < len) {
		unsigned char c = (unsigned char)text[i];

		if (is_plain(c)) {
			*at++ = (char)c;
			i++;
		} else if (c < 0x80) {
			at += escape_byte(at, c);
			i++;
		} else if ((n = reeve_json_utf8_len(text + i, len - i)) != 0) {
			memcpy(at, text + i, n);
			at += n;
			i += n;
		} else {
			memcpy(at, "\xEF\xBF\xBD", 3);
			at += 3;
			i++;
		}
	}
	w->len = (size_t)(at - w->data);
}

void reeve_json_strn(struct reeve_json *w, const char *text, size_t len)
{
	/* Chunks keep the worst-case reservation small. A chunk ends before a UTF-8 sequence. */
	const size_t chunk = 4096;
	char *at = begin_value(w, 1);

	if (!at)
		return;
	*at = '"';
	w->len++;
	while (len) {
		size_t n = len < chunk ? len : chunk;

		while (n < len && n > chunk - 4 && ((unsigned char)text[n] & 0xC0) == 0x80)
			n--;
		/* Most text needs no escape: pay for the worst case only if it is small. */
		if (!reeve_json_reserve(w, n * 6 + 1))
			return;
		append_escaped(w, text, n);
		text += n;
		len -= n;
	}
	reeve_json_raw(w, "\"", 1);
}

void reeve_json_str(struct reeve_json *w, const char *text)
{
	reeve_json_strn(w, text, strlen(text));
}

void reeve_json_strf(struct reeve_json *w, const char *format, ...)
{
	char text[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(text))
		n = (int)sizeof(text) - 1;
	reeve_json_strn(w, text, (size_t)n);
}

void reeve_json_keyn(struct reeve_json *w, const char *name, size_t len)
{
	reeve_json_strn(w, name, len);
	reeve_json_raw(w, ":", 1);
}

void reeve_json_key(struct reeve_json *w, const char *name)
{
	reeve_json_keyn(w, name, strlen(name));
}

/* Digits of value, right-aligned before end; returns the first. */
static char *format_u64(char *end, uint64_t value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return end;
}

void reeve_json_u64(struct reeve_json *w, uint64_t value)
{
	char text[24], *first = format_u64(text + sizeof(text), value);

	reeve_json_raw_value(w, first, (size_t)(text + sizeof(text) - first));
}

void reeve_json_i64(struct reeve_json *w, int64_t value)
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char text[24], *first = format_u64(text + sizeof(text), magnitude);

	if (value < 0)
		*--first = '-';
	reeve_json_raw_value(w, first, (size_t)(text + sizeof(text) - first));
}

void reeve_json_bool(struct reeve_json *w, bool value)
{
	if (value)
		reeve_json_raw_value(w, "true", 4);
	else
		reeve_json_raw_value(w, "false", 5);
}

void reeve_json_null(struct reeve_json *w)
{
	reeve_json_raw_value(w, "null", 4);
}

/* Writes a value that is scaled / 10^places, with scaled exact. Returns the bytes used. */
static size_t format_decimal(char *text, bool negative, uint64_t scaled, unsigned places)
{
	char digits[24], *first = format_u64(digits + sizeof(digits), scaled), *at = text;
	size_t n;

	while ((size_t)(digits + sizeof(digits) - first) <= places)
		*--first = '0';
	n = (size_t)(digits + sizeof(digits) - first);
	if (negative)
		*at++ = '-';
	memcpy(at, first, n - places);
	at += n - places;
	if (places) {
		*at++ = '.';
		memcpy(at, first + n - places, places);
		at += places;
	}
	return (size_t)(at - text);
}

/*
 * Up to six decimals: if value times 10^k is an integer below 2^53 whose quotient by 10^k is value
 * again, that decimal reads back as value (both operands of the division are exact, so the division
 * rounds just as reading the decimal does). Returns 0 if there is none.
 */
static size_t format_short(char *text, double value)
{
	static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
	double magnitude = value < 0 ? -value : value;
	unsigned k;

	for (k = 0; k < sizeof(powers) / sizeof(powers[0]); k++) {
		double scaled = magnitude * powers[k];

		if (scaled >= EXACT_DOUBLE)
			return 0;
		if ((double)(uint64_t)scaled == scaled && scaled / powers[k] == magnitude)
			return format_decimal(text, value < 0, (uint64_t)scaled, k);
	}
	return 0;
}

static size_t format_long(char *text, size_t size, double value)
{
	int precision, n = 0, i;

	for (precision = 15; precision <= 17; precision++) {
		n = snprintf(text, size, "%.*g", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	/* The decimal point is the locale's. */
	for (i = 0; i < n; i++)
		if (!strchr("0123456789+-eE", text[i]))
			text[i] = '.';
	return (size_t)n;
}

void reeve_json_double(struct reeve_json *w, double value)
{
	char text[48];
	size_t n;

	if (value != value || value - value != 0) {
		reeve_json_null(w);
		return;
	}
	n = format_short(text, value);
	if (!n)
		n = format_long(text, sizeof(text), value);
	reeve_json_raw_value(w, text, n);
}
