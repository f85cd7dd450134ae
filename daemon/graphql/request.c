/* A request from its variables to its answer; subscriptions; the engine itself. */
#include "graphql/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* As graphql-js: after so many errors in variables coercion stops. */
#define MAX_VARIABLE_ERRORS 50u

/* ---- engine ---- */

static int64_t read_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void reeve_gql_options_init(struct reeve_gql_options *options)
{
	*options = (struct reeve_gql_options){
		.max_document_bytes = 65536,
		.max_tokens = 8192,
		.max_nesting = 64,
		.max_depth = 24,
		.max_aliases = 256,
		.max_fields = 4096,
		.max_cost = 1000000,
		.max_run_ms = 10000,
		.now_ms = read_clock_ms,
		.persisted_entries = 1024,
		.persisted_bytes = 16u << 20,
		.max_response_bytes = 64u << 20,
		.max_errors = 100,
		.max_body_bytes = 4u << 20,
		.max_json_nesting = 64,
		.max_arena_bytes = 64u << 20,
		.cache_entries = 512,
		.cache_bytes = 16u << 20,
		.code_parse = "GRAPHQL_PARSE_FAILED",
		.code_validation = "GRAPHQL_VALIDATION_FAILED",
		.code_limit = "RESOURCE_EXHAUSTED",
		.code_request = "INVALID_ARGUMENT",
		.code_internal = "INTERNAL",
		.introspection = true,
	};
}

int reeve_gql_engine_create(const char *sdl, size_t sdl_len, const struct reeve_gql_table *tables,
	size_t n_tables, const struct reeve_gql_options *options,
	struct reeve_gql_engine **ret_engine, char *error, size_t error_size)
{
	struct reeve_gql_engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return REEVE_GQL_ENOMEM;
	if (options)
		engine->options = *options;
	else
		reeve_gql_options_init(&engine->options);
	if (!reeve_gql_schema_init(&engine->schema, sdl, sdl_len, tables, n_tables,
		    engine->options.introspection, error, error_size)) {
		reeve_gql_schema_fini(&engine->schema);
		free(engine);
		return REEVE_GQL_ESCHEMA;
	}
	if (reeve_gql_persisted_init(&engine->persisted)) {
		reeve_gql_schema_fini(&engine->schema);
		free(engine);
		return REEVE_GQL_ENOMEM;
	}
	if (reeve_gql_cache_init(&engine->cache, engine->options.cache_entries)) {
		reeve_gql_persisted_fini(&engine->persisted);
		reeve_gql_schema_fini(&engine->schema);
		free(engine);
		return REEVE_GQL_ENOMEM;
	}
	*ret_engine = engine;
	return REEVE_GQL_OK;
}

void reeve_gql_engine_destroy(struct reeve_gql_engine *engine)
{
	if (!engine)
		return;
	reeve_gql_persisted_fini(&engine->persisted);
	reeve_gql_cache_fini(&engine->cache);
	reeve_gql_schema_fini(&engine->schema);
	free(engine);
}

const struct reeve_gql_options *reeve_gql_engine_options(const struct reeve_gql_engine *engine)
{
	return &engine->options;
}

const struct gql_schema *reeve_gql_engine_schema(const struct reeve_gql_engine *engine)
{
	return &engine->schema;
}

/* ---- variables ---- */

/* Errors of variables go straight into the answer. */
struct variable_errors {
	struct gql_request *request;
	const struct gql_ast_variable *variable;
	uint32_t count;
};

static void write_variable_error(struct variable_errors *errors, const char *message)
{
	struct gql_request *request = errors->request;

	if (!errors->count++) {
		reeve_json_object_begin(request->out);
		reeve_json_key(request->out, "errors");
		reeve_json_array_begin(request->out);
	}
	reeve_gql_write_error(request->out, request->document->text, request->document->len,
		message, &errors->variable->pos, 1, request->engine->options.code_request);
}

