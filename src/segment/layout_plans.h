/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_plans.h - part of layout.h, which includes it: schedules, maintenance windows, which plan
 * was chosen when, and the pending area of staged edits. Letters as there; all is the catalog lock's.
 */
#ifndef REEVE_SEGMENT_LAYOUT_PLANS_H
#define REEVE_SEGMENT_LAYOUT_PLANS_H

#include "layout_base.h"
#include "../base/zone.h"

/* Changes of plan that are remembered. */
#define REEVE_SH_SWITCHES 256u

/*
 * A weekly period in which a plan is wanted: of a schedule or of a maintenance window. Its zone is
 * kept twice, so that a change writes the one that is not in use, and the journal only the rest.
 */
struct reeve_sh_period {
	_Alignas(64) struct reeve_sh_head head;
	uint64_t plan_id;      /* C */
	uint32_t days;	       /* C: bits, 1 << 0 is Sunday */
	uint32_t start_s;      /* C: after local midnight */
	uint32_t end_s;	       /* C: the same; not after start: next day; schedules */
	uint32_t duration_s;   /* C: windows */
	uint32_t priority;     /* C: lower first */
	uint32_t is_enabled;   /* C */
	uint32_t allows_users; /* C: windows */
	uint32_t max_users;    /* C: windows; UINT32_MAX: no cap */
	uint32_t zone;	       /* C: which of `zones` */
	uint32_t pad;
	int64_t created_wall;  /* i */
	int64_t modified_wall; /* C */
	uint64_t revision;     /* C */
	/* whether it is open, for instants from `known_s` until `until_s` */
	int64_t known_s; /* C d */
	int64_t until_s; /* C d */
	uint32_t open;	 /* C d */
	uint32_t pad2[5];
	char name[136];	       /* C */
	char description[264]; /* C: windows */
	char zone_name[72];    /* C: empty: the server's */
	char pad3[40];
	struct reeve_sh_zone_data zones[2];
};

/* One change of the plan in force. */
struct reeve_sh_plan_switch {
	int64_t at_wall;
	uint64_t from, to;   /* ids */
	uint64_t activation; /* of the ruling */
	uint32_t cause;	     /* enum reeve_plan_cause */
	int32_t pid;	     /* who did it */
	uint64_t period;     /* id of the schedule or window; 0: none */
	char by[72];	     /* name of its attachment */
	char pad[8];
};

/*
 * A change of several rows that is under way. All that could refuse it was checked before, and its
 * steps can be done twice: recovery completes it.
 */
struct reeve_sh_intent {
	_Atomic uint32_t kind; /* C: REEVE_INTENT_... */
	uint32_t pad;
	uint64_t plan;	      /* C: id */
	uint64_t replacement; /* C: id; 0: none */
	int64_t at_wall;      /* C */
};
enum { REEVE_INTENT_NONE = 0, REEVE_INTENT_DELETE_PLAN = 1 };

/* A row as it was before a change of many rows. */
struct reeve_sh_undo {
	uint32_t table; /* as in the journal */
	uint32_t slot;
	uint32_t state; /* of the slot: FREE for one that the change has made */
	uint32_t pad;
	uint64_t id;
	char row[744];
};

/* One step of a staged edit. */
struct reeve_sh_edit_op {
	uint32_t kind;		     /* REEVE_EDIT_... */
	uint32_t fields;	     /* of an update */
	uint64_t plan, group, other; /* ids; other: the replacement */
	uint64_t parent;
	uint32_t cpu_method, max_utilization_pct, is_enabled;
	uint32_t parallel_managed, sessions_managed, has_description;
	char name[136], description[264];
	char directive[208]; /* struct reeve_directive_def */
};
enum {
	REEVE_EDIT_CREATE_PLAN = 1,
	REEVE_EDIT_UPDATE_PLAN = 2,
	REEVE_EDIT_DELETE_PLAN = 3,
	REEVE_EDIT_SET_DIRECTIVE = 4,
	REEVE_EDIT_REMOVE_DIRECTIVE = 5
};

/* In the header: the one pending area, and the change of many rows under way. All C. */
struct reeve_sh_edit {
	_Alignas(64) uint64_t ops; /* i: offset */
	uint64_t undo;		   /* i: offset */
	uint32_t max_ops;	   /* i */
	uint32_t count;		   /* of ops; of the area that is open */
	uint32_t is_open;
	uint32_t owner;	   /* slot of the attachment */
	uint64_t owner_id; /* and its id */
	uint64_t until_ns; /* monotonic: afterwards anybody may take over */
	uint64_t timeout_ns;
	int64_t begun_wall;
	uint64_t revision; /* of the segment, when it was begun */
	/* the change of many rows: as long as it is active, recovery takes it back */
	_Atomic uint32_t active;
	_Atomic uint32_t undo_count;
	uint64_t next_plan_id, next_directive_id;
};

/* In the header: what decides which plan is in force. */
struct reeve_sh_planning {
	_Alignas(64) uint64_t next_schedule_id, next_window_id; /* C */
	uint64_t switches;	       /* i: offset of REEVE_SH_SWITCHES of them */
	_Atomic uint64_t switch_count; /* C writes: ever made; the ring has the last */
	_Atomic uint64_t checked_ns;   /* h: when schedules were last looked at */
	/* what an open window says of sessions of users; sessions are checked against it */
	_Atomic uint32_t user_sessions_allowed; /* C writes d */
	_Atomic uint32_t max_user_sessions;	/* C writes d: UINT32_MAX: no cap */
	/* of a plan chosen by hand, which the ruling says: its cause, and since when */
	int64_t manual_until_s;	  /* C d: next boundary of a period after that */
	uint64_t manual_sequence; /* C d: of the ruling it was reckoned for */
	uint64_t manual_revision; /* C d: and of the definitions */
	uint32_t manual_locked;	  /* C: it holds for ever */
	uint32_t pad;
	struct reeve_sh_intent intent;
};

#endif
