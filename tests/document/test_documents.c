/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions as text: what is written is read as the same, and what is broken is refused with a reason
 * and nothing worse. Damaged texts are the given documents with bytes changed, taken out and doubled at
 * random; the seed is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <reeve/reeve.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "document/document.h"

#define ROUNDS 4000

static struct reeve_error err;

static char *file_text(const char *path, size_t *ret_size)
{
	FILE *in = fopen(path, "r");
	char *text = calloc(1, 65536);

	assert_non_null(in);
	assert_non_null(text);
	*ret_size = fread(text, 1, 65535, in);
	fclose(in);
	return text;
}

static struct reeve *new_segment(struct reeve_definitions *ret)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve *r;

	assert_int_equal(reeve_open(&options, &r, &err), 0);
	assert_int_equal(reeve_definitions_copy(r, ret, &err), 0);
	return r;
}

/* Brings a set to a document; the tree is gone afterwards. */
static int read_text(const char *text, size_t size, struct reeve_definitions *set)
{
	struct reeve_tree tree;
	int rc = reeve_tree_parse(text, size, "file", &tree, &err);

	if (rc == 0) {
		rc = reeve_plan_read(&tree, set, &err);
		reeve_tree_destroy(&tree);
	}
	return rc;
}

static char *whole(const struct reeve_definitions *set, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	assert_non_null(out);
	reeve_plan_write(out, set);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void check_row(const struct reeve_definition *row)
{
	struct reeve_definition back;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	reeve_row_write(out, row, NULL);
	assert_int_equal(fclose(out), 0);
	if (reeve_row_parse(text, size, row->kind, row->id, &back, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	if (!reeve_definition_equal(row, &back))
		fail_msg("%s is read as something else", text);
	reeve_row_fini(&back);
	free(text);
}

static void check_example(const char *path)
{
	struct reeve_definitions set, again;
	struct reeve *r = new_segment(&set);
	size_t size;
	char *text = file_text(path, &size);

	if (read_text(text, size, &set) != 0)
		fail_msg("%s: %s", path, err.text);
	assert_int_equal(reeve_definitions_apply(r, &set, 0, &err), 0);
	reeve_definitions_fini(&set);
	assert_int_equal(reeve_definitions_copy(r, &set, &err), 0);
	for (uint32_t i = 0; i < set.count; i++)
		check_row(&set.rows[i]);
	free(text);
	text = whole(&set, &size);
	assert_int_equal(reeve_definitions_copy(r, &again, &err), 0);
	if (read_text(text, size, &again) != 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(reeve_definitions_diff(&set, &again, NULL, NULL), 0);
	free(text);
	reeve_definitions_fini(&again);
	reeve_definitions_fini(&set);
	reeve_close(r);
}

static int example_count;
static char **examples;

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (int i = 0; i < example_count; i++)
		check_example(examples[i]);
}

/* Texts that need care in JSON and YAML. */
static void texts_survive(void **state)
{
	static const char *const names[] = {"a: b", "- x", "\"quoted\" \\ back", "true", "null",
		"12", "#no comment", "{x}", "'", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", " edges ",
		"a\xc2\x85z"};
	struct reeve_definitions set, again;
	struct reeve *r = new_segment(&set);
	struct reeve_definition row;
	char *text;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		reeve_row_init(&row, REEVE_DEFINITION_GROUP);
		row.id = row.u.group.id.v = 200 + i;
		strcpy(row.u.group.name, names[i]);
		check_row(&row);
		assert_int_equal(reeve_definitions_put(&set, &row, &err), 0);
	}
	text = whole(&set, &size);
	assert_int_equal(reeve_definitions_copy(r, &again, &err), 0);
	assert_int_equal(read_text(text, size, &again), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool is_there = false;
		for (uint32_t k = 0; k < again.count; k++)
			is_there |= again.rows[k].kind == REEVE_DEFINITION_GROUP &&
				    strcmp(again.rows[k].u.group.name, names[i]) == 0;
		assert_true(is_there);
	}
	free(text);
	reeve_definitions_fini(&again);
	reeve_definitions_fini(&set);
	reeve_close(r);
}

static uint64_t random_state;

static uint32_t pick(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % n;
}

static void damage(char *text, size_t *size)
{
	static const char odd[] = "{}[]:,-\"'#&*!|>%@`\n\t 0~\\";

	for (uint32_t n = 1 + pick(4); n-- > 0 && *size > 2;) {
		size_t at = pick((uint32_t)*size), len = 1 + pick(20);
		if (len > *size - at)
			len = *size - at;
		switch (pick(4)) {
		case 0:
			text[at] = odd[pick(sizeof(odd) - 1)];
			break;
		case 1:
			text[at] = (char)pick(256);
			break;
		case 2:
			memmove(text + at, text + at + len, *size - at - len);
			*size -= len;
			break;
		default:
			if (*size + len < 65535) {
				memmove(text + at + len, text + at, *size - at);
				*size += len;
			}
		}
	}
}

static void what_is_damaged_is_refused(void **state)
{
	struct reeve_definitions base, set;
	struct reeve *r = new_segment(&base);
	const char *seed = getenv("REEVE_TEST_SEED");
	uint32_t refused = 0;

	(void)state;
	if (seed)
		random_state = strtoull(seed, NULL, 10);
	else if (getrandom(&random_state, sizeof(random_state), 0) < 0)
		random_state = 1;
	print_message("seed %llu\n", (unsigned long long)random_state);
	for (int i = 0; i < ROUNDS; i++) {
		size_t size;
		char *text = file_text(examples[i % example_count], &size);
		damage(text, &size);
		set = (struct reeve_definitions)REEVE_DEFINITIONS_INIT;
		for (uint32_t k = 0; k < base.count; k++)
			assert_int_equal(reeve_definitions_put(&set, &base.rows[k], &err), 0);
		memcpy(set.next_ids, base.next_ids, sizeof(set.next_ids));
		err = (struct reeve_error){0};
		if (read_text(text, size, &set) != 0) {
			assert_true(err.code < 0 && err.text[0]);
			refused++;
		}
		reeve_definitions_fini(&set);
		free(text);
	}
	assert_true(refused > ROUNDS / 4);
	reeve_definitions_fini(&base);
	reeve_close(r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(texts_survive),
		cmocka_unit_test(what_is_damaged_is_refused),
	};
	example_count = argc - 1;
	examples = argv + 1;
	return example_count ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}
