#include "ingest/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ingest/csv_row.h"

static andon_status no_memory(andon_error *err)
{
    return andon_fail(err, ANDON_ENOMEM, "no memory for the data's rows (--rows A:B takes a part)");
}

/* array is the address of a pointer to objects of any type. */
static bool grow(void *array, size_t rows, size_t size)
{
    void *at;
    memcpy(&at, array, sizeof at);
    void *more = realloc(at, rows * size);
    if (more == NULL) return false;
    memcpy(array, &more, sizeof more);
    return true;
}

static andon_status make_room(struct table *t, size_t rows, andon_error *err)
{
    if (rows <= t->room) return ANDON_OK;
    size_t most = TABLE_BYTES_MAX / sizeof(double) / t->channels;
    if (rows > most)
        return andon_fail(err, ANDON_ELIMIT,
                          "found more than %zu rows of %u channels, expected at "
                          "most that (--rows A:B takes a part)",
                          most, t->channels);
    size_t room = t->room < 4096 ? 4096 : t->room + t->room / 2;
    if (room < rows) room = rows;
    if (room > most) room = most;
    if (!grow(&t->value, room, t->channels * sizeof *t->value) ||
        !grow(&t->ts_ns, room, sizeof *t->ts_ns) || !grow(&t->running, room, sizeof *t->running) ||
        !grow(&t->regime, room, sizeof *t->regime) || !grow(&t->label, room, sizeof *t->label))
        return no_memory(err);
    t->room = room;
    return ANDON_OK;
}

static bool is_one_of(struct csv_cell cell, const char *const *word, size_t words)
{
    for (size_t i = 0; i < words; i++)
        if (strlen(word[i]) == cell.length && strncasecmp(word[i], cell.text, cell.length) == 0)
            return true;
    return false;
}

/* The class of a label cell; VOCABULARY_NONE when there are too many. */
static int32_t class_of(struct vocabulary *classes, struct csv_cell cell)
{
    static const char *const normal[] = {"",     "0",    "0.0",   "normal", "ok",  "healthy",
                                         "good", "none", "false", "no",     "nan", "null"};
    static const char *const one[] = {"1", "1.0", "true", "yes", "anomaly", "anomalous"};
    if (is_one_of(cell, normal, sizeof normal / sizeof *normal)) return 0;
    if (is_one_of(cell, one, sizeof one / sizeof *one))
        return vocabulary_learn(classes, "anomaly", 7);
    if (cell.length > 2 && memcmp(cell.text + cell.length - 2, ".0", 2) == 0) cell.length -= 2;
    return vocabulary_learn(classes, cell.text, cell.length);
}

static andon_status too_many(const struct samples_batch *b, size_t row, const char *path,
                             const char *what, andon_error *err)
{
    return andon_fail(err, ANDON_ELIMIT, "%s:%llu: found more than %u %s, expected at most that",
                      path, (unsigned long long)b->line[row], VOCABULARY_MAX, what);
}

static andon_status add_words(struct table *t, const struct table_request *r,
                              const struct samples_batch *b, size_t row, const char *path,
                              andon_error *err)
{
    size_t at = t->rows;
    if (b->label != NULL) {
        t->label[at] = class_of(&t->classes, b->label[row * b->stride]);
        if (t->label[at] < 0) return too_many(b, row, path, "kinds of label", err);
    }
    if (b->regime == NULL) return ANDON_OK;
    struct csv_cell cell = b->regime[row * b->stride];
    if (r->regimes != NULL || cell.length == 0) { /* VOCABULARY_NONE is ANDON_REGIME_UNKNOWN */
        t->regime[at] = vocabulary_find(&t->regimes, cell.text, cell.length);
        return ANDON_OK;
    }
    t->regime[at] = vocabulary_learn(&t->regimes, cell.text, cell.length);
    return t->regime[at] < 0 ? too_many(b, row, path, "regimes", err) : ANDON_OK;
}

