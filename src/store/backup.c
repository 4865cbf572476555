/* A copy of the store while it is written. The reader holds its snapshot for as long as the copy takes,
 * so the copy never has to begin anew and the writer never waits; only the WAL grows meanwhile. */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/disk.h"
#include "store/view.h"

enum { STEP_PAGES = 256 };

static andon_status copy_pages(sqlite3 *from, sqlite3 *to, const char *path,
                               void (*progress)(void *context, double part), void *context,
                               andon_error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (backup == NULL) return sql_fail(to, path, err);
    int code;
    while ((code = sqlite3_backup_step(backup, STEP_PAGES)) == SQLITE_OK)
        if (progress != NULL)
            progress(context, 1.0 - (double)sqlite3_backup_remaining(backup) /
                                        (double)sqlite3_backup_pagecount(backup));
    sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE) return ANDON_OK;
    return andon_fail(err, code == SQLITE_NOMEM ? ANDON_ENOMEM : ANDON_EIO, "%s: %s", path,
                      sqlite3_errstr(code));
}

/* The copy as one file that needs no WAL beside it. */
static andon_status write_copy(struct reader *r, const char *path,
                               void (*progress)(void *context, double part), void *context,
                               andon_error *err)
{
    sqlite3 *to = NULL;
    unlink(path);
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                              SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
    if (to == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory", path);
    andon_status st = ANDON_OK;
    if (code != SQLITE_OK)
        st = andon_fail(err, ANDON_EIO, "%s: %s", path, sqlite3_errmsg(to));
    if (st == ANDON_OK) st = sql_run(to, "PRAGMA synchronous=OFF", err);
    if (st == ANDON_OK) st = copy_pages(r->db, to, path, progress, context, err);
    if (st == ANDON_OK) st = sql_run(to, "PRAGMA journal_mode=DELETE", err);
    sqlite3_close(to);
    return st;
}

static andon_status make_durable(const char *path, andon_error *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return andon_fail(err, ANDON_EIO, "%s: cannot open the copy", path);
    andon_status st = disk_sync(fd, path, err);
    close(fd);
    return st;
}

static andon_status give_name(char *temporary, const char *to, andon_error *err)
{
    if (rename(temporary, to) != 0)
        return andon_fail(err, ANDON_EIO, "%s: cannot be renamed to", to);
    return disk_sync_directory(dirname(temporary), err); /* which cuts the name off */
}

andon_status reader_backup(struct reader *r, const char *to,
                           void (*progress)(void *context, double part), void *context,
                           andon_error *err)
{
    size_t room = strlen(to) + 8;
    char *temporary = malloc(room);
    if (temporary == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a backup");
    snprintf(temporary, room, "%s.tmp", to);
    andon_status st = view_enter(r, err);
    if (st == ANDON_OK) {
        st = write_copy(r, temporary, progress, context, err);
        view_leave(r);
        if (st == ANDON_OK) st = make_durable(temporary, err);
        if (st == ANDON_OK) st = give_name(temporary, to, err);
        else unlink(temporary);
    }
    free(temporary);
    return st;
}
