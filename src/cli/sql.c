/* andon sql: one read-only question to the store, whether andon serves from it or not. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "store/reader.h"

#define NS_PER_S INT64_C(1000000000)

struct sql_options {
    const char *query, *dir;
    uint64_t seconds, rows;
    bool json, csv;
};

#define AT(field) offsetof(struct sql_options, field)
static const struct argument arguments[] = {
    {"QUERY", ARGUMENT_PLACE, AT(query), NULL, "a SELECT", true},
    {"--dir", ARGUMENT_TEXT, AT(dir), "DIR", "of andon serve (default andon-data)", false},
    {"--timeout", ARGUMENT_COUNT, AT(seconds), "S", "seconds that it may take (default 60)", false},
    {"--rows", ARGUMENT_COUNT, AT(rows), "N", "rows at most (default 10,000,000)", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "an object a line", false},
    {"--csv", ARGUMENT_FLAG, AT(csv), NULL, "CSV with a header (default: columns behind tabs)", false},
    {0}};

static const struct command_line line = {
    "sql", "QUERY [OPTIONS]", "Asks the store; nothing can be written.",
    "Tables: readings(asset, channel, ts, value, quality), verdicts(asset, ts, score, p_value, state,\n"
    "reason, is_anomaly, channel, share, model, version), assets, deadletters, rollups. Times are\n"
    "nanoseconds since 1970 UTC. A question about one asset and a range of time is quick.\n",
    arguments};

struct printing {
    bool json, csv;
};

static void print_object(uint32_t columns, const char *const *name, const char *const *value,
                         const uint8_t *is_text)
{
    struct json j;
    json_growing(&j, (size_t)64 << 20);
    json_open(&j, NULL, '{');
    for (uint32_t i = 0; i < columns; i++) {
        if (value[i] == NULL) json_none(&j, name[i]);
        else if (is_text[i]) json_cstring(&j, name[i], value[i]);
        else json_raw(&j, name[i], text_of(value[i]));
    }
    json_close(&j, '}');
    if (!j.failed) printf("%.*s\n", (int)j.used, j.at);
    json_free(&j);
}

/* A cell of CSV: quoted when it holds what would part cells or lines. */
static void print_cell(const struct printing *p, const char *cell)
{
    if (cell == NULL) return;
    if (!p->csv || strpbrk(cell, ",\"\r\n") == NULL) {
        fputs(cell, stdout);
        return;
    }
    putchar('"');
    for (; *cell != 0; cell++) {
        if (*cell == '"') putchar('"');
        putchar(*cell);
    }
    putchar('"');
}

static bool print_row(void *context, uint32_t columns, const char *const *name,
                      const char *const *value, const uint8_t *is_text)
{
    struct printing *p = context;
    if (p->json) {
        if (value != NULL) print_object(columns, name, value, is_text);
    } else {
        for (uint32_t i = 0; i < columns; i++) {
            if (i > 0) putchar(p->csv ? ',' : '\t');
            print_cell(p, value != NULL ? value[i] : name[i]);
        }
        putchar('\n');
    }
    return ferror(stdout) == 0;
}

int sql_main(int argc, char **argv)
{
    struct sql_options o = {.dir = "andon-data", .seconds = 60, .rows = 10000000};
    struct printing p;
    struct reader *reader = NULL;
    andon_error err = {{0}};
    char path[4096];
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &o);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    p.json = o.json;
    p.csv = o.csv;
    const struct reader_sql_limits limits = {.timeout_ns = (int64_t)o.seconds * NS_PER_S,
                                             .rows_max = o.rows, .bytes_max = 0};
    snprintf(path, sizeof path, "%s/andon.db", o.dir);
    andon_status st = reader_open(path, &reader, &err);
    if (st == ANDON_OK) st = reader_sql(reader, o.query, &limits, print_row, &p, &err);
    reader_close(reader);
    return cli_end("sql", st, &err);
}
