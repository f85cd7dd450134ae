/* SPDX-License-Identifier: Apache-2.0 */
/* manager.h - what joins the modules; contracts are in reeve/manager.h. */
#ifndef REEVE_ENGINE_MANAGER_H
#define REEVE_ENGINE_MANAGER_H

#include "engine.h"

#include <reeve/manager.h>

/* manager.c */
int reeve__stats_get(struct reeve *r, struct reeve_stats *ret, struct reeve_error *err);
int reeve__rebalance(
	struct reeve *r, struct reeve_rebalancing_report *ret, struct reeve_error *err);

/* manager_config.c */
void reeve__manager_config_get(struct reeve *r, struct reeve_manager_config *ret);
int reeve__manager_config_set(struct reeve *r, uint32_t fields,
	const struct reeve_manager_config *config, struct reeve_error *err);

/* manager_admit.c */
int reeve__execute_begin(struct reeve_session *s, const struct reeve_execute_def *def,
	struct reeve_execute *ret, struct reeve_error *err);
int reeve__execute_end(
	struct reeve_execute *x, const char *failure, struct reeve_query_usage *ret_usage);

#endif
