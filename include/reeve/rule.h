/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - assignment rules: which consumer group a new session gets, by who connects, with what,
 * from where, and when.
 *
 * A session goes to the group that it names; else to the one its user is mapped to (group.h); else
 * to the target of the first enabled rule, by (priority, id), whose condition holds; else to the
 * default group. A group that is full or inactive refuses it: there is no second choice.
 *
 * Every call takes the catalog lock for microseconds; with many rules that no index serves, sessions
 * let it go between stretches of them.
 */
#ifndef REEVE_RULE_H
#define REEVE_RULE_H

#include <reeve/types.h>
#include <reeve/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
	uint64_t v;
} reeve_rule_id;

/* What a node of a condition tests. */
enum reeve_condition_kind {
	REEVE_CONDITION_USERNAME = 0,	      /* equal to `text` */
	REEVE_CONDITION_USERNAME_PATTERN = 1, /* matches `text` in language `syntax` */
	REEVE_CONDITION_PROGRAM_NAME = 2,     /* and so on */
	REEVE_CONDITION_PROGRAM_NAME_PATTERN = 3,
	REEVE_CONDITION_MACHINE_NAME = 4,
	REEVE_CONDITION_MACHINE_NAME_PATTERN = 5,
	REEVE_CONDITION_SERVICE_NAME = 6,
	REEVE_CONDITION_SERVICE_NAME_PATTERN = 7,
	REEVE_CONDITION_MODULE_NAME = 8,
	REEVE_CONDITION_MODULE_NAME_PATTERN = 9,
	REEVE_CONDITION_ACTION_NAME = 10,
	REEVE_CONDITION_ACTION_NAME_PATTERN = 11,
	REEVE_CONDITION_USER_ID = 12, /* equal to `user_id` */
	REEVE_CONDITION_TIME_OF_DAY =
		13, /* in [start_s, end_s); wraps midnight when end <= start */
	REEVE_CONDITION_DAY_OF_WEEK = 14, /* in `days` */
	REEVE_CONDITION_AND = 15,	  /* all operands hold; of nothing: true */
	REEVE_CONDITION_OR = 16,	  /* one of them holds; of nothing: false */
	REEVE_CONDITION_NOT = 17	  /* its operand does not hold */
};

/* Language of a pattern. */
enum reeve_pattern_syntax {
	REEVE_PATTERN_CONTAINS = 0, /* substring */
	REEVE_PATTERN_PREFIX = 1,
	REEVE_PATTERN_SUFFIX = 2,
	REEVE_PATTERN_GLOB = 3, /* the whole text; * any, ? one character, \ quotes the next */
	/*
	 * Extended regular expression, anywhere in the text: . [] [^] [:alpha:] * + ? {m,n} | () ^ $
	 * \d \w \s \D \W \S, \ before punctuation. Linear in the text whatever the pattern; at most
	 * 500 states.
	 */
	REEVE_PATTERN_REGEX = 4
};

/* Most nodes of one condition, levels of it, and bytes of one text. */
#define REEVE_CONDITION_NODES  256
#define REEVE_CONDITION_LEVELS 16
#define REEVE_CONDITION_TEXT   129

/*
 * A node of a condition; only the fields of its kind count. An attribute that a session does not
 * have (NULL or empty) equals nothing and matches no pattern.
 */
struct reeve_condition {
	uint32_t kind;	  /* enum reeve_condition_kind */
	uint32_t syntax;  /* enum reeve_pattern_syntax; the _PATTERN kinds */
	bool ignore_case; /* of A to Z; the _PATTERN kinds */
	const char *text; /* 1 to 128 bytes */
	uint64_t user_id; /* from 1 */
	uint32_t start_s; /* seconds of the local day, 0 to 86399 */
	uint32_t end_s;	  /* 0 to 86400 */
	uint32_t days;	  /* bit 0: Sunday, to bit 6: Saturday; at least one */
	const char *zone; /* TIME_OF_DAY, DAY_OF_WEEK: IANA name; NULL or "": the server's */
	uint32_t count;	  /* operands of AND, OR, NOT */
	const struct reeve_condition *operands;
};

/* What can be said of a rule. */
struct reeve_rule_def {
	const char *name;  /* 1 to 128 bytes; need not be unique */
	uint32_t priority; /* 0 to 2147483647; lower first, then the lower id */
	const struct reeve_condition *condition;
	reeve_group_id target;
	bool is_enabled;
};
#define REEVE_RULE_DEF_INIT                                                                        \
	{                                                                                          \
		NULL, 100, NULL, {0}, true                                                         \
	}

