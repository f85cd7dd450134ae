/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfs.c - a file system of SQLite that passes everything on to the one below, and makes checkpoints
 * of reads and writes.
 *
 * Why. Some work of SQLite is one opcode and has no progress callback: count(*), DROP INDEX, DELETE
 * of a whole table, big values, VACUUM. With a cache of 2 MB all of it reads and writes pages all
 * the time: count(*) of a million rows had one gap of 9 ms, and has none above 0.1 ms with this;
 * DELETE of a million rows 62 and 0.3 ms (docs/decisions/0100-sqlite-hooks.md).
 *
 * Rules. A call is delayed, never refused: a refused write rolls a transaction back. No statement
 * is parked in a write to a database, its journal or its log, where it holds what other writers
 * want; only reads, and files that are private to the connection, are checkpoints. A statement that
 * waits for the disk to write gives its CPU slot up first, and takes it back at the next hook that
 * is not inside the commit.
 *
 * Each connection has a file system object of its own, which tells whose call it is. It is freed
 * with the governor, or when SQLite has unloaded the connection's extensions, which it does through
 * this object after everything else is gone.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "governor.h"

/* Calls of one connection between two checkpoints: 16 cached reads take about 10 us. */
#define CALLS_A_CHECKPOINT 16

#define TIME_IS_GOOD_TICKS ((uint64_t)1 << 18)

struct reeve_sqlite_vfs {
	sqlite3_vfs vfs; /* first: SQLite's pointer is ours */
	sqlite3_vfs *base;
	struct reeve_sqlite *governor; /* NULL: gone, waits for its extensions */
	uint32_t extensions;	       /* loaded through us */
	uint32_t calls_left;	       /* until the next checkpoint */
	char name[32];
};

/*
 * Behind each open file of the system below. The file itself is that system's own, and so are most
 * of its methods, called by SQLite without us in between; `methods` is its table with those
 * replaced that matter here, and it leads from the file to the rest.
 */
struct file {
	sqlite3_io_methods methods;
	const sqlite3_io_methods *base;
	struct reeve_sqlite_vfs *shim;
	bool is_read_checkpoint;
	bool is_write_checkpoint;
};

static struct file *file_of(const sqlite3_file *f)
{
	return (struct file *)(uintptr_t)f->pMethods;
}

/* Where it lies behind the file below. */
static size_t file_offset(const sqlite3_vfs *base)
{
	size_t align = _Alignof(struct file);

	return ((size_t)base->szOsFile + align - 1) / align * align;
}

/* It is time for a checkpoint. Out of the way: those who call it end by calling the system below. */
APART static void pass_checkpoint(struct reeve_sqlite_vfs *shim)
{
	struct reeve_sqlite *g = shim->governor;

	shim->calls_left = CALLS_A_CHECKPOINT;
	if (g == NULL || !g->is_begun || g->is_away || g->stop != 0)
		return;
	if (reeve__sqlite_checkpoint(g) < 0)
		sqlite3_interrupt(g->db);
}

APART static int read_and_pass(sqlite3_file *f, void *to, int count, sqlite3_int64 at)
{
	pass_checkpoint(file_of(f)->shim);
	return file_of(f)->base->xRead(f, to, count, at);
}

HOT static int file_read(sqlite3_file *f, void *to, int count, sqlite3_int64 at)
{
	struct file *file = file_of(f);

	if (UNLIKELY(file->is_read_checkpoint && --file->shim->calls_left == 0))
		return read_and_pass(f, to, count, at);
	return file->base->xRead(f, to, count, at);
}

static int file_write(sqlite3_file *f, const void *from, int count, sqlite3_int64 at)
{
	struct file *file = file_of(f);

	if (file->is_write_checkpoint && --file->shim->calls_left == 0)
		pass_checkpoint(file->shim);
	return file->base->xWrite(f, from, count, at);
}

static int file_sync(sqlite3_file *f, int flags)
{
	struct file *file = file_of(f);

	if (file->shim->governor != NULL)
		reeve__sqlite_go_away(file->shim->governor);
	return file->base->xSync(f, flags);
}

#define SHIM_OF(pointer) ((struct reeve_sqlite_vfs *)(pointer))
#define BELOW(pointer)	 (SHIM_OF(pointer)->base)

