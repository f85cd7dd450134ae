/* GraphQL over HTTP, as pure functions. */
#include "check.h"
#include "graphql/http.h"

#define GRAPHQL_TYPE "application/graphql-response+json; charset=utf-8"
#define JSON_TYPE    "application/json; charset=utf-8"

static struct reeve_gql_call *begin(struct toy *toy, const struct reeve_gql_http_request *request)
{
	struct reeve_gql_call *call = reeve_gql_call_create(toy->engine);

	if (reeve_gql_call_begin(call, request) == REEVE_GQL_CALL_READY)
		reeve_gql_call_run(call, NULL, NULL);
	return call;
}

static void check_call(struct toy *toy, const struct reeve_gql_http_request *request, int status,
	const char *content_type, const char *part)
{
	struct reeve_gql_call *call = begin(toy, request);
	struct reeve_gql_http_response answer;
	char *body;

	reeve_gql_call_response(call, &answer);
	body = calloc(1, answer.body_len + 1);
	assert_non_null(body);
	memcpy(body, answer.body, answer.body_len);
	if (answer.status != status || !strstr(body, part))
		fail_msg("%d %s, not %d %s", answer.status, body, status, part);
	assert_string_equal(answer.content_type, content_type);
	free(body);
	reeve_gql_call_destroy(call);
}

static struct reeve_gql_text text(const char *data)
{
	return (struct reeve_gql_text){data, data ? strlen(data) : 0};
}

static void check_post(struct toy *toy, const char *accept, const char *body, int status,
	const char *content_type, const char *part)
{
	struct reeve_gql_http_request request = {.method = "POST",
		.content_type = "application/json",
		.accept = accept,
		.body = text(body)};

	check_call(toy, &request, status, content_type, part);
}

#define SHA_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define GRAPHQL_ACCEPT "application/graphql-response+json"

static void test_post(void **state)
{
	struct toy *toy = *state;

	check_post(toy, NULL, "{\"query\":\"{ version }\"}", 200, JSON_TYPE,
		"{\"data\":{\"version\":\"version\"}}");
	check_post(toy, GRAPHQL_ACCEPT,
		"{\"query\":\"query A { version } query B($n: Int) { e: echo(int: $n) }\","
		"\"operationName\":\"B\",\"variables\":{\"n\":4},\"extensions\":{\"x\":1}}",
		200, GRAPHQL_TYPE,
		"{\"data\":{\"e\":{\"int\":4,\"strict\":5,\"string\":\"text\"}}}");
	check_post(toy, NULL,
		"{\"query\":\"{ version }\",\"variables\":null,\"operationName\":null,"
		"\"extensions\":null}",
		200, JSON_TYPE, "{\"data\":");
	check_post(toy, GRAPHQL_ACCEPT, "{\"query\":\"{ brokenPerson { id } }\"}", 200,
		GRAPHQL_TYPE, "{\"data\":null,");
}