enum {
	REEVE_RULE_NAME = 1 << 0,
	REEVE_RULE_PRIORITY = 1 << 1,
	REEVE_RULE_CONDITION = 1 << 2,
	REEVE_RULE_TARGET = 1 << 3,
	REEVE_RULE_IS_ENABLED = 1 << 4,
	REEVE_RULE_ALL_FIELDS = (1 << 5) - 1
};

/* A rule as it is: a copy. Its condition is copied by reeve_rule_condition_copy. */
struct reeve_rule_info {
	reeve_rule_id id;
	char name[REEVE_NAME_MAX];
	uint32_t priority;
	reeve_group_id target;
	bool is_enabled;
	uint64_t match_count;	    /* sessions that it has placed */
	reeve_ns last_matched_wall; /* 0: never */
	reeve_ns created_wall;
	reeve_ns modified_wall;
	uint64_t revision; /* of the segment, when the rule last changed */
};

/*
 * Creates a rule. Time zones are read from the server's data base now, and are the same for every
 * process from then on; a later create or update that names the zone brings it up to date.
 * Errors: INVALID_ARGUMENT (what is wrong with the condition, and where), NOT_FOUND (group),
 * RESOURCE_EXHAUSTED (table of rules, or of zones in use).
 */
REEVE_API int reeve_rule_create(struct reeve *reeve, const struct reeve_rule_def *def,
	reeve_rule_id *ret_id, struct reeve_error *err);

/*
 * Changes the fields that `fields` names, all or none. `expected_revision` 0: whatever it is. Errors
 * further: STALE_REVISION.
 */
REEVE_API int reeve_rule_update(struct reeve *reeve, reeve_rule_id id, uint32_t fields,
	const struct reeve_rule_def *def, uint64_t expected_revision, struct reeve_error *err);

/* Deletes a rule. Sessions that it has placed stay where they are. Errors: NOT_FOUND. */
REEVE_API int reeve_rule_destroy(struct reeve *reeve, reeve_rule_id id, struct reeve_error *err);

/* Copies one rule. NOT_FOUND when it does not exist. */
REEVE_API int reeve_rule_get(struct reeve *reeve, reeve_rule_id id,
	struct reeve_rule_info *ret_info, struct reeve_error *err);

/*
 * Up to `capacity` rules in the order in which they are judged, from place `from` on. Returns how
 * many were copied.
 */
REEVE_API uint32_t reeve_rule_copy(
	struct reeve *reeve, uint32_t from, struct reeve_rule_info *ret_infos, uint32_t capacity);

/* Room for a copied condition: nodes[0] is its root; texts and operands lie inside. */
struct reeve_condition_copy {
	struct reeve_condition nodes[REEVE_CONDITION_NODES];
	char texts[4608];
};

/* Copies a rule's condition. Returns the number of nodes, or NOT_FOUND. */
REEVE_API int reeve_rule_condition_copy(struct reeve *reeve, reeve_rule_id id,
	struct reeve_condition_copy *ret, struct reeve_error *err);

/*
 * Writes a condition as canonical text, for example
 *	username = "ada" and not (program glob "sql*" or time in 22:00-06:00 Europe/Berlin)
 * cut at size - 1 bytes. Returns the length of the whole, or INVALID_ARGUMENT.
 */
REEVE_API int reeve_condition_text(
	const struct reeve_condition *condition, char *to, size_t size, struct reeve_error *err);

/* What one rule says about a session. */
struct reeve_rule_trace {
	reeve_rule_id rule;
	char name[REEVE_NAME_MAX];
	bool matched;
};

/* Which group a session would get. */
struct reeve_assignment {
	reeve_group_id group;
	char group_name[REEVE_NAME_MAX];
	uint32_t assigned_by; /* enum reeve_assigned_by */
	reeve_rule_id rule;   /* .v 0: not by a rule */
	bool admissible;      /* false: the group is full or inactive and would refuse it */
};

/*
 * Says which group a session with these attributes would get at instant `at_wall` (ns since
 * 1970-01-01 UTC), and why: the verdict of every enabled rule, in their order, up to `capacity`.
 * Changes nothing, counts nothing. Returns how many enabled rules there are, which may be more than
 * fit. Errors: INVALID_ARGUMENT, NOT_FOUND (a group named by `who`).
 */
REEVE_API int reeve_assignment_evaluate(struct reeve *reeve, const struct reeve_session_def *who,
	reeve_ns at_wall, struct reeve_assignment *ret, struct reeve_rule_trace *ret_traces,
	uint32_t capacity, struct reeve_error *err);

#ifdef __cplusplus
}
#endif
#endif