/* A system built against an older SQLite has a shorter table. */
static size_t methods_size(const sqlite3_io_methods *methods)
{
	if (methods->iVersion >= 3)
		return sizeof(*methods);
	return methods->iVersion == 2 ? offsetof(sqlite3_io_methods, xFetch)
				      : offsetof(sqlite3_io_methods, xShmMap);
}

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
	const int private_kinds =
		SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_TEMP_JOURNAL;
	const int page_kinds = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL;
	struct file *file = (struct file *)((char *)f + file_offset(BELOW(v)));
	int rc = BELOW(v)->xOpen(BELOW(v), name, f, flags, ret_flags);

	if (f->pMethods == NULL)
		return rc;
	file->base = f->pMethods;
	memset(&file->methods, 0, sizeof(file->methods));
	memcpy(&file->methods, file->base, methods_size(file->base));
	if (file->methods.iVersion > 3)
		file->methods.iVersion = 3;
	file->shim = SHIM_OF(v);
	file->is_read_checkpoint = (flags & (page_kinds | private_kinds)) != 0;
	file->is_write_checkpoint = (flags & private_kinds) != 0;
	file->methods.xRead = file_read;
	file->methods.xWrite = file_write;
	file->methods.xSync = file_sync;
	f->pMethods = &file->methods;
	return rc;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync_directory)
{
	return BELOW(v)->xDelete(BELOW(v), name, sync_directory);
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *ret_result)
{
	return BELOW(v)->xAccess(BELOW(v), name, flags, ret_result);
}

static int vfs_full_path(sqlite3_vfs *v, const char *name, int size, char *ret_path)
{
	return BELOW(v)->xFullPathname(BELOW(v), name, size, ret_path);
}

static void *vfs_dl_open(sqlite3_vfs *v, const char *name)
{
	void *extension = BELOW(v)->xDlOpen(BELOW(v), name);

	if (extension != NULL)
		SHIM_OF(v)->extensions++;
	return extension;
}

static void vfs_dl_error(sqlite3_vfs *v, int size, char *ret_text)
{
	BELOW(v)->xDlError(BELOW(v), size, ret_text);
}

static void (*vfs_dl_sym(sqlite3_vfs *v, void *extension, const char *symbol))(void)
{
	return BELOW(v)->xDlSym(BELOW(v), extension, symbol);
}

static void discard(struct reeve_sqlite_vfs *shim)
{
	sqlite3_vfs_unregister(&shim->vfs);
	free(shim);
}

static void vfs_dl_close(sqlite3_vfs *v, void *extension)
{
	BELOW(v)->xDlClose(BELOW(v), extension);
	if (--SHIM_OF(v)->extensions == 0 && SHIM_OF(v)->governor == NULL)
		discard(SHIM_OF(v));
}

static int vfs_randomness(sqlite3_vfs *v, int size, char *ret_bytes)
{
	return BELOW(v)->xRandomness(BELOW(v), size, ret_bytes);
}

static int vfs_sleep(sqlite3_vfs *v, int us)
{
	return BELOW(v)->xSleep(BELOW(v), us);
}

static int vfs_time(sqlite3_vfs *v, double *ret_days)
{
	return BELOW(v)->xCurrentTime(BELOW(v), ret_days);
}

static int vfs_last_error(sqlite3_vfs *v, int size, char *ret_text)
{
	return BELOW(v)->xGetLastError(BELOW(v), size, ret_text);
}

/* Asks the file system below, and notes the answer. */
COLD static int ask_time(sqlite3_vfs *v, struct reeve_sqlite *g, sqlite3_int64 *ret_ms)
{
	int rc = BELOW(v)->xCurrentTimeInt64(BELOW(v), ret_ms);

	if (rc == SQLITE_OK) {
		g->time_ms = *ret_ms;
		g->time_ticks = g->told_ticks = reeve__sqlite_ticks();
	}
	return rc;
}

