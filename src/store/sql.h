/* The few calls to SQLite that the store makes again and again. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>

#include "andon/status.h"
#include "base/text.h"

/* sql_fail says what SQLite has against it: ANDON_ENOMEM, ANDON_EFORMAT (damaged, or no database),
 * else ANDON_EIO. */
andon_status sql_fail(sqlite3 *db, const char *what, andon_error *err);

ANDON_MUST_CHECK andon_status sql_run(sqlite3 *db, const char *script, andon_error *err);

/* sql_prepare makes a statement that is used again and again. */
ANDON_MUST_CHECK andon_status sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **statement,
                                          andon_error *err);

/* sql_do runs a statement that gives no rows, and makes it ready for the next time. */
ANDON_MUST_CHECK andon_status sql_do(sqlite3 *db, sqlite3_stmt *statement, andon_error *err);

/* sql_text borrows the column's text until the statement goes on. */
struct text sql_text(sqlite3_stmt *statement, int column);

static inline void sql_bind_text(sqlite3_stmt *statement, int place, struct text text)
{
    sqlite3_bind_text(statement, place, text.length > 0 ? text.at : "", (int)text.length,
                      SQLITE_STATIC);
}

static inline void sql_bind_blob(sqlite3_stmt *statement, int place, const void *bytes, size_t size)
{
    sqlite3_bind_blob64(statement, place, size > 0 ? bytes : "", size, SQLITE_STATIC);
}

#endif
