/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addresses.c - how many connections each address has: a chained hash of fixed size. An address is
 * in it as long as it has one, so the table is as large as there can be connections.
 */
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct reeve_http_address {
	uint8_t network[16];
	uint32_t count;
	uint32_t next; /* in its bucket, or of the free ones; NONE: the last */
};

bool reeve__http_network_of(const struct sockaddr *address, uint8_t ret_network[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	if (address->sa_family == AF_INET) {
		memcpy(ret_network, mapped, sizeof(mapped));
		memcpy(ret_network + 12,
			&((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
		return true;
	}
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(ret_network, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
	if (memcmp(ret_network, mapped, sizeof(mapped)) != 0)
		memset(ret_network + 8, 0, 8);
	return true;
}

int reeve__http_addresses_init(
	struct reeve_http_addresses *addresses, uint32_t capacity, struct reeve_error *err)
{
	pthread_mutex_init(&addresses->lock, NULL);
	addresses->n_slots = capacity;
	addresses->n_buckets = capacity;
	addresses->slots = calloc(capacity, sizeof(*addresses->slots));
	addresses->buckets = malloc(capacity * sizeof(*addresses->buckets));
	if (addresses->slots == NULL || addresses->buckets == NULL)
		return reeve__http_fail(err, "out of memory for the table of addresses");
	for (uint32_t i = 0; i < capacity; i++) {
		addresses->buckets[i] = NONE;
		addresses->slots[i].next = i + 1 < capacity ? i + 1 : NONE;
	}
	return 0;
}

void reeve__http_addresses_fini(struct reeve_http_addresses *addresses)
{
	free(addresses->slots);
	free(addresses->buckets);
	pthread_mutex_destroy(&addresses->lock);
}

/* Whoever chooses addresses to meet in one bucket makes accepting slow for as many steps as he has
 * connections, which are bounded; that is not worth a secret. */
static uint32_t *bucket_of(struct reeve_http_addresses *addresses, const uint8_t network[16])
{
	uint64_t hash = 1469598103934665603u; /* FNV-1a */
	for (int i = 0; i < 16; i++)
		hash = (hash ^ network[i]) * 1099511628211u;
	return &addresses->buckets[(hash ^ hash >> 32) % addresses->n_buckets];
}

/* The link that leads to the address; *link is NONE when it is not there. */
static uint32_t *find_locked(struct reeve_http_addresses *addresses, const uint8_t network[16])
{
	uint32_t *link = bucket_of(addresses, network);
	while (*link != NONE && memcmp(addresses->slots[*link].network, network, 16) != 0)
		link = &addresses->slots[*link].next;
	return link;
}

uint32_t reeve__http_addresses_count(
	struct reeve_http_addresses *addresses, const uint8_t network[16])
{
	pthread_mutex_lock(&addresses->lock);
	uint32_t *link = find_locked(addresses, network);
	uint32_t count = *link == NONE ? 0 : addresses->slots[*link].count;
	pthread_mutex_unlock(&addresses->lock);
	return count;
}

void reeve__http_addresses_add(struct reeve_http_addresses *addresses, const uint8_t network[16])
{
	pthread_mutex_lock(&addresses->lock);
	uint32_t *link = find_locked(addresses, network);
	if (*link == NONE && addresses->free != NONE) {
		uint32_t slot = addresses->free;
		addresses->free = addresses->slots[slot].next;
		memcpy(addresses->slots[slot].network, network, 16);
		addresses->slots[slot].count = 0;
		addresses->slots[slot].next = NONE;
		*link = slot;
	}
	if (*link != NONE)
		addresses->slots[*link].count++;
	pthread_mutex_unlock(&addresses->lock);
}

void reeve__http_addresses_remove(struct reeve_http_addresses *addresses, const uint8_t network[16])
{
	pthread_mutex_lock(&addresses->lock);
	uint32_t *link = find_locked(addresses, network);
	if (*link != NONE && --addresses->slots[*link].count == 0) {
		uint32_t slot = *link;
		*link = addresses->slots[slot].next;
		addresses->slots[slot].next = addresses->free;
		addresses->free = slot;
	}
	pthread_mutex_unlock(&addresses->lock);
}
