/*
 * A program on SQLite whose statements are governed. Only the open call is different: it was
 * sqlite3_open(argv[1], &db). Build: cc sqlite_governed.c -lreeve-sqlite -lreeve -lsqlite3
 */
#include <reeve/sqlite.h>
#include <stdio.h>

static int print_row(void *unused, int columns, char **values, char **names)
{
	(void)unused, (void)names;
	return printf("%s in %s\n", values[0], values[columns - 1]) < 0;
}

int main(int argc, char **argv)
{
	struct reeve_options segment = REEVE_OPTIONS_INIT; /* no file: for this process alone */
	struct reeve_session_def who = {.username = "report", .group = {REEVE_BATCH_GROUP}};
	struct reeve_sqlite_options options = {.session_def = &who, .timeout_ns = 10 * REEVE_SEC};
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	struct reeve_error err;
	sqlite3 *db;
	int rc;

	if (argc != 2 || reeve_open(&segment, &options.reeve, &err) ||
		reeve_sqlite_open(argv[1], &db, flags, &options, &err))
		return fprintf(stderr, "%s\n", argc != 2 ? "usage: FILE" : err.text), 1;
	rc = sqlite3_exec(db,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
		"WHERE i < 100000) SELECT sum(i), reeve_group() FROM n",
		print_row, NULL, NULL);
	if (rc == SQLITE_INTERRUPT && reeve_sqlite_why(reeve_sqlite_of(db), &err))
		fprintf(stderr, "%s\n", err.text);
	sqlite3_close(db); /* ends the session too */
	reeve_close(options.reeve);
	return rc;
}
