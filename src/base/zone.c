/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone.c - calendar, TZif and POSIX TZ.
 *
 * Days and dates by the eras of 400 years that the Gregorian calendar repeats after: a year begins in
 * March, so that the odd day comes last (Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms").
 */
#include "zone.h"

#define DAY_S	INT64_C(86400)
#define ERA_DAY INT64_C(146097) /* days in 400 years */

static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return q * b > a ? q - 1 : q;
}

int64_t reeve__days_of_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = year + floor_div(month - 3, 12), m = month - 3 - floor_div(month - 3, 12) * 12;
	int64_t era = floor_div(y, 400), yoe = y - era * 400;

	return era * ERA_DAY + yoe * 365 + yoe / 4 - yoe / 100 + (153 * m + 2) / 5 + day - 1 -
	       719468;
}

void reeve__civil_of_local(int64_t local_s, struct reeve__civil *ret)
{
	int64_t days = floor_div(local_s, DAY_S), z = days + 719468;
	int64_t era = floor_div(z, ERA_DAY), doe = z - era * ERA_DAY;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	ret->day = (uint32_t)(doy - (153 * mp + 2) / 5 + 1);
	ret->month = (uint32_t)(mp < 10 ? mp + 3 : mp - 9);
	ret->year = yoe + era * 400 + (ret->month <= 2);
	ret->weekday = (uint32_t)(days + 4 - floor_div(days + 4, 7) * 7);
	ret->second = (uint32_t)(local_s - days * DAY_S);
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local second at which a yearly change happens, on the clock in force before it. */
static int64_t date_in_year(const struct reeve_sh_zone_date *date, int64_t year)
{
	int64_t day = reeve__days_of_date(year, 1, 1);

	if (date->kind == REEVE_ZONE_DATE_JULIAN) {
		day += date->day - 1 + (is_leap(year) && date->day > 59);
	} else if (date->kind == REEVE_ZONE_DATE_YEAR_DAY) {
		day += date->day;
	} else {
		int64_t first = reeve__days_of_date(year, date->month, 1);
		int64_t next = reeve__days_of_date(year, date->month + 1, 1);
		int64_t weekday = first + 4 - floor_div(first + 4, 7) * 7;
		day = first + (date->day - weekday + 7) % 7 + 7 * ((int64_t)date->week - 1);
		while (day >= next)
			day -= 7;
	}
	return day * DAY_S + date->seconds_s;
}

/* Offset by the rule that holds after the last change. */
static int32_t offset_by_rule(const struct reeve_sh_zone_data *z, int64_t utc_s)
{
	struct reeve__civil civil;
	int64_t begin, end;

	if (!z->has_summer)
		return z->standard_s;
	reeve__civil_of_local(utc_s + z->standard_s, &civil);
	begin = date_in_year(&z->begin, civil.year) - z->standard_s;
	end = date_in_year(&z->end, civil.year) - z->summer_s;
	if (begin < end)
		return utc_s >= begin && utc_s < end ? z->summer_s : z->standard_s;
	return utc_s >= end && utc_s < begin ? z->standard_s : z->summer_s;
}

int32_t reeve__zone_offset(const struct reeve_sh_zone_data *z, int64_t utc_s)
{
	uint32_t low = 0, high = z->count < REEVE_ZONE_CHANGES ? z->count : REEVE_ZONE_CHANGES;
	uint32_t count = high;

	if (count == 0 || utc_s >= z->at_s[count - 1]) {
		if (z->has_rule)
			return offset_by_rule(z, utc_s);
		return count ? z->offset_s[count - 1] : z->before_s;
	}
	while (low < high) { /* first change after utc_s */
		uint32_t middle = (low + high) / 2;
		if (z->at_s[middle] <= utc_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? z->offset_s[low - 1] : z->before_s;
}

void reeve__zone_local(
	const struct reeve_sh_zone_data *zone, int64_t utc_s, struct reeve__civil *ret)
{
	int32_t offset_s = reeve__zone_offset(zone, utc_s);

	reeve__civil_of_local(utc_s + offset_s, ret);
	ret->offset_s = offset_s;
}

/* First instant in (low, high] at which the offset is not what it was at low. */
static int64_t find_change(const struct reeve_sh_zone_data *zone, int64_t low, int64_t high)
{
	int32_t before = reeve__zone_offset(zone, low);

	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (reeve__zone_offset(zone, middle) == before)
			low = middle;
		else
			high = middle;
	}
	return high;
}

unsigned reeve__zone_instants(
	const struct reeve_sh_zone_data *zone, int64_t local_s, int64_t ret[2])
{
	/* No zone is further than 26 hours from UTC, so these two are before and after. */
	int64_t low = local_s - 26 * 3600, high = local_s + 26 * 3600;
	int32_t before = reeve__zone_offset(zone, low), after = reeve__zone_offset(zone, high);
	bool is_before = reeve__zone_offset(zone, local_s - before) == before;
	bool is_after = before != after && reeve__zone_offset(zone, local_s - after) == after;
	unsigned n = 0;

	if (is_before)
		ret[n++] = local_s - before;
	if (is_after)
		ret[n++] = local_s - after;
	if (n == 0)
		ret[0] = find_change(zone, low, high);
	return n;
}

bool reeve__zone_name_ok(const char *name)
{
	size_t length = strnlen(name, REEVE_ZONE_NAME_MAX);
	char last = '/';

	if (length == 0 || length == REEVE_ZONE_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; last = name[i++]) {
		char c = name[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
		if (!is_word && (c != '/' || last == '/'))
			return false;
	}
	return last != '/';
}

void reeve__zone_utc(struct reeve_sh_zone_data *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->has_rule = 1;
}

/* ---- POSIX TZ ---- */

struct rule_text {
	const char *at;
	bool bad;
};

/* An unsigned number of at most 3 digits. */
static int32_t read_number(struct rule_text *t, int32_t low, int32_t high)
{
	int32_t n = 0, digits = 0;

	while (*t->at >= '0' && *t->at <= '9' && digits < 3) {
		n = n * 10 + (*t->at++ - '0');
		digits++;
	}
	if (digits == 0 || n < low || n > high)
		t->bad = true;
	return n;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int32_t read_time(struct rule_text *t, int32_t max_hours)
{
	int32_t sign = *t->at == '-' ? -1 : 1, s;

	if (*t->at == '-' || *t->at == '+')
		t->at++;
	s = read_number(t, 0, max_hours) * 3600;
	for (int32_t unit = 60; unit && *t->at == ':'; unit /= 60) {
		t->at++;
		s += read_number(t, 0, 59) * unit;
	}
	return sign * s;
}

/* Three or more letters, or anything of that kind between < and >. */
static void skip_abbreviation(struct rule_text *t)
{
	bool quoted = *t->at == '<';
	int n = 0;

	if (quoted)
		t->at++;
	for (; n < 32; n++, t->at++) {
		char c = *t->at, lower = (char)(c | 0x20);
		bool is_letter = lower >= 'a' && lower <= 'z';
		if (!is_letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-')))
			break;
	}
	if (n < 3 || (quoted && *t->at++ != '>'))
		t->bad = true;
}

static void skip_char(struct rule_text *t, char c)
{
	if (*t->at == c)
		t->at++;
	else
		t->bad = true;
}

static void read_date(struct rule_text *t, struct reeve_sh_zone_date *ret)
{
	if (*t->at == 'M') {
		t->at++;
		ret->kind = REEVE_ZONE_DATE_MONTH_DAY;
		ret->month = read_number(t, 1, 12);
		skip_char(t, '.');
		ret->week = read_number(t, 1, 5);
		skip_char(t, '.');
		ret->day = read_number(t, 0, 6);
	} else if (*t->at == 'J') {
		t->at++;
		ret->kind = REEVE_ZONE_DATE_JULIAN;
		ret->day = read_number(t, 1, 365);
	} else {
		ret->kind = REEVE_ZONE_DATE_YEAR_DAY;
		ret->day = read_number(t, 0, 365);
	}
	ret->seconds_s = 2 * 3600;
	if (!t->bad && *t->at == '/') {
		t->at++;
		ret->seconds_s = read_time(t, 167);
	}
}

/* Fills the part of a zone that holds after its last change. False when the text is malformed. */
static bool read_rule(const char *text, struct reeve_sh_zone_data *z)
{
	struct rule_text t = {text, false};

	z->has_rule = 1;
	skip_abbreviation(&t);
	if (!t.bad)
		z->standard_s = -read_time(&t, 24);
	if (t.bad || !*t.at)
		return !t.bad;
	z->has_summer = 1;
	z->summer_s = z->standard_s + 3600;
	skip_abbreviation(&t);
	if (!t.bad && *t.at && *t.at != ',')
		z->summer_s = -read_time(&t, 24);
	if (!t.bad)
		skip_char(&t, ',');
	if (!t.bad)
		read_date(&t, &z->begin);
	if (!t.bad)
		skip_char(&t, ',');
	if (!t.bad)
		read_date(&t, &z->end);
	return !t.bad && !*t.at;
}

int reeve__zone_parse_rule(
	const char *text, struct reeve_sh_zone_data *ret, struct reeve_error *err)
{
	struct reeve_sh_zone_data z;

	memset(&z, 0, sizeof(z));
	if (strnlen(text, 129) > 128 || !read_rule(text, &z))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"\"%.64s\" is not a time zone rule; such are CET-1CEST,M3.5.0,M10.5.0/3",
			text);
	z.before_s = z.standard_s;
	*ret = z;
	return 0;
}

/* ---- TZif ---- */

#define HEADER_BYTES 44u

struct counts {
	uint32_t is_ut, is_std, leap, changes, types, characters;
};

static uint32_t read_u32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_i64(const unsigned char *p)
{
	return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static void read_counts(const unsigned char *header, struct counts *ret)
{
	ret->is_ut = read_u32(header + 20);
	ret->is_std = read_u32(header + 24);
	ret->leap = read_u32(header + 28);
	ret->changes = read_u32(header + 32);
	ret->types = read_u32(header + 36);
	ret->characters = read_u32(header + 40);
}

/* Bytes of a data block whose times have `width` bytes. */
static uint64_t block_bytes(const struct counts *c, uint64_t width)
{
	return c->changes * (width + 1) + (uint64_t)c->types * 6 + c->characters +
	       c->leap * (width + 4) + c->is_std + (uint64_t)c->is_ut;
}

static int bad_file(struct reeve_error *err, const char *why)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "not a time zone file: %s", why);
}

/* The changes of the second data block. Offsets beyond 26 hours do not exist. */
static int read_changes(const unsigned char *block, const struct counts *c,
	struct reeve_sh_zone_data *z, struct reeve_error *err)
{
	const unsigned char *index = block + (size_t)c->changes * 8, *types = index + c->changes;
	uint32_t skip = c->changes > REEVE_ZONE_CHANGES ? c->changes - REEVE_ZONE_CHANGES : 0;

	for (uint32_t i = 0; i < c->types; i++) {
		int32_t offset = (int32_t)read_u32(types + (size_t)i * 6);
		if (offset < -26 * 3600 || offset > 26 * 3600)
			return bad_file(err, "an offset of more than 26 hours");
	}
	for (uint32_t i = 0; i < c->changes; i++) {
		if (index[i] >= c->types)
			return bad_file(err, "a change to a type that is not there");
		if (i && read_i64(block + (size_t)i * 8) <= read_i64(block + (size_t)(i - 1) * 8))
			return bad_file(err, "changes out of order");
	}
	z->count = c->changes - skip;
	z->before_s = (int32_t)read_u32(types + (skip ? (size_t)index[skip - 1] * 6 : 0));
	for (uint32_t i = 0; i < z->count; i++) {
		z->at_s[i] = read_i64(block + (size_t)(skip + i) * 8);
		z->offset_s[i] = (int32_t)read_u32(types + (size_t)index[skip + i] * 6);
	}
	return 0;
}

/* The rule between the two line feeds at the end; an empty one says that nothing is known. */
static int read_footer(
	const unsigned char *at, size_t size, struct reeve_sh_zone_data *z, struct reeve_error *err)
{
	const unsigned char *end;
	char text[129];
	size_t length;

	if (size < 2 || at[0] != '\n' || !(end = memchr(at + 1, '\n', size - 1)))
		return bad_file(err, "no footer");
	length = (size_t)(end - at) - 1;
	if (length >= sizeof(text) || memchr(at + 1, 0, length))
		return bad_file(err, "a footer that is too long");
	if (length == 0)
		return 0;
	memcpy(text, at + 1, length);
	text[length] = 0;
	return read_rule(text, z) ? 0 : bad_file(err, "a footer that is not a rule");
}

int reeve__zone_parse(
	const void *bytes, size_t size, struct reeve_sh_zone_data *ret, struct reeve_error *err)
{
	const unsigned char *p = bytes;
	struct reeve_sh_zone_data z;
	struct counts c;
	uint64_t block, used;
	int rc;

	if (size < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
		return bad_file(err, "it does not begin with TZif");
	if (p[4] < '2')
		return bad_file(err, "version 1, which ends in 2038");
	read_counts(p, &c);
	block = HEADER_BYTES + block_bytes(&c, 4); /* the first block is for version 1's readers */
	if (block > size || size - block < HEADER_BYTES || memcmp(p + block, "TZif", 4) != 0)
		return bad_file(err, "cut off in its first block");
	p += block;
	size -= (size_t)block;
	read_counts(p, &c);
	used = HEADER_BYTES + block_bytes(&c, 8);
	if (used > size || c.types == 0 || c.types > 256)
		return bad_file(err, "cut off in its second block");
	memset(&z, 0, sizeof(z));
	if ((rc = read_changes(p + HEADER_BYTES, &c, &z, err)) ||
		(rc = read_footer(p + used, size - (size_t)used, &z, err)))
		return rc;
	*ret = z;
	return 0;
}