/* Appends the batch's rows that lie in [first, end); *row counts the rows of all files. */
static andon_status add_batch(struct table *t, const struct table_request *r,
                              const struct samples_batch *b, uint64_t *row, const char *path,
                              andon_error *err)
{
    const struct andon_series *s = &b->series;
    for (size_t k = 0; k < s->n; k++, ++*row) {
        if (*row < r->first || *row >= r->end) continue;
        andon_status st = make_room(t, t->rows + 1, err);
        if (st == ANDON_OK) st = add_words(t, r, b, k, path, err);
        if (st != ANDON_OK) return st;
        memcpy(t->value + t->rows * t->channels, s->value + k * t->channels,
               t->channels * sizeof *t->value);
        if (s->ts_ns != NULL) t->ts_ns[t->rows] = s->ts_ns[k];
        if (s->running != NULL) t->running[t->rows] = s->running[k];
        t->rows++;
    }
    return ANDON_OK;
}

static andon_status read_batches(struct table *t, const struct table_request *r, size_t file,
                                 struct samples *samples, uint64_t *row, andon_error *err)
{
    const char *path = r->path[file];
    struct samples_batch b;
    t->file_first[t->files++] = t->rows;
    do {
        andon_status st = samples_read(samples, &b, err);
        uint32_t culprit = csv_culprit(samples_csv(samples));
        if (st != ANDON_OK && culprit != CSV_NONE)
            snprintf(t->culprit, sizeof t->culprit, "%s", csv_name(samples_csv(samples), culprit));
        if (st == ANDON_OK) st = add_batch(t, r, &b, row, path, err);
        if (st != ANDON_OK) return st;
        double part = csv_part(samples_csv(samples));
        if (r->tell != NULL) r->tell(r->context, ((double)file + part) / (double)r->paths);
    } while (b.series.n > 0 && *row < r->end);
    return ANDON_OK;
}

/* The first file's channels are everybody's. */
static andon_status name_channels(struct table *t, const struct samples *samples, andon_error *err)
{
    uint32_t channels = samples_channels(samples);
    t->channel = calloc(channels, sizeof *t->channel);
    if (t->channel == NULL) return no_memory(err);
    t->channels = channels;
    for (uint32_t i = 0; i < channels; i++)
        if ((t->channel[i] = strdup(samples_channel(samples, i))) == NULL) return no_memory(err);
    const char *time = samples_time(samples);
    if (time != NULL && (t->time = strdup(time)) == NULL) return no_memory(err);
    return ANDON_OK;
}

