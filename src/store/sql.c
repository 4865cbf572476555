/* See sql.h. */
#include "store/sql.h"

andon_status sql_fail(sqlite3 *db, const char *what, andon_error *err)
{
    int code = sqlite3_errcode(db);
    andon_status st = ANDON_EIO;
    if (code == SQLITE_NOMEM) st = ANDON_ENOMEM;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) st = ANDON_EFORMAT;
    return andon_fail(err, st, "%s: %s", what, sqlite3_errmsg(db));
}

andon_status sql_run(sqlite3 *db, const char *script, andon_error *err)
{
    if (sqlite3_exec(db, script, NULL, NULL, NULL) == SQLITE_OK) return ANDON_OK;
    return sql_fail(db, "the store", err);
}

andon_status sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **statement, andon_error *err)
{
    if (sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) == SQLITE_OK)
        return ANDON_OK;
    return sql_fail(db, "the store", err);
}

andon_status sql_do(sqlite3 *db, sqlite3_stmt *statement, andon_error *err)
{
    int code = sqlite3_step(statement);
    andon_status st = ANDON_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW) st = sql_fail(db, "the store", err);
    sqlite3_reset(statement);
    return st;
}

struct text sql_text(sqlite3_stmt *statement, int column)
{
    const char *at = (const char *)sqlite3_column_text(statement, column);
    return (struct text){at != NULL ? at : "", (uint32_t)sqlite3_column_bytes(statement, column)};
}
