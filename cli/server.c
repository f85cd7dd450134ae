/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - see server.h. */
#include "server.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

#define TIMEOUT_S      60L
#define TOKEN_MAX      512
#define WHY_SIZE       8192
#define KEPT_MAX       65536u		 /* of what is no event */
#define LINE_MAX_BYTES ((size_t)8 << 20) /* of a stream */
#define TOKEN_BYTES    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

static size_t keep(char *data, size_t size, size_t n, void *arg)
{
	return fwrite(data, size, n, arg);
}

/* The request's body, for free(); NULL: out of memory. */
static char *body_of(const char *query, const struct reeve_node *document)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fputs("{\"query\":", out);
	reeve_json_write_text(out, query);
	if (document != NULL) {
		fputs(",\"variables\":{\"d\":", out);
		reeve_tree_write_json(out, document);
		fputc('}', out);
	}
	fputc('}', out);
	return fclose(out) == 0 ? text : NULL;
}

struct server server_default(void)
{
	const char *url = getenv("REEVE_SERVER"), *token_file = getenv("REEVE_TOKEN_FILE");

	return (struct server){.url = url != NULL && url[0] != '\0' ? url : "http://127.0.0.1:8080",
		.token_file = token_file != NULL && token_file[0] != '\0' ? token_file : NULL};
}

/* The header with the first line of the token's file; *to is "" without a file. */
static int read_token(
	const struct server *server, char *to, size_t size, char *why, size_t why_size)
{
	char line[TOKEN_MAX + 2];
	FILE *in;
	size_t length;
	bool is_read;

	to[0] = '\0';
	if (server->token_file == NULL)
		return CLI_OK;
	in = fopen(server->token_file, "r");
	if (in == NULL) {
		snprintf(why, why_size, "--token-file %s: %s", server->token_file, strerror(errno));
		return CLI_CANNOT;
	}
	is_read = fgets(line, sizeof(line), in) != NULL;
	fclose(in);
	length = is_read ? strcspn(line, "\r\n") : 0;
	if (length == 0 || length > TOKEN_MAX || strspn(line, TOKEN_BYTES) != length) {
		snprintf(why, why_size,
			"--token-file %s: its first line is no token (1 to %d letters, digits and "
			"-._~+/=)",
			server->token_file, TOKEN_MAX);
		return CLI_CANNOT;
	}
	snprintf(to, size, "Authorization: Bearer %.*s", (int)length, line);
	return CLI_OK;
}

/* Link: </api/v1/groups?after=7>; rel="next" */
static size_t keep_header(char *data, size_t size, size_t n, void *arg)
{
	struct server_answer *answer = arg;
	char *begin, *end;
	char line[1200];

	snprintf(line, sizeof(line), "%.*s", (int)(size * n), data);
	begin = strchr(line, '<');
	end = begin != NULL ? strchr(begin, '>') : NULL;
	if (strncasecmp(line, "link:", 5) == 0 && end != NULL &&
		strstr(end, "rel=\"next\"") != NULL)
		snprintf(answer->next, sizeof(answer->next), "%.*s", (int)(end - begin - 1),
			begin + 1);
	return size * n;
}

/* Where to, and over which socket. CURLE_OK; CURLE_URL_MALFORMAT when it is too long. */
static CURLcode set_address(CURL *curl, const struct server *server, const char *path)
{
	bool is_unix = strncmp(server->url, "unix:", 5) == 0;
	const char *base = is_unix ? "http://localhost" : server->url;
	size_t length = strlen(base);
	char full[4096];
	int used;

	if (is_unix)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, server->url + 5);
	if (length > 0 && base[length - 1] == '/')
		length--;
	used = snprintf(full, sizeof(full), "%.*s%s", (int)length, base, path);
	if (used < 0 || (size_t)used >= sizeof(full))
		return CURLE_URL_MALFORMAT;
	return curl_easy_setopt(curl, CURLOPT_URL, full);
}

