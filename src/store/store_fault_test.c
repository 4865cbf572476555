/* Writes, syncs and allocations that fail, each in turn. SQLite writes through a file system of our own,
 * that says no when it is told to; allocations pass through functions of our own. */
#include <sqlite3.h>
#include <stdatomic.h>

#include "store_case.h"

static char path[128];
static andon_error err;

/* ---- a file system that fails ---- */

static struct {
    atomic_uint_fast64_t done, at; /* operations; the one that fails, and those behind it */
    atomic_int error;
} fault;

static int fail_now(void)
{
    uint64_t here = atomic_fetch_add(&fault.done, 1) + 1, at = atomic_load(&fault.at);
    return at != 0 && here >= at ? atomic_load(&fault.error) : SQLITE_OK;
}

struct file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

static int file_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read(sqlite3_file *f, void *to, int size, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), to, size, at);
}

static int file_write(sqlite3_file *f, const void *from, int size, sqlite3_int64 at)
{
    int no = fail_now();
    if (no != 0) {
        (void)real_of(f)->pMethods->xWrite(real_of(f), from, size / 2, at); /* half of it is there */
        return no;
    }
    return real_of(f)->pMethods->xWrite(real_of(f), from, size, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int file_sync(sqlite3_file *f, int flags)
{
    int no = fail_now();
    return no != 0 ? no : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int file_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_reserved(sqlite3_file *f, int *is)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), is);
}

static int file_control(sqlite3_file *f, int op, void *argument)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, argument);
}

static int file_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **at)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, at);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, .xClose = file_close, .xRead = file_read, .xWrite = file_write,
    .xTruncate = file_truncate, .xSync = file_sync, .xFileSize = file_size, .xLock = file_lock,
    .xUnlock = file_unlock, .xCheckReservedLock = file_reserved, .xFileControl = file_control,
    .xSectorSize = file_sector, .xDeviceCharacteristics = file_traits, .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock, .xShmBarrier = file_shm_barrier, .xShmUnmap = file_shm_unmap};

static sqlite3_vfs *system_vfs, failing_vfs;

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct file *file = (struct file *)f;
    (void)vfs;
    file->real = (sqlite3_file *)(void *)(file + 1);
    int code = system_vfs->xOpen(system_vfs, name, file->real, flags, out);
    file->base.pMethods = code == SQLITE_OK ? &methods : NULL;
    return code;
}

static void install_vfs(void)
{
    if (system_vfs != NULL) return;
    system_vfs = sqlite3_vfs_find(NULL);
    failing_vfs = *system_vfs;
    failing_vfs.zName = "failing";
    failing_vfs.szOsFile = (int)sizeof(struct file) + system_vfs->szOsFile;
    failing_vfs.xOpen = open_file;
    sqlite3_vfs_register(&failing_vfs, 1);
}

/* ---- what must hold ---- */

static const struct store_case plan = {.seed = 31, .assets = 5, .rows = 100, .late = true,
                                       .judged = true, .step_ns = INT64_C(10000000000)};
enum { BEFORE = 12, TURNS = 15 }; /* turns before the faults, and in all */

static struct store_options options_of(void)
{
    return (struct store_options){.path = path, .hot_age_ns = INT64_C(3000000000000), .durable = true};
}

static bool all_there(struct store_case *c, uint64_t turns)
{
    struct reader *r;
    bool good = reader_open(path, &r, &err) == ANDON_OK;
    for (uint32_t a = 0; a < c->assets && good; a++) good = case_holds(c, r, a, turns);
    reader_close(r);
    return good;
}

/* Turns [BEFORE, TURNS), each tried until it works: the first failure is where the fault is. *failed:
 * whether there was one. */
