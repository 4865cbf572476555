#include "ingest/samples.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ingest/csv_row.h"
#include "ingest/number.h"
#include "ingest/timestamp.h"

enum { ROWS_MIN = 16, ROWS_MAX = 1024, BATCH_BYTES = 4 << 20 };

struct samples {
    const struct samples_request *request;
    struct csv *csv;
    uint32_t channels;
    uint32_t *channel; /* channel[channels]: columns */
    bool *used;        /* used[columns]              */
    uint32_t time;     /* column or CSV_NONE         */
    uint32_t words;
    uint32_t time_word, running_word, regime_word, label_word; /* slots or CSV_NONE */
    size_t rows;
    int64_t *ts_ns;
    int8_t *running;
    int64_t last_ns, step_ns; /* of the rows before */
};

static bool named_like_a_time(const char *name)
{
    static const char *const names[] = {"time",      "timestamp", "datetime", "date", "ts",
                                        "date_time", "date time", "ts_utc",   "utc"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0) return true;
    return false;
}

static uint32_t guess_time(struct csv *csv)
{
    for (uint32_t i = 0; i < csv_columns(csv); i++) {
        char text[64];
        int64_t ts_ns;
        if (named_like_a_time(csv_name(csv, i)) && csv_sample(csv, i, text, sizeof text) &&
            timestamp_read(text, strlen(text), &ts_ns))
            return i;
    }
    return CSV_NONE;
}

static andon_status no_column(const struct samples *s, const char *name, const char *use,
                              andon_error *err)
{
    return andon_fail(err, ANDON_EDATA, "%s: found no column %s, expected it as %s",
                      s->request->path, name, use);
}

/* Takes a column as a word; two uses may share one column. */
static void take_word(struct samples *s, uint32_t column, uint32_t *slot)
{
    const uint32_t before[3] = {s->time_word, s->running_word, s->regime_word};
    const char *const name[3] = {s->time == CSV_NONE ? NULL : csv_name(s->csv, s->time),
                                 s->request->running, s->request->regime};
    for (int i = 0; i < 3; i++)
        if (before[i] != CSV_NONE && strcmp(name[i], csv_name(s->csv, column)) == 0) {
            *slot = before[i];
            return;
        }
    *slot = s->words++;
    s->used[column] = true;
    csv_take(s->csv, column, CSV_WORD, *slot);
}

static andon_status take_named_word(struct samples *s, const char *name, const char *use,
                                    uint32_t *slot, andon_error *err)
{
    if (name == NULL) return ANDON_OK;
    uint32_t column = csv_find(s->csv, name);
    if (column == CSV_NONE) return no_column(s, name, use, err);
    take_word(s, column, slot);
    return ANDON_OK;
}

static andon_status take_time(struct samples *s, andon_error *err)
{
    if (s->request->time == NULL) return ANDON_OK;
    bool guess = s->request->time[0] == 0;
    s->time = guess ? guess_time(s->csv) : csv_find(s->csv, s->request->time);
    if (s->time == CSV_NONE && !guess && s->request->time_may_miss) {
        guess = true;
        s->time = guess_time(s->csv);
    }
    if (s->time == CSV_NONE)
        return guess ? ANDON_OK : no_column(s, s->request->time, "the time", err);
    take_word(s, s->time, &s->time_word);
    return ANDON_OK;
}

static andon_status take_channel(struct samples *s, uint32_t column, andon_error *err)
{
    if (s->channels == ANDON_CHANNELS_MAX)
        return andon_fail(err, ANDON_ELIMIT,
                          "%s: found more than %u channels, expected at most that",
                          s->request->path, ANDON_CHANNELS_MAX);
    s->used[column] = true;
    csv_take(s->csv, column, CSV_NUMBER, s->channels);
    s->channel[s->channels++] = column;
    return ANDON_OK;
}

static andon_status take_named_channels(struct samples *s, andon_error *err)
{
    for (uint32_t i = 0; i < s->request->channels; i++) {
        const char *name = s->request->channel[i];
        uint32_t column = csv_find(s->csv, name);
        if (column == CSV_NONE) return no_column(s, name, "a channel of the model", err);
        if (s->used[column])
            return andon_fail(err, ANDON_EDATA,
                              "%s: column %s is a channel of the model, expected "
                              "no other use for it",
                              s->request->path, name);
        andon_status st = take_channel(s, column, err);
        if (st != ANDON_OK) return st;
    }
    return ANDON_OK;
}

static andon_status take_other_channels(struct samples *s, andon_error *err)
{
    for (size_t i = 0; i < s->request->drops; i++) {
        uint32_t column = csv_find(s->csv, s->request->drop[i]);
        if (column == CSV_NONE) return no_column(s, s->request->drop[i], "a column to drop", err);
        s->used[column] = true;
    }
    for (uint32_t i = 0; i < csv_columns(s->csv); i++) {
        if (s->used[i] || csv_unnamed(s->csv, i)) continue;
        andon_status st = take_channel(s, i, err);
        if (st != ANDON_OK) return st;
    }
    if (s->channels > 0) return ANDON_OK;
    return andon_fail(err, ANDON_EDATA, "%s: found no column left, expected at least one channel",
                      s->request->path);
}

static andon_status choose(struct samples *s, andon_error *err)
{
    const struct samples_request *r = s->request;
    andon_status st = take_time(s, err);
    if (st == ANDON_OK)
        st = take_named_word(s, r->running, "the running column", &s->running_word, err);
    if (st == ANDON_OK)
        st = take_named_word(s, r->regime, "the regime column", &s->regime_word, err);
    if (st == ANDON_OK) st = take_named_word(s, r->label, "the label", &s->label_word, err);
    if (st != ANDON_OK) return st;
    return r->channel != NULL ? take_named_channels(s, err) : take_other_channels(s, err);
}

