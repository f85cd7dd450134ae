/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - a reeved that the demonstration starts and stops.
 *
 * It runs in a process group of its own, so that Ctrl-C reaches the demonstration alone, which then
 * stops it in good order; and it is told to end when the demonstration dies in any other way.
 */
#ifndef REEVE_DEMO_SERVER_H
#define REEVE_DEMO_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct server {
	pid_t pid; /* 0: not running */
	uint16_t port;
};

struct server_options {
	const char *program;  /* reeved */
	const char *database; /* SQLite file */
	const char *data;     /* its own folder, made if need be */
	uint16_t port;
	unsigned cpu_slots; /* 0: its default */
};

/* A port of 127.0.0.1 that is free now; 0 when none is. */
uint16_t server_free_port(void);
/* Whether a server can listen on this port of 127.0.0.1 now. */
int server_port_is_free(uint16_t port);
/* Starts it and waits until it is ready. 0, or -1 after printing why. */
int server_start(struct server *server, const struct server_options *options);
/* CPU time it has used so far, all threads, in microseconds; 0 when that cannot be read. */
int64_t server_cpu_us(const struct server *server);
/* SIGTERM, then SIGKILL for one that does not end within 10 s. 0 when it ended well by itself. */
int server_stop(struct server *server);

#endif
