/*
 * Any bytes as a request's head, parsed in place as libmicrohttpd 0.9.75 does it: what lines.h and
 * filter.h let in has proper lines, as a strict reader sees them in a copy of the bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/filter.h"
#include "http/lines.h"

struct head {
	char *at, *end; /* not yet parsed; of all bytes */
	char *method, *target, *version;
	struct reeve_http_lines lines;
	struct reeve_http_filter filter;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* The next line, ended by CR LF or a bare LF, which become NULs; NULL: there is none. */
static char *next_line(struct head *head, size_t *ret_len)
{
	char *line = head->at;

	for (char *p = line; p < head->end; p++) {
		bool is_pair = *p == '\r' && p + 1 < head->end && p[1] == '\n';
		if (!is_pair && *p != '\n')
			continue;
		*ret_len = (size_t)(p - line);
		*p++ = 0;
		if (is_pair)
			*p++ = 0;
		head->at = p;
		return line;
	}
	return NULL;
}

/* The version is sought from behind, so that a target may hold blanks. */
static bool read_request_line(struct head *head)
{
	size_t len;
	char *line, *p;

	do {
		line = next_line(head, &len);
	} while (line && !line[0]);
	if (!line || !(p = memchr(line, ' ', len)))
		return false;
	*p++ = 0;
	while (p < line + len && *p == ' ')
		p++;
	head->method = line;
	head->target = p;
	if (p == line + len)
		return false;
	for (p = line + len - 1; *p == ' ' && p > head->target;)
		p--;
	while (*p != ' ' && p > head->target)
		p--;
	if (p == head->target)
		return false;
	*p = 0;
	head->version = p + 1;
	return strncmp(head->version, "HTTP/1.", 7) == 0 &&
	       (size_t)(line + len - head->version) == 8;
}

static void take_header(struct head *head, const char *name, const char *value)
{
	reeve_http_filter_header(&head->filter, name, strlen(name), value, strlen(value));
	reeve_http_lines_header(&head->lines, name, strlen(name), value, strlen(value));
}

/* Folded lines are joined, and the name is somewhere else then. */
static bool read_headers(struct head *head)
{
	char *name = NULL, *value = NULL, *line, *joined = NULL;
	size_t len = 0;

	while ((line = next_line(head, &len)) && line[0]) {
		if (name && (line[0] == ' ' || line[0] == '\t')) {
			if (!joined)
				joined = strdup(name);
			name = joined;
			continue;
		}
		if (name)
			take_header(head, name, value);
		name = line;
		value = strchr(line, ':');
		if (!value)
			break;
		*value++ = 0;
		while (*value == ' ' || *value == '\t')
			value++;
	}
	if (name && value)
		take_header(head, name, value);
	free(joined);
	return line && (!name || value);
}

/* Aborts at what no proper head has. `text` is what was received, up to the end of the head. */
static void check_strictly(const char *text, size_t len)
{
	const char *line = text;

	if (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4))
		abort();
	for (size_t i = 0; i < len; i++) {
		if (!text[i] || (text[i] == '\n' && (!i || text[i - 1] != '\r')) ||
			(text[i] == '\r' && text[i + 1] != '\n'))
			abort();
		if (text[i] != '\n')
			continue;
		line = text + i + 1;
		if (i + 1 < len && (*line == ' ' || *line == '\t'))
			abort();
	}
}

static void run(struct head *head, const char *begin, const char *copy)
{
	struct reeve_http_place place = {.max_body_bytes = 1000};
	char *target;

	if (!read_request_line(head))
		return;
	/* As sent; libmicrohttpd decodes its own one in place. */
	target = strdup(head->target);
	reeve_http_lines_begin(
		&head->lines, head->method, head->target, strlen(target), head->version);
	if (read_headers(head) && reeve_http_lines_end(&head->lines, head->at) &&
		reeve_http_filter_judge(&head->filter, head->method, target, head->version, &place)
				.status == 0)
		check_strictly(copy + (head->method - begin), (size_t)(head->at - head->method));
	free(target);
}

/* What cannot be told from proper lines in place; see lines.h. */
static bool has_nul_at_line_end(const char *text, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++)
		if ((!text[i] && (text[i + 1] == '\n' || text[i + 1] == '\r')) ||
			(text[i] == '\n' && !text[i + 1]))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *copy = malloc(size + 1);
	struct head head = {.at = text, .end = text + size};

	memcpy(text, data, size);
	memcpy(copy, data, size);
	text[size] = copy[size] = 0;
	if (!has_nul_at_line_end(copy, size))
		run(&head, text, copy);
	free(text);
	free(copy);
	return 0;
}
