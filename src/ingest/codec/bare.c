/* Payloads without JSON around them: a number, a word, lines of CSV. */
#include <stdio.h>

#include "ingest/codec/cell.h"
#include "ingest/codec/topic.h"
#include "ingest/number.h"
#include "ingest/timestamp.h"

#define EPOCH_DIGITS 10u /* a first cell of so many digits is a time, a shorter one a value */

static const struct value text_key = {.kind = VALUE_STRING, .plain = true};

static struct value key_of(struct text name)
{
    struct value key = text_key;
    key.text = name;
    return key;
}

/* One value: the topic's last level is its channel. */
static bool value_read(struct intake *in, const struct place *place, const struct value *value)
{
    struct place there = *place;
    struct value key = key_of(place->group);
    struct draft d;
    if (place->group.length == 0) {
        struct text path;
        if (!intake_path(in, topic_asset(place->asset), &path)) return true;
        const char *slash = memrchr(path.at, '/', path.length);
        uint32_t n = slash != NULL ? (uint32_t)(slash - path.at) : path.length;
        there.asset = (struct text){path.at, n};
        key.text = slash != NULL ? topic_behind(path, n + 1) : TEXT("value");
    }
    there.group.length = 0;
    draft_begin(&d, in, &there);
    if (!draft_put(&d, &key, value) || !draft_end(&d)) draft_drop(&d);
    return in->status == ANDON_OK;
}

/* Cells of a line. A cell in quotes may hold separators; "" in it is one quote. */
struct cells {
    const char *at, *end;
    char separator;
    bool over;
};

static struct cells cells_of(struct text line, char separator)
{
    const char *at = line.length > 0 ? line.at : "";
    return (struct cells){at, at + line.length, separator, false};
}

static bool quoted_cell(struct intake *in, struct cells *c, struct text *cell)
{
    const char *at = c->at + 1, *start = at;
    char *room = intake_room(in, (size_t)(c->end - at)), *to = room;
    if (room == NULL) return false;
    for (; at < c->end; at++) {
        if (*at == '"' && (c->end - at < 2 || at[1] != '"')) break;
        at += *at == '"';
        *to++ = *at;
    }
    in->out->room_used -= (uint32_t)(c->end - start) - (uint32_t)(to - room);
    *cell = (struct text){room, (uint32_t)(to - room)};
    if (at == c->end) return intake_refuse(in, "a quoted cell without its closing quote");
    at++;
    while (at < c->end && *at != c->separator)
        if (!pull_is_blank(*at++)) return intake_refuse(in, "characters behind a quoted cell");
    c->at = at;
    return true;
}

/* The next cell; false: there is none, or a refusal (c->over is not set). */
static bool take_cell(struct intake *in, struct cells *c, struct text *cell)
{
    if (c->over) return false;
    while (c->at < c->end && *c->at == ' ') c->at++;
    if (c->at < c->end && *c->at == '"') {
        if (!quoted_cell(in, c, cell)) return false;
    } else {
        const char *start = c->at;
        while (c->at < c->end && *c->at != c->separator) c->at++;
        *cell = text_trimmed((struct text){start, (uint32_t)(c->at - start)});
    }
    c->over = c->at == c->end;
    c->at += !c->over;
    return true;
}

static char separator_of(struct text line)
{
    if (memchr(line.at, '\t', line.length) != NULL) return '\t';
    return memchr(line.at, ';', line.length) != NULL ? ';' : ',';
}

/* Whether any cell of the line is more than a text. */
static bool has_values(struct text line, char separator)
{
    const char *at = line.at, *end = line.at + line.length;
    while (at <= end) {
        const char *stop = at < end ? memchr(at, separator, (size_t)(end - at)) : NULL;
        if (stop == NULL) stop = end;
        struct text cell = text_trimmed((struct text){at, (uint32_t)(stop - at)});
        struct value value = cell_value(cell);
        if (value.kind == VALUE_NUMBER || value.kind == VALUE_FLAG) return true;
        at = stop + 1;
    }
    return false;
}

