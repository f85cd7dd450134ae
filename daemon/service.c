/* SPDX-License-Identifier: Apache-2.0 */
/* service.c - see service.h. */
#include "service.h"
#include "client.h"
#include "metrics/metrics.h"
#include "resolvers/resolvers.h"
#include "schema.h"
#include "subscribe.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define JSON_TYPE  "application/json; charset=utf-8"
#define TEXT_TYPE  "text/plain; charset=utf-8"
#define KEEP_BYTES ((size_t)16 * 1024) /* a connection's buffers above this are freed after use */

static const char index_text[] =
	"reeved " REEVE_VERSION "\n"
	"\n"
	"/graphql   GraphQL: POST {\"query\": \"...\"} as application/json, or GET ?query=...;\n"
	"           subscriptions with Accept: text/event-stream\n"
	"/api/v1    REST; /api/v1/openapi.json says what there is\n"
	"/metrics   OpenMetrics or Prometheus text\n"
	"/healthz   is the process alive\n"
	"/readyz    does it govern\n";

/* Statements: see client.h. */

void reeved_client_begin(struct reeved_client *client, reeve_session_id id)
{
	atomic_store(&client->running, id.v);
}

void reeved_client_end(struct reeved_client *client)
{
	atomic_store(&client->running, 0);
	while (atomic_load(&client->cancelling) != 0)
		sched_yield();
}

static void abandon_client(void *self, void *state)
{
	struct reeved *daemon = self;
	struct reeved_client *client = state;
	atomic_store(&client->is_abandoned, true);
	atomic_fetch_add(&client->cancelling, 1);
	uint64_t id = atomic_load(&client->running);
	/* INVALID_STATE: not begun yet, and then it sees is_abandoned; or over. */
	if (id != 0)
		(void)reeve_session_cancel(daemon->reeve, (reeve_session_id){id}, NULL);
	atomic_fetch_sub(&client->cancelling, 1);
}

static void *open_client(void *self)
{
	struct reeved_client *client = calloc(1, sizeof(*client));
	if (client == NULL)
		return NULL;
	client->daemon = self;
	reeve_json_init(&client->text, 0);
	reeve_json_init(&client->cells, 0);
	return client;
}

static void close_client(void *self, void *state)
{
	(void)self;
	struct reeved_client *client = state;
	if (client->call != NULL)
		reeve_gql_call_destroy(client->call);
	reeved_subscribe_forget(client);
	reeved_rest_call_destroy(client->rest);
	reeve_json_fini(&client->text);
	reeve_json_fini(&client->cells);
	free(client);
}

/* Answers */

static void fill_reply(
	struct reeve_http_reply *reply, int status, const char *type, const char *body, size_t len)
{
	*reply = (struct reeve_http_reply){
		.status = status, .content_type = type, .body = body, .body_len = len};
}

static enum reeve_http_verdict reply_error(struct reeved_client *client, int status,
	const char *code, const char *message, struct reeve_http_reply *ret_reply)
{
	struct reeve_json *text = &client->text;
	if (!reeve_json_reserve(text, 512))
		return REEVE_HTTP_BUSY;
	size_t len = reeve_http_error_body(text->data, 512, code, message);
	fill_reply(ret_reply, status, JSON_TYPE, text->data, len);
	return REEVE_HTTP_REPLY;
}

static bool read_query(struct reeved_client *client, const struct reeve_http_request *request,
	struct reeve_gql_http_request *gql)
{
	if (request->query == NULL)
		return true;
	return reeve_json_reserve(&client->text, request->query_len + 1) &&
	       reeve_gql_http_decode_query(
		       request->query, request->query_len, client->text.data, gql) == 0;
}

static void run_client(struct reeved *daemon, struct reeved_client *client)
{
	reeved_count(reeve_gql_call_operation(client->call) == REEVE_GQL_MUTATION
			     ? &daemon->counters.mutations
			     : &daemon->counters.queries);
	reeve_gql_call_run(client->call, NULL, client);
}

