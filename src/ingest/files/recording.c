/* All columns are read as words: what a cell is, the cell itself says. */
#include "ingest/files/recording.h"

#include <stdlib.h>
#include <strings.h>

#include "ingest/number.h"
#include "ingest/timestamp.h"

enum { TIME_ROOM = 96 };

struct recording {
    const struct recording_request *request;
    struct csv *csv;
    uint32_t columns;  /* of values             */
    const char **name; /* name[columns]         */
    bool timed;        /* word[0] is the time   */
    struct csv_batch batch;
    const struct csv_cell *cell; /* cell[columns] of the present row */
    int64_t ts_ns;
    char time[TIME_ROOM]; /* as it is written      */
    bool time_is_number;
    uint64_t rows, untimed, untimed_line;
};

static bool named_like_a_time(const char *name)
{
    static const char *const names[] = {"time",      "timestamp", "datetime", "date", "ts",
                                        "date_time", "date time", "ts_utc",   "utc",  "_time"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0) return true;
    return false;
}

/* Puts a cell's time into r: whole, or a time of day behind the file's date. */
static bool take_time(struct recording *r, const char *text, uint32_t length)
{
    const char *date = r->request->date;
    int n = snprintf(r->time, sizeof r->time, "%.*s", (int)length, text);
    if (n < 0 || (size_t)n >= sizeof r->time || length == 0) return false;
    r->time_is_number = timestamp_is_epoch(text, length);
    if (timestamp_read(text, length, &r->ts_ns)) return true;
    if (date == NULL || length < 4) return false;
    bool short_hour = text[1] == ':'; /* 6:30:00 */
    n = snprintf(r->time, sizeof r->time, "%.10sT%s%.*s", date, short_hour ? "0" : "", (int)length,
                 text);
    r->time_is_number = false;
    return n > 0 && (size_t)n < sizeof r->time && timestamp_read(r->time, (size_t)n, &r->ts_ns);
}

static uint32_t find_time(struct recording *r)
{
    char text[64];
    const char *wanted = r->request->time;
    if (wanted != NULL) return csv_find(r->csv, wanted);
    for (uint32_t i = 0; i < csv_columns(r->csv); i++)
        if (named_like_a_time(csv_name(r->csv, i)) && csv_sample(r->csv, i, text, sizeof text) &&
            take_time(r, text, (uint32_t)strlen(text)))
            return i;
    return CSV_NONE;
}

static bool is_dropped(const struct recording_request *q, const char *name)
{
    for (size_t i = 0; i < q->drops; i++)
        if (strcmp(q->drop[i], name) == 0) return true;
    return false;
}

static void take_column(struct recording *r, uint32_t column, const char *name)
{
    csv_take(r->csv, column, CSV_WORD, r->columns + (r->timed ? 1 : 0));
    r->name[r->columns++] = name;
}

/* The one column of a file that holds one channel: the only one, or the one called value. */
static andon_status take_value(struct recording *r, uint32_t time, andon_error *err)
{
    uint32_t value = csv_find(r->csv, "value"), others = 0, only = 0;
    for (uint32_t i = 0; i < csv_columns(r->csv); i++)
        if (i != time && !is_dropped(r->request, csv_name(r->csv, i))) {
            others++;
            only = i;
        }
    if (value == CSV_NONE && others != 1)
        return andon_fail(err, ANDON_EDATA,
                          "%s: found %u columns of values, expected one called value",
                          r->request->path, others);
    take_column(r, value != CSV_NONE ? value : only, r->request->channel);
    return ANDON_OK;
}

