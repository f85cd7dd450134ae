/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of creating, attaching to and refusing a segment file. */
#include "core.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/segment/layout.h"

static char path[300];

static struct reeve_options options(uint32_t flags)
{
	struct reeve_options o;

	core_small_options(&o);
	o.path = path;
	o.flags = flags;
	return o;
}

static int open_it(uint32_t flags, struct reeve **ret)
{
	struct reeve_options o = options(flags);

	return reeve_open(&o, ret, E);
}

/* A segment file as a process leaves it that has gone. */
static void make_file(void)
{
	struct reeve *r = NULL;

	unlink(path);
	assert_ok(open_it(REEVE_OPEN_NEW, &r));
	reeve_close(r);
}

static void patch(size_t offset, const void *bytes, size_t size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
	close(fd);
}

static void patch_u32(size_t offset, uint32_t value)
{
	patch(offset, &value, sizeof(value));
}

/* Opening must fail so, and must leave *ret alone. */
static void refused(int code, const char *part)
{
	struct reeve *r = (struct reeve *)&path;

	assert_fails(open_it(0, &r), code, part);
	assert_ptr_equal(r, &path);
	assert_non_null(strstr(core_err.text, path));
}

#define AT(field) offsetof(struct reeve_sh_header, field)

static void a_new_segment_holds_only_what_ships(void **state)
{
	(void)state;
	struct reeve *r = NULL;
	struct reeve_session_stats s;
	struct reeve_cpu_stats c;

	unlink(path);
	assert_ok(open_it(0, &r));
	struct reeve_segment_info i = core_segment(r);
	assert_int_equal(i.state, REEVE_SEGMENT_READY);
	assert_int_equal(i.groups, 4);
	assert_int_equal(i.plans, 4);
	assert_int_equal(i.directives, 16);
	assert_int_equal(i.mappings + i.sessions + i.tasks, 0);
	assert_int_equal(i.attachments, 1);
	assert_int_equal(i.max_groups, 32);
	assert_int_equal(i.max_tasks, 128);
	assert_int_equal(i.cpu_slots, 1);
	assert_int_equal(i.format_version, REEVE_SH_FORMAT);
	reeve_session_stats_get(r, &s);
	assert_int_equal(s.created + s.terminated + s.current + s.peak, 0);
	reeve_cpu_stats_get(r, &c);
	assert_int_equal(c.scheduled + c.waits + c.cpu_ns + c.running + c.total_shares, 0);
	assert_clean(r);
	reeve_close(r);
}

static void a_file_is_private_and_as_long_as_it_says(void **state)
{
	(void)state;
	struct reeve *r = NULL;
	struct stat st;

	unlink(path);
	assert_ok(open_it(0, &r));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true((uint64_t)st.st_size == core_segment(r).size_bytes);
	assert_true(st.st_blocks * 512 < 200000); /* what nobody touches costs nothing */
	reeve_close(r);
}

static void two_attachments_see_the_same(void **state)
{
	(void)state;
	struct reeve *a = NULL, *b = NULL;
	struct reeve_attachment_info infos[4];
	reeve_group_id found = {0};

	unlink(path);
	assert_ok(open_it(0, &a));
	assert_ok(open_it(REEVE_OPEN_EXISTING, &b));
	uint64_t id = core_group(a, "night shift", 5);
	assert_true(reeve_group_find(b, "night shift", &found));
	assert_true(found.v == id);
	assert_int_equal(reeve_attachment_copy(a, infos, 4), 2);
	assert_int_equal(infos[0].pid, getpid());
	assert_int_equal(infos[1].pid, getpid());
	assert_true(infos[0].start_ticks != 0);
	assert_int_equal(reeve_attachment_copy(a, infos, 1), 2);
	assert_int_equal(reeve_attachment_copy(a, NULL, 0), 2);
	assert_clean(a);
	assert_clean(b);
	reeve_close(a);
	assert_int_equal(reeve_attachment_copy(b, NULL, 0), 1);
	reeve_close(b);
}

static void what_was_defined_is_there_when_opened_again(void **state)
{
	(void)state;
	struct reeve *r = NULL;

	make_file();
	assert_ok(open_it(0, &r));
	core_group(r, "kept", 0);
	uint64_t revision = core_segment(r).revision;
	reeve_close(r);
	assert_ok(open_it(0, &r));
	assert_string_equal(core_group_info(r, 100).name, "kept");
	assert_true(core_segment(r).revision == revision);
	assert_clean(r);
	reeve_close(r);
}

