/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_command.c - reeved token create|list|revoke: edits the file of tokens.
 *
 * A token is said once, on standard output, and kept nowhere; so it can go into a file of the one
 * who is to use it, and never is in a process's arguments.
 */
#include "auth/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define CANNOT	 2
#define MAX_DAYS 36500

static const char usage[] =
	"usage: reeved token create --token-file FILE --name NAME --role ROLE [--expires DAYS]\n"
	"       reeved token list --token-file FILE\n"
	"       reeved token revoke --token-file FILE --name NAME\n"
	"\n"
	"create makes a token, adds its hash to FILE (made when missing), and prints the token, "
	"once.\n"
	"list says what there is: name, role, created, expires, last use. revoke takes one away.\n"
	"A running reeved sees the change within a second.\n"
	"\n"
	"  -f, --token-file FILE  the file that reeved --token-file reads\n"
	"  -n, --name NAME        whose token it is: 1 to 64 letters, digits, '.', '_' or '-'\n"
	"  -r, --role ROLE        viewer (asks), operator (acts on sessions and statements) or\n"
	"                         admin (defines groups, plans and limits)\n"
	"  -x, --expires DAYS     1 to 36500; default: never\n";

struct request {
	const char *file, *name, *role, *expires;
};

__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
	va_list args;
	fputs("reeved token: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CANNOT;
}

/* One edit at a time; the lock is a file beside, since the file itself is replaced. */
static int lock_file(const char *path)
{
	char lock[4096];
	if (snprintf(lock, sizeof(lock), "%s.lock", path) >= (int)sizeof(lock))
		return -1;
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct reeved_token *find_name(struct reeved_token_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (strcmp(list->tokens[i].name, name) == 0)
			return &list->tokens[i];
	}
	return NULL;
}

static int parse_days(const char *text, int64_t now, int64_t *ret_expires)
{
	char *end;
	long days = text != NULL ? strtol(text, &end, 10) : 0;
	*ret_expires = 0;
	if (text == NULL)
		return 0;
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || days < 1 || days > MAX_DAYS)
		return refuse("--expires takes 1 to %d days, not \"%s\"", MAX_DAYS, text);
	*ret_expires = now + days * 86400;
	return 0;
}

static int create_token(const struct request *request, struct reeved_token_list *list)
{
	struct reeved_token token = {.created = time(NULL)};
	char text[REEVED_TOKEN_TEXT_BYTES];
	struct reeve_error err;
	if (request->role == NULL || !reeved_role_parse(request->role, &token.role) ||
		token.role == REEVED_NOBODY)
		return refuse("--role takes viewer, operator or admin, not \"%s\"",
			request->role != NULL ? request->role : "");
	if (parse_days(request->expires, token.created, &token.expires) != 0)
		return CANNOT;
	if (find_name(list, request->name) != NULL)
		return refuse("there is a token %s; revoke it first", request->name);
	if (list->n == REEVED_TOKENS_MAX)
		return refuse("there are %u tokens, and no more can be", REEVED_TOKENS_MAX);
	if (!reeved_token_make(text, token.hash))
		return refuse("the system gives no random numbers");
	strcpy(token.name, request->name);
	list->tokens[list->n++] = token;
	if (reeved_token_list_write(request->file, list, &err) != 0)
		return refuse("%s", err.text);
	puts(text);
	return fflush(stdout) == 0 ? 0 : refuse("standard output: %s", strerror(errno));
}

static int revoke_token(const struct request *request, struct reeved_token_list *list)
{
	struct reeve_error err;
	struct reeved_token *token = find_name(list, request->name);
	if (token == NULL)
		return refuse("there is no token %s in %s", request->name, request->file);
	*token = list->tokens[--list->n];
	if (reeved_token_list_write(request->file, list, &err) != 0)
		return refuse("%s", err.text);
	return 0;
}

static void print_time(int64_t seconds, const char *none)
{
	char text[32];
	struct tm utc;
	time_t at = seconds;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &utc));
	printf("  %-20s", seconds != 0 ? text : none);
}

static int list_tokens(struct reeved_token_list *list)
{
	printf("%-24s  %-8s  %-20s  %-20s  %s\n", "NAME", "ROLE", "CREATED", "EXPIRES", "LAST USE");
	for (uint32_t i = 0; i < list->n; i++) {
		const struct reeved_token *token = &list->tokens[i];
		printf("%-24s  %-8s", token->name, reeved_role_names[token->role]);
		print_time(token->created, "");
		print_time(token->expires, "never");
		print_time(token->used, "never");
		putchar('\n');
	}
	return fflush(stdout) == 0 ? 0 : refuse("standard output: %s", strerror(errno));
}

static int run(const char *verb, const struct request *request)
{
	struct reeved_token_list list = {NULL, 0};
	struct reeve_error err = {0};
	bool creates = strcmp(verb, "create") == 0;
	int rc = reeved_token_list_read(request->file, &list, &err);
	if (rc == REEVE_ENOT_FOUND && creates) {
		list.tokens = calloc(REEVED_TOKENS_MAX, sizeof(*list.tokens));
		rc = list.tokens != NULL ? 0 : rc;
	}
	if (rc != 0)
		return refuse("%s", err.text);
	int status = creates			   ? create_token(request, &list)
		     : strcmp(verb, "revoke") == 0 ? revoke_token(request, &list)
						   : list_tokens(&list);
	reeved_token_list_free(&list);
	return status;
}

static bool parse(int argc, char **argv, struct request *request)
{
	static const struct option longs[] = {
		{"token-file", required_argument, NULL, 'f'},
		{"name", required_argument, NULL, 'n'},
		{"role", required_argument, NULL, 'r'},
		{"expires", required_argument, NULL, 'x'},
		{NULL, 0, NULL, 0},
	};
	int option;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":f:n:r:x:", longs, NULL)) != -1) {
		switch (option) {
		case 'f':
			request->file = optarg;
			break;
		case 'n':
			request->name = optarg;
			break;
		case 'r':
			request->role = optarg;
			break;
		case 'x':
			request->expires = optarg;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

int reeved_token_command(int argc, char **argv)
{
	struct request request = {0};
	const char *verb = argc > 1 ? argv[1] : "";
	bool lists = strcmp(verb, "list") == 0;
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (!lists && strcmp(verb, "create") != 0 && strcmp(verb, "revoke") != 0)
		return refuse("it is create, list or revoke; see reeved token --help");
	if (!parse(argc - 1, argv + 1, &request))
		return refuse("%s: an option is wrong; see reeved token --help", verb);
	if (request.file == NULL || request.file[0] == '\0')
		return refuse("%s: --token-file FILE is missing", verb);
	if (!lists && (request.name == NULL || !reeved_token_name_is_good(request.name)))
		return refuse("%s: --name takes 1 to %u letters, digits, '.', '_' or '-'", verb,
			REEVED_TOKEN_NAME_MAX);
	int fd = lists ? -1 : lock_file(request.file);
	if (!lists && fd < 0)
		return refuse("cannot lock %s: %s", request.file, strerror(errno));
	int status = run(verb, &request);
	if (fd >= 0)
		close(fd);
	return status;
}