static enum reeve_http_verdict answer_graphql(struct reeved *daemon, struct reeved_client *client,
	const struct reeve_http_request *request, struct reeve_http_reply *ret_reply)
{
	struct reeve_gql_http_request gql = {
		.method = request->method,
		.content_type = request->content_type,
		.accept = request->accept,
		.body = {request->body, request->body_len},
	};
	enum reeve_http_verdict verdict;
	if (strcmp(request->path, REEVED_STREAM_PATH) == 0 &&
		reeved_subscribe_handle(client, request, ret_reply, &verdict))
		return verdict;
	if (client->call == NULL)
		client->call = reeve_gql_call_create(daemon->graphql);
	if (client->call == NULL)
		return REEVE_HTTP_BUSY;
	reeve_gql_call_reset(client->call);
	if (!read_query(client, request, &gql))
		return reply_error(client, 400, "INVALID_ARGUMENT",
			"The query string is malformed, or has a parameter twice.", ret_reply);
	atomic_store_explicit(&client->is_abandoned, false, memory_order_relaxed);
	enum reeve_gql_call_state state = reeve_gql_call_begin(client->call, &gql);
	if (client->relay != NULL && !reeved_subscribe_name(client, ret_reply))
		return REEVE_HTTP_REPLY;
	switch (state) {
	case REEVE_GQL_CALL_SUBSCRIBE:
		reeved_count(&daemon->counters.subscriptions);
		return reeved_subscribe_begin(client, request, ret_reply);
	case REEVE_GQL_CALL_READY:
		if (reeve_gql_call_blocks(client->call))
			return REEVE_HTTP_WAIT;
		run_client(daemon, client);
		break;
	case REEVE_GQL_CALL_DONE:
		reeved_count(&daemon->counters.refused);
		break;
	}
	reeved_subscribe_reply(client, ret_reply);
	return REEVE_HTTP_REPLY;
}

/* REST: see rest/rest.h. */

static enum reeve_http_verdict reply_rest(
	struct reeved_client *client, struct reeve_http_reply *ret_reply)
{
	struct reeve_gql_http_response response;
	reeve_gql_call_response(client->call, &response);
	return reeved_rest_finish(client->rest, &response, ret_reply) == REEVED_REST_REPLY
		       ? REEVE_HTTP_REPLY
		       : REEVE_HTTP_BUSY;
}

static void run_rest(struct reeved *daemon, struct reeved_client *client)
{
	struct reeve_gql_http_response response;
	struct reeve_gql_http_request gql;
	run_client(daemon, client);
	reeve_gql_call_response(client->call, &response);
	if (!reeved_rest_follow(client->rest, &response, &gql))
		return;
	reeve_gql_call_reset(client->call);
	if (reeve_gql_call_begin(client->call, &gql) == REEVE_GQL_CALL_READY)
		run_client(daemon, client);
}

static enum reeve_http_verdict ask_graphql(struct reeved *daemon, struct reeved_client *client,
	const struct reeve_gql_http_request *gql, struct reeve_http_reply *ret_reply)
{
	reeve_gql_call_reset(client->call);
	atomic_store_explicit(&client->is_abandoned, false, memory_order_relaxed);
	client->is_rest = true;
	if (reeve_gql_call_begin(client->call, gql) == REEVE_GQL_CALL_READY) {
		if (reeve_gql_call_blocks(client->call))
			return REEVE_HTTP_WAIT;
		run_rest(daemon, client);
	}
	return reply_rest(client, ret_reply);
}

static enum reeve_http_verdict answer_rest(struct reeved *daemon, struct reeved_client *client,
	const struct reeve_http_request *request, struct reeve_http_reply *ret_reply)
{
	struct reeve_gql_http_request gql;
	if (client->rest == NULL)
		client->rest = reeved_rest_call_create(daemon->rest);
	if (client->call == NULL)
		client->call = reeve_gql_call_create(daemon->graphql);
	if (client->rest == NULL || client->call == NULL)
		return REEVE_HTTP_BUSY;
	switch (reeved_rest_begin(client->rest, request, &gql, ret_reply)) {
	case REEVED_REST_ASK:
		return ask_graphql(daemon, client, &gql, ret_reply);
	case REEVED_REST_REPLY:
		return REEVE_HTTP_REPLY;
	case REEVED_REST_BUSY:
		break;
	}
	return REEVE_HTTP_BUSY;
}

