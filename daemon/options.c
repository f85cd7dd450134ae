/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */
#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 64u
#define MAX_WORKERS 4096u
#define MAX_SLOTS   1024u
#define MAX_IDLE    3600u
#define MAX_KEPT    1000000u
#define MAX_STREAMS 65536u
#define MAX_COST    1000000000u

const char reeved_options_help[] =
	"usage: reeved --data DIR [OPTION...]\n"
	"\n"
	"Shares a database out between groups of users by the active resource plan, and serves\n"
	"GraphQL, metrics and health checks over HTTP.\n"
	"\n"
	"  -d, --data DIR             where reeved keeps its files; made when missing\n"
	"  -l, --listen ADDR:PORT     listen there; default 127.0.0.1:8080, port 0: any free one\n"
	"  -e, --engine sqlite:FILE   serve this SQLite database through executeSql\n"
	"  -s, --segment FILE         the segment; default DIR/reeve.segment\n"
	"  -t, --threads N            network threads, 1 to 64; default: processors, at most 4\n"
	"  -w, --workers N            statements at once, 1 to 4096; default 128\n"
	"  -c, --cpu-slots N          CPU slots of a new segment, 1 to 1024; default: processors\n"
	"  -i, --idle-timeout SEC     close clients that take longer for the headers of a "
	"request,\n"
	"                             or for its body, 1 to 3600; default 60\n"
	"      --revisions N          revisions of definitions that are kept, 1 to 1000000; "
	"default "
	"1000\n"
	"      --events N             events that are kept in the catalog, 0 to 1000000; default\n"
	"                             100000\n"
	"      --max-subscribers N    clients that follow events, 1 to 65536; default 1024\n"
	"      --max-cost N           of a GraphQL operation, 100 to 1000000000; default 1000000\n"
	"      --max-seconds N        a GraphQL operation may run, its waits apart, 1 to 3600;\n"
	"                             default 10\n"
	"      --log-level LEVEL      debug, info, warn or error; default info\n"
	"  -h, --help                 this text\n"
	"  -V, --version              the version\n"
	"\n"
	"Try: curl -s http://127.0.0.1:8080/graphql -H 'Content-Type: application/json' \\\n"
	"         -d '{\"query\":\"{ listConsumerGroups { id name currentSessions } }\"}'\n"
	"Ends on SIGTERM or SIGINT. Manual: reeved(8).\n";

