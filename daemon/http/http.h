/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the HTTP/1.1 server of reeved: sockets, requests, limits, and threads; no meaning.
 *
 * One loop thread runs one epoll set, and one libmicrohttpd daemon for each door; all loops accept
 * from the same listening sockets, so an idle loop takes the next connection. What a request means is the
 * application's: it is asked on the loop thread, and answers there, or says that it has to wait.
 * A request that waits moves to a worker thread while its connection is suspended, and comes back
 * to its loop to be answered. A client that hangs up meanwhile is noticed by the loop at once.
 *
 *	loop thread:   admit() -> refused: the body is thrown away, answer sent
 *	loop thread:   handle() -> REEVE_HTTP_REPLY ........................... answer sent
 *	loop thread:   handle() -> REEVE_HTTP_WAIT         reply() ............ answer sent
 *	worker thread:                  work() ...........^
 *	loop thread:                      abandon(), while the client is gone or the server stops
 *
 * A stream is an answer without an end, such as server-sent events. It costs nothing while it has
 * nothing to say: its connection is suspended. The application is asked for the next piece only
 * when the client has taken the last one, so a slow client makes nobody wait and nothing grow; one
 * that takes nothing for stream_seconds is closed.
 *
 *	loop thread:   handle() -> REEVE_HTTP_STREAM   next() next() next() ... end()
 *	any thread:          reeve_http_wake_streams() ^
 *
 * What never reaches the application: messages that two HTTP parsers could read differently, other
 * Host names than the listener's own, posts from other sites, bodies over the limit, clients that
 * take too long to say what they want, more connections than one address or one door may have, and
 * more bytes at once than max_held_bytes.
 */
#ifndef REEVE_DAEMON_HTTP_H
#define REEVE_DAEMON_HTTP_H

#include "http/filter.h"

#include <reeve/types.h>

#include <netinet/in.h>
#include <stdatomic.h>

struct reeve_http;

#define REEVE_HTTP_DOORS_MAX 8u

/* A listening socket, by who can reach it. */
enum reeve_http_door_kind {
	REEVE_HTTP_LOOPBACK, /* any process of this machine, by TCP */
	REEVE_HTTP_NETWORK,
	REEVE_HTTP_LOCAL /* who may open the socket's file; the kernel says who that is */
};

struct reeve_http_door {
	enum reeve_http_door_kind kind;
	struct sockaddr_storage address; /* sockaddr_in, _in6 or _un */
	socklen_t address_len;
	bool is_tls; /* needs options.tls */
};

/* Who asks for what: all that is known before the body is read. */
struct reeve_http_head {
	enum reeve_http_door_kind kind;
	const char *from; /* "192.0.2.1", "2001:db8::1", or "unix" */
	uint8_t network
		[16];	   /* the address, IPv4 mapped; of IPv6 the first 64 bits, which one client
			      * has to itself */
	int fd;		   /* its socket */
	uint32_t uid, gid; /* LOCAL: of the process that connected */
	const char *path;  /* without the query */
	const char *authorization; /* NULL: none */
	size_t authorization_len;
};

/* One request; all texts live until its reply was sent. */
struct reeve_http_request {
	const char *method;
	const char *path;  /* as sent, without the query part; starts with '/' */
	const char *query; /* after the '?', not decoded; NULL: none */
	size_t query_len;
	const char *content_type; /* NULL: none */
	const char *accept;	  /* NULL: none; the first one if there are several */
	const char *if_match;	  /* the same */
	const char *if_none_match;
	const char *body; /* NULL when body_len is 0 */
	size_t body_len;
	void *connection; /* for reeve_http_header */
};

/* The first header of this name, or NULL. Lives as long as the request's other texts. */
const char *reeve_http_header(const struct reeve_http_request *request, const char *name);

/* One answer. The texts are the application's, and stay as they are until the next request of the
 * same connection or its end. */
struct reeve_http_reply {
	int status;
	const char *content_type;
	const char *body;
	size_t body_len;
	/* Values of headers, or NULL. Only what has a tag may be kept by caches, to be asked for
	 * again. */
	const char *allow, *etag, *link, *location;
	const char *challenge;	/* WWW-Authenticate */
	uint32_t retry_seconds; /* Retry-After; 0: none */
};

enum reeve_http_verdict {
	REEVE_HTTP_REPLY,  /* *ret_reply is filled */
	REEVE_HTTP_WAIT,   /* call work() on a worker thread, then reply() */
	REEVE_HTTP_STREAM, /* *ret_reply has status and type; the body comes from next() */
	REEVE_HTTP_BUSY	   /* out of memory: close the connection */
};

/* What a stream has to say now. */
enum reeve_http_flow {
	REEVE_HTTP_FLOW_PIECE, /* data and len; they stay as they are until next() or end() */
	REEVE_HTTP_FLOW_IDLE,  /* nothing: ask again when woken, or at again_ms */
	REEVE_HTTP_FLOW_END    /* nothing more: the answer is complete */
};
struct reeve_http_piece {
	const char *data;
	size_t len;
	int64_t again_ms; /* on the clock that next() is told; INT64_MAX: when woken only */
};

/*
 * The application. `state` belongs to one connection, is kept between its requests, and is never
 * used by two threads at once, except that abandon() may run while work() does.
 */
