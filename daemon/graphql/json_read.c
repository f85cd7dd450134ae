/*
 * JSON in. Its own reader, since requests carry UInt64: common parsers read integers into int64 and
 * refuse 2^63 and above, or make doubles of them.
 */
#include "graphql/value.h"

#include <stdlib.h>

/* Objects of more members than this get a hash table for finding duplicate keys. */
#define MANY_MEMBERS 16u

struct reader {
	struct gql_arena *arena;
	const char *text;
	size_t at, len;
	uint32_t nesting, max_nesting;
	struct gql_json_error *error;
};

static bool read_value(struct reader *r, struct reeve_gql_value *ret);

static bool fail(struct reader *r, const char *message)
{
	r->error->message = message;
	r->error->offset = (uint32_t)r->at;
	return false;
}

static bool fail_memory(struct reader *r)
{
	return fail(r, NULL);
}

static unsigned char peek(const struct reader *r)
{
	return r->at < r->len ? (unsigned char)r->text[r->at] : 0;
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->len && (r->text[r->at] == ' ' || r->text[r->at] == '\t' ||
					 r->text[r->at] == '\n' || r->text[r->at] == '\r'))
		r->at++;
}

static bool read_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (r->len - r->at < n || memcmp(r->text + r->at, word, n))
		return fail(r, "unexpected character");
	r->at += n;
	return true;
}

/* ---- numbers ---- */

static bool skip_digits(struct reader *r)
{
	size_t first = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at > first;
}

/* Moves over one number of the JSON grammar; tells whether it has fraction or exponent. */
static bool scan_number(struct reader *r, bool *ret_integer)
{
	*ret_integer = true;
	if (peek(r) == '-')
		r->at++;
	if (peek(r) == '0')
		r->at++;
	else if (!skip_digits(r))
		return fail(r, "malformed number");
	if (peek(r) == '.') {
		*ret_integer = false;
		r->at++;
		if (!skip_digits(r))
			return fail(r, "malformed number");
	}
	if (peek(r) == 'e' || peek(r) == 'E') {
		*ret_integer = false;
		r->at++;
		if (peek(r) == '+' || peek(r) == '-')
			r->at++;
		if (!skip_digits(r))
			return fail(r, "malformed number");
	}
	return true;
}

static bool read_double(struct reader *r, size_t first, struct reeve_gql_value *ret)
{
	char *copy = reeve_gql_arena_copy(r->arena, r->text + first, r->at - first);

	if (!copy)
		return fail_memory(r);
	ret->kind = REEVE_GQL_VALUE_DOUBLE;
	ret->real = strtod(copy, NULL);
	if (ret->real - ret->real != 0)
		return fail(r, "number out of range");
	return true;
}

static bool read_number(struct reader *r, struct reeve_gql_value *ret)
{
	size_t first = r->at;
	bool negative = peek(r) == '-', integer;
	uint64_t magnitude;

	if (!scan_number(r, &integer))
		return false;
	if (!integer || !reeve_gql_read_u64(r->text + first + negative,
				(uint32_t)(r->at - first - negative), &magnitude))
		return read_double(r, first, ret);
	if (!negative) {
		ret->kind = REEVE_GQL_VALUE_UINT;
		ret->u64 = magnitude;
		return true;
	}
	if (magnitude > (uint64_t)INT64_MAX + 1)
		return read_double(r, first, ret);
	ret->kind = REEVE_GQL_VALUE_INT;
	ret->i64 = (int64_t)(0 - magnitude);
	return true;
}

/* ---- strings ---- */

/* Index of the closing quote, or len. */
static size_t find_quote(const struct reader *r)
{
	size_t i = r->at;

	while (i < r->len && r->text[i] != '"')
		i += r->text[i] == '\\' ? 2 : 1;
	return i < r->len ? i : r->len;
}

static bool read_hex4(struct reader *r, uint32_t *ret)
{
	uint32_t point = 0, i;

	for (i = 0; i < 4; i++) {
		unsigned char c = peek(r);

		if (c >= '0' && c <= '9')
			point = point * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			point = point * 16 + ((c | 0x20u) - 'a' + 10u);
		else
			return fail(r, "malformed \\u escape");
		r->at++;
	}
	*ret = point;
	return true;
}

static char *put_point(char *out, uint32_t point)
{
	if (point < 0x80) {
		*out++ = (char)point;
		return out;
	}
	if (point < 0x800) {
		*out++ = (char)(0xC0 | point >> 6);
	} else {
		if (point < 0x10000) {
			*out++ = (char)(0xE0 | point >> 12);
		} else {
			*out++ = (char)(0xF0 | point >> 18);
			*out++ = (char)(0x80 | (point >> 12 & 0x3F));
		}
		*out++ = (char)(0x80 | (point >> 6 & 0x3F));
	}
	*out++ = (char)(0x80 | (point & 0x3F));
	return out;
}

