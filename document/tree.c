/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - YAML and JSON into nodes with their lines, and nodes into text. */
#include "document.h"

#include <reeve/errors.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct block {
	struct block *next;
};

int reeve_node_refuse(const struct reeve_tree *tree, const struct reeve_node *at, int code,
	struct reeve_error *err, const char *format, ...)
{
	int n = 0;
	va_list args;

	if (!err)
		return code;
	err->code = code;
	if (at && at->line && tree->name && tree->name[0])
		n = snprintf(err->text, sizeof(err->text), "%.100s:%u: ", tree->name, at->line);
	va_start(args, format);
	vsnprintf(err->text + n, sizeof(err->text) - (size_t)n, format, args);
	va_end(args);
	return code;
}

static void *take(struct reeve_tree *tree, size_t bytes)
{
	struct block *b = calloc(1, sizeof(*b) + bytes);

	if (!b)
		return NULL;
	b->next = tree->blocks;
	tree->blocks = b;
	return b + 1;
}

void reeve_tree_destroy(struct reeve_tree *tree)
{
	struct block *b = tree->blocks;

	while (b) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
	memset(tree, 0, sizeof(*tree));
}

const struct reeve_node *reeve_node_member(const struct reeve_node *map, const char *key)
{
	if (!map || map->kind != REEVE_NODE_MAP)
		return NULL;
	for (const struct reeve_node *n = map->first; n; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

/* ---- reading ---- */

struct reader {
	yaml_parser_t parser;
	struct reeve_tree *tree;
	struct reeve_error *err;
};

static int refuse_line(struct reader *r, size_t line, const char *what)
{
	const struct reeve_node at = {.line = (uint32_t)line + 1};

	return reeve_node_refuse(r->tree, &at, REEVE_EINVALID_ARGUMENT, r->err, "%s", what);
}

static int next_event(struct reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return 0;
	return refuse_line(r, r->parser.problem_mark.line,
		r->parser.problem ? r->parser.problem : "this is not YAML");
}

static void classify(struct reeve_node *n, bool is_plain)
{
	char *end;

	n->kind = REEVE_NODE_TEXT;
	if (!is_plain)
		return;
	if (!n->text[0] || strcmp(n->text, "null") == 0 || strcmp(n->text, "~") == 0) {
		n->kind = REEVE_NODE_NULL;
	} else if (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0) {
		n->kind = REEVE_NODE_BOOL;
		n->number = n->text[0] == 't';
	} else if (isdigit((unsigned char)n->text[0])) {
		errno = 0;
		n->number = strtoull(n->text, &end, 10);
		if (!*end && errno == 0)
			n->kind = REEVE_NODE_NUMBER;
	}
}

static struct reeve_node *new_node(struct reader *r, const yaml_event_t *event)
{
	struct reeve_node *n = take(r->tree, sizeof(*n));

	if (n)
		n->line = (uint32_t)event->start_mark.line + 1;
	return n;
}

static char *copy_text(struct reader *r, const yaml_event_t *event)
{
	size_t len = event->data.scalar.length;
	char *text = take(r->tree, len + 1);

	if (text)
		memcpy(text, event->data.scalar.value, len);
	return text;
}

static int read_node(struct reader *r, yaml_event_t *event, int level, struct reeve_node **ret);

static int read_key(
	struct reader *r, const struct reeve_node *map, yaml_event_t *event, char **ret_key)
{
	if (event->type != YAML_SCALAR_EVENT)
		return refuse_line(r, event->start_mark.line, "a key must be a text");
	*ret_key = copy_text(r, event);
	if (!*ret_key)
		return refuse_line(r, event->start_mark.line, "out of memory");
	if (reeve_node_member(map, *ret_key)) {
		char what[128];
		snprintf(what, sizeof(what), "%.60s is there twice", *ret_key);
		return refuse_line(r, event->start_mark.line, what);
	}
	return 0;
}

/* Members or items until the end of the collection. */
static int read_children(struct reader *r, struct reeve_node *in, int level)
{
	struct reeve_node *child, *last = NULL;
	yaml_event_t event;
	char *key = NULL;
	int rc;

	for (;;) {
		rc = next_event(r, &event);
		if (rc)
			return rc;
		if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return 0;
		}
		if (in->kind == REEVE_NODE_MAP) {
			rc = read_key(r, in, &event, &key);
			yaml_event_delete(&event);
			if (!rc)
				rc = next_event(r, &event);
			if (rc)
				return rc;
		}
		rc = read_node(r, &event, level + 1, &child);
		if (rc)
			return rc;
		child->key = key;
		*(last ? &last->next : &in->first) = child;
		last = child;
		in->count++;
	}
}

static int check_event(struct reader *r, const yaml_event_t *event, int level)
{
	if (level > REEVE_TREE_LEVELS_MAX)
		return refuse_line(r, event->start_mark.line, "nested too deeply");
	if (event->type == YAML_ALIAS_EVENT)
		return refuse_line(r, event->start_mark.line, "aliases (*name) are not read");
	if (event->type != YAML_SCALAR_EVENT && event->type != YAML_SEQUENCE_START_EVENT &&
		event->type != YAML_MAPPING_START_EVENT)
		return refuse_line(r, event->start_mark.line, "there is nothing here");
	return 0;
}

/* Ends the event. */
static int read_node(struct reader *r, yaml_event_t *event, int level, struct reeve_node **ret)
{
	struct reeve_node *n = NULL;
	int rc = check_event(r, event, level);

	if (!rc && !(n = new_node(r, event)))
		rc = refuse_line(r, event->start_mark.line, "out of memory");
	if (!rc && event->type == YAML_SCALAR_EVENT) {
		n->text = copy_text(r, event);
		if (!n->text)
			rc = refuse_line(r, event->start_mark.line, "out of memory");
		else if (strlen(n->text) != event->data.scalar.length)
			rc = refuse_line(r, event->start_mark.line, "a text has a NUL");
		else
			classify(n, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
	} else if (!rc) {
		n->kind =
			event->type == YAML_MAPPING_START_EVENT ? REEVE_NODE_MAP : REEVE_NODE_LIST;
		yaml_event_delete(event);
		*ret = n;
		return read_children(r, n, level);
	}
	yaml_event_delete(event);
	*ret = n;
	return rc;
}

/* Events up to and with the one of this type; others are refused. */
static int expect(struct reader *r, yaml_event_type_t type, const char *what)
{
	yaml_event_t event;
	size_t line;
	int rc = next_event(r, &event);

	if (rc)
		return rc;
	line = event.start_mark.line;
	rc = event.type == type;
	yaml_event_delete(&event);
	return rc ? 0 : refuse_line(r, line, what);
}

int reeve_tree_parse(const char *text, size_t len, const char *name, struct reeve_tree *ret_tree,
	struct reeve_error *err)
{
	struct reeve_tree tree = {.name = name ? name : ""};
	struct reader r = {.tree = &tree, .err = err};
	yaml_event_t event;
	int rc;

	if (len > REEVE_TREE_BYTES_MAX)
		return reeve_node_refuse(&tree, NULL, REEVE_EINVALID_ARGUMENT, err,
			"%.100s has %zu bytes; allowed are %zu", tree.name, len,
			REEVE_TREE_BYTES_MAX);
	if (!yaml_parser_initialize(&r.parser))
		return reeve_node_refuse(
			&tree, NULL, REEVE_ERESOURCE_EXHAUSTED, err, "out of memory");
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	rc = expect(&r, YAML_STREAM_START_EVENT, "this is not YAML");
	if (!rc)
		rc = expect(&r, YAML_DOCUMENT_START_EVENT, "the document is empty");
	if (!rc)
		rc = next_event(&r, &event);
	if (!rc)
		rc = read_node(&r, &event, 0, &tree.root);
	if (!rc)
		rc = expect(&r, YAML_DOCUMENT_END_EVENT, "the document ends here");
	if (!rc)
		rc = expect(&r, YAML_STREAM_END_EVENT, "a second document begins here");
	yaml_parser_delete(&r.parser);
	if (rc)
		reeve_tree_destroy(&tree);
	else
		*ret_tree = tree;
	return rc;
}

/* ---- writing ---- */

/*
 * Characters that JSON takes as they are and YAML does not: it folds some and refuses others. The
 * number of bytes of the one at `c`, and its code; 0: it is another.
 */
static size_t find_unruly(const unsigned char *c, unsigned *ret_code)
{
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
		*ret_code = c[1];
		return 2;
	}
	if ((c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9)) ||
		(c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf) ||
		(c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe)) {
		*ret_code = (c[0] & 0xfu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
		return 3;
	}
	*ret_code = c[0];
	return c[0] == 0x7f;
}

void reeve_json_tame(FILE *out, const char *json)
{
	const unsigned char *c = (const unsigned char *)json;

	while (*c) {
		unsigned code;
		size_t n = find_unruly(c, &code);
		if (n)
			fprintf(out, "\\u%04x", code);
		else
			fputc(*c, out);
		c += n ? n : 1;
	}
}

void reeve_json_write_text(FILE *out, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	fputc('"', out);
	while (*c) {
		unsigned code;
		size_t n = find_unruly(c, &code);
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (n || *c < ' ')
			fprintf(out, "\\u%04x", code);
		else
			fputc(*c, out);
		c += n ? n : 1;
	}
	fputc('"', out);
}

static void write_scalar(FILE *out, const struct reeve_node *n)
{
	if (n->kind == REEVE_NODE_TEXT)
		reeve_json_write_text(out, n->text);
	else if (n->kind == REEVE_NODE_NULL)
		fputs("null", out);
	else if (n->kind == REEVE_NODE_BOOL)
		fputs(n->number ? "true" : "false", out);
	else
		fprintf(out, "%llu", (unsigned long long)n->number);
}

void reeve_tree_write_json(FILE *out, const struct reeve_node *node)
{
	bool is_map = node->kind == REEVE_NODE_MAP;

	if (!is_map && node->kind != REEVE_NODE_LIST) {
		write_scalar(out, node);
		return;
	}
	fputc(is_map ? '{' : '[', out);
	for (const struct reeve_node *n = node->first; n; n = n->next) {
		if (is_map) {
			reeve_json_write_text(out, n->key);
			fputc(':', out);
		}
		reeve_tree_write_json(out, n);
		if (n->next)
			fputc(',', out);
	}
	fputc(is_map ? '}' : ']', out);
}

/* Whether a text can stand without quotes, and still be that text. */
static bool is_bare(const char *text)
{
	if (!isalpha((unsigned char)text[0]) || strcmp(text, "true") == 0 ||
		strcmp(text, "false") == 0 || strcmp(text, "null") == 0)
		return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '/' && *c != '.')
			return false;
	return true;
}