typedef size_t (*take_fn)(char *data, size_t size, size_t n, void *arg);

/* `take` gets the answer's body; of a stream, as it comes and without an end. */
static CURLcode perform(const struct server *server, const char *method, const char *path,
	const char *body, const char *token, bool is_stream, take_fn take, void *arg,
	struct server_answer *answer)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *curl = curl_easy_init();
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	if (token[0] != '\0')
		headers = curl_slist_append(headers, token);
	if (is_stream)
		headers = curl_slist_append(headers, "Accept: text/event-stream");
	if (curl != NULL && headers != NULL) {
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		if (body != NULL) {
			curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
			curl_easy_setopt(
				curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
		}
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, is_stream ? 0L : TIMEOUT_S);
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, arg);
		curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_header);
		curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
		rc = set_address(curl, server, path);
		if (rc == CURLE_OK)
			rc = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return rc;
}

static int tell_failure(const struct server *server, CURLcode code, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s; is reeved running there? --server URL says where",
		server->url, curl_easy_strerror(code));
	return CLI_CANNOT;
}

/* Server-sent events: lines `data: ...`; what is not one is kept, for it may be an error. */
struct stream {
	server_event_fn event;
	void *arg;
	FILE *out;
	char *line;
	size_t used, room, kept;
	bool is_over; /* nobody wants more */
};

static bool end_line(struct stream *stream)
{
	static const char data[] = "data: ";
	bool is_data = stream->used > sizeof(data) - 1 &&
		       memcmp(stream->line, data, sizeof(data) - 1) == 0;

	if (is_data) {
		stream->line[stream->used] = '\0';
		stream->is_over = !stream->event(stream->arg, stream->line + sizeof(data) - 1);
	} else if (stream->kept < KEPT_MAX) {
		stream->kept += fwrite(stream->line, 1, stream->used, stream->out);
	}
	stream->used = 0;
	return !stream->is_over;
}

static size_t take_stream(char *data, size_t size, size_t n, void *arg)
{
	struct stream *stream = arg;

	for (size_t i = 0; i < size * n; i++) {
		if (stream->used + 1 >= stream->room) {
			size_t room = stream->room != 0 ? stream->room * 2 : 4096;
			char *line = room <= LINE_MAX_BYTES ? realloc(stream->line, room) : NULL;
			if (line == NULL)
				return 0;
			stream->line = line;
			stream->room = room;
		}
		if (data[i] != '\n')
			stream->line[stream->used++] = data[i];
		else if (!end_line(stream))
			return 0;
	}
	return size * n;
}

int server_try(const struct server *server, const char *method, const char *path, const char *body,
	struct server_answer *ret_answer, char *why, size_t why_size)
{
	struct server_answer answer = {0};
	char token[TOKEN_MAX + 40];
	CURLcode code = CURLE_OUT_OF_MEMORY;
	FILE *out;

	if (read_token(server, token, sizeof(token), why, why_size) != CLI_OK)
		return CLI_CANNOT;
	out = open_memstream(&answer.body, &answer.size);
	if (out != NULL) {
		code = perform(server, method, path, body, token, false, keep, out, &answer);
		if (fclose(out) != 0)
			code = CURLE_OUT_OF_MEMORY;
	}
	if (code == CURLE_OK) {
		*ret_answer = answer;
		return CLI_OK;
	}
	free(answer.body);
	return tell_failure(server, code, why, why_size);
}

int server_stream(const struct server *server, const char *body, server_event_fn event, void *arg,
	struct server_answer *ret_answer, char *why, size_t why_size)
{
	struct stream stream = {.event = event, .arg = arg};
	struct server_answer answer = {0};
	char token[TOKEN_MAX + 40];
	CURLcode code;

