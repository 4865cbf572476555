/* make quality DATA=DIR: one table of every check on the public data sets that are in DIR.
 *
 * Rules: causal; one configuration for all series of a set, the shipped default in a second column;
 * labels only ever measure. A set that is not there is skipped, with the reason. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "nab.h"

struct board {
    int failed, skipped, checks;
    bool verbose;
    const char *dir;
};

#define SETTINGS(list) (list), sizeof(list) / sizeof *(list)

static const struct config shipped = {"ensemble", 3.0, NULL, 0};

static const struct andon_setting skab_settings[] = {
    {"window", "10,30"}, {"width_min", "0.2"}, {"hold", "5"}, {"off", "0.2"}};
static const struct andon_setting smd_settings[] = {{"tau", "480"}};
static const struct andon_setting asd_settings[] = {{"window", "5,15"},
                                                    {"width_min", "0.05"},
                                                    {"members", "mahalanobis,knn=3"},
                                                    {"knn.rows_max", "2048"},
                                                    {"rare", "5e-3"}};
static const struct andon_setting ims_settings[] = {{"tau", "100"}};
static const struct andon_setting official_settings[] = {
    {"scale", "none"},      {"compress", "0"},       {"window", "0"}, {"features", "value"},
    {"follow", "no"},       {"contamination", "0.0005"}, {"confirm", "2"}, {"of", "3"},
    {"hold", "1"},          {"off", "0"}};
static const struct andon_setting ai4i_settings[] = {
    {"derive", "dt=Process temperature [K]-Air temperature [K];"
               "power=Torque [Nm]*Rotational speed [rpm];strain=Tool wear [min]*Torque [Nm]"},
    {"hide", "Air temperature [K];Process temperature [K];Tool wear [min]"},
    {"features", "value"},
    {"window", "0"},
    {"follow", "no"},
    {"members", "mahalanobis,knn"}};
static const struct andon_setting ai4i_default[] = {{"window", "0"}, {"follow", "no"}};
static const struct andon_setting forest_settings[] = {
    {"derive", "dt=Process temperature [K]-Air temperature [K];"
               "power=Torque [Nm]*Rotational speed [rpm];strain=Tool wear [min]*Torque [Nm]"}};

static const struct config skab_config = {"ensemble", 3.0, SETTINGS(skab_settings)};
static const struct config smd_config = {"ensemble", 3.0, SETTINGS(smd_settings)};
static const struct config asd_config = {"ensemble", 3.0, SETTINGS(asd_settings)};
static const struct config ims_config = {"ensemble", 0.033, SETTINGS(ims_settings)};
static const struct config official = {"iforest", 3.0, SETTINGS(official_settings)};
static const struct config ai4i_config = {"ensemble", 3.0, SETTINGS(ai4i_settings)};
static const struct config ai4i_shipped = {"ensemble", 3.0, SETTINGS(ai4i_default)};
static const struct config forest_config = {"forest", 3.0, SETTINGS(forest_settings)};

static void header(void)
{
    printf("| check | set's configuration | shipped default | must: configuration / default | "
           "reference | always-alarm | random | must | aim beyond |\n"
           "|---|---|---|---|---|---|---|---|---|\n");
}

static void row(struct board *b, bool must, const char *aim, const char *format, ...)
{
    char cells[700];
    va_list args;
    va_start(args, format);
    vsnprintf(cells, sizeof cells, format, args);
    va_end(args);
    printf("| %s | %s | %s |\n", cells, must ? "reached" : "NOT REACHED", aim);
    fflush(stdout);
    b->checks++;
    b->failed += !must;
}

static void skip(struct board *b, const char *set, const char *why)
{
    printf("| %s | skipped: %s | | | | | | | |\n", set, why);
    b->skipped++;
}

static const char *reached(bool yes)
{
    return yes ? "reached" : "not reached";
}

static bool has_runs(struct board *b, const struct set *set, const char *name)
{
    if (set->runs == 0) skip(b, name, "no files of it below the data directory");
    return set->runs > 0;
}

static void skab_official(struct board *b, const struct set *set)
{
    struct figures f;
    if (!judge_set(set, &official, true, true, &f, b->verbose)) return skip(b, "SKAB", "failed");
    row(b, fabs(f.f1 - 0.29) <= 0.04, "-",
        "SKAB %zu runs, isolation forest, official settings: F1 / FAR / MAR | %.3f / %.1f / %.1f | "
        "- | 0.29 ± 0.04 | 0.29 / 2.6 / 82.9 | %.3f | %.3f",
        set->runs, f.f1, 100 * f.far, 100 * f.mar, f.always_f1, f.random_f1);
}

static void skab_levels(struct board *b, const struct set *set)
{
    struct figures c, d;
    if (!judge_set(set, &skab_config, true, true, &c, b->verbose) ||
        !judge_set(set, &shipped, true, true, &d, b->verbose))
        return skip(b, "SKAB", "failed");
    row(b, c.f1 >= 0.79 && c.far <= 0.28 && d.f1 >= 0.76 && d.far <= 0.32,
        reached(c.f1 >= 0.85 && c.far <= 0.15),
        "SKAB %zu runs, label-free: F1 / FAR / MAR | %.3f / %.1f / %.1f | %.3f / %.1f / %.1f | "
        "0.79 / 28 · 0.76 / 32 | Conv-AE 0.781 / 14.2 / 28.2 | %.3f | %.3f",
        set->runs, c.f1, 100 * c.far, 100 * c.mar, d.f1, 100 * d.far, 100 * d.mar, c.always_f1,
        c.random_f1);
}

/* Every run without its first and last rows, up to 120 of each, seeded. */
static struct set cropped(const struct set *set, uint64_t seed)
{
    struct set out = {set->runs, calloc(set->runs, sizeof(struct run))};
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    for (size_t i = 0; i < set->runs; i++) {
        size_t from = andon_rng_below(&rng, 120), cut = andon_rng_below(&rng, 120);
        out.run[i] = run_copy(&set->run[i], from, set->run[i].n - cut, NULL, NULL);
    }
    return out;
}

