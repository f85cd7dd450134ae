/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - see server.h. */
#include "server.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define TIMEOUT_S 60L

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

static CURLcode post(const char *url, const char *body, FILE *answer)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *curl = curl_easy_init();
	char full[1024];
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	snprintf(full, sizeof(full), "%s%sgraphql", url,
		url[0] != '\0' && url[strlen(url) - 1] == '/' ? "" : "/");
	if (curl != NULL && headers != NULL) {
		curl_easy_setopt(curl, CURLOPT_URL, full);
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
		rc = curl_easy_perform(curl);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return rc;
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
	const struct reeve_node **ret_data)
{
	const struct reeve_node *errors, *message;
	struct reeve_error err;

	if (parse_json(text, ret_tree, &err) != 0)
		return cli_refuse("%s answers what is not GraphQL; is that reeved?", url);
	errors = reeve_node_member(ret_tree->root, "errors");
	message = errors != NULL ? reeve_node_member(errors->first, "message") : NULL;
	*ret_data = reeve_node_member(ret_tree->root, "data");
	if (message == NULL && *ret_data != NULL)
		return CLI_OK;
	cli_refuse("%s", message != NULL && message->text != NULL ? message->text
								  : "the answer has no data");
	reeve_tree_destroy(ret_tree);
	return CLI_CANNOT;
}

int server_ask(const char *url, const char *query, const struct reeve_node *document,
	struct reeve_tree *ret_tree, const struct reeve_node **ret_data)
{
	char *body = body_of(query, document), *text = NULL;
	size_t size = 0;
	FILE *answer = open_memstream(&text, &size);
	int rc = CLI_CANNOT;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (body != NULL && answer != NULL)
		code = post(url, body, answer);
	if (answer != NULL)
		fclose(answer);
	if (code != CURLE_OK)
		cli_refuse("%s: %s; is reeved running there? --server URL says where", url,
			curl_easy_strerror(code));
	else
		rc = read_answer(url, text, ret_tree, ret_data);
	free(body);
	free(text);
	return rc;
}