/*
 * SQLite asks for the time, in milliseconds, at the start and at the end of every statement that is
 * traced, only to compute a difference that we ignore; but it is also what date('now') tells.
 *
 * Where a statement starts, the answer is what we told last, true or not: reading the counter costs
 * 9 ns. That question is the first after the end of all statements, and its answer goes into the
 * statement, to where the last start's went. A new statement may lie elsewhere; then the counter is read. The
 * place alone would not do, for SQLite may have freed it; nor the order alone, for once the program
 * has taken the trace hook from us, the first to ask is date('now').
 *
 * Any other answer is good for 2^18 ticks, which is 0.05 to 0.26 ms: for nobody to see in
 * milliseconds, and it makes look-ups 20 ns cheaper. At an end the counter's reading serves
 * reeve_query_end too.
 */
HOT static int vfs_time_ms(sqlite3_vfs *v, sqlite3_int64 *ret_ms)
{
	struct reeve_sqlite *g = SHIM_OF(v)->governor;
	uint64_t ticks;

	if (UNLIKELY(g == NULL))
		return BELOW(v)->xCurrentTimeInt64(BELOW(v), ret_ms);
	g->asked_at = ret_ms;
	if (g->is_start_next && ret_ms == g->start_at) {
		g->is_start_next = false;
		*ret_ms = g->time_ms;
		return SQLITE_OK;
	}
	g->is_start_next = false;
	ticks = reeve__sqlite_ticks();
	if (UNLIKELY(g->time_ms == 0 || ticks - g->time_ticks >= TIME_IS_GOOD_TICKS))
		return ask_time(v, g, ret_ms);
	g->told_ticks = ticks;
	*ret_ms = g->time_ms;
	return SQLITE_OK;
}

static int vfs_set_call(sqlite3_vfs *v, const char *name, sqlite3_syscall_ptr call)
{
	return BELOW(v)->xSetSystemCall(BELOW(v), name, call);
}

static sqlite3_syscall_ptr vfs_get_call(sqlite3_vfs *v, const char *name)
{
	return BELOW(v)->xGetSystemCall(BELOW(v), name);
}

static const char *vfs_next_call(sqlite3_vfs *v, const char *name)
{
	return BELOW(v)->xNextSystemCall(BELOW(v), name);
}

static const sqlite3_vfs vfs_methods = {.xOpen = vfs_open,
	.xDelete = vfs_delete,
	.xAccess = vfs_access,
	.xFullPathname = vfs_full_path,
	.xDlOpen = vfs_dl_open,
	.xDlError = vfs_dl_error,
	.xDlSym = vfs_dl_sym,
	.xDlClose = vfs_dl_close,
	.xRandomness = vfs_randomness,
	.xSleep = vfs_sleep,
	.xCurrentTime = vfs_time,
	.xGetLastError = vfs_last_error,
	.xCurrentTimeInt64 = vfs_time_ms,
	.xSetSystemCall = vfs_set_call,
	.xGetSystemCall = vfs_get_call,
	.xNextSystemCall = vfs_next_call};

int reeve__sqlite_add_vfs(struct reeve_sqlite *g, const char *base_name)
{
	sqlite3_vfs *base = sqlite3_vfs_find(base_name);
	struct reeve_sqlite_vfs *shim;

	if (base == NULL)
		return SQLITE_NOTFOUND;
	shim = calloc(1, sizeof(*shim));
	if (shim == NULL)
		return SQLITE_NOMEM;
	shim->vfs = vfs_methods;
	shim->vfs.iVersion = base->iVersion < 3 ? base->iVersion : 3;
	shim->vfs.szOsFile = (int)(file_offset(base) + sizeof(struct file));
	shim->vfs.mxPathname = base->mxPathname;
	shim->vfs.zName = shim->name;
	shim->base = base;
	shim->governor = g;
	shim->calls_left = CALLS_A_CHECKPOINT;
	snprintf(shim->name, sizeof(shim->name), "reeve-%p", (void *)shim);
	g->vfs = shim;
	return sqlite3_vfs_register(&shim->vfs, 0);
}

const char *reeve__sqlite_vfs_name(const struct reeve_sqlite *g)
{
	return g->vfs->name;
}

void reeve__sqlite_drop_vfs(struct reeve_sqlite *g)
{
	if (g->vfs == NULL)
		return;
	g->vfs->governor = NULL;
	if (g->vfs->extensions == 0)
		discard(g->vfs);
	g->vfs = NULL;
}
