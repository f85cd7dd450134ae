/* Documents by text: a hash table with chains and one list in order of use. A document is looked
 * up, linked and unlinked under the mutex; it is made and destroyed outside. */
#include "graphql/document.h"

#include <stdlib.h>

int reeve_gql_cache_init(struct gql_cache *cache, uint32_t entries)
{
	uint32_t size = 16;

	*cache = (struct gql_cache){0};
	while (size < entries && size < 1u << 20)
		size *= 2;
	cache->buckets = calloc(size, sizeof(*cache->buckets));
	if (!cache->buckets)
		return REEVE_GQL_ENOMEM;
	cache->mask = size - 1;
	if (pthread_mutex_init(&cache->mutex, NULL)) {
		free(cache->buckets);
		return REEVE_GQL_ENOMEM;
	}
	return REEVE_GQL_OK;
}

/* Two lanes of multiply and rotate over eight bytes at a time; not for strangers without a seed. */
uint64_t reeve_gql_cache_hash(uint64_t seed, const char *text, size_t len)
{
	uint64_t hash = seed ^ (len * 0x9E3779B97F4A7C15u), word;

	for (; len >= 8; text += 8, len -= 8) {
		memcpy(&word, text, 8);
		hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, text, len);
	hash = (hash ^ word) * 0xC4CEB9FE1A85EC53u;
	return hash ^ hash >> 29;
}

static void unlink_use(struct gql_cache *cache, struct reeve_gql_document *document)
{
	*(document->newer ? &document->newer->older : &cache->newest) = document->older;
	*(document->older ? &document->older->newer : &cache->oldest) = document->newer;
	document->newer = document->older = NULL;
}

static void link_newest(struct gql_cache *cache, struct reeve_gql_document *document)
{
	document->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = document;
	cache->newest = document;
}

static struct reeve_gql_document **find_place(
	struct gql_cache *cache, const char *text, size_t len, uint64_t hash)
{
	struct reeve_gql_document **place = &cache->buckets[hash & cache->mask];

	while (*place && ((*place)->hash != hash || (*place)->len != len ||
				 memcmp((*place)->text, text, len)))
		place = &(*place)->chain;
	return place;
}

static size_t document_bytes(const struct reeve_gql_document *document)
{
	return sizeof(*document) + document->arena.total_bytes;
}

/* Takes a document out; the cache's reference goes to the caller. */
static void take_out(struct gql_cache *cache, struct reeve_gql_document *document)
{
	*find_place(cache, document->text, document->len, document->hash) = document->chain;
	unlink_use(cache, document);
	document->chain = NULL;
	cache->stats.entries--;
	cache->stats.bytes -= document_bytes(document);
}

struct reeve_gql_document *reeve_gql_cache_find(
	struct reeve_gql_engine *engine, const char *text, size_t len, uint64_t hash)
{
	struct gql_cache *cache = &engine->cache;
	struct reeve_gql_document *document;

	if (!engine->options.cache_entries)
		return NULL;
	pthread_mutex_lock(&cache->mutex);
	document = *find_place(cache, text, len, hash);
	if (document) {
		cache->stats.hits++;
		atomic_fetch_add_explicit(&document->references, 1, memory_order_relaxed);
		if (cache->newest != document) {
			unlink_use(cache, document);
			link_newest(cache, document);
		}
	} else {
		cache->stats.misses++;
	}
	pthread_mutex_unlock(&cache->mutex);
	return document;
}

/* Least recently used documents beyond the bounds, chained by `chain`. */
static struct reeve_gql_document *evict(struct reeve_gql_engine *engine)
{
	struct gql_cache *cache = &engine->cache;
	struct reeve_gql_document *evicted = NULL, *document;

	while (cache->stats.entries > engine->options.cache_entries ||
		cache->stats.bytes > engine->options.cache_bytes) {
		document = cache->oldest;
		take_out(cache, document);
		document->chain = evicted;
		evicted = document;
		cache->stats.evictions++;
	}
	return evicted;
}

void reeve_gql_cache_insert(struct reeve_gql_engine *engine, struct reeve_gql_document *document)
{
	struct gql_cache *cache = &engine->cache;
	struct reeve_gql_document **place, *evicted = NULL;

	if (!engine->options.cache_entries ||
		document_bytes(document) > engine->options.cache_bytes)
		return;
	pthread_mutex_lock(&cache->mutex);
	place = find_place(cache, document->text, document->len, document->hash);
	if (!*place) {
		atomic_fetch_add_explicit(&document->references, 1, memory_order_relaxed);
		*place = document;
		link_newest(cache, document);
		cache->stats.entries++;
		cache->stats.bytes += document_bytes(document);
		evicted = evict(engine);
	}
	pthread_mutex_unlock(&cache->mutex);
	while (evicted) {
		document = evicted;
		evicted = document->chain;
		document->chain = NULL;
		reeve_gql_document_release(document);
	}
}

void reeve_gql_cache_fini(struct gql_cache *cache)
{
	struct reeve_gql_document *document = cache->newest;

	while (document) {
		struct reeve_gql_document *older = document->older;

		reeve_gql_document_release(document);
		document = older;
	}
	free(cache->buckets);
	pthread_mutex_destroy(&cache->mutex);
}

void reeve_gql_engine_cache_stats(
	struct reeve_gql_engine *engine, struct reeve_gql_cache_stats *ret_stats)
{
	pthread_mutex_lock(&engine->cache.mutex);
	*ret_stats = engine->cache.stats;
	pthread_mutex_unlock(&engine->cache.mutex);
}
