/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - what the files that read scenarios share. */
#ifndef SIM_PARSE_H
#define SIM_PARSE_H

#include "lex.h"
#include "scenario.h"

/* A zeroed element at the end of a growing array; NULL after a complaint when memory is short. */
void *parse__append(struct lex *lex, void *items_address, uint32_t *count, size_t size);

/* Index of the named thing, which must have been declared; SCN_NONE after a complaint. */
uint32_t parse__group(struct lex *lex, const struct scenario *scenario);

/* `expect ...`, from behind that word to the end of the line. `text` is the whole line. */
void parse__expect(struct lex *lex, struct scenario *scenario, const char *text);

#endif
