/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the calendar and of time zones: against the C library for all zones of the machine,
 * against known changes of clocks, and with damaged files.
 */
#include "core.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/host/zone.h"

static struct reeve_sh_zone_data zone;

static int64_t at(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute)
{
	return reeve__days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

static void dates_and_days_are_inverse(void **state)
{
	(void)state;
	struct reeve__civil c;

	assert_int_equal(reeve__days_of_date(1970, 1, 1), 0);
	assert_int_equal(reeve__days_of_date(2000, 3, 1), 11017);
	assert_int_equal(reeve__days_of_date(1969, 12, 31), -1);
	assert_int_equal(reeve__days_of_date(2024, 14, 1), reeve__days_of_date(2025, 2, 1));
	assert_int_equal(reeve__days_of_date(2024, 0, 1), reeve__days_of_date(2023, 12, 1));
	for (int64_t day = -800000; day < 800000; day += 7) {
		reeve__civil_of_local(day * 86400 + 86399, &c);
		assert_int_equal(reeve__days_of_date(c.year, c.month, c.day), day);
		assert_int_equal(c.second, 86399);
	}
	reeve__civil_of_local(0, &c);
	assert_int_equal(c.weekday, 4); /* a Thursday */
	reeve__civil_of_local(-1, &c);
	assert_int_equal(c.weekday, 3);
	assert_int_equal(c.year, 1969);
}

static void utc_needs_no_file_and_never_changes(void **state)
{
	(void)state;
	assert_ok(reeve__zone_load("UTC", &zone, E));
	assert_int_equal(reeve__zone_offset(&zone, 0), 0);
	assert_int_equal(reeve__zone_offset(&zone, INT64_C(1) << 40), 0);
	assert_int_equal(reeve__zone_offset(&zone, -(INT64_C(1) << 40)), 0);
}

static void names_cannot_lead_out_of_the_data_base(void **state)
{
	(void)state;
	static const char *const bad[] = {"/etc/passwd", "../../../etc/passwd", "Europe/../UTC",
		"Europe//Berlin", "Europe/", ".", "Europe/Ber lin", "Europe\\Berlin", "a\nb",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};

	reeve__zone_utc(&zone);
	for (size_t i = 0; i < REEVE_COUNT(bad); i++)
		assert_fails(
			reeve__zone_load(bad[i], &zone, E), REEVE_EINVALID_ARGUMENT, "malformed");
	assert_fails(reeve__zone_load("Europe/Atlantis", &zone, E), REEVE_EINVALID_ARGUMENT,
		"\"Europe/Atlantis\" is not in");
	assert_fails(reeve__zone_load("Europe", &zone, E), REEVE_EINVALID_ARGUMENT, "is not in");
	assert_int_equal(zone.count, 0); /* untouched */
}

static void clocks_set_forward_leave_a_gap(void **state)
{
	(void)state;
	int64_t got[2] = {0, 0};

	assert_ok(reeve__zone_load("Europe/Berlin", &zone, E));
	assert_int_equal(reeve__zone_instants(&zone, at(2026, 3, 29, 1, 59), got), 1);
	assert_int_equal(got[0], at(2026, 3, 29, 0, 59));
	assert_int_equal(reeve__zone_instants(&zone, at(2026, 3, 29, 2, 30), got), 0);
	assert_int_equal(got[0], at(2026, 3, 29, 1, 0)); /* the change itself */
	assert_int_equal(reeve__zone_instants(&zone, at(2026, 3, 29, 3, 0), got), 1);
	assert_int_equal(got[0], at(2026, 3, 29, 1, 0));
}

static void clocks_set_back_show_an_hour_twice(void **state)
{
	(void)state;
	int64_t got[2];

	assert_ok(reeve__zone_load("Europe/Berlin", &zone, E));
	assert_int_equal(reeve__zone_instants(&zone, at(2045, 10, 29, 2, 30), got), 2);
	assert_int_equal(got[0], at(2045, 10, 29, 0, 30));
	assert_int_equal(got[1], at(2045, 10, 29, 1, 30));
	assert_int_equal(reeve__zone_instants(&zone, at(2045, 10, 29, 3, 0), got), 1);
	assert_int_equal(got[0], at(2045, 10, 29, 2, 0));
}

static void rules_of_every_form_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		int32_t january, july;
	} good[] = {
		{"UTC0", 0, 0},
		{"<+0545>-5:45", 20700, 20700},
		{"EST5EDT,M3.2.0,M11.1.0", -18000, -14400},
		{"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200},
		{"IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3600},
		{"AEST-10AEDT,M10.1.0,M4.1.0/3", 39600, 36000},
		{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600},
		{"XXX3YYY2:30,J60,J300/1:30", -10800, -9000},
		{"XXX3YYY,59,299", -10800, -7200},
		{"XXX-1YYY,J1/0,J365/25", 7200, 7200},
	};
	static const char *const bad[] = {"", "UT0", "UTC", "UTC0x", "UTC25", "EST5EDT", "EST5EDT,",
		"EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0",
		"EST5EDT,M3.2.7,M11.1.0", "EST5EDT,M3.2.0,M11.1.0/168", "EST5EDT,J0,J9",
		"EST5EDT,366,1", "<+05-5", "EST5:60", "EST5EDT,M3.2.0,M11.1.0x"};

	for (size_t i = 0; i < REEVE_COUNT(good); i++) {
		assert_ok(reeve__zone_parse_rule(good[i].rule, &zone, E));
		assert_int_equal(
			reeve__zone_offset(&zone, at(2030, 1, 15, 12, 0)), good[i].january);
		assert_int_equal(reeve__zone_offset(&zone, at(2030, 7, 15, 12, 0)), good[i].july);
	}
	for (size_t i = 0; i < REEVE_COUNT(bad); i++)
		assert_fails(reeve__zone_parse_rule(bad[i], &zone, E), REEVE_EINVALID_ARGUMENT,
			"is not a time zone rule");
}

/* At instants around every change and at random ones, our offset is the C library's. */
static void compare_with_libc(const char *name, struct sim_random *random)
{
	setenv("TZ", name, 1);
	tzset();
	for (int i = 0; i < 300; i++) {
		int64_t t = (int64_t)core_below(random, UINT64_C(4400000000)); /* to 2109 */
		if (i % 3 && zone.count)
			t = zone.at_s[core_below(random, zone.count)] + (i % 5) - 2;
		if (t < 0)
			continue;
		struct tm tm;
		struct reeve__civil c;
		time_t clock = (time_t)t;
		int64_t got[2];
		unsigned n;
		localtime_r(&clock, &tm);
		reeve__zone_local(&zone, t, &c);
		if (c.offset_s != tm.tm_gmtoff || (int)c.weekday != tm.tm_wday ||
			(int)c.second != tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec ||
			c.year != tm.tm_year + 1900)
			fail_msg("%s at %lld: offset %d, the C library says %ld", name,
				(long long)t, c.offset_s, tm.tm_gmtoff);
		n = reeve__zone_instants(&zone, t + c.offset_s, got);
		if (n == 0 || (got[0] != t && (n < 2 || got[1] != t)))
			fail_msg("%s: %lld is not among the instants of its local time", name,
				(long long)t);
	}
}

static unsigned compare_folder(const char *folder, struct sim_random *random)
{
	char path[512];
	unsigned n = 0;
	struct dirent *entry;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", folder);
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir))) {
		char name[512];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s%s%s", folder, *folder ? "/" : "", entry->d_name);
		if (!reeve__zone_name_ok(name) || reeve__zone_load(name, &zone, NULL))
			continue;
		compare_with_libc(name, random);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

static void every_zone_of_the_machine_agrees_with_the_c_library(void **state)
{
	(void)state;
	static const char *const folders[] = {"", "Africa", "America", "America/Argentina",
		"America/Indiana", "Antarctica", "Asia", "Atlantic", "Australia", "Europe",
		"Indian", "Pacific", "Etc"};
	struct sim_random random;
	unsigned n = 0;

	sim_random_init(&random, core_seed("every_zone_of_the_machine"), 0);
	for (size_t i = 0; i < REEVE_COUNT(folders); i++)
		n += compare_folder(folders[i], &random);
	unsetenv("TZ");
	tzset();
	assert_true(n > 300); /* tzdata is installed */
}

static void the_servers_zone_is_that_of_the_environment(void **state)
{
	(void)state;
	int64_t july = at(2030, 7, 15, 12, 0);

	setenv("TZ", ":America/New_York", 1);
	assert_ok(reeve__zone_load("", &zone, E));
	assert_int_equal(reeve__zone_offset(&zone, july), -14400);
	setenv("TZ", "XXX-5", 1);
	assert_ok(reeve__zone_load("", &zone, E));
	assert_int_equal(reeve__zone_offset(&zone, july), 18000);
	setenv("TZ", "/usr/share/zoneinfo/Asia/Tokyo", 1);
	assert_ok(reeve__zone_load("", &zone, E));
	assert_int_equal(reeve__zone_offset(&zone, july), 32400);
	setenv("TZ", "not a zone", 1);
	assert_ok(reeve__zone_load("", &zone, E));
	assert_int_equal(reeve__zone_offset(&zone, july), 0);
	unsetenv("TZ");
	assert_ok(reeve__zone_load("", &zone, E));
}

static size_t read_zone(const char *path, unsigned char *to, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(to, 1, size, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static void damaged_files_are_refused_or_read_within_bounds(void **state)
{
	(void)state;
	static unsigned char whole[8192], damaged[8192];
	size_t size = read_zone("/usr/share/zoneinfo/Europe/Berlin", whole, sizeof(whole));
	struct sim_random random;

	assert_true(size > 1000 && size < sizeof(whole));
	assert_ok(reeve__zone_parse(whole, size, &zone, E));
	for (size_t n = 0; n < size; n++)
		assert_fails(reeve__zone_parse(whole, n, &zone, E), REEVE_EINVALID_ARGUMENT,
			"not a time zone file");
	memcpy(damaged, whole, size);
	damaged[4] = 0;
	assert_fails(
		reeve__zone_parse(damaged, size, &zone, E), REEVE_EINVALID_ARGUMENT, "version 1");
	sim_random_init(&random, core_seed("damaged_files"), 0);
	for (uint64_t i = 0; i < core_steps(20000); i++) {
		struct reeve_sh_zone_data z;
		int64_t got[2];
		memcpy(damaged, whole, size);
		for (int k = 0; k < 4; k++)
			damaged[core_below(&random, size)] =
				(unsigned char)core_below(&random, 256);
		if (reeve__zone_parse(damaged, size, &z, NULL))
			continue;
		reeve__zone_offset(&z, (int64_t)core_below(&random, UINT64_C(1) << 33));
		reeve__zone_instants(&z, (int64_t)core_below(&random, UINT64_C(1) << 33), got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_and_days_are_inverse),
		cmocka_unit_test(utc_needs_no_file_and_never_changes),
		cmocka_unit_test(names_cannot_lead_out_of_the_data_base),
		cmocka_unit_test(clocks_set_forward_leave_a_gap),
		cmocka_unit_test(clocks_set_back_show_an_hour_twice),
		cmocka_unit_test(rules_of_every_form_are_read),
		cmocka_unit_test(every_zone_of_the_machine_agrees_with_the_c_library),
		cmocka_unit_test(the_servers_zone_is_that_of_the_environment),
		cmocka_unit_test(damaged_files_are_refused_or_read_within_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
