/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document.h - definitions as text: plan files in YAML or JSON, and rows of the catalog.
 *
 *	tree    text into nodes that know their line. JSON is read as the YAML that it is
 *	codec   one definition from a node, and into JSON
 *	plan    a whole document into a set of definitions, and back
 *
 * No function here keeps anything; memory of a tree is freed by reeve_tree_destroy.
 */
#ifndef REEVE_DOCUMENT_DOCUMENT_H
#define REEVE_DOCUMENT_DOCUMENT_H

#include <reeve/definitions.h>
#include <reeve/types.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum reeve_node_kind {
	REEVE_NODE_NULL,
	REEVE_NODE_BOOL,
	REEVE_NODE_NUMBER, /* not negative; `number` */
	REEVE_NODE_TEXT,
	REEVE_NODE_LIST,
	REEVE_NODE_MAP
};

struct reeve_node {
	enum reeve_node_kind kind;
	uint32_t line;	  /* 1 up; 0: not from a file */
	uint32_t count;	  /* LIST, MAP */
	uint64_t number;  /* BOOL, NUMBER */
	const char *key;  /* in a map */
	const char *text; /* scalars: as written */
	struct reeve_node *first, *next;
};

struct reeve_tree {
	struct reeve_node *root;
	const char *name; /* of the file; "" for none. The caller's. */
	void *blocks;
};

#define REEVE_TREE_BYTES_MAX  ((size_t)4 << 20)
#define REEVE_TREE_LEVELS_MAX 40

/* Reads a text. INVALID_ARGUMENT with file and line; aliases, tags and second documents are refused. */
int reeve_tree_parse(const char *text, size_t len, const char *name, struct reeve_tree *ret_tree,
	struct reeve_error *err);
void reeve_tree_destroy(struct reeve_tree *tree);
/* Member of a map; NULL. */
const struct reeve_node *reeve_node_member(const struct reeve_node *map, const char *key);
/* "file:line: " and the text. Returns the code. */
__attribute__((format(printf, 5, 6))) int reeve_node_refuse(const struct reeve_tree *tree,
	const struct reeve_node *at, int code, struct reeve_error *err, const char *format, ...);

/*
 * Codec. Groups, plans and pools are referred to by name or by id: written by name with `names`, whose
 * rows say them, else by id. A row of the catalog has its id, dates and revision besides.
 */
void reeve_row_write(
	FILE *out, const struct reeve_definition *row, const struct reeve_definitions *names);
/*
 * Reads the fields that are there into *row, which holds what counts for the others; `skip` is a key
 * of the map that is not a field (NULL: none). Unknown keys are refused.
 */
int reeve_row_read(const struct reeve_tree *tree, const struct reeve_node *map,
	const struct reeve_definitions *names, const char *skip, struct reeve_definition *row,
	struct reeve_error *err);
/* A row of a kind with the defaults of something new. */
void reeve_row_init(struct reeve_definition *row, uint32_t kind);
/* A row of the catalog from its JSON. */
int reeve_row_parse(const char *json, size_t len, uint32_t kind, uint64_t id,
	struct reeve_definition *ret_row, struct reeve_error *err);
/* Frees what reeve_row_read has allocated. */
void reeve_row_fini(struct reeve_definition *row);

/*
 * Brings `set`, the present definitions, to what a document says:
 *	a section that is there is complete: what it does not list goes, but for the system's
 *	a section that is not there, and a field that is not there, stays as it is
 *	a directive has the fields that are listed, and no others
 *	another limit of the database resizes the memory pools in proportion, unless it lists them
 * What is known already is found by its name (users by id) and keeps its id; the rest gets the next
 * ids of `set`. With `set` of a new segment this is what validation needs. On failure `set` is half
 * changed: throw it away.
 */
int reeve_plan_read(
	const struct reeve_tree *tree, struct reeve_definitions *set, struct reeve_error *err);
/*
 * Where a document says what a row of `set` is, which reeve_plan_read has read from it: the member of the
 * row's item whose key `text`, the reason of a refusal, begins with, else the item, else the section of the
 * kind. NULL: nowhere.
 */
const struct reeve_node *reeve_document_find(const struct reeve_tree *tree,
	const struct reeve_definitions *set, struct reeve_definition_place place, const char *text);
/* Writes all definitions as a JSON document that reeve_plan_read accepts. */
void reeve_plan_write(FILE *out, const struct reeve_definitions *set);
/* Writes a tree as JSON; or as YAML. */
void reeve_tree_write_json(FILE *out, const struct reeve_node *node);
void reeve_tree_write_yaml(FILE *out, const struct reeve_node *node);
/* Complete JSON text with what YAML would not take as it is escaped: for reeve_tree_parse. */
void reeve_json_tame(FILE *out, const char *json);
/* A text as a JSON string. */
void reeve_json_write_text(FILE *out, const char *text);

#endif
