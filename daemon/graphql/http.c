/* GraphQL over HTTP, without HTTP: from method, headers and body to status, type and body. Follows
 * the GraphQL over HTTP working draft; what it leaves open is as graphql-http's audit asks. */
#include "graphql/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql/exec.h"

/* What a call that rests keeps of each buffer: there may be thousands that do. */
#define KEEP_BYTES ((size_t)16 * 1024)

struct reeve_gql_call {
	struct reeve_gql_engine *engine;
	struct gql_arena arena;
	struct reeve_json body, errors;
	struct reeve_gql_document *document;
	const struct gql_operation *operation;
	struct reeve_gql_value variables, extensions;
	struct gql_accept accept;
	enum reeve_gql_call_state state;
	int status;
	const char *allow;
	bool post;
};

/* The four parameters of a request, wherever they came from. */
struct parameters {
	struct reeve_gql_text query;
	const char *operation_name; /* NUL-terminated, or NULL */
	struct reeve_gql_value variables, extensions;
};

struct reeve_gql_call *reeve_gql_call_create(struct reeve_gql_engine *engine)
{
	struct reeve_gql_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->engine = engine;
	reeve_gql_arena_init(&call->arena, engine->options.max_arena_bytes);
	reeve_json_init(&call->body, engine->options.max_response_bytes);
	reeve_json_init(&call->errors, engine->options.max_response_bytes);
	return call;
}

void reeve_gql_call_reset(struct reeve_gql_call *call)
{
	reeve_gql_document_release(call->document);
	reeve_gql_arena_reset(&call->arena);
	reeve_json_reset(&call->body);
	reeve_json_reset(&call->errors);
	call->document = NULL;
	call->operation = NULL;
	call->variables = call->extensions = (struct reeve_gql_value){0};
	call->accept = (struct gql_accept){GQL_MEDIA_JSON, false};
	call->state = REEVE_GQL_CALL_DONE;
	call->status = 0;
	call->allow = NULL;
}

void reeve_gql_call_rest(struct reeve_gql_call *call)
{
	reeve_gql_document_release(call->document);
	call->document = NULL;
	if (call->arena.total_bytes > KEEP_BYTES)
		reeve_gql_arena_fini(&call->arena);
	if (call->body.cap > KEEP_BYTES)
		reeve_json_fini(&call->body);
	if (call->errors.cap > KEEP_BYTES)
		reeve_json_fini(&call->errors);
}

void reeve_gql_call_destroy(struct reeve_gql_call *call)
{
	if (!call)
		return;
	reeve_gql_document_release(call->document);
	reeve_gql_arena_fini(&call->arena);
	reeve_json_fini(&call->body);
	reeve_json_fini(&call->errors);
	free(call);
}

/* ---- answers without execution ---- */

static enum reeve_gql_call_state answer(
	struct reeve_gql_call *call, int status, const char *code, const char *message)
{
	reeve_json_reset(&call->body);
	reeve_gql_write_failure(&call->body, code, message);
	call->status = status;
	call->state = REEVE_GQL_CALL_DONE;
	return call->state;
}

static enum reeve_gql_call_state bad_request(struct reeve_gql_call *call, const char *message)
{
	return answer(call, 400, call->engine->options.code_request, message);
}

static enum reeve_gql_call_state not_allowed(
	struct reeve_gql_call *call, const char *allow, const char *message)
{
	call->allow = allow;
	return answer(call, 405, call->engine->options.code_request, message);
}

/* A well-formed request that cannot be executed: the status depends on the media type. */
static enum reeve_gql_call_state request_error(struct reeve_gql_call *call)
{
	call->status = call->accept.media == GQL_MEDIA_GRAPHQL ? 400 : 200;
	call->state = REEVE_GQL_CALL_DONE;
	return call->state;
}

/* ---- parameters ---- */

static bool is_null(const struct reeve_gql_value *value)
{
	return value->kind == REEVE_GQL_VALUE_ABSENT || value->kind == REEVE_GQL_VALUE_NULL;
}

static const char *check_map(const struct reeve_gql_value *value, const char *complaint)
{
	return is_null(value) || value->kind == REEVE_GQL_VALUE_OBJECT ? NULL : complaint;
}

