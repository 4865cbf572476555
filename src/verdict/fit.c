/* Learning a model: which rows may teach, the recipe, the members, the level, the card. */
#include "verdict/fit.h"

#include <math.h>
#include <string.h>

#include "feature/scale.h"
#include "verdict/follow.h"
#include "verdict/settings.h"

enum { ROWS_MIN = 20, SCORE_ROWS = 1024 };

static andon_status no_room(const struct lesson *l, const char *what)
{
    return andon_fail(l->err, ANDON_ENOMEM, "training: no room for %s of %zu rows", what, l->rows);
}

static bool is_supervised(const struct andon_model *model)
{
    return (model->member[0].detector->traits & ANDON_SUPERVISED) != 0;
}

static bool teaches(const struct andon_training *t, size_t i, bool supervised)
{
    const struct andon_series *s = &t->series;
    if (s->running != NULL && s->running[i] == 0) return false;
    if (t->label != NULL && (supervised ? t->label[i] < 0 : t->label[i] != 0)) return false;
    for (uint32_t c = 0; c < s->channels; c++)
        if (isfinite(s->value[i * s->channels + c])) return true;
    return false;
}

static andon_status pick_rows(struct lesson *l)
{
    const struct andon_training *t = l->training;
    bool supervised = is_supervised(l->model);
    l->row = andon_arena_array(l->scratch, t->series.n, sizeof *l->row);
    l->label = andon_arena_array(l->scratch, t->series.n, sizeof *l->label);
    if (l->row == NULL || l->label == NULL) return no_room(l, "indices");
    for (size_t i = 0; i < t->series.n; i++) {
        if (!teaches(t, i, supervised)) continue;
        l->row[l->rows] = (uint32_t)i;
        l->label[l->rows++] = t->label == NULL ? 0 : t->label[i];
    }
    if (l->rows < ROWS_MIN)
        return andon_fail(l->err, ANDON_EDATA,
                          "%zu of %zu rows are running, present and normal, expected at least %d",
                          l->rows, t->series.n, ROWS_MIN);
    return ANDON_OK;
}

/* A series that is the training's, where only the lesson's first rows run. */
static andon_status mask(struct lesson *l, size_t rows, struct andon_series *series)
{
    *series = l->training->series;
    int8_t *running = andon_arena_take(l->scratch, series->n);
    if (running == NULL) return no_room(l, "a mask");
    for (size_t i = 0; i < rows; i++) running[l->row[i]] = 1;
    series->running = running;
    return ANDON_OK;
}

static andon_status apply_recipe(struct lesson *l)
{
    const struct andon_recipe *recipe = l->model->recipe;
    size_t features = andon_recipe_features(recipe);
    struct andon_series series;
    andon_status st = mask(l, l->rows, &series);
    if (st != ANDON_OK) return st;
    void *memory = andon_arena_take(l->scratch, andon_recipe_memory_bytes(recipe));
    float *away = andon_arena_array(l->scratch, features, sizeof *away);
    l->x = andon_arena_array(l->scratch, l->rows * features, sizeof *l->x);
    if (memory == NULL || away == NULL || l->x == NULL) return no_room(l, "features");
    andon_recipe_memory_init(recipe, memory);
    size_t next = 0;
    for (size_t i = 0; i < series.n; i++) {
        bool taught = next < l->rows && l->row[next] == i;
        struct andon_series one = {1, series.channels, series.value + i * series.channels,
                                   series.ts_ns ? series.ts_ns + i : NULL, series.running + i,
                                   series.regime ? series.regime + i : NULL};
        andon_recipe_apply(recipe, memory, &one, taught ? l->x + next++ * features : away, NULL);
    }
    return ANDON_OK;
}

andon_status lesson_recipe(struct lesson *l, size_t rows, struct andon_arena *arena)
{
    struct andon_series series;
    struct andon_recipe *recipe = NULL;
    andon_status st = mask(l, rows, &series);
    if (st == ANDON_OK)
        st = andon_recipe_fit(&l->training->schema, &series, &l->recipe_options, l->scratch, arena,
                              &recipe, l->err);
    if (st != ANDON_OK) return st;
    l->model->recipe = recipe;
    return apply_recipe(l);
}

/* Rows that did not teach the levels are followed as in scoring; the usual distance of theirs, and a
 * margin, is the limit. */
static andon_status follow_rest(struct lesson *l, struct follow *follow, size_t rows, float *g)
{
    size_t features = follow->d, rest = l->rows - rows;
    void *memory = andon_arena_take(l->scratch, follow_memory_bytes(follow));
    if (memory == NULL) return no_room(l, "levels");
    follow_memory_init(follow, memory);
    for (size_t i = 0; i < rest; i++) {
        size_t at = (rows + i) * features;
        enum andon_kernel kernel = l->training->kernel;
        l->sorted[i] = follow_row(follow, memory, l->x + at, NULL, g + at, kernel).distance;
    }
    if (rest == 0) return ANDON_OK;
    scale_sort(l->sorted, rest);
    l->limit = scale_quantile(l->sorted, rest, 0.99) + 0.2;
    l->usual = scale_quantile(l->sorted, rest, 0.9);
    return ANDON_OK;
}