static struct set rescaled(const struct set *set, uint64_t seed)
{
    struct set out = {set->runs, calloc(set->runs, sizeof(struct run))};
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    for (size_t i = 0; i < set->runs; i++) {
        double gain[RUN_CHANNELS_MAX], offset[RUN_CHANNELS_MAX];
        for (uint32_t c = 0; c < set->run[i].channels; c++) {
            gain[c] = exp(4.0 * andon_rng_normal(&rng)) * (andon_rng_below(&rng, 2) ? 1.0 : -1.0);
            offset[c] = gain[c] * 100.0 * andon_rng_normal(&rng);
        }
        out.run[i] = run_copy(&set->run[i], 0, set->run[i].n, gain, offset);
    }
    return out;
}

static void skab_copies(struct board *b, const struct set *set)
{
    struct figures plain, plain_d, crop, crop_d, scale, scale_d;
    struct set c = cropped(set, 1), r = rescaled(set, 2);
    bool ok = judge_set(set, &skab_config, true, true, &plain, false) &&
              judge_set(set, &shipped, true, true, &plain_d, false) &&
              judge_set(&c, &skab_config, true, true, &crop, b->verbose) &&
              judge_set(&c, &shipped, true, true, &crop_d, b->verbose) &&
              judge_set(&r, &skab_config, true, true, &scale, false) &&
              judge_set(&r, &shipped, true, true, &scale_d, false);
    set_free(&c);
    set_free(&r);
    if (!ok) return skip(b, "SKAB copies", "failed");
    row(b, crop.f1 >= crop.always_f1 + 0.05 && crop_d.f1 >= crop_d.always_f1 + 0.05, "-",
        "SKAB cropped by up to 120 rows at either end: F1 above always-alarm | %+.3f | %+.3f | "
        "+0.05 | - | %.3f | %.3f",
        crop.f1 - crop.always_f1, crop_d.f1 - crop_d.always_f1, crop.always_f1, crop.random_f1);
    row(b, fabs(scale.f1 - plain.f1) <= 0.02 && fabs(scale_d.f1 - plain_d.f1) <= 0.02, "-",
        "SKAB rescaled and shifted: F1 from unscaled | %+.4f | %+.4f | within 0.02 | - | - | -",
        scale.f1 - plain.f1, scale_d.f1 - plain_d.f1);
}

static void check_skab(struct board *b)
{
    struct set set = set_skab(b->dir);
    if (!has_runs(b, &set, "SKAB")) return;
    skab_official(b, &set);
    skab_levels(b, &set);
    skab_copies(b, &set);
    set_free(&set);
}