static void on_coerce_error(
	void *context, const char *path, const struct reeve_gql_value *value, const char *reason)
{
	struct variable_errors *errors = context;
	struct gql_name name = errors->variable->name;
	const char *shown = reeve_gql_print_value(errors->request->arena, value);
	char message[1024];

	if (*path)
		snprintf(message, sizeof(message),
			"Variable \"$%.*s\" got invalid value %s at \"%.*s%s\"; %s",
			GQL_NAME_ARG(name), shown, GQL_NAME_ARG(name), path, reason);
	else
		snprintf(message, sizeof(message), "Variable \"$%.*s\" got invalid value %s; %s",
			GQL_NAME_ARG(name), shown, reason);
	write_variable_error(errors, message);
}

static const struct reeve_gql_value *find_given(
	const struct reeve_gql_value *given, struct gql_name name)
{
	uint32_t i;

	if (!given || given->kind != REEVE_GQL_VALUE_OBJECT)
		return NULL;
	for (i = 0; i < given->count; i++)
		if (given->members[i].name_len == name.len &&
			!memcmp(given->members[i].name, name.text, name.len))
			return &given->members[i].value;
	return NULL;
}

static void coerce_variable(struct variable_errors *errors, struct gql_coerce *coerce,
	const struct reeve_gql_value *given, struct reeve_gql_value *ret)
{
	const struct gql_ast_variable *variable = errors->variable;
	const struct gql_type *type = variable->resolved;
	const struct reeve_gql_value *value = find_given(given, variable->name);
	bool required = type->kind == GQL_NON_NULL;
	char message[1024];

	if (!value && variable->default_value) {
		reeve_gql_value_from_literal(
			coerce->arena, type, variable->default_value, NULL, ret);
	} else if (!value && required) {
		snprintf(message, sizeof(message),
			"Variable \"$%.*s\" of required type \"%s\" was not provided.",
			GQL_NAME_ARG(variable->name), type->name);
		write_variable_error(errors, message);
	} else if (value && value->kind == REEVE_GQL_VALUE_NULL && required) {
		snprintf(message, sizeof(message),
			"Variable \"$%.*s\" of non-null type \"%s\" must not be null.",
			GQL_NAME_ARG(variable->name), type->name);
		write_variable_error(errors, message);
	} else if (value) {
		reeve_gql_value_from_json(coerce, type, value, ret);
	}
}

static int coerce_variables(struct gql_request *request, const struct reeve_gql_value *given)
{
	struct variable_errors errors = {request, request->operation->ast->variables, 0};
	struct gql_coerce coerce = {.arena = request->arena,
		.on_error = on_coerce_error,
		.context = &errors,
		.max_errors = MAX_VARIABLE_ERRORS};
	struct reeve_gql_value *values;

	if (!errors.variable)
		return REEVE_GQL_OK;
	values = reeve_gql_arena_zalloc(
		request->arena, request->operation->n_variables * sizeof(*values));
	request->variables = (struct gql_variables){errors.variable, values};
	for (; values && errors.variable && errors.count < MAX_VARIABLE_ERRORS;
		errors.variable = errors.variable->next)
		coerce_variable(&errors, &coerce, given, values++);
	if (errors.count) {
		reeve_json_array_end(request->out);
		reeve_json_object_end(request->out);
		return REEVE_GQL_EVARIABLES;
	}
	if (!request->arena->exhausted)
		return REEVE_GQL_OK;
	reeve_gql_write_failure(
		request->out, request->engine->options.code_internal, "Out of memory.");
	return REEVE_GQL_ENOMEM;
}

static int check_cost(const struct gql_request *request)
{
	const struct reeve_gql_options *options = &request->engine->options;
	struct gql_excess excess = {
		"cost", reeve_gql_cost(request), options->max_cost, request->operation->ast->pos};
	char message[128];

	if (excess.value <= excess.maximum)
		return REEVE_GQL_OK;
	snprintf(message, sizeof(message), "Operation has a cost of %llu, the maximum is %llu.",
		(unsigned long long)excess.value, (unsigned long long)excess.maximum);
	reeve_gql_write_limit(request->out, request->document->text, request->document->len,
		options->code_limit, message, &excess);
	return REEVE_GQL_ECOST;
}