andon_status lesson_follow(struct lesson *l, size_t rows, struct andon_arena *arena)
{
    const struct follow_options *options = &l->model->options.follow;
    uint32_t features = andon_recipe_features(l->model->recipe);
    struct follow *follow = NULL;
    if (!options->on) return ANDON_OK;
    float *g = andon_arena_array(l->scratch, l->rows * features, sizeof *g);
    if (g == NULL) return no_room(l, "deviations");
    andon_status st = follow_fit((struct andon_rows){l->x, rows, features}, options, l->scratch,
                                 arena, &follow, g, l->err);
    if (st == ANDON_OK) st = follow_rest(l, follow, rows, g);
    if (st != ANDON_OK) return st;
    follow->limit = l->limit;
    follow->usual = l->usual;
    l->model->follow = follow;
    l->x = g;
    return ANDON_OK;
}

/* Reports a member's progress as part of the whole. */
struct stage {
    const struct andon_progress *whole;
    double from, to;
};

static bool tell_stage(void *context, double part)
{
    const struct stage *s = context;
    return andon_progress_stops(s->whole, s->from + part * (s->to - s->from));
}

/* Copies the kept rows together. */
static andon_status keep_rows(struct lesson *l, size_t from, size_t to, const uint8_t *keep,
                              struct andon_fit *in)
{
    size_t features = andon_recipe_features(l->model->recipe), n = 0;
    float *x = andon_arena_array(l->scratch, (to - from) * features, sizeof *x);
    int32_t *label = andon_arena_array(l->scratch, to - from, sizeof *label);
    if (x == NULL || label == NULL) return no_room(l, "a fold");
    for (size_t i = from; i < to; i++) {
        if (!keep[i]) continue;
        memcpy(x + n * features, l->x + i * features, features * sizeof *x);
        label[n++] = l->label[i];
    }
    in->x = (struct andon_rows){x, n, (uint32_t)features};
    in->label = label;
    return ANDON_OK;
}

andon_status lesson_members(struct lesson *l, size_t from, size_t to, const uint8_t *keep,
                            struct andon_arena *arena, double progress_from, double progress_to)
{
    struct andon_model *model = l->model;
    uint32_t features = andon_recipe_features(model->recipe);
    struct andon_arena_mark mark = andon_arena_mark(l->scratch);
    struct andon_fit in = {.x = {l->x + from * features, to - from, features},
                           .label = l->label + from,
                           .classes = model->classes,
                           .feature = andon_recipe_feature(model->recipe),
                           .seed = l->training->seed,
                           .kernel = l->training->kernel,
                           .scratch = l->scratch};
    andon_status st = keep == NULL ? ANDON_OK : keep_rows(l, from, to, keep, &in);
    if (!is_supervised(model)) in.label = NULL;
    for (uint32_t k = 0; st == ANDON_OK && k < model->members; k++) {
        struct member *m = &model->member[k];
        double width = (progress_to - progress_from) / model->members;
        struct stage stage = {&l->training->progress, progress_from + k * width,
                              progress_from + (k + 1) * width};
        in.progress = (struct andon_progress){tell_stage, &stage};
        in.options = m->options;
        st = m->detector->fit(&in, arena, &m->model, l->err);
    }
    andon_arena_rewind(l->scratch, mark);
    return st;
}

static andon_status score_member(struct lesson *l, uint32_t k, size_t from, size_t to, size_t warm)
{
    const struct member *m = &l->model->member[k];
    uint32_t features = andon_recipe_features(l->model->recipe);
    struct andon_arena_mark mark = andon_arena_mark(l->scratch);
    size_t bytes = m->detector->memory_bytes ? m->detector->memory_bytes(m->model) : 0;
    void *memory = bytes > 0 ? andon_arena_take(l->scratch, bytes) : NULL;
    void *scratch = andon_arena_take(l->scratch, m->detector->scratch_bytes(m->model, SCORE_ROWS));
    if (scratch == NULL || (bytes > 0 && memory == NULL)) return no_room(l, "scores");
    if (memory != NULL) m->detector->memory_init(m->model, memory);
    size_t start = memory == NULL || from < warm ? from : from - warm;
    double *raw = l->raw + (size_t)k * l->rows;
    for (size_t i = start; i < to; i += SCORE_ROWS) {
        size_t n = to - i < SCORE_ROWS ? to - i : SCORE_ROWS;
        m->detector->score(m->model, memory, (struct andon_rows){l->x + i * features, n, features},
                           raw + i, NULL, scratch, l->training->kernel);
    }
    andon_arena_rewind(l->scratch, mark);
    return ANDON_OK;
}