static void check_smd(struct board *b)
{
    struct set set = set_machines(b->dir, "smd", 60.0);
    struct figures c, d;
    if (!has_runs(b, &set, "SMD")) return;
    if (judge_set(&set, &smd_config, false, false, &c, b->verbose) &&
        judge_set(&set, &shipped, false, false, &d, b->verbose)) {
        row(b, c.ap >= 0.55 && c.roc >= 0.86 && d.ap >= 0.50 && d.roc >= 0.84,
            reached(c.ap >= 0.65 && c.roc >= 0.90),
            "SMD %zu machines: AP / ROC / VUS-PR | %.3f / %.3f / %.3f | %.3f / %.3f / %.3f | "
            "0.55 / 0.86 · 0.50 / 0.84 | kNN 0.570 / 0.874 | - | %.3f / 0.5",
            set.runs, c.ap, c.roc, c.vus_pr, d.ap, d.roc, d.vus_pr, c.random_ap);
        row(b, c.f1 >= 0.40 && c.far <= 0.10 && d.f1 >= 0.40 && d.far <= 0.10,
            reached(c.f1 >= 0.60 && c.far <= 0.02),
            "SMD label-free: F1 / FAR | %.3f / %.2f %% | %.3f / %.2f %% | 0.40 / 10 %% | "
            "held-out threshold 0.34 / 26 %% | %.3f | %.3f",
            c.f1, 100 * c.far, d.f1, 100 * d.far, c.always_f1, c.random_f1);
    } else {
        skip(b, "SMD", "failed");
    }
    set_free(&set);
}

static void check_asd(struct board *b)
{
    struct set set = set_machines(b->dir, "asd", 300.0);
    struct figures c, d;
    if (!has_runs(b, &set, "ASD")) return;
    if (judge_set(&set, &asd_config, false, false, &c, b->verbose) &&
        judge_set(&set, &shipped, false, false, &d, b->verbose))
        row(b, c.ap >= 0.31 && c.roc >= 0.77 && d.ap >= 0.28 && d.roc >= 0.74,
            reached(c.ap >= 0.42 && c.roc >= 0.84),
            "ASD %zu entities: AP / ROC / VUS-PR (F1 / FAR) | %.3f / %.3f / %.3f (%.3f / %.2f %%) | "
            "%.3f / %.3f / %.3f (%.3f / %.2f %%) | 0.31 / 0.77 · 0.28 / 0.74 | "
            "autoencoder 0.323 / 0.780 | F1 %.3f | %.3f / 0.5",
            set.runs, c.ap, c.roc, c.vus_pr, c.f1, 100 * c.far, d.ap, d.roc, d.vus_pr, d.f1,
            100 * d.far, c.always_f1, c.random_ap);
    else
        skip(b, "ASD", "failed");
    set_free(&set);
}

/* Hours before the end at which six rows in a row have been alarmed, and the channel named then. */
struct warning {
    size_t row;
    double hours;
    uint32_t channel;
};

static struct warning first_warning(const struct run *run, const struct judged *j)
{
    struct warning w = {SIZE_MAX, 0.0, UINT32_MAX};
    size_t streak = 0;
    for (size_t i = 0; i < j->rows && w.row == SIZE_MAX; i++) {
        streak = j->alarm[i] ? streak + 1 : 0;
        if (streak < 6) continue;
        size_t at = run->train + i;
        w = (struct warning){at, (double)(run->n - 1 - at) * run->interval_s / 3600.0,
                             j->channel[i]};
    }
    return w;
}

static void check_ims(struct board *b)
{
    struct set set = set_ims(b->dir);
    struct judged c, d;
    if (!has_runs(b, &set, "IMS test 2")) return;
    const struct run *run = set.run;
    if (judge(run, &ims_config, true, &c) && judge(run, &shipped, true, &d)) {
        struct warning w = first_warning(run, &c), v = first_warning(run, &d);
        bool must = w.row >= 500 && w.hours >= 70.0 && w.channel == 0;
        row(b, must, "-",
            "IMS test 2: hours of warning, row, bearing named | %.1f h, %zu, %u | %.1f h, %zu, %u | "
            "≥ 70 h, ≥ row 500, bearing 1 | 73.8 h | - | -",
            w.hours, w.row, w.channel + 1, v.hours, v.row, v.channel + 1);
        judged_free(&c);
        judged_free(&d);
    } else {
        skip(b, "IMS", "failed");
    }
    set_free(&set);
}

