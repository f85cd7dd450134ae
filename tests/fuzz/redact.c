/* Any bytes as a statement: what is written down of it fits, ends, and holds no text in quotes. */
#include <stdlib.h>
#include <string.h>

#include "audit/redact.h"
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* The first byte is the room for it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t capacity = size ? (size_t)data[0] * 4 + 1 : 1, len;
	char *sql = malloc(size + 1), *to = malloc(capacity);

	memcpy(sql, data, size);
	sql[size] = 0;
	len = reeved_redact_sql(size ? sql + 1 : sql, to, capacity);
	if (len >= capacity || to[len] || strlen(to) != len || strpbrk(to, "'\""))
		abort();
	free(sql);
	free(to);
	return 0;
}
