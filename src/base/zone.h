/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone.h - calendar and time zones, pure: a parsed zone is a flat piece of data without pointers,
 * so that it can lie in the segment, and everybody there reckons with the same one.
 *
 * Format: RFC 8536 (TZif), versions 2 and later, with the rule of the footer (POSIX TZ) for instants
 * after the last change listed. Seconds here are of POSIX time: since 1970-01-01 UTC, without leap
 * seconds; a "local" second is the same count on the clock of the zone's walls.
 *
 * All functions are pure; none allocates, blocks or loops without a bound.
 */
#ifndef REEVE_BASE_ZONE_H
#define REEVE_BASE_ZONE_H

#include "base.h"

/* Longest name of a zone, with the final NUL. */
#define REEVE_ZONE_NAME_MAX 65
/*
 * Changes of offset that are kept. The longest list of tzdata 2024 (Asia/Hebron) has 310; of a
 * longer one the oldest are left out.
 */
#define REEVE_ZONE_CHANGES 320u

/* When a yearly change happens. */
struct reeve_sh_zone_date {
	int32_t kind;	   /* REEVE_ZONE_DATE_... */
	int32_t month;	   /* 1 to 12, MONTH_DAY */
	int32_t week;	   /* 1 to 5, 5: the last, MONTH_DAY */
	int32_t day;	   /* weekday 0 = Sunday for MONTH_DAY, else day of the year */
	int32_t seconds_s; /* after local midnight, may be negative or above a day */
};

enum {
	REEVE_ZONE_DATE_NONE = 0,
	REEVE_ZONE_DATE_JULIAN = 1,   /* Jn: 1 to 365, 29 February never counted */
	REEVE_ZONE_DATE_YEAR_DAY = 2, /* n: 0 to 365, 29 February counted */
	REEVE_ZONE_DATE_MONTH_DAY = 3 /* Mm.w.d */
};

/* A zone. Filled whole by the functions below; lies in the segment under its table's lock. */
struct reeve_sh_zone_data {
	uint32_t count;	     /* changes in at[] and offset_s[], by time */
	int32_t before_s;    /* offset before the first of them */
	int32_t standard_s;  /* after the last of them: offset in standard time */
	int32_t summer_s;    /* offset in summer time */
	uint32_t has_rule;   /* 1: standard_s holds; 0: after the last change nothing changes */
	uint32_t has_summer; /* 1: `begin` and `end` alternate */
	struct reeve_sh_zone_date begin, end;
	int64_t at_s[REEVE_ZONE_CHANGES];     /* UTC */
	int32_t offset_s[REEVE_ZONE_CHANGES]; /* from then on */
};

/* What the walls say. */
struct reeve__civil {
	int64_t year;
	uint32_t month;	  /* 1 to 12 */
	uint32_t day;	  /* 1 to 31 */
	uint32_t weekday; /* 0 = Sunday */
	uint32_t second;  /* of the day, 0 to 86399 */
	int32_t offset_s; /* of the zone from UTC, east is positive */
};

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar; month may leave 1 to 12. */
int64_t reeve__days_of_date(int64_t year, int64_t month, int64_t day);
/* Fills everything but offset_s from a local second. */
void reeve__civil_of_local(int64_t local_s, struct reeve__civil *ret);

/* UTC: no changes. */
void reeve__zone_utc(struct reeve_sh_zone_data *ret);

/*
 * Parses a TZif file. INVALID_ARGUMENT with a sentence when it is damaged or of version 1 only;
 * then *ret is untouched.
 */
int reeve__zone_parse(
	const void *bytes, size_t size, struct reeve_sh_zone_data *ret, struct reeve_error *err);

/* Parses a POSIX TZ text, such as CET-1CEST,M3.5.0,M10.5.0/3. INVALID_ARGUMENT as above. */
int reeve__zone_parse_rule(
	const char *text, struct reeve_sh_zone_data *ret, struct reeve_error *err);

/* Seconds that the zone is ahead of UTC at an instant. About 20 ns. */
int32_t reeve__zone_offset(const struct reeve_sh_zone_data *zone, int64_t utc_s);

/* What the walls say at an instant. */
void reeve__zone_local(
	const struct reeve_sh_zone_data *zone, int64_t utc_s, struct reeve__civil *ret);

/*
 * The instants at which the walls say `local_s`, in rising order: 1, or 2 when clocks were set back
 * over it, or 0 when they were set forward over it; then ret[0] is the instant of that change. Right
 * as long as a zone does not change twice within 26 hours.
 */
unsigned reeve__zone_instants(
	const struct reeve_sh_zone_data *zone, int64_t local_s, int64_t ret[2]);

/* Whether a text can be the name of a zone: parts of letters, digits, _ + -, joined by /. */
bool reeve__zone_name_ok(const char *name);

#endif
