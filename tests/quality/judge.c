#include "judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 512, VUS_WINDOW = 100 };

static bool fit(const struct run *run, const struct config *config, struct andon_arena *arena,
                struct andon_model **model)
{
    const char *name[RUN_CHANNELS_MAX];
    andon_error err;
    struct andon_arena scratch;
    for (uint32_t c = 0; c < run->channels; c++) name[c] = run->channel[c];
    const struct andon_detector *detector = andon_detector_named(config->detector);
    bool supervised = detector != NULL && (detector->traits & ANDON_SUPERVISED);
    int32_t *label = malloc(run->train * sizeof *label);
    for (size_t i = 0; i < run->train; i++) label[i] = run->label[i];
    andon_arena_init(&scratch, andon_allocator_libc(), (size_t)4 << 30);
    struct andon_training t = {.schema = {.channels = run->channels, .channel = name},
                               .series = {.n = run->train, .channels = run->channels,
                                          .value = run->value},
                               .label = supervised ? label : NULL,
                               .classes = supervised ? 2 : 0,
                               .detector = config->detector,
                               .budget_per_day = config->budget_per_day,
                               .interval_s = run->interval_s,
                               .setting = config->setting,
                               .settings = config->settings,
                               .seed = 1,
                               .kernel = andon_kernel_best()};
    andon_status st = andon_model_fit(&t, &scratch, arena, model, &err);
    andon_arena_free(&scratch);
    free(label);
    if (st != ANDON_OK) fprintf(stderr, "%s: %s\n", run->name, err.text);
    return st == ANDON_OK;
}

static void keep(struct judged *out, size_t at, const struct andon_verdict *v)
{
    out->score[at] = v->score;
    out->alarm[at] = v->is_anomaly;
    out->unknown[at] = v->state == ANDON_UNKNOWN;
    out->channel[at] = v->channel;
}

/* Scores from row `start` on and keeps the answers from row `first` on. */
static bool judge_rows(const struct run *run, const struct config *config, size_t start,
                       size_t first, struct judged *out)
{
    struct andon_arena arena;
    struct andon_model *model = NULL;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)4 << 30);
    if (!fit(run, config, &arena, &model)) {
        andon_arena_free(&arena);
        return false;
    }
    size_t rows = run->n - first;
    *out = (struct judged){.rows = rows, .label = run->label + first,
                           .score = calloc(rows, sizeof *out->score), .alarm = calloc(rows, 1),
                           .unknown = calloc(rows, 1), .channel = calloc(rows, sizeof *out->channel)};
    void *memory = aligned_alloc(64, (andon_scorer_bytes(model, BATCH) + 63) / 64 * 64);
    struct andon_scorer *s = andon_scorer_init(model, BATCH, andon_kernel_best(), memory);
    struct andon_verdict verdict[BATCH];
    for (size_t i = start; i < run->n; i += BATCH) {
        size_t n = run->n - i < BATCH ? run->n - i : BATCH;
        struct andon_series series = {.n = n, .channels = run->channels,
                                      .value = run->value + i * run->channels};
        andon_scorer_run(s, &series, ANDON_EXPLAIN_ALARMS, verdict, NULL);
        for (size_t k = 0; k < n; k++)
            if (i + k >= first) keep(out, i + k - first, &verdict[k]);
    }
    free(memory);
    andon_arena_free(&arena);
    return true;
}

bool judge(const struct run *run, const struct config *config, bool warm, struct judged *out)
{
    return judge_rows(run, config, warm ? 0 : run->train, run->train, out);
}

bool judge_all(const struct run *run, const struct config *config, struct judged *out)
{
    struct run all = *run;
    all.train = run->n;
    return judge_rows(&all, config, 0, 0, out);
}

void judged_free(struct judged *j)
{
    free(j->score);
    free(j->alarm);
    free(j->unknown);
    free(j->channel);
}

static bool measure(const struct run *run, const struct judged *j, struct andon_arena *arena,
                    struct metrics *m, struct metrics *random)
{
    andon_error err;
    struct prices prices;
    prices_default(&prices);
    struct metrics_input in = {.n = j->rows, .label = j->label, .score = j->score,
                               .alarm = j->alarm,
                               .interval_s = run->interval_s, .group_s = 300.0,
                               .vus_window = run->train > 1000 ? VUS_WINDOW : 0};
    andon_status st = metrics_measure(&in, &prices, arena, m, &err);
    in.vus_window = 0;
    if (st == ANDON_OK) st = metrics_random(&in, &prices, 1, arena, random, &err);
    if (st != ANDON_OK) fprintf(stderr, "%s: %s\n", run->name, err.text);
    return st == ANDON_OK;
}

