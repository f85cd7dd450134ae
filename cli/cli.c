/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - see cli.h. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int cli_refuse(const char *format, ...)
{
	va_list args;

	fputs("reeve: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CLI_CANNOT;
}

int cli_bad_usage(const char *command)
{
	fprintf(stderr, "Try `reeve %s --help`.\n", command);
	return CLI_CANNOT;
}

int cli_finish_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return cli_refuse("standard output: %s", strerror(errno));
}

int cli_find_segment(const struct cli_source *source, char *to, size_t size)
{
	const char *path = source->segment, *tail = "";
	int length;

	if (path == NULL && source->data != NULL) {
		path = source->data;
		tail = "/reeve.segment";
	}
	if (path == NULL)
		path = getenv("REEVE_SEGMENT");
	if (path == NULL || *path == '\0')
		return cli_refuse("which segment? Give --segment FILE, or --data DIR (the data "
				  "directory of reeved), or set REEVE_SEGMENT");
	length = snprintf(to, size, "%s%s", path, tail);
	if (length < 0 || (size_t)length >= size)
		return cli_refuse("the path of the segment is longer than %zu bytes", size - 1);
	return CLI_OK;
}

int cli_open_segment(const char *path, struct reeve **ret_reeve)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err = {0};
	int rc;

	options.path = path;
	options.flags = REEVE_OPEN_EXISTING;
	options.name = "reeve";
	rc = reeve_open(&options, ret_reeve, &err);
	if (rc == 0)
		return CLI_OK;
	if (rc == REEVE_ENOT_FOUND)
		return cli_refuse("%s: there is no segment; is reeved running, and with this data "
				  "directory?",
			path);
	/* the library's texts begin with the path where they are about the file */
	if (strncmp(err.text, path, strlen(path)) == 0)
		return cli_refuse("%s", err.text);
	return cli_refuse("%s: %s", path, err.text);
}