/* ---- the answer ---- */

int reeve_gql_begin_request(struct gql_request *request, const struct reeve_gql_value *variables)
{
	int status;

	request->n_slots = request->document->n_slots;
	status = coerce_variables(request, variables);
	return status == REEVE_GQL_OK ? check_cost(request) : status;
}

const struct gql_plan *reeve_gql_root_plan(struct gql_request *request)
{
	struct gql_ast_selection top = {.selections = request->operation->ast->selections};
	struct gql_nodes nodes = {.node = &top};
	struct gql_collect collect = {.schema = &request->engine->schema,
		.arena = request->arena,
		.variables = &request->variables,
		.n_slots = &request->n_slots};

	if (request->operation->plan)
		return request->operation->plan;
	return reeve_gql_plan_collect(&collect, request->operation->ast->type, &nodes);
}

static void write_errors(struct gql_request *request)
{
	uint32_t most = request->engine->options.max_errors;
	char message[96];

	if (!request->n_errors)
		return;
	reeve_json_key(request->out, "errors");
	reeve_json_array_begin(request->out);
	if (request->errors->len)
		reeve_json_raw_value(request->out, request->errors->data, request->errors->len);
	if (request->n_errors > most) {
		snprintf(message, sizeof(message), "%u more errors are not listed.",
			request->n_errors - most);
		reeve_gql_write_error(request->out, NULL, 0, message, NULL, 0,
			request->engine->options.code_internal);
	}
	reeve_json_array_end(request->out);
}

/* The answer is over its limit, or there is no memory for it: nothing of it can be sent. */
static int replace_answer(struct gql_request *request, size_t start)
{
	request->out->failed = false;
	reeve_json_truncate(request->out, start);
	reeve_gql_write_failure(request->out, request->engine->options.code_limit,
		"The response is larger than the server permits.");
	return REEVE_GQL_ELIMIT;
}

int reeve_gql_answer_request(struct gql_request *request, const void *root)
{
	const struct gql_plan *plan = reeve_gql_root_plan(request);
	size_t start = request->out->len, data;

	if (!plan) {
		reeve_gql_write_failure(
			request->out, request->engine->options.code_internal, "Out of memory.");
		return REEVE_GQL_ENOMEM;
	}
	reeve_gql_start_time(request);
	reeve_json_raw(request->out, "{\"data\":", 8);
	data = request->out->len;
	if (!reeve_gql_run_plan(request, plan, root, NULL)) {
		reeve_json_truncate(request->out, data);
		reeve_json_null(request->out);
	}
	write_errors(request);
	reeve_json_object_end(request->out);
	if (!reeve_json_ok(request->out) || !reeve_json_ok(request->errors))
		return replace_answer(request, start);
	return REEVE_GQL_OK;
}

int reeve_gql_run_operation(
	struct gql_request *request, const struct reeve_gql_value *variables, const void *root)
{
	int status = reeve_gql_begin_request(request, variables);

	if (status != REEVE_GQL_OK)
		return status;
	return reeve_gql_answer_request(request, root);
}

/* Reads the variables' text; false with the answer written. */
static bool read_variables(const struct reeve_gql_engine *engine, struct gql_arena *arena,
	const struct reeve_gql_params *params, struct reeve_gql_value *ret, struct reeve_json *out)
{
	struct gql_json_error error = {0};

	ret->kind = REEVE_GQL_VALUE_NULL;
	if (!params->variables)
		return true;
	if (!reeve_gql_json_read(arena, params->variables, params->variables_len,
		    engine->options.max_json_nesting, ret, &error)) {
		reeve_gql_write_failure(out, engine->options.code_request,
			error.message ? "Variables are not valid JSON." : "Out of memory.");
		return false;
	}
	if (ret->kind == REEVE_GQL_VALUE_OBJECT || ret->kind == REEVE_GQL_VALUE_NULL)
		return true;
	reeve_gql_write_failure(
		out, engine->options.code_request, "Variables must be a JSON object.");
	return false;
}