/* Request errors: 400 as application/graphql-response+json, 200 as application/json. */
static void test_request_errors(void **state)
{
	static const struct {
		const char *body, *part;
	} cases[] = {
		{"{\"query\":\"{\"}", "GRAPHQL_PARSE_FAILED"},
		{"{\"query\":\"{ nope }\"}", "GRAPHQL_VALIDATION_FAILED"},
		{"{\"query\":\"query($v: Int!) { echo(int: $v) }\"}", "was not provided"},
		{"{\"query\":\"query A { version } query B { count }\"}",
			"Must provide operation name"},
		{"{\"query\":\"{ version }\",\"operationName\":\"X\"}", "Unknown operation named"},
		{"{\"extensions\":{\"persistedQuery\":{\"version\":1,\"sha256Hash\":"
		 "\"" SHA_OF_NOTHING "\"}}}",
			"\"PersistedQueryNotFound\",\"extensions\":{\"code\":"
			"\"PERSISTED_QUERY_NOT_FOUND\"}"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_post(*state, NULL, cases[i].body, 200, JSON_TYPE, cases[i].part);
		check_post(*state, GRAPHQL_ACCEPT, cases[i].body, 400, GRAPHQL_TYPE, cases[i].part);
	}
}

static void test_bad_bodies(void **state)
{
	static const struct {
		const char *body, *part;
	} cases[] = {
		{NULL, "The request body is empty."},
		{"", "The request body is empty."},
		{"{ \"not a JSON", "The request body is not valid JSON: unterminated string"},
		{"[{\"query\":\"{ version }\"}]", "The request body must be a JSON object."},
		{"{}", "Parameter \\\"query\\\" is missing."},
		{"{\"query\":1}", "Parameter \\\"query\\\" must be a string."},
		{"{\"query\":\"{ version }\",\"operationName\":[]}",
			"Parameter \\\"operationName\\\" must be a string."},
		{"{\"query\":\"{ version }\",\"variables\":\"x\"}",
			"Parameter \\\"variables\\\" must be an object."},
		{"{\"query\":\"{ version }\",\"extensions\":[]}",
			"Parameter \\\"extensions\\\" must be an object."},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_post(*state, NULL, cases[i].body, 400, JSON_TYPE, cases[i].part);
		check_post(*state, GRAPHQL_ACCEPT, cases[i].body, 400, GRAPHQL_TYPE, cases[i].part);
	}
}

static void test_media_types(void **state)
{
	static const struct {
		const char *accept;
		int status;
		const char *type;
	} accepts[] = {
		{NULL, 200, JSON_TYPE}, {"", 200, JSON_TYPE}, {"*/*", 200, JSON_TYPE},
		{"application/*", 200, JSON_TYPE}, {"application/json", 200, JSON_TYPE},
		{"application/json; charset=utf-8", 200, JSON_TYPE},
		{"application/graphql-response+json, application/json;q=0.9", 200, GRAPHQL_TYPE},
		{"application/json;q=0.9, application/graphql-response+json", 200, GRAPHQL_TYPE},
		{"application/graphql-response+json;q=0.1, application/json", 200, JSON_TYPE},
		{"application/graphql-response+json, */*", 200, GRAPHQL_TYPE},
		{"application/json, application/graphql-response+json", 200, JSON_TYPE},
		{"text/html, */*;q=0.1", 200, JSON_TYPE},
		{"APPLICATION/GRAPHQL-RESPONSE+JSON", 200, GRAPHQL_TYPE},
		{"text/html", 406, JSON_TYPE}, {"application/json;q=0", 406, JSON_TYPE},
		{"application/json;charset=latin1", 406, JSON_TYPE},
		{"text/event-stream", 200, JSON_TYPE}, /* its caller makes events of it */
	};
	static const struct {
		const char *content_type;
		int status;
	} types[] = {
		{"application/json", 200},
		{"application/json; charset=UTF-8", 200},
		{"Application/JSON;charset=\"utf-8\"", 200},
		{"application/json; charset=iso-8859-1", 415},
		{"application/jsonx", 415},
		{"text/plain", 415},
		{"application/x-www-form-urlencoded", 415},
		{NULL, 415},
	};
	struct reeve_gql_http_request request = {.method = "POST",
		.content_type = "application/json",
		.body = text("{\"query\":\"{ version }\"}")};
	size_t i;

	for (i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
		request.accept = accepts[i].accept;
		check_call(*state, &request, accepts[i].status, accepts[i].type, "{");
	}
	request.accept = NULL;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		request.content_type = types[i].content_type;
		check_call(*state, &request, types[i].status, JSON_TYPE, "{");
	}
}

static void test_methods(void **state)
{
	struct reeve_gql_http_request request = {.method = "PUT"};
	struct reeve_gql_http_response answer;
	struct reeve_gql_call *call;
	struct toy *toy = *state;

	call = begin(toy, &request);
	reeve_gql_call_response(call, &answer);
	assert_int_equal(answer.status, 405);
	assert_string_equal(answer.allow, "GET, POST");
	reeve_gql_call_destroy(call);
	request.method = "GET";
	check_call(toy, &request, 400, JSON_TYPE, "Parameter \\\"query\\\" is missing.");
	request.query = text("mutation { add }");
	call = begin(toy, &request);
	reeve_gql_call_response(call, &answer);
	assert_int_equal(answer.status, 405);
	assert_string_equal(answer.allow, "POST");
	reeve_gql_call_destroy(call);
	request.query = text("query Q($n: Int) { e: echo(int: $n) } mutation M { add }");
	request.operation_name = text("Q");
	request.variables = text("{\"n\":3}");
	request.extensions = text("{}");
	check_call(toy, &request, 200, JSON_TYPE, "\"int\":3");
	request.variables = text("{");
	check_call(toy, &request, 400, JSON_TYPE, "Parameter \\\"variables\\\" is not valid JSON.");
	request.variables = text("[]");
	check_call(toy, &request, 400, JSON_TYPE, "Parameter \\\"variables\\\" must be an object.");
}

