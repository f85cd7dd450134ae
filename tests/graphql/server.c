/*
 * A GraphQL server for tests: the toy engine behind libmicrohttpd, on 127.0.0.1.
 *
 *	server schema.graphql        prints "http://127.0.0.1:PORT/graphql", then serves until its
 *	                             standard input ends
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "toy.h"

struct upload {
	struct reeve_json body;
};

static struct reeve_gql_text argument(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);

	return (struct reeve_gql_text){value, value ? strlen(value) : 0};
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct reeve_gql_call *call)
{
	struct reeve_gql_http_response answer;
	struct MHD_Response *response;
	enum MHD_Result result;

	reeve_gql_call_response(call, &answer);
	response = MHD_create_response_from_buffer(
		answer.body_len, (void *)(uintptr_t)answer.body, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, "Content-Type", answer.content_type);
	if (answer.allow)
		MHD_add_response_header(response, "Allow", answer.allow);
	result = MHD_queue_response(connection, (unsigned)answer.status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_request(struct toy *toy, struct MHD_Connection *connection,
	const char *method, const struct reeve_json *body)
{
	struct reeve_gql_call *call = reeve_gql_call_create(toy->engine);
	struct reeve_gql_http_request request = {.method = method,
		.content_type =
			MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type"),
		.accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"),
		.body = {body->data, body->len},
		.query = argument(connection, "query"),
		.operation_name = argument(connection, "operationName"),
		.variables = argument(connection, "variables"),
		.extensions = argument(connection, "extensions")};
	enum MHD_Result result;

	if (!call)
		return MHD_NO;
	switch (reeve_gql_call_begin(call, &request)) {
	case REEVE_GQL_CALL_READY:
		reeve_gql_call_run(call, NULL, NULL);
		break;
	case REEVE_GQL_CALL_SUBSCRIBE:
		reeve_gql_call_refuse(call, 405, "INVALID_ARGUMENT",
			"Subscriptions are not served by this test server.");
		break;
	case REEVE_GQL_CALL_DONE:
		break;
	}
	result = send_answer(connection, call);
	reeve_gql_call_destroy(call);
	return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_len, void **state)
{
	struct upload *upload = *state;

	(void)url;
	(void)version;
	if (!upload) {
		upload = calloc(1, sizeof(*upload));
		if (!upload)
			return MHD_NO;
		reeve_json_init(&upload->body, 0);
		*state = upload;
		return MHD_YES;
	}
	if (*data_len) {
		reeve_json_raw(&upload->body, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	return answer_request(context, connection, method, &upload->body);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct upload *upload = *state;

	(void)context;
	(void)connection;
	(void)why;
	if (!upload)
		return;
	reeve_json_fini(&upload->body);
	free(upload);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *server;
	struct toy toy;
	char byte;

	if (argc != 2) {
		fprintf(stderr, "usage: server schema.graphql\n");
		return 2;
	}
	toy_open(&toy, argv[1], NULL);
	server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, &toy,
		MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_END);
	if (!server) {
		fprintf(stderr, "cannot listen\n");
		return 2;
	}
	printf("http://127.0.0.1:%u/graphql\n",
		(unsigned)MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	MHD_stop_daemon(server);
	toy_close(&toy);
	return 0;
}
