/* Any pattern on any text; and what a damaged program does: anything but harm. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "../../src/policy/regex.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void match_damaged(uint32_t *program, size_t words, const uint8_t *bytes, size_t n,
	const char *text, size_t len)
{
	for (size_t i = 0; i + 2 < n; i += 3)
		program[((size_t)bytes[i] << 8 | bytes[i + 1]) % words] ^= 1u
									   << (bytes[i + 2] % 32);
	reeve__regex_match(program, words, text, len);
}

/* A byte of options, the pattern up to a NUL, the text up to a NUL, and damage. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t program[REEVE_REGEX_WORDS];
	struct reeve_error err;
	const uint8_t *pattern_end, *text, *text_end;
	char *pattern, *copy;
	size_t left, len;
	int words;

	if (size < 2 || !(pattern_end = memchr(data + 1, 0, size - 1)))
		return 0;
	pattern = strdup((const char *)data + 1);
	text = pattern_end + 1;
	left = (size_t)(data + size - text);
	text_end = left ? memchr(text, 0, left) : NULL;
	len = text_end ? (size_t)(text_end - text) : left;
	copy = malloc(len + !len);
	memcpy(copy, text, len);
	words = reeve__regex_compile(pattern, data[0] & 1, program, &err);
	if (words > (int)REEVE_REGEX_WORDS)
		abort();
	if (words > 0) {
		bool first = reeve__regex_match(program, (size_t)words, copy, len);

		if (first != reeve__regex_match(program, (size_t)words, copy, len))
			abort();
		if (text_end)
			match_damaged(program, (size_t)words, text_end + 1,
				(size_t)(data + size - text_end - 1), copy, len);
	}
	free(pattern);
	free(copy);
	return 0;
}
