/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - whether a head's lines ended as they must, seen from where libmicrohttpd 0.9.75 put them.
 *
 * That version takes a bare CR, a bare LF and a NUL for the end of a line, and joins folded lines, and
 * tells nobody; a proxy in front that reads on sees other headers than we do. But it parses in
 * place: it overwrites each byte that ended something with NUL, and each text lies where it was
 * received. So in a head with proper lines every name begins two bytes behind the value before it,
 *
 *	GET_/x_HTTP/1.1__Host:_a__Accept:_b____	(_: a byte that became NUL, or a blank)
 *
 * and one or three bytes behind it, or anywhere else, if one of those was in between. What cannot be
 * told from CR LF is a NUL at the edge of a line beside a bare LF, as in NUL LF, LF NUL CR LF or
 * NUL CR LF LF, which become the same bytes; a proxy that lets a NUL through breaks RFC 9110 itself.
 * Later versions refuse such heads by themselves, when told to be strict; see loop.c.
 *
 * Reads no byte outside the received head, whose first and last bytes are given by the texts.
 */
#ifndef REEVE_DAEMON_HTTP_LINES_H
#define REEVE_DAEMON_HTTP_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct reeve_http_lines {
	const char *next; /* where the next name has to begin */
	bool is_broken;
};

/* The texts of the request line, as libmicrohttpd gives them; `target_len` of the target as sent. */
void reeve_http_lines_begin(struct reeve_http_lines *lines, const char *method, const char *target,
	size_t target_len, const char *version);
/* Each header, in order. */
void reeve_http_lines_header(struct reeve_http_lines *lines, const char *name, size_t name_len,
	const char *value, size_t value_len);
/* Whether all is well, after the last one; `end` is where the head does, behind its empty line. */
bool reeve_http_lines_end(const struct reeve_http_lines *lines, const char *end);

#endif
