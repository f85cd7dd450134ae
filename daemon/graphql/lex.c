/* Tokens. The grammar is section 2.1 of the specification; messages are worded as graphql-js has
 * them, since clients show them. */
#include "graphql/syntax.h"

#include <stdarg.h>
#include <stdio.h>

#include "json/json.h"

/* Longest message of a syntax error, bytes. */
#define MESSAGE_BYTES 512u

void reeve_gql_lexer_fail(struct gql_lexer *lexer, uint32_t pos, const char *format, ...)
{
	char text[MESSAGE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	lexer->error_pos = pos;
	lexer->message = reeve_gql_arena_printf(lexer->arena, "Syntax Error: %s", text);
	longjmp(*lexer->bail, GQL_SYNTAX_ERROR);
}

void reeve_gql_locate(
	const char *text, uint32_t len, uint32_t pos, uint32_t *ret_line, uint32_t *ret_column)
{
	uint32_t line = 1, column = 1, i;

	for (i = 0; i < pos && i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n' || (c == '\r' && !(i + 1 < len && text[i + 1] == '\n'))) {
			line++;
			column = 1;
		} else if ((c & 0xC0) != 0x80) {
			column += c >= 0xF0 ? 2 : 1;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

/* Byte at `ahead` of the current position; 0 at the end (a NUL within the text reads the same, and
 * is no part of any token outside strings). */
static unsigned char peek_byte(const struct gql_lexer *lexer, uint32_t ahead)
{
	if (ahead >= lexer->len - lexer->at)
		return 0;
	return (unsigned char)lexer->text[lexer->at + ahead];
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static uint32_t decode_point(const unsigned char *s, size_t n)
{
	switch (n) {
	case 2:
		return (uint32_t)(s[0] & 0x1F) << 6 | (s[1] & 0x3Fu);
	case 3:
		return (uint32_t)(s[0] & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 |
		       (s[2] & 0x3Fu);
	case 4:
		return (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3F) << 12 |
		       (uint32_t)(s[2] & 0x3F) << 6 | (s[3] & 0x3Fu);
	default:
		return s[0];
	}
}

struct point_text {
	char text[16];
};

/* The character at pos as messages show it. */
static struct point_text describe_point(const struct gql_lexer *lexer, uint32_t pos)
{
	struct point_text out;
	const char *at = lexer->text + pos;
	uint32_t point;

	if (pos >= lexer->len) {
		snprintf(out.text, sizeof(out.text), "<EOF>");
		return out;
	}
	point = decode_point((const unsigned char *)at, reeve_json_utf8_len(at, lexer->len - pos));
	if (point == '"')
		snprintf(out.text, sizeof(out.text), "'\"'");
	else if (point >= 0x20 && point <= 0x7E)
		snprintf(out.text, sizeof(out.text), "\"%c\"", (int)point);
	else
		snprintf(out.text, sizeof(out.text), "U+%04X", point);
	return out;
}

static void skip_ignored(struct gql_lexer *lexer)
{
	for (;;) {
		unsigned char c = peek_byte(lexer, 0);

		if (c == ' ' || c == '\t' || c == ',' || c == '\n' || c == '\r') {
			lexer->at++;
		} else if (c == '#') {
			while (lexer->at < lexer->len && peek_byte(lexer, 0) != '\n' &&
				peek_byte(lexer, 0) != '\r')
				lexer->at++;
		} else if (c == 0xEF && peek_byte(lexer, 1) == 0xBB &&
			   peek_byte(lexer, 2) == 0xBF) {
			lexer->at += 3;
		} else {
			return;
		}
	}
}

static void read_digits(struct gql_lexer *lexer)
{
	if (!is_digit(peek_byte(lexer, 0)))
		reeve_gql_lexer_fail(lexer, lexer->at,
			"Invalid number, expected digit but got: %s.",
			describe_point(lexer, lexer->at).text);
	while (is_digit(peek_byte(lexer, 0)))
		lexer->at++;
}

static void read_number(struct gql_lexer *lexer, struct gql_token *token)
{
	token->kind = GQL_TOKEN_INT;
	if (peek_byte(lexer, 0) == '-')
		lexer->at++;
	if (peek_byte(lexer, 0) == '0') {
		lexer->at++;
		if (is_digit(peek_byte(lexer, 0)))
			reeve_gql_lexer_fail(lexer, lexer->at,
				"Invalid number, unexpected digit after 0: %s.",
				describe_point(lexer, lexer->at).text);
	} else {
		read_digits(lexer);
	}
	if (peek_byte(lexer, 0) == '.') {
		token->kind = GQL_TOKEN_FLOAT;
		lexer->at++;
		read_digits(lexer);
	}
	if (peek_byte(lexer, 0) == 'e' || peek_byte(lexer, 0) == 'E') {
		token->kind = GQL_TOKEN_FLOAT;
		lexer->at++;
		if (peek_byte(lexer, 0) == '+' || peek_byte(lexer, 0) == '-')
			lexer->at++;
		read_digits(lexer);
	}
	/* Neither '.' nor a name may follow at once. */
	if (peek_byte(lexer, 0) == '.' || is_name_start(peek_byte(lexer, 0)))
		reeve_gql_lexer_fail(lexer, lexer->at,
			"Invalid number, expected digit but got: %s.",
			describe_point(lexer, lexer->at).text);
	token->text = lexer->text + token->pos;
	token->len = lexer->at - token->pos;
}

static int hex_digit(unsigned char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four hex digits at `ahead`; negative if they are not. */
static int32_t read_hex4(const struct gql_lexer *lexer, uint32_t ahead)
{
	int32_t point = 0;
	uint32_t i;

	for (i = 0; i < 4; i++) {
		int digit = hex_digit(peek_byte(lexer, ahead + i));

		if (digit < 0)
			return -1;
		point = point * 16 + digit;
	}
	return point;
}

static char *put_point(char *out, uint32_t point)
{
	if (point < 0x80) {
		*out++ = (char)point;
	} else if (point < 0x800) {
		*out++ = (char)(0xC0 | point >> 6);
		*out++ = (char)(0x80 | (point & 0x3F));
	} else if (point < 0x10000) {
		*out++ = (char)(0xE0 | point >> 12);
		*out++ = (char)(0x80 | (point >> 6 & 0x3F));
		*out++ = (char)(0x80 | (point & 0x3F));
	} else {
		*out++ = (char)(0xF0 | point >> 18);
		*out++ = (char)(0x80 | (point >> 12 & 0x3F));
		*out++ = (char)(0x80 | (point >> 6 & 0x3F));
		*out++ = (char)(0x80 | (point & 0x3F));
	}
	return out;
}

/* At a "\u" that is not what it should be: shows up to `size` bytes of it. */
static void __attribute__((noreturn)) fail_unicode(struct gql_lexer *lexer, uint32_t size)
{
	uint32_t rest = lexer->len - lexer->at;

	if (size > rest)
		size = rest;
	while (size < rest && ((unsigned char)lexer->text[lexer->at + size] & 0xC0) == 0x80)
		size++;
	reeve_gql_lexer_fail(lexer, lexer->at, "Invalid Unicode escape sequence: \"%.*s\".",
		(int)size, lexer->text + lexer->at);
}

/* Strings are C strings to most who read them, so none has a NUL in it. */
static void __attribute__((noreturn)) fail_nul(struct gql_lexer *lexer)
{
	reeve_gql_lexer_fail(lexer, lexer->at, "Invalid character within String: U+0000.");
}

/* \u{X...}, at the backslash. */
static char *read_braced_escape(struct gql_lexer *lexer, char *out)
{
	uint32_t size = 3, point = 0;

	while (size < 12) {
		unsigned char c = peek_byte(lexer, size++);
		int digit = hex_digit(c);

		if (c == '}') {
			if (size < 5 || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
				break;
			if (!point)
				fail_nul(lexer);
			lexer->at += size;
			return put_point(out, point);
		}
		if (digit < 0)
			break;
		point = point << 4 | (uint32_t)digit;
	}
	fail_unicode(lexer, size);
}

/* \uXXXX, or two of them that form a surrogate pair. */
static char *read_fixed_escape(struct gql_lexer *lexer, char *out)
{
	int32_t high = read_hex4(lexer, 2), low;

	if (!high)
		fail_nul(lexer);
	if (high > 0 && (high < 0xD800 || high > 0xDFFF)) {
		lexer->at += 6;
		return put_point(out, (uint32_t)high);
	}
	if (high >= 0xD800 && high <= 0xDBFF && peek_byte(lexer, 6) == '\\' &&
		peek_byte(lexer, 7) == 'u') {
		low = read_hex4(lexer, 8);
		if (low >= 0xDC00 && low <= 0xDFFF) {
			lexer->at += 12;
			return put_point(out, 0x10000u + ((uint32_t)(high - 0xD800) << 10) +
						      (uint32_t)(low - 0xDC00));
		}
	}
	fail_unicode(lexer, 6);
}

static char *read_escape(struct gql_lexer *lexer, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned char c = peek_byte(lexer, 1);
	const char *found;
	uint32_t size = 2;

	if (c == 'u' && peek_byte(lexer, 2) == '{')
		return read_braced_escape(lexer, out);
	if (c == 'u')
		return read_fixed_escape(lexer, out);
	found = c ? strchr(from, c) : NULL;
	if (!found) {
		while (lexer->at + size < lexer->len && (peek_byte(lexer, size) & 0xC0) == 0x80)
			size++;
		if (lexer->at + size > lexer->len)
			size = lexer->len - lexer->at;
		reeve_gql_lexer_fail(lexer, lexer->at,
			"Invalid character escape sequence: \"%.*s\".", (int)size,
			lexer->text + lexer->at);
	}
	*out++ = to[found - from];
	lexer->at += 2;
	return out;
}

/* Bytes to the closing quote, a line end or the end of the text: the decoded string is no longer,
 * since every escape is longer than what it stands for. */
static uint32_t measure_string(const struct gql_lexer *lexer)
{
	uint32_t n = 0;

	while (lexer->at + n < lexer->len) {
		unsigned char c = peek_byte(lexer, n);

		if (c == '"' || c == '\n' || c == '\r')
			break;
		n += c == '\\' ? 2 : 1;
	}
	return n;
}

static void read_string(struct gql_lexer *lexer, struct gql_token *token)
{
	char *out;

	lexer->at++;
	token->kind = GQL_TOKEN_STRING;
	token->text = out = reeve_gql_arena_alloc(lexer->arena, measure_string(lexer) + 1);
	for (;;) {
		unsigned char c = peek_byte(lexer, 0);

		if (lexer->at >= lexer->len || c == '\n' || c == '\r')
			reeve_gql_lexer_fail(lexer, lexer->at, "Unterminated string.");
		if (c == '"')
			break;
		if (!c)
			fail_nul(lexer);
		if (c == '\\') {
			out = read_escape(lexer, out);
		} else {
			*out++ = (char)c;
			lexer->at++;
		}
	}
	lexer->at++;
	*out = 0;
	token->len = (uint32_t)(out - token->text);
}

/* Copies a block string's text with line ends made '\n' and \""" made """; returns its length. */
static uint32_t read_block_raw(struct gql_lexer *lexer, char *out)
{
	char *first = out;

	for (;;) {
		unsigned char c = peek_byte(lexer, 0);

		if (lexer->at >= lexer->len)
			reeve_gql_lexer_fail(lexer, lexer->at, "Unterminated string.");
		if (c == '"' && peek_byte(lexer, 1) == '"' && peek_byte(lexer, 2) == '"')
			break;
		if (c == '\\' && peek_byte(lexer, 1) == '"' && peek_byte(lexer, 2) == '"' &&
			peek_byte(lexer, 3) == '"') {
			memcpy(out, "\"\"\"", 3);
			out += 3;
			lexer->at += 4;
			continue;
		}
		if (!c)
			fail_nul(lexer);
		lexer->at++;
		if (c == '\r') {
			if (peek_byte(lexer, 0) == '\n')
				lexer->at++;
			c = '\n';
		}
		*out++ = (char)c;
	}
	lexer->at += 3;
	return (uint32_t)(out - first);
}

struct line {
	const char *text;
	uint32_t len;
	uint32_t indent; /* leading blanks; == len for a blank line */
};

/* Takes the next line off *text. False after the last. */
static bool next_line(const char **text, const char *end, struct line *ret)
{
	const char *stop, *at = *text;

	if (!at)
		return false;
	stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
	*text = stop ? stop + 1 : NULL;
	ret->text = at;
	ret->len = (uint32_t)((stop ? stop : end) - at);
	ret->indent = 0;
	while (ret->indent < ret->len && (at[ret->indent] == ' ' || at[ret->indent] == '\t'))
		ret->indent++;
	return true;
}

/* BlockStringValue() of the specification, in place; returns the new length. */
static uint32_t dedent_block(char *text, uint32_t len)
{
	uint32_t common = UINT32_MAX, first = UINT32_MAX, last = 0, i;
	const char *at = text, *end = text + len;
	char *out = text;
	struct line line;

	for (i = 0; next_line(&at, end, &line); i++) {
		if (line.indent == line.len)
			continue;
		if (first == UINT32_MAX)
			first = i;
		last = i;
		if (i && line.indent < common)
			common = line.indent;
	}
	if (first == UINT32_MAX)
		return 0;
	at = text;
	for (i = 0; next_line(&at, end, &line) && i <= last; i++) {
		uint32_t cut = !i ? 0 : common < line.len ? common : line.len;

		if (i < first)
			continue;
		if (i > first)
			*out++ = '\n';
		memmove(out, line.text + cut, line.len - cut);
		out += line.len - cut;
	}
	return (uint32_t)(out - text);
}

/* Bytes to the closing quotes, or to the end of the text. */
static uint32_t measure_block(const struct gql_lexer *lexer)
{
	uint32_t n = 0;

	while (lexer->at + n < lexer->len) {
		if (peek_byte(lexer, n) == '"' && peek_byte(lexer, n + 1) == '"' &&
			peek_byte(lexer, n + 2) == '"')
			break;
		if (peek_byte(lexer, n) == '\\' && peek_byte(lexer, n + 1) == '"' &&
			peek_byte(lexer, n + 2) == '"' && peek_byte(lexer, n + 3) == '"')
			n += 3;
		n++;
	}
	return n;
}

static void read_block_string(struct gql_lexer *lexer, struct gql_token *token)
{
	uint32_t raw;
	char *text;

	lexer->at += 3;
	text = reeve_gql_arena_alloc(lexer->arena, measure_block(lexer) + 1);
	raw = read_block_raw(lexer, text);
	token->kind = GQL_TOKEN_BLOCK_STRING;
	token->text = text;
	token->len = dedent_block(text, raw);
	text[token->len] = 0;
}

static void read_name(struct gql_lexer *lexer, struct gql_token *token)
{
	token->kind = GQL_TOKEN_NAME;
	token->text = lexer->text + lexer->at;
	while (is_name_start(peek_byte(lexer, 0)) || is_digit(peek_byte(lexer, 0)))
		lexer->at++;
	token->len = lexer->at - token->pos;
}

/* Punctuators of one byte; GQL_TOKEN_SOF for anything else. */
static enum gql_token_kind punctuator(unsigned char c)
{
	switch (c) {
	case '!':
		return GQL_TOKEN_BANG;
	case '$':
		return GQL_TOKEN_DOLLAR;
	case '&':
		return GQL_TOKEN_AMP;
	case '(':
		return GQL_TOKEN_PAREN_L;
	case ')':
		return GQL_TOKEN_PAREN_R;
	case ':':
		return GQL_TOKEN_COLON;
	case '=':
		return GQL_TOKEN_EQUALS;
	case '@':
		return GQL_TOKEN_AT;
	case '[':
		return GQL_TOKEN_BRACKET_L;
	case ']':
		return GQL_TOKEN_BRACKET_R;
	case '{':
		return GQL_TOKEN_BRACE_L;
	case '|':
		return GQL_TOKEN_PIPE;
	case '}':
		return GQL_TOKEN_BRACE_R;
	default:
		return GQL_TOKEN_SOF;
	}
}

static void __attribute__((noreturn)) fail_character(struct gql_lexer *lexer)
{
	if (peek_byte(lexer, 0) == '\'')
		reeve_gql_lexer_fail(lexer, lexer->at,
			"Unexpected single quote character ('), did you mean to use a double quote "
			"(\")?");
	reeve_gql_lexer_fail(lexer, lexer->at, "Unexpected character: %s.",
		describe_point(lexer, lexer->at).text);
}

static void read_token(struct gql_lexer *lexer, struct gql_token *token, unsigned char c)
{
	token->kind = punctuator(c);
	if (token->kind != GQL_TOKEN_SOF) {
		lexer->at++;
	} else if (is_name_start(c)) {
		read_name(lexer, token);
	} else if (is_digit(c) || c == '-') {
		read_number(lexer, token);
	} else if (c == '"' && peek_byte(lexer, 1) == '"' && peek_byte(lexer, 2) == '"') {
		read_block_string(lexer, token);
	} else if (c == '"') {
		read_string(lexer, token);
	} else if (c == '.' && peek_byte(lexer, 1) == '.' && peek_byte(lexer, 2) == '.') {
		token->kind = GQL_TOKEN_SPREAD;
		lexer->at += 3;
	} else {
		fail_character(lexer);
	}
}

void reeve_gql_lexer_next(struct gql_lexer *lexer, struct gql_token *token)
{
	skip_ignored(lexer);
	token->pos = lexer->at;
	token->text = NULL;
	token->len = 0;
	if (lexer->at >= lexer->len)
		token->kind = GQL_TOKEN_EOF;
	else
		read_token(lexer, token, peek_byte(lexer, 0));
	token->end = lexer->at;
}