/* After "\u". */
static bool read_unicode(struct reader *r, char **out)
{
	uint32_t point, low;

	if (!read_hex4(r, &point))
		return false;
	if (!point)
		return fail(r, "U+0000 is not allowed");
	if (point >= 0xDC00 && point <= 0xDFFF)
		return fail(r, "lone surrogate");
	if (point >= 0xD800 && point <= 0xDBFF) {
		if (peek(r) != '\\' || r->at + 1 >= r->len || r->text[r->at + 1] != 'u')
			return fail(r, "lone surrogate");
		r->at += 2;
		if (!read_hex4(r, &low))
			return false;
		if (low < 0xDC00 || low > 0xDFFF)
			return fail(r, "lone surrogate");
		point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
	}
	*out = put_point(*out, point);
	return true;
}

static bool read_escape(struct reader *r, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned char c;
	const char *found;

	r->at++;
	c = peek(r);
	found = c ? strchr(from, c) : NULL;
	if (!found && c != 'u')
		return fail(r, "malformed escape");
	r->at++;
	if (!found)
		return read_unicode(r, out);
	*(*out)++ = to[found - from];
	return true;
}

/* One character that is no escape. */
static bool read_plain(struct reader *r, char **out)
{
	size_t n = reeve_json_utf8_len(r->text + r->at, r->len - r->at);

	if (peek(r) < 0x20)
		return fail(r, "control character in a string");
	if (!n)
		return fail(r, "malformed UTF-8");
	memcpy(*out, r->text + r->at, n);
	*out += n;
	r->at += n;
	return true;
}

/* At the opening quote. */
static bool read_string(struct reader *r, const char **ret, uint32_t *ret_len)
{
	char *out, *first;
	bool ok = true;

	r->at++;
	out = first = reeve_gql_arena_alloc(r->arena, find_quote(r) - r->at + 1);
	if (!out)
		return fail_memory(r);
	while (ok) {
		if (r->at >= r->len)
			return fail(r, "unterminated string");
		if (r->text[r->at] == '"')
			break;
		ok = r->text[r->at] == '\\' ? read_escape(r, &out) : read_plain(r, &out);
	}
	if (!ok)
		return false;
	r->at++;
	*out = 0;
	*ret = first;
	*ret_len = (uint32_t)(out - first);
	return true;
}

/* ---- lists and objects: gathered in a list of chunks, then laid out as one array ---- */

struct chunk {
	struct chunk *next;
	uint32_t count;
	_Alignas(16) char items[];
};

struct gather {
	struct chunk *first, *last;
	size_t item_bytes;
	uint32_t total, per_chunk;
};

static void *add_item(struct reader *r, struct gather *g)
{
	struct chunk *chunk = g->last;
	void *item;

	if (!chunk || chunk->count == g->per_chunk) {
		g->per_chunk = g->per_chunk ? g->per_chunk * 2 : 8;
		if (g->per_chunk > 4096)
			g->per_chunk = 4096;
		chunk = reeve_gql_arena_alloc(
			r->arena, sizeof(*chunk) + g->per_chunk * g->item_bytes);
		if (!chunk) {
			fail_memory(r);
			return NULL;
		}
		*chunk = (struct chunk){NULL, 0};
		if (g->last)
			g->last->next = chunk;
		else
			g->first = chunk;
		g->last = chunk;
	}
	item = chunk->items + chunk->count++ * g->item_bytes;
	memset(item, 0, g->item_bytes);
	g->total++;
	return item;
}

static void *lay_out(struct reader *r, const struct gather *g)
{
	const struct chunk *chunk = g->first;
	char *items, *at;

	if (chunk && !chunk->next)
		return (void *)(uintptr_t)chunk->items;
	at = items = reeve_gql_arena_alloc(r->arena, g->total * g->item_bytes + 1);
	if (!items) {
		fail_memory(r);
		return NULL;
	}
	for (; chunk; chunk = chunk->next) {
		memcpy(at, chunk->items, chunk->count * g->item_bytes);
		at += chunk->count * g->item_bytes;
	}
	return items;
}

/* After an item: true if another follows, with the comma consumed. *ok tells a syntax error. */
static bool more_items(struct reader *r, unsigned char close, bool *ok)
{
	skip_blanks(r);
	*ok = true;
	if (peek(r) == ',') {
		r->at++;
		skip_blanks(r);
		return true;
	}
	if (peek(r) != close) {
		*ok = fail(r, r->at < r->len ? "unexpected character" : "unexpected end");
		return false;
	}
	r->at++;
	return false;
}

