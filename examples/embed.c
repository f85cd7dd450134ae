#include <reeve/reeve.h>
#include <stdio.h>

int main(void)
{
	struct reeve_options options = REEVE_OPTIONS_INIT; /* no file: for this process alone */
	struct reeve_session_def who = REEVE_SESSION_DEF_INIT;
	struct reeve_session *session = NULL;
	struct reeve_query_usage used;
	struct reeve_error err;
	struct reeve *reeve = NULL;

	who.username = "report";
	who.group.v = REEVE_BATCH_GROUP;
	if (reeve_open(&options, &reeve, &err) ||
		reeve_session_create(reeve, &who, &session, &err) ||
		reeve_query_begin(session, NULL, &err)) /* waits until its group may run */
		return fprintf(stderr, "%s\n", err.text), 1;
	for (int i = 0; i < 20000000 && reeve_checkpoint(session) == 0; i++)
		; /* the work: a checkpoint costs a few nanoseconds, and parks when others are due */
	reeve_query_end(session, &used);
	printf("%.3f s of CPU, %.3f s waited\n", (double)used.cpu_ns / 1e9,
		(double)used.wait_ns / 1e9);
	reeve_session_destroy(session);
	reeve_close(reeve);
	return 0;
}
