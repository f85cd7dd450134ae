/* SPDX-License-Identifier: Apache-2.0 */
/* codec.h - what fields.c, read.c, write.c, row.c and plan.c share. */
#ifndef REEVE_DOCUMENT_CODEC_H
#define REEVE_DOCUMENT_CODEC_H

#include "document.h"

/* Id of the group, plan or memory pool with that name; 0. */
uint64_t reeve__name_find(const struct reeve_definitions *names, uint32_t kind, const char *name);
/* Fills what follows from id and other fields. */
void reeve__row_complete(struct reeve_definition *row);
/* The members of a row without the braces. */
void reeve__row_write_members(
	FILE *out, const struct reeve_definition *row, const struct reeve_definitions *names);

#endif