static struct metrics_counts always(const struct judged *j)
{
    struct metrics_counts c = {0};
    for (size_t i = 0; i < j->rows; i++) {
        c.tp += j->label[i];
        c.fp += !j->label[i];
    }
    return c;
}

bool judged_figures(const struct run *run, const struct judged *j, struct figures *out)
{
    struct andon_arena arena;
    struct metrics m, random;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)4 << 30);
    bool ok = measure(run, j, &arena, &m, &random);
    struct metrics_counts c = counts_rows(j->label, j->alarm, j->rows);
    *out = (struct figures){m.average_precision, m.roc_auc, m.vus_pr, counts_f1(c), counts_far(c),
                            counts_mar(c), counts_f1(always(j)), counts_f1(random.row),
                            random.average_precision};
    andon_arena_free(&arena);
    return ok;
}

/* A copy with the rows of one fold last. */
static struct run fold_last(const struct run *run, const uint8_t *fold, uint8_t held)
{
    struct run r = run_copy(run, 0, run->n, NULL, NULL);
    size_t at = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < run->n; i++) {
            if ((fold[i] == held) != (pass == 1)) continue;
            memcpy(r.value + at * r.channels, run->value + i * r.channels,
                   r.channels * sizeof *r.value);
            r.label[at++] = run->label[i];
            if (pass == 0) r.train = at;
        }
    return r;
}

bool judge_folds(const struct run *run, const struct config *config, size_t folds,
                 struct metrics_counts *counts)
{
    uint8_t *fold = malloc(run->n);
    size_t seen[2] = {0, 0};
    bool ok = true;
    for (size_t i = 0; i < run->n; i++) fold[i] = (uint8_t)(seen[run->label[i]]++ % folds);
    for (size_t f = 0; ok && f < folds; f++) {
        struct run r = fold_last(run, fold, (uint8_t)f);
        struct judged j;
        ok = judge(&r, config, false, &j);
        if (ok) {
            *counts = counts_add(*counts, counts_rows(j.label, j.alarm, j.rows));
            judged_free(&j);
        }
        run_free(&r);
    }
    free(fold);
    return ok;
}

struct sums {
    struct figures mean;
    struct metrics_counts pooled, always, random;
};

static bool judge_one(const struct run *run, const struct config *config, bool warm,
                      struct sums *sums, bool verbose)
{
    struct judged j;
    struct andon_arena arena;
    struct metrics m, random;
    if (!judge(run, config, warm, &j)) return false;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)4 << 30);
    bool ok = measure(run, &j, &arena, &m, &random);
    if (ok) {
        struct metrics_counts c = counts_rows(j.label, j.alarm, j.rows);
        sums->mean.ap += m.average_precision;
        sums->mean.roc += m.roc_auc;
        sums->mean.vus_pr += m.vus_pr;
        sums->mean.f1 += counts_f1(c);
        sums->mean.far += counts_far(c);
        sums->mean.mar += counts_mar(c);
        sums->mean.random_ap += random.average_precision;
        sums->mean.random_f1 += counts_f1(random.row);
        sums->mean.always_f1 += counts_f1(always(&j));
        sums->pooled = counts_add(sums->pooled, c);
        sums->always = counts_add(sums->always, always(&j));
        sums->random = counts_add(sums->random, random.row);
        if (verbose)
            fprintf(stderr, "  %-16s AP %.3f ROC %.3f F1 %.3f FAR %.1f %% MAR %.1f %%\n", run->name,
                    m.average_precision, m.roc_auc, counts_f1(c), 100 * counts_far(c),
                    100 * counts_mar(c));
    }
    andon_arena_free(&arena);
    judged_free(&j);
    return ok;
}

bool judge_set(const struct set *set, const struct config *config, bool warm, bool pooled,
               struct figures *out, bool verbose)
{
    struct sums s = {0};
    for (size_t i = 0; i < set->runs; i++)
        if (!judge_one(&set->run[i], config, warm, &s, verbose)) return false;
    double n = (double)set->runs;
    *out = (struct figures){s.mean.ap / n, s.mean.roc / n, s.mean.vus_pr / n, s.mean.f1 / n,
                            s.mean.far / n, s.mean.mar / n, s.mean.always_f1 / n,
                            s.mean.random_f1 / n, s.mean.random_ap / n};
    if (pooled) {
        out->f1 = counts_f1(s.pooled);
        out->far = counts_far(s.pooled);
        out->mar = counts_mar(s.pooled);
        out->always_f1 = counts_f1(s.always);
        out->random_f1 = counts_f1(s.random);
    }
    return true;
}
