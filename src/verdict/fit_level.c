/* Where 1.0 stands: on held-out normal time by the budget, or with labels by out-of-fold F1. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "feature/scale.h"
#include "verdict/ensemble.h"
#include "verdict/fit.h"

enum { WARM_ROWS = 512, FOLDS = 5, SIDE_ROWS_MIN = 10 };

static struct calibration_rule rule_of(const struct lesson *l)
{
    const struct andon_training *t = l->training;
    return (struct calibration_rule){
        .budget_per_day = t->budget_per_day,
        .interval_s = t->interval_s > 0.0 ? t->interval_s : 60.0,
        .interval_known = t->interval_s > 0.0,
        .gap_s = l->model->options.gap_s,
        .tail_from = l->model->options.tail_from,
        .rare = l->model->options.rare,
    };
}

/* Joins the members' raw scores of rows [from, to) into u, smoothed as the scorer does. */
static void join(struct lesson *l, size_t from, size_t to)
{
    struct smoother smoother = {0};
    double said[ANDON_MEMBERS_MAX];
    for (size_t i = from; i < to; i++) {
        for (uint32_t k = 0; k < l->model->members; k++)
            said[k] = compression_apply(&l->model->member[k].compression,
                                        l->raw[(size_t)k * l->rows + i]);
        l->u[i] = ensemble_u(l->model, said);
        if (l->model->options.smooth > 1)
            l->u[i] = smoother_push(&smoother, (uint32_t)l->model->options.smooth, l->u[i]);
    }
}

static void compress_members(struct lesson *l, size_t from, size_t to)
{
    for (uint32_t k = 0; k < l->model->members; k++) {
        const double *raw = l->raw + (size_t)k * l->rows;
        memcpy(l->sorted, raw + from, (to - from) * sizeof *raw);
        l->model->member[k].compression = compression_fit(l->sorted, to - from);
        if (l->model->member[k].detector->traits & ANDON_TAIL_SCORE)
            l->model->member[k].compression.typical = 1.0;
    }
}

/* A member whose scores of new normal time leave their learned level is heard less. */
static void weigh_members(struct lesson *l, size_t from, size_t to)
{
    for (uint32_t k = 0; l->model->members > 1 && k < l->model->members; k++) {
        struct member *m = &l->model->member[k];
        const double *raw = l->raw + (size_t)k * l->rows;
        size_t half = (to - from) / 2;
        memcpy(l->sorted, raw + from, half * sizeof *raw);
        scale_sort(l->sorted, half);
        double early = compression_apply(&m->compression, scale_quantile(l->sorted, half, 0.5));
        memcpy(l->sorted, raw + from + half, (to - from - half) * sizeof *raw);
        scale_sort(l->sorted, to - from - half);
        double late = compression_apply(&m->compression,
                                        scale_quantile(l->sorted, to - from - half, 0.5));
        m->weight /= 1.0 + fabs(late - early) / m->compression.spread;
    }
}

/* The level that scikit-learn's contamination gives: a quantile of the training rows' own scores. */
static andon_status level_by_part(struct lesson *l, const struct calibration_rule *rule)
{
    andon_status st = lesson_score(l, 0, l->rows, 0);
    if (st != ANDON_OK) return st;
    join(l, 0, l->rows);
    memcpy(l->sorted, l->u, l->rows * sizeof *l->u);
    scale_sort(l->sorted, l->rows);
    double level = scale_quantile(l->sorted, l->rows, 1.0 - l->model->options.contamination);
    calibration_move(&l->model->calibration, l->u, l->rows, rule, level);
    return ANDON_OK;
}

/* A score that is a chance by itself needs no tail fitted: the level is the chance that the budget
 * leaves to a row, raised by a tenth at a time while held-out time shows that this is too often. */