static bool read_list(struct reader *r, struct reeve_gql_value *ret)
{
	struct gather g = {.item_bytes = sizeof(struct reeve_gql_value)};
	struct reeve_gql_value *item;
	bool ok = true;

	r->at++;
	skip_blanks(r);
	if (peek(r) == ']') {
		r->at++;
	} else {
		do {
			item = add_item(r, &g);
			if (!item || !read_value(r, item))
				return false;
		} while (more_items(r, ']', &ok));
	}
	if (!ok)
		return false;
	ret->kind = REEVE_GQL_VALUE_LIST;
	ret->count = g.total;
	ret->items = lay_out(r, &g);
	return ret->items != NULL;
}

static bool has_duplicate(struct reader *r, const struct reeve_gql_member *members, uint32_t n)
{
	struct gql_map map = {0};
	uint32_t i, k;

	if (n > MANY_MEMBERS)
		reeve_gql_map_init(&map, r->arena, n);
	if (n > MANY_MEMBERS && !map.slots)
		return !fail_memory(r);
	for (i = 0; i < n; i++) {
		bool twice = map.slots &&
			     !reeve_gql_map_put(&map, members[i].name, members[i].name_len, r);

		for (k = 0; !map.slots && k < i && !twice; k++)
			twice = members[k].name_len == members[i].name_len &&
				!memcmp(members[k].name, members[i].name, members[i].name_len);
		if (twice)
			return !fail(r, "duplicate key");
	}
	return false;
}

static bool read_member(struct reader *r, struct reeve_gql_member *member)
{
	if (peek(r) != '"')
		return fail(r, r->at < r->len ? "unexpected character" : "unexpected end");
	if (!read_string(r, &member->name, &member->name_len))
		return false;
	skip_blanks(r);
	if (peek(r) != ':')
		return fail(r, r->at < r->len ? "unexpected character" : "unexpected end");
	r->at++;
	return read_value(r, &member->value);
}

static bool read_object(struct reader *r, struct reeve_gql_value *ret)
{
	struct gather g = {.item_bytes = sizeof(struct reeve_gql_member)};
	struct reeve_gql_member *member;
	bool ok = true;

	r->at++;
	skip_blanks(r);
	if (peek(r) == '}') {
		r->at++;
	} else {
		do {
			member = add_item(r, &g);
			if (!member || !read_member(r, member))
				return false;
		} while (more_items(r, '}', &ok));
	}
	if (!ok)
		return false;
	ret->kind = REEVE_GQL_VALUE_OBJECT;
	ret->count = g.total;
	ret->members = lay_out(r, &g);
	return ret->members && !has_duplicate(r, ret->members, ret->count);
}

static bool read_nested(struct reader *r, struct reeve_gql_value *ret)
{
	bool ok;

	if (r->nesting == r->max_nesting)
		return fail(r, "nested too deeply");
	r->nesting++;
	ok = peek(r) == '[' ? read_list(r, ret) : read_object(r, ret);
	r->nesting--;
	return ok;
}

static bool read_value(struct reader *r, struct reeve_gql_value *ret)
{
	skip_blanks(r);
	switch (peek(r)) {
	case '{':
	case '[':
		return read_nested(r, ret);
	case '"':
		ret->kind = REEVE_GQL_VALUE_STRING;
		return read_string(r, &ret->text, &ret->count);
	case 't':
		ret->kind = REEVE_GQL_VALUE_BOOL;
		ret->boolean = true;
		return read_word(r, "true");
	case 'f':
		ret->kind = REEVE_GQL_VALUE_BOOL;
		ret->boolean = false;
		return read_word(r, "false");
	case 'n':
		ret->kind = REEVE_GQL_VALUE_NULL;
		return read_word(r, "null");
	default:
		if (r->at >= r->len)
			return fail(r, "unexpected end");
		if (peek(r) == '-' || (peek(r) >= '0' && peek(r) <= '9'))
			return read_number(r, ret);
		return fail(r, "unexpected character");
	}
}

bool reeve_gql_json_read(struct gql_arena *arena, const char *text, size_t len,
	uint32_t max_nesting, struct reeve_gql_value *ret, struct gql_json_error *ret_error)
{
	struct reader r = {.arena = arena,
		.text = text,
		.len = len,
		.max_nesting = max_nesting,
		.error = ret_error};
	struct reeve_gql_value value = {0};

	if (len > UINT32_MAX / 2)
		return fail(&r, "text too long");
	if (!read_value(&r, &value))
		return false;
	skip_blanks(&r);
	if (r.at < r.len)
		return fail(&r, "unexpected character after the value");
	*ret = value;
	return true;
}
