/* Two passes over the asset's rows: which channels there are and what they are, then their values. */
#include "learn/history.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plant/interval.h"
#include "plant/kind.h"
#include "plant/regime.h"
#include "plant/running.h"

#define HISTORY_BYTES_MAX ((size_t)8 << 30)
#define MODEL_BYTES_MAX ((size_t)2 << 30)

struct column {
    uint32_t number; /* the store's                                 */
    char *name;
    struct kind_state seen;
    uint64_t values;
    uint32_t channel; /* of the series; UINT32_MAX: none             */
};

struct work {
    struct reader *reader;
    const struct history_request *request;
    struct history *history;
    struct column *column; /* column[columns], in the arena */
    uint32_t columns, running, regime;
    struct interval interval;
    size_t rows, at;
    double *value, *last;
    int64_t *ts_ns;
    int8_t *runs, runs_now;
    int32_t *regime_of, *label, regime_now;
    const char **regime_name;
    bool full;
};

static struct column *column_of(struct work *w, uint32_t number)
{
    for (uint32_t c = 0; c < w->columns; c++)
        if (w->column[c].number == number) return &w->column[c];
    return NULL;
}

static bool list_channel(void *context, const struct reader_channel *channel)
{
    struct work *w = context;
    struct andon_arena *arena = &w->history->arena;
    if (w->columns == STORE_CHANNELS_MAX) return false;
    struct column *c = &w->column[w->columns];
    char name[ANDON_NAME_MAX];
    if (channel->name.length >= sizeof name) return true; /* longer than a model's names may be */
    memcpy(name, channel->name.at, channel->name.length);
    name[channel->name.length] = 0;
    c->number = channel->channel;
    c->name = andon_arena_text(arena, name);
    c->channel = UINT32_MAX;
    if (c->name == NULL) w->full = true;
    else w->columns++;
    return !w->full;
}

static bool look_at(void *context, const struct reader_row *row)
{
    struct work *w = context;
    if (row->fields == 0) return true;
    w->rows++;
    interval_see(&w->interval, row->ts_ns);
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        struct column *c = column_of(w, f->channel);
        if (c == NULL) continue;
        c->values++;
        if (f->kind == STORE_TEXT) kind_see_text(&c->seen, f->text);
        else if (f->kind == STORE_FLAG) kind_see_flag(&c->seen, f->number > 0.5);
        else kind_see_number(&c->seen, f->number);
    }
    return true;
}

static uint32_t best(const struct work *w, uint32_t (*rank)(struct text),
                     bool (*guess)(struct text, const struct kind_state *))
{
    uint32_t at = UINT32_MAX, most = 0;
    for (uint32_t c = 0; c < w->columns; c++) {
        struct text name = text_of(w->column[c].name);
        uint32_t r = rank(name);
        if (r <= most || !guess(name, &w->column[c].seen)) continue;
        at = c;
        most = r;
    }
    return at;
}