struct parse {
	struct reeved_options *options;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool refuse(
	struct parse *parse, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(parse->error, parse->error_size, format, args);
	va_end(args);
	return false;
}

static bool parse_number(struct parse *parse, const char *flag, const char *text, uint32_t least,
	uint32_t most, uint32_t *ret_number)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < least || number > most)
		return refuse(parse, "%s takes a number from %u to %u, not \"%s\"", flag, least,
			most, text);
	*ret_number = (uint32_t)number;
	return true;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	const struct sockaddr_in *in4 = (const void *)address;
	return ntohl(in4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool set_address(struct reeved_options *options, const char *host, uint16_t port)
{
	struct sockaddr_in *in4 = (void *)&options->listen;
	struct sockaddr_in6 *in6 = (void *)&options->listen;
	memset(&options->listen, 0, sizeof(options->listen));
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		options->listen_len = sizeof(*in4);
		return true;
	}
	size_t len = strlen(host);
	char name[64];
	if (len < 3 || len >= sizeof(name) || host[0] != '[' || host[len - 1] != ']')
		return false;
	memcpy(name, host + 1, len - 2);
	name[len - 2] = '\0';
	if (inet_pton(AF_INET6, name, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	options->listen_len = sizeof(*in6);
	return true;
}

static bool parse_listen(struct parse *parse, const char *text)
{
	char host[64];
	uint32_t port = 0;
	const char *colon = strrchr(text, ':');
	size_t host_len = colon != NULL ? (size_t)(colon - text) : sizeof(host);
	if (host_len >= sizeof(host) || host_len == 0)
		return refuse(parse, "--listen takes ADDR:PORT, not \"%s\"", text);
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (!parse_number(parse, "the port of --listen", colon + 1, 0, 65535, &port))
		return false;
	if (!set_address(parse->options, host, (uint16_t)port))
		return refuse(parse,
			"--listen takes an IPv4 address, an IPv6 address in brackets, or "
			"localhost, not "
			"\"%s\"",
			host);
	if (!is_loopback(&parse->options->listen))
		return refuse(parse,
			"--listen %s would let the network in without a password: only loopback "
			"addresses (127.0.0.1, [::1]) are allowed",
			text);
	return true;
}

static bool parse_engine(struct parse *parse, const char *text)
{
	static const char prefix[] = "sqlite:";
	size_t prefix_len = sizeof(prefix) - 1;
	if (strncmp(text, prefix, prefix_len) != 0 || text[prefix_len] == '\0')
		return refuse(parse, "--engine takes sqlite:FILE, not \"%s\"", text);
	parse->options->database = text + prefix_len;
	return true;
}

static bool parse_level(struct parse *parse, const char *text)
{
	for (int level = 0; level < REEVED_LOG_LEVELS; level++) {
		if (strcmp(text, reeved_log_level_names[level]) == 0) {
			parse->options->log_level = (enum reeved_log_level)level;
			return true;
		}
	}
	return refuse(parse, "--log-level takes debug, info, warn or error, not \"%s\"", text);
}

static bool take_text(struct parse *parse, const char *flag, const char *text, const char **ret)
{
	if (text[0] == '\0')
		return refuse(parse, "%s takes a path, not an empty text", flag);
	*ret = text;
	return true;
}

static bool take_option(struct parse *parse, int option, const char *value)
{
	struct reeved_options *options = parse->options;
	switch (option) {
	case 'l':
		return parse_listen(parse, value);
	case 'd':
		return take_text(parse, "--data", value, &options->data_dir);
	case 's':
		return take_text(parse, "--segment", value, &options->segment);
	case 'e':
		return parse_engine(parse, value);
	case 't':
		return parse_number(parse, "--threads", value, 1, MAX_THREADS, &options->threads);
	case 'w':
		return parse_number(parse, "--workers", value, 1, MAX_WORKERS, &options->workers);
	case 'c':
		return parse_number(parse, "--cpu-slots", value, 1, MAX_SLOTS, &options->cpu_slots);
	case 'i':
		return parse_number(
			parse, "--idle-timeout", value, 1, MAX_IDLE, &options->idle_seconds);
	case 'R':
		return parse_number(
			parse, "--revisions", value, 1, MAX_KEPT, &options->max_revisions);
	case 'E':
		return parse_number(parse, "--events", value, 0, MAX_KEPT, &options->max_events);
	case 'S':
		return parse_number(parse, "--max-subscribers", value, 1, MAX_STREAMS,
			&options->max_subscribers);
	case 'C':
		return parse_number(parse, "--max-cost", value, 100, MAX_COST, &options->max_cost);
	case 'T':
		return parse_number(
			parse, "--max-seconds", value, 1, MAX_IDLE, &options->max_seconds);
	case 'v':
		return parse_level(parse, value);
	default:
		return false;
	}
}

static bool refuse_unknown(struct parse *parse, int option, char **argv)
{
	const char *what = argv[optind - 1];
	if (option == ':')
		return refuse(parse, "%s needs a value; see reeved --help", what);
	if (optopt != 0 && strncmp(what, "--", 2) != 0)
		return refuse(parse, "there is no option -%c; see reeved --help", optopt);
	return refuse(parse, "there is no option %s; see reeved --help", what);
}

enum reeved_options_result reeved_options_parse(
	int argc, char **argv, struct reeved_options *ret_options, char *error, size_t error_size)
{
	static const struct option longs[] = {
		{"listen", required_argument, NULL, 'l'},
		{"data", required_argument, NULL, 'd'},
		{"segment", required_argument, NULL, 's'},
		{"engine", required_argument, NULL, 'e'},
		{"threads", required_argument, NULL, 't'},
		{"workers", required_argument, NULL, 'w'},
		{"cpu-slots", required_argument, NULL, 'c'},
		{"idle-timeout", required_argument, NULL, 'i'},
		{"revisions", required_argument, NULL, 'R'},
		{"events", required_argument, NULL, 'E'},
		{"max-subscribers", required_argument, NULL, 'S'},
		{"max-cost", required_argument, NULL, 'C'},
		{"max-seconds", required_argument, NULL, 'T'},
		{"log-level", required_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct parse parse = {ret_options, error, error_size};
	memset(ret_options, 0, sizeof(*ret_options));
	ret_options->workers = 128;
	ret_options->idle_seconds = 60;
	ret_options->max_revisions = 1000;
	ret_options->max_events = 100000;
	ret_options->max_subscribers = 1024;
	ret_options->max_cost = 1000000;
	ret_options->max_seconds = 10;
	ret_options->log_level = REEVED_INFO;
	set_address(ret_options, "127.0.0.1", 8080);
	int option;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":l:d:s:e:t:w:c:i:hV", longs, NULL)) != -1) {
		if (option == 'h')
			return REEVED_OPTIONS_HELP;
		if (option == 'V')
			return REEVED_OPTIONS_VERSION;
		bool is_good = option == '?' || option == ':' ? refuse_unknown(&parse, option, argv)
							      : take_option(&parse, option, optarg);
		if (!is_good)
			return REEVED_OPTIONS_WRONG;
	}
	if (optind < argc)
		refuse(&parse, "\"%s\" is one argument too many; see reeved --help", argv[optind]);
	else if (ret_options->data_dir == NULL)
		refuse(&parse, "--data DIR is missing; see reeved --help");
	else
		return REEVED_OPTIONS_RUN;
	return REEVED_OPTIONS_WRONG;
}
