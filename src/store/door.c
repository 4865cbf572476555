/* reader_sql. The limits stand on the connection; whoever asks too much is stopped by the authorizer
 * before the query runs, or by the clock while it runs. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/door.h"

#define TIMEOUT_NS (INT64_C(5) * 1000000000)
#define ROWS_MAX UINT64_C(1000000)
#define BYTES_MAX UINT64_C(1048576)
enum { COLUMNS_MAX = 256, PROGRESS_STEPS = 500, NUMBER_ROOM = 32 };

static const char *const tables[] = {"readings", "verdicts", "assets", "deadletters", "rollups"};

/* Functions that take bounded time and touch no file. LIKE stands for the operator too. */
static const char *const functions[] = {
    "abs", "avg", "ceil", "ceiling", "char", "coalesce", "count", "cume_dist", "date", "datetime",
    "dense_rank", "exp", "first_value", "floor", "format", "glob", "group_concat", "hex", "ifnull",
    "iif", "json_extract", "->", "->>", "julianday", "lag", "last_value", "lead", "length", "like",
    "likely", "ln", "log", "log10", "log2", "lower", "max", "min", "mod", "nth_value", "ntile",
    "nullif", "percent_rank", "pow", "power", "printf", "quote", "rank", "round", "row_number",
    "sign", "sqrt", "strftime", "substr", "substring", "sum", "time", "total", "trunc", "typeof",
    "unicode", "unixepoch", "unlikely", "upper"};

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; name != NULL && i < count; i++)
        if (sqlite3_stricmp(name, list[i]) == 0) return true;
    return false;
}

static int deny(struct door *d, const char *what, const char *name)
{
    if (d->denied[0] == 0)
        snprintf(d->denied, sizeof d->denied, "%s%s%s", what, name != NULL ? " " : "",
                 name != NULL ? name : "");
    return SQLITE_DENY;
}

/* Tables that every SQLite has. Where a query takes no column of a table, its schema is not told, and
 * the name may as well be one that the query made itself (WITH ... AS). */
static bool is_builtin(const char *name)
{
    static const char *const builtin[] = {"dbstat", "json_each", "json_tree", "fts3tokenize",
                                          "generate_series", "completion", "bytecode", "tables_used"};
    return name != NULL && (sqlite3_strnicmp(name, "sqlite_", 7) == 0 ||
                            sqlite3_strnicmp(name, "pragma_", 7) == 0 ||
                            is_one_of(name, builtin, sizeof builtin / sizeof *builtin));
}

static int may(void *context, int action, const char *a, const char *b, const char *schema,
               const char *trigger)
{
    struct door *d = context;
    (void)trigger;
    if (d->connecting) return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_READ:
        if (is_one_of(a, tables, sizeof tables / sizeof *tables)) return SQLITE_OK;
        if (schema == NULL && !is_builtin(a)) return SQLITE_OK;
        return deny(d, "table", a);
    case SQLITE_FUNCTION:
        if (is_one_of(b, functions, sizeof functions / sizeof *functions)) return SQLITE_OK;
        return deny(d, "function", b);
    case SQLITE_ATTACH: return deny(d, "ATTACH", NULL);
    case SQLITE_PRAGMA: return deny(d, "PRAGMA", NULL);
    default: return deny(d, "anything but SELECT", NULL);
    }
}

bool door_is_late(struct door *d)
{
    if (!d->late) d->late = clock_steady_ns() >= d->until_ns;
    return d->late;
}

static int keep_time(void *context)
{
    return door_is_late(context);
}

int door_connect(sqlite3 *db, struct door *door, const char *columns, sqlite3_vtab **table)
{
    struct door_table *t = sqlite3_malloc64(sizeof *t);
    if (t == NULL) return SQLITE_NOMEM;
    *t = (struct door_table){.door = door};
    door->connecting = true;
    int code = sqlite3_declare_vtab(db, columns);
    door->connecting = false;
    if (code != SQLITE_OK) {
        sqlite3_free(t);
        return code;
    }
    *table = &t->base;
    return SQLITE_OK;
}

int door_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

