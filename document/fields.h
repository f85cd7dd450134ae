/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - what fields a kind of definition has, as one table for reading and writing; directives'
 * fields come from the library's own.
 */
#ifndef REEVE_DOCUMENT_FIELDS_H
#define REEVE_DOCUMENT_FIELDS_H

#include "codec.h"

enum type {
	TEXT,	    /* char[size] */
	FLAG,	    /* bool */
	NUMBER,	    /* unsigned of `size` bytes, up to `most` (0: all) */
	LIMIT,	    /* the same; null: all ones */
	NAME,	    /* uint32_t, one of `names` */
	SPAN,	    /* ns in 8 bytes */
	SPAN_LIMIT, /* the same; null: all ones, or INT64_MAX of a signed one */
	NEVER,	    /* reeve_ns; null: REEVE_NEVER */
	BYTES,
	BYTES_LIMIT,
	TIME, /* uint32_t, seconds of the day */
	DAYS, /* uint32_t, bits */
	GROUP,
	PLAN, /* null: 0 */
	POOL
};

struct field {
	const char *key;
	enum type type;
	size_t offset, size;
	const char *const *names;
	uint64_t most;
};

/* By kind; each list ends with a key of NULL. `stamps` are of a row of the catalog besides. */
struct field_lists {
	const struct field *fields, *stamps;
};
extern const struct field_lists reeve__field_lists[REEVE_DEFINITION_KINDS];

/* A directive's field as one of the others. */
struct field reeve__field_of_directive(const struct reeve_directive_field *f);

/* Value of a field that is no TEXT. */
uint64_t reeve__field_load(const struct reeve_definition *row, const struct field *f);
void reeve__field_store(struct reeve_definition *row, const struct field *f, uint64_t value);
/* Whether null may stand for it, and for which value it does. */
bool reeve__field_may_be_null(const struct field *f);
uint64_t reeve__field_none(const struct field *f);

/* Kind of what a GROUP, PLAN or POOL names, and the name of such a row. */
uint32_t reeve__field_reference(enum type type);
const char *reeve__row_name(const struct reeve_definition *row);

/* Ends with a name of NULL. */
struct unit {
	const char *name;
	uint64_t factor;
};
extern const struct unit reeve__spans[], reeve__sizes[];

extern const char *const reeve__days[];
/* In the order of the conditions' kinds, each followed by its pattern. */
extern const char *const reeve__attributes[], *const reeve__syntaxes[];

#define DEADLINES (REEVE_IO_TYPES * REEVE_IO_PRIORITIES) /* of an I/O configuration */

#endif
