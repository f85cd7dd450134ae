/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - short texts for people: durations, percentages, columns of fixed width, state names. */
#ifndef REEVE_CLI_TEXT_H
#define REEVE_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <reeve/types.h>

/* Enough for any text of the formatting functions. */
#define TEXT_MAX 24

/* "0", "350us", "1.25ms", "12.3s", "4m05s", "3h07m", "12d04h": at most 7 bytes. */
const char *text_duration(char to[TEXT_MAX], reeve_ns ns);
/* "0.0", "12.3", "100": at most 5 bytes below 10,000. */
const char *text_pct(char to[TEXT_MAX], double pct);
/* "0", "0.3", "12", "1234", "12.3k": at most 6 bytes. */
const char *text_rate(char to[TEXT_MAX], double per_second);

/* "0", "512", "1.50Ki", "12.0Mi", "999Gi": at most 8 bytes. */
const char *text_bytes(char to[TEXT_MAX], uint64_t bytes);

/*
 * Copies UTF-8 text so that it takes exactly `columns` cells of a terminal: cut, or filled with
 * blanks. What cannot be shown becomes `?`. Returns the bytes written, without the final NUL; stops
 * before a cell that does not fit into `size`.
 */
size_t text_fit(char *to, size_t size, const char *from, size_t columns);

/* Names as the API shows them; "?" for a number that has none. */
const char *text_session_state(uint32_t state);
const char *text_session_priority(uint32_t priority);
const char *text_segment_state(uint32_t state);
const char *text_cpu_method(uint32_t method);
const char *text_execution_state(uint32_t state);
const char *text_io_policy(uint32_t policy);
const char *text_pressure(uint32_t level);

/* Local time, "2026-01-02 03:04:05"; "-" for 0. */
const char *text_wall(char to[TEXT_MAX], reeve_ns wall);

#endif
