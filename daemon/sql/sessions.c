/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - see sessions.h. */
#include "sql/sessions.h"
#include "sql/guard.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUCKETS		4096u
#define SWEEP_BUCKETS	256u /* looked at by one sweep: all of them in 16 */
#define SWEEP_IDS	256u /* of a bucket: enough for a million sessions */
#define BUSY_TIMEOUT_NS (30 * REEVE_SEC)

struct reeved_sessions {
	struct reeve *reeve;
	const char *database;
	pthread_mutex_t lock;
	struct reeved_session *buckets[BUCKETS];
	uint32_t swept; /* the bucket the next sweep begins with */
};

__attribute__((format(printf, 3, 4))) static int fail(
	struct reeve_error *err, int code, const char *format, ...)
{
	if (err != NULL) {
		va_list args;
		va_start(args, format);
		err->code = code;
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return code;
}

struct reeved_sessions *reeved_sessions_create(struct reeve *reeve, const char *database)
{
	struct reeved_sessions *sessions = calloc(1, sizeof(*sessions));
	if (sessions == NULL)
		return NULL;
	sessions->reeve = reeve;
	sessions->database = database;
	pthread_mutex_init(&sessions->lock, NULL);
	return sessions;
}

/* The link that points to the session, or to NULL at the end of its bucket. */
static struct reeved_session **find_link_locked(
	struct reeved_sessions *sessions, reeve_session_id id)
{
	struct reeved_session **link = &sessions->buckets[id.v % BUCKETS];
	while (*link != NULL && (*link)->id.v != id.v)
		link = &(*link)->next;
	return link;
}

/* The caller took it out of the table, or is alone. */
static void close_session(struct reeved_session *session)
{
	for (size_t i = 0; i < REEVED_STATEMENTS; i++) {
		sqlite3_finalize(session->statements[i].stmt);
		free(session->statements[i].text);
	}
	sqlite3_close(session->db);
	reeve_session_destroy(session->handle);
	free(session);
}

void reeved_sessions_destroy(struct reeved_sessions *sessions)
{
	if (sessions == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (sessions->buckets[i] != NULL) {
			struct reeved_session *session = sessions->buckets[i];
			sessions->buckets[i] = session->next;
			close_session(session);
		}
	}
	pthread_mutex_destroy(&sessions->lock);
	free(sessions);
}

int reeved_session_create(struct reeved_sessions *sessions, const struct reeve_session_def *def,
	reeve_session_id *ret_id, struct reeve_error *err)
{
	struct reeved_session *session = calloc(1, sizeof(*session));
	if (session == NULL)
		return fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory for a session");
	int rc = reeve_session_create(sessions->reeve, def, &session->handle, err);
	if (rc != 0) {
		free(session);
		return rc;
	}
	session->id = reeve_session_id_of(session->handle);
	*ret_id = session->id;
	pthread_mutex_lock(&sessions->lock);
	struct reeved_session **bucket = &sessions->buckets[session->id.v % BUCKETS];
	session->next = *bucket;
	*bucket = session;
	pthread_mutex_unlock(&sessions->lock);
	return 0;
}

enum find_result { FOUND, FOUND_CLAIMED, FOUND_NOTHING };

/* Claims an idle session. */
static enum find_result claim(
	struct reeved_sessions *sessions, reeve_session_id id, struct reeved_session **ret_session)
{
	enum find_result result = FOUND_NOTHING;
	pthread_mutex_lock(&sessions->lock);
	struct reeved_session *session = *find_link_locked(sessions, id);
	if (session != NULL && session->is_claimed) {
		result = FOUND_CLAIMED;
	} else if (session != NULL) {
		result = FOUND;
		session->is_claimed = true;
		*ret_session = session;
	}
	pthread_mutex_unlock(&sessions->lock);
	return result;
}

static bool is_over(struct reeved_sessions *sessions, reeve_session_id id)
{
	struct reeve_session_info info;
	return reeve_session_get(sessions->reeve, id, &info, NULL) != 0 ||
	       info.state == REEVE_SESSION_KILLED || info.state == REEVE_SESSION_TERMINATED;
}

/* Takes a claimed session out of the table and frees it. */
static void drop(struct reeved_sessions *sessions, struct reeved_session *session)
{
	pthread_mutex_lock(&sessions->lock);
	struct reeved_session **link = find_link_locked(sessions, session->id);
	*link = session->next;
	pthread_mutex_unlock(&sessions->lock);
	close_session(session);
}

/* A session ended by somebody cannot come alive again, so looking before letting go is enough for
 * whoever ends it later: they find it idle, or the sweep does. */
void reeved_session_release(struct reeved_sessions *sessions, struct reeved_session *session)
{
	if (is_over(sessions, session->id)) {
		drop(sessions, session);
		return;
	}
	pthread_mutex_lock(&sessions->lock);
	session->is_claimed = false;
	pthread_mutex_unlock(&sessions->lock);
}

/* Why an id that is not in our table cannot be used. */
static int explain_absence(
	struct reeved_sessions *sessions, reeve_session_id id, struct reeve_error *err)
{
	struct reeve_session_info info;
	int rc = reeve_session_get(sessions->reeve, id, &info, err);
	if (rc != 0)
		return rc;
	if (info.state == REEVE_SESSION_KILLED || info.state == REEVE_SESSION_TERMINATED)
		return fail(err, REEVE_EINVALID_STATE, "session %llu has ended",
			(unsigned long long)id.v);
	return fail(err, REEVE_EINVALID_STATE,
		"session %llu belongs to process %d, not to this server", (unsigned long long)id.v,
		(int)info.pid);
}

static int claim_or_explain(struct reeved_sessions *sessions, reeve_session_id id,
	struct reeved_session **ret_session, struct reeve_error *err)
{
	switch (claim(sessions, id, ret_session)) {
	case FOUND:
		return 0;
	case FOUND_CLAIMED:
		return fail(err, REEVE_EINVALID_STATE, "session %llu is running a statement",
			(unsigned long long)id.v);
	case FOUND_NOTHING:
		break;
	}
	return explain_absence(sessions, id, err);
}

static int open_database(
	struct reeved_sessions *sessions, struct reeved_session *session, struct reeve_error *err)
{
	struct reeve_sqlite_options options = REEVE_SQLITE_OPTIONS_INIT;
	options.reeve = sessions->reeve;
	options.session = session->handle;
	options.busy_timeout_ns = BUSY_TIMEOUT_NS;
	int rc = reeve_sqlite_open(sessions->database, &session->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, &options, err);
	if (rc != 0)
		return rc;
	session->governor = reeve_sqlite_of(session->db);
	return reeved_guard_install(session->db, &session->was_refused, err);
}

int reeved_session_claim(struct reeved_sessions *sessions, reeve_session_id id,
	struct reeved_session **ret_session, struct reeve_error *err)
{
	struct reeved_session *session;
	if (sessions->database == NULL)
		return fail(err, REEVE_ECONFIGURATION,
			"this server has no engine; start it with --engine sqlite:FILE");
	int rc = claim_or_explain(sessions, id, &session, err);
	if (rc == 0 && is_over(sessions, id)) {
		drop(sessions, session);
		return explain_absence(sessions, id, err);
	}
	if (rc == 0 && session->db == NULL)
		rc = open_database(sessions, session, err);
	else if (rc != 0)
		return rc;
	if (rc != 0) {
		sqlite3_close(session->db);
		session->db = NULL;
		session->governor = NULL;
		reeved_session_release(sessions, session);
		return rc;
	}
	*ret_session = session;
	return 0;
}

int reeved_session_end(
	struct reeved_sessions *sessions, reeve_session_id id, struct reeve_error *err)
{
	struct reeved_session *session;
	int rc = claim_or_explain(sessions, id, &session, err);
	if (rc != 0)
		return rc;
	bool was_over = is_over(sessions, id);
	drop(sessions, session);
	return was_over ? explain_absence(sessions, id, err) : 0;
}

int reeved_session_kill(
	struct reeved_sessions *sessions, reeve_session_id id, struct reeve_error *err)
{
	struct reeved_session *session;
	int rc = reeve_session_kill(sessions->reeve, id, err);
	if (rc == 0 && claim(sessions, id, &session) == FOUND)
		reeved_session_release(sessions, session);
	return rc;
}

/* Claims the idle sessions of a bucket one after the other, so that no lock is held while the
 * segment is asked. */
static void sweep_bucket(struct reeved_sessions *sessions, uint32_t bucket)
{
	reeve_session_id ids[SWEEP_IDS];
	size_t n = 0;
	pthread_mutex_lock(&sessions->lock);
	for (struct reeved_session *s = sessions->buckets[bucket]; s != NULL && n < SWEEP_IDS;
		s = s->next) {
		if (!s->is_claimed)
			ids[n++] = s->id;
	}
	pthread_mutex_unlock(&sessions->lock);
	for (size_t i = 0; i < n; i++) {
		struct reeved_session *session;
		if (is_over(sessions, ids[i]) && claim(sessions, ids[i], &session) == FOUND)
			reeved_session_release(sessions, session);
	}
}

void reeved_sessions_sweep(struct reeved_sessions *sessions)
{
	for (uint32_t i = 0; i < SWEEP_BUCKETS; i++) {
		sweep_bucket(sessions, sessions->swept);
		sessions->swept = (sessions->swept + 1) % BUCKETS;
	}
}