static bool write_with_fault(struct store_case *c, struct store *s, uint64_t nth, int error,
                             bool *failed)
{
    *failed = false;
    fault.error = error;
    fault.at = fault.done + nth;
    for (uint64_t t = BEFORE; t < TURNS; t++) {
        andon_status st = case_write(c, s, t, &err);
        if (st == ANDON_OK) continue;
        if (err.text[0] == 0 || store_offset(s) != t) return false;
        *failed = true;
        store_roll_back(s);
        st = case_write(c, s, t, &err); /* still broken, or broken by now: no harm */
        if (st != ANDON_OK) store_roll_back(s);
        fault.at = 0;
        if (st != ANDON_OK) st = case_write(c, s, t, &err);
        if (st != ANDON_OK) return false;
    }
    fault.at = 0;
    return true;
}

TEST(a_turn_that_could_not_be_written_works_when_it_is_tried_again)
{
    install_vfs();
    const int errors[] = {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC};
    for (int kind = 0; kind < 3; kind++) {
        bool failed = true;
        for (uint64_t nth = 1; failed; nth += 1 + nth / 5) {
            struct store_case c = plan;
            struct store_options o = options_of();
            const char *dir = case_dir();
            struct store *s;
            snprintf(path, sizeof path, "%s/andon.db", dir);
            CHECK(store_open(&o, &s, &err) == ANDON_OK);
            for (uint64_t t = 0; t < BEFORE; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
            CHECK_SAY(write_with_fault(&c, s, nth, errors[kind], &failed), "operation %llu: %s",
                      (unsigned long long)nth, err.text);
            CHECK(all_there(&c, TURNS));
            store_close(s);
            CHECK_SAY(all_there(&c, TURNS), "operation %llu, opened again", (unsigned long long)nth);
            case_remove(dir);
            CHECK(nth < 100000);
        }
    }
}

TEST(a_store_that_could_not_be_written_is_whole_when_it_is_opened_again)
{
    install_vfs();
    bool failed = true;
    for (uint64_t nth = 1; failed; nth += 1 + nth / 5) {
        struct store_case c = plan;
        struct store_options o = options_of();
        const char *dir = case_dir();
        struct store *s;
        uint64_t turns = BEFORE;
        failed = false;
        snprintf(path, sizeof path, "%s/andon.db", dir);
        CHECK(store_open(&o, &s, &err) == ANDON_OK);
        for (uint64_t t = 0; t < BEFORE; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
        fault.error = SQLITE_IOERR_WRITE;
        fault.at = fault.done + nth;
        for (uint64_t t = BEFORE; t < TURNS && !failed; t++) {
            failed = case_write(&c, s, t, &err) != ANDON_OK;
            turns += !failed;
        }
        store_close(s); /* rolls back; nothing more can be written */
        fault.at = 0;
        CHECK(store_open(&o, &s, &err) == ANDON_OK);
        /* A commit whose sync failed may be there all the same: the offset says so. */
        CHECK_SAY(store_offset(s) == turns || (failed && store_offset(s) == turns + 1),
                  "operation %llu", (unsigned long long)nth);
        turns = store_offset(s);
        CHECK_SAY(all_there(&c, turns), "operation %llu", (unsigned long long)nth);
        for (uint64_t t = turns; t < TURNS; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
        CHECK_SAY(all_there(&c, TURNS), "operation %llu", (unsigned long long)nth);
        store_close(s);
        case_remove(dir);
    }
}

TEST(a_store_that_cannot_be_created_says_why)
{
    install_vfs();
    for (uint64_t nth = 1; nth < 12; nth++) {
        struct store_options o = options_of();
        const char *dir = case_dir();
        struct store *s = NULL;
        snprintf(path, sizeof path, "%s/andon.db", dir);
        fault.error = SQLITE_FULL;
        fault.at = fault.done + nth;
        andon_status st = store_open(&o, &s, &err);
        fault.at = 0;
        if (st == ANDON_OK) store_close(s);
        else {
            CHECK(s == NULL && strstr(err.text, path) != NULL);
            CHECK_SAY(store_open(&o, &s, &err) == ANDON_OK, "after operation %llu: %s",
                      (unsigned long long)nth, err.text);
            store_close(s);
        }
        case_remove(dir);
    }
}