static void level_by_chance(struct lesson *l, size_t split, const struct calibration_rule *rule)
{
    struct calibration *c = &l->model->calibration;
    size_t n = l->rows - split;
    double chance = fmin(rule->budget_per_day * rule->interval_s / 86400.0, rule->rare);
    double allowed = fmax(1.0, chance * (double)n);
    double raw = fmax(1e-3, -log10(fmax(DBL_MIN, chance)));
    for (int step = 0; step < 100; step++, raw *= 1.1) {
        double level = compression_apply(&l->model->member[0].compression, raw);
        calibration_move(c, l->u + split, n, rule, level);
        if ((double)c->events <= allowed) return;
    }
}

/* Where held-out time begins; neither side is left with too few rows to measure anything. */
static size_t split_of(const struct lesson *l)
{
    size_t split = (size_t)((double)l->rows * (1.0 - l->model->options.held_out));
    size_t most = l->rows - SIDE_ROWS_MIN;
    return split < SIDE_ROWS_MIN ? SIDE_ROWS_MIN : split > most ? most : split;
}

andon_status lesson_calibrate_held_out(struct lesson *l)
{
    struct andon_model *model = l->model;
    size_t split = split_of(l);
    struct calibration_rule rule = rule_of(l);
    struct andon_arena_mark mark = andon_arena_mark(l->scratch);
    struct andon_arena first; /* the model that only sets the level */
    andon_arena_init(&first, l->scratch->from, l->arena->limit);
    struct andon_arena *arena = model->options.refit ? &first : l->arena;
    andon_status st = lesson_recipe(l, split, arena);
    if (st == ANDON_OK) st = lesson_follow(l, split, arena);
    if (st == ANDON_OK) st = lesson_members(l, 0, split, NULL, arena, 0.0, 0.4);
    if (st == ANDON_OK) st = lesson_score(l, split, l->rows, WARM_ROWS);
    if (st == ANDON_OK) {
        compress_members(l, split, l->rows);
        weigh_members(l, split, l->rows);
        join(l, split, l->rows);
        model->calibration = calibration_fit(l->u + split, l->sorted, l->rows - split, &rule);
        if (model->members == 1 && (model->member[0].detector->traits & ANDON_TAIL_SCORE) != 0)
            level_by_chance(l, split, &rule);
    }
    if (st == ANDON_OK && model->options.refit) {
        andon_arena_rewind(l->scratch, mark);
        st = lesson_recipe(l, l->rows, l->arena);
        if (st == ANDON_OK) st = lesson_follow(l, l->rows, l->arena);
        if (st == ANDON_OK) st = lesson_members(l, 0, l->rows, NULL, l->arena, 0.4, 1.0);
    }
    if (st == ANDON_OK && model->options.contamination > 0.0) st = level_by_part(l, &rule);
    andon_arena_free(&first);
    return st;
}

/* Folds keep what stands together in time together: normal rows by fiftieths, faults by event, or by
 * fifths of the faulty rows where there are fewer events than folds. */
static void deal_folds(const struct lesson *l, uint8_t *fold)
{
    size_t block = l->rows / 50 + 1, normal = 0, fault = 0, faults = 0, event = 0, events = 0;
    for (size_t i = 0; i < l->rows; i++) {
        faults += l->label[i] != 0;
        events += l->label[i] != 0 && (i == 0 || l->label[i - 1] != l->label[i]);
    }
    for (size_t i = 0; i < l->rows; i++) {
        if (l->label[i] == 0) {
            fold[i] = (uint8_t)(normal++ / block % FOLDS);
            continue;
        }
        event += i > 0 && l->label[i - 1] != l->label[i];
        fold[i] = (uint8_t)(events >= FOLDS ? event % FOLDS : fault * FOLDS / faults);
        fault++;
    }
}