/* AI4I's rows are no time series: learn from all of them without labels, rank them all. */
static bool rank_ai4i(const struct run *run, const struct config *config, double *roc)
{
    struct judged j;
    struct figures f;
    if (!judge_all(run, config, &j)) return false;
    bool ok = judged_figures(run, &j, &f);
    *roc = f.roc;
    judged_free(&j);
    return ok;
}

static void check_ai4i(struct board *b)
{
    struct set set = set_ai4i(b->dir);
    double c = 0.0, d = 0.0;
    if (!has_runs(b, &set, "AI4I")) return;
    if (rank_ai4i(set.run, &ai4i_config, &c) && rank_ai4i(set.run, &ai4i_shipped, &d))
        row(b, c >= 0.86, reached(c >= 0.90),
            "AI4I unsupervised: ROC | %.3f | %.3f | 0.86 | Mahalanobis 0.866 | - | 0.5", c, d);
    else
        skip(b, "AI4I", "failed");
    struct metrics_counts counts = {0};
    if (judge_folds(set.run, &forest_config, 5, &counts))
        row(b, counts_f1(counts) >= 0.85, reached(counts_f1(counts) >= 0.92),
            "AI4I supervised, 5 folds: F1 (precision, recall) | %.3f (%.3f, %.3f) | - | 0.85 | "
            "forest 0.899 | 0.066 | -",
            counts_f1(counts), counts_precision(counts), counts_recall(counts));
    else
        skip(b, "AI4I supervised", "failed");
    set_free(&set);
}

static const struct config level_config = {"level", 3.0, NULL, 0};

/* Each series learns from its probation; NAB's own threshold search does the rest. */
static bool nab_judge(const struct nab_corpus *corpus, const struct config *config, double *figure)
{
    double *score[NAB_SERIES_MAX] = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < corpus->count; i++) {
        const struct nab_series *s = &corpus->series[i];
        struct judged j;
        struct run run = {.n = s->n, .train = s->probation, .channels = 1, .channel = {"value"},
                          .value = s->value, .label = calloc(s->n, 1), .interval_s = 300.0};
        snprintf(run.name, sizeof run.name, "%.63s", s->name);
        ok = judge(&run, config, true, &j);
        free(run.label);
        if (!ok) break;
        score[i] = calloc(s->n, sizeof *score[i]);
        memcpy(score[i] + s->probation, j.score, j.rows * sizeof *score[i]);
        judged_free(&j);
    }
    for (size_t p = 0; ok && p < NAB_PROFILES; p++)
        figure[p] = nab_score(corpus, score, &corpus->profile[p], NULL);
    for (size_t i = 0; i < corpus->count; i++) free(score[i]);
    return ok;
}

static void check_nab(struct board *b)
{
    struct nab_corpus *corpus = calloc(1, sizeof *corpus);
    char dir[512];
    double c[NAB_PROFILES], d[NAB_PROFILES];
    snprintf(dir, sizeof dir, "%s/nab", b->dir);
    if (!nab_open(dir, corpus) || corpus->count == 0)
        skip(b, "NAB", "no files of it below the data directory");
    else if (nab_judge(corpus, &level_config, c) && nab_judge(corpus, &shipped, d))
        row(b, true, reached(c[0] >= 60.0 && c[1] >= 52.0 && c[2] >= 65.0),
            "NAB %zu series: standard / low FP / low FN | %.1f / %.1f / %.1f | %.1f / %.1f / %.1f | "
            "printed, no must | prototype, 58 files: 58.7 / 51.0 / 64.1 | - | -",
            corpus->count, c[0], c[1], c[2], d[0], d[1], d[2]);
    else
        skip(b, "NAB", "failed");
    nab_close(corpus);
    free(corpus);
}

int main(int argc, char **argv)
{
    struct board b = {.dir = argc > 1 ? argv[1] : "", .verbose = argc > 2};
    header();
    check_skab(&b);
    check_smd(&b);
    check_asd(&b);
    check_ims(&b);
    check_ai4i(&b);
    check_nab(&b);
    printf("\n%d checks, %d not reached, %d skipped\n", b.checks, b.failed, b.skipped);
    return b.failed > 0;
}
