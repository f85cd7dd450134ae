/* SPDX-License-Identifier: Apache-2.0 */
/* revisions.c - revisions of definitions, and definitions as a document. */
#include "catalog/catalog.h"
#include "resolvers/resolvers.h"

#include "document/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 1000

struct change {
	const char *kind;
	uint64_t id;
	const char *before, *after; /* JSON; NULL: there is no such row */
};

/* Changes go to the answer from inside a walk. */
struct emitting {
	struct reeve_gql_ctx *ctx;
	bool has_memory;
};

static struct reeved_catalog *catalog_of(const struct reeve_gql_ctx *ctx)
{
	return reeved_client_of(ctx)->daemon->catalog;
}

static void emit_change(
	void *arg, uint32_t kind, uint64_t id, const char *before, const char *after)
{
	struct emitting *e = arg;
	const struct change change = {reeve_definition_kind_name(kind), id, before, after};

	reeve_gql_emit_object(e->ctx, &change);
}

static int resolve_before(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct change *c = object;
	return c->before != NULL ? reeve_gql_emit_json(ctx, c->before, strlen(c->before)) : 0;
}

static int resolve_after(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct change *c = object;
	return c->after != NULL ? reeve_gql_emit_json(ctx, c->after, strlen(c->after)) : 0;
}

/* ---- revisions ---- */

static int resolve_changes(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeved_revision_info *info = object;
	struct emitting e = {ctx, true};
	struct reeve_error err;

	reeve_gql_list_begin(ctx);
	int rc = reeved_store_changes(
		reeved_catalog_store(catalog_of(ctx)), info->number, emit_change, &e, &err);
	reeve_gql_list_end(ctx);
	return rc != 0 ? reeved_fail(ctx, &err) : 0;
}

static int list_revisions(struct reeve_gql_ctx *ctx, uint64_t before, int32_t first)
{
	struct reeved_revision_info *infos = reeve_gql_alloc(ctx, sizeof(*infos) * (size_t)first);
	struct reeve_error err;

	if (infos == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	int n = reeved_store_list(
		reeved_catalog_store(catalog_of(ctx)), before, infos, (uint32_t)first, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	reeve_gql_list_begin(ctx);
	for (int i = 0; i < n; i++)
		reeve_gql_emit_object(ctx, &infos[i]);
	reeve_gql_list_end(ctx);
	return 0;
}

/* The catalog is read between changes, not during one. */
#define LOCKED(ctx, call)                                                                          \
	do {                                                                                       \
		struct reeved *daemon_ = reeved_client_of(ctx)->daemon;                            \
		pthread_mutex_lock(&daemon_->definitions);                                         \
		int rc_ = (call);                                                                  \
		pthread_mutex_unlock(&daemon_->definitions);                                       \
		return rc_;                                                                        \
	} while (0)

static int resolve_list(struct reeve_gql_ctx *ctx, const void *object)
{
	uint64_t before = INT64_MAX;
	int32_t first = 100;

	(void)object;
	reeve_gql_arg_u64(ctx, "before", &before);
	reeve_gql_arg_i32(ctx, "first", &first);
	if (first < 1 || first > LIST_MAX)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"first is %d; allowed are 1 to %d", (int)first, LIST_MAX);
	LOCKED(ctx, list_revisions(ctx, before, first));
}

static int get_revision(struct reeve_gql_ctx *ctx)
{
	struct reeved_revision_info info;
	struct reeve_error err;
	int rc = reeved_store_get(
		reeved_catalog_store(catalog_of(ctx)), reeved_arg_id(ctx, "revision"), &info, &err);

	return rc != 0 ? reeved_fail(ctx, &err) : reeve_gql_emit_object(ctx, &info);
}

static int resolve_get(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	LOCKED(ctx, get_revision(ctx));
}

/* ---- differences ---- */

static int copy_set(const struct reeve_definitions *from, struct reeve_definitions *ret,
	struct reeve_error *err)
{
	struct reeve_definitions set = REEVE_DEFINITIONS_INIT;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < from->count; i++)
		rc = reeve_definitions_put(&set, &from->rows[i], err);
	memcpy(set.next_ids, from->next_ids, sizeof(set.next_ids));
	set.revision = from->revision;
	if (rc != 0)
		reeve_definitions_fini(&set);
	else
		*ret = set;
	return rc;
}

/* Definitions as they were at a revision. */
static int set_at(struct reeve_gql_ctx *ctx, uint64_t number, struct reeve_definitions *ret,
	struct reeve_error *err)
{
	struct reeved_catalog *c = catalog_of(ctx);
	int rc = copy_set(reeved_catalog_definitions(c), ret, err);

