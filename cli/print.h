/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - answers of reeved as text: lists in columns, objects as one line a member. */
#ifndef REEVE_CLI_PRINT_H
#define REEVE_CLI_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* `columns`: names with blanks or commas between them; "*": what the first row has. */
void print_list(const json_t *list, const char *columns);
/* NULL: all members. */
void print_object(const json_t *object, const char *columns);
/* What is neither a list nor an object. */
void print_value(const json_t *value);
/* These members of one object, in a line. */
void print_line(const json_t *object, const char *columns);

/* Percent-encodes; false when it does not fit, and then `to` is of no use. */
bool print_percent(char *to, size_t size, const char *text);

/*
 * A copy of JSON with quotes around numbers of more than 18 digits; for free(), NULL when memory is
 * short.
 */
char *print_quote_long_numbers(const char *json);

#endif
