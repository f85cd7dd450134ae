/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - reeved: start, wait for a signal, stop.
 *
 * Whatever keeps it from starting is one line on stderr and exit status 2. From "ready" on it says
 * what it does in JSON lines on stderr, and ends with status 0 on SIGTERM or SIGINT. SIGHUP makes it
 * read its certificate and its tokens again.
 */
#include "audit/audit.h"
#include "catalog/catalog.h"
#include "clock.h"
#include "log.h"
#include "reeved.h"
#include "rest/rest.h"
#include "service.h"
#include "sql/database.h"
#include "sql/sessions.h"
#include "stream/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_CANNOT_START 2
#define EXIT_STUCK	  1
#define PATIENCE_NS	  (15 * REEVE_SEC) /* for statements and answers when it stops */
#define MAX_LOOPS	  4u

/* What is to be undone, besides the daemon. */
struct start {
	struct reeved daemon;
	int lock_fd;
	char segment[PATH_MAX];
};

__attribute__((format(printf, 2, 3))) static int fail(
	struct reeve_error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	err->code = REEVE_ECONFIGURATION;
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return err->code;
}

/* Makes the directory and those above it. */
static int make_directory(const char *path, struct reeve_error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof(part))
		return fail(err, "--data %.60s...: the path is too long", path);
	memcpy(part, path, len + 1);
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(part, 0755); /* the last one tells */
		*slash = '/';
	}
	if (mkdir(part, 0750) != 0 && errno != EEXIST)
		return fail(err, "cannot make the data directory %s: %s", path, strerror(errno));
	return 0;
}