	if (read_token(server, token, sizeof(token), why, why_size) != CLI_OK)
		return CLI_CANNOT;
	stream.out = open_memstream(&answer.body, &answer.size);
	if (stream.out == NULL)
		return tell_failure(server, CURLE_OUT_OF_MEMORY, why, why_size);
	code = perform(
		server, "POST", "/graphql", body, token, true, take_stream, &stream, &answer);
	fclose(stream.out);
	free(stream.line);
	if (code != CURLE_OK && !stream.is_over) {
		free(answer.body);
		return tell_failure(server, code, why, why_size);
	}
	*ret_answer = answer;
	return CLI_OK;
}

int server_request(const struct server *server, const char *method, const char *path,
	const char *body, struct server_answer *ret_answer)
{
	char why[WHY_SIZE];
	int rc = server_try(server, method, path, body, ret_answer, why, sizeof(why));

	return rc == CLI_OK ? rc : cli_refuse("%s", why);
}

void server_problem(const struct server_answer *answer, char *to, size_t size)
{
	json_t *problem = json_loadb(answer->body, answer->size, JSON_DECODE_ANY, NULL);
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	const char *field = json_string_value(json_object_get(problem, "field"));
	const char *title = json_string_value(json_object_get(problem, "title"));

	if (field == NULL && answer->status == 404)
		field = title; /* the detail names only what is not there */
	if (detail == NULL)
		detail = title;
	if (detail == NULL)
		snprintf(to, size, "the server answers with status %ld", answer->status);
	else if (field != NULL && strncmp(detail, field, strlen(field)) != 0)
		snprintf(to, size, "%s: %s", field, detail);
	else
		snprintf(to, size, "%s", detail);
	json_decref(problem);
}

static int parse_json(const char *json, struct reeve_tree *ret_tree, struct reeve_error *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc = REEVE_ERESOURCE_EXHAUSTED;

	if (out != NULL) {
		reeve_json_tame(out, json);
		if (fclose(out) == 0)
			rc = reeve_tree_parse(text, size, "", ret_tree, err);
	}
	free(text);
	return rc;
}

static int read_answer(const char *url, const char *text, struct reeve_tree *ret_tree,
	const struct reeve_node **ret_data, char *why, size_t why_size)
{
	const struct reeve_node *errors, *message;
	struct reeve_error err;

	if (parse_json(text, ret_tree, &err) != 0) {
		snprintf(why, why_size, "%s answers what is not GraphQL; is that reeved?", url);
		return CLI_CANNOT;
	}
	errors = reeve_node_member(ret_tree->root, "errors");
	message = errors != NULL ? reeve_node_member(errors->first, "message") : NULL;
	*ret_data = reeve_node_member(ret_tree->root, "data");
	if (message == NULL && *ret_data != NULL)
		return CLI_OK;
	snprintf(why, why_size, "%s",
		message != NULL && message->text != NULL ? message->text
							 : "the answer has no data");
	reeve_tree_destroy(ret_tree);
	return CLI_CANNOT;
}

int server_ask_quietly(const struct server *server, const char *query,
	const struct reeve_node *document, struct reeve_tree *ret_tree,
	const struct reeve_node **ret_data, char *why, size_t why_size)
{
	char *body = body_of(query, document);
	struct server_answer answer;
	int rc;

	snprintf(why, why_size, "out of memory");
	if (body == NULL)
		return CLI_CANNOT;
	rc = server_try(server, "POST", "/graphql", body, &answer, why, why_size);
	free(body);
	if (rc != CLI_OK)
		return rc;
	rc = read_answer(server->url, answer.body, ret_tree, ret_data, why, why_size);
	free(answer.body);
	return rc;
}

int server_ask(const struct server *server, const char *query, const struct reeve_node *document,
	struct reeve_tree *ret_tree, const struct reeve_node **ret_data)
{
	char why[WHY_SIZE];
	int rc = server_ask_quietly(server, query, document, ret_tree, ret_data, why, sizeof(why));

	return rc == CLI_OK ? rc : cli_refuse("%s", why);
}