static void test_query_strings(void **state)
{
	static const char good[] =
		"other=%zz&query=%7B+version%20%7D&operationName=&variables=%7B%22n%22%3A1%7D";
	static const char *const bad[] = {"query=%", "query=%4", "query=%zz", "query=a&query=b",
		"variables=%ff", "extensions=%C3"};
	char buffer[128];
	size_t i;

	struct reeve_gql_http_request request = {0};

	(void)state;
	assert_int_equal(reeve_gql_http_decode_query(good, strlen(good), buffer, &request), 0);
	assert_int_equal(request.query.len, 11);
	assert_memory_equal(request.query.data, "{ version }", 11);
	assert_int_equal(request.operation_name.len, 0);
	assert_non_null(request.operation_name.data);
	assert_memory_equal(request.variables.data, "{\"n\":1}", 7);
	assert_null(request.extensions.data);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		request = (struct reeve_gql_http_request){0};
		assert_int_equal(
			reeve_gql_http_decode_query(bad[i], strlen(bad[i]), buffer, &request), -1);
	}
}

static void test_subscriptions(void **state)
{
	struct reeve_gql_http_request request = {.method = "POST",
		.content_type = "application/json",
		.accept = "text/event-stream",
		.body = text("{\"query\":\"subscription S($c: Color) { tick(n: 3, color: $c) }\","
			     "\"variables\":{\"c\":\"BLUE\"}}")};
	struct reeve_gql_subscription *subscription;
	struct reeve_gql_http_response answer;
	struct toy *toy = *state;
	struct reeve_gql_call *call = reeve_gql_call_create(toy->engine);
	const char *color;

	assert_int_equal(reeve_gql_call_begin(call, &request), REEVE_GQL_CALL_SUBSCRIBE);
	assert_true(reeve_gql_call_wants_stream(call));
	assert_string_equal(reeve_gql_call_operation_name(call), "S");
	assert_int_equal(reeve_gql_call_operation(call), REEVE_GQL_SUBSCRIPTION);
	assert_int_equal(reeve_gql_call_subscribe(call, &subscription), 0);
	reeve_gql_call_reset(call);
	assert_int_equal(
		reeve_gql_value_str(reeve_gql_subscription_arg(subscription, "color"), &color),
		REEVE_GQL_GIVEN);
	assert_string_equal(color, "BLUE");
	reeve_gql_subscription_close(subscription);

	request.accept = NULL;
	assert_int_equal(reeve_gql_call_begin(call, &request), REEVE_GQL_CALL_SUBSCRIBE);
	assert_false(reeve_gql_call_wants_stream(call));
	reeve_gql_call_refuse(call, 405, "INVALID_ARGUMENT", "Ask for text/event-stream.");
	reeve_gql_call_response(call, &answer);
	assert_int_equal(answer.status, 405);
	assert_int_equal(answer.body[answer.body_len - 1], '}');
	reeve_gql_call_destroy(call);
}