int door_fail(struct door *d, andon_status st, const andon_error *err)
{
    if (d->why.text[0] == 0) d->why = *err;
    return st == ANDON_ENOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
}

/* Text and blobs stand above all numbers in SQLite's order, NULL compares with nothing: for those no
 * bound is set and SQLite decides. */
void door_bound_low(sqlite3_value *value, bool beyond, int64_t *from)
{
    int64_t low = INT64_MIN;
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        low = sqlite3_value_int64(value);
        if (beyond && low < INT64_MAX) low++;
    } else if (sqlite3_value_type(value) == SQLITE_FLOAT) {
        double v = floor(sqlite3_value_double(value));
        if (v > -9e18 && v < 9e18) low = (int64_t)v;
    }
    if (low > *from) *from = low;
}

void door_bound_high(sqlite3_value *value, bool beyond, int64_t *to)
{
    int64_t high = INT64_MAX;
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        high = sqlite3_value_int64(value);
        if (!beyond && high < INT64_MAX) high++;
    } else if (sqlite3_value_type(value) == SQLITE_FLOAT) {
        double v = ceil(sqlite3_value_double(value)) + 1.0;
        if (v > -9e18 && v < 9e18) high = (int64_t)v;
    }
    if (high < *to) *to = high;
}

/* ---- the connection ---- */

static int limited(uint64_t bytes)
{
    return bytes < 1000000000 ? (int)bytes : 1000000000;
}

static void set_limits(sqlite3 *db, uint64_t bytes_max)
{
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, limited(bytes_max));
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, limited(bytes_max));
    sqlite3_limit(db, SQLITE_LIMIT_COLUMN, COLUMNS_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
    sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 20);
    sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, 50000);
    sqlite3_limit(db, SQLITE_LIMIT_FUNCTION_ARG, 32);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100);
    sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, 0);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 0);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
}

static andon_status open_door(struct door *d, uint64_t bytes_max, andon_error *err)
{
    static const sqlite3_module *const modules[] = {&door_readings, &door_verdicts, &door_assets,
                                                    &door_deadletters, &door_rollups};
    int code = sqlite3_open_v2(":memory:", &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                                       SQLITE_OPEN_PRIVATECACHE, NULL);
    if (code != SQLITE_OK) return andon_fail(err, ANDON_ENOMEM, "no memory for a query");
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (sqlite3_create_module(d->db, tables[i], modules[i], d) != SQLITE_OK)
            return andon_fail(err, ANDON_ENOMEM, "no memory for a query");
    if (sql_run(d->db, "PRAGMA query_only=ON;PRAGMA trusted_schema=OFF", err) != ANDON_OK)
        return ANDON_ENOMEM;
    sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(d->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    set_limits(d->db, bytes_max);
    sqlite3_set_authorizer(d->db, may, d);
    sqlite3_progress_handler(d->db, PROGRESS_STEPS, keep_time, d);
    return ANDON_OK;
}

static andon_status refuse(const struct door *d, int code, andon_error *err)
{
    if (d->late) return andon_fail(err, ANDON_ELIMIT, "the query took too long");
    if (d->denied[0] != 0)
        return andon_fail(err, ANDON_EINVAL, "not allowed: %s", d->denied);
    if (d->why.text[0] != 0) return andon_fail(err, ANDON_EIO, "%s", d->why.text);
    if (code == SQLITE_NOMEM) return andon_fail(err, ANDON_ENOMEM, "no memory for the query");
    if (code == SQLITE_TOOBIG)
        return andon_fail(err, ANDON_ELIMIT, "a value or the query is too long");
    return andon_fail(err, ANDON_EINVAL, "%s", sqlite3_errmsg(d->db));
}

/* One SELECT and nothing behind it. */
static andon_status prepare(struct door *d, const char *query, sqlite3_stmt **statement,
                            andon_error *err)
{
    const char *rest = "";
    int code = sqlite3_prepare_v2(d->db, query, -1, statement, &rest);
    if (code != SQLITE_OK) return refuse(d, code, err);
    if (*statement == NULL) return andon_fail(err, ANDON_EINVAL, "found no query, expected SELECT");
    while (isspace((unsigned char)*rest) || *rest == ';') rest++;
    if (*rest != 0)
        return andon_fail(err, ANDON_EINVAL, "found more behind the query, expected one SELECT");
    if (!sqlite3_stmt_readonly(*statement) || sqlite3_stmt_isexplain(*statement) != 0 ||
        sqlite3_column_count(*statement) == 0)
        return andon_fail(err, ANDON_EINVAL, "not allowed: anything but SELECT");
    if (sqlite3_column_count(*statement) > COLUMNS_MAX)
        return andon_fail(err, ANDON_ELIMIT, "more than %d columns", COLUMNS_MAX);
    return ANDON_OK;
}

/* ---- the answer ---- */

struct answer {
    const char *name[COLUMNS_MAX], *value[COLUMNS_MAX];
    uint8_t is_text[COLUMNS_MAX];
    char number[COLUMNS_MAX][NUMBER_ROOM];
};

/* The fewest digits that read back as the same double; always with a point, as it is no whole number. */
static const char *write_double(char *out, double v)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, NUMBER_ROOM, "%.*g", digits, v);
        if (strtod(out, NULL) == v) break;
    }
    if (isfinite(v) && strpbrk(out, ".eE") == NULL) strcat(out, ".0");
    return out;
}

