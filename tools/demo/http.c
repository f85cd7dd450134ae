/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - see http.h. */
#include "http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

/* No response of the demonstration is near this; more is a mistake. */
#define MAX_RESPONSE_BYTES ((size_t)16 << 20)

int http_open(struct http_conn *conn, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	conn->port = port;
	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return -1;
	/* Connecting on loopback does not wait; only what follows is non-blocking. */
	if (connect(conn->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		int saved = errno;
		http_close(conn);
		errno = saved;
		return -1;
	}
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

void http_close(struct http_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	free(conn->out);
	free(conn->in);
	*conn = (struct http_conn)HTTP_CONN_INIT;
}

static int reserve(char **buffer, size_t *cap, size_t need)
{
	size_t size = *cap ? *cap : 4096;
	char *grown;

	if (need <= *cap)
		return 0;
	while (size < need)
		size *= 2;
	grown = size > MAX_RESPONSE_BYTES ? NULL : realloc(*buffer, size);
	if (!grown) {
		errno = ENOMEM;
		return -1;
	}
	*buffer = grown;
	*cap = size;
	return 0;
}

static int send_some(struct http_conn *conn)
{
	while (conn->out_sent < conn->out_len) {
		ssize_t sent = send(conn->fd, conn->out + conn->out_sent,
			conn->out_len - conn->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		conn->out_sent += (size_t)sent;
	}
	return 0;
}

static int begin(
	struct http_conn *conn, const char *method, const char *path, const char *body, size_t len)
{
	char head[256];
	int head_len = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: application/json\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		method, path, (unsigned)conn->port, len);

	if (conn->fd < 0 || head_len < 0 || (size_t)head_len >= sizeof(head)) {
		errno = EINVAL;
		return -1;
	}
	if (reserve(&conn->out, &conn->out_cap, (size_t)head_len + len) != 0)
		return -1;
	memcpy(conn->out, head, (size_t)head_len);
	memcpy(conn->out + head_len, body, len);
	conn->out_len = (size_t)head_len + len;
	conn->out_sent = 0;
	conn->in_len = 0;
	conn->body_at = 0;
	return send_some(conn);
}

int http_post(struct http_conn *conn, const char *path, const char *body, size_t len)
{
	return begin(conn, "POST", path, body, len);
}

int http_get(struct http_conn *conn, const char *path)
{
	return begin(conn, "GET", path, "", 0);
}

bool http_wants_write(const struct http_conn *conn)
{
	return conn->out_sent < conn->out_len;
}

/* Reads status and length once the headers are complete. 0, also when they are not; or -1. */
static int parse_head(struct http_conn *conn)
{
	char *end = strstr(conn->in, "\r\n\r\n");
	char *length = NULL;

	if (!end)
		return 0;
	if (sscanf(conn->in, "HTTP/1.1 %d", &conn->status) != 1)
		return -1;
	for (char *line = strstr(conn->in, "\r\n"); line && line < end;
		line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, "Content-Length:", 15) == 0)
			length = line + 17;
	if (!length)
		return -1;
	conn->body_len = strtoul(length, NULL, 10);
	conn->body_at = (size_t)(end - conn->in) + 4;
	return 0;
}

/* 1 when something was read, 0 when there is nothing now, -1 at the end or an error. */
static int receive_some(struct http_conn *conn)
{
	ssize_t got;

	if (reserve(&conn->in, &conn->in_cap, conn->in_len + 2049) != 0)
		return -1;
	got = recv(
		conn->fd, conn->in + conn->in_len, conn->in_cap - conn->in_len - 1, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (got == 0) {
		errno = ECONNRESET;
		return -1;
	}
	conn->in_len += (size_t)got;
	conn->in[conn->in_len] = '\0';
	return 1;
}

int http_step(struct http_conn *conn)
{
	int got;

	if (send_some(conn) != 0)
		return -1;
	while ((got = receive_some(conn)) > 0) {
		if (conn->body_at == 0 && parse_head(conn) != 0)
			return -1;
		if (conn->body_at && conn->in_len >= conn->body_at + conn->body_len)
			return 1;
	}
	return got;
}

int http_wait(struct http_conn *conn, int timeout_ms)
{
	int64_t deadline = clock_us() + (int64_t)timeout_ms * 1000;

	for (;;) {
		short events = (short)(POLLIN | (http_wants_write(conn) ? POLLOUT : 0));
		struct pollfd ready = {.fd = conn->fd, .events = events};
		int64_t left_us = deadline - clock_us();
		int done = http_step(conn);

		if (done != 0)
			return done > 0 ? 0 : -1;
		if (left_us <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&ready, 1, (int)(left_us / 1000) + 1) < 0)
			return -1;
	}
}
