#include "cli/judged.h"

#include "cli/cli.h"
#include "cli/model_file.h"

#define ROOM_BYTES_MAX ((size_t)8 << 30)

enum { BATCH_ROWS = 1024 };

static void tell(void *context, double part)
{
    progress_tell(context, part);
}

/* Rows before the measured ones are read too: windows and memories start where the file does. */
static andon_status read_data(struct judged *j, andon_error *err)
{
    const struct judged_request *r = j->request;
    struct table_request request = {.path = r->path,
                                    .paths = r->paths,
                                    .regimes = &j->regimes,
                                    .end = r->end,
                                    .tell = tell,
                                    .context = &j->progress};
    andon_status st =
        model_file_request(j->model, r->path[0], &j->model_arena, &request.columns, err);
    if (st != ANDON_OK) return st;
    request.columns.label = r->label;
    request.columns.no_header = r->no_header;
    model_file_regimes(j->model, &j->regimes);
    progress_start(&j->progress, "reading", r->quiet);
    st = table_read(&j->table, &request, err);
    progress_end(&j->progress);
    if (st == ANDON_OK && r->first >= j->table.rows)
        return andon_fail(err, ANDON_EDATA, "%s: found %zu rows, expected more than %llu (--rows)",
                          r->path[0], j->table.rows, (unsigned long long)r->first);
    return st;
}

static andon_status make_room(struct judged *j, andon_error *err)
{
    size_t n = j->table.rows;
    struct andon_arena *a = &j->arena;
    andon_arena_init(a, andon_allocator_libc(), ROOM_BYTES_MAX);
    j->score = andon_arena_array(a, n, sizeof *j->score);
    j->p_value = andon_arena_array(a, n, sizeof *j->p_value);
    j->label = andon_arena_array(a, n, sizeof *j->label);
    j->alarm = andon_arena_array(a, n, sizeof *j->alarm);
    j->unknown = andon_arena_array(a, n, sizeof *j->unknown);
    j->lead = andon_arena_array(a, n, sizeof *j->lead);
    bool full = j->score == NULL || j->p_value == NULL || j->label == NULL || j->alarm == NULL ||
                j->unknown == NULL || j->lead == NULL;
    if (j->request->with_share && !full) {
        j->share = andon_arena_array(a, n, j->table.channels * sizeof *j->share);
        full = j->share == NULL;
    }
    return full ? andon_fail(err, ANDON_ENOMEM, "no memory for %zu verdicts", n) : ANDON_OK;
}

static void keep_verdict(struct judged *j, size_t row, const struct andon_verdict *v)
{
    j->score[row] = v->score;
    j->p_value[row] = v->p_value;
    j->label[row] = j->table.label[row] != 0;
    j->alarm[row] = v->is_anomaly;
    j->unknown[row] = v->state == ANDON_UNKNOWN;
    j->lead[row] = v->channel;
}

/* The machine's place in the model starts anew with every file. */
static void score_file(struct judged *j, size_t first, size_t end, void *memory,
                       struct andon_verdict *verdict)
{
    struct andon_scorer *scorer =
        andon_scorer_init(j->model, BATCH_ROWS, j->request->kernel, memory);
    const struct table *t = &j->table;
    for (size_t at = first; at < end; at += BATCH_ROWS) {
        size_t n = end - at < BATCH_ROWS ? end - at : (size_t)BATCH_ROWS;
        struct andon_series s = {.n = n,
                                 .channels = t->channels,
                                 .value = t->value + at * t->channels,
                                 .ts_ns = t->ts_ns == NULL ? NULL : t->ts_ns + at,
                                 .running = t->running == NULL ? NULL : t->running + at,
                                 .regime = t->regime == NULL ? NULL : t->regime + at};
        float *share = j->share == NULL ? NULL : j->share + at * t->channels;
        andon_scorer_run(scorer, &s, share == NULL ? ANDON_EXPLAIN_NONE : ANDON_EXPLAIN_ALL,
                         verdict, share);
        for (size_t k = 0; k < n; k++) keep_verdict(j, at + k, &verdict[k]);
        progress_tell(&j->progress, (double)(at + n) / (double)t->rows);
    }
}

static andon_status score_rows(struct judged *j, andon_error *err)
{
    size_t bytes = andon_scorer_bytes(j->model, BATCH_ROWS);
    void *memory = andon_arena_take(&j->arena, bytes);
    struct andon_verdict *verdict = andon_arena_array(&j->arena, BATCH_ROWS, sizeof *verdict);
    if (memory == NULL || verdict == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory to score: %zu bytes", bytes);
    progress_start(&j->progress, "scoring", j->request->quiet);
    for (size_t f = 0; f < j->table.files; f++) {
        size_t end = f + 1 < j->table.files ? j->table.file_first[f + 1] : j->table.rows;
        score_file(j, j->table.file_first[f], end, memory, verdict);
    }
    progress_end(&j->progress);
    return ANDON_OK;
}

andon_status judged_read(struct judged *j, const char *model, const struct judged_request *request,
                         andon_error *err)
{
    j->request = request;
    andon_status st = model_file_load(model, &j->model_arena, &j->model, err);
    if (st == ANDON_OK) st = read_data(j, err);
    if (st == ANDON_OK) st = make_room(j, err);
    return st == ANDON_OK ? score_rows(j, err) : st;
}

/* Times that do not rise cannot order the rows; the file's order then does. */
static bool times_rise(const struct table *t, size_t first)
{
    for (size_t i = first + 1; t->ts_ns != NULL && i < t->rows; i++)
        if (t->ts_ns[i] <= t->ts_ns[i - 1]) return false;
    return t->ts_ns != NULL;
}

struct metrics_input judged_input(const struct judged *j)
{
    const struct table *t = &j->table;
    size_t first = (size_t)j->request->first;
    bool rise = times_rise(t, first);
    if (t->ts_ns != NULL && !rise)
        cli_note(j->request->quiet,
                 "the times do not rise from row to row; rows are taken as equally apart");
    return (struct metrics_input){.n = t->rows - first,
                                  .label = j->label + first,
                                  .score = j->score + first,
                                  .alarm = j->alarm + first,
                                  .unknown = j->unknown + first,
                                  .p_value = j->p_value + first,
                                  .ts_ns = rise ? t->ts_ns + first : NULL,
                                  .interval_s = t->interval_s > 0.0 ? t->interval_s : 60.0,
                                  .regime = t->regime == NULL ? NULL : t->regime + first,
                                  .regimes = t->regimes.words,
                                  .group_s = j->request->group_s,
                                  .renew_s = METRICS_RENEW_S,
                                  .grace_s = METRICS_GRACE_S,
                                  .vus_window = j->request->vus_window};
}

void judged_free(struct judged *j)
{
    table_free(&j->table);
    andon_arena_free(&j->model_arena);
    andon_arena_free(&j->arena);
}