struct reeve_http_app {
	void *self;
	/* A connection's state; NULL: out of memory. Called when it sends its first request. */
	void *(*open)(void *self);
	void (*close)(void *self, void *state);
	/* Judges who asks, before a byte of the body is taken. On the loop thread; must not wait. */
	struct reeve_http_judgement (*admit)(
		void *self, void *state, const struct reeve_http_head *head);
	enum reeve_http_verdict (*handle)(void *self, void *state,
		const struct reeve_http_request *request, struct reeve_http_reply *ret_reply);
	void (*work)(void *self, void *state);
	void (*reply)(void *self, void *state, struct reeve_http_reply *ret_reply);
	/* In place of work() and reply(): no worker is to be had. Must answer at once. */
	void (*refuse)(void *self, void *state, struct reeve_http_reply *ret_reply);
	/* Nobody wants the answer any more; make work() return soon. Called again every 50 ms until
	 * it has. Must not wait. */
	void (*abandon)(void *self, void *state);
	/* Of a stream: its next piece. `now_ms` is a monotonic clock. Must not wait. */
	enum reeve_http_flow (*next)(
		void *self, void *state, int64_t now_ms, struct reeve_http_piece *ret_piece);
	/* The stream is over, by whomever. */
	void (*end)(void *self, void *state);
	/* The answer was sent, or its client is gone: nothing large is kept for the next one. */
	void (*rest)(void *self, void *state);
};

struct reeve_http_options {
	struct reeve_http_door doors[REEVE_HTTP_DOORS_MAX];
	uint32_t n_doors;
	const char *const *names; /* Host names that are ours besides; the caller's */
	size_t n_names;
	uint32_t threads;	  /* loop threads, 1 to 64 */
	uint32_t workers;	  /* most worker threads, started when needed */
	uint32_t backlog;	  /* requests that may wait for a worker */
	uint32_t max_connections; /* of one door; what comes beyond waits to be accepted */
	/* Of one address at NETWORK doors; beyond, closed at once. Threads that accept at the same
	 * moment may exceed it by one each. */
	uint32_t max_per_address;
	size_t max_body_bytes; /* larger: 413 */
	/* Bodies and answers of all connections; beyond: 503. Answers of /metrics, /healthz and /readyz
	 * have 16 MiB more. */
	size_t max_held_bytes;
	size_t max_head_bytes;	 /* request line and headers; larger: 431 or 414 */
	uint32_t head_seconds;	 /* from connect, or the last answer, to the end of the headers */
	uint32_t body_seconds;	 /* from there to the end of the body */
	uint32_t send_seconds;	 /* from the answer to its last byte */
	uint32_t stream_seconds; /* of a stream: without taking a byte of what there is */
	struct reeve_http_app app;
};

/* Fills in everything but the address and the application. */
void reeve_http_options_init(struct reeve_http_options *options);

/*
 * Binds, listens, and starts the loops. *ret_http is set before the first request is handled, and
 * NULL on failure. Errors: SYSTEM (the text has the address and the reason, such as "Address
 * already in use").
 */
int reeve_http_open(const struct reeve_http_options *options, struct reeve_http **ret_http,
	struct reeve_error *err);

/* Asks all streams that are idle for their next piece. From any thread; wakes each loop once. */
void reeve_http_wake_streams(struct reeve_http *http);

/* The address bound of a door, "127.0.0.1:8080", "[::1]:8080" or "unix:PATH". Lives as long as the
 * server. */
const char *reeve_http_address(const struct reeve_http *http, uint32_t door);

/*
 * Loads a certificate chain and its key, PEM; from then on every handshake of the process uses
 * them. May be called again at any time: handshakes under way end with the former ones. On failure
 * these stay. CONFIGURATION: unreadable, malformed, expired, not a pair, or a key that others can
 * read.
 */
int reeve_http_tls_load(const char *cert_path, const char *key_path, struct reeve_error *err);

/*
 * Stops accepting, abandons what waits, lets answers go out, closes. Returns true when all requests
 * ended within `patience`; false when a worker is still busy: nothing was freed then, and the
 * process had better exit. Called once.
 */
bool reeve_http_close(struct reeve_http *http, reeve_ns patience);

/* Requests by what was asked and how it ended; sums over all loops. */
enum reeve_http_route {
	REEVE_HTTP_ROUTE_GRAPHQL,
	REEVE_HTTP_ROUTE_API, /* /api and all below */
	REEVE_HTTP_ROUTE_METRICS,
	REEVE_HTTP_ROUTE_HEALTH,
	REEVE_HTTP_ROUTE_INDEX,
	REEVE_HTTP_ROUTE_OTHER,	  /* unknown paths */
	REEVE_HTTP_ROUTE_REFUSED, /* never got as far as the application */
	REEVE_HTTP_ROUTES
};
extern const char *const reeve_http_route_names[REEVE_HTTP_ROUTES];

struct reeve_http_stats {
	/* By route and first digit of the status, [0] unused. */
	uint64_t requests[REEVE_HTTP_ROUTES][6];
	uint64_t connections_accepted;
	uint64_t connections_expired; /* closed for being slow or idle */
	uint64_t connections_refused; /* closed at once: their address has enough */
	uint64_t clients_gone;	      /* hung up while their request was at work */
	uint64_t held_bytes;	      /* bodies and answers held now */
	uint32_t connections;
	uint32_t working; /* requests at work or waiting for a worker */
	uint32_t streams; /* answers without an end */
};

void reeve_http_stats_get(struct reeve_http *http, struct reeve_http_stats *ret_stats);

/* The path's class. */
enum reeve_http_route reeve_http_route_of(const char *path);

/* Writes {"errors":[{"message":...,"extensions":{"code":...}}]} to `buffer`, for fixed answers;
 * message and code must need no escaping. Returns its length. */
size_t reeve_http_error_body(char *buffer, size_t capacity, const char *code, const char *message);
/* The same for paths below /api: a problem (RFC 9457) of type about:blank. */
size_t reeve_http_problem_body(
	char *buffer, size_t capacity, int status, const char *code, const char *message);

#endif
