/* SPDX-License-Identifier: Apache-2.0 */
/* lex.c - see lex.h. */
#include "lex.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

#define BLANKS " \t\r"

/* Moves to the next word of the line. */
static void advance(struct lex *lex)
{
	char *word = lex->rest + strspn(lex->rest, BLANKS);
	size_t length = strcspn(word, BLANKS);

	if (length == 0) {
		lex->word = NULL;
		return;
	}
	lex->rest = word + length;
	if (*lex->rest != '\0')
		*lex->rest++ = '\0';
	lex->word = word;
}

void lex_start(struct lex *lex, char *text)
{
	char *comment = strchr(text, '#');

	if (comment != NULL)
		*comment = '\0';
	lex->rest = text;
	advance(lex);
}

void lex_complain(struct lex *lex, const char *format, ...)
{
	va_list args;
	int length;

	if (lex->failed)
		return;
	lex->failed = true;
	length = snprintf(lex->error, SCN_ERROR_MAX, "%s:%u: ", lex->file, lex->line);
	if (length < 0 || length >= SCN_ERROR_MAX)
		return;
	va_start(args, format);
	vsnprintf(lex->error + length, (size_t)(SCN_ERROR_MAX - length), format, args);
	va_end(args);
}

void lex_fail(struct lex *lex, const char *wanted)
{
	if (lex->word == NULL)
		lex_complain(lex, "expected %s, found the end of the line", wanted);
	else
		lex_complain(lex, "expected %s, found `%.60s`", wanted, lex->word);
}

bool lex_at_end(const struct lex *lex)
{
	return lex->failed || lex->word == NULL;
}

void lex_end(struct lex *lex)
{
	if (!lex_at_end(lex))
		lex_fail(lex, "the end of the line");
}

bool lex_accept(struct lex *lex, const char *word)
{
	if (lex_at_end(lex) || strcmp(lex->word, word) != 0)
		return false;
	advance(lex);
	return true;
}

void lex_expect(struct lex *lex, const char *word)
{
	char wanted[80];

	if (lex_accept(lex, word))
		return;
	snprintf(wanted, sizeof(wanted), "`%.60s`", word);
	lex_fail(lex, wanted);
}

const char *lex_word(struct lex *lex, const char *wanted)
{
	const char *word = lex->word;

	if (lex_at_end(lex)) {
		lex_fail(lex, wanted);
		return "";
	}
	advance(lex);
	return word;
}

static bool is_name(const char *word)
{
	if (!isalpha((unsigned char)*word))
		return false;
	while (isalnum((unsigned char)*word) || *word == '_' || *word == '-' || *word == '.')
		word++;
	return *word == '\0';
}

void lex_name(struct lex *lex, const char *wanted, char *ret_name)
{
	if (lex_at_end(lex) || !is_name(lex->word)) {
		lex_fail(lex, wanted);
		return;
	}
	if (strlen(lex->word) >= SCN_NAME_MAX) {
		lex_complain(lex, "expected %s of at most %d bytes", wanted, SCN_NAME_MAX - 1);
		return;
	}
	strcpy(ret_name, lex_word(lex, wanted));
}

uint64_t lex_number(struct lex *lex, const char *wanted, uint64_t low, uint64_t high)
{
	char text[160], *end;
	uint64_t number = 0;
	bool is_good = false;

	if (!lex_at_end(lex) && isdigit((unsigned char)*lex->word)) {
		errno = 0;
		number = strtoull(lex->word, &end, 10);
		is_good = errno == 0 && *end == '\0' && number >= low && number <= high;
	}
	if (!is_good) {
		snprintf(text, sizeof(text), "%.80s, %llu to %llu", wanted, (unsigned long long)low,
			(unsigned long long)high);
		lex_fail(lex, text);
		return low;
	}
	advance(lex);
	return number;
}

/* Digits, at most one point, nothing else; *ret_end is what follows. */
static bool scan_decimal(const char *word, double *ret_number, const char **ret_end)
{
	size_t whole = strspn(word, "0123456789");
	size_t length = whole;
	char digits[40];

	if (word[length] == '.') {
		size_t part = strspn(word + length + 1, "0123456789");

		if (part == 0)
			return false;
		length += 1 + part;
	}
	if (whole == 0 || length >= sizeof(digits))
		return false;
	memcpy(digits, word, length);
	digits[length] = '\0';
	*ret_number = strtod(digits, NULL);
	*ret_end = word + length;
	return true;
}

struct unit {
	const char *name;
	double worth;
};

static const struct unit times[] = {
	{"ns", 1.0}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {NULL, 0.0}};
static const struct unit sizes[] = {
	{"B", 1.0}, {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {NULL, 0.0}};

/* What a unit is worth; 0 when there is no such unit. */
static double find_unit(const struct unit *units, const char *unit)
{
	while (units->name != NULL && strcmp(unit, units->name) != 0)
		units++;
	return units->worth;
}

reeve_ns lex_time(struct lex *lex, const char *wanted, bool may_be_zero)
{
	const char *unit;
	double number = 0.0, unit_ns;
	char text[160];

	if (lex_at_end(lex) || !scan_decimal(lex->word, &number, &unit))
		goto fail;
	unit_ns = find_unit(times, unit);
	if (unit_ns == 0.0 && !(number == 0.0 && *unit == '\0'))
		goto fail;
	number *= unit_ns;
	if (number > 1e17 || (number < 1.0 && !may_be_zero))
		goto fail;
	advance(lex);
	return (reeve_ns)(number + 0.5);
fail:
	snprintf(text, sizeof(text), "%.80s, such as 20us, 5ms or 1.5s", wanted);
	lex_fail(lex, text);
	return may_be_zero ? 0 : 1;
}

uint64_t lex_size(struct lex *lex, const char *wanted)
{
	const char *unit;
	double number = 0.0, worth;
	char text[160];

	if (!lex_at_end(lex) && scan_decimal(lex->word, &number, &unit)) {
		worth = find_unit(sizes, unit);
		number *= worth;
		if (worth > 0.0 && number >= 1.0 && number <= 1e15) {
			advance(lex);
			return (uint64_t)(number + 0.5);
		}
	}
	snprintf(text, sizeof(text), "%.80s, such as 512B, 64KiB or 1.5MiB", wanted);
	lex_fail(lex, text);
	return 1;
}

double lex_decimal(struct lex *lex, const char *wanted, const char *suffix)
{
	const char *end;
	double number = 0.0;
	char text[160];

	if (lex_at_end(lex) || !scan_decimal(lex->word, &number, &end) ||
		strcmp(end, suffix) != 0) {
		snprintf(text, sizeof(text), "%.80s, such as 25%s", wanted, suffix);
		lex_fail(lex, text);
		return 0.0;
	}
	advance(lex);
	return number;
}
