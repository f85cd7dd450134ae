/* Objects and fields: section 6.3 and 6.4. */
#include "graphql/exec.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- what resolvers ask ---- */

void *reeve_gql_user(const struct reeve_gql_ctx *ctx)
{
	return ctx->request->user;
}

void *reeve_gql_alloc(struct reeve_gql_ctx *ctx, size_t bytes)
{
	return reeve_gql_arena_alloc(ctx->request->arena, bytes);
}

char *reeve_gql_printf(struct reeve_gql_ctx *ctx, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = n < 0 ? NULL : reeve_gql_alloc(ctx, (size_t)n + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

const struct reeve_gql_value *reeve_gql_arg(const struct reeve_gql_ctx *ctx, const char *name)
{
	const struct gql_field *def = ctx->field->def;
	uint32_t i = 0;

	while (i < def->n_args && strcmp(def->args[i].name, name))
		i++;
	assert(i < def->n_args);
	return &ctx->args[i];
}

const struct reeve_gql_value *reeve_gql_arg_at(
	const struct reeve_gql_ctx *ctx, uint32_t at, const char **ret_name)
{
	const struct gql_field *def = ctx->field->def;

	if (at >= def->n_args)
		return NULL;
	*ret_name = def->args[at].name;
	return &ctx->args[at];
}

const char *reeve_gql_field_name(const struct reeve_gql_ctx *ctx)
{
	return ctx->field->def->name;
}

const char *reeve_gql_parent_type_name(const struct reeve_gql_ctx *ctx)
{
	return ctx->parent->name;
}

bool reeve_gql_selects(struct reeve_gql_ctx *ctx, const char *subfield)
{
	const struct gql_type *named = ctx->field->named;
	uint32_t i, k;

	for (i = 0; i < named->n_possible; i++) {
		const struct gql_plan *plan =
			ctx->field->sub
				? ctx->field->sub
				: reeve_gql_find_plan(ctx->request, ctx->field, named->possible[i]);

		/* Not known: say yes, the work is done for nothing at worst. */
		if (!plan)
			return true;
		for (k = 0; k < plan->count; k++)
			if (!strcmp(plan->fields[k].def->name, subfield))
				return true;
	}
	return false;
}

/* ---- plans that depend on variables or on the object's type ---- */

static struct gql_memo **memo_of(struct gql_request *request, uint32_t slot)
{
	uint32_t larger = request->n_memos;
	struct gql_memo **memos;

	if (slot < request->n_memos)
		return &request->memos[slot];
	while (larger <= slot)
		larger = larger ? larger * 2 : request->n_slots + 8;
	memos = reeve_gql_arena_zalloc(request->arena, larger * sizeof(*memos));
	if (!memos)
		return NULL;
	if (request->n_memos)
		memcpy(memos, request->memos, request->n_memos * sizeof(*memos));
	request->memos = memos;
	request->n_memos = larger;
	return &memos[slot];
}

const struct gql_plan *reeve_gql_find_plan(struct gql_request *request,
	const struct gql_plan_field *field, const struct gql_type *type)
{
	struct gql_collect collect = {.schema = &request->engine->schema,
		.arena = request->arena,
		.variables = &request->variables,
		.n_slots = &request->n_slots};
	struct gql_memo **head = memo_of(request, field->slot), *memo;

	for (memo = head ? *head : NULL; memo; memo = memo->next)
		if (memo->type == type)
			return memo->plan;
	memo = head ? reeve_gql_arena_alloc(request->arena, sizeof(*memo)) : NULL;
	if (!memo)
		return NULL;
	memo->type = type;
	memo->plan = reeve_gql_plan_collect(&collect, type, field->nodes);
	memo->next = *head;
	if (memo->plan)
		*head = memo;
	return memo->plan;
}

/* ---- arguments ---- */

static const struct gql_ast_arg *find_arg(const struct gql_ast_arg *arg, const char *name)
{
	while (arg && !reeve_gql_name_is(arg->name, name))
		arg = arg->next;
	return arg;
}

static bool fail_arg(struct reeve_gql_ctx *ctx, const struct gql_input *input, const char *why,
	const struct gql_ast_value *literal)
{
	struct gql_request *request = ctx->request;
	char message[640];

	if (request->arena->exhausted) {
		reeve_gql_record(ctx, NULL, "Out of memory.", NULL);
		return false;
	}
	snprintf(message, sizeof(message), why, input->name, input->type->name, (int)literal->len,
		literal->text ? literal->text : "");
	reeve_gql_record(ctx, request->engine->options.code_request, message, &literal->pos);
	return false;
}

static bool coerce_arg(struct reeve_gql_ctx *ctx, const struct gql_input *input,
	const struct gql_ast_arg *arg, struct reeve_gql_value *ret)
{
	struct gql_request *request = ctx->request;
	bool required = input->type->kind == GQL_NON_NULL;
	const struct gql_ast_value *literal = arg->value;

	if (!reeve_gql_value_from_literal(
		    request->arena, input->type, literal, &request->variables, ret)) {
		const struct reeve_gql_value *value =
			literal->kind == GQL_AST_VARIABLE ? reeve_gql_variable(&request->variables,
								    literal->text, literal->len)
							  : NULL;

		if (value && value->kind == REEVE_GQL_VALUE_NULL)
			return fail_arg(ctx, input,
				"Argument \"%s\" of non-null type \"%s\" must not be null.",
				literal);
		return fail_arg(ctx, input, "Argument \"%s\" of type \"%s\" has an invalid value.",
			literal);
	}
	if (ret->kind != REEVE_GQL_VALUE_ABSENT)
		return true;
	*ret = input->default_value;
	if (ret->kind == REEVE_GQL_VALUE_ABSENT && required)
		return fail_arg(ctx, input,
			"Argument \"%s\" of required type \"%s\" was provided the variable "
			"\"$%.*s\" which was not provided a runtime value.",
			literal);
	return true;
}

bool reeve_gql_coerce_args(struct reeve_gql_ctx *ctx, const struct reeve_gql_value **ret_args)
{
	const struct gql_field *def = ctx->field->def;
	const struct gql_ast_arg *args = ctx->field->nodes->node->args;
	struct reeve_gql_value *values =
		reeve_gql_arena_zalloc(ctx->request->arena, def->n_args * sizeof(*values) + 1);
	uint32_t i;

	if (!values) {
		reeve_gql_record(ctx, NULL, "Out of memory.", NULL);
		return false;
	}
	for (i = 0; i < def->n_args; i++) {
		const struct gql_ast_arg *arg = find_arg(args, def->args[i].name);

		if (!arg)
			values[i] = def->args[i].default_value;
		else if (!coerce_arg(ctx, &def->args[i], arg, &values[i]))
			return false;
	}
	*ret_args = values;
	return true;
}

/* ---- fields ---- */

static void run_resolver(struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row,
	const void *object, size_t start)
{
	reeve_gql_around_fn around =
		row->flags >= REEVE_GQL_AROUND ? ctx->request->engine->options.around : NULL;
	uint32_t errors = ctx->request->n_errors;

	ctx->start = start;
	ctx->errors_start = ctx->request->errors->len;
	ctx->errors_before = errors;

	if ((around ? around(ctx, row, object) : row->fn(ctx, object)) < 0) {
		if (ctx->request->n_errors == errors)
			reeve_gql_fail(ctx, NULL, "Internal error.");
		reeve_gql_emit_failed(ctx, start);
		return;
	}
	/* Lists are ended. */
	assert(!ctx->n_frames);
	if (ctx->outcome == GQL_NOTHING)
		reeve_gql_emit_nothing(ctx);
}

/* ---- time ---- */

/* Resolvers between two looks at the clock; one takes far less than a millisecond, or is BLOCKING. */
#define CALLS_A_LOOK 16u

void reeve_gql_start_time(struct gql_request *request)
{
	const struct reeve_gql_options *options = &request->engine->options;

	request->deadline_ms =
		options->max_run_ms ? options->now_ms() + (int64_t)options->max_run_ms : 0;
	request->calls = 0;
	request->is_late = false;
}

/* The operation is over its time: true, with one error the first time that is seen. */
static bool is_late(struct reeve_gql_ctx *ctx)
{
	struct gql_request *request = ctx->request;
	const struct reeve_gql_options *options = &request->engine->options;
	uint32_t most = options->max_run_ms;
	int64_t over;

	if (request->is_late)
		return true;
	if (!request->deadline_ms || request->calls++ % CALLS_A_LOOK)
		return false;
	over = options->now_ms() - request->deadline_ms;
	if (over < 0)
		return false;
	request->is_late = true;
	reeve_gql_fail(ctx, options->code_limit,
		"Operation has run %lld ms, the maximum is %u; the rest of it was not done.",
		(long long)over + most, most);
	reeve_gql_fail_extension(ctx, "limit", "time");
	reeve_gql_fail_number(ctx, "value", (uint64_t)over + most);
	reeve_gql_fail_number(ctx, "maximum", most);
	return true;
}

/* Waiting is not counted: a resolver that may wait has limits of its own. */
static void run_blocking(struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row,
	const void *object, size_t start)
{
	int64_t (*now_ms)(void) = ctx->request->engine->options.now_ms;
	int64_t began = now_ms();

	run_resolver(ctx, row, object, start);
	if (ctx->request->deadline_ms)
		ctx->request->deadline_ms += now_ms() - began;
}

/* False: the field is null and may not be. */
static bool run_field(struct gql_request *request, const struct gql_plan *plan,
	const struct gql_plan_field *field, const void *object, const struct gql_path *path)
{
	const struct reeve_gql_binding *row = field->def->binding;
	struct reeve_gql_ctx ctx;
	size_t start;

	ctx.request = request;
	ctx.field = field;
	ctx.parent = plan->type;
	ctx.args = field->args;
	ctx.path = (struct gql_path){path, field->name.text, field->name.len, 0};
	ctx.outcome = GQL_NOTHING;
	ctx.n_frames = 0;
	reeve_json_raw_value(request->out, field->key, field->key_len);
	start = request->out->len;
	if (!row)
		reeve_gql_emit_str(&ctx, plan->type->name);
	else if (!ctx.args && !reeve_gql_coerce_args(&ctx, &ctx.args))
		reeve_gql_emit_failed(&ctx, start);
	else if (row->kind == REEVE_GQL_FN && is_late(&ctx))
		reeve_gql_emit_failed(&ctx, start);
	else if (row->flags & REEVE_GQL_BLOCKING)
		run_blocking(&ctx, row, object, start);
	else if (row->kind == REEVE_GQL_FN)
		run_resolver(&ctx, row, object, start);
	else
		reeve_gql_emit_member(&ctx, row, object);
	return ctx.outcome != GQL_BUBBLE;
}

bool reeve_gql_run_plan(struct gql_request *request, const struct gql_plan *plan,
	const void *object, const struct gql_path *path)
{
	uint32_t i;

	reeve_json_object_begin(request->out);
	for (i = 0; i < plan->count && !request->out->failed; i++)
		if (!run_field(request, plan, &plan->fields[i], object, path))
			return false;
	reeve_json_object_end(request->out);
	return true;
}
