/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.c - what a call may use before its plan does something about it: the ladder of switch rules.
 *
 * A group's row in the ruling names limits (CPU time, elapsed time, bytes and requests of I/O) and
 * one action: tell, move the session to another group, cancel the statement, end the session. With
 * for-call the use of the call counts, and a session that was moved goes back when the call ends;
 * without, the use of the session in that group counts, anew after each action.
 *
 * Nobody pays for the rules but those they are for: a beginner sees in its pool's word that there are
 * any. Its checkpoint then has one more instant to look at its account: CPU time cannot grow faster
 * than time passes, so a call with 2 s of 5 s used is looked at in 3 s, and not before. I/O is looked
 * at every 50 ms. Statements that do not come by are looked at from outside (timeouts.c), elapsed
 * time and I/O only. Whoever acts first for a call claims it in ruled_cycles.
 */
#include "limits.h"

#include <stdio.h>

#define FAR_CYCLES    (UINT64_C(1) << 62)
#define LOOK_LEAST_NS ((uint64_t)1000000)
#define LOOK_IO_NS    ((uint64_t)50000000)
/* A call is moved at most so often; two groups that name each other do not play ball with it. */
#define MOST_SWITCHES 4u

bool reeve__rule_read(struct reeve *r, uint32_t group, struct reeve__rule *ret)
{
	struct reeve__ruling_view view;
	uint32_t tries = 0, flags;

	do {
		view = reeve__ruling_now(r);
		const struct reeve_sh_ruling_row *row =
			&view.rows[group < r->group_capacity ? group : 0];
		flags = reeve__get(&row->flags);
		*ret = (struct reeve__rule){
			.action = reeve__get(&row->switch_action),
			.to_group = reeve__get(&row->switch_group),
			.for_call = (flags & REEVE_ROW_FOR_CALL) != 0,
			.on_estimate = (flags & REEVE_ROW_ON_ESTIMATE) != 0,
			.limit = {reeve__get(&row->switch_cpu_ns),
				reeve__get(&row->switch_elapsed_ns),
				reeve__get(&row->switch_io_bytes),
				reeve__get(&row->switch_io_requests)},
			.max_estimate_ns = reeve__get(&row->max_est_exec_ns),
			.plan = reeve__get(&view.head->plan_id),
			.ruling = view.sequence,
		};
	} while (!reeve__ruling_holds(&view) && tries++ < 8);
	if (ret->action == REEVE_ROW_NOTHING || ret->action > REEVE_ROW_KILL)
		return false;
	for (uint32_t i = 0; i < REEVE__RULE_LIMITS; i++)
		if (ret->limit[i] != REEVE_UNLIMITED)
			return true;
	return false;
}

uint32_t reeve__rule_crossed(const struct reeve__rule *rule, const uint64_t *used)
{
	for (uint32_t i = 0; i < REEVE__RULE_LIMITS; i++)
		if (rule->limit[i] != REEVE_UNLIMITED && used[i] > rule->limit[i])
			return i;
	return REEVE_NONE;
}

/* ---- acting ---- */

/* `group` is the one whose rule it is: where the session was when it crossed the limit. */
static void rule_event(struct reeve *r, uint32_t session, uint64_t group,
	const struct reeve__rule *rule, uint32_t which, uint64_t used, uint32_t action, int code,
	const char *text)
{
	static const uint32_t kinds[REEVE__RULE_LIMITS] = {REEVE_LIMIT_CPU_TIME,
		REEVE_LIMIT_ELAPSED_TIME, REEVE_LIMIT_IO_BYTES, REEVE_LIMIT_IO_REQUESTS};

	reeve__add(&r->control->rule_actions, (uint64_t)1);
	reeve__session_event(r, session,
		(struct reeve_event){.kind = REEVE_EVENT_RUNAWAY_DETECTED,
			.group = {group},
			.plan = {rule->plan},
			.limit_kind = kinds[which],
			.limit = rule->limit[which],
			.actual = used,
			.action = action,
			.code = code},
		text);
}

/* Moves a session by rule; remembers where it came from when the call's end brings it back. */
static int move(struct reeve *r, uint32_t session, reeve_session_id id,
	const struct reeve__rule *rule, reeve_group_id *ret_to)
{
	struct reeve_sh_session *sh = &r->sessions[session];
	uint64_t from = reeve__group_at(r, reeve__get(&sh->group))->head.id, none = 0;
	struct reeve_error why;
	int rc;

	if (rule->to_group >= r->group_capacity)
		return REEVE_ENOT_FOUND;
	ret_to->v = r->groups[rule->to_group].head.id;
	if (ret_to->v == from)
		return REEVE_ECONFLICT;
	if (rule->for_call && atomic_compare_exchange_strong(&sh->return_group, &none, from))
		reeve__session_at_end(r, sh, REEVE_AT_END_RETURN);
	rc = reeve__session_move(
		r, id, *ret_to, REEVE_SWITCH_AUTOMATIC, REEVE__MOVED_BY_RULE, &why);
	if (rc && rule->for_call && none == 0)
		reeve__put(&sh->return_group, (uint64_t)0);
	return rc;
}