static andon_status read_file(struct table *t, const struct table_request *r, size_t file,
                              uint64_t *row, andon_error *err)
{
    struct samples_request columns = r->columns;
    columns.path = r->path[file];
    if (file > 0) {
        columns.channel = (const char *const *)t->channel;
        columns.channels = t->channels;
        columns.time = t->time;
    }
    struct samples *samples = NULL;
    andon_status st = samples_open(&samples, &columns, err);
    if (st != ANDON_OK) return st;
    if (csv_header(samples_csv(samples)) == CSV_HEADER_ABSENT) t->headerless = true;
    if (file == 0) {
        samples_ignored(samples, t->left_out, sizeof t->left_out);
        st = name_channels(t, samples, err);
    }
    if (st == ANDON_OK) st = read_batches(t, r, file, samples, row, err);
    samples_close(samples);
    return st;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The median of the steps forward, without those between files. */
static andon_status find_interval(struct table *t, andon_error *err)
{
    int64_t *step = calloc(t->rows + 1, sizeof *step);
    if (step == NULL) return no_memory(err);
    size_t n = 0, file = 1;
    for (size_t i = 1; i < t->rows; i++) {
        while (file < t->files && t->file_first[file] < i) file++;
        if (file < t->files && t->file_first[file] == i) continue;
        if (t->ts_ns[i] > t->ts_ns[i - 1]) step[n++] = t->ts_ns[i] - t->ts_ns[i - 1];
    }
    qsort(step, n, sizeof *step, by_value);
    t->interval_s = n > 0 ? (double)step[n / 2] * 1e-9 : 0.0;
    free(step);
    return ANDON_OK;
}

/* Forgets a column that the files do not have. */
static void *kept(void *array, bool keep)
{
    if (keep) return array;
    free(array);
    return NULL;
}

static andon_status finish(struct table *t, const struct table_request *r, andon_error *err)
{
    t->ts_ns = kept(t->ts_ns, t->time != NULL);
    t->running = kept(t->running, r->columns.running != NULL);
    t->regime = kept(t->regime, r->columns.regime != NULL);
    t->label = kept(t->label, r->columns.label != NULL);
    if (t->rows == 0 && (r->first > 0 || r->end < UINT64_MAX))
        return andon_fail(err, ANDON_EDATA,
                          "%s: found no row in the range of --rows, expected some", r->path[0]);
    if (t->rows == 0)
        return andon_fail(err, ANDON_EDATA, "%s: found a header and no rows, expected rows",
                          r->path[0]);
    return t->time != NULL ? find_interval(t, err) : ANDON_OK;
}

andon_status table_read(struct table *t, const struct table_request *r, andon_error *err)
{
    *t = (struct table){0};
    vocabulary_learn(&t->classes, "normal", 6);
    for (uint32_t i = 0; r->regimes != NULL && i < r->regimes->words; i++)
        vocabulary_learn(&t->regimes, r->regimes->word[i], strlen(r->regimes->word[i]));
    t->file_first = calloc(r->paths, sizeof *t->file_first);
    andon_status st = t->file_first == NULL ? no_memory(err) : ANDON_OK;
    uint64_t row = 0;
    for (size_t i = 0; st == ANDON_OK && i < r->paths && row < r->end; i++)
        st = read_file(t, r, i, &row, err);
    return st == ANDON_OK ? finish(t, r, err) : st;
}

void table_free(struct table *t)
{
    for (uint32_t i = 0; t->channel != NULL && i < t->channels; i++) free(t->channel[i]);
    free(t->channel);
    free(t->value);
    free(t->ts_ns);
    free(t->running);
    free(t->regime);
    free(t->label);
    free(t->time);
    free(t->file_first);
    *t = (struct table){0};
}

andon_status table_check(const struct table *t, const char *name, andon_error *err)
{
    bool varies = false;
    if (t->rows < 2)
        return andon_fail(err, ANDON_EDATA, "%s: found %zu row, expected at least 2", name,
                          t->rows);
    for (uint32_t c = 0; c < t->channels; c++) {
        const double *value = t->value + c;
        double first = NAN;
        for (size_t i = 0; i < t->rows; i++, value += t->channels) {
            if (isnan(*value)) continue;
            if (isnan(first)) first = *value;
            varies |= *value != first;
        }
        if (isnan(first))
            return andon_fail(err, ANDON_EDATA,
                              "%s: column %s: found no value in %zu rows, expected "
                              "numbers (--drop %s leaves it out)",
                              name, t->channel[c], t->rows, t->channel[c]);
    }
    if (varies) return ANDON_OK;
    return andon_fail(err, ANDON_EDATA,
                      "%s: found every column constant in %zu rows, expected one "
                      "that varies",
                      name, t->rows);
}

bool table_counts_rows(const struct table *t, uint32_t channel)
{
    if (t->rows < 3) return false;
    const double *value = t->value + channel;
    double step = value[t->channels] - value[0];
    for (size_t i = 1; i < t->rows; i++) {
        const double *at = value + i * t->channels;
        if (!(fabs(at[0] - *(at - t->channels) - step) <= 1e-9 * fabs(step))) return false;
    }
    return step != 0.0;
}

struct andon_series table_series(const struct table *t)
{
    return (struct andon_series){.n = t->rows,
                                 .channels = t->channels,
                                 .value = t->value,
                                 .ts_ns = t->ts_ns,
                                 .running = t->running,
                                 .regime = t->regime};
}
