/* Numbers of assets, channels and models are 1, 2, ... in order of first use. */
#include <stdbool.h>
#include <stdio.h>

#include "store/schema.h"

static const char tables[] =
    /* One row: what the last turn left. */
    "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), journal_offset INTEGER NOT NULL,"
    " checkpoint_offset INTEGER NOT NULL, now_ns INTEGER NOT NULL, turns INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, samples INTEGER NOT NULL, chunks INTEGER NOT NULL,"
    " dead INTEGER NOT NULL, raw_floor_ns INTEGER NOT NULL, full_minutes INTEGER NOT NULL);"
    "INSERT INTO state VALUES(1, 0, 0, 0, 0, 0, 0, 0, 0, -9223372036854775808, 1);"
    "CREATE TABLE asset(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,"
    " sealed INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,"
    " first_ns INTEGER, last_ns INTEGER, main_ns INTEGER, span_ns INTEGER NOT NULL DEFAULT 0,"
    " open_chunk INTEGER NOT NULL DEFAULT 0, open_rows INTEGER NOT NULL DEFAULT 0,"
    " verdict_ns INTEGER, verdict BLOB);"
    "CREATE TABLE description(asset INTEGER PRIMARY KEY, json TEXT NOT NULL);"
    "CREATE TABLE channel(id INTEGER PRIMARY KEY, asset INTEGER NOT NULL, name TEXT NOT NULL,"
    " kind INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX channel_asset ON channel(asset, name);"
    "CREATE INDEX channel_name ON channel(name);"
    "CREATE TABLE model(id INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL);"
    /* Chunks stand in order of arrival, so their pages fill up; `reach` finds those of an asset. */
    "CREATE TABLE chunk(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "CREATE TABLE reach(asset INTEGER NOT NULL, t_max INTEGER NOT NULL, chunk INTEGER NOT NULL,"
    " t_min INTEGER NOT NULL, rows INTEGER NOT NULL, late INTEGER NOT NULL,"
    " PRIMARY KEY(asset, t_max, chunk)) WITHOUT ROWID;"
    "CREATE TABLE hot(id INTEGER PRIMARY KEY, level INTEGER NOT NULL, at_ns INTEGER NOT NULL,"
    " bytes BLOB NOT NULL);"
    "CREATE TABLE dead(id INTEGER PRIMARY KEY, received_ns INTEGER NOT NULL,"
    " replayed_ns INTEGER NOT NULL DEFAULT 0, journal_offset INTEGER NOT NULL,"
    " element INTEGER NOT NULL, door TEXT NOT NULL, client TEXT NOT NULL, topic TEXT NOT NULL,"
    " reason TEXT NOT NULL, payload BLOB NOT NULL);"
    "CREATE TABLE kept(name TEXT PRIMARY KEY, bytes BLOB NOT NULL);"
    /* Rollups: the buckets of a span. Days that are to be rolled up: mode 0 from what is there, 1 added
     * to what had been rolled up before it was dropped. */
    "CREATE TABLE rollup(id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, tier INTEGER NOT NULL,"
    " span INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE UNIQUE INDEX rollup_span ON rollup(channel, tier, span);"
    "CREATE TABLE unrolled(asset INTEGER NOT NULL, day INTEGER NOT NULL, mode INTEGER NOT NULL,"
    " since_ns INTEGER NOT NULL, PRIMARY KEY(asset, day)) WITHOUT ROWID;";

static andon_status number(sqlite3 *db, const char *query, int64_t *value, andon_error *err)
{
    sqlite3_stmt *statement = NULL;
    andon_status st = sql_prepare(db, query, &statement, err);
    if (st != ANDON_OK) return st;
    if (sqlite3_step(statement) == SQLITE_ROW) *value = sqlite3_column_int64(statement, 0);
    else st = sql_fail(db, "the store", err);
    sqlite3_finalize(statement);
    return st;
}

andon_status schema_check(sqlite3 *db, const char *path, bool *is_new, andon_error *err)
{
    int64_t application = 0, version = 0, objects = 0;
    andon_status st = number(db, "PRAGMA application_id", &application, err);
    if (st == ANDON_OK) st = number(db, "PRAGMA user_version", &version, err);
    if (st == ANDON_OK) st = number(db, "SELECT count(*) FROM sqlite_master", &objects, err);
    if (st != ANDON_OK) return st;
    *is_new = application == 0 && version == 0 && objects == 0;
    if (*is_new) return ANDON_OK;
    if (application != SCHEMA_APPLICATION)
        return andon_fail(err, ANDON_EFORMAT, "%s: found another program's database, expected "
                                              "andon's store", path);
    if (version != SCHEMA_VERSION)
        return andon_fail(err, ANDON_EFORMAT, "%s: found a store of format %lld, expected %d", path,
                          (long long)version, SCHEMA_VERSION);
    return ANDON_OK;
}

andon_status schema_create(sqlite3 *db, andon_error *err)
{
    char pragmas[96];
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id=%d;PRAGMA user_version=%d;COMMIT",
             SCHEMA_APPLICATION, SCHEMA_VERSION);
    andon_status st = sql_run(db, "BEGIN IMMEDIATE", err);
    if (st == ANDON_OK) st = sql_run(db, tables, err);
    if (st == ANDON_OK) st = sql_run(db, pragmas, err);
    if (st != ANDON_OK) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}
