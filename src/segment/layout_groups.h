/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_groups.h - what the segment holds about groups beside their table: assignment rules, the
 * time zones these name, the index of rules. Part of layout.h, whose letters it uses.
 *
 * A rule has room for two versions of itself. An update writes the one that is not current and then
 * makes it so by one store, so that whoever dies in the middle leaves the old one. The same for zones.
 */
#ifndef REEVE_SEGMENT_LAYOUT_H
#include "layout.h" /* which includes this file at its place */
#elif !defined(REEVE_SEGMENT_LAYOUT_GROUPS_H)
#define REEVE_SEGMENT_LAYOUT_GROUPS_H

#include "../base/zone.h"
#include "layout_base.h"

/* Words of a condition's program (policy/rule.h). Sized so that one version ends with its page. */
#define REEVE_SH_RULE_WORDS   950u
/* Time zones that all rules together may name. */
#define REEVE_SH_ZONES	      64u
/* Entries of the index that there are for each rule, on average. */
#define REEVE_SH_RULE_ENTRIES 4u

struct reeve_sh_rule_version {
	uint32_t words;			       /* C: of the program */
	uint32_t group;			       /* C: slot of the target */
	uint32_t priority;		       /* C */
	uint32_t is_enabled;		       /* C */
	int64_t modified_wall;		       /* C */
	uint64_t revision;		       /* C */
	uint32_t program[REEVE_SH_RULE_WORDS]; /* C */
	char name[136];			       /* C */
};

struct reeve_sh_rule {
	struct reeve_sh_head head;
	_Atomic uint32_t current; /* C writes: which version counts, 0 or 1 */
	uint32_t pad;
	int64_t created_wall;		   /* i */
	_Atomic uint64_t matches;	   /* a: sessions placed */
	_Atomic int64_t last_matched_wall; /* a */
	struct reeve_sh_rule_version versions[2];
};

struct reeve_sh_zone {
	struct reeve_sh_head head;
	_Atomic uint32_t current; /* C writes: which version counts, 0 or 1 */
	uint32_t pad;
	uint64_t pad2[3];
	char name[72]; /* i: "" for the server's */
	uint64_t pad3[7];
	struct reeve_sh_zone_data versions[2]; /* C */
};

/* A rule under one of the keys of its condition. Chains run by place. */
struct reeve_sh_rule_entry {
	uint32_t key;	/* C d */
	uint32_t place; /* C d: in the order of rules */
	uint32_t next;	/* C d: 1 + the next; 0: none */
	uint32_t pad;
};

/* A rule that is judged one by one, with what it demands at least (policy/rule.h). */
struct reeve_sh_rule_general {
	uint64_t mask, want; /* C d */
	uint32_t word;	     /* C d */
	uint32_t place;	     /* C d: in the order of rules */
};

/* The index of rules: all derived. */
struct reeve_sh_rule_index {
	uint64_t version;      /* C: grows with each change */
	uint32_t count;	       /* C d: rules in order[] */
	uint32_t general;      /* C d: enabled rules without keys, in general[] */
	uint32_t entries;      /* C d */
	uint32_t kinds;	       /* C d: bit n: some entry's key is of condition kind n */
	uint64_t order;	       /* i: offset of slots of all rules by priority and id */
	uint64_t generals;     /* i: offset of rules to be judged one by one, by place */
	uint64_t buckets;      /* i: offset of the hash of keys, bucket_count of them */
	uint64_t entry;	       /* i: offset of the entries */
	uint32_t bucket_count; /* i: power of two */
	uint32_t entry_count;  /* i */
	uint64_t filter_words; /* C d: bit n: some general rule's filter is of word n */
	uint64_t pad[7];
};

/*
 * A group's deletion under way. Once `active` is 1 it will be completed, by whoever deletes or by the
 * recovery of the catalog lock; everything it does may be done twice.
 */
struct reeve_sh_group_deletion {
	_Atomic uint32_t active; /* C */
	uint32_t from;		 /* C: slot of the group that goes */
	uint32_t to;		 /* C: slot of the group that gets what it has */
	uint32_t pad;
	uint64_t id;	   /* C: of the group that goes */
	uint64_t revision; /* C: of the change */
	int64_t wall;	   /* C: when */
	uint64_t pad2[3];
};

struct reeve_sh_groups_domain {
	/* read by every look-up of a group without the lock; see model/lookup.c */
	_Alignas(64) _Atomic uint64_t sequence; /* C writes: odd while ids and names change */
	uint64_t pad[7];
	struct reeve_sh_table rules, zones;
	struct reeve_sh_rule_index index;
	struct reeve_sh_group_deletion deletion;
	uint64_t next_rule_id; /* C */
	uint64_t pad2[7];
};

_Static_assert(
	sizeof(struct reeve_sh_rule_version) % 64 == 0 && sizeof(struct reeve_sh_rule) % 128 == 64,
	"rules lie an odd number of lines apart, so that their heads share no cache set");
_Static_assert(sizeof(struct reeve_sh_zone) % 64 == 0, "zone");
_Static_assert(sizeof(struct reeve_sh_rule_index) == 128, "rule index");

#endif
