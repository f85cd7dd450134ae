/* SPDX-License-Identifier: Apache-2.0 */
/* users.c - which user belongs to which group. */
#include "resolvers/resolvers.h"

/* Users have plain numbers for ids. */
typedef uint64_t user_key;

static int resolve_mapping_group(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_group(ctx, ((const struct reeve_user_mapping *)object)->group);
}

REEVED_LIST(mappings, struct reeve_user_mapping, user_id, user_key, reeve_user_copy);

static const struct reeved_field filter_fields[] = {
	REEVED_FIELD("groupId", U64, struct reeve_user_mapping, group.v, REEVED_ID),
};

static int resolve_list_mappings(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_filter filter;
	struct reeved_page page;
	if (REEVED_READ_FILTER(ctx, NULL, filter_fields, &filter) != 0 ||
		reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_list(ctx, &mappings, NULL, &filter, page);
}

static int resolve_get_mapping(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_user_mapping mapping;
	struct reeve_error err;
	if (reeve_user_get(reeved_segment_of(ctx), reeved_arg_id(ctx, "userId"), &mapping, &err) !=
		0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &mapping);
}

static int resolve_map_user(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	uint64_t user = reeved_arg_id(ctx, "userId");
	const char *username = reeved_arg_text(ctx, "username");
	bool is_permanent = true;
	int64_t expires = 0;
	if (reeve_gql_arg_bool(ctx, "isPermanent", &is_permanent) == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "isPermanent");
	/* To the library 0 is never. */
	if (reeve_gql_arg_time_ns(ctx, "expiresAt", &expires) == REEVE_GQL_GIVEN && expires <= 0)
		return reeved_refuse(
			ctx, REEVE_EINVALID_ARGUMENT, "expiresAt is before 1970, and must come");
	if (reeve_user_map_until(reeved_segment_of(ctx), user, username, group, is_permanent,
		    expires, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "User %llu (%.128s) was mapped to consumer group %llu.",
		(unsigned long long)user, username, (unsigned long long)group.v);
}

static int resolve_unmap_user(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	uint64_t user = reeved_arg_id(ctx, "userId");
	if (reeve_user_unmap(reeved_segment_of(ctx), user, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "User %llu is no longer mapped.", (unsigned long long)user);
}

#define U "UserGroupMapping"
static const struct reeve_gql_binding rows[] = {
	UINT(U, "userId", struct reeve_user_mapping, user_id, ),
	CHARS(U, "username", struct reeve_user_mapping, username),
	UINT(U, "groupId", struct reeve_user_mapping, group.v, ),
	FN(U, "group", resolve_mapping_group),
	BOOL(U, "isPermanent", struct reeve_user_mapping, is_permanent),
	TIME_NS(U, "createdAt", struct reeve_user_mapping, created_wall, ),
	TIME_NS(U, "expiresAt", struct reeve_user_mapping, expires_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),

	FN("Query", "listUserGroupMappings", resolve_list_mappings),
	FN("Query", "getUserGroupMapping", resolve_get_mapping),
	DEFINES("Mutation", "mapUserToGroup", resolve_map_user),
	DEFINES("Mutation", "unmapUser", resolve_unmap_user),
};
const struct reeve_gql_table reeved_user_table = {rows, REEVED_COUNT(rows)};
