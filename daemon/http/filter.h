/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - which requests are let in: judged from the request line and the headers alone.
 *
 * libmicrohttpd is lenient; two parsers in a row that read one message differently are how requests
 * are smuggled past a proxy. So whatever RFC 9112 leaves to the receiver's mercy is refused here,
 * before a byte of the body is looked at:
 *
 *	400  a header name that is no token; a control byte in a name or value; Content-Length that
 *	     is not one plain number, or is there twice; Transfer-Encoding other than `chunked`
 *	     alone, or on HTTP/1.0; both of them; Host missing, twice or malformed; another protocol
 *	     version; a target that does not start with '/'
 *	403  a Host that is not this listener's name (DNS rebinding); an Origin, or a fetch from a
 *	     page, that is not this server's own (cross-site request forgery)
 *	413  a body announced to be larger than the limit
 *
 * Pure: no I/O, no clock, no allocation.
 */
#ifndef REEVE_DAEMON_HTTP_FILTER_H
#define REEVE_DAEMON_HTTP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was seen of one request's headers. Zero it, add each header, then judge. Texts are borrowed. */
struct reeve_http_filter {
	const char *fault; /* first header that cannot be let in: the sentence for it */
	uint32_t hosts, lengths, encodings, origins, sites;
	const char *host;
	size_t host_len;
	const char *origin;
	size_t origin_len;
	const char *site; /* Sec-Fetch-Site */
	size_t site_len;
	uint64_t content_length;
	bool has_expect;
};

void reeve_http_filter_header(struct reeve_http_filter *filter, const char *name, size_t name_len,
	const char *value, size_t value_len);

struct reeve_http_judgement {
	int status; /* 0: let in */
	const char *code;
	const char *message;
};

/* `target` as on the request line. `guarded`: the target does things, so who asks matters. */
struct reeve_http_judgement reeve_http_filter_judge(const struct reeve_http_filter *filter,
	const char *method, const char *target, const char *version, bool guarded,
	uint64_t max_body_bytes);

/* "localhost" in any case, 127.x.y.z, or "[::1]"; with or without ":port". */
bool reeve_http_host_is_loopback(const char *host, size_t len);

/* An Origin of this server itself: "http://" and exactly the Host. */
bool reeve_http_origin_is_own(
	const char *origin, size_t origin_len, const char *host, size_t host_len);

#endif