static void write_yaml(FILE *out, const struct reeve_node *node, int indent, bool is_item)
{
	bool first = is_item;

	if ((node->kind == REEVE_NODE_MAP || node->kind == REEVE_NODE_LIST) && node->count) {
		if (!is_item && indent)
			fputc('\n', out);
		for (const struct reeve_node *n = node->first; n; n = n->next) {
			fprintf(out, "%*s", first ? 0 : indent, "");
			first = false;
			if (node->kind == REEVE_NODE_LIST)
				fputs("- ", out);
			else if (is_bare(n->key))
				fprintf(out, "%s:", n->key);
			else
				reeve_json_write_text(out, n->key), fputc(':', out);
			if (node->kind == REEVE_NODE_MAP && !n->count)
				fputc(' ', out);
			write_yaml(out, n, indent + 2, node->kind == REEVE_NODE_LIST);
		}
		return;
	}
	if (node->kind == REEVE_NODE_MAP || node->kind == REEVE_NODE_LIST)
		fputs(node->kind == REEVE_NODE_MAP ? "{}" : "[]", out);
	else if (node->kind == REEVE_NODE_TEXT && is_bare(node->text))
		fputs(node->text, out);
	else
		write_scalar(out, node);
	fputc('\n', out);
}

void reeve_tree_write_yaml(FILE *out, const struct reeve_node *node)
{
	write_yaml(out, node, 0, false);
}