int reeve__rule_act(struct reeve *r, uint32_t session, reeve_session_id id,
	const struct reeve__rule *rule, uint32_t which, uint64_t used)
{
	struct reeve_sh_session *sh = &r->sessions[session];
	uint64_t group = reeve__group_at(r, reeve__get(&sh->group))->head.id;
	reeve_group_id to = {0};
	char text[REEVE_EVENT_TEXT_MAX];
	int rc;

	switch (rule->action) {
	case REEVE_ROW_SWITCH:
		if (reeve__add(&sh->rule_switches, 1) >= MOST_SWITCHES)
			return 0;
		rc = move(r, session, id, rule, &to);
		if (rc)
			snprintf(text, sizeof(text), "it cannot be moved to group %llu",
				(unsigned long long)to.v);
		else
			snprintf(text, sizeof(text), "it was moved to group %llu",
				(unsigned long long)to.v);
		rule_event(r, session, group, rule, which, used,
			rc ? REEVE_ACTION_LOG : REEVE_ACTION_SWITCH_GROUP, rc, text);
		return rc ? 0 : 1;
	case REEVE_ROW_CANCEL:
		rule_event(r, session, group, rule, which, used, REEVE_ACTION_CANCEL_QUERY,
			REEVE_ECANCELLED, "it was cancelled");
		return REEVE_ECANCELLED;
	case REEVE_ROW_KILL:
		rule_event(r, session, group, rule, which, used, REEVE_ACTION_TERMINATE_SESSION,
			REEVE_EKILLED, "its session was ended");
		return REEVE_EKILLED;
	default:
		rule_event(r, session, group, rule, which, used, REEVE_ACTION_LOG, 0, "it goes on");
		return 0;
	}
}

bool reeve__rule_claim(struct reeve_sh_session *sh, uint64_t start_cycles)
{
	return start_cycles && atomic_exchange(&sh->ruled_cycles, start_cycles) != start_cycles;
}

/* ---- the owner ---- */

/* Of the session's statements that are over. */
static uint64_t elapsed_before(const struct reeve_session *s)
{
	return reeve__cycles_ns(s->r, s->ended_cycles);
}

static void use_of(const struct reeve_session *s, uint64_t cycles, uint64_t *used)
{
	const struct reeve_sh_task *t = s->t;

	used[REEVE__RULE_CPU] = reeve__get(&t->cpu_ns) - s->rules.cpu_base;
	used[REEVE__RULE_ELAPSED] = elapsed_before(s) +
				    reeve__cycles_ns(s->r, cycles - s->begin_cycles) -
				    s->rules.elapsed_base;
	used[REEVE__RULE_IO_BYTES] = reeve__get(&t->io_bytes) - s->rules.io_bytes_base;
	used[REEVE__RULE_IO_REQUESTS] = reeve__get(&t->io_requests) - s->rules.io_requests_base;
}

/* Counts from here on. */
static void set_base(struct reeve_session *s, uint64_t elapsed)
{
	s->rules.base_cycles = s->begin_cycles;
	s->rules.cpu_base = reeve__get(&s->t->cpu_ns);
	s->rules.io_bytes_base = reeve__get(&s->t->io_bytes);
	s->rules.io_requests_base = reeve__get(&s->t->io_requests);
	s->rules.elapsed_base = elapsed;
}

/* When to look next: when the first of the limits can be crossed at the earliest. */
static void set_look(struct reeve_session *s, uint64_t cycles, const uint64_t *used)
{
	const struct reeve__rule *rule = &s->rules.rule;
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < REEVE__RULE_LIMITS && s->rules_on; i++) {
		uint64_t left = i >= REEVE__RULE_IO_BYTES  ? LOOK_IO_NS
				: rule->limit[i] > used[i] ? rule->limit[i] - used[i] + 1
							   : LOOK_LEAST_NS;
		if (rule->limit[i] != REEVE_UNLIMITED && left < least)
			least = left;
	}
	if (least < LOOK_LEAST_NS)
		least = LOOK_LEAST_NS;
	least = least == UINT64_MAX ? FAR_CYCLES : reeve__ns_cycles(s->r, least) + 1;
	s->rules.look_cycles = cycles + (least < FAR_CYCLES ? least : FAR_CYCLES);
}

/* Reads the rules of the group that the session is in now. */
static void load(struct reeve_session *s)
{
	uint32_t group = reeve__get(&s->t->group);
	bool other = group != s->rules.group;

	s->rules.group = group;
	s->rules_on = reeve__rule_read(s->r, group, &s->rules.rule);
	s->rules.ruling = s->rules.rule.ruling;
	if (other)
		s->rules.done = false;
	if (other && !s->rules.rule.for_call)
		set_base(s, elapsed_before(s));
	if (s->rules.rule.for_call && s->rules.base_cycles != s->begin_cycles) {
		set_base(
			s, elapsed_before(s)); /* the call began without rules: from its begin on */
		s->rules.cpu_base -= s->query_cpu_ns;
	}
}

