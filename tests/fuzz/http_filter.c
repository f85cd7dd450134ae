/* Any bytes as a request's head, by lines: whatever is let in has one meaning, and it is for us. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "http/filter.h"

#define MAX_BODY 1000

/* What a reader of his own sees in the headers. */
struct seen {
	unsigned hosts, lengths, encodings, origins;
	unsigned long long length;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void see(struct seen *seen, const char *name, const char *value)
{
	if (!strcasecmp(name, "host"))
		seen->hosts++;
	if (!strcasecmp(name, "origin"))
		seen->origins++;
	if (!strcasecmp(name, "transfer-encoding"))
		seen->encodings++;
	if (!strcasecmp(name, "content-length")) {
		seen->lengths++;
		seen->length = strtoull(value, NULL, 10);
	}
}

static void add_line(struct reeve_http_filter *filter, struct seen *seen, char *line)
{
	char *value = strchr(line, ':');

	if (!value)
		return;
	*value++ = 0;
	while (*value == ' ' || *value == '\t')
		value++;
	reeve_http_filter_header(filter, line, strlen(line), value, strlen(value));
	see(seen, line, value);
}

static void check(const struct reeve_http_judgement *judgement, const struct seen *seen,
	const char *method, const char *target, const char *version)
{
	if (judgement->status && (!judgement->code || !judgement->message))
		abort();
	if (judgement->status)
		return;
	if (seen->hosts != 1 || seen->lengths + seen->encodings > 1 || seen->origins > 1 ||
		seen->length > MAX_BODY || target[0] != '/' || strpbrk(method, " :\r\n/") ||
		(strcmp(version, "HTTP/1.1") && strcmp(version, "HTTP/1.0")))
		abort();
}

/* The first byte chooses the door; then METHOD TARGET VERSION, and headers, each ended by '\n'. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"db.example.org"};
	struct reeve_http_filter filter = {0};
	struct seen seen = {0};
	char *text = malloc(size + 1), *rest = text, *line, *method, *target;

	memcpy(text, data, size);
	text[size] = 0;
	struct reeve_http_place place = {.is_guarded = size && data[0] & 1,
		.is_open = size && data[0] & 2,
		.is_tls = size && data[0] & 4,
		.names = names,
		.n_names = size && data[0] & 8 ? 1 : 0,
		.max_body_bytes = MAX_BODY};
	if (*rest)
		rest++;
	line = strsep(&rest, "\n");
	method = strsep(&line, " ");
	target = line ? strsep(&line, " ") : NULL;
	char *header;
	while (rest && (header = strsep(&rest, "\n")))
		add_line(&filter, &seen, header);
	if (line) {
		struct reeve_http_judgement judgement =
			reeve_http_filter_judge(&filter, method, target, line, &place);
		check(&judgement, &seen, method, target, line);
	}
	free(text);
	return 0;
}
