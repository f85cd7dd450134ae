/* SPDX-License-Identifier: Apache-2.0 */
/* conditions.h - conditions of rules: from arguments, and as type RuleCondition. */
#ifndef REEVE_DAEMON_CONDITIONS_H
#define REEVE_DAEMON_CONDITIONS_H

#include "graphql/graphql.h"

#include <reeve/reeve.h>

/*
 * One test by the name of its kind and its operand as text, and a whole expression, a
 * RuleConditionInput. *ret_condition lives as long as the call. Negative after failing the field.
 */
int reeved_read_test(struct reeve_gql_ctx *ctx, const char *kind, const char *value,
	const struct reeve_condition **ret_condition);
int reeved_read_expression(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	const struct reeve_condition **ret_condition);

/* The canonical text. */
int reeved_emit_condition_text(struct reeve_gql_ctx *ctx, const struct reeve_condition *condition);

#endif