void reeve__limits_begin(struct reeve_session *s, uint64_t cycles)
{
	uint64_t used[REEVE__RULE_LIMITS];

	load(s);
	/* what the last call used after it was told of is done with */
	if (s->rules.rule.for_call || s->rules.done)
		set_base(s, elapsed_before(s));
	s->rules.done = false;
	reeve__put(&s->sh->call_io_bytes, reeve__get(&s->t->io_bytes));
	reeve__put(&s->sh->call_io_requests, reeve__get(&s->t->io_requests));
	reeve__put(&s->sh->rule_switches, 0);
	reeve__put(&s->sh->ruled_cycles, (uint64_t)0);
	use_of(s, cycles, used);
	set_look(s, cycles, used);
}

int reeve__limits_look(struct reeve_session *s, uint64_t cycles)
{
	uint64_t used[REEVE__RULE_LIMITS];
	uint32_t which;
	int rc = 0;

	if (s->rules.ruling != reeve__get(&s->r->header->ruling) ||
		s->rules.group != reeve__get(&s->t->group))
		load(s);
	for (uint32_t lap = 0; lap <= MOST_SWITCHES; lap++) {
		use_of(s, cycles, used);
		which = s->rules_on && !s->rules.done ? reeve__rule_crossed(&s->rules.rule, used)
						      : REEVE_NONE;
		if (which == REEVE_NONE)
			break;
		s->rules.done = true;
		if (!reeve__rule_claim(s->sh, s->begin_cycles))
			break; /* somebody outside was quicker */
		rc = reeve__rule_act(s->r, s->session, (reeve_session_id){s->sh->head.id},
			&s->rules.rule, which, used[which]);
		if (!s->rules.rule.for_call)
			set_base(s, elapsed_before(s) +
					    reeve__cycles_ns(s->r, cycles - s->begin_cycles));
		if (rc != 1)
			break;
		reeve__put(&s->sh->ruled_cycles, (uint64_t)0); /* on to the rules of that group */
		load(s);
		rc = 0;
	}
	set_look(s, cycles, used);
	if (s->rules.done)
		s->rules.look_cycles = cycles + FAR_CYCLES;
	return rc;
}

/* ---- by estimate ---- */

int reeve__limits_estimate(
	struct reeve *r, uint32_t session, uint64_t estimated_ns, struct reeve_error *err)
{
	struct reeve_sh_session *sh = &r->sessions[session];
	uint32_t group = reeve__get(&sh->group), which;
	uint64_t used[REEVE__RULE_LIMITS] = {estimated_ns, estimated_ns, 0, 0};
	struct reeve__rule rule;
	bool on;
	int rc;

	if (estimated_ns == 0)
		return 0;
	on = reeve__rule_read(r, group, &rule);
	if (rule.max_estimate_ns != REEVE_UNLIMITED && estimated_ns > rule.max_estimate_ns) {
		reeve__add(&r->control->refused_estimates, (uint64_t)1);
		reeve__session_event(r, session,
			(struct reeve_event){.kind = REEVE_EVENT_STATEMENT_REFUSED,
				.code = REEVE_ERESOURCE_EXHAUSTED,
				.plan = {rule.plan},
				.action = REEVE_ACTION_REJECT,
				.limit_kind = REEVE_LIMIT_ESTIMATE,
				.limit = rule.max_estimate_ns,
				.actual = estimated_ns},
			NULL);
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the statement is estimated at %llu ms; the limit maxEstExecTime of "
			"consumer "
			"group %.100s is %llu ms",
			(unsigned long long)(estimated_ns / 1000000),
			reeve__group_at(r, group)->name,
			(unsigned long long)(rule.max_estimate_ns / 1000000));
	}
	if (!on || !rule.on_estimate)
		return 0;
	which = reeve__rule_crossed(&rule, used);
	if (which == REEVE_NONE)
		return 0;
	reeve__put(&sh->rule_switches, 0);
	rc = reeve__rule_act(
		r, session, (reeve_session_id){sh->head.id}, &rule, which, used[which]);
	if (rc >= 0)
		return 0;
	return reeve__fail(err, rc,
		"the statement is estimated at %llu ms; a limit of consumer group %.100s is %llu "
		"ms",
		(unsigned long long)(estimated_ns / 1000000), reeve__group_at(r, group)->name,
		(unsigned long long)(rule.limit[which] / 1000000));
}

/* ---- what the end of a statement does besides ---- */

void reeve__limits_at_end(struct reeve *r, uint32_t session)
{
	struct reeve_sh_session *sh = &r->sessions[session];
	uint32_t what = atomic_exchange(&sh->at_end, 0);
	uint64_t back;

	if (what & REEVE_AT_END_BOOST)
		reeve__session_unboost(r, session);
	back = what & REEVE_AT_END_RETURN ? atomic_exchange(&sh->return_group, 0) : 0;
	if (back)
		reeve__session_move(r, (reeve_session_id){sh->head.id}, (reeve_group_id){back},
			REEVE_SWITCH_AUTOMATIC, REEVE__MOVED_BACK, NULL);
}
