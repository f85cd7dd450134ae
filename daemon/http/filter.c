/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - see filter.h. */
#include "http/filter.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* A digit more than any length we take could be a number that wraps somewhere else. */
#define MAX_LENGTH_DIGITS 18

static bool is_token_char(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_token_char((unsigned char)text[i]))
			return false;
	}
	return len > 0;
}

/* Tab is the one control byte that a value may hold. */
static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static bool equals(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static bool parse_length(const char *text, size_t len, uint64_t *ret_length)
{
	uint64_t length = 0;
	if (len == 0 || len > MAX_LENGTH_DIGITS)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		length = length * 10 + (uint64_t)(text[i] - '0');
	}
	*ret_length = length;
	return true;
}

static const char *note_length(struct reeve_http_filter *filter, const char *value, size_t len)
{
	filter->lengths++;
	if (!parse_length(value, len, &filter->content_length))
		return "Content-Length must be one decimal number.";
	return NULL;
}

static const char *note_encoding(struct reeve_http_filter *filter, const char *value, size_t len)
{
	filter->encodings++;
	if (!equals(value, len, "chunked"))
		return "Transfer-Encoding must be chunked, or absent.";
	return NULL;
}

static const char *note_header(struct reeve_http_filter *filter, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	if (!is_token(name, name_len))
		return "A header name has a character that names do not have.";
	if (has_control(value, value_len))
		return "A header value has a control byte.";
	if (equals(name, name_len, "Content-Length"))
		return note_length(filter, value, value_len);
	if (equals(name, name_len, "Transfer-Encoding"))
		return note_encoding(filter, value, value_len);
	if (equals(name, name_len, "Host")) {
		filter->hosts++;
		filter->host = value;
		filter->host_len = value_len;
	} else if (equals(name, name_len, "Origin")) {
		filter->origins++;
		filter->origin = value;
		filter->origin_len = value_len;
	} else if (equals(name, name_len, "Sec-Fetch-Site")) {
		filter->sites++;
		filter->site = value;
		filter->site_len = value_len;
	} else if (equals(name, name_len, "Content-Type")) {
		filter->types++;
		filter->type = value;
		filter->type_len = value_len;
	} else if (equals(name, name_len, "Authorization")) {
		filter->credentials++;
		filter->authorization = value;
		filter->authorization_len = value_len;
	} else if (equals(name, name_len, "Expect")) {
		filter->has_expect = true;
	}
	return NULL;
}

void reeve_http_filter_header(struct reeve_http_filter *filter, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	const char *fault = note_header(filter, name, name_len, value ? value : "", value_len);
	if (fault != NULL && filter->fault == NULL)
		filter->fault = fault;
}

/* The first of the reasons why two parsers could disagree about this message, or NULL. */
static const char *find_ambiguity(const struct reeve_http_filter *filter, const char *method,
	const char *target, const char *version)
{
	bool is_old = strcmp(version, "HTTP/1.0") == 0;
	if (!is_old && strcmp(version, "HTTP/1.1") != 0)
		return "Only HTTP/1.0 and HTTP/1.1 are spoken here.";
	if (!is_token(method, strlen(method)))
		return "The method is not a token.";
	if (target[0] != '/' || has_control(target, strlen(target)) ||
		strpbrk(target, " \t") != NULL)
		return "The request target must be a path.";
	if (filter->fault != NULL)
		return filter->fault;
	if (filter->lengths > 1)
		return "Content-Length is there twice.";
	if (filter->encodings > 1 || (filter->encodings == 1 && is_old))
		return "Transfer-Encoding must be there once, and on HTTP/1.1 only.";
	if (filter->lengths + filter->encodings > 1)
		return "Content-Length and Transfer-Encoding exclude each other.";
	if (filter->hosts != 1)
		return "There must be exactly one Host header.";
	if (filter->origins > 1 || filter->sites > 1)
		return "Origin and Sec-Fetch-Site must not be there twice.";
	if (filter->types > 1 || filter->credentials > 1)
		return "Content-Type and Authorization must not be there twice.";
	return NULL;
}

static bool is_own_page(const struct reeve_http_filter *filter, bool is_tls)
{
	if (filter->origins == 1 && !reeve_http_origin_is_own(filter->origin, filter->origin_len,
					    filter->host, filter->host_len, is_tls))
		return false;
	return filter->sites == 0 || equals(filter->site, filter->site_len, "same-origin") ||
	       equals(filter->site, filter->site_len, "none");
}

