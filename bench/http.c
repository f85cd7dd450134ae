/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - reeved over HTTP beside a bare libmicrohttpd that says hello, one network thread each: requests
 * a second and CPU of the server a request, in rounds that take turns. One client thread keeps 16
 * connections busy. Bar: half the rate of the bare server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 16
#define ROUNDS	    7
#define ROUND_NS    700000000ll
#define ANSWER_MAX  65536
#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))

struct server {
	pid_t pid;
	uint16_t port;
};

struct load {
	const char *name;
	struct server *server;
	/* NULL: GET /; %d is the connection's session. Two: in turn, a request each. */
	const char *query, *second;
	double per_s[ROUNDS], cpu_us[ROUNDS];
};

struct connection {
	int fd;
	char requests[2][1024];
	unsigned count, next; /* of requests; the one that is due */
	char answer[ANSWER_MAX];
	size_t got;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_http: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- servers ---- */

static enum MHD_Result say_hello(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	static char hello[] = "{\"data\":{\"hello\":\"world\"}}";
	struct MHD_Response *response;
	enum MHD_Result rc;

	(void)cls, (void)url, (void)method, (void)version, (void)data, (void)size;
	if (*state == NULL) {
		*state = hello;
		return MHD_YES;
	}
	response =
		MHD_create_response_from_buffer(sizeof(hello) - 1, hello, MHD_RESPMEM_PERSISTENT);
	rc = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return rc;
}

static struct server start_bare(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct server server;
	int ends[2];

	if (pipe(ends) != 0 || (server.pid = fork()) < 0)
		die("fork");
	if (server.pid == 0) {
		struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL,
			NULL, say_hello, NULL, MHD_OPTION_SOCK_ADDR, &any, MHD_OPTION_END);
		const union MHD_DaemonInfo *info =
			daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
		if (info == NULL || write(ends[1], &info->port, sizeof(info->port)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(ends[0], &server.port, sizeof(server.port)) != sizeof(server.port))
		die("the bare server did not start");
	return server;
}

/* Reads reeved's log until it says where it listens. */
static uint16_t read_port(FILE *log)
{
	static const char key[] = "\"address\":\"127.0.0.1:";
	char line[2048];

	while (fgets(line, sizeof(line), log) != NULL) {
		const char *at = strstr(line, key);
		if (at != NULL)
			return (uint16_t)strtoul(at + sizeof(key) - 1, NULL, 10);
	}
	errno = 0;
	die("reeved did not start");
	return 0;
}

static struct server start_reeved(const char *program, const char *directory)
{
	struct server server;
	int ends[2];

	if (pipe(ends) != 0 || (server.pid = fork()) < 0)
		die("fork");
	if (server.pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		execl(program, program, "--listen", "127.0.0.1:0", "--data", directory, "--threads",
			"1", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	server.port = read_port(fdopen(ends[0], "r"));
	return server;
}

/* ---- the client ---- */

static void open_connection(struct connection *c, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	c->count = c->next = 0;
	c->got = 0;
}

static void make_request(struct connection *c, const char *query, int session)
{
	char body[512], *request = c->requests[c->count++];
	size_t size = sizeof(c->requests[0]);

	if (query == NULL) {
		snprintf(request, size, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	} else {
		snprintf(body, sizeof(body), query, session, session);
		snprintf(request, size,
			"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
			"application/json\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			strlen(body), body);
	}
}

static void send_request(struct connection *c)
{
	const char *request = c->requests[c->next++ % c->count];
	size_t len = strlen(request);

	if (send(c->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("send");
	c->got = 0;
}

/* Reads what there is; true when the answer is whole. */
static bool read_answer(struct connection *c)
{
	ssize_t n = recv(c->fd, c->answer + c->got, ANSWER_MAX - 1 - c->got, 0);
	const char *head_end, *length;

	if (n <= 0)
		die("the server closed a connection");
	c->got += (size_t)n;
	c->answer[c->got] = '\0';
	head_end = strstr(c->answer, "\r\n\r\n");
	length = strcasestr(c->answer, "content-length:");
	return head_end != NULL && length != NULL &&
	       c->got >= (size_t)(head_end + 4 - c->answer) + strtoul(length + 15, NULL, 10);
}

static void check_answer(const struct connection *c)
{
	if (strncmp(c->answer, "HTTP/1.1 200", 12) == 0 && strstr(c->answer, "\"errors\"") == NULL)
		return;
	fprintf(stderr, "bench_http: the server refused:\n%s\n", c->answer);
	exit(1);
}

/* The answer under way, and what belongs to it. */
static void finish(struct connection *c)
{
	for (;;) {
		while (!read_answer(c))
			;
		check_answer(c);
		if (c->next % c->count == 0)
			break;
		send_request(c);
	}
	close(c->fd);
}

static void run_round(struct load *load, int round)
{
	static struct connection connections[CONNECTIONS];
	struct pollfd polls[CONNECTIONS];
	clockid_t cpu;
	int64_t start, used, end, done = 0;

	if (clock_getcpuclockid(load->server->pid, &cpu) != 0)
		die("clock_getcpuclockid");
	for (int i = 0; i < CONNECTIONS; i++) {
		open_connection(&connections[i], load->server->port);
		make_request(&connections[i], load->query, i + 1);
		if (load->second != NULL)
			make_request(&connections[i], load->second, i + 1);
		send_request(&connections[i]);
		polls[i] = (struct pollfd){connections[i].fd, POLLIN, 0};
	}
	start = now_ns(CLOCK_MONOTONIC);
	used = now_ns(cpu);
	while ((end = now_ns(CLOCK_MONOTONIC)) - start < ROUND_NS) {
		if (poll(polls, CONNECTIONS, 1000) < 0)
			die("poll");
		for (int i = 0; i < CONNECTIONS; i++) {
			if (polls[i].revents == 0 || !read_answer(&connections[i]))
				continue;
			check_answer(&connections[i]);
			done++;
			send_request(&connections[i]);
		}
	}
	used = now_ns(cpu) - used;
	for (int i = 0; i < CONNECTIONS; i++)
		finish(&connections[i]);
	load->per_s[round] = (double)done * 1e9 / (double)(end - start);
	load->cpu_us[round] = (double)used / 1e3 / (double)(done ? done : 1);
}

/* One session for each connection, so that statements begin and end side by side. */
static void create_sessions(const struct server *server)
{
	static struct connection c;

	open_connection(&c, server->port);
	for (int i = 0; i < CONNECTIONS; i++) {
		c.count = c.next = 0;
		make_request(&c,
			"{\"query\":\"mutation { createSession(userId: %d, username: "
			"\\\"bench\\\", "
			"groupId: 2) { sessionId } }\"}",
			1000 + i);
		send_request(&c);
		while (!read_answer(&c))
			;
		check_answer(&c);
	}
	close(c.fd);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(values[0]), compare);
	return values[ROUNDS / 2];
}

static void report(struct load *loads, size_t n)
{
	double bare = median(loads[0].per_s), bare_cpu = median(loads[0].cpu_us);

	printf("%-34s %10s %12s %14s %14s\n", "", "requests/s", "CPU us each", "of bare rate",
		"of bare CPU");
	for (size_t i = 0; i < n; i++) {
		double rate = i ? median(loads[i].per_s) : bare;
		double cpu = i ? median(loads[i].cpu_us) : bare_cpu;
		printf("%-34s %10.0f %12.2f %13.0f%% %13.2fx%s\n", loads[i].name, rate, cpu,
			100 * rate / bare, cpu / bare_cpu,
			i == 0		   ? ""
			: rate >= bare / 2 ? "  bar 50 %  PASS"
					   : "  bar 50 %  MISS");
	}
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/reeve-bench-XXXXXX", program[4096];
	const char *slash = strrchr(argv[0], '/');
	struct server bare, reeved;
	struct load loads[] = {
		{.name = "bare libmicrohttpd, hello", .server = &bare},
		{.name = "reeved, its page at /", .server = &reeved},
		{.name = "listConsumerGroups",
			.server = &reeved,
			.query = "{\"query\":\"{ listConsumerGroups { id name priority category "
				 "currentSessions } }\"}"},
		{.name = "startQuery, completeQuery in turn",
			.server = &reeved,
			.query = "{\"query\":\"mutation { startQuery(sessionId: %d) { canStart "
				 "queued } "
				 "}\"}",
			.second = "{\"query\":\"mutation { completeQuery(sessionId: %d) { success "
				  "message } }\"}"},
		{.name = "both in one request",
			.server = &reeved,
			.query = "{\"query\":\"mutation { startQuery(sessionId: %d) { canStart } "
				 "completeQuery(sessionId: %d) { success } }\"}"},
	};

	(void)argc;
	if (mkdtemp(directory) == NULL)
		die("mkdtemp");
	snprintf(program, sizeof(program), "%.*sreeved", slash ? (int)(slash + 1 - argv[0]) : 0,
		argv[0]);
	bare = start_bare();
	reeved = start_reeved(program, directory);
	create_sessions(&reeved);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < COUNT(loads); i++)
			run_round(&loads[i], round);
	report(loads, COUNT(loads));
	kill(bare.pid, SIGKILL);
	kill(reeved.pid, SIGTERM);
	waitpid(reeved.pid, NULL, 0);
	snprintf(program, sizeof(program), "rm -rf %s", directory);
	return system(program) == 0 ? 0 : 1;
}