static void take_row(sqlite3_stmt *statement, int columns, struct answer *a)
{
    for (int c = 0; c < columns; c++) {
        int type = sqlite3_column_type(statement, c);
        a->is_text[c] = type == SQLITE_TEXT || type == SQLITE_BLOB;
        if (type == SQLITE_NULL) a->value[c] = NULL;
        else if (type == SQLITE_FLOAT)
            a->value[c] = write_double(a->number[c], sqlite3_column_double(statement, c));
        else a->value[c] = (const char *)sqlite3_column_text(statement, c);
    }
}

static andon_status run(struct door *d, sqlite3_stmt *statement, uint64_t rows_max,
                        bool (*each)(void *context, uint32_t columns, const char *const *name,
                                     const char *const *value, const uint8_t *is_text),
                        void *context, andon_error *err)
{
    struct answer *a = calloc(1, sizeof *a);
    if (a == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a query");
    int columns = sqlite3_column_count(statement), code = SQLITE_DONE;
    uint64_t rows = 0;
    for (int c = 0; c < columns; c++) {
        a->name[c] = sqlite3_column_name(statement, c);
        if (a->name[c] == NULL) a->name[c] = "";
    }
    andon_status st = ANDON_OK;
    bool go_on = each(context, (uint32_t)columns, a->name, NULL, a->is_text);
    while (go_on && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (++rows > rows_max) {
            st = andon_fail(err, ANDON_ELIMIT, "more than %llu rows", (unsigned long long)rows_max);
            break;
        }
        take_row(statement, columns, a);
        go_on = each(context, (uint32_t)columns, a->name, a->value, a->is_text);
    }
    if (st == ANDON_OK && go_on && code != SQLITE_DONE) st = refuse(d, code, err);
    free(a);
    return st;
}

andon_status reader_sql(struct reader *r, const char *query, const struct reader_sql_limits *limits,
                        bool (*each)(void *context, uint32_t columns, const char *const *name,
                                     const char *const *value, const uint8_t *is_text),
                        void *context, andon_error *err)
{
    struct reader_sql_limits l = limits != NULL ? *limits : (struct reader_sql_limits){0};
    struct door d = {.reader = r};
    sqlite3_stmt *statement = NULL;
    if (l.timeout_ns == 0) l.timeout_ns = TIMEOUT_NS;
    if (l.rows_max == 0) l.rows_max = ROWS_MAX;
    if (l.bytes_max == 0) l.bytes_max = BYTES_MAX;
    d.until_ns = clock_steady_ns() + l.timeout_ns;
    andon_status st = view_enter(r, err);
    if (st != ANDON_OK) return st;
    st = open_door(&d, l.bytes_max, err);
    if (st == ANDON_OK) st = prepare(&d, query, &statement, err);
    if (st == ANDON_OK) st = run(&d, statement, l.rows_max, each, context, err);
    sqlite3_finalize(statement);
    sqlite3_close(d.db);
    view_leave(r);
    return st;
}
