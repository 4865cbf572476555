/* The SQL door as its own files see it: a database in memory that holds nothing but virtual tables over
 * a reader. What is not one of them does not exist there, so no query can reach the store's own tables
 * or any file. Owned by the thread of the query. */
#ifndef STORE_DOOR_H
#define STORE_DOOR_H

#include "store/view.h"

struct door {
    sqlite3 *db;
    struct reader *reader;
    int64_t until_ns;   /* of clock_steady_ns */
    bool late;          /* the time was over */
    bool connecting;    /* SQLite makes a table known: the authorizer lets it pass */
    bool collecting;    /* ... or has begun to run: nothing is prepared any more   */
    char denied[96];    /* what the authorizer had against the query */
    andon_error why;    /* what the reader had against it            */
};

/* door_is_late tells whether the query's time is over. */
bool door_is_late(struct door *door);

/* The modules: door_rows.c, door_lists.c. */
extern const struct sqlite3_module door_readings, door_verdicts, door_assets, door_deadletters,
    door_rollups;

/* door_connect declares a virtual table's columns. *table is made with room for `size` bytes, of which
 * the first are the sqlite3_vtab. */
struct door_table {
    sqlite3_vtab base;
    struct door *door;
};
int door_connect(sqlite3 *db, struct door *door, const char *columns, sqlite3_vtab **table);
int door_disconnect(sqlite3_vtab *table);

/* door_fail turns the reader's error into SQLite's. */
int door_fail(struct door *door, andon_status st, const andon_error *err);

/* What a query wants of a column that holds times: conservative bounds, as SQLite looks once more. */
void door_bound_low(sqlite3_value *value, bool beyond, int64_t *from);
void door_bound_high(sqlite3_value *value, bool beyond, int64_t *to);

static inline void door_result_text(sqlite3_context *context, struct text text)
{
    sqlite3_result_text(context, text.at, (int)text.length, SQLITE_TRANSIENT);
}

#endif