/* One reeved a data directory. The lock ends with the process. */
static int lock_directory(struct start *start, struct reeve_error *err)
{
	const char *dir = start->daemon.options.data_dir;
	char path[PATH_MAX], owner[32] = "";
	if (snprintf(path, sizeof(path), "%s/reeved.lock", dir) >= (int)sizeof(path))
		return fail(err, "--data %.60s...: the path is too long", dir);
	start->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (start->lock_fd < 0)
		return fail(err, "cannot write in the data directory %s: %s", dir, strerror(errno));
	if (flock(start->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t len = pread(start->lock_fd, owner, sizeof(owner) - 1, 0);
		return fail(err, "the data directory %s is in use by another reeved, process %.*s",
			dir, len > 0 ? (int)len - 1 : 1, len > 0 ? owner : "?");
	}
	int len = snprintf(owner, sizeof(owner), "%ld\n", (long)getpid());
	if (ftruncate(start->lock_fd, 0) != 0 ||
		pwrite(start->lock_fd, owner, (size_t)len, 0) != len)
		return fail(err, "cannot write in the data directory %s: %s", dir, strerror(errno));
	return 0;
}

static int open_segment(struct start *start, struct reeve_error *err)
{
	struct reeved *daemon = &start->daemon;
	struct reeve_options options = REEVE_OPTIONS_INIT;
	options.name = "reeved";
	options.cpu_slots = daemon->options.cpu_slots;
	options.path = daemon->options.segment;
	if (options.path == NULL) {
		snprintf(start->segment, sizeof(start->segment), "%s/reeve.segment",
			daemon->options.data_dir);
		options.path = start->segment;
	}
	int rc = reeve_open(&options, &daemon->reeve, err);
	if (rc == 0)
		daemon->started_wall = reeve_now_wall(daemon->reeve);
	return rc;
}

static int listen_for_clients(struct reeved *daemon, struct reeve_error *err)
{
	struct reeve_http_options options;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t loops = processors < 1 ? 1 : (uint32_t)processors;
	reeve_http_options_init(&options);
	memcpy(options.doors, daemon->options.doors, sizeof(options.doors));
	options.n_doors = daemon->options.n_doors;
	options.names = daemon->options.names;
	options.n_names = daemon->options.n_names;
	options.max_connections = daemon->options.max_connections;
	options.max_per_address = daemon->options.max_per_address;
	options.threads = daemon->options.threads;
	if (options.threads == 0)
		options.threads = loops < MAX_LOOPS ? loops : MAX_LOOPS;
	options.workers = daemon->options.workers;
	options.max_connections += daemon->options.max_subscribers;
	options.head_seconds = options.body_seconds = daemon->options.idle_seconds;
	options.app = reeved_service_app(daemon);
	return reeve_http_open(&options, &daemon->http, err);
}

static int load_tls(const struct reeved *daemon, struct reeve_error *err)
{
	const struct reeved_options *options = &daemon->options;
	return options->tls_cert == NULL
		       ? 0
		       : reeve_http_tls_load(options->tls_cert, options->tls_key, err);
}

/* Who may come in, and where it is written down what they did. */
static int start_guards(struct reeved *daemon, struct reeve_error *err)
{
	const struct reeved_options *options = &daemon->options;
	struct reeved_auth *auth = &daemon->auth;
	auth->loopback_role = options->loopback_role;
	auth->grants = options->grants;
	auth->n_grants = options->n_grants;
	int rc = load_tls(daemon, err);
	if (rc == 0 && options->token_file != NULL)
		rc = reeved_tokens_open(options->token_file, &auth->tokens, err);
	if (rc == 0)
		rc = reeved_audit_open(options->data_dir,
			(uint64_t)options->audit_mib * 1024 * 1024, &daemon->audit, err);
	return rc;
}

static int start_daemon(struct start *start, struct reeve_error *err)
{
	struct reeved *daemon = &start->daemon;
	int rc = make_directory(daemon->options.data_dir, err);
	if (rc == 0)
		rc = lock_directory(start, err);
	if (rc == 0 && daemon->options.database != NULL)
		rc = reeved_database_prepare(daemon->options.database, err);
	if (rc == 0)
		rc = start_guards(daemon, err);
	if (rc == 0)
		rc = open_segment(start, err);
	if (rc == 0)
		rc = reeved_catalog_open(daemon, &daemon->catalog, err);
	if (rc == 0)
		rc = reeved_service_create_graphql(&daemon->options, &daemon->graphql, err);
	if (rc == 0)
		rc = reeved_rest_create(daemon->graphql, &daemon->rest, err);
	if (rc != 0)
		return rc;
	daemon->sessions = reeved_sessions_create(daemon->reeve, daemon->options.database);
	if (daemon->sessions == NULL)
		return fail(err, "out of memory");
	rc = reeved_clock_start(daemon, &daemon->clock, err);
	if (rc == 0)
		rc = reeved_streams_start(daemon, &daemon->streams, err);
	return rc != 0 ? rc : listen_for_clients(daemon, err);
}

/* Undoes what start_daemon did, as far as it came; requests are over. */
static void end_daemon(struct start *start)
{
	struct reeved *daemon = &start->daemon;
	reeved_streams_stop(daemon->streams);
	reeved_clock_stop(daemon->clock);
	reeved_catalog_close(daemon->catalog);
	reeved_sessions_destroy(daemon->sessions);
	reeved_rest_destroy(daemon->rest);
	if (daemon->graphql != NULL)
		reeve_gql_engine_destroy(daemon->graphql);
	reeve_close(daemon->reeve);
	reeved_audit_close(daemon->audit);
	reeved_tokens_close(daemon->auth.tokens);
	reeved_failures_fini(&daemon->auth.failures);
	pthread_mutex_destroy(&daemon->definitions);
	pthread_mutex_destroy(&daemon->reset_lock);
	if (start->lock_fd >= 0)
		close(start->lock_fd);
}

static void say_ready(const struct start *start)
{
	const struct reeved *daemon = &start->daemon;
	const char *segment =
		daemon->options.segment != NULL ? daemon->options.segment : start->segment;
	const char *database = daemon->options.database;
	static const char *const needs[] = {
		[REEVE_HTTP_LOOPBACK] = "nothing",
		[REEVE_HTTP_NETWORK] = "token",
		[REEVE_HTTP_LOCAL] = "user",
	};
	for (uint32_t i = 0; i < daemon->options.n_doors; i++) {
		const struct reeve_http_door *door = &daemon->options.doors[i];
		bool asks = door->kind == REEVE_HTTP_LOOPBACK &&
			    daemon->options.loopback_role == REEVED_NOBODY;
		bool is_bare = door->kind == REEVE_HTTP_NETWORK && !door->is_tls;
		REEVED_LOG(is_bare ? REEVED_WARN : REEVED_INFO, "listening",
			{"address", reeve_http_address(daemon->http, i), 0},
			{"needs", asks ? "token" : needs[door->kind], 0},
			{"encrypted", door->is_tls ? "yes" : "no", 0});
	}
	REEVED_LOG(REEVED_INFO, "ready", {"address", reeve_http_address(daemon->http, 0), 0},
		{"version", reeve_version(), 0}, {"pid", NULL, getpid()}, {"segment", segment, 0},
		{"engine", database != NULL ? database : "none", 0});
}

/* What cannot be loaded stays as it was. */
static void reload(struct reeved *daemon)
{
	struct reeve_error err = {0};
	if (load_tls(daemon, &err) != 0)
		REEVED_LOG(REEVED_ERROR, "reload_failed", {"reason", err.text, 0});
	else
		REEVED_LOG(REEVED_INFO, "reloaded", {"pid", NULL, getpid()});
}

/* Waits for the signal to stop. The signals are blocked in all threads. */
static int wait_for_end(struct reeved *daemon, const sigset_t *signals)
{
	int number = 0;
	while (sigwait(signals, &number) != 0 || number == SIGHUP) {
		if (number == SIGHUP)
			reload(daemon);
		number = 0;
	}
	return number;
}

/* As many files as may be: each client is one, each session with a database three. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* with fewer, the later ones are refused */
}