/* The operation, of the right kind; NULL with *ret_status and the answer written. */
static const struct gql_operation *choose_operation(const struct reeve_gql_engine *engine,
	const struct reeve_gql_document *document, const char *name, bool subscription,
	int *ret_status, struct reeve_json *out)
{
	const struct gql_operation *operation = reeve_gql_document_find(document, name);
	char message[320];

	if (!operation) {
		if (name && *name)
			snprintf(message, sizeof(message), "Unknown operation named \"%.200s\".",
				name);
		else if (document->n_operations)
			snprintf(message, sizeof(message),
				"Must provide operation name if query contains multiple "
				"operations.");
		else
			snprintf(message, sizeof(message), "Must provide an operation.");
		reeve_gql_write_failure(out, engine->options.code_request, message);
		*ret_status = REEVE_GQL_EOPERATION;
		return NULL;
	}
	if (subscription == (operation->kind == REEVE_GQL_SUBSCRIPTION))
		return operation;
	reeve_gql_write_failure(out, engine->options.code_request,
		subscription ? "The operation is no subscription."
			     : "A subscription needs a connection that carries events.");
	*ret_status = REEVE_GQL_EKIND;
	return NULL;
}

int reeve_gql_execute(const struct reeve_gql_engine *engine,
	const struct reeve_gql_document *document, const struct reeve_gql_params *params,
	struct reeve_json *out)
{
	struct gql_request request = {
		.engine = engine, .document = document, .out = out, .user = params->user};
	struct reeve_gql_value variables = {0};
	struct gql_arena arena;
	struct reeve_json errors;
	int status = REEVE_GQL_EVARIABLES;

	request.operation =
		choose_operation(engine, document, params->operation_name, false, &status, out);
	if (!request.operation)
		return status;
	reeve_gql_arena_init(&arena, engine->options.max_arena_bytes);
	reeve_json_init(&errors, engine->options.max_response_bytes);
	request.arena = &arena;
	request.errors = &errors;
	if (read_variables(engine, &arena, params, &variables, out))
		status = reeve_gql_run_operation(&request, &variables, params->root);
	reeve_json_fini(&errors);
	reeve_gql_arena_fini(&arena);
	return status;
}

/* ---- subscriptions ---- */

/* There may be thousands, of which most have next to no variables. */
#define SUBSCRIPTION_BYTES ((size_t)512)

struct reeve_gql_subscription {
	struct gql_request request; /* variables and the root field's arguments; arena below */
	struct gql_arena arena;	    /* as long as the subscription */
	struct gql_arena event_arena;
	struct reeve_json errors;
	struct reeve_gql_document *document;
	const struct gql_plan_field *field;
	const struct reeve_gql_value *args;
};

/* The root field and its arguments, coerced once. */
static int prepare_subscription(struct reeve_gql_subscription *subscription)
{
	struct gql_request *request = &subscription->request;
	const struct gql_plan *plan = reeve_gql_root_plan(request);
	struct reeve_gql_ctx ctx = {.request = request};

	if (!plan || !plan->count) {
		reeve_gql_write_failure(request->out, request->engine->options.code_request,
			plan ? "The subscription selects nothing." : "Out of memory.");
		return plan ? REEVE_GQL_EVARIABLES : REEVE_GQL_ENOMEM;
	}
	subscription->field = ctx.field = &plan->fields[0];
	subscription->args = plan->fields[0].args;
	ctx.parent = plan->type;
	ctx.path = (struct gql_path){.key = ctx.field->name.text, .key_len = ctx.field->name.len};
	if (subscription->args || reeve_gql_coerce_args(&ctx, &subscription->args))
		return REEVE_GQL_OK;
	reeve_json_object_begin(request->out);
	write_errors(request);
	reeve_json_object_end(request->out);
	return REEVE_GQL_EVARIABLES;
}

