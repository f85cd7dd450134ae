/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */
#include "options.h"
#include "config.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MAX_THREADS	64u
#define MAX_WORKERS	4096u
#define MAX_SLOTS	1024u
#define MAX_IDLE	3600u
#define MAX_KEPT	1000000u
#define MAX_STREAMS	65536u
#define MAX_COST	1000000000u
#define MAX_CONNECTIONS 65536u
#define MAX_AUDIT_MIB	1024u
#define CONFIG		1 /* --config */

const char reeved_options_help[] =
	"usage: reeved [--config FILE] --data DIR [OPTION...]\n"
	"       reeved token create|list|revoke --token-file FILE ...\n"
	"\n"
	"Shares a database out between groups of users by the active resource plan, and serves\n"
	"GraphQL, metrics and health checks over HTTP.\n"
	"\n"
	"      --config FILE          settings as lines NAME = VALUE, named as the options here;\n"
	"                             options that are given count instead\n"
	"  -d, --data DIR             where reeved keeps its files; made when missing\n"
	"  -l, --listen WHERE         ADDR:PORT (port 0: any free one) or unix:PATH, up to 8 "
	"times;\n"
	"                             default 127.0.0.1:8080. Addresses that are not loopback "
	"need\n"
	"                             a token file\n"
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
	"      --token-file FILE      who may come in with a token; see reeved token --help\n"
	"      --loopback-role ROLE   of loopback clients without a token: none, viewer, "
	"operator,\n"
	"                             admin; default admin\n"
	"      --grant WHOM=ROLE      of other users at a Unix socket; WHOM is user:NAME, uid:N,\n"
	"                             group:NAME or gid:N\n"
	"      --tls-cert FILE        certificate chain, PEM, for addresses of the network\n"
	"      --tls-key FILE         its key; both are read again on SIGHUP\n"
	"      --host NAME            a Host name of this server besides addresses and localhost\n"
	"      --max-connections N    of each address listened on, 1 to 65536; default 4096\n"
	"      --max-per-address N    of one client address of the network; default 256\n"
	"      --audit-size MIB       size at which DIR/audit.log is put aside, 1 to 1024;\n"
	"                             default 16\n"
	"      --log-level LEVEL      debug, info, warn or error; default info\n"
	"  -h, --help                 this text\n"
	"  -V, --version              the version\n"
	"\n"
	"Try: curl -s http://127.0.0.1:8080/graphql -H 'Content-Type: application/json' \\\n"
	"         -d '{\"query\":\"{ listConsumerGroups { id name currentSessions } }\"}'\n"
	"Ends on SIGTERM or SIGINT, reads certificate and tokens again on SIGHUP. Manual: "
	"reeved(8).\n";

