/*
 * Persisted queries, as Apollo's clients send them: extensions.persistedQuery has the SHA-256 of a
 * text, and the text itself only when the server has said that it does not know it.
 *
 * The store maps hashes to documents, which it shares with the document cache: at most
 * persisted_entries of them and persisted_bytes, the least recently used go first. It is a list in
 * order of use behind a hash table whose hash is the beginning of the SHA-256; a stranger can aim at
 * a chain, whose length the bound on entries bounds.
 */
#include "graphql/document.h"

#include <gnutls/crypto.h>
#include <stdlib.h>

struct gql_persisted_entry {
	uint8_t sha[GQL_SHA_BYTES];
	struct reeve_gql_document *document;
	size_t bytes;
	struct gql_persisted_entry *newer, *older, *chain;
};

bool reeve_gql_sha256(const char *text, size_t len, uint8_t ret_sha[GQL_SHA_BYTES])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, text, len, ret_sha) == 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool reeve_gql_sha_from_hex(const char *hex, size_t len, uint8_t ret_sha[GQL_SHA_BYTES])
{
	size_t i;

	if (len != 2 * GQL_SHA_BYTES)
		return false;
	for (i = 0; i < GQL_SHA_BYTES; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_sha[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int reeve_gql_persisted_init(struct gql_persisted *store)
{
	*store = (struct gql_persisted){0};
	return pthread_mutex_init(&store->mutex, NULL) ? REEVE_GQL_ENOMEM : REEVE_GQL_OK;
}

static struct gql_persisted_entry **bucket_of(struct gql_persisted *store, const uint8_t *sha)
{
	return &store->buckets[((unsigned)sha[0] | (unsigned)sha[1] << 8) % GQL_PERSISTED_BUCKETS];
}

static void unlink_use(struct gql_persisted *store, struct gql_persisted_entry *entry)
{
	*(entry->newer ? &entry->newer->older : &store->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &store->oldest) = entry->newer;
}

static void link_newest(struct gql_persisted *store, struct gql_persisted_entry *entry)
{
	entry->newer = NULL;
	entry->older = store->newest;
	*(store->newest ? &store->newest->newer : &store->oldest) = entry;
	store->newest = entry;
}

static struct gql_persisted_entry *find(struct gql_persisted *store, const uint8_t *sha)
{
	struct gql_persisted_entry *entry = *bucket_of(store, sha);

	while (entry && memcmp(entry->sha, sha, GQL_SHA_BYTES))
		entry = entry->chain;
	if (entry && store->newest != entry) {
		unlink_use(store, entry);
		link_newest(store, entry);
	}
	return entry;
}

struct reeve_gql_document *reeve_gql_persisted_find(
	struct reeve_gql_engine *engine, const uint8_t *sha)
{
	struct gql_persisted *store = &engine->persisted;
	struct gql_persisted_entry *entry;

	pthread_mutex_lock(&store->mutex);
	entry = find(store, sha);
	if (entry)
		atomic_fetch_add_explicit(&entry->document->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&store->mutex);
	return entry ? entry->document : NULL;
}

/* Takes the least recently used out, to be freed outside of the mutex. */
static struct gql_persisted_entry *take_oldest(struct gql_persisted *store)
{
	struct gql_persisted_entry *entry = store->oldest, **place = bucket_of(store, entry->sha);

	while (*place != entry)
		place = &(*place)->chain;
	*place = entry->chain;
	unlink_use(store, entry);
	store->entries--;
	store->bytes -= entry->bytes;
	return entry;
}

static void free_entry(struct gql_persisted_entry *entry)
{
	reeve_gql_document_release(entry->document);
	free(entry);
}

/* Puts it in; what has to go for it, chained. */
static struct gql_persisted_entry *insert(
	struct reeve_gql_engine *engine, struct gql_persisted_entry *entry)
{
	struct gql_persisted *store = &engine->persisted;
	struct gql_persisted_entry **bucket = bucket_of(store, entry->sha), *out = NULL, *one;

	entry->chain = *bucket;
	*bucket = entry;
	link_newest(store, entry);
	store->entries++;
	store->bytes += entry->bytes;
	while (store->entries > engine->options.persisted_entries ||
		store->bytes > engine->options.persisted_bytes) {
		one = take_oldest(store);
		one->chain = out;
		out = one;
	}
	return out;
}

void reeve_gql_persisted_insert(
	struct reeve_gql_engine *engine, const uint8_t *sha, struct reeve_gql_document *document)
{
	struct gql_persisted *store = &engine->persisted;
	struct gql_persisted_entry *entry = malloc(sizeof(*entry)), *out;

	/* Without memory it is not kept; the client will send it again. */
	if (!entry)
		return;
	memcpy(entry->sha, sha, GQL_SHA_BYTES);
	entry->document = document;
	entry->bytes = sizeof(*document) + document->arena.total_bytes;
	atomic_fetch_add_explicit(&document->references, 1, memory_order_relaxed);
	pthread_mutex_lock(&store->mutex);
	out = entry;
	out->chain = NULL;
	if (!find(store, sha))
		out = insert(engine, entry);
	pthread_mutex_unlock(&store->mutex);
	while (out) {
		entry = out;
		out = entry->chain;
		free_entry(entry);
	}
}

void reeve_gql_persisted_fini(struct gql_persisted *store)
{
	while (store->oldest)
		free_entry(take_oldest(store));
	pthread_mutex_destroy(&store->mutex);
}
