/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - what the files that read scenarios share. */
#ifndef SIM_PARSE_H
#define SIM_PARSE_H

#include "lex.h"
#include "scenario.h"

/* A zeroed element at the end of a growing array; NULL after a complaint when memory is short. */
void *parse__append(struct lex *lex, void *items_address, uint32_t *count, size_t size);

/* Which of the words of a list, ended by NULL, comes next; 0 after a complaint. */
uint32_t parse__pick(struct lex *lex, const char *const *words);
/* The same when one of them comes next; else `otherwise`, and nothing is taken. */
uint32_t parse__may_pick(struct lex *lex, const char *const *words, uint32_t otherwise);
/* A whole percentage from `low` to 100. */
uint32_t parse__pct(struct lex *lex, const char *wanted, uint32_t low);
/* The next word as the name of something new among records that begin with their names. */
void parse__declare(struct lex *lex, const char *wanted, const void *items, uint32_t count,
	size_t size, char *ret_name);

/* Index of the named thing, which must have been declared; SCN_NONE after a complaint. */
uint32_t parse__group(struct lex *lex, const struct scenario *scenario);
uint32_t parse__plan(struct lex *lex, const struct scenario *scenario);
uint32_t parse__process(struct lex *lex, const struct scenario *scenario);

/* PLAN GROUP [FIELD VALUE]..., to the end of the line. */
void parse__directive(
	struct lex *lex, const struct scenario *scenario, struct scn_directive *ret_directive);
/* `clients ...`, from behind that word on. */
void parse__clients(struct lex *lex, struct scenario *scenario);

/* `expect ...`, from behind that word to the end of the line. `text` is the whole line. */
void parse__expect(struct lex *lex, struct scenario *scenario, const char *text);

#endif
