/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lex.h - words, numbers, times, sizes and percentages of one line of a scenario.
 *
 * The first error sticks: from then on every read returns a harmless value and changes nothing, so
 * that a statement reads straight through and its caller looks at `failed` once.
 */
#ifndef SIM_LEX_H
#define SIM_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include <reeve/types.h>

struct lex {
	const char *file;
	uint32_t line;
	char *rest;	  /* of the line */
	const char *word; /* the next one, NULL at the end of the line */
	bool failed;
	char *error; /* SCN_ERROR_MAX bytes */
};

/* Starts on a line; `text` is cut into words. */
void lex_start(struct lex *lex, char *text);
/* The first error: "FILE:LINE: expected WANTED, found `word`". */
void lex_fail(struct lex *lex, const char *wanted);
/* Any other complaint: "FILE:LINE: TEXT". */
__attribute__((format(printf, 2, 3))) void lex_complain(struct lex *lex, const char *format, ...);

bool lex_at_end(const struct lex *lex);
/* Demands the end of the line. */
void lex_end(struct lex *lex);
/* Takes the next word if it is this one. */
bool lex_accept(struct lex *lex, const char *word);
/* Demands this word. */
void lex_expect(struct lex *lex, const char *word);
/* Takes a word, whatever it is; "" when there is none. Valid until the line's text goes. */
const char *lex_word(struct lex *lex, const char *wanted);
/* A name that is being declared, into `ret_name` of SCN_NAME_MAX bytes. */
void lex_name(struct lex *lex, const char *wanted, char *ret_name);
/* A whole number in [low, high]. */
uint64_t lex_number(struct lex *lex, const char *wanted, uint64_t low, uint64_t high);
/* A number with a unit: ns us ms s min; 0 needs none. Above 0, or at least 0 if `may_be_zero`. */
reeve_ns lex_time(struct lex *lex, const char *wanted, bool may_be_zero);
/* A number of bytes with a unit: B KiB MiB GiB; above 0. */
uint64_t lex_size(struct lex *lex, const char *wanted);
/* A number, decimals allowed, that ends in `suffix` ("%" or ""). */
double lex_decimal(struct lex *lex, const char *wanted, const char *suffix);

#endif
