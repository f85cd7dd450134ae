/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - what the three phases measured, side by side. */
#ifndef REEVE_DEMO_TABLE_H
#define REEVE_DEMO_TABLE_H

#include "load.h"

/* Look-ups alone, with reports ungoverned, with reports governed. */
#define PHASES 3

struct table {
	unsigned seconds, lookup_clients, report_clients, cores;
	struct load_result results[PHASES];
};

/* Sorts the samples in place. */
void table_show(struct table *table);

#endif