/* One call for many requests; the body limit; a response over its limit. */
static void test_reuse_and_limits(void **state)
{
	struct reeve_gql_http_request request = {
		.method = "POST", .content_type = "application/json"};
	struct reeve_gql_http_response answer;
	struct reeve_gql_options options;
	struct reeve_gql_call *call;
	struct toy toy;
	int i;

	(void)state;
	reeve_gql_options_init(&options);
	options.max_body_bytes = 100;
	options.max_response_bytes = 4000;
	toy_open(&toy, TOY_SCHEMA, &options);
	call = reeve_gql_call_create(toy.engine);
	for (i = 0; i < 50; i++) {
		request.body = text(i % 2 ? "{\"query\":\"{ version }\"}"
					  : "{\"query\":\"{ person { failing } }\"}");
		assert_int_equal(reeve_gql_call_begin(call, &request), REEVE_GQL_CALL_READY);
		assert_false(reeve_gql_call_blocks(call));
		reeve_gql_call_run(call, NULL, NULL);
		reeve_gql_call_response(call, &answer);
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.body_len, i % 2 ? 30 : 168);
		reeve_gql_call_reset(call);
	}
	reeve_gql_call_destroy(call);
	request.body =
		text("{\"query\":\"{ __schema { types { fields { name type { name } } } } }\"}");
	check_call(
		&toy, &request, 500, JSON_TYPE, "The response is larger than the server permits.");
	request.body =
		text("{\"query\":\"{ version }\",\"variables\":{\"long\":\"aaaaaaaaaaaaaaaaaaaaaa"
		     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}");
	check_call(&toy, &request, 413, JSON_TYPE, "the maximum is 100.");
	toy_close(&toy);
}

/* Where persisted queries are not kept, the answer says so; one that comes with its text is run. */
static void test_persisted_off(void **state)
{
	struct reeve_gql_options options;
	struct toy toy;

	(void)state;
	reeve_gql_options_init(&options);
	options.persisted_entries = 0;
	toy_open(&toy, TOY_SCHEMA, &options);
	check_post(&toy, NULL, "{\"extensions\":{\"persistedQuery\":{}}}", 200, JSON_TYPE,
		"\"PersistedQueryNotSupported\",\"extensions\":{\"code\":"
		"\"PERSISTED_QUERY_NOT_SUPPORTED\"}");
	check_post(&toy, NULL, "{\"query\":\"{ version }\",\"extensions\":{\"persistedQuery\":{}}}",
		200, JSON_TYPE, "{\"data\":");
	toy_close(&toy);
}

static void test_json_is_accepted(void **state)
{
	static const char *const yes[] = {NULL, "", " ", "*/*", "application/*", "application/json",
		"Application/JSON;q=0.001", "text/html, */*;q=0.1", "*/*;q=0, application/json",
		"application/json;charset=utf-8", "text/html,,application/json"};
	static const char *const no[] = {"text/html", "application/json;q=0", "*/*;q=0",
		"application/json;q=0, */*", "*/*, application/json;q=0", "application/json;q=2",
		"application/json;charset=latin1", "application/jso", "json", ","};
	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(reeve_gql_http_accepts_json(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (reeve_gql_http_accepts_json(no[i]))
			fail_msg("\"%s\" accepts JSON", no[i]);
	}
}

static void test_content_types(void **state)
{
	(void)state;
	assert_true(reeve_gql_http_is_type(
		"application/merge-patch+json; charset=UTF-8", "application/merge-patch+json"));
	assert_false(reeve_gql_http_is_type(NULL, "application/json"));
	assert_false(reeve_gql_http_is_type("", "application/json"));
	assert_false(reeve_gql_http_is_type("application/json, text/html", "application/json"));
	assert_false(reeve_gql_http_is_type("application/json; charset=x", "application/json"));
}

static void check_unescape(const char *escaped, bool form, const char *plain)
{
	char out[32];
	long len = reeve_gql_http_unescape(escaped, strlen(escaped), form, out);
	assert_int_equal(len, plain == NULL ? -1 : (long)strlen(plain));
	if (plain != NULL)
		assert_memory_equal(out, plain, strlen(plain));
}

static void test_unescape(void **state)
{
	(void)state;
	check_unescape("", true, "");
	check_unescape("a+b%2B%c3%84", true, "a b+\xc3\x84");
	check_unescape("a+b%2f", false, "a+b/");
	check_unescape("%", true, NULL);
	check_unescape("%4", true, NULL);
	check_unescape("%4g", false, NULL);
	check_unescape("a%zz", false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_request_errors),
		cmocka_unit_test(test_bad_bodies),
		cmocka_unit_test(test_media_types),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_query_strings),
		cmocka_unit_test(test_json_is_accepted),
		cmocka_unit_test(test_content_types),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_subscriptions),
		cmocka_unit_test(test_reuse_and_limits),
		cmocka_unit_test(test_persisted_off),
	};

	return cmocka_run_group_tests(tests, open_toy, close_toy);
}
