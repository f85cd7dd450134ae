/* SPDX-License-Identifier: Apache-2.0 */
/* company.h - what both stress programs share: a small segment, the files of actors, a look at hangs. */
#ifndef REEVE_STRESS_COMPANY_H
#define REEVE_STRESS_COMPANY_H

#include "actor.h"

/*
 * A segment of two CPU slots with tables so small that they fill now and then; `path` NULL: in anonymous
 * memory. Aborts on failure.
 */
struct reeve *company_open(const char *path);
/* Files of actors: a directory of the board's, made and removed. */
void company_files(struct board *b);
void company_files_remove(struct board *b);
/*
 * Waits until `n` actors rest. False when one does not within `limit`: what each is at is printed.
 */
bool company_rests(struct board *b, uint32_t n, reeve_ns limit);

#endif
