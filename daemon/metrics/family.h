/* SPDX-License-Identifier: Apache-2.0 */
/*
 * family.h - families of metrics as rows of a table: a name, and the member of a struct that has the
 * value.
 */
#ifndef REEVE_DAEMON_METRICS_FAMILY_H
#define REEVE_DAEMON_METRICS_FAMILY_H

#include "metrics/writer.h"

#include <reeve/reeve.h>

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The member is an unsigned integer of 4 or 8 bytes. */
struct reeved_family {
	enum reeved_metric_type type;
	const char *name, *unit, *help;
	size_t offset, size;
	double divisor; /* 0: the number is written as it is */
};
#define FAMILY(type_, name_, unit_, S, member_, divisor_, help_)                                   \
	{                                                                                          \
		type_, name_, unit_, help_, offsetof(S, member_), sizeof(((S *)0)->member_),       \
			divisor_                                                                   \
	}
/* Shorter, for the tables: SECONDS from nanoseconds, RATIO from parts per million. */
#define COUNTS(name_, S, member_, help_) FAMILY(REEVED_COUNTER, name_, NULL, S, member_, 0, help_)
#define BYTES_IN_ALL(name_, S, member_, help_)                                                     \
	FAMILY(REEVED_COUNTER, name_, "bytes", S, member_, 0, help_)
#define SECONDS_IN_ALL(name_, S, member_, help_)                                                   \
	FAMILY(REEVED_COUNTER, name_, "seconds", S, member_, 1e9, help_)
#define NOW(name_, S, member_, help_)	FAMILY(REEVED_GAUGE, name_, NULL, S, member_, 0, help_)
#define BYTES(name_, S, member_, help_) FAMILY(REEVED_GAUGE, name_, "bytes", S, member_, 0, help_)
#define RATIO(name_, S, member_, help_) FAMILY(REEVED_GAUGE, name_, "ratio", S, member_, 1e6, help_)

/* One sample, with one label or REEVED_NO_LABEL; none for a limit that is REEVE_UNLIMITED. */
void reeved_family_write(struct reeved_metrics_writer *w, const struct reeved_family *family,
	const void *object, struct reeved_label label);
/* Families of one object. */
void reeved_family_write_all(struct reeved_metrics_writer *w, const struct reeved_family *families,
	size_t n, const void *object);
/*
 * Families of `n_rows` objects, `stride` bytes apart, each with its name as the label `key`. A
 * family in which no object has a value is left out.
 */
void reeved_family_write_rows(struct reeved_metrics_writer *w, const struct reeved_family *families,
	size_t n, const char *key, const char *const *names, const void *rows, size_t stride,
	size_t n_rows);

#endif