static andon_status make_room(struct samples *s, andon_error *err)
{
    size_t rows = BATCH_BYTES / (8 * ((size_t)s->channels + 1));
    s->rows = rows < ROWS_MIN ? ROWS_MIN : rows > ROWS_MAX ? ROWS_MAX : rows;
    s->ts_ns = calloc(s->rows, sizeof *s->ts_ns);
    s->running = calloc(s->rows, sizeof *s->running);
    if (s->ts_ns != NULL && s->running != NULL) return ANDON_OK;
    return andon_fail(err, ANDON_ENOMEM, "%s: no memory for a batch", s->request->path);
}

andon_status samples_open(struct samples **samples, const struct samples_request *request,
                          andon_error *err)
{
    struct samples *s = calloc(1, sizeof *s);
    if (s == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory to open it", request->path);
    s->request = request;
    s->time = s->time_word = s->running_word = s->regime_word = s->label_word = CSV_NONE;
    andon_status st = csv_open(&s->csv, request->path, !request->no_header, err);
    if (st == ANDON_OK) {
        s->channel = calloc(csv_columns(s->csv), sizeof *s->channel);
        s->used = calloc(csv_columns(s->csv), sizeof *s->used);
        st = s->channel == NULL || s->used == NULL
                 ? andon_fail(err, ANDON_ENOMEM, "%s: no memory for columns", request->path)
                 : choose(s, err);
    }
    if (st == ANDON_OK) st = make_room(s, err);
    if (st == ANDON_OK)
        *samples = s;
    else
        samples_close(s);
    return st;
}

void samples_close(struct samples *s)
{
    if (s == NULL) return;
    csv_close(s->csv);
    free(s->channel);
    free(s->used);
    free(s->ts_ns);
    free(s->running);
    free(s);
}

uint32_t samples_channels(const struct samples *s)
{
    return s->channels;
}

const char *samples_channel(const struct samples *s, uint32_t channel)
{
    assert(channel < s->channels);
    return csv_name(s->csv, s->channel[channel]);
}

const char *samples_time(const struct samples *s)
{
    return s->time == CSV_NONE ? NULL : csv_name(s->csv, s->time);
}

const struct csv *samples_csv(const struct samples *s)
{
    return s->csv;
}

uint32_t samples_ignored(const struct samples *s, char *text, size_t room)
{
    uint32_t count = 0, told = 0;
    size_t length = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < csv_columns(s->csv); i++) {
        if (s->used[i]) continue;
        const char *name = csv_name(s->csv, i);
        if (count++ > told || length + strlen(name) + 24 > room) continue;
        length +=
            (size_t)snprintf(text + length, room - length, "%s%s", told > 0 ? ", " : "", name);
        told++;
    }
    if (told < count) snprintf(text + length, room - length, " and %u more", count - told);
    return count;
}

size_t samples_rows(const struct samples *s)
{
    return s->rows;
}

static andon_status read_time(struct samples *s, size_t row, struct csv_cell cell, uint64_t line,
                              andon_error *err)
{
    int64_t ts_ns;
    if (number_missing(cell.text, cell.length))
        ts_ns = s->last_ns + s->step_ns;
    else if (!timestamp_read(cell.text, cell.length, &ts_ns)) {
        char found[CSV_FOUND_ROOM];
        csv_row_found(found, cell);
        return andon_fail(err, ANDON_EDATA,
                          "%s:%llu: column %s: found %s, expected " TIMESTAMP_EXPECTED,
                          s->request->path, (unsigned long long)line, samples_time(s), found);
    }
    s->step_ns = (int64_t)((uint64_t)ts_ns - (uint64_t)s->last_ns);
    s->last_ns = s->ts_ns[row] = ts_ns;
    return ANDON_OK;
}

static andon_status read_words(struct samples *s, const struct csv_batch *rows, andon_error *err)
{
    for (size_t k = 0; k < rows->rows; k++) {
        const struct csv_cell *word = rows->word + k * s->words;
        if (s->running_word != CSV_NONE) {
            struct csv_cell cell = word[s->running_word];
            s->running[k] = (int8_t)andon_running(cell.text, cell.length);
        }
        if (s->time_word == CSV_NONE) continue;
        andon_status st = read_time(s, k, word[s->time_word], rows->line[k], err);
        if (st != ANDON_OK) return st;
    }
    return ANDON_OK;
}

andon_status samples_read(struct samples *s, struct samples_batch *batch, andon_error *err)
{
    struct csv_batch rows;
    andon_status st = csv_read(s->csv, s->rows, &rows, err);
    if (st == ANDON_OK) st = read_words(s, &rows, err);
    if (st != ANDON_OK) return st;
    const struct csv_cell *word = rows.word;
    *batch = (struct samples_batch){
        .series = {.n = rows.rows,
                   .channels = s->channels,
                   .value = rows.value,
                   .ts_ns = s->time_word == CSV_NONE ? NULL : s->ts_ns,
                   .running = s->running_word == CSV_NONE ? NULL : s->running},
        .time = s->time_word == CSV_NONE ? NULL : word + s->time_word,
        .regime = s->regime_word == CSV_NONE ? NULL : word + s->regime_word,
        .label = s->label_word == CSV_NONE ? NULL : word + s->label_word,
        .stride = s->words,
        .line = rows.line};
    return ANDON_OK;
}