/* From a POST body; what is wrong with it, or NULL. */
static const char *read_body(
	struct reeve_gql_call *call, struct reeve_gql_text body, struct parameters *parameters)
{
	const struct reeve_gql_value *query, *name;
	struct gql_json_error error = {0};
	struct reeve_gql_value json;
	const char *complaint;

	if (!body.data || !body.len)
		return "The request body is empty.";
	if (!reeve_gql_json_read(&call->arena, body.data, body.len,
		    call->engine->options.max_json_nesting, &json, &error)) {
		complaint = reeve_gql_arena_printf(&call->arena,
			"The request body is not valid JSON: %s at byte %u.",
			error.message ? error.message : "out of memory", error.offset);
		return complaint ? complaint : "The request body is not valid JSON.";
	}
	if (json.kind != REEVE_GQL_VALUE_OBJECT)
		return "The request body must be a JSON object.";
	query = reeve_gql_value_member(&json, "query");
	name = reeve_gql_value_member(&json, "operationName");
	parameters->variables = *reeve_gql_value_member(&json, "variables");
	parameters->extensions = *reeve_gql_value_member(&json, "extensions");
	if (!is_null(query) && query->kind != REEVE_GQL_VALUE_STRING)
		return "Parameter \"query\" must be a string.";
	if (!is_null(name) && name->kind != REEVE_GQL_VALUE_STRING)
		return "Parameter \"operationName\" must be a string.";
	if (query->kind == REEVE_GQL_VALUE_STRING)
		parameters->query = (struct reeve_gql_text){query->text, query->count};
	if (name->kind == REEVE_GQL_VALUE_STRING)
		parameters->operation_name = name->text;
	return NULL;
}

/* From a query string; what is wrong with it, or NULL. */
static const char *read_query_string(struct reeve_gql_call *call,
	const struct reeve_gql_http_request *request, struct parameters *parameters)
{
	uint32_t nesting = call->engine->options.max_json_nesting;
	struct gql_json_error error = {0};

	parameters->query = request->query;
	if (request->variables.data &&
		!reeve_gql_json_read(&call->arena, request->variables.data, request->variables.len,
			nesting, &parameters->variables, &error))
		return "Parameter \"variables\" is not valid JSON.";
	if (request->extensions.data &&
		!reeve_gql_json_read(&call->arena, request->extensions.data,
			request->extensions.len, nesting, &parameters->extensions, &error))
		return "Parameter \"extensions\" is not valid JSON.";
	if (!request->operation_name.data)
		return NULL;
	if (memchr(request->operation_name.data, 0, request->operation_name.len))
		return "Parameter \"operationName\" must be a name.";
	parameters->operation_name = reeve_gql_arena_copy(
		&call->arena, request->operation_name.data, request->operation_name.len);
	return parameters->operation_name ? NULL : "Out of memory.";
}

static const char *read_parameters(struct reeve_gql_call *call,
	const struct reeve_gql_http_request *request, struct parameters *parameters)
{
	const char *complaint = call->post ? read_body(call, request->body, parameters)
					   : read_query_string(call, request, parameters);

	if (!complaint)
		complaint = check_map(
			&parameters->variables, "Parameter \"variables\" must be an object.");
	if (!complaint)
		complaint = check_map(
			&parameters->extensions, "Parameter \"extensions\" must be an object.");
	return complaint;
}

/* ---- beginning ---- */

/* Method, headers, sizes. True if the request may go on. */
static bool negotiate(struct reeve_gql_call *call, const struct reeve_gql_http_request *request)
{
	const struct reeve_gql_options *options = &call->engine->options;
	char message[96];

	call->accept = reeve_gql_http_accept(request->accept);
	call->post = !strcmp(request->method, "POST");
	if (!call->post && strcmp(request->method, "GET")) {
		not_allowed(call, "GET, POST", "GraphQL only supports GET and POST requests.");
		return false;
	}
	if (call->accept.media == GQL_MEDIA_NONE && !call->accept.stream) {
		answer(call, 406, options->code_request,
			"The answer can be application/graphql-response+json or "
			"application/json.");
		return false;
	}
	if (call->post && !reeve_gql_http_is_json(request->content_type)) {
		answer(call, 415, options->code_request,
			"The request body must be application/json in UTF-8.");
		return false;
	}
	if (call->post && request->body.len > options->max_body_bytes) {
		snprintf(message, sizeof(message),
			"The request body has %zu bytes, the maximum is %zu.", request->body.len,
			options->max_body_bytes);
		answer(call, 413, options->code_limit, message);
		return false;
	}
	return true;
}

