/* SPDX-License-Identifier: Apache-2.0 */
/*
 * points.h - places at which a test has reeved die, in a checked build: REEVED_KILL_AT=name:n kills the
 * process when it passes that place for the n-th time.
 */
#ifndef REEVE_DAEMON_CATALOG_POINTS_H
#define REEVE_DAEMON_CATALOG_POINTS_H

#if REEVE_CHECKED
void reeved_point(const char *name);
#define REEVED_POINT(name) reeved_point(name)
#else
#define REEVED_POINT(name) ((void)0)
#endif

#endif
