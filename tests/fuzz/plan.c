/*
 * Any bytes as a plan file, YAML or JSON: what is taken is written as a document that is taken too, and
 * says the same. And as a row of the catalog, likewise.
 */
#include <reeve/reeve.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document/document.h"
#include "fuzz.h"

static struct reeve *segment;

static void close_segment(void)
{
	reeve_close(segment);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;

	(void)argc;
	(void)argv;
	if (reeve_open(&options, &segment, NULL))
		abort();
	atexit(close_segment);
	return 0;
}

/* The definitions of a new segment, brought to what a text says; false when it is refused. */
static bool read_plan(const char *text, size_t size, struct reeve_definitions *set)
{
	struct reeve_error err;
	struct reeve_tree tree;
	int rc;

	if (reeve_definitions_copy(segment, set, &err))
		abort();
	rc = reeve_tree_parse(text, size, "file", &tree, &err);
	if (rc == 0) {
		rc = reeve_plan_read(&tree, set, &err);
		reeve_tree_destroy(&tree);
	}
	if (rc == 0)
		return true;
	if (!memchr(err.text, 0, sizeof(err.text)) || !err.text[0])
		abort();
	reeve_definitions_fini(set);
	return false;
}

static char *write_plan(const struct reeve_definitions *set, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	reeve_plan_write(out, set);
	fclose(out);
	return text;
}

/* Reading a plan judges what stands in it; whether all of it goes together is judged where it is applied. */
static bool is_applicable(const struct reeve_definitions *set)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve *fresh;
	struct reeve_error err;

	if (reeve_open(&options, &fresh, &err))
		abort();
	bool applies = reeve_definitions_apply(fresh, set, 0, &err) == 0;
	reeve_close(fresh);
	return applies;
}

static void run_plan(const char *data, size_t size)
{
	struct reeve_definitions set, again;
	char *text, *text_again;
	size_t len, len_again;

	if (!read_plan(data, size, &set))
		return;
	text = write_plan(&set, &len);
	if (read_plan(text, len, &again)) {
		text_again = write_plan(&again, &len_again);
		if ((len != len_again || memcmp(text, text_again, len)) && is_applicable(&set))
			abort();
		free(text_again);
		reeve_definitions_fini(&again);
	} else if (is_applicable(&set)) {
		abort();
	}
	free(text);
	reeve_definitions_fini(&set);
}

static void run_row(const char *data, size_t size, uint32_t kind)
{
	struct reeve_definition row, again;
	struct reeve_error err;
	char *text = NULL;
	size_t len;
	FILE *out;

	if (reeve_row_parse(data, size, kind, 1000, &row, &err))
		return;
	out = open_memstream(&text, &len);
	reeve_row_write(out, &row, NULL);
	fclose(out);
	if (reeve_row_parse(text, len, kind, 1000, &again, &err) ||
		!reeve_definition_equal(&row, &again))
		abort();
	reeve_row_fini(&again);
	reeve_row_fini(&row);
	free(text);
}

/* A text that begins with '=' and a letter is a row of that kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 2 && data[0] == '=')
		run_row((const char *)data + 2, size - 2, data[1] % REEVE_DEFINITION_KINDS);
	else
		run_plan((const char *)data, size);
	return 0;
}