/* What is wrong with extensions.persistedQuery and the text that came with it, or NULL. */
static const char *read_persisted(
	const struct reeve_gql_value *persisted, struct reeve_gql_text text, uint8_t *ret_sha)
{
	const struct reeve_gql_value *version = reeve_gql_value_member(persisted, "version");
	const struct reeve_gql_value *hash = reeve_gql_value_member(persisted, "sha256Hash");
	uint8_t sha[GQL_SHA_BYTES];

	if (version->kind != REEVE_GQL_VALUE_UINT || version->u64 != 1)
		return "The version of extensions.persistedQuery must be 1.";
	if (hash->kind != REEVE_GQL_VALUE_STRING ||
		!reeve_gql_sha_from_hex(hash->text, hash->count, ret_sha))
		return "The sha256Hash of extensions.persistedQuery must be 64 hexadecimal digits.";
	if (text.data && (!reeve_gql_sha256(text.data, text.len, sha) ||
				 memcmp(sha, ret_sha, sizeof(sha)) != 0))
		return "The sha256Hash of extensions.persistedQuery is not that of the query.";
	return NULL;
}

/* Finds the document of a request with extensions.persistedQuery. False: the answer is ready. */
static bool acquire_persisted(struct reeve_gql_call *call, const struct parameters *parameters)
{
	struct reeve_gql_text query = parameters->query;
	const char *complaint;
	uint8_t sha[GQL_SHA_BYTES];

	complaint = read_persisted(
		reeve_gql_value_member(&call->extensions, "persistedQuery"), query, sha);
	if (complaint) {
		bad_request(call, complaint);
		return false;
	}
	if (!query.data) {
		call->document = reeve_gql_persisted_find(call->engine, sha);
		if (call->document)
			return true;
		answer(call, 200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound");
		request_error(call);
		return false;
	}
	if (reeve_gql_document_acquire(
		    call->engine, query.data, query.len, &call->document, &call->body)) {
		request_error(call);
		return false;
	}
	reeve_gql_persisted_insert(call->engine, sha, call->document);
	return true;
}

/* Finds or makes the document. False: the answer is ready. */
static bool acquire(struct reeve_gql_call *call, const struct parameters *parameters)
{
	struct reeve_gql_text query = parameters->query;

	if (!is_null(reeve_gql_call_extension(call, "persistedQuery"))) {
		if (call->engine->options.persisted_entries)
			return acquire_persisted(call, parameters);
		if (!query.data) {
			answer(call, 200, "PERSISTED_QUERY_NOT_SUPPORTED",
				"PersistedQueryNotSupported");
			request_error(call);
			return false;
		}
	}
	if (!query.data) {
		bad_request(call, "Parameter \"query\" is missing.");
		return false;
	}
	if (!reeve_gql_document_acquire(
		    call->engine, query.data, query.len, &call->document, &call->body))
		return true;
	request_error(call);
	return false;
}

static enum reeve_gql_call_state no_operation(struct reeve_gql_call *call, const char *name)
{
	char message[320];

	if (name && *name)
		snprintf(message, sizeof(message), "Unknown operation named \"%.200s\".", name);
	else if (call->document->n_operations)
		snprintf(message, sizeof(message),
			"Must provide operation name if query contains multiple operations.");
	else
		snprintf(message, sizeof(message), "Must provide an operation.");
	answer(call, 200, call->engine->options.code_request, message);
	return request_error(call);
}

/* The operation is known: is it one that may be run this way? */
static enum reeve_gql_call_state judge_operation(struct reeve_gql_call *call)
{
	if (!call->post && call->operation->kind == REEVE_GQL_MUTATION)
		return not_allowed(call, "POST", "Cannot perform mutations over GET.");
	if (call->operation->kind == REEVE_GQL_SUBSCRIPTION) {
		call->state = REEVE_GQL_CALL_SUBSCRIBE;
		return call->state;
	}
	call->state = REEVE_GQL_CALL_READY;
	return call->state;
}

enum reeve_gql_call_state reeve_gql_call_begin(
	struct reeve_gql_call *call, const struct reeve_gql_http_request *request)
{
	struct parameters parameters = {0};
	const char *complaint;

	if (!negotiate(call, request))
		return call->state;
	complaint = read_parameters(call, request, &parameters);
	if (complaint)
		return bad_request(call, complaint);
	call->extensions = parameters.extensions;
	if (!acquire(call, &parameters))
		return call->state;
	call->operation = reeve_gql_document_find(call->document, parameters.operation_name);
	if (!call->operation)
		return no_operation(call, parameters.operation_name);
	call->variables = parameters.variables;
	return judge_operation(call);
}

/* ---- going on ---- */

bool reeve_gql_call_blocks(const struct reeve_gql_call *call)
{
	return call->operation->blocks;
}

enum reeve_gql_operation reeve_gql_call_operation(const struct reeve_gql_call *call)
{
	return call->operation->kind;
}

const char *reeve_gql_call_operation_name(const struct reeve_gql_call *call)
{
	return call->operation->name;
}

bool reeve_gql_call_wants_only_stream(const struct reeve_gql_call *call)
{
	return call->accept.stream && call->accept.media == GQL_MEDIA_NONE;
}

const struct reeve_gql_value *reeve_gql_call_extension(
	const struct reeve_gql_call *call, const char *name)
{
	return reeve_gql_value_member(&call->extensions, name);
}

bool reeve_gql_call_wants_stream(const struct reeve_gql_call *call)
{
	return call->accept.stream;
}

void reeve_gql_call_run(struct reeve_gql_call *call, const void *root, void *user)
{
	struct gql_request request = {.engine = call->engine,
		.document = call->document,
		.operation = call->operation,
		.arena = &call->arena,
		.out = &call->body,
		.errors = &call->errors,
		.user = user};
	int status = reeve_gql_run_operation(&request, &call->variables, root);

	request_error(call);
	if (status == REEVE_GQL_OK)
		call->status = 200;
	else if (status == REEVE_GQL_ELIMIT || status == REEVE_GQL_ENOMEM)
		call->status = 500;
}

int reeve_gql_call_subscribe(
	struct reeve_gql_call *call, struct reeve_gql_subscription **ret_subscription)
{
	struct reeve_gql_params params = {.operation_name = call->operation->name};
	struct reeve_json text;
	int status;

	/* The subscription outlives the call's arena, so it gets the variables as text. */
	reeve_json_init(&text, 0);
	if (!is_null(&call->variables)) {
		reeve_gql_value_write(&call->variables, &text);
		params.variables = text.data;
		params.variables_len = text.len;
	}
	status = reeve_gql_subscription_open(
		call->engine, call->document, &params, ret_subscription, &call->body);
	reeve_json_fini(&text);
	request_error(call);
	if (status == REEVE_GQL_OK)
		call->status = 200;
	return status;
}

void reeve_gql_call_refuse(
	struct reeve_gql_call *call, int status, const char *code, const char *message)
{
	answer(call, status, code, message);
}

void reeve_gql_call_response(
	const struct reeve_gql_call *call, struct reeve_gql_http_response *ret_response)
{
	static const char no_memory[] = "{\"errors\":[{\"message\":\"Out of memory.\"}]}";
	bool graphql = call->accept.media == GQL_MEDIA_GRAPHQL;

	*ret_response = (struct reeve_gql_http_response){
		.status = call->status,
		.content_type = graphql ? "application/graphql-response+json; charset=utf-8"
					: "application/json; charset=utf-8",
		.allow = call->allow,
		.body = call->body.data,
		.body_len = call->body.len,
	};
	if (reeve_json_ok(&call->body))
		return;
	ret_response->status = 500;
	ret_response->body = no_memory;
	ret_response->body_len = sizeof(no_memory) - 1;
}
