/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex.h - regular expressions in time linear in the text, for rules that decide about strangers.
 *
 * Language (extended regular expressions of POSIX, without back-references, by code points of UTF-8):
 *
 *	.            any character            [abc] [a-z] [^a-z]   one of a set, or none of it
 *	* + ?        repeated                 [[:alpha:]]          digit alnum upper lower space
 *	{m} {m,} {m,n}  at most 255 times                          punct xdigit blank
 *	( | )        groups, alternatives     ^ $                  begin and end of the text
 *	\d \w \s \D \W \S  digits, word characters, white space, and all others
 *	\n \t, and \ before any punctuation: that character
 *
 * A backslash inside brackets is itself. A match may be anywhere in the text unless ^ or $ say
 * otherwise. Ignoring case folds A to Z only.
 *
 * Idea: Thompson's construction, run by keeping the set of states that the text may have led to (K.
 * Thompson, "Regular Expression Search Algorithm", 1968; R. Cox, "Regular Expression Matching Can Be
 * Simple And Fast", 2007). A step of the text costs at most one visit of each state, so matching takes
 * at most states x characters, here 500 x 128, whatever the pattern: (a*)*b is as cheap as a*b.
 */
#ifndef REEVE_POLICY_REGEX_H
#define REEVE_POLICY_REGEX_H

#include "../base/base.h"

/* States that a program may have, and words of 4 bytes that it may take in all. */
#define REEVE_REGEX_STATES 500u
#define REEVE_REGEX_WORDS  800u
/* How deep parentheses may nest. */
#define REEVE_REGEX_DEPTH 20

/*
 * Compiles a pattern of at most 128 bytes. Returns the number of words, or INVALID_ARGUMENT with what
 * is wrong and at which byte; then `program` holds nothing of use. No allocation.
 */
int reeve__regex_compile(const char *pattern, bool ignore_case, uint32_t program[REEVE_REGEX_WORDS],
	struct reeve_error *err);

/*
 * Whether the text matches. `program` of `words` words is as compiled, or damaged: then the answer is
 * arbitrary. Bounded; no allocation.
 */
bool reeve__regex_match(const uint32_t *program, size_t words, const char *text, size_t length);

/* Character at text, and its length in *ret_length; a malformed byte counts as itself. */
uint32_t reeve__utf8_next(const char *text, size_t length, size_t *ret_length);

#endif
