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
 *	     version; a target that does not start with '/'; Authorization, Content-Type, Origin or
 *	     Sec-Fetch-Site twice
 *	403  a Host that is not this listener's name (DNS rebinding); an Origin, or a fetch from a
 *	     page, that is not this server's own (cross-site request forgery)
 *	413  a body announced to be larger than the limit
 *	415  a body of a type that a form of any page can send without being asked
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
	uint32_t hosts, lengths, encodings, origins, sites, types, credentials;
	const char *host;
	size_t host_len;
	const char *origin;
	size_t origin_len;
	const char *site; /* Sec-Fetch-Site */
	size_t site_len;
	const char *type; /* Content-Type */
	size_t type_len;
	const char *authorization;
	size_t authorization_len;
	uint64_t content_length;
	bool has_expect;
};

void reeve_http_filter_header(struct reeve_http_filter *filter, const char *name, size_t name_len,
	const char *value, size_t value_len);

struct reeve_http_judgement {
	int status; /* 0: let in */
	const char *code;
	const char *message;
	const char *challenge;	/* value of WWW-Authenticate, or NULL */
	uint32_t retry_seconds; /* value of Retry-After; 0: none */
};

/* What is particular to a request's door and target. */
struct reeve_http_place {
	bool is_guarded; /* the target does things, so who asks matters, even of GET */
	bool is_open;	 /* the door is the network's: any number is a name of it */
	bool is_tls;
	const char *const *names; /* Host names besides, in any case */
	size_t n_names;
	uint64_t max_body_bytes;
};

/* `target` as on the request line. */
struct reeve_http_judgement reeve_http_filter_judge(const struct reeve_http_filter *filter,
	const char *method, const char *target, const char *version,
	const struct reeve_http_place *place);

/* "localhost" in any case, 127.x.y.z, or "[::1]"; with or without ":port". */
bool reeve_http_host_is_loopback(const char *host, size_t len);

/* An address, of IPv4 or of IPv6 in brackets, with or without ":port". Rebinding needs a name: a page
 * whose address is a number was fetched from that number. */
bool reeve_http_host_is_number(const char *host, size_t len);

/* An Origin of this server itself: "http://" or "https://", and exactly the Host. */
bool reeve_http_origin_is_own(
	const char *origin, size_t origin_len, const char *host, size_t host_len, bool is_tls);

#endif