	if (rc == 0)
		rc = reeved_store_rewind(reeved_catalog_store(c), number, ret, err);
	if (rc != 0)
		reeve_definitions_fini(ret);
	return rc;
}

static char *json_of(const struct reeve_definition *row)
{
	char *text = NULL;
	size_t size;
	FILE *out = row != NULL ? open_memstream(&text, &size) : NULL;

	if (out == NULL)
		return NULL;
	reeve_row_write(out, row, NULL);
	fclose(out);
	return text;
}

static void emit_difference(
	void *arg, const struct reeve_definition *from, const struct reeve_definition *to)
{
	struct emitting *e = arg;
	char *before = json_of(from), *after = json_of(to);
	const struct reeve_definition *row = from != NULL ? from : to;

	if ((from != NULL && before == NULL) || (to != NULL && after == NULL))
		e->has_memory = false;
	emit_change(arg, row->kind, row->id, before, after);
	free(before);
	free(after);
}

static int emit_differences(struct reeve_gql_ctx *ctx, const struct reeve_definitions *from,
	const struct reeve_definitions *to)
{
	struct emitting e = {ctx, true};

	reeve_gql_list_begin(ctx);
	reeve_definitions_diff(from, to, emit_difference, &e);
	reeve_gql_list_end(ctx);
	return e.has_memory ? 0 : reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
}

static int diff_revisions(struct reeve_gql_ctx *ctx)
{
	struct reeve_definitions from = REEVE_DEFINITIONS_INIT, to = REEVE_DEFINITIONS_INIT;
	uint64_t number = reeved_catalog_revision(catalog_of(ctx));
	struct reeve_error err;
	int rc = set_at(ctx, reeved_arg_id(ctx, "fromRevision"), &from, &err);

	reeve_gql_arg_u64(ctx, "toRevision", &number);
	if (rc == 0)
		rc = set_at(ctx, number, &to, &err);
	rc = rc != 0 ? reeved_fail(ctx, &err) : emit_differences(ctx, &from, &to);
	reeve_definitions_fini(&from);
	reeve_definitions_fini(&to);
	return rc;
}

static int resolve_diff(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	LOCKED(ctx, diff_revisions(ctx));
}

/* ---- documents ---- */

/* The document argument as a tree. */
static int parse_document(
	struct reeve_gql_ctx *ctx, struct reeve_tree *ret_tree, struct reeve_error *err)
{
	struct reeve_json json;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc = REEVE_ERESOURCE_EXHAUSTED;

	*err = (struct reeve_error){rc, "out of memory"};
	reeve_json_init(&json, 0);
	reeve_gql_value_write(reeve_gql_arg(ctx, "document"), &json);
	if (out != NULL && reeve_json_reserve(&json, 1)) {
		json.data[json.len] = '\0';
		reeve_json_tame(out, json.data);
	}
	if (out != NULL && fclose(out) == 0 && reeve_json_ok(&json))
		rc = reeve_tree_parse(text, size, "", ret_tree, err);
	reeve_json_fini(&json);
	free(text);
	return rc;
}

/* The document over the present definitions of the segment. */
static int read_document(struct reeve_gql_ctx *ctx, struct reeve_definitions *ret_from,
	struct reeve_definitions *ret_to, struct reeve_error *err)
{
	struct reeve_tree tree;
	int rc = parse_document(ctx, &tree, err);

	if (rc != 0)
		return rc;
	rc = reeve_definitions_copy(reeved_segment_of(ctx), ret_from, err);
	if (rc == 0)
		rc = copy_set(ret_from, ret_to, err);
	if (rc == 0)
		rc = reeve_plan_read(&tree, ret_to, err);
	reeve_tree_destroy(&tree);
	return rc;
}

/* Tried in the segment of the rehearsal; nothing stays of it. */
static int try_out(struct reeve_gql_ctx *ctx, const struct reeve_definitions *from,
	const struct reeve_definitions *to, struct reeve_error *err)
{
	struct reeve *segment = reeved_catalog_rehearsal(catalog_of(ctx));
	int rc = reeve_definitions_apply(segment, to, 0, err);

	return rc != 0 ? rc : reeve_definitions_apply(segment, from, 0, err);
}