static enum reeve_http_verdict answer_ready(
	struct reeved *daemon, struct reeved_client *client, struct reeve_http_reply *ret_reply)
{
	static const char ready[] = "{\"status\":\"ready\"}\n";
	struct reeve_segment_info info;
	reeve_segment_get(daemon->reeve, &info);
	if (atomic_load_explicit(&daemon->is_stopping, memory_order_relaxed))
		return reply_error(
			client, 503, "INVALID_STATE", "The server is stopping.", ret_reply);
	if (info.state != REEVE_SEGMENT_READY)
		return reply_error(client, 503, "INVALID_STATE",
			"The segment is not ready; nothing is enforced.", ret_reply);
	fill_reply(ret_reply, 200, JSON_TYPE, ready, sizeof(ready) - 1);
	return REEVE_HTTP_REPLY;
}

static enum reeve_http_verdict answer_health(struct reeved *daemon, struct reeved_client *client,
	const char *path, struct reeve_http_reply *ret_reply)
{
	static const char alive[] = "{\"status\":\"ok\"}\n";
	if (strcmp(path, "/readyz") == 0)
		return answer_ready(daemon, client, ret_reply);
	fill_reply(ret_reply, 200, JSON_TYPE, alive, sizeof(alive) - 1);
	return REEVE_HTTP_REPLY;
}

static enum reeve_http_verdict answer_metrics(struct reeved *daemon, struct reeved_client *client,
	const char *accept, struct reeve_http_reply *ret_reply)
{
	const char *type = reeved_metrics_write(daemon, accept, &client->text);
	if (!reeve_json_ok(&client->text))
		return REEVE_HTTP_BUSY;
	fill_reply(ret_reply, 200, type, client->text.data, client->text.len);
	return REEVE_HTTP_REPLY;
}

/* Everything but GraphQL is only read. */
static enum reeve_http_verdict answer_read(struct reeved *daemon, struct reeved_client *client,
	const struct reeve_http_request *request, struct reeve_http_reply *ret_reply)
{
	enum reeve_http_route route = reeve_http_route_of(request->path);
	if (route == REEVE_HTTP_ROUTE_OTHER)
		return reply_error(
			client, 404, "NOT_FOUND", "There is nothing at this path.", ret_reply);
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
		enum reeve_http_verdict verdict = reply_error(client, 405, "INVALID_ARGUMENT",
			"This path takes GET and HEAD.", ret_reply);
		ret_reply->allow = "GET, HEAD";
		return verdict;
	}
	if (route == REEVE_HTTP_ROUTE_METRICS)
		return answer_metrics(daemon, client, request->accept, ret_reply);
	if (route == REEVE_HTTP_ROUTE_HEALTH)
		return answer_health(daemon, client, request->path, ret_reply);
	fill_reply(ret_reply, 200, TEXT_TYPE, index_text, sizeof(index_text) - 1);
	return REEVE_HTTP_REPLY;
}

/* Nothing of the last answer is needed any more; what it made large is given back. */
static void rest(void *self, void *state)
{
	(void)self;
	struct reeved_client *client = state;
	reeved_subscribe_forget(client);
	if (client->text.cap > KEEP_BYTES)
		reeve_json_fini(&client->text);
	if (client->cells.cap > KEEP_BYTES)
		reeve_json_fini(&client->cells);
	if (client->call != NULL)
		reeve_gql_call_rest(client->call);
	reeved_rest_call_destroy(client->rest);
	client->rest = NULL;
}

static struct reeve_http_judgement admit(
	void *self, void *state, const struct reeve_http_head *head)
{
	struct reeved *daemon = self;
	struct reeved_client *client = state;
	return reeved_auth_admit(&daemon->auth, head, &client->who);
}