static bool is_time(struct text cell)
{
    int64_t ts_ns;
    if (!timestamp_read(cell.at, cell.length, &ts_ns)) return false;
    if (!timestamp_is_epoch(cell.at, cell.length)) return true;
    uint32_t digits = 0;
    while (digits < cell.length && cell.at[digits] >= '0' && cell.at[digits] <= '9') digits++;
    return digits >= EPOCH_DIGITS;
}

/* A cell under a name, or c0, c1, ... */
static bool put_cell(struct draft *d, uint32_t i, const struct value *value)
{
    static const struct value time_key = {.kind = VALUE_STRING, .plain = true, .text = {"time", 4}};
    char name[16];
    int n = snprintf(name, sizeof name, "c%u", i);
    if (i == 0 && is_time(value->text)) return draft_time(d, &time_key, value, 0, 0, true);
    char *room = intake_room(d->in, (size_t)n);
    if (room == NULL) return false;
    memcpy(room, name, (size_t)n);
    struct value key = key_of((struct text){room, (uint32_t)n});
    return draft_channel(d, &key, value);
}

/* A line of cells; names: those of its columns, or an empty line. */
static bool row_fields(struct draft *d, struct text line, struct text names, char separator)
{
    struct intake *in = d->in;
    struct cells cells = cells_of(line, separator), columns = cells_of(names, separator);
    struct text cell, name;
    for (uint32_t i = 0; take_cell(in, &cells, &cell); i++) {
        struct value value = cell_value(cell);
        if (names.length == 0) {
            if (!put_cell(d, i, &value)) return false;
            continue;
        }
        if (!take_cell(in, &columns, &name))
            return intake_refuse(in, "more cells than the %u of the first line", i);
        struct value key = key_of(name);
        if (!intake_readable(name, false))
            return intake_refuse(in, "column %u: a name with control bytes", i + 1);
        if (!draft_put(d, &key, &value)) return false;
    }
    if (!cells.over) return false;
    if (names.length > 0 && !columns.over)
        return intake_refuse(in, "fewer cells than the first line has names");
    return true;
}

static bool row_read(struct intake *in, const struct place *place, struct text line,
                     struct text names, char separator)
{
    struct draft d;
    draft_begin(&d, in, place);
    if (!row_fields(&d, line, names, separator) || !draft_end(&d)) draft_drop(&d);
    return in->status == ANDON_OK;
}

/* Lines of CSV, the first one may hold the names. */
static bool rows_read(struct intake *in, const struct place *place, struct text text)
{
    struct text line = {0}, names = {0}, rest = text;
    text_line(&rest, &line);
    char separator = separator_of(line);
    if (rest.length > 0 && !has_values(line, separator)) {
        names = line;
        text = rest;
    }
    in->batch = rest.length > 0;
    while (text_line(&text, &line)) {
        line = text_trimmed(line);
        if (line.length == 0) continue;
        if (!row_read(in, place, line, names, separator)) return false;
        in->index += in->wraps == 0;
    }
    return true;
}

static bool is_rows(struct text text)
{
    struct text line = {0}, rest = text;
    text_line(&rest, &line);
    char separator = separator_of(line);
    if (memchr(line.at, separator, line.length) == NULL)
        return rest.length > 0 && has_values(rest, '\n');
    return has_values(line, separator) || (rest.length > 0 && has_values(rest, separator));
}

bool bare_read(struct intake *in, const struct place *place, struct text text)
{
    struct pull p;
    struct value value;
    pull_begin(&p, text);
    if (pull_read(&p, &value) && value.kind < VALUE_OBJECT && pull_done(&p))
        return value_read(in, place, &value);
    if (*text.at == '"') {
        char line[128];
        pull_explain(&p, line, sizeof line);
        return intake_broken(in, "JSON, %s", line);
    }
    if (!intake_readable(text, true))
        return intake_broken(in, "'%s': expected JSON, CSV, line protocol or a text in UTF-8",
                             SHOW(text));
    value = cell_value(text);
    if (value.kind != VALUE_STRING) return value_read(in, place, &value);
    if (line_looks(text)) return line_read(in, place, text, 0);
    if (is_rows(text)) return rows_read(in, place, text);
    return value_read(in, place, &value);
}