static andon_status take_columns(struct recording *r, andon_error *err)
{
    uint32_t time = find_time(r);
    if (time == CSV_NONE && (r->request->time != NULL || r->request->date == NULL))
        return andon_fail(err, ANDON_EDATA, "%s: found no column %s, expected one with times",
                          r->request->path,
                          r->request->time != NULL ? r->request->time : "called timestamp or time");
    r->timed = time != CSV_NONE;
    if (r->timed) csv_take(r->csv, time, CSV_WORD, 0);
    r->name = calloc(csv_columns(r->csv) + 1, sizeof *r->name);
    if (r->name == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory", r->request->path);
    if (r->request->channel != NULL) return take_value(r, time, err);
    for (uint32_t i = 0; i < csv_columns(r->csv); i++) {
        const char *name = csv_name(r->csv, i);
        if (i != time && !csv_unnamed(r->csv, i) && !is_dropped(r->request, name))
            take_column(r, i, name);
    }
    if (r->columns > 0) return ANDON_OK;
    return andon_fail(err, ANDON_EDATA, "%s: found no column of values", r->request->path);
}

andon_status recording_open(struct recording **recording, const struct recording_request *request,
                            andon_error *err)
{
    struct recording *r = calloc(1, sizeof *r);
    *recording = r;
    if (r == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory", request->path);
    r->request = request;
    andon_status st = csv_open(&r->csv, request->path, true, err);
    if (st == ANDON_OK) st = take_columns(r, err);
    if (st == ANDON_OK) return st;
    recording_close(r);
    *recording = NULL;
    return st;
}

void recording_close(struct recording *r)
{
    if (r == NULL) return;
    csv_close(r->csv);
    free(r->name);
    free(r);
}

static void pass_over(struct recording *r, uint64_t line)
{
    if (r->untimed++ == 0) r->untimed_line = line;
}

/* Whether the present row has a time. A file without a column of time holds one row. */
static bool row_time(struct recording *r)
{
    const struct csv_cell *word = r->batch.word;
    r->cell = word + (r->timed ? 1 : 0);
    r->rows++;
    if (r->timed) return take_time(r, word->text, word->length);
    const char *date = r->request->date;
    return r->rows == 1 && take_time(r, date, (uint32_t)strlen(date));
}

andon_status recording_next(struct recording *r, bool *more, andon_error *err)
{
    *more = false;
    for (;;) {
        andon_status st = csv_read(r->csv, 1, &r->batch, err);
        if (st != ANDON_OK || r->batch.rows == 0) return st;
        if (row_time(r)) break;
        pass_over(r, r->batch.line[0]);
    }
    *more = true;
    return ANDON_OK;
}

int64_t recording_ts_ns(const struct recording *r)
{
    return r->ts_ns;
}

void recording_time(const struct recording *r, struct json *json)
{
    struct text time = text_of(r->time);
    if (r->time_is_number)
        json_raw(json, "ts", time);
    else
        json_text(json, "ts", time);
}

/* Whether text is a number as JSON spells them: no plus, no leading zero, digits around the point.
 */
static bool is_json_number(const char *s, uint32_t n)
{
    uint32_t i = n > 0 && s[0] == '-' ? 1 : 0, from = i;
    while (i < n && s[i] >= '0' && s[i] <= '9') i++;
    if (i == from || (s[from] == '0' && i > from + 1)) return false;
    if (i < n && s[i] == '.') {
        from = ++i;
        while (i < n && s[i] >= '0' && s[i] <= '9') i++;
        if (i == from) return false;
    }
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        if (i < n && (s[i] == '+' || s[i] == '-')) i++;
        from = i;
        while (i < n && s[i] >= '0' && s[i] <= '9') i++;
        if (i == from) return false;
    }
    return i == n;
}

static bool is_word(const struct csv_cell *cell, const char *word)
{
    return cell->length == strlen(word) && strncasecmp(cell->text, word, cell->length) == 0;
}

uint32_t recording_values(const struct recording *r, struct json *json)
{
    uint32_t written = 0;
    for (uint32_t i = 0; i < r->columns; i++) {
        const struct csv_cell *cell = &r->cell[i];
        struct text text = {cell->text, cell->length};
        double number;
        if (number_missing(cell->text, cell->length)) continue;
        if (is_json_number(cell->text, cell->length))
            json_raw(json, r->name[i], text);
        else if (number_read(cell->text, cell->length, &number))
            json_number(json, r->name[i], number);
        else if (is_word(cell, "true") || is_word(cell, "false"))
            json_bool(json, r->name[i], is_word(cell, "true"));
        else
            json_text(json, r->name[i], text);
        written++;
    }
    return written;
}

uint64_t recording_untimed(const struct recording *r)
{
    return r->untimed;
}

uint64_t recording_line(const struct recording *r)
{
    return r->untimed_line;
}

double recording_part(const struct recording *r)
{
    return csv_part(r->csv);
}