/* Which columns become channels: numbers and flags that are there in at least half of the rows. */
static andon_status choose(struct work *w, andon_error *err)
{
    struct history *h = w->history;
    const char **names = andon_arena_array(&h->arena, w->columns + 1, sizeof *names);
    if (names == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for names");
    w->running = best(w, running_rank, running_guess);
    w->regime = best(w, regime_rank, regime_guess);
    for (uint32_t c = 0; c < w->columns; c++) {
        struct column *column = &w->column[c];
        bool number = column->seen.texts == 0 && column->values >= (w->rows + 1) / 2;
        if (!number || c == w->running || c == w->regime) continue;
        column->channel = h->schema.channels;
        names[h->schema.channels++] = column->name;
    }
    h->schema.channel = names;
    h->running = w->running != UINT32_MAX ? w->column[w->running].name : NULL;
    h->regime = w->regime != UINT32_MAX ? w->column[w->regime].name : NULL;
    h->interval_s = (double)interval_usual(&w->interval) / 1e9;
    if (h->schema.channels == 0)
        return andon_fail(err, ANDON_EDATA, "%s: no channel has numbers in half of its rows",
                          w->request->asset);
    return ANDON_OK;
}

static andon_status take_room(struct work *w, andon_error *err)
{
    struct andon_arena *arena = &w->history->arena;
    size_t n = w->rows;
    uint32_t channels = w->history->schema.channels;
    w->value = andon_arena_array(arena, n * channels, sizeof *w->value);
    w->last = andon_arena_array(arena, channels, sizeof *w->last);
    w->ts_ns = andon_arena_array(arena, n, sizeof *w->ts_ns);
    w->runs = andon_arena_array(arena, n, sizeof *w->runs);
    w->regime_of = andon_arena_array(arena, n, sizeof *w->regime_of);
    w->label = andon_arena_array(arena, n, sizeof *w->label);
    w->regime_name = andon_arena_array(arena, ANDON_REGIMES_MAX, sizeof *w->regime_name);
    if (w->value == NULL || w->last == NULL || w->ts_ns == NULL || w->runs == NULL ||
        w->regime_of == NULL || w->label == NULL || w->regime_name == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for %zu rows of %s", n, w->request->asset);
    for (uint32_t c = 0; c < channels; c++) w->last[c] = NAN;
    w->runs_now = ANDON_RUNNING_UNKNOWN;
    w->regime_now = ANDON_REGIME_UNKNOWN;
    w->history->schema.regime = w->regime_name;
    return ANDON_OK;
}

/* The index of an operating state, a new one if need be. */
static int32_t regime_index(struct work *w, const struct store_field *f)
{
    char word[ANDON_NAME_MAX];
    if (f->kind == STORE_TEXT)
        snprintf(word, sizeof word, "%.*s", (int)f->text.length, f->text.at);
    else
        snprintf(word, sizeof word, "%.15g", f->number);
    uint32_t *regimes = &w->history->schema.regimes;
    for (uint32_t r = 0; r < *regimes; r++)
        if (strcmp(w->regime_name[r], word) == 0) return (int32_t)r;
    if (*regimes == ANDON_REGIMES_MAX) return ANDON_REGIME_UNKNOWN;
    w->regime_name[*regimes] = andon_arena_text(&w->history->arena, word);
    if (w->regime_name[*regimes] == NULL) return ANDON_REGIME_UNKNOWN;
    return (int32_t)(*regimes)++;
}

static void take_field(struct work *w, const struct store_field *f)
{
    const struct column *c = column_of(w, f->channel);
    if (c == NULL) return;
    uint32_t at = (uint32_t)(c - w->column);
    if (at == w->running)
        w->runs_now = f->kind == STORE_TEXT ? (int8_t)andon_running(f->text.at, f->text.length)
                                            : (int8_t)(f->number > 0.5);
    else if (at == w->regime)
        w->regime_now = regime_index(w, f);
    else if (c->channel != UINT32_MAX && f->kind != STORE_TEXT)
        w->last[c->channel] = f->number;
}

static bool kept_out(const struct work *w, const struct reader_row *row)
{
    if (row->judged && row->verdict.is_anomaly && !w->request->take_alarmed) return true;
    for (uint32_t i = 0; i < w->request->ranges; i++)
        if (row->ts_ns >= w->request->without[i].from_ns && row->ts_ns < w->request->without[i].to_ns)
            return true;
    return false;
}

static bool take_row(void *context, const struct reader_row *row)
{
    struct work *w = context;
    if (row->fields == 0) return true;
    if (w->at == w->rows) return false; /* rows that came since the first pass */
    uint32_t channels = w->history->schema.channels;
    for (uint32_t i = 0; i < row->fields; i++) take_field(w, &row->field[i]);
    memcpy(w->value + w->at * channels, w->last, channels * sizeof *w->last);
    w->ts_ns[w->at] = row->ts_ns;
    w->runs[w->at] = w->runs_now;
    w->regime_of[w->at] = w->regime_now;
    w->label[w->at] = kept_out(w, row);
    w->history->kept_out += (uint64_t)w->label[w->at];
    w->at++;
    return true;
}

static andon_status find_columns(struct work *w, uint32_t asset, andon_error *err)
{
    w->column = andon_arena_array(&w->history->arena, STORE_CHANNELS_MAX, sizeof *w->column);
    if (w->column == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for channels");
    andon_status st = reader_channels(w->reader, asset, list_channel, w, err);
    if (st == ANDON_OK && w->full) st = andon_fail(err, ANDON_ENOMEM, "no memory for channels");
    if (st == ANDON_OK)
        st = reader_rows(w->reader, asset, w->request->from_ns, w->request->to_ns, look_at, w, err);
    if (st == ANDON_OK && w->rows == 0)
        st = andon_fail(err, ANDON_EDATA, "%s: no rows in that time", w->request->asset);
    return st;
}

andon_status history_read(struct reader *reader, const struct history_request *request,
                          struct history *history, andon_error *err)
{
    struct work w = {.reader = reader, .request = request, .history = history};
    *history = (struct history){0};
    andon_arena_init(&history->arena, andon_allocator_libc(), HISTORY_BYTES_MAX);
    andon_status st = reader_snapshot(reader, err);
    if (st != ANDON_OK) return st;
    uint32_t asset = reader_asset_find(reader, text_of(request->asset));
    if (asset == 0) st = andon_fail(err, ANDON_EDATA, "%s: no such asset", request->asset);
    if (st == ANDON_OK) st = find_columns(&w, asset, err);
    if (st == ANDON_OK) st = choose(&w, err);
    if (st == ANDON_OK) st = take_room(&w, err);
    if (st == ANDON_OK)
        st = reader_rows(reader, asset, request->from_ns, request->to_ns, take_row, &w, err);
    reader_release(reader);
    history->series = (struct andon_series){.n = w.at,
                                            .channels = history->schema.channels,
                                            .value = w.value,
                                            .ts_ns = w.ts_ns,
                                            .running = history->running != NULL ? w.runs : NULL,
                                            .regime = history->schema.regimes > 0 ? w.regime_of : NULL};
    history->label = w.label;
    return st;
}

void history_free(struct history *history)
{
    andon_arena_free(&history->arena);
    *history = (struct history){0};
}

/* ---- learning ---- */

static andon_status write_model(const struct andon_writer *bytes, const char *path, andon_error *err)
{
    char temporary[4096];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        return andon_fail(err, ANDON_EINVAL, "%s: the path is too long", path);
    FILE *file = fopen(temporary, "wb");
    if (file == NULL) return andon_fail(err, ANDON_EIO, "%s: cannot be written", temporary);
    bool good = fwrite(bytes->data, 1, bytes->size, file) == bytes->size && fflush(file) == 0 &&
                fsync(fileno(file)) == 0;
    good &= fclose(file) == 0;
    if (good && rename(temporary, path) == 0) return ANDON_OK;
    unlink(temporary);
    return andon_fail(err, ANDON_EIO, "%s: cannot be written", path);
}

static andon_status note(struct andon_model *model, struct andon_arena *arena, const char *key,
                         const char *value, andon_error *err)
{
    return value == NULL ? ANDON_OK : andon_model_note(model, arena, key, value, err);
}

andon_status history_fit(struct history *h, const struct history_lesson *lesson, const char *path,
                         const char **card, andon_error *err)
{
    static const char *const classes[] = {"normal", "kept_out"};
    struct andon_arena arena, scratch;
    struct andon_model *model;
    struct andon_writer bytes;
    struct andon_training t = {.schema = h->schema,
                               .series = h->series,
                               .label = h->kept_out > 0 ? h->label : NULL,
                               .classes = h->kept_out > 0 ? 2 : 0,
                               .class_name = classes,
                               .detector = lesson->detector != NULL ? lesson->detector : "ensemble",
                               .budget_per_day = lesson->budget_per_day,
                               .interval_s = h->interval_s,
                               .setting = lesson->setting,
                               .settings = lesson->settings,
                               .seed = lesson->seed,
                               .kernel = andon_kernel_best(),
                               .progress = lesson->progress};
    andon_arena_init(&arena, andon_allocator_libc(), MODEL_BYTES_MAX);
    andon_arena_init(&scratch, andon_allocator_libc(), HISTORY_BYTES_MAX);
    andon_status st = andon_model_fit(&t, &scratch, &arena, &model, err);
    if (st == ANDON_OK) st = note(model, &arena, "running", h->running, err);
    if (st == ANDON_OK) st = note(model, &arena, "regime", h->regime, err);
    andon_writer_init(&bytes, &scratch);
    if (st == ANDON_OK) andon_model_save(model, &bytes);
    if (st == ANDON_OK && bytes.full) st = andon_fail(err, ANDON_ENOMEM, "no memory for the model");
    if (st == ANDON_OK) st = write_model(&bytes, path, err);
    if (st == ANDON_OK && card != NULL) *card = andon_arena_text(&h->arena, andon_model_card(model));
    andon_arena_free(&arena);
    andon_arena_free(&scratch);
    return st;
}
