/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.c - listening sockets: of addresses, and of files.
 *
 * The loops share one listening socket a door (each with a descriptor of its own) instead of one
 * socket each with SO_REUSEPORT: the kernel would then deal connections out by hash, also to a loop
 * that is busy, and a second reeved of the same user could listen on our port unnoticed.
 */
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define FILE_MODE      0660

static const char *path_of(const struct reeve_http_door *door)
{
	return ((const struct sockaddr_un *)(const void *)&door->address)->sun_path;
}

static void print_address(const struct reeve_http_door *door, char *text, size_t capacity)
{
	char host[INET6_ADDRSTRLEN] = "";
	if (door->kind == REEVE_HTTP_LOCAL) {
		snprintf(text, capacity, "unix:%s", path_of(door));
	} else if (door->address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)&door->address;
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, capacity, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		const struct sockaddr_in *in4 = (const void *)&door->address;
		inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
		snprintf(text, capacity, "%s:%u", host, ntohs(in4->sin_port));
	}
}

static bool is_answered(const struct reeve_http_door *door)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true; /* not known: the file stays */
	int rc = connect(fd, (const struct sockaddr *)&door->address, door->address_len);
	bool is_refused = rc != 0 && errno == ECONNREFUSED;
	close(fd);
	return !is_refused;
}

/* A socket's file outlives its process; one that nobody listens on is in the way. */
static int remove_stale(const struct reeve_http_door *door, struct reeve_error *err)
{
	struct stat status;
	const char *path = path_of(door);
	if (lstat(path, &status) != 0)
		return 0; /* bind tells */
	if (!S_ISSOCK(status.st_mode))
		return reeve__http_fail(
			err, "cannot listen on unix:%s: there is a file that is no socket", path);
	if (is_answered(door))
		return reeve__http_fail(
			err, "cannot listen on unix:%s: another process listens there", path);
	if (unlink(path) != 0)
		return reeve__http_fail(err, "cannot remove the socket %s, which nobody uses: %s",
			path, strerror(errno));
	return 0;
}

/* The mode is right from the first moment: the kernel makes the file with the socket's. The second
 * call gives back what the process's mask took away. */
static int bind_file(struct reeve_http_listener *listener, const struct reeve_http_door *door,
	struct reeve_error *err)
{
	struct stat status;
	int rc = remove_stale(door, err);
	if (rc != 0)
		return rc;
	if (fchmod(listener->fd, FILE_MODE) != 0 ||
		bind(listener->fd, (const struct sockaddr *)&door->address, door->address_len) !=
			0 ||
		chmod(path_of(door), FILE_MODE) != 0 || stat(path_of(door), &status) != 0)
		return reeve__http_fail(
			err, "cannot listen on %s: %s", listener->address, strerror(errno));
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	return 0;
}

static int bind_address(
	struct reeve_http_listener *listener, struct reeve_http_door *door, struct reeve_error *err)
{
	int one = 1;
	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (door->address.ss_family == AF_INET6)
		setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(listener->fd, (const struct sockaddr *)&door->address, door->address_len) != 0)
		return reeve__http_fail(
			err, "cannot listen on %s: %s", listener->address, strerror(errno));
	return 0;
}

int reeve__http_listener_open(
	struct reeve_http_listener *listener, struct reeve_http_door *door, struct reeve_error *err)
{
	print_address(door, listener->address, sizeof(listener->address));
	listener->fd =
		socket(door->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return reeve__http_fail(err, "cannot make a socket: %s", strerror(errno));
	int rc = door->kind == REEVE_HTTP_LOCAL ? bind_file(listener, door, err)
						: bind_address(listener, door, err);
	if (rc != 0)
		return rc;
	if (listen(listener->fd, LISTEN_BACKLOG) != 0)
		return reeve__http_fail(
			err, "cannot listen on %s: %s", listener->address, strerror(errno));
	if (door->kind != REEVE_HTTP_LOCAL) {
		socklen_t len = sizeof(door->address);
		getsockname(listener->fd, (struct sockaddr *)&door->address, &len);
		print_address(door, listener->address, sizeof(listener->address));
	}
	return 0;
}

void reeve__http_listener_close(
	struct reeve_http_listener *listener, const struct reeve_http_door *door)
{
	struct stat status;
	if (listener->fd < 0)
		return;
	close(listener->fd);
	listener->fd = -1;
	if (door->kind == REEVE_HTTP_LOCAL && listener->inode != 0 &&
		lstat(path_of(door), &status) == 0 && status.st_dev == listener->device &&
		status.st_ino == listener->inode)
		(void)unlink(path_of(door));
}
