/* SPDX-License-Identifier: Apache-2.0 */
/* graphql.c - see graphql.h. */
#include "graphql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int post_document(struct http_conn *conn, const char *document, json_t *variables)
{
	json_t *request = json_pack("{s:s, s:o*}", "query", document, "variables", variables);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int result = -1;

	if (text && http_post(conn, "/graphql", text, strlen(text)) == 0)
		result = http_wait(conn, GRAPHQL_TIMEOUT_MS);
	free(text);
	json_decref(request);
	return result;
}

json_t *graphql_call(struct http_conn *conn, const char *document, json_t *variables, bool quietly)
{
	json_t *answer, *data;

	if (post_document(conn, document, variables) != 0) {
		fprintf(stderr, "reeve-demo: no answer from port %u: %s\n", (unsigned)conn->port,
			strerror(errno));
		return NULL;
	}
	answer = json_loads(http_body(conn), 0, NULL);
	data = json_object_get(answer, "data");
	if (!json_is_object(data) || json_object_get(answer, "errors")) {
		if (!quietly)
			fprintf(stderr, "reeve-demo: %s\nanswered: %d %s\n", document, conn->status,
				http_body(conn));
		json_decref(answer);
		return NULL;
	}
	json_incref(data);
	json_decref(answer);
	return data;
}

uint64_t graphql_number(
	struct http_conn *conn, const char *document, json_t *variables, const char *path)
{
	json_t *data = graphql_call(conn, document, variables, false), *at = data;
	char name[64];
	uint64_t number;

	while (at && *path) {
		size_t len = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		at = json_object_get(at, name);
		path += len + (path[len] == '.');
	}
	number = (uint64_t)json_integer_value(at);
	json_decref(data);
	return number;
}

uint64_t json_text_number(const char *text, const char *name)
{
	char key[64];
	const char *found;

	snprintf(key, sizeof(key), "\"%s\":", name);
	found = strstr(text, key);
	return found ? strtoull(found + strlen(key), NULL, 10) : 0;
}
