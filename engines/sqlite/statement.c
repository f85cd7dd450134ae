/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement.c - keeps the session's one statement in step with the SQLite statements of its
 * connection. See the picture in governor.h.
 *
 * The hard part is the reader. Between two sqlite3_step calls SQLite calls no hook, so nothing can
 * be done the moment the program comes back; it is noticed at the next hook, at most 1,000 opcodes
 * or one row later. A cursor that waits for its reader must not hold a CPU slot, and one that is
 * read at full speed must not queue for every row, nor a look-up hand its slot over between its row
 * and its reset. So a reader has to earn trust: after 8 pauses in a row that were shorter than 2^20
 * ticks, slots are kept over rows; one longer pause, and they are given up at each row until it has
 * been quick 8 times again. Of a reader that is trusted every 16th row is looked at: when it took
 * long since the last such row, this one's pause is measured. A tick is one of the processor's constant counter, so that is 0.2 to
 * 1 ms on processors of 1 to 5 GHz.
 */
#include <stdlib.h>
#include <string.h>

#include "governor.h"

#define LONG_PAUSE_TICKS   ((uint64_t)1 << 20)
#define QUICK_PAUSES_TRUST 8
/* Reading the counter costs 9 ns where a row of a small table costs 60. */
#define ROWS_A_LOOK 16

COLD static reeve_ns deadline_of(const struct reeve_sqlite *g, reeve_ns deadline)
{
	reeve_ns now = reeve_now_mono(g->reeve);
	reeve_ns own = g->timeout_ns < REEVE_NEVER - now ? now + g->timeout_ns : REEVE_NEVER;

	return deadline < own ? deadline : own;
}

int reeve__sqlite_stop(struct reeve_sqlite *g, int code, const char *text)
{
	g->free_rows = 0;
	if (g->stop == 0) {
		g->stop = code;
		g->totals.stopped++;
		g->has_why = true;
		reeve__sqlite_fail(&g->why, code, "%s", text);
	}
	return code;
}

COLD int reeve__sqlite_refused(struct reeve_sqlite *g, int code)
{
	g->stop = code;
	g->has_why = true;
	g->is_begun = false;
	g->free_rows = 0;
	g->totals.refused++;
	return code;
}

int reeve__sqlite_begin(struct reeve_sqlite *g, reeve_ns deadline)
{
	struct reeve_query_def def = {.deadline = deadline};
	int rc;

	if (UNLIKELY(g->timeout_ns != 0))
		def.deadline = deadline_of(g, deadline);
	if (def.deadline == REEVE_NEVER)
		return reeve__sqlite_begin_plain(g);
	reeve__sqlite_reset(g, def.deadline);
	rc = reeve_query_begin(g->session, &def, &g->why);
	return rc < 0 ? reeve__sqlite_refused(g, rc) : 0;
}

/* The pause that began when a row went out is over: what it says of the reader. */
COLD static void judge_reader(struct reeve_sqlite *g, uint64_t ticks)
{
	if (ticks - g->left_ticks >= LONG_PAUSE_TICKS)
		g->quick_pauses = 0;
	else if (g->quick_pauses < QUICK_PAUSES_TRUST)
		g->quick_pauses++;
	g->left_ticks = 0;
}

void reeve__sqlite_end(struct reeve_sqlite *g, uint64_t ticks)
{
	if (!g->is_begun)
		return;
	if (UNLIKELY(g->left_ticks != 0))
		judge_reader(g, ticks != 0 ? ticks : reeve__sqlite_ticks());
	reeve__sqlite_end_plain(g, ticks);
}

/*
 * Looks whether the statement that is away is to stop, without waiting for a slot: a shielded task
 * is never parked.
 */
int reeve__sqlite_look_up(struct reeve_sqlite *g)
{
	int rc;

	reeve_shield_begin(g->session);
	rc = reeve_block_end(g->session);
	reeve_block_begin(g->session);
	(void)reeve_shield_end(g->session);
	return rc < 0 ? reeve__sqlite_stop(g, rc, reeve_checkpoint_text(g->session)) : 0;
}

static int come_back(struct reeve_sqlite *g)
{
	int rc;

	g->is_away = false;
	rc = reeve_block_end(g->session);
	if (rc < 0)
		return reeve__sqlite_stop(g, rc, reeve_checkpoint_text(g->session));
	return 0;
}

int reeve__sqlite_arrive(struct reeve_sqlite *g)
{
	if (g->left_ticks != 0)
		judge_reader(g, reeve__sqlite_ticks());
	if (g->is_away && come_back(g) < 0)
		return g->stop;
	if (!g->is_begun && g->open_count > 0 && g->stop == 0)
		return reeve__sqlite_begin(g, REEVE_NEVER);
	return g->stop;
}

void reeve__sqlite_go_away(struct reeve_sqlite *g)
{
	if (!g->is_begun || g->is_away)
		return;
	reeve_block_begin(g->session);
	g->is_away = true;
	g->free_rows = 0;
}

void reeve__sqlite_leave(struct reeve_sqlite *g)
{
	uint64_t ticks, before = g->look_ticks;

	if (g->free_rows > 0) {
		g->free_rows--;
		return;
	}
	if (g->is_bracketed || !g->is_begun)
		return;
	ticks = reeve__sqlite_ticks() | 1;
	if (g->quick_pauses < QUICK_PAUSES_TRUST) {
		g->left_ticks = ticks;
		reeve__sqlite_go_away(g);
		return;
	}
	g->look_ticks = ticks;
	if (ticks - before >= LONG_PAUSE_TICKS)
		g->left_ticks = ticks;
	else if (!g->is_away && g->stop == 0)
		g->free_rows = ROWS_A_LOOK - 1;
}

int reeve__sqlite_checkpoint(struct reeve_sqlite *g)
{
	int rc = reeve__sqlite_arrive(g);

	if (rc < 0 || !g->is_begun)
		return rc;
	rc = reeve_checkpoint(g->session);
	if (rc < 0)
		return reeve__sqlite_stop(g, rc, reeve_checkpoint_text(g->session));
	return 0;
}

/* The statement that started last mostly ends first: looked for from the end. */
static uint32_t find_open(const struct reeve_sqlite *g, const sqlite3_stmt *stmt)
{
	uint32_t at = g->open_count;

	while (at > 0 && g->open[at - 1] != stmt)
		at--;
	return at;
}

bool reeve__sqlite_is_open(const struct reeve_sqlite *g, const sqlite3_stmt *stmt)
{
	return find_open(g, stmt) > 0;
}

static bool grow_open(struct reeve_sqlite *g)
{
	uint32_t capacity = g->open_capacity * 2;
	sqlite3_stmt **larger = malloc(capacity * sizeof(*larger));

	if (larger == NULL)
		return false;
	memcpy(larger, g->open, g->open_count * sizeof(*larger));
	if (g->open != g->open_inline)
		free(g->open);
	g->open = larger;
	g->open_capacity = capacity;
	return true;
}

bool reeve__sqlite_track(struct reeve_sqlite *g, sqlite3_stmt *stmt)
{
	if (reeve__sqlite_is_open(g, stmt))
		return true;
	if (g->open_count == g->open_capacity && !grow_open(g))
		return false;
	g->open[g->open_count++] = stmt;
	return true;
}

bool reeve__sqlite_untrack(struct reeve_sqlite *g, const sqlite3_stmt *stmt)
{
	uint32_t at = find_open(g, stmt);

	if (at == 0)
		return false;
	g->open[at - 1] = g->open[--g->open_count];
	return true;
}