static enum reeve_http_verdict handle(void *self, void *state,
	const struct reeve_http_request *request, struct reeve_http_reply *ret_reply)
{
	struct reeved_client *client = state;
	reeve_json_reset(&client->text);
	client->is_rest = false;
	client->permitted = client->denied = 0;
	switch (reeve_http_route_of(request->path)) {
	case REEVE_HTTP_ROUTE_GRAPHQL:
		return answer_graphql(self, state, request, ret_reply);
	case REEVE_HTTP_ROUTE_API:
		return answer_rest(self, state, request, ret_reply);
	default:
		break;
	}
	return answer_read(self, state, request, ret_reply);
}

static void work(void *self, void *state)
{
	struct reeved_client *client = state;
	if (client->is_rest)
		run_rest(self, client);
	else
		run_client(self, client);
}

static void reply_late(struct reeved_client *client, struct reeve_http_reply *ret_reply)
{
	static const char none[] = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
				   "\"status\":503,\"detail\":\"Out of memory.\","
				   "\"code\":\"INTERNAL\"}";
	if (client->is_rest && reply_rest(client, ret_reply) == REEVE_HTTP_BUSY)
		fill_reply(ret_reply, 503, "application/problem+json; charset=utf-8", none,
			sizeof(none) - 1);
	if (!client->is_rest)
		reeved_subscribe_reply(client, ret_reply);
}

static void reply(void *self, void *state, struct reeve_http_reply *ret_reply)
{
	(void)self;
	reply_late(state, ret_reply);
}

static void refuse(void *self, void *state, struct reeve_http_reply *ret_reply)
{
	struct reeved *daemon = self;
	struct reeved_client *client = state;
	reeved_count(&daemon->counters.refused);
	reeve_gql_call_refuse(client->call, 503, "RESOURCE_EXHAUSTED",
		"Too many statements are running or waiting; see --workers.");
	reply_late(client, ret_reply);
}

struct reeve_http_app reeved_service_app(struct reeved *daemon)
{
	return (struct reeve_http_app){
		.self = daemon,
		.open = open_client,
		.close = close_client,
		.admit = admit,
		.handle = handle,
		.work = work,
		.reply = reply,
		.refuse = refuse,
		.abandon = abandon_client,
		.next = reeved_subscribe_next,
		.end = reeved_subscribe_end,
		.rest = rest,
	};
}

int reeved_service_create_graphql(const struct reeved_options *limits,
	struct reeve_gql_engine **ret_engine, struct reeve_error *err)
{
	const struct reeve_gql_table tables[] = {reeved_common_table, reeved_group_table,
		reeved_group_change_table, reeved_user_table, reeved_rule_table,
		reeved_condition_table, reeved_plan_table, reeved_directive_table,
		reeved_verdict_table, reeved_edit_table, reeved_schedule_table, reeved_cpu_table,
		reeved_io_table, reeved_memory_table, reeved_parallel_table,
		reeved_server_pool_table, reeved_session_table, reeved_control_table,
		reeved_totals_table, reeved_execution_table, reeved_manager_table,
		reeved_monitoring_table, reeved_event_table, reeved_sql_table, reeved_server_table,
		reeved_revision_table, reeved_audit_table};
	struct reeve_gql_options options;
	char faults[4096] = "";
	reeve_gql_options_init(&options);
	options.max_document_bytes = (uint32_t)256 * 1024;
	options.max_cost = limits->max_cost;
	options.max_run_ms = limits->max_seconds * 1000;
	options.around = reeved_operate;
	if (getrandom(&options.hash_seed, sizeof(options.hash_seed), 0) < 0)
		options.hash_seed = (uint64_t)(uintptr_t)&options;
	int rc = reeve_gql_engine_create(reeved_schema, reeved_schema_len(), tables,
		REEVED_COUNT(tables), &options, ret_engine, faults, sizeof(faults));
	if (rc == REEVE_GQL_OK)
		return 0;
	REEVED_LOG(REEVED_ERROR, "schema", {"faults", faults, 0});
	err->code = REEVE_EINTERNAL;
	snprintf(err->text, sizeof(err->text), "schema and resolvers do not fit: %.180s", faults);
	return REEVE_EINTERNAL;
}