andon_status lesson_score(struct lesson *l, size_t from, size_t to, size_t warm)
{
    andon_status st = ANDON_OK;
    for (uint32_t k = 0; st == ANDON_OK && k < l->model->members; k++)
        st = score_member(l, k, from, to, warm);
    return st;
}

static andon_status take_scores(struct lesson *l)
{
    l->raw = andon_arena_array(l->scratch, l->rows * l->model->members, sizeof *l->raw);
    l->u = andon_arena_array(l->scratch, l->rows, sizeof *l->u);
    l->sorted = andon_arena_array(l->scratch, l->rows, sizeof *l->sorted);
    return l->raw == NULL || l->u == NULL || l->sorted == NULL ? no_room(l, "scores") : ANDON_OK;
}

/* How long each channel stood still at most; a channel that never moved is never frozen. */
static andon_status measure_rests(struct lesson *l)
{
    const struct andon_series *s = &l->training->series;
    uint32_t *longest = andon_arena_array(l->arena, s->channels, sizeof *longest);
    if (longest == NULL) return no_room(l, "rests");
    for (uint32_t c = 0; c < s->channels; c++) {
        uint32_t run = 0;
        double last = NAN;
        bool moved = false;
        for (size_t i = 0; i < l->rows; i++) {
            double v = s->value[(size_t)l->row[i] * s->channels + c];
            if (isnan(v)) continue;
            moved = moved || (!isnan(last) && v != last);
            run = v == last ? run + 1 : 0;
            last = v;
            if (run > longest[c]) longest[c] = run;
        }
        if (!moved) longest[c] = UINT32_MAX;
    }
    l->model->longest_run = longest;
    return ANDON_OK;
}

static andon_status name_classes(struct lesson *l)
{
    const struct andon_training *t = l->training;
    struct andon_model *model = l->model;
    model->classes = t->classes > 0 && is_supervised(model) ? t->classes : 0;
    if (is_supervised(model) && (t->label == NULL || model->classes < 2))
        return andon_fail(l->err, ANDON_EDATA, "%s learns from labels: expected normal and "
                          "anomalous rows in a label column", model->detector);
    if (model->classes > ANDON_CLASSES_MAX)
        return andon_fail(l->err, ANDON_ELIMIT, "%u kinds of label, expected at most %u",
                          model->classes, ANDON_CLASSES_MAX);
    model->class_name = andon_arena_array(l->arena, model->classes, sizeof *model->class_name);
    if (model->class_name == NULL) return no_room(l, "kinds");
    for (uint32_t c = 0; c < model->classes; c++) {
        const char *name = t->class_name != NULL ? t->class_name[c] : c == 0 ? "normal" : "fault";
        size_t length = strlen(name) < ANDON_NAME_MAX - 1 ? strlen(name) : ANDON_NAME_MAX - 1;
        memcpy(model->class_name[c], name, length);
    }
    return ANDON_OK;
}

static andon_status learn(struct lesson *l)
{
    struct andon_model *model = l->model;
    andon_status st = settings_apply(l->training, l->arena, model, &l->recipe_options, l->err);
    if (st == ANDON_OK) st = name_classes(l);
    if (st == ANDON_OK) st = pick_rows(l);
    if (st == ANDON_OK) st = take_scores(l);
    if (st == ANDON_OK) st = measure_rests(l);
    if (st == ANDON_OK)
        st = is_supervised(model) ? lesson_calibrate_folds(l) : lesson_calibrate_held_out(l);
    if (st == ANDON_OK) st = card_write(l);
    return st;
}

andon_status andon_model_fit(const struct andon_training *training, struct andon_arena *scratch,
                             struct andon_arena *arena, struct andon_model **model,
                             andon_error *err)
{
    struct andon_arena_mark mark = andon_arena_mark(scratch);
    struct lesson *l = andon_arena_take(scratch, sizeof *l);
    struct andon_model *made = andon_arena_take(arena, sizeof *made);
    if (l == NULL || made == NULL) {
        andon_arena_rewind(scratch, mark);
        return andon_fail(err, ANDON_ENOMEM, "training: no room");
    }
    *l = (struct lesson){.training = training, .scratch = scratch, .arena = arena, .model = made,
                         .err = err};
    andon_status st = ANDON_OK;
    if (!(training->budget_per_day > 0.0) || !isfinite(training->budget_per_day))
        st = andon_fail(err, ANDON_EINVAL, "budget: expected more than 0 false alarms a day");
    else if (!(training->interval_s >= 0.0) || !isfinite(training->interval_s))
        st = andon_fail(err, ANDON_EINVAL, "interval: expected seconds, or 0 when it is unknown");
    else if (training->series.n > UINT32_MAX || training->series.channels != training->schema.channels)
        st = andon_fail(err, ANDON_EINVAL, "training: series and schema differ or too many rows");
    else
        st = learn(l);
    andon_arena_rewind(scratch, mark);
    if (st == ANDON_OK) *model = made;
    return st;
}