static andon_status score_folds(struct lesson *l, const uint8_t *fold, uint8_t *keep)
{
    andon_status st = ANDON_OK;
    for (uint8_t f = 0; st == ANDON_OK && f < FOLDS; f++) {
        struct andon_arena one;
        andon_arena_init(&one, l->scratch->from, l->arena->limit);
        for (size_t i = 0; i < l->rows; i++) keep[i] = fold[i] != f;
        st = lesson_members(l, 0, l->rows, keep, &one, 0.15 * f, 0.15 * (f + 1));
        double *held = l->sorted; /* what the other folds found stays */
        memcpy(held, l->raw, l->rows * sizeof *held);
        if (st == ANDON_OK) st = lesson_score(l, 0, l->rows, 0);
        for (size_t i = 0; i < l->rows; i++)
            if (fold[i] != f) l->raw[i] = held[i];
        andon_arena_free(&one);
    }
    return st;
}

/* The u between two rows at which F1 is best; sorted index by u, highest first. */
static double best_level(const struct lesson *l, uint32_t *order)
{
    size_t positives = 0, caught = 0;
    double best = -1.0, level = 0.0;
    for (size_t i = 0; i < l->rows; i++) positives += l->label[i] > 0;
    for (size_t i = 0; i < l->rows; i++) {
        caught += l->label[order[i]] > 0;
        double next = i + 1 < l->rows ? l->u[order[i + 1]] : l->u[order[i]] - 1.0;
        if (next == l->u[order[i]]) continue;
        double f1 = 2.0 * (double)caught / (double)(i + 1 + positives);
        if (f1 > best) {
            best = f1;
            level = 0.5 * (l->u[order[i]] + next);
        }
    }
    return level;
}

/* Heap order by u, highest first; ties by row, so that the order is the same everywhere. */
static bool before(const struct lesson *l, uint32_t a, uint32_t b)
{
    return l->u[a] > l->u[b] || (!(l->u[a] < l->u[b]) && a < b);
}

static void sift(const struct lesson *l, uint32_t *order, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && before(l, order[child], order[child + 1])) child++;
        if (!before(l, order[root], order[child])) return;
        uint32_t t = order[root];
        order[root] = order[child];
        order[child] = t;
    }
}

static void order_rows(const struct lesson *l, uint32_t *order)
{
    for (size_t i = 0; i < l->rows; i++) order[i] = (uint32_t)i;
    for (size_t i = l->rows / 2; i > 0; i--) sift(l, order, i - 1, l->rows);
    for (size_t i = l->rows; i > 1; i--) {
        uint32_t t = order[0];
        order[0] = order[i - 1];
        order[i - 1] = t;
        sift(l, order, 0, i - 1);
    }
}

andon_status lesson_calibrate_folds(struct lesson *l)
{
    struct andon_model *model = l->model;
    struct calibration_rule rule = rule_of(l);
    andon_status st = lesson_recipe(l, l->rows, l->arena);
    uint8_t *fold = andon_arena_take(l->scratch, l->rows);
    uint8_t *keep = andon_arena_take(l->scratch, l->rows);
    uint32_t *order = andon_arena_array(l->scratch, l->rows, sizeof *order);
    double *normal = andon_arena_array(l->scratch, l->rows, sizeof *normal);
    if (st != ANDON_OK) return st;
    if (fold == NULL || keep == NULL || order == NULL || normal == NULL)
        return andon_fail(l->err, ANDON_ENOMEM, "training: no room for folds of %zu rows", l->rows);
    deal_folds(l, fold);
    st = score_folds(l, fold, keep);
    if (st != ANDON_OK) return st;
    size_t normals = 0;
    for (size_t i = 0; i < l->rows; i++)
        if (l->label[i] == 0) l->sorted[normals++] = l->raw[i];
    model->member[0].compression = compression_fit(l->sorted, normals);
    join(l, 0, l->rows);
    normals = 0;
    for (size_t i = 0; i < l->rows; i++)
        if (l->label[i] == 0) normal[normals++] = l->u[i];
    model->calibration = calibration_fit(normal, l->sorted, normals, &rule);
    order_rows(l, order);
    calibration_move(&model->calibration, normal, normals, &rule, best_level(l, order));
    return lesson_members(l, 0, l->rows, NULL, l->arena, 0.75, 1.0);
}
