/* SPDX-License-Identifier: Apache-2.0 */
/* layout_external.h - ids of sessions that outside engines run, in the segment. */
#ifndef REEVE_SEGMENT_LAYOUT_EXTERNAL_H
#define REEVE_SEGMENT_LAYOUT_EXTERNAL_H

#include "layout.h"

/* An id that is not to be handed to a session. Freed once the counter of ids has passed it. */
struct reeve_sh_external {
	struct reeve_sh_head head; /* id: the session's */
	uint64_t pad[4];
};
_Static_assert(sizeof(struct reeve_sh_external) == 64, "external session");

#endif