static void a_later_opener_gets_the_sizes_that_are_there(void **state)
{
	(void)state;
	struct reeve_options o = options(0);
	struct reeve *r = NULL;

	make_file();
	o.max_groups = 500;
	o.cpu_slots = 7;
	assert_ok(reeve_open(&o, &r, E));
	assert_int_equal(core_segment(r).max_groups, 32);
	assert_int_equal(core_segment(r).cpu_slots, 1);
	reeve_close(r);
}

static void existing_and_new_mean_what_they_say(void **state)
{
	(void)state;
	struct reeve *r = NULL;

	unlink(path);
	assert_fails(open_it(REEVE_OPEN_EXISTING, &r), REEVE_ENOT_FOUND, path);
	assert_int_equal(access(path, F_OK), -1);
	assert_ok(open_it(REEVE_OPEN_NEW, &r));
	reeve_close(r);
	assert_fails(open_it(REEVE_OPEN_NEW, &r), REEVE_EALREADY_EXISTS, path);
	assert_ok(open_it(REEVE_OPEN_EXISTING, &r));
	reeve_close(r);
	assert_fails(open_it(REEVE_OPEN_NEW | REEVE_OPEN_EXISTING, &r), REEVE_EINVALID_ARGUMENT,
		"flags");
	assert_fails(open_it(4, &r), REEVE_EINVALID_ARGUMENT, "flags is 0x4");
}

static void a_refused_creation_leaves_no_file_behind(void **state)
{
	(void)state;
	char dir[400], other[420];
	struct reeve_options o = options(0);
	struct reeve *r = NULL;

	snprintf(dir, sizeof(dir), "%s.d", path);
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(other, sizeof(other), "%s/segment", dir);
	o.path = other;
	assert_ok(reeve_open(&o, &r, E));
	reeve_close(r);
	o.flags = REEVE_OPEN_NEW;
	assert_fails(reeve_open(&o, &r, E), REEVE_EALREADY_EXISTS, other);
	o.name = "a name of far more than sixty-four bytes, which is what the list has room for";
	o.flags = 0;
	assert_fails(reeve_open(&o, &r, E), REEVE_EINVALID_ARGUMENT, "name");
	unlink(other);
	assert_int_equal(rmdir(dir), 0); /* empty: no temporary file stayed */
}

static void an_empty_file_is_refused(void **state)
{
	(void)state;
	unlink(path);
	close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	refused(REEVE_EBAD_SEGMENT, "shorter than a header");
}

static void foreign_content_is_refused(void **state)
{
	(void)state;
	make_file();
	patch(0, "SQLite format 3", 16);
	refused(REEVE_EBAD_SEGMENT, "not a reeve segment");
}

static void another_format_is_refused_with_both_numbers(void **state)
{
	(void)state;
	char want[64];

	make_file();
	patch_u32(AT(format), REEVE_SH_FORMAT + 1);
	snprintf(want, sizeof(want), "format %u there, %u in this build", REEVE_SH_FORMAT + 1,
		REEVE_SH_FORMAT);
	refused(REEVE_EBAD_SEGMENT, want);
}

static void another_signature_is_refused_with_both_numbers(void **state)
{
	(void)state;
	uint64_t signature = 0x1122334455667788;

	make_file();
	patch(AT(signature), &signature, sizeof(signature));
	refused(REEVE_EBAD_SEGMENT, "signature 1122334455667788, those of this build ");
}

static void tables_of_another_version_are_not_called_damaged(void **state)
{
	(void)state;
	uint64_t signature = 0x1122334455667788, elsewhere = 4096 * 7;

	make_file();
	patch(AT(signature), &signature, sizeof(signature));
	patch(AT(groups.slots), &elsewhere, 8);
	patch_u32(AT(sessions.stride), 4096);
	patch_u32(AT(tasks.capacity), 1u << 30);
	refused(REEVE_EBAD_SEGMENT, "use the version that created it");
}

