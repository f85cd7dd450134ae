/* Any bytes as a POST body, as a query string and as header fields. */
#include <stdlib.h>
#include <string.h>

#include "graphql/value.h"
#include "fuzz.h"
#include "toy.h"

static struct toy toy;

static void close_engine(void)
{
	toy_close(&toy);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	toy_open(&toy, TOY_SCHEMA, NULL);
	atexit(close_engine);
	return 0;
}

static void run_request(const struct reeve_gql_http_request *request)
{
	struct reeve_gql_call *call = reeve_gql_call_create(toy.engine);
	struct reeve_gql_subscription *subscription = NULL;
	struct reeve_gql_http_response answer;
	struct reeve_json event;

	switch (reeve_gql_call_begin(call, request)) {
	case REEVE_GQL_CALL_READY:
		reeve_gql_call_blocks(call);
		reeve_gql_call_run(call, NULL, NULL);
		break;
	case REEVE_GQL_CALL_SUBSCRIBE:
		if (reeve_gql_call_subscribe(call, &subscription))
			break;
		reeve_json_init(&event, 0);
		reeve_gql_subscription_event(subscription, NULL, NULL, &event);
		reeve_json_fini(&event);
		reeve_gql_subscription_close(subscription);
		break;
	case REEVE_GQL_CALL_DONE:
		break;
	}
	reeve_gql_call_response(call, &answer);
	if (!subscription && (answer.status < 200 || answer.status > 500 || !answer.body_len))
		abort();
	reeve_gql_call_destroy(call);
}

/* The first byte says what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reeve_gql_http_request request = {.method = "POST",
		.content_type = "application/json",
		.body = {(const char *)data + 1, size ? size - 1 : 0}};
	char *text, *buffer;

	if (!size)
		return 0;
	text = malloc(size);
	buffer = malloc(size + 1);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	if (data[0] == 'q') {
		request.method = "GET";
		if (!reeve_gql_http_decode_query(text, size - 1, buffer, &request))
			run_request(&request);
	} else if (data[0] == 'a') {
		request.accept = request.content_type = text;
		request.body = (struct reeve_gql_text){"{\"query\":\"{ version }\"}", 23};
		run_request(&request);
	} else {
		run_request(&request);
	}
	free(text);
	free(buffer);
	return 0;
}
