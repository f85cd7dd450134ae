/* Header fields that GraphQL over HTTP looks at. Pure functions. */
#ifndef REEVE_DAEMON_GRAPHQL_HTTP_H
#define REEVE_DAEMON_GRAPHQL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum gql_media {
	GQL_MEDIA_NONE, /* nothing that we can answer as */
	GQL_MEDIA_JSON,
	GQL_MEDIA_GRAPHQL, /* application/graphql-response+json */
	GQL_MEDIA_STREAM,  /* text/event-stream */
};

struct gql_accept {
	enum gql_media media; /* best of JSON and GRAPHQL, NONE if neither is accepted */
	bool stream;	      /* text/event-stream is named */
};

/*
 * Reads an Accept header (RFC 9110, 12.5.1). The media type with the highest quality wins, of
 * equals the one named first; wildcards mean application/json. NULL or blank accepts everything. A
 * range with a charset other than UTF-8 is passed over.
 */
struct gql_accept reeve_gql_http_accept(const char *header);

/* True if the Accept header lets application/json through; of several ranges that match, the most
 * specific decides (RFC 9110, 12.5.1). */
bool reeve_gql_http_accepts_json(const char *header);

/* True for application/json, in UTF-8 if a charset is named. */
bool reeve_gql_http_is_json(const char *content_type);
/* The same for another media type. */
bool reeve_gql_http_is_type(const char *content_type, const char *type);

/* Decodes %xx, and '+' as a space if `form`; `out` holds len bytes. The number of bytes, or -1. */
long reeve_gql_http_unescape(const char *text, size_t len, bool form, char *out);

#endif