static void a_segment_on_a_disk_has_its_room_from_the_start(void **state)
{
	(void)state;
	struct reeve_options o = options(REEVE_OPEN_NEW);
	struct reeve *r = NULL;
	char here[64];
	struct statfs fs;
	struct stat st;
	int fd, can;

	snprintf(here, sizeof(here), "room-%ld.segment", (long)getpid());
	o.path = here;
	assert_ok(reeve_open(&o, &r, E));
	reeve_close(r);
	fd = open(here, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(fstatfs(fd, &fs), 0);
	can = fs.f_type != TMPFS_MAGIC && fallocate(fd, 0, 0, 1) == 0;
	close(fd);
	unlink(here);
	if (!can)
		skip();
	assert_true((uint64_t)st.st_blocks * 512 >= (uint64_t)st.st_size);
}

static void another_slot_size_is_refused_with_table_and_sizes(void **state)
{
	(void)state;
	char want[96];

	make_file();
	patch_u32(AT(sessions.stride), 4096);
	snprintf(want, sizeof(want), "a slot of sessions is 4096 bytes there and %zu in this build",
		sizeof(struct reeve_sh_session));
	refused(REEVE_EBAD_SEGMENT, want);
	make_file();
	patch_u32(AT(groups.stride), 64);
	refused(REEVE_EBAD_SEGMENT, "a slot of groups is 64 bytes there");
}

static void another_capacity_than_the_layout_has_is_refused(void **state)
{
	(void)state;
	make_file();
	patch_u32(AT(groups.capacity), 33000);
	refused(REEVE_EBAD_SEGMENT, "damaged");
	make_file();
	patch_u32(AT(groups.capacity), 0);
	refused(REEVE_EBAD_SEGMENT, "damaged");
	make_file();
	patch_u32(AT(tasks.capacity), 1u << 30);
	refused(REEVE_EBAD_SEGMENT, "max_tasks is 1073741824; allowed are 1 to");
	make_file();
	patch_u32(AT(cpu.slots), 100000);
	refused(REEVE_EBAD_SEGMENT, "cpu_slots is 100000; allowed are 1 to 1024");
}

static void a_table_in_another_place_is_refused_by_name(void **state)
{
	(void)state;
	uint64_t elsewhere = 4096 * 7;

	make_file();
	patch(AT(plans.slots), &elsewhere, 8);
	refused(REEVE_EBAD_SEGMENT, "the table of plans does not lie where");
	make_file();
	patch(AT(directives.buckets), &elsewhere, 8);
	refused(REEVE_EBAD_SEGMENT, "the table of directives does not lie where");
	make_file();
	patch(AT(rulings), &elsewhere, 8);
	refused(REEVE_EBAD_SEGMENT, "its tables do not lie where");
	make_file();
	patch(AT(size), &elsewhere, 8);
	refused(REEVE_EBAD_SEGMENT, "its tables do not lie where");
}

static void a_cut_off_file_is_refused_with_both_lengths(void **state)
{
	(void)state;
	make_file();
	assert_int_equal(truncate(path, 8192), 0);
	refused(REEVE_EBAD_SEGMENT, "cut off: 8192 bytes there, its header says ");
	assert_int_equal(truncate(path, 100), 0);
	refused(REEVE_EBAD_SEGMENT, "shorter than a header");
}

static void what_is_no_regular_file_is_refused(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(REEVE_EBAD_SEGMENT, "not a regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refused(REEVE_ESYSTEM, "directory");
	rmdir(path);
}

static void a_path_that_leads_nowhere_is_a_system_error(void **state)
{
	(void)state;
	struct reeve_options o = options(0);
	struct reeve *r = NULL;

	o.path = "/nowhere/at/all";
	assert_fails(reeve_open(&o, &r, E), REEVE_ESYSTEM, "/nowhere/at/all");
	o.flags = REEVE_OPEN_EXISTING;
	assert_fails(reeve_open(&o, &r, E), REEVE_ENOT_FOUND, "/nowhere/at/all");
	char *long_path = malloc(5000);
	memset(long_path, 'p', 4999);
	long_path[4999] = 0;
	o.path = long_path;
	assert_fails(reeve_open(&o, &r, E), REEVE_EINVALID_ARGUMENT, "path is 4999 bytes long");
	free(long_path);
	assert_null(r);
}

static void a_retired_segment_is_refused(void **state)
{
	(void)state;
	make_file();
	patch_u32(AT(state), REEVE_SEGMENT_RETIRED);
	refused(REEVE_EBAD_SEGMENT, "retired");
}

/* Makes the attachment of slot 0 look like that of a living process: this one. */
static void pretend_alive(void)
{
	const struct reeve_host *native = reeve_host_native();
	struct reeve_sh_header h;
	int32_t pid = getpid();
	uint64_t start = native->process_start(native->self, pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, &h, sizeof(h)), sizeof(h));
	close(fd);
	patch(h.attachments.slots + offsetof(struct reeve_sh_attachment, pid), &pid, sizeof(pid));
	patch(h.attachments.slots + offsetof(struct reeve_sh_attachment, start_ticks), &start,
		sizeof(start));
}

/* After a reboot: definitions stay, whoever was attached is dead, locks are made anew. */
static void a_segment_of_another_boot_is_adopted(void **state)
{
	(void)state;
	static const char other[40] = "00000000-1111-2222-3333-444444444444";
	struct reeve_tick_report report;
	struct reeve *r = NULL;
	int status;

	make_file();
	pid_t child = fork();
	if (child == 0) { /* leaves a group, a session, and a lock that it still holds */
		if (open_it(0, &r) != 0)
			_exit(1);
		struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
		struct reeve_group_def group = REEVE_GROUP_DEF_INIT;
		struct reeve_session *s;
		reeve_group_id id;
		group.name = "of last week";
		def.username = "ada";
		if (reeve_group_create(r, &group, &id, E) || reeve_session_create(r, &def, &s, E) ||
			reeve_query_begin(s, NULL, E))
			_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	pretend_alive();
	patch(AT(boot_id), other, sizeof(other));
	patch(AT(catalog), "\x7f\x00\x00\x00", 4); /* owned, the kernel has forgotten by whom */
	assert_ok(open_it(REEVE_OPEN_EXISTING, &r));
	assert_string_equal(core_group_info(r, 100).name, "of last week");
	assert_int_equal(core_group_info(r, REEVE_INTERACTIVE_GROUP).current_sessions, 1);
	assert_ok(reeve_tick(r, &report, E));
	assert_int_equal(report.reaped_attachments, 1);
	assert_int_equal(report.reaped_sessions, 1);
	assert_int_equal(core_group_info(r, REEVE_INTERACTIVE_GROUP).current_sessions, 0);
	assert_clean(r);
	struct reeve_session *s = core_session(r, 0);
	assert_ok(reeve_query_begin(s, NULL, E)); /* the dead one's CPU slot is back */
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
	reeve_close(r);
}

static void anonymous_memory_is_always_new(void **state)
{
	(void)state;
	struct reeve_options o = options(0);
	struct reeve *a = NULL, *b = NULL;
	reeve_group_id id;

	o.path = NULL;
	assert_ok(reeve_open(&o, &a, E));
	assert_ok(reeve_open(&o, &b, E));
	core_group(a, "mine", 0);
	assert_false(reeve_group_find(b, "mine", &id));
	reeve_close(a);
	reeve_close(b);
	o.flags = REEVE_OPEN_EXISTING;
	assert_fails(reeve_open(&o, &a, E), REEVE_EINVALID_ARGUMENT, "path");
	o.flags = 0;
	o.path = "";
	assert_fails(reeve_open(&o, &a, E), REEVE_EINVALID_ARGUMENT, "path is empty");
}

static void the_defaults_are_those_of_the_header(void **state)
{
	(void)state;
	struct reeve *r = NULL;

	assert_ok(reeve_open(NULL, &r, E));
	struct reeve_segment_info i = core_segment(r);
	assert_int_equal(i.max_attachments, 256);
	assert_int_equal(i.max_groups, 1024);
	assert_int_equal(i.max_plans, 256);
	assert_int_equal(i.max_directives, 4096);
	assert_int_equal(i.max_mappings, 16384);
	assert_int_equal(i.max_sessions, 16384);
	assert_int_equal(i.max_tasks, 65536);
	assert_int_equal(i.cpu_slots, reeve_host_native()->cpu_count(NULL));
	reeve_close(r);
}

static void capacities_out_of_range_are_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint32_t value;
		const char *part;
	} bad[] = {
		{offsetof(struct reeve_options, max_attachments), 4097,
			"max_attachments is 4097; allowed are 1 to 4096"},
		{offsetof(struct reeve_options, max_groups), 65537,
			"max_groups is 65537; allowed are 1 to 65536"},
		{offsetof(struct reeve_options, max_groups), 3, "max_groups 3"},
		{offsetof(struct reeve_options, max_plans), 65537, "max_plans"},
		{offsetof(struct reeve_options, max_plans), 3, "max_plans 3"},
		{offsetof(struct reeve_options, max_directives), 15, "max_directives 15"},
		{offsetof(struct reeve_options, max_directives), UINT32_MAX, "max_directives"},
		{offsetof(struct reeve_options, max_mappings), UINT32_MAX, "max_mappings"},
		{offsetof(struct reeve_options, max_sessions), 1048577,
			"max_sessions is 1048577; allowed are 1 to 1048576"},
		{offsetof(struct reeve_options, max_tasks), UINT32_MAX, "max_tasks"},
		{offsetof(struct reeve_options, max_quotas), 1048577,
			"max_quotas is 1048577; allowed are 1 to 1048576"},
		{offsetof(struct reeve_options, max_allocations), UINT32_MAX, "max_allocations"},
		{offsetof(struct reeve_options, max_external_sessions), UINT32_MAX,
			"max_external_sessions"},
		{offsetof(struct reeve_options, cpu_slots), 1025,
			"cpu_slots is 1025; allowed are 1 to 1024"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct reeve_options o = options(0);
		struct reeve *r = NULL;
		o.path = NULL;
		memcpy((char *)&o + bad[i].at, &bad[i].value, 4);
		assert_fails(reeve_open(&o, &r, E), REEVE_EINVALID_ARGUMENT, bad[i].part);
		assert_null(r);
	}
}

static void a_host_with_a_hole_is_refused(void **state)
{
	(void)state;
	struct reeve_options o = options(0);
	struct core_host h;
	struct reeve *r = NULL;

	core_host_init(&h);
	o.path = NULL;
	o.host = &h.host;
	h.host.wake = NULL;
	assert_fails(reeve_open(&o, &r, E), REEVE_EINVALID_ARGUMENT, "host");
	core_host_init(&h);
	h.host.cycles = (uint64_t(*)(void *))(void (*)(void))h.host.mono;
	assert_fails(reeve_open(&o, &r, E), REEVE_EINVALID_ARGUMENT, "host.cycles_ns_q32 is 0");
}

static void *open_new(void *arg)
{
	struct reeve **ret = arg;
	struct reeve_options o = options(0);
	struct reeve_error err = {0};

	if (reeve_open(&o, ret, &err) != 0)
		print_error("open: %s\n", err.text);
	return NULL;
}

/* Threads of one process that all create the same file: one wins, all get that segment. */
static void creating_at_once_gives_one_segment(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		struct reeve *r[4] = {NULL};
		pthread_t threads[4];
		unlink(path);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, open_new, &r[i]), 0);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < 4; i++)
			assert_non_null(r[i]);
		assert_int_equal(reeve_attachment_copy(r[0], NULL, 0), 4);
		for (int i = 0; i < 4; i++)
			reeve_close(r[i]);
	}
}

