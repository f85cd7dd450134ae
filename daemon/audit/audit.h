/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - the record of who changed what: DIR/audit.log, a JSON object a line.
 *
 *	{"id":7,"at":"2026-01-31T09:00:00.123Z","who":"token:ci","role":"admin","from":"192.0.2.1",
 *	 "operation":"createConsumerGroup","arguments":{"name":"OLTP"},"outcome":"ok",
 *	 "durationUs":41}
 *
 * A line is written when the operation is over, by one system call, before its answer is sent; the
 * disk gets it when the kernel sees fit. Ids rise by one, across restarts too, so a gap is a loss.
 * What is refused for want of a role is written as well. At max_bytes the file becomes audit.log.1,
 * that one .2, and so on up to REEVED_AUDIT_KEEP. The newest lines are kept in memory as well, for
 * queries.
 *
 * A line that cannot be written does not undo what it tells of: that is logged and counted, and the
 * line is found in memory.
 */
#ifndef REEVE_DAEMON_AUDIT_AUDIT_H
#define REEVE_DAEMON_AUDIT_AUDIT_H

#include "auth/role.h"
#include "json/json.h"

#include <reeve/types.h>

#include <stddef.h>

#define REEVED_AUDIT_KEEP   9u	  /* files besides the present one */
#define REEVED_AUDIT_RECENT 1024u /* lines in memory */
#define REEVED_AUDIT_LINE   8192u /* most bytes of a line */

struct reeved_audit;

/* Opens or makes DIR/audit.log, and reads its last lines. SYSTEM. */
int reeved_audit_open(const char *directory, uint64_t max_bytes, struct reeved_audit **ret_audit,
	struct reeve_error *err);
void reeved_audit_close(struct reeved_audit *audit); /* NULL is allowed */

struct reeved_audit_entry {
	const struct reeved_identity *who;
	const char *operation;
	const char *arguments; /* a JSON object, redacted */
	size_t arguments_len;
	const char *outcome; /* "ok", or the error's code */
	reeve_ns at;	     /* wall clock, when it began */
	reeve_ns duration;
};

/* From any thread. */
void reeved_audit_write(struct reeved_audit *audit, const struct reeved_audit_entry *entry);

/*
 * The newest lines with an id below `before` (0: all), newest first, at most `most`, copied one after
 * the other into `to` without their newlines, each ended by NUL; stops before one that does not
 * fit. Returns how many.
 */
uint32_t reeved_audit_copy(
	struct reeved_audit *audit, uint64_t before, uint32_t most, char *to, size_t capacity);

struct reeved_audit_stats {
	uint64_t entries, failures; /* of this process; failures: could not be written */
};
void reeved_audit_stats_get(struct reeved_audit *audit, struct reeved_audit_stats *ret_stats);

#endif