static struct reeve_gql_subscription *new_subscription(const struct reeve_gql_engine *engine,
	struct reeve_gql_document *document, const struct gql_operation *operation)
{
	struct reeve_gql_subscription *subscription = calloc(1, sizeof(*subscription));

	if (!subscription)
		return NULL;
	atomic_fetch_add_explicit(&document->references, 1, memory_order_relaxed);
	subscription->document = document;
	reeve_gql_arena_init(&subscription->arena, engine->options.max_arena_bytes);
	subscription->arena.first_bytes = SUBSCRIPTION_BYTES;
	reeve_gql_arena_init(&subscription->event_arena, engine->options.max_arena_bytes);
	reeve_json_init(&subscription->errors, engine->options.max_response_bytes);
	subscription->request = (struct gql_request){.engine = engine,
		.document = document,
		.operation = operation,
		.arena = &subscription->arena,
		.errors = &subscription->errors};
	return subscription;
}

int reeve_gql_subscription_open(const struct reeve_gql_engine *engine,
	struct reeve_gql_document *document, const struct reeve_gql_params *params,
	struct reeve_gql_subscription **ret_subscription, struct reeve_json *out)
{
	struct reeve_gql_subscription *subscription;
	struct reeve_gql_value variables = {0};
	const struct gql_operation *operation;
	int status = REEVE_GQL_EVARIABLES;

	operation = choose_operation(engine, document, params->operation_name, true, &status, out);
	if (!operation)
		return status;
	subscription = new_subscription(engine, document, operation);
	if (!subscription) {
		reeve_gql_write_failure(out, engine->options.code_internal, "Out of memory.");
		return REEVE_GQL_ENOMEM;
	}
	subscription->request.out = out;
	if (read_variables(engine, &subscription->arena, params, &variables, out))
		status = reeve_gql_begin_request(&subscription->request, &variables);
	if (status == REEVE_GQL_OK)
		status = prepare_subscription(subscription);
	subscription->request.out = NULL;
	if (status != REEVE_GQL_OK) {
		reeve_gql_subscription_close(subscription);
		return status;
	}
	*ret_subscription = subscription;
	return REEVE_GQL_OK;
}

const char *reeve_gql_subscription_field(const struct reeve_gql_subscription *subscription)
{
	return subscription->field->def->name;
}

const struct reeve_gql_value *reeve_gql_subscription_arg(
	const struct reeve_gql_subscription *subscription, const char *name)
{
	struct reeve_gql_ctx ctx = {.field = subscription->field, .args = subscription->args};

	return reeve_gql_arg(&ctx, name);
}

int reeve_gql_subscription_event(struct reeve_gql_subscription *subscription, const void *root,
	void *user, struct reeve_json *out)
{
	struct gql_request request = subscription->request;
	int status;

	request.arena = &subscription->event_arena;
	request.out = out;
	request.user = user;
	request.n_errors = 0;
	request.memos = NULL;
	request.n_memos = 0;
	request.n_slots = subscription->document->n_slots;
	status = reeve_gql_answer_request(&request, root);
	/* Nothing is kept from event to event. */
	reeve_gql_arena_fini(&subscription->event_arena);
	reeve_json_fini(&subscription->errors);
	return status;
}

void reeve_gql_subscription_close(struct reeve_gql_subscription *subscription)
{
	if (!subscription)
		return;
	reeve_json_fini(&subscription->errors);
	reeve_gql_arena_fini(&subscription->event_arena);
	reeve_gql_arena_fini(&subscription->arena);
	reeve_gql_document_release(subscription->document);
	free(subscription);
}