static int make_path(void **state)
{
	(void)state;
	core_path(path, sizeof(path), "segment");
	return 0;
}

static int remove_path(void **state)
{
	(void)state;
	core_path_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_segment_holds_only_what_ships),
		cmocka_unit_test(a_file_is_private_and_as_long_as_it_says),
		cmocka_unit_test(two_attachments_see_the_same),
		cmocka_unit_test(what_was_defined_is_there_when_opened_again),
		cmocka_unit_test(a_later_opener_gets_the_sizes_that_are_there),
		cmocka_unit_test(existing_and_new_mean_what_they_say),
		cmocka_unit_test(a_refused_creation_leaves_no_file_behind),
		cmocka_unit_test(an_empty_file_is_refused),
		cmocka_unit_test(foreign_content_is_refused),
		cmocka_unit_test(another_format_is_refused_with_both_numbers),
		cmocka_unit_test(another_signature_is_refused_with_both_numbers),
		cmocka_unit_test(tables_of_another_version_are_not_called_damaged),
		cmocka_unit_test(a_segment_on_a_disk_has_its_room_from_the_start),
		cmocka_unit_test(another_slot_size_is_refused_with_table_and_sizes),
		cmocka_unit_test(another_capacity_than_the_layout_has_is_refused),
		cmocka_unit_test(a_table_in_another_place_is_refused_by_name),
		cmocka_unit_test(a_cut_off_file_is_refused_with_both_lengths),
		cmocka_unit_test(what_is_no_regular_file_is_refused),
		cmocka_unit_test(a_path_that_leads_nowhere_is_a_system_error),
		cmocka_unit_test(a_retired_segment_is_refused),
		cmocka_unit_test(a_segment_of_another_boot_is_adopted),
		cmocka_unit_test(anonymous_memory_is_always_new),
		cmocka_unit_test(the_defaults_are_those_of_the_header),
		cmocka_unit_test(capacities_out_of_range_are_refused_by_name),
		cmocka_unit_test(a_host_with_a_hole_is_refused),
		cmocka_unit_test(creating_at_once_gives_one_segment),
	};
	return cmocka_run_group_tests(tests, make_path, remove_path);
}
