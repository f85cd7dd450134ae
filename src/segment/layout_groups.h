/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_groups.h - what the segment holds about groups beside their table. Part of layout.h, whose
 * letters it uses.
 */
#ifndef REEVE_SEGMENT_LAYOUT_GROUPS_H
#define REEVE_SEGMENT_LAYOUT_GROUPS_H

struct reeve_sh_groups_domain {
	/* read by every look-up of a group without the lock; see model/lookup.c */
	_Alignas(64) _Atomic uint64_t sequence; /* C writes: odd while ids and names change */
	uint64_t pad[7];
};

#endif
