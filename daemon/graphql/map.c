#include "graphql/types.h"

/* FNV-1a: names are short and come from our own SDL or from a bounded document. */
static uint32_t hash_name(const char *name, uint32_t len)
{
	uint32_t hash = 2166136261u, i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return hash ^ hash >> 15;
}

void reeve_gql_map_init(struct gql_map *map, struct gql_arena *arena, uint32_t expected)
{
	uint32_t size = 4;

	while (size < expected * 2)
		size *= 2;
	map->slots = reeve_gql_arena_zalloc(arena, size * sizeof(*map->slots));
	map->mask = size - 1;
	map->count = 0;
}

static struct gql_map_slot *find_slot(
	const struct gql_map *map, const char *name, uint32_t len, uint32_t hash)
{
	uint32_t i = hash & map->mask;

	for (;;) {
		struct gql_map_slot *slot = &map->slots[i];

		if (!slot->item)
			return slot;
		if (slot->hash == hash && slot->len == len && !memcmp(slot->name, name, len))
			return slot;
		i = (i + 1) & map->mask;
	}
}

bool reeve_gql_map_put(struct gql_map *map, const char *name, uint32_t len, void *item)
{
	uint32_t hash = hash_name(name, len);
	struct gql_map_slot *slot = find_slot(map, name, len, hash);

	if (slot->item)
		return false;
	*slot = (struct gql_map_slot){name, len, hash, item};
	map->count++;
	return true;
}

void reeve_gql_map_set(struct gql_map *map, const char *name, uint32_t len, void *item)
{
	if (!reeve_gql_map_put(map, name, len, item))
		find_slot(map, name, len, hash_name(name, len))->item = item;
}

void *reeve_gql_map_get(const struct gql_map *map, const char *name, uint32_t len)
{
	if (!map->slots)
		return NULL;
	return find_slot(map, name, len, hash_name(name, len))->item;
}
