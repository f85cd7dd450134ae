/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - see server.h. */
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "http.h"

#define START_TIMEOUT_US ((int64_t)20 * 1000000)
#define STOP_TIMEOUT_US	 ((int64_t)10 * 1000000)
#define LOOK_AGAIN_US	 10000

/* A listening socket's port, when one can be had; 0. */
static uint16_t try_port(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t len = sizeof(address);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t got = 0;

	if (fd < 0)
		return 0;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 1) == 0 &&
		getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		got = ntohs(address.sin_port);
	close(fd);
	return got;
}

uint16_t server_free_port(void)
{
	return try_port(0);
}

int server_port_is_free(uint16_t port)
{
	return try_port(port) == port;
}

static void run_server(const struct server_options *options, pid_t parent)
{
	char listen_on[32], engine[4096], slots[16];
	/* Without a number of slots the last two are not there. */
	const char *arguments[] = {options->program, "--listen", listen_on, "--data", options->data,
		"--engine", engine, "--log-level", "warn",
		options->cpu_slots ? "--cpu-slots" : NULL, slots, NULL};
	sigset_t none;

	snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%u", (unsigned)options->port);
	snprintf(engine, sizeof(engine), "sqlite:%s", options->database);
	snprintf(slots, sizeof(slots), "%u", options->cpu_slots);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (getppid() != parent)
		_exit(1); /* the demonstration died before the line above */
	execv(options->program, (char *const *)(uintptr_t)arguments);
	fprintf(stderr, "reeve-demo: cannot run %s: %s\n", options->program, strerror(errno));
	_exit(127);
}

static int is_ready(uint16_t port)
{
	struct http_conn conn = HTTP_CONN_INIT;
	int ready = http_open(&conn, port) == 0 && http_get(&conn, "/readyz") == 0 &&
		    http_wait(&conn, 2000) == 0 && conn.status == 200;

	http_close(&conn);
	return ready;
}

int server_start(struct server *server, const struct server_options *options)
{
	int64_t deadline = clock_us() + START_TIMEOUT_US;
	pid_t parent = getpid();
	int status;

	if (mkdir(options->data, 0755) != 0 && errno != EEXIST) {
		fprintf(stderr, "reeve-demo: %s: %s\n", options->data, strerror(errno));
		return -1;
	}
	fflush(NULL);
	server->port = options->port;
	server->pid = fork();
	if (server->pid == 0)
		run_server(options, parent);
	while (server->pid > 0 && clock_us() < deadline) {
		if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
			server->pid = 0; /* it has said why */
			fprintf(stderr, "reeve-demo: %s did not start\n", options->program);
			return -1;
		}
		if (is_ready(options->port))
			return 0;
		usleep(LOOK_AGAIN_US);
	}
	fprintf(stderr, "reeve-demo: %s is not ready after 20 s\n", options->program);
	server_stop(server);
	return -1;
}

int64_t server_cpu_us(const struct server *server)
{
	unsigned long user = 0, system = 0;
	char path[64], text[1024];
	const char *rest;
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)server->pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	rest = strrchr(text, ')'); /* ends the name, which may hold anything */
	if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			     &system) != 2)
		return 0;
	return (int64_t)(user + system) * 1000000 / sysconf(_SC_CLK_TCK);
}

int server_stop(struct server *server)
{
	int64_t deadline = clock_us() + STOP_TIMEOUT_US;
	int status = 0, is_killed = 0;

	if (server->pid <= 0)
		return 0;
	kill(server->pid, SIGTERM);
	while (waitpid(server->pid, &status, WNOHANG) == 0) {
		if (clock_us() >= deadline && !is_killed) {
			fprintf(stderr, "reeve-demo: reeved did not end within 10 s of SIGTERM\n");
			kill(server->pid, SIGKILL);
			is_killed = 1;
		}
		usleep(LOOK_AGAIN_US);
	}
	server->pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
