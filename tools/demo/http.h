/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - one keep-alive HTTP/1.1 connection to a server on this machine, for the demonstration.
 *
 * One request at a time: http_post, then http_step whenever the socket is ready, until it says that
 * the response is there. Responses carry Content-Length, as reeved's do; others are an error. A
 * connection belongs to one thread. After an error only http_close may be called.
 */
#ifndef REEVE_DEMO_HTTP_H
#define REEVE_DEMO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_conn {
	int fd; /* -1: closed */
	uint16_t port;
	char *out; /* request */
	size_t out_len, out_cap, out_sent;
	char *in; /* response so far, NUL-terminated */
	size_t in_len, in_cap;
	size_t body_at;	 /* where in `in` the body begins; 0: headers not complete */
	size_t body_len; /* by Content-Length */
	int status;
};
#define HTTP_CONN_INIT                                                                             \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Connects to 127.0.0.1:port. 0, or -1 with errno. */
int http_open(struct http_conn *conn, uint16_t port);
/* Closes and frees; the struct can be opened again. */
void http_close(struct http_conn *conn);

/* Begins POST of a JSON body; the socket may take only a part of it now. 0, or -1. */
int http_post(struct http_conn *conn, const char *path, const char *body, size_t len);
int http_get(struct http_conn *conn, const char *path);
/* Sends and receives what is possible now: 1 response complete, 0 not yet, -1 connection broken. */
int http_step(struct http_conn *conn);
bool http_wants_write(const struct http_conn *conn);
/* http_step until complete or `timeout_ms` has passed or a signal came. 0, or -1. */
int http_wait(struct http_conn *conn, int timeout_ms);

/* The response's body, valid until the next request. */
static inline const char *http_body(const struct http_conn *conn)
{
	return conn->in + conn->body_at;
}

#endif
