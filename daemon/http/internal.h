/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - the parts of the HTTP server among themselves.
 *
 *	http        one server: options, listening sockets, loops, workers
 *	loop        one thread with an epoll set and its connections
 *	gate        a loop's share of one door: a libmicrohttpd daemon
 *	connection  one client; buffers are kept from request to request
 *	stream      answers that go on: suspended while they have nothing to say
 *	workers     threads for requests that wait
 *
 * A connection is its loop's. While its request is at work, a worker touches only `state` through
 * the application, and hands the connection back through loop->returned.
 */
#ifndef REEVE_DAEMON_HTTP_INTERNAL_H
#define REEVE_DAEMON_HTTP_INTERNAL_H

#include "http/http.h"

#include <microhttpd.h>
#include <pthread.h>

#define REEVE_HTTP_ADDRESS_MAX 128 /* "unix:", and the longest path of a socket */

struct reeve_http_loop;
struct reeve_http_gate;

/* What a connection waits for, and so which limit of time applies. */
enum reeve_http_phase {
	REEVE_HTTP_PHASE_HEAD, /* the next request's headers, or the client's good-bye */
	REEVE_HTTP_PHASE_BODY,
	REEVE_HTTP_PHASE_WORK, /* a worker; no limit of ours */
	REEVE_HTTP_PHASE_SEND,
	REEVE_HTTP_PHASE_STREAM, /* a piece of a stream is being sent */
	REEVE_HTTP_PHASE_IDLE	 /* a stream that has nothing to say; no limit */
};

struct reeve_http_connection {
	struct reeve_http_loop *loop;
	const struct reeve_http_gate *gate;
	struct MHD_Connection *mhd;
	struct reeve_http_connection *prev, *next; /* in loop->connections */
	struct reeve_http_connection *queue_next;  /* in the workers' queue or loop->returned */
	int fd;
	enum reeve_http_phase phase;
	int64_t deadline_ms; /* loop->now_ms at which it is closed; of the phase */
	void *state;	     /* the application's; NULL until the first request */

	/* Who it is; see struct reeve_http_head. */
	char from[INET6_ADDRSTRLEN];
	uint8_t network[16];
	uint32_t uid, gid;

	char *target;		/* request line's, with the query */
	const char *raw_target; /* where libmicrohttpd has it; of the present request's head only */
	size_t target_cap;
	char *body;
	size_t body_len, body_cap;
	size_t held_bytes; /* of http->held_bytes: the body's buffer, and the answer */

	/* Of the present request. */
	bool has_begun;	  /* headers were judged */
	bool is_answered; /* a response is queued */
	bool is_counted;  /* in loop->active */
	bool is_draining; /* the body is read and thrown away, then answered by `refusal` */
	struct reeve_http_judgement refusal;
	bool is_back;	 /* work() is over, reply() is due */
	bool is_gone;	 /* the client hung up while its request was at work */
	bool is_refused; /* no worker took it */
	enum reeve_http_route route;

	/* Of a stream. */
	bool is_stream;
	bool is_listed; /* suspended, and in loop->idle or loop->due */
	bool is_over;	/* next() has said so, or the server stops */
	const char *piece;
	size_t piece_len, piece_at;
	int64_t again_ms; /* when it is asked again at the latest */
	struct reeve_http_list *list;
	struct reeve_http_connection *list_prev, *list_next;
};

struct reeve_http_list {
	struct reeve_http_connection *head, *tail;
};

struct reeve_http_gate {
	struct reeve_http_loop *loop;
	const struct reeve_http_door *door;
	struct MHD_Daemon *mhd;
};

struct reeve_http_loop {
	struct reeve_http *http;
	pthread_t thread;
	struct reeve_http_gate gates[REEVE_HTTP_DOORS_MAX]; /* options.n_doors of them */
	int epoll_fd;
	int wake_fd; /* eventfd: something returned, or stop */
	int64_t now_ms;
	int64_t next_sweep_ms;
	struct reeve_http_connection *connections; /* all of this loop */
	uint32_t active;			   /* requests begun and not completed */
	uint32_t abandoned;			   /* of those at work, is_gone */

	struct reeve_http_list idle, due; /* streams that wait; that are to be asked */
	int64_t next_due_ms;		  /* the first again_ms of the idle ones, or earlier */
	_Atomic bool wake_streams;

	pthread_mutex_t lock; /* protects returned */
	struct reeve_http_connection *returned;

	/* Counters; written by the loop, read by anybody. */
	_Atomic uint64_t requests[REEVE_HTTP_ROUTES][6];
	_Atomic uint64_t accepted, expired, refused, gone;
	_Atomic uint32_t n_connections, working, n_streams;
};