static int resolve_import(struct reeve_gql_ctx *ctx, const void *object)
{
	struct reeve_definitions from = REEVE_DEFINITIONS_INIT, to = REEVE_DEFINITIONS_INIT;
	bool dry = false;
	uint32_t n = 0;
	struct reeve_error err;
	int rc = read_document(ctx, &from, &to, &err);

	(void)object;
	reeve_gql_arg_bool(ctx, "dryRun", &dry);
	if (rc == 0) {
		n = reeve_definitions_diff(&from, &to, NULL, NULL);
		rc = dry ? try_out(ctx, &from, &to, &err)
			 : reeve_definitions_apply(reeved_segment_of(ctx), &to, 0, &err);
	}
	reeve_definitions_fini(&from);
	reeve_definitions_fini(&to);
	if (rc != 0)
		return reeved_fail(ctx, &err);
	if (n == 0)
		return reeved_emit_done(ctx, "No change.");
	return reeved_emit_done(ctx, "%u definition%s %s changed.", n, n == 1 ? "" : "s",
		dry	 ? "would be"
		: n == 1 ? "was"
			 : "were");
}

static int preview(struct reeve_gql_ctx *ctx)
{
	struct reeve_definitions from = REEVE_DEFINITIONS_INIT, to = REEVE_DEFINITIONS_INIT;
	struct reeve_error err;
	int rc = read_document(ctx, &from, &to, &err);

	rc = rc != 0 ? reeved_fail(ctx, &err) : emit_differences(ctx, &from, &to);
	reeve_definitions_fini(&from);
	reeve_definitions_fini(&to);
	return rc;
}

static int resolve_preview(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	LOCKED(ctx, preview(ctx));
}

static int resolve_export(struct reeve_gql_ctx *ctx, const void *object)
{
	struct reeve_definitions set = REEVE_DEFINITIONS_INIT;
	struct reeve_error err;
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int rc = reeve_definitions_copy(reeved_segment_of(ctx), &set, &err);

	(void)object;
	if (rc != 0)
		return reeved_fail(ctx, &err);
	out = open_memstream(&text, &size);
	if (out != NULL) {
		reeve_plan_write(out, &set);
		fclose(out);
	}
	reeve_definitions_fini(&set);
	rc = text != NULL ? reeve_gql_emit_json(ctx, text, size)
			  : reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	free(text);
	return rc;
}

static int resolve_rollback(struct reeve_gql_ctx *ctx, const void *object)
{
	struct reeve_definitions to = REEVE_DEFINITIONS_INIT, now = REEVE_DEFINITIONS_INIT;
	uint64_t number = reeved_arg_id(ctx, "revision");
	struct reeve_error err;
	uint32_t n = 0;
	int rc = reeve_definitions_copy(reeved_segment_of(ctx), &now, &err);

	(void)object;
	if (rc == 0)
		rc = set_at(ctx, number, &to, &err);
	if (rc == 0) {
		n = reeve_definitions_diff(&now, &to, NULL, NULL);
		rc = reeve_definitions_apply(reeved_segment_of(ctx), &to, 0, &err);
	}
	reeve_definitions_fini(&now);
	reeve_definitions_fini(&to);
	if (rc != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Definitions are as they were at revision %llu; %u changed.",
		(unsigned long long)number, n);
}

#define BLOCKS(type, field, fn) REEVE_GQL_BIND_BLOCKING(type, field, fn)

static const struct reeve_gql_binding rows[] = {
	UINT("ConfigurationRevision", "revision", struct reeved_revision_info, number, ),
	TIME_NS("ConfigurationRevision", "at", struct reeved_revision_info, at_wall, ),
	CHARS("ConfigurationRevision", "author", struct reeved_revision_info, author),
	CHARS("ConfigurationRevision", "operation", struct reeved_revision_info, operation),
	UINT("ConfigurationRevision", "changeCount", struct reeved_revision_info, changes, ),
	FN("ConfigurationRevision", "changes", resolve_changes),
	TEXT("ConfigurationChange", "kind", struct change, kind),
	UINT("ConfigurationChange", "id", struct change, id, ),
	FN("ConfigurationChange", "before", resolve_before),
	FN("ConfigurationChange", "after", resolve_after),
	BLOCKS("Query", "listConfigurationRevisions", resolve_list),
	BLOCKS("Query", "getConfigurationRevision", resolve_get),
	BLOCKS("Query", "diffConfiguration", resolve_diff),
	BLOCKS("Query", "previewConfiguration", resolve_preview),
	BLOCKS("Query", "exportConfiguration", resolve_export),
	DEFINES("Mutation", "importConfiguration", resolve_import),
	DEFINES("Mutation", "rollbackConfiguration", resolve_rollback),
};
const struct reeve_gql_table reeved_revision_table = {rows, REEVED_COUNT(rows)};