/* Length of the name in "name" or "name:port"; 0 when what follows the name is no port. */
static size_t split_port(const char *host, size_t len)
{
	size_t end = 0;
	if (len > 0 && host[0] == '[') {
		const char *bracket = memchr(host, ']', len);
		if (bracket == NULL)
			return 0;
		end = (size_t)(bracket - host) + 1;
	} else {
		while (end < len && host[end] != ':')
			end++;
	}
	if (end == len)
		return end;
	if (host[end] != ':' || len - end > 6)
		return 0;
	for (size_t i = end + 1; i < len; i++) {
		if (host[i] < '0' || host[i] > '9')
			return 0;
	}
	return end;
}

/* 127.0.0.0/8 in dotted form; no name of the DNS looks like that. */
static bool is_loopback_number(const char *host, size_t len)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;
	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 &&
	       ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool reeve_http_host_is_loopback(const char *host, size_t len)
{
	size_t name_len = split_port(host, len);
	return equals(host, name_len, "localhost") || equals(host, name_len, "[::1]") ||
	       is_loopback_number(host, name_len);
}

bool reeve_http_host_is_number(const char *host, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t name_len = split_port(host, len);
	bool is_six = name_len > 2 && host[0] == '[';
	if (is_six) {
		host++;
		name_len -= 2;
	}
	if (name_len == 0 || name_len >= sizeof(text))
		return false;
	memcpy(text, host, name_len);
	text[name_len] = '\0';
	return inet_pton(is_six ? AF_INET6 : AF_INET, text, &address) == 1;
}

static bool is_own_host(
	const struct reeve_http_filter *filter, const struct reeve_http_place *place)
{
	const char *host = filter->host;
	if (reeve_http_host_is_loopback(host, filter->host_len))
		return true;
	size_t name_len = split_port(host, filter->host_len);
	for (size_t i = 0; i < place->n_names; i++) {
		if (equals(host, name_len, place->names[i]))
			return true;
	}
	return place->is_open && reeve_http_host_is_number(host, filter->host_len);
}

bool reeve_http_origin_is_own(
	const char *origin, size_t origin_len, const char *host, size_t host_len, bool is_tls)
{
	const char *scheme = is_tls ? "https://" : "http://";
	size_t scheme_len = strlen(scheme);
	return origin_len == scheme_len + host_len && host_len > 0 &&
	       strncasecmp(origin, scheme, scheme_len) == 0 &&
	       strncasecmp(origin + scheme_len, host, host_len) == 0;
}

/* Types that a page of any site can make a browser send without asking this server first. */
static bool is_form(const struct reeve_http_filter *filter)
{
	static const char *const types[] = {
		"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"};
	size_t len = 0;
	while (len < filter->type_len && strchr("; \t,", filter->type[len]) == NULL)
		len++;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (equals(filter->type, len, types[i]))
			return true;
	}
	return false;
}

static struct reeve_http_judgement judge(int status, const char *code, const char *message)
{
	return (struct reeve_http_judgement){.status = status, .code = code, .message = message};
}

struct reeve_http_judgement reeve_http_filter_judge(const struct reeve_http_filter *filter,
	const char *method, const char *target, const char *version,
	const struct reeve_http_place *place)
{
	bool only_reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	const char *fault = find_ambiguity(filter, method, target, version);
	if (fault != NULL)
		return judge(400, "INVALID_ARGUMENT", fault);
	if (!is_own_host(filter, place))
		return judge(403, "PERMISSION_DENIED",
			place->is_open ? "The Host must be an address, or a name given to --host."
				       : "The Host must be localhost, 127.0.0.1 or [::1].");
	if ((place->is_guarded || !only_reads) && !is_own_page(filter, place->is_tls))
		return judge(403, "PERMISSION_DENIED",
			"Requests from pages of other sites are refused.");
	if (!only_reads && is_form(filter))
		return judge(415, "INVALID_ARGUMENT", "What forms send is not taken here.");
	if (filter->lengths == 1 && filter->content_length > place->max_body_bytes)
		return judge(413, "RESOURCE_EXHAUSTED", "The request body is too large.");
	return judge(0, NULL, NULL);
}
