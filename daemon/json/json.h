/*
 * JSON output: an append-only writer into one growing buffer.
 *
 * Every answer of the daemon is written front to back into a struct reeve_json. Nothing is ever
 * built as a tree first. The caller may remember `len` and go back to it (reeve_json_truncate);
 * that is how a half-written object is taken back.
 *
 * Errors stick. The first failed allocation, or the first write that would pass `max_bytes`, sets
 * `failed`; every later write does nothing. So a caller writes without looking and asks once, with
 * reeve_json_ok(). A failed buffer holds a prefix of no particular meaning and must not be sent.
 *
 * Commas are placed by the writer: a value or a key puts ',' before itself if the last byte in the
 * buffer ends a value ('}', ']', '"', a letter or a digit). Hence after reeve_json_raw() of
 * something that ends otherwise (a space, a newline, a colon) no comma is added. This rule needs
 * no stack and survives truncation.
 *
 *	struct reeve_json w;
 *	reeve_json_init(&w, 0);
 *	reeve_json_object_begin(&w);
 *	reeve_json_key(&w, "id");
 *	reeve_json_u64(&w, 7);
 *	reeve_json_key(&w, "tags");
 *	reeve_json_array_begin(&w);
 *	reeve_json_str(&w, "a");
 *	reeve_json_array_end(&w);
 *	reeve_json_object_end(&w);		// {"id":7,"tags":["a"]}
 *
 * One writer belongs to one thread at a time; there is no shared state.
 */
#ifndef REEVE_DAEMON_JSON_H
#define REEVE_DAEMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_json {
	char *data; /* bytes written so far; not NUL-terminated; NULL before the first write */
	size_t len; /* bytes in data */
	size_t cap; /* bytes allocated */
	size_t max_bytes; /* refuse to grow beyond this */
	bool failed;	  /* sticky: out of memory or over max_bytes */
};

/* Starts an empty writer. max_bytes 0 means no bound other than memory. Allocates nothing. */
void reeve_json_init(struct reeve_json *w, size_t max_bytes);

/* Frees the buffer. The writer may be initialised again. */
void reeve_json_fini(struct reeve_json *w);

/* Empties the writer and clears `failed`, keeping the buffer for the next use. */
void reeve_json_reset(struct reeve_json *w);

/* Goes back to an earlier length (a value of w->len seen before). No effect on `failed`. */
void reeve_json_truncate(struct reeve_json *w, size_t len);

/* Hands the buffer over to the caller (free() it) and leaves the writer empty. NULL if nothing was
 * written or the writer failed; a failed writer's buffer is freed. */
char *reeve_json_take(struct reeve_json *w, size_t *ret_len);

/* True if everything written so far is there. */
bool reeve_json_ok(const struct reeve_json *w);

/* Makes room for `more` bytes beyond len. False, and failed set, if there is none. */
bool reeve_json_reserve(struct reeve_json *w, size_t more);

/* Bytes as they are: no comma, no quotes, no escaping. */
void reeve_json_raw(struct reeve_json *w, const char *bytes, size_t len);

/* A complete JSON value that the caller already has as text: comma if needed, then the bytes. */
void reeve_json_raw_value(struct reeve_json *w, const char *text, size_t len);

void reeve_json_object_begin(struct reeve_json *w);
void reeve_json_object_end(struct reeve_json *w);
void reeve_json_array_begin(struct reeve_json *w);
void reeve_json_array_end(struct reeve_json *w);

/* "name": with escaping; a comma first if needed. */
void reeve_json_key(struct reeve_json *w, const char *name);
void reeve_json_keyn(struct reeve_json *w, const char *name, size_t len);

/*
 * Strings are quoted and escaped: '"', '\\' and bytes below 0x20, with the short forms where JSON
 * has them. Everything else is copied, so UTF-8 stays UTF-8. A byte that is not part of
 * well-formed UTF-8 is replaced by U+FFFD, one for each such byte: the output is always valid.
 */
void reeve_json_str(struct reeve_json *w, const char *text);
void reeve_json_strn(struct reeve_json *w, const char *text, size_t len);
/* A printf-formatted string, quoted and escaped. Longer results than 4095 bytes are cut there. */
void reeve_json_strf(struct reeve_json *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void reeve_json_i64(struct reeve_json *w, int64_t value);
void reeve_json_u64(struct reeve_json *w, uint64_t value);
void reeve_json_bool(struct reeve_json *w, bool value);
void reeve_json_null(struct reeve_json *w);

/* A decimal that reads back as the same double. NaN and the infinities, which JSON cannot say,
 * become null. The locale is of no influence. */
void reeve_json_double(struct reeve_json *w, double value);

/* Length in bytes of the well-formed UTF-8 sequence at text[0..len), 0 if there is none. Refuses
 * overlong forms, surrogates and code points above U+10FFFF. */
size_t reeve_json_utf8_len(const char *text, size_t len);

#ifdef __cplusplus
}
#endif

#endif