struct reeve_http_workers {
	struct reeve_http *http;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct reeve_http_connection *head, *tail; /* waiting for a worker */
	uint32_t waiting, idle, threads;
	bool is_stopping;
	pthread_t *ids; /* of `threads` */
};

/* How many connections each address has; a table for as many as all network doors let in. */
struct reeve_http_addresses {
	pthread_mutex_t lock;
	struct reeve_http_address *slots; /* chained by index, free ones too */
	uint32_t *buckets;
	uint32_t n_slots, n_buckets, free;
};

/* A listening socket and its file, if it has one. */
struct reeve_http_listener {
	int fd;
	char address[REEVE_HTTP_ADDRESS_MAX];
	uint64_t device, inode; /* of a LOCAL door's file, to remove no other's */
};

struct reeve_http {
	struct reeve_http_options options;
	struct reeve_http_listener listeners[REEVE_HTTP_DOORS_MAX];
	struct reeve_http_addresses addresses;
	_Atomic size_t held_bytes;
	bool checks_lines; /* libmicrohttpd does not: see lines.h */
	_Atomic bool is_stopping;
	_Atomic uint32_t loops_left;
	struct reeve_http_workers workers;
	uint32_t n_loops;
	struct reeve_http_loop loops[];
};

/* loop.c */
int reeve__http_loop_init(
	struct reeve_http_loop *loop, struct reeve_http *http, struct reeve_error *err);
void reeve__http_loop_fini(struct reeve_http_loop *loop);
void *reeve__http_loop_run(void *loop);
/* From any thread: gives a connection back to its loop. */
void reeve__http_loop_return(struct reeve_http_connection *connection);
void reeve__http_loop_wake(struct reeve_http_loop *loop);

/* listen.c: binds one door; *listener is filled. Removes a file that nobody listens on any more. */
int reeve__http_listener_open(struct reeve_http_listener *listener, struct reeve_http_door *door,
	struct reeve_error *err);
void reeve__http_listener_close(
	struct reeve_http_listener *listener, const struct reeve_http_door *door);

/* addresses.c */
int reeve__http_addresses_init(
	struct reeve_http_addresses *addresses, uint32_t capacity, struct reeve_error *err);
void reeve__http_addresses_fini(struct reeve_http_addresses *addresses);
uint32_t reeve__http_addresses_count(
	struct reeve_http_addresses *addresses, const uint8_t network[16]);
void reeve__http_addresses_add(struct reeve_http_addresses *addresses, const uint8_t network[16]);
void reeve__http_addresses_remove(
	struct reeve_http_addresses *addresses, const uint8_t network[16]);
/* The network of a client; false when it is no IP address. */
bool reeve__http_network_of(const struct sockaddr *address, uint8_t ret_network[16]);

/* tls.c: starts libmicrohttpd's options for a TLS door. */
extern const char reeve__http_tls_priorities[];
void *reeve__http_tls_callback(void);

/* connection.c: what libmicrohttpd calls. */
enum MHD_Result reeve__http_accept(
	void *cls, const struct sockaddr *address, socklen_t address_len);
void reeve__http_notify_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode code);
void *reeve__http_note_target(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result reeve__http_handle(void *cls, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload_data, size_t *upload_data_size,
	void **request);
void reeve__http_note_completed(void *cls, struct MHD_Connection *mhd, void **request,
	enum MHD_RequestTerminationCode code);

/* connection.c: for the loop. */
void reeve__http_set_phase(struct reeve_http_connection *connection, enum reeve_http_phase phase);

/* stream.c */
/* The request becomes a stream, of which this is the response; NULL: it cannot be. */
struct MHD_Response *reeve__http_stream_begin(struct reeve_http_connection *connection);
/* The request is completed. */
void reeve__http_stream_end(struct reeve_http_connection *connection);
/* Its client hung up. */
void reeve__http_stream_gone(struct reeve_http_connection *connection);
/* Asks streams that are due, a bounded number of them; `all`: everyone is. */
void reeve__http_streams_run(struct reeve_http_loop *loop, bool all);
/* Until when the loop may sleep for their sake, from now; INT64_MAX: for ever. */
int64_t reeve__http_streams_timeout(const struct reeve_http_loop *loop);

/* workers.c */
int reeve__http_workers_init(
	struct reeve_http_workers *workers, struct reeve_http *http, struct reeve_error *err);
/* Takes the connection's request; false when no worker is free and the queue is full. */
bool reeve__http_workers_submit(
	struct reeve_http_workers *workers, struct reeve_http_connection *connection);
/* Waits for the workers; their queue is empty by then. */
void reeve__http_workers_fini(struct reeve_http_workers *workers);

/* Fills *err with SYSTEM and the text, and returns the code. */
__attribute__((format(printf, 2, 3))) int reeve__http_fail(
	struct reeve_error *err, const char *format, ...);

#endif