static int run_daemon(struct start *start, const sigset_t *signals)
{
	struct reeved *daemon = &start->daemon;
	struct reeve_error err = {0};
	if (start_daemon(start, &err) != 0) {
		fprintf(stderr, "reeved: %s\n", err.text);
		end_daemon(start);
		return EXIT_CANNOT_START;
	}
	say_ready(start);
	int number = wait_for_end(daemon, signals);
	REEVED_LOG(REEVED_INFO, "stopping", {"signal", strsignal(number), 0});
	atomic_store(&daemon->is_stopping, true);
	reeved_streams_hush(daemon->streams);
	if (!reeve_http_close(daemon->http, PATIENCE_NS)) {
		/* The segment gets back what we hold when it sees that we are gone. */
		REEVED_LOG(REEVED_ERROR, "stuck", {"reason", "a statement does not end", 0});
		_exit(EXIT_STUCK);
	}
	end_daemon(start);
	REEVED_LOG(REEVED_INFO, "stopped", {"pid", NULL, getpid()});
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct start start = {.lock_fd = -1};
	char error[512];
	sigset_t signals;
	if (argc > 1 && strcmp(argv[1], "token") == 0)
		return reeved_token_command(argc - 1, argv + 1);
	switch (reeved_options_parse(argc, argv, &start.daemon.options, error, sizeof(error))) {
	case REEVED_OPTIONS_HELP:
		fputs(reeved_options_help, stdout);
		return EXIT_SUCCESS;
	case REEVED_OPTIONS_VERSION:
		printf("reeved %s\n", reeve_version());
		return EXIT_SUCCESS;
	case REEVED_OPTIONS_WRONG:
		fprintf(stderr, "reeved: %s\n", error);
		return EXIT_CANNOT_START;
	case REEVED_OPTIONS_RUN:
		break;
	}
	reeved_log_set_level(start.daemon.options.log_level);
	pthread_mutex_init(&start.daemon.definitions, NULL);
	pthread_mutex_init(&start.daemon.reset_lock, NULL);
	reeved_failures_init(&start.daemon.auth.failures);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* the disk, or its quota, is full: the call says so */
	raise_file_limit();
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	int status = run_daemon(&start, &signals);
	free(start.daemon.options.config_text);
	return status;
}
