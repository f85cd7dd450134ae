/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - GraphQL to a running reeved, over HTTP. */
#ifndef REEVE_CLI_SERVER_H
#define REEVE_CLI_SERVER_H

#include "document/document.h"

/*
 * Posts a query to URL/graphql; `document` goes along as the variable $d, unless it is NULL. *ret_tree
 * is the answer, of which *ret_data is the member `data`; to be destroyed. Negative: CLI_CANNOT, after a
 * line on stderr.
 */
int server_ask(const char *url, const char *query, const struct reeve_node *document,
	struct reeve_tree *ret_tree, const struct reeve_node **ret_data);

#endif
