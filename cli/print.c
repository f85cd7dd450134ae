/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - see print.h. */
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define COLUMNS_MAX  64
#define WIDTH_MAX    48u
#define CELL_SIZE    1024u
#define SEPARATORS   ", "
#define MEMBER_WIDTH 28

/* Control characters of a value would reach the terminal: they become "?". */
static void tame(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 127)
			*text = '?';
	}
}

static void write_cell(char to[CELL_SIZE], const json_t *value)
{
	char *text = NULL;

	if (value == NULL || json_is_null(value))
		snprintf(to, CELL_SIZE, "-");
	else if (json_is_string(value))
		snprintf(to, CELL_SIZE, "%s", json_string_value(value));
	else
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	if (text != NULL)
		snprintf(to, CELL_SIZE, "%s", text);
	free(text);
	tame(to);
}

/* Names from a text, or of the scalar members of the first row. */
struct names {
	char text[2048];
	const char *names[COLUMNS_MAX];
	size_t count;
};

static void add_name(struct names *names, const char *name)
{
	if (names->count < COLUMNS_MAX)
		names->names[names->count++] = name;
}

static void split_names(struct names *names, const char *columns)
{
	char *save = NULL;

	snprintf(names->text, sizeof(names->text), "%s", columns);
	for (char *name = strtok_r(names->text, SEPARATORS, &save); name != NULL;
		name = strtok_r(NULL, SEPARATORS, &save))
		add_name(names, name);
}

static void read_names(struct names *names, const char *columns, const json_t *list)
{
	json_t *first = json_array_get(list, 0), *value;
	const char *key;

	names->count = 0;
	if (strcmp(columns, "*") != 0) {
		split_names(names, columns);
		return;
	}
	json_object_foreach (first, key, value) {
		if (!json_is_object(value) && !json_is_array(value))
			add_name(names, key);
	}
}

static size_t cells_of(const char *text)
{
	size_t cells = 0;

	for (; *text != '\0'; text++)
		cells += ((unsigned char)*text & 0xc0) != 0x80;
	return cells;
}

static void print_cell(const char *text, size_t width, bool is_last)
{
	char fitted[CELL_SIZE + WIDTH_MAX];

	if (is_last) {
		puts(text);
		return;
	}
	if (cells_of(text) > width) /* cut nothing: a wide one moves its row */
		printf("%s  ", text);
	else
		text_fit(fitted, sizeof(fitted), text, width), printf("%s  ", fitted);
}

static void widen(size_t *width, const char *text)
{
	size_t cells = cells_of(text);

	if (cells > *width)
		*width = cells < WIDTH_MAX ? cells : WIDTH_MAX;
}

void print_value(const json_t *value)
{
	char cell[CELL_SIZE];

	write_cell(cell, value);
	puts(cell);
}

void print_list(const json_t *list, const char *columns)
{
	size_t widths[COLUMNS_MAX] = {0}, row;
	struct names names;
	char cell[CELL_SIZE];
	json_t *object;

	read_names(&names, columns, list);
	for (size_t i = 0; i < names.count; i++) {
		widen(&widths[i], names.names[i]);
		json_array_foreach ((json_t *)(uintptr_t)list, row, object) {
			write_cell(cell, json_object_get(object, names.names[i]));
			widen(&widths[i], cell);
		}
	}
	for (size_t i = 0; i < names.count; i++)
		print_cell(names.names[i], widths[i], i + 1 == names.count);
	json_array_foreach ((json_t *)(uintptr_t)list, row, object) {
		for (size_t i = 0; i < names.count; i++) {
			write_cell(cell, json_object_get(object, names.names[i]));
			print_cell(cell, widths[i], i + 1 == names.count);
		}
	}
}

void print_line(const json_t *object, const char *columns)
{
	struct names names = {.count = 0};
	char cell[CELL_SIZE];

	split_names(&names, columns);
	for (size_t i = 0; i < names.count; i++) {
		write_cell(cell, json_object_get(object, names.names[i]));
		print_cell(cell, 0, i + 1 == names.count);
	}
}

static void print_member(const char *key, const json_t *value)
{
	char cell[CELL_SIZE];

	write_cell(cell, value);
	printf("%-*s  %s\n", MEMBER_WIDTH, key, cell);
}

void print_object(const json_t *object, const char *columns)
{
	struct names names = {.count = 0};
	const char *key;
	json_t *value;

	if (columns != NULL) {
		split_names(&names, columns);
		for (size_t i = 0; i < names.count; i++)
			print_member(names.names[i], json_object_get(object, names.names[i]));
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)object, key, value)
		print_member(key, value);
}

bool print_percent(char *to, size_t size, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~,";
	size_t used = 0;

	for (; *text != '\0'; text++) {
		if (used + 4 > size)
			return false;
		if (strchr(plain, *text) != NULL)
			to[used++] = *text;
		else
			used += (size_t)snprintf(
				to + used, size - used, "%%%02X", (unsigned)(unsigned char)*text);
	}
	if (used >= size)
		return false;
	to[used] = '\0';
	return true;
}

/* The end of a string that begins here. */
static const char *end_of_string(const char *text)
{
	for (text++; *text != '\0' && *text != '"'; text++) {
		if (text[0] == '\\' && text[1] != '\0')
			text++;
	}
	return *text == '"' ? text + 1 : text;
}

char *print_quote_long_numbers(const char *json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	while (*json != '\0') {
		size_t number = strspn(json, "-+.0123456789eE"),
		       digits = strspn(json, "0123456789");
		const char *end = *json == '"' ? end_of_string(json)
				  : number > 0 ? json + number
					       : json + 1;
		bool is_long = digits > 18 && digits == number;

		fprintf(out, is_long ? "\"%.*s\"" : "%.*s", (int)(end - json), json);
		json = end;
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
