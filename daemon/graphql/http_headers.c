#include "graphql/http.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "graphql/graphql.h"

/* ---- media types ---- */

/* One element of a header: type and parameters, as pieces of the text. */
struct media_range {
	const char *type;
	size_t type_len;
	unsigned quality; /* thousandths */
	bool foreign;	  /* a charset other than UTF-8 */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool text_is(const char *text, size_t len, const char *want)
{
	return strlen(want) == len && !strncasecmp(text, want, len);
}

/* "0.5" as 500; malformed as 0. */
static unsigned read_quality(const char *text, size_t len)
{
	unsigned value = 0, scale = 1000;
	size_t i;

	if (!len || (text[0] != '0' && text[0] != '1') || (len > 1 && text[1] != '.') || len > 5)
		return 0;
	for (i = 0; i < len; i++) {
		if (i == 1)
			continue;
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value += (unsigned)(text[i] - '0') * scale;
		scale /= 10;
	}
	return value > 1000 ? 0 : value;
}

/* A parameter between ';' and ';' or ','. */
static void read_parameter(struct media_range *range, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len, value_len;
	const char *value;

	if (!equals)
		return;
	name_len = (size_t)(equals - text);
	value = equals + 1;
	value_len = len - name_len - 1;
	if (value_len >= 2 && value[0] == '"' && value[value_len - 1] == '"') {
		value++;
		value_len -= 2;
	}
	if (text_is(text, name_len, "q"))
		range->quality = read_quality(value, value_len);
	if (text_is(text, name_len, "charset"))
		range->foreign =
			!text_is(value, value_len, "utf-8") && !text_is(value, value_len, "utf8");
}

static size_t trim(const char **text, size_t len)
{
	while (len && is_blank(**text)) {
		++*text;
		len--;
	}
	while (len && is_blank((*text)[len - 1]))
		len--;
	return len;
}

/* Takes the next element off *at; false at the end. */
static bool next_range(const char **at, struct media_range *range)
{
	bool first = true;

	*range = (struct media_range){.quality = 1000};
	if (!**at)
		return false;
	for (;;) {
		size_t raw = strcspn(*at, ";,"), len;
		const char *text = *at;

		len = trim(&text, raw);
		if (first) {
			range->type = text;
			range->type_len = len;
		} else {
			read_parameter(range, text, len);
		}
		first = false;
		*at += raw;
		if (!**at)
			return true;
		if (*(*at)++ == ',')
			return true;
	}
}

static enum gql_media media_of(const struct media_range *range)
{
	if (text_is(range->type, range->type_len, "application/json") ||
		text_is(range->type, range->type_len, "application/*") ||
		text_is(range->type, range->type_len, "*/*"))
		return GQL_MEDIA_JSON;
	if (text_is(range->type, range->type_len, "application/graphql-response+json"))
		return GQL_MEDIA_GRAPHQL;
	if (text_is(range->type, range->type_len, "text/event-stream"))
		return GQL_MEDIA_STREAM;
	return GQL_MEDIA_NONE;
}

static bool is_wildcard(const struct media_range *range)
{
	return range->type_len && range->type[range->type_len - 1] == '*';
}

struct gql_accept reeve_gql_http_accept(const char *header)
{
	struct gql_accept accept = {GQL_MEDIA_NONE, false};
	unsigned best = 0, quality;
	struct media_range range;
	const char *at = header;

	if (!header || !header[strspn(header, " \t")]) {
		accept.media = GQL_MEDIA_JSON;
		return accept;
	}
	while (next_range(&at, &range)) {
		enum gql_media media = media_of(&range);

		if (media == GQL_MEDIA_NONE || range.foreign || !range.quality)
			continue;
		if (media == GQL_MEDIA_STREAM) {
			accept.stream = true;
			continue;
		}
		/* What is named goes before what a wildcard allows, at the same quality. */
		quality = range.quality * 2 + !is_wildcard(&range);
		if (quality > best) {
			best = quality;
			accept.media = media;
		}
	}
	return accept;
}

bool reeve_gql_http_accepts_json(const char *header)
{
	static const char *const names[] = {"*/*", "application/*", "application/json"};
	struct media_range range;
	const char *at = header;
	bool accepts = false;
	size_t best = 0, i;

	if (!header || !header[strspn(header, " \t")])
		return true;
	while (next_range(&at, &range)) {
		for (i = best; i < sizeof(names) / sizeof(names[0]); i++) {
			if (range.foreign || !text_is(range.type, range.type_len, names[i]))
				continue;
			best = i;
			accepts = range.quality > 0;
		}
	}
	return accepts;
}

bool reeve_gql_http_is_type(const char *content_type, const char *type)
{
	struct media_range range;

	return content_type && next_range(&content_type, &range) && !range.foreign &&
	       !*content_type && text_is(range.type, range.type_len, type);
}

bool reeve_gql_http_is_json(const char *content_type)
{
	return reeve_gql_http_is_type(content_type, "application/json");
}

/* ---- query strings ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

long reeve_gql_http_unescape(const char *text, size_t len, bool form, char *out)
{
	char *first = out;
	size_t i;

	for (i = 0; i < len; i++) {
		if (form && text[i] == '+') {
			*out++ = ' ';
		} else if (text[i] == '%') {
			int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
			int low = len - i > 2 ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			*out++ = (char)(high * 16 + low);
			i += 2;
		} else {
			*out++ = text[i];
		}
	}
	return out - first;
}

static bool is_utf8(const char *text, size_t len)
{
	size_t n;

	for (; len; text += n, len -= n) {
		n = reeve_json_utf8_len(text, len);
		if (!n)
			return false;
	}
	return true;
}

static struct reeve_gql_text *find_parameter(
	struct reeve_gql_http_request *request, const char *name, size_t len)
{
	const struct {
		const char *name;
		struct reeve_gql_text *text;
	} known[] = {
		{"query", &request->query},
		{"operationName", &request->operation_name},
		{"variables", &request->variables},
		{"extensions", &request->extensions},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len && !memcmp(known[i].name, name, len))
			return known[i].text;
	return NULL;
}

int reeve_gql_http_decode_query(
	const char *text, size_t len, char *buffer, struct reeve_gql_http_request *request)
{
	const char *end = text + len;

	while (text < end) {
		const char *stop = memchr(text, '&', (size_t)(end - text));
		const char *last = stop ? stop : end;
		const char *equals = memchr(text, '=', (size_t)(last - text));
		size_t name_len = (size_t)((equals ? equals : last) - text);
		struct reeve_gql_text *parameter = find_parameter(request, text, name_len);

		if (parameter) {
			const char *value = equals ? equals + 1 : last;
			long n = reeve_gql_http_unescape(
				value, (size_t)(last - value), true, buffer);

			if (parameter->data || n < 0 || !is_utf8(buffer, (size_t)n))
				return -1;
			parameter->data = buffer;
			parameter->len = (size_t)n;
			buffer += n;
		}
		text = stop ? stop + 1 : end;
	}
	return 0;
}
