/* SPDX-License-Identifier: Apache-2.0 */
/* redact.c - see redact.h. */
#include "audit/redact.h"

#include <string.h>
#include <strings.h>

#define MAX_TEXT_BYTES 256u
#define MAX_SQL_BYTES  1024u

static const char redacted[] = "[redacted]";

static bool is_secret(const char *name)
{
	static const char *const words[] = {"password", "secret", "token", "credential"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasestr(name, words[i]) != NULL)
			return true;
	}
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '$' || (unsigned char)c >= 0x80;
}

/* Past the text that begins here with `quote`; doubled ones are part of it. */
static const char *skip_quoted(const char *at, char quote)
{
	for (at++; *at != '\0'; at++) {
		if (*at != quote)
			continue;
		if (at[1] != quote)
			return at + 1;
		at++;
	}
	return at;
}

/* Past a comment that begins here, or `at`. */
static const char *skip_comment(const char *at)
{
	const char *end;
	if (at[0] == '-' && at[1] == '-') {
		end = strchr(at, '\n');
		return end != NULL ? end : at + strlen(at);
	}
	if (at[0] == '/' && at[1] == '*') {
		end = strstr(at + 2, "*/");
		return end != NULL ? end + 2 : at + strlen(at);
	}
	return at;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Past blanks and comments. */
static const char *skip_gap(const char *at)
{
	for (;;) {
		const char *next = skip_comment(at);
		while (is_blank(*next))
			next++;
		if (next == at)
			return at;
		at = next;
	}
}

/* A literal begins here: past it; else `at`. Identifiers in double quotes, backquotes and brackets
 * are none, though SQLite takes a text in double quotes that names nothing for a string: so that
 * counts as one too. x'..' is a blob. */
static const char *skip_literal(const char *at)
{
	if (*at == '\'' || *at == '"')
		return skip_quoted(at, *at);
	if ((*at == 'x' || *at == 'X') && at[1] == '\'')
		return skip_quoted(at + 1, '\'');
	if (!is_digit(*at) && !(*at == '.' && is_digit(at[1])))
		return at;
	while (is_word(*at) || *at == '.' ||
		((*at == '+' || *at == '-') && (at[-1] == 'e' || at[-1] == 'E')))
		at++;
	return at;
}

size_t reeved_redact_sql(const char *sql, char *to, size_t capacity)
{
	size_t len = 0;
	const char *at = skip_gap(sql);
	while (*at != '\0' && len + 1 < capacity) {
		const char *gap = skip_gap(at), *literal = skip_literal(at);
		if (gap != at) {
			to[len++] = ' ';
			at = gap;
		} else if (literal != at) {
			to[len++] = '?';
			at = literal;
		} else if (is_word(*at)) {
			while (is_word(*at) && len + 1 < capacity)
				to[len++] = *at++;
		} else {
			to[len++] = *at++;
		}
	}
	to[len] = '\0';
	return len;
}

static void write_text(const struct reeve_gql_value *value, struct reeve_json *out)
{
	reeve_json_strn(
		out, value->text, value->count < MAX_TEXT_BYTES ? value->count : MAX_TEXT_BYTES);
}

static void write_sql(const char *sql, struct reeve_json *out)
{
	char text[MAX_SQL_BYTES];
	size_t len = reeved_redact_sql(sql, text, sizeof(text));
	reeve_json_strn(out, text, len);
}

static void write_parameters(const struct reeve_gql_value *list, struct reeve_json *out)
{
	reeve_json_array_begin(out);
	for (uint32_t i = 0; i < reeve_gql_value_count(list); i++)
		reeve_json_str(out, redacted);
	reeve_json_array_end(out);
}

static void write_items(
	const char *name, const struct reeve_gql_value *list, struct reeve_json *out)
{
	reeve_json_array_begin(out);
	for (uint32_t i = 0; i < list->count; i++)
		reeved_redact(name, &list->items[i], out);
	reeve_json_array_end(out);
}

static void write_members(const struct reeve_gql_value *object, struct reeve_json *out)
{
	reeve_json_object_begin(out);
	for (uint32_t i = 0; i < object->count; i++) {
		const struct reeve_gql_member *member = &object->members[i];
		if (member->value.kind == REEVE_GQL_VALUE_ABSENT)
			continue;
		reeve_json_keyn(out, member->name, member->name_len);
		reeved_redact(member->name, &member->value, out);
	}
	reeve_json_object_end(out);
}

void reeved_redact(const char *name, const struct reeve_gql_value *value, struct reeve_json *out)
{
	if (value->kind == REEVE_GQL_VALUE_NULL || value->kind == REEVE_GQL_VALUE_ABSENT)
		reeve_json_null(out);
	else if (is_secret(name))
		reeve_json_str(out, redacted);
	else if (strcmp(name, "parameters") == 0 && value->kind == REEVE_GQL_VALUE_LIST)
		write_parameters(value, out);
	else if (strcmp(name, "sql") == 0 && value->kind == REEVE_GQL_VALUE_STRING)
		write_sql(value->text, out);
	else if (value->kind == REEVE_GQL_VALUE_STRING)
		write_text(value, out);
	else if (value->kind == REEVE_GQL_VALUE_LIST)
		write_items(name, value, out);
	else if (value->kind == REEVE_GQL_VALUE_OBJECT)
		write_members(value, out);
	else
		reeve_gql_value_write(value, out);
}