struct parse {
	struct reeved_options *options;
	char *error;
	size_t error_size;
	bool *seen; /* by row of longs: set in the file */
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

static bool set_address(struct reeve_http_door *door, const char *host, uint16_t port)
{
	struct sockaddr_in *in4 = (void *)&door->address;
	struct sockaddr_in6 *in6 = (void *)&door->address;
	memset(door, 0, sizeof(*door));
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		door->address_len = sizeof(*in4);
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
	door->address_len = sizeof(*in6);
	return true;
}

static bool parse_path(struct parse *parse, const char *path, struct reeve_http_door *door)
{
	struct sockaddr_un *un = (void *)&door->address;
	memset(door, 0, sizeof(*door));
	if (path[0] != '/' || strlen(path) >= sizeof(un->sun_path))
		return refuse(parse,
			"--listen unix: takes an absolute path of at most %zu bytes, not "
			"\"%.120s\"",
			sizeof(un->sun_path) - 1, path);
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	door->address_len = sizeof(*un);
	door->kind = REEVE_HTTP_LOCAL;
	return true;
}

static bool parse_address(struct parse *parse, const char *text, struct reeve_http_door *door)
{
	char host[64];
	uint32_t port = 0;
	const char *colon = strrchr(text, ':');
	size_t host_len = colon != NULL ? (size_t)(colon - text) : sizeof(host);
	if (host_len >= sizeof(host) || host_len == 0)
		return refuse(parse, "--listen takes ADDR:PORT or unix:PATH, not \"%s\"", text);
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (!parse_number(parse, "the port of --listen", colon + 1, 0, 65535, &port))
		return false;
	if (!set_address(door, host, (uint16_t)port))
		return refuse(parse,
			"--listen takes an IPv4 address, an IPv6 address in brackets, or "
			"localhost, not "
			"\"%s\"",
			host);
	door->kind = is_loopback(&door->address) ? REEVE_HTTP_LOOPBACK : REEVE_HTTP_NETWORK;
	return true;
}

static bool parse_listen(struct parse *parse, const char *text)
{
	struct reeved_options *options = parse->options;
	static const char prefix[] = "unix:";
	size_t prefix_len = sizeof(prefix) - 1;
	if (options->n_doors == REEVE_HTTP_DOORS_MAX)
		return refuse(parse, "--listen can be given %u times", REEVE_HTTP_DOORS_MAX);
	struct reeve_http_door *door = &options->doors[options->n_doors];
	bool is_good = strncmp(text, prefix, prefix_len) == 0
			       ? parse_path(parse, text + prefix_len, door)
			       : parse_address(parse, text, door);
	options->n_doors += is_good ? 1 : 0;
	return is_good;
}

static bool parse_host(struct parse *parse, const char *text)
{
	struct reeved_options *options = parse->options;
	size_t len =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_");
	if (len == 0 || len > 253 || text[len] != '\0')
		return refuse(parse, "--host takes a name without a port, not \"%.120s\"", text);
	if (options->n_names == REEVED_NAMES_MAX)
		return refuse(parse, "--host can be given %u times", REEVED_NAMES_MAX);
	options->names[options->n_names++] = text;
	return true;
}

static bool parse_loopback_role(struct parse *parse, const char *text)
{
	if (reeved_role_parse(text, &parse->options->loopback_role))
		return true;
	return refuse(
		parse, "--loopback-role takes none, viewer, operator or admin, not \"%s\"", text);
}

static bool parse_grant(struct parse *parse, const char *text)
{
	struct reeved_options *options = parse->options;
	if (options->n_grants == REEVED_GRANTS_MAX)
		return refuse(parse, "--grant can be given %u times", REEVED_GRANTS_MAX);
	if (!reeved_grant_parse(
		    text, &options->grants[options->n_grants], parse->error, parse->error_size))
		return false;
	options->n_grants++;
	return true;
}

static bool has_door(const struct reeved_options *options, enum reeve_http_door_kind kind)
{
	for (uint32_t i = 0; i < options->n_doors; i++) {
		if (options->doors[i].kind == kind)
			return true;
	}
	return false;
}

/* What only makes sense together. */
static bool check_doors(struct parse *parse)
{
	struct reeved_options *options = parse->options;
	bool has_network = has_door(options, REEVE_HTTP_NETWORK);
	if (options->n_doors == 0 && !parse_listen(parse, "127.0.0.1:8080"))
		return false;
	if (has_network && options->token_file == NULL)
		return refuse(parse,
			"--listen on an address that is not loopback lets the network in: it needs "
			"--token-file FILE (see reeved token --help)");
	if ((options->tls_cert == NULL) != (options->tls_key == NULL))
		return refuse(parse, "--tls-cert and --tls-key are needed both, or none");
	if (options->tls_cert != NULL && !has_network)
		return refuse(parse,
			"--tls-cert is for addresses of the network, and --listen gives none");
	if (options->loopback_role == REEVED_NOBODY && options->token_file == NULL &&
		has_door(options, REEVE_HTTP_LOOPBACK))
		return refuse(parse, "--loopback-role none lets nobody in without --token-file");
	if (options->n_grants > 0 && !has_door(options, REEVE_HTTP_LOCAL))
		return refuse(parse, "--grant is for Unix sockets, and --listen gives none");
	for (uint32_t i = 0; i < options->n_doors; i++)
		options->doors[i].is_tls =
			options->tls_cert != NULL && options->doors[i].kind == REEVE_HTTP_NETWORK;
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
	case CONFIG:
		return true; /* read before */
	case 'H':
		return parse_host(parse, value);
	case 'L':
		return parse_loopback_role(parse, value);
	case 'g':
		return parse_grant(parse, value);
	case 'T':
		return take_text(parse, "--token-file", value, &options->token_file);
	case 'C':
		return take_text(parse, "--tls-cert", value, &options->tls_cert);
	case 'K':
		return take_text(parse, "--tls-key", value, &options->tls_key);
	case 'm':
		return parse_number(parse, "--max-connections", value, 1, MAX_CONNECTIONS,
			&options->max_connections);
	case 'a':
		return parse_number(parse, "--max-per-address", value, 1, MAX_CONNECTIONS,
			&options->max_per_address);
	case 'A':
		return parse_number(
			parse, "--audit-size", value, 1, MAX_AUDIT_MIB, &options->audit_mib);
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
	case 'q':
		return parse_number(parse, "--max-cost", value, 100, MAX_COST, &options->max_cost);
	case 'Q':
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

static const struct option longs[] = {
	{"listen", required_argument, NULL, 'l'},
	{"host", required_argument, NULL, 'H'},
	{"token-file", required_argument, NULL, 'T'},
	{"loopback-role", required_argument, NULL, 'L'},
	{"grant", required_argument, NULL, 'g'},
	{"tls-cert", required_argument, NULL, 'C'},
	{"tls-key", required_argument, NULL, 'K'},
	{"max-connections", required_argument, NULL, 'm'},
	{"max-per-address", required_argument, NULL, 'a'},
	{"audit-size", required_argument, NULL, 'A'},
	{"config", required_argument, NULL, CONFIG},
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
	{"max-cost", required_argument, NULL, 'q'},
	{"max-seconds", required_argument, NULL, 'Q'},
	{"log-level", required_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};
static const char shorts[] = ":l:d:s:e:t:w:c:i:hV";

/* The file that the command line names, first: what the command line says comes after it. */
static enum reeved_options_result find_config(int argc, char **argv, const char **ret_path)
{
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (option == 'h')
			return REEVED_OPTIONS_HELP;
		if (option == 'V')
			return REEVED_OPTIONS_VERSION;
		if (option == CONFIG)
			*ret_path = optarg;
	}
	return REEVED_OPTIONS_RUN;
}

/* An option that may be given several times: given on the command line, the file's do not count. */
static bool is_list(int option)
{
	return option == 'l' || option == 'H' || option == 'g';
}

static void forget_list(struct reeved_options *options, int option)
{
	if (option == 'l')
		options->n_doors = 0;
	else if (option == 'H')
		options->n_names = 0;
	else if (option == 'g')
		options->n_grants = 0;
}

/* A setting of the file, which is an option without its dashes. */
static bool take_setting(
	void *arg, const char *name, const char *value, char *error, size_t error_size)
{
	struct parse parse = *(struct parse *)arg;
	const struct option *row = longs;

	parse.error = error;
	parse.error_size = error_size;
	while (row->name != NULL && strcmp(row->name, name) != 0)
		row++;
	if (row->name == NULL || row->has_arg == no_argument || row->val == CONFIG)
		return refuse(&parse, "there is no setting \"%s\"; see reeved(8)", name);
	if (parse.seen[row - longs] && !is_list(row->val))
		return refuse(&parse, "%s is set a second time", name);
	parse.seen[row - longs] = true;
	return take_option(&parse, row->val, value);
}

static bool parse_line(struct parse *parse, int argc, char **argv)
{
	bool is_fresh[UCHAR_MAX + 1] = {false};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (option == '?' || option == ':')
			return refuse_unknown(parse, option, argv);
		if (is_list(option) && !is_fresh[option])
			forget_list(parse->options, option);
		is_fresh[option] = true;
		if (!take_option(parse, option, optarg))
			return false;
	}
	if (optind < argc)
		return refuse(
			parse, "\"%s\" is one argument too many; see reeved --help", argv[optind]);
	return true;
}

enum reeved_options_result reeved_options_parse(
	int argc, char **argv, struct reeved_options *ret_options, char *error, size_t error_size)
{
	bool seen[sizeof(longs) / sizeof(longs[0])] = {false};
	struct parse parse = {ret_options, error, error_size, seen};
	const char *path = NULL;
	memset(ret_options, 0, sizeof(*ret_options));
	ret_options->workers = 128;
	ret_options->idle_seconds = 60;
	ret_options->max_revisions = 1000;
	ret_options->max_events = 100000;
	ret_options->max_subscribers = 1024;
	ret_options->max_cost = 1000000;
	ret_options->max_seconds = 10;
	ret_options->log_level = REEVED_INFO;
	ret_options->loopback_role = REEVED_ADMIN;
	ret_options->max_connections = 4096;
	ret_options->max_per_address = 256;
	ret_options->audit_mib = 16;
	enum reeved_options_result asked = find_config(argc, argv, &path);
	if (asked != REEVED_OPTIONS_RUN)
		return asked;
	if (path != NULL && !reeved_config_read(path, take_setting, &parse,
				    &ret_options->config_text, error, error_size))
		return REEVED_OPTIONS_WRONG;
	if (!parse_line(&parse, argc, argv))
		return REEVED_OPTIONS_WRONG;
	if (ret_options->data_dir == NULL)
		refuse(&parse, "--data DIR is missing; see reeved --help");
	else if (check_doors(&parse))
		return REEVED_OPTIONS_RUN;
	return REEVED_OPTIONS_WRONG;
}
