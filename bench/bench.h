/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - measuring calls: ns of one, minimum and median of many repetitions, in one thread and in
 * two at once, beside the floor of the machine in the same run.
 */
#ifndef REEVE_BENCH_H
#define REEVE_BENCH_H

/* Does the call `loops` times, as thread 0 or 1. */
typedef void (*bench_run)(void *arg, unsigned thread, unsigned loops);

/* Prints the head of the table. */
void bench_head(const char *title);
/* Measures one row and prints it. Returns the minimum of one thread alone, in ns. */
double bench_row(const char *name, bench_run run, void *arg, unsigned loops);
/* Rows of the floor: atomic add, mutex pair, system call. Returns the first. */
double bench_floor(void);
/* Prints a value beside its bar. */
void bench_judge(const char *what, double value, double bar, const char *unit);

/* Keeps the compiler from leaving a result out. */
void bench_keep(unsigned long value);

#endif
