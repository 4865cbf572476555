/* One machine's place in a model: samples in, verdicts out. Owned by one thread.
 *
 * What is remembered from row to row, the machine, is one flat block without pointers: struct machine,
 * smoother, the recipe's memory, how channels stand still, follow's memory, each member's memory. The scorer adds working
 * rows to that, and can be moved from machine to machine. */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "verdict/ensemble.h"
#include "verdict/follow.h"
#include "verdict/model.h"

struct machine {
    uint64_t above;   /* the last 64 judged rows, newest in bit 0: score above 1? */
    uint32_t alarmed; /* 1: the last judged row was an anomaly       */
    uint32_t calm;    /* rows in succession low enough to end it     */
};

struct andon_scorer {
    const struct andon_model *model;
    enum andon_kernel kernel;
    size_t batch_max;
    struct machine *machine;
    struct smoother *smoother;
    void *recipe_memory, *follow_memory;
    void *member_memory[ANDON_MEMBERS_MAX];
    double *last, *rests; /* [channels] each: last value, rows that it has stood */
    double *rests_max;    /* [channels]: how long it may                   */
    float *x;             /* x[batch_max][features], judged rows first     */
    float *picked;        /* picked[batch_max][features]: rows to explain  */
    uint8_t *missing;     /* missing[channels] of the present sample       */
    uint8_t *gone;        /* gone[features] of the present sample          */
    double *sample;       /* sample[channels], without what is frozen      */
    uint8_t *warm;        /* warm[batch_max]                               */
    struct followed *followed; /* followed[batch_max]                      */
    uint32_t *row;        /* row[batch_max]: which samples are judged      */
    double *said;         /* said[members][batch_max]: raw scores, then compressed ones */
    float *share;         /* share[members][batch_max][features]           */
    double *again;        /* again[batch_max]: scores of explained rows    */
    uint32_t *pick;       /* pick[batch_max]: judged rows to explain       */
    float *channel_share; /* [channels], when the caller wants the leading channel alone */
    float *probability;   /* probability[batch_max][classes]               */
    void *scratch;
};

static size_t place(size_t *at, size_t bytes)
{
    size_t here = *at;
    *at += (bytes + 63) & ~(size_t)63;
    return here;
}

static size_t scratch_bytes(const struct andon_model *m, size_t n)
{
    size_t most = 0;
    for (uint32_t k = 0; k < m->members; k++) {
        size_t bytes = m->member[k].detector->scratch_bytes(m->member[k].model, n);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static size_t memory_bytes(const struct member *m)
{
    return m->detector->memory_bytes == NULL ? 0 : m->detector->memory_bytes(m->model);
}

/* The machine's parts in their order; with s == NULL only measures them. */
static size_t lay_out_machine(const struct andon_model *m, struct andon_scorer *s, char *base)
{
    size_t at = 0;
    size_t machine = place(&at, sizeof(struct machine));
    size_t smooth = m->options.smooth > 1 ? (size_t)m->options.smooth : 0;
    size_t smoother = place(&at, offsetof(struct smoother, u) + smooth * sizeof(double));
    size_t recipe = place(&at, andon_recipe_memory_bytes(m->recipe));
    size_t last = place(&at, andon_recipe_channels(m->recipe) * sizeof(double));
    size_t rests = place(&at, andon_recipe_channels(m->recipe) * sizeof(double));
    size_t follow = place(&at, m->follow != NULL ? follow_memory_bytes(m->follow) : 0);
    if (s != NULL) {
        s->machine = (void *)(base + machine);
        s->smoother = (void *)(base + smoother);
        s->recipe_memory = base + recipe;
        s->last = (void *)(base + last);
        s->rests = (void *)(base + rests);
        s->follow_memory = base + follow;
    }
    for (uint32_t k = 0; k < m->members; k++) {
        size_t memory = place(&at, memory_bytes(&m->member[k]));
        if (s != NULL) s->member_memory[k] = memory_bytes(&m->member[k]) ? base + memory : NULL;
    }
    return at;
}

enum { PARTS = 15 };

/* Lays the block out; with s == NULL only measures it. */
static size_t lay_out(const struct andon_model *m, size_t n, struct andon_scorer *s)
{
    size_t at = 0, end;
    place(&at, sizeof *s);
    char *base = (char *)s;
    uint32_t features = andon_recipe_features(m->recipe);
    uint32_t channels = andon_recipe_channels(m->recipe);
    size_t part[PARTS] = {
        n * features * sizeof(float),
        n * features * sizeof(float),
        channels,
        n,
        n * sizeof(uint32_t),
        m->members * n * sizeof(double),
        m->members * n * features * sizeof(float),
        n * sizeof(double),
        n * sizeof(uint32_t),
        channels * sizeof(float),
        n * m->classes * sizeof(float),
        n * sizeof(struct followed),
        features,
        channels * sizeof(double),
        channels * sizeof(double),
    };
    size_t where[PARTS];
    for (int i = 0; i < PARTS; i++) where[i] = place(&at, part[i]);
    end = place(&at, scratch_bytes(m, n));
    if (s != NULL) {
        s->x = (void *)(base + where[0]);
        s->picked = (void *)(base + where[1]);
        s->missing = (void *)(base + where[2]);
        s->warm = (void *)(base + where[3]);
        s->row = (void *)(base + where[4]);
        s->said = (void *)(base + where[5]);
        s->share = (void *)(base + where[6]);
        s->again = (void *)(base + where[7]);
        s->pick = (void *)(base + where[8]);
        s->channel_share = (void *)(base + where[9]);
        s->probability = (void *)(base + where[10]);
        s->followed = (void *)(base + where[11]);
        s->gone = (void *)(base + where[12]);
        s->sample = (void *)(base + where[13]);
        s->rests_max = (void *)(base + where[14]);
        s->scratch = base + end;
    }
    at += lay_out_machine(m, s, s != NULL ? base + at : NULL);
    return at;
}

/* A channel that never rested for more than RESTLESS_ROWS in training is frozen when it stands still
 * for this many times its longest rest. Channels that do rest at times may rest longer. */
enum { RESTLESS_ROWS = 20, FROZEN_TIMES = 10, FROZEN_ROWS_MIN = 60 };

static double rest_rows_max(uint32_t longest)
{
    if (longest > RESTLESS_ROWS) return INFINITY;
    return longest * FROZEN_TIMES > FROZEN_ROWS_MIN ? longest * FROZEN_TIMES : FROZEN_ROWS_MIN;
}

size_t andon_scorer_bytes(const struct andon_model *model, size_t batch_max)
{
    return lay_out(model, batch_max, NULL);
}

size_t andon_machine_bytes(const struct andon_model *model)
{
    return lay_out_machine(model, NULL, NULL);
}

void andon_machine_init(const struct andon_model *model, void *machine)
{
    struct andon_scorer s = {.model = model};
    memset(machine, 0, andon_machine_bytes(model));
    lay_out_machine(model, &s, machine);
    andon_recipe_memory_init(model->recipe, s.recipe_memory);
    if (model->follow != NULL) follow_memory_init(model->follow, s.follow_memory);
    for (uint32_t k = 0; k < model->members; k++)
        if (s.member_memory[k] != NULL)
            model->member[k].detector->memory_init(model->member[k].model, s.member_memory[k]);
    for (uint32_t c = 0; c < andon_recipe_channels(model->recipe); c++) s.last[c] = NAN;
}

static void *moved(void *part, intptr_t by)
{
    return part == NULL ? NULL : (void *)((intptr_t)part + by);
}

/* All machines of a model are laid out alike, so every part moves as far as the whole. */
void andon_scorer_attach(struct andon_scorer *s, void *machine)
{
    intptr_t by = (intptr_t)machine - (intptr_t)s->machine;
    if (by == 0) return;
    s->machine = machine;
    s->smoother = moved(s->smoother, by);
    s->recipe_memory = moved(s->recipe_memory, by);
    s->last = moved(s->last, by);
    s->rests = moved(s->rests, by);
    s->follow_memory = moved(s->follow_memory, by);
    for (uint32_t k = 0; k < s->model->members; k++)
        s->member_memory[k] = moved(s->member_memory[k], by);
}

struct andon_scorer *andon_scorer_init(const struct andon_model *model, size_t batch_max,
                                       enum andon_kernel kernel, void *memory)
{
    struct andon_scorer *s = memory;
    memset(memory, 0, andon_scorer_bytes(model, batch_max));
    s->model = model;
    s->batch_max = batch_max;
    s->kernel = kernel;
    lay_out(model, batch_max, s);
    for (uint32_t c = 0; c < andon_recipe_channels(model->recipe); c++)
        s->rests_max[c] = rest_rows_max(model->longest_run[c]);
    andon_machine_init(model, s->machine);
    return s;
}

typedef double pair __attribute__((vector_size(16)));
typedef int64_t pair_bits __attribute__((vector_size(16)));

static inline pair either(pair_bits which, pair a, pair b)
{
    return (pair)(((pair_bits)a & which) | ((pair_bits)b & ~which));
}

/* Two channels; the top bit where one has stood for too long. */
static inline pair_bits two_rest(const double *value, double *last, double *rests, const double *most)
{
    pair now, before, rows, longest;
    memcpy(&now, value, sizeof now);
    memcpy(&before, last, sizeof before);
    memcpy(&rows, rests, sizeof rows);
    memcpy(&longest, most, sizeof longest);
    pair_bits there = (pair_bits)(now == now), same = (pair_bits)(now == before);
    rows = either(there, (pair)((pair_bits)(rows + 1.0) & same), rows);
    before = either(there, now, before);
    memcpy(rests, &rows, sizeof rows);
    memcpy(last, &before, sizeof before);
    return there & (pair_bits)(longest - rows);
}

/* Counts how long each channel has stood; true when one has for too long to be believed. */
static bool any_frozen(struct andon_scorer *s, const double *value, uint32_t channels)
{
    double *last = s->last, *rests = s->rests, *most = s->rests_max;
    pair_bits any = {0};
    uint32_t c = 0;
    for (; c + 2 <= channels; c += 2) any |= two_rest(value + c, last + c, rests + c, most + c);
    if (c < channels) {
        double v[2] = {value[c], NAN}, l[2] = {last[c]}, r[2] = {rests[c]}, m[2] = {most[c]};
        any |= two_rest(v, l, r, m);
        last[c] = l[0];
        rests[c] = r[0];
    }
    return (any[0] | any[1]) < 0;
}

/* The row without what is frozen. */
static const double *without_frozen(struct andon_scorer *s, const double *value, uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c++)
        s->sample[c] = s->rests[c] > s->rests_max[c] ? (double)NAN : value[c];
    return s->sample;
}

static float coverage(const uint8_t *missing, uint32_t channels)
{
    uint32_t gone = 0;
    if (memchr(missing, 1, channels) == NULL) return 1.0f;
    for (uint32_t c = 0; c < channels; c++) gone += missing[c];
    return (float)(channels - gone) / (float)channels;
}

static struct andon_verdict unjudged(enum andon_reason reason, float covered)
{
    return (struct andon_verdict){.score = NAN, .p_value = NAN, .share = NAN, .confidence = 0.0f,
                                  .coverage = covered, .channel = ANDON_CHANNEL_NONE,
                                  .state = ANDON_UNKNOWN, .reason = (uint8_t)reason};
}

/* Which features a missing channel takes with it; NULL when every channel is there. */
static const uint8_t *gone_features(struct andon_scorer *s, const uint8_t *missing, float covered)
{
    const struct andon_feature *feature = andon_recipe_feature(s->model->recipe);
    if (!(covered < 1.0f)) return NULL;
    for (uint32_t f = 0; f < andon_recipe_features(s->model->recipe); f++)
        s->gone[f] = missing[feature[f].channel[0]] | missing[feature[f].channel[1]];
    return s->gone;
}

/* Puts the deviation of row x from the present normal at to; without follow, x stands there. */
static void compare(struct andon_scorer *s, size_t judged, const float *x, float covered, float *to)
{
    s->followed[judged] = (struct followed){0};
    if (s->model->follow != NULL)
        s->followed[judged] = follow_row(s->model->follow, s->follow_memory, x,
                                         gone_features(s, s->missing, covered), to, s->kernel);
    s->warm[judged] = andon_recipe_warm(s->model->recipe, s->recipe_memory);
}

/* Applies the recipe, settles what cannot be judged and moves the rows that can to the front of x.
 * Returns how many those are. */
static size_t gather(struct andon_scorer *s, void *const *machine,
                     const struct andon_series *series, struct andon_verdict *verdict)
{
    const struct andon_recipe *recipe = s->model->recipe;
    uint32_t channels = andon_recipe_channels(recipe);
    size_t judged = 0;
    for (size_t i = 0; i < series->n; i++) {
        const double *value = series->value + i * series->channels;
        if (machine != NULL) andon_scorer_attach(s, machine[i]);
        bool off = series->running != NULL && series->running[i] == 0;
        bool frozen = !off && any_frozen(s, value, channels);
        if (frozen) value = without_frozen(s, value, channels);
        struct andon_series one = {1, channels, value, series->ts_ns ? series->ts_ns + i : NULL,
                                   series->running ? series->running + i : NULL,
                                   series->regime ? series->regime + i : NULL};
        float *to = s->x + judged * andon_recipe_features(recipe);
        float *x = s->model->follow != NULL ? s->picked : to;
        andon_recipe_apply(recipe, s->recipe_memory, &one, x, s->missing);
        float covered = coverage(s->missing, channels);
        enum andon_reason reason = off              ? ANDON_MACHINE_OFF
                                   : frozen         ? ANDON_FROZEN
                                   : covered < 1.0f ? ANDON_BAD_QUALITY
                                                    : ANDON_REASON_NONE;
        verdict[i] = unjudged(reason, covered);
        if (off || !(covered > 0.0f)) continue;
        compare(s, judged, x, covered, to);
        s->row[judged++] = (uint32_t)i;
    }
    return judged;
}

/* An anomaly begins when enough of the last rows stand above the level and ends after some calm
 * ones. over is u beyond the level: the distance from the nearest normal decides, not the score,
 * which keeps rows of an accepted normal just below 1. */
static bool alarmed(struct andon_scorer *s, double over, bool warm)
{
    const struct verdict_options *o = &s->model->options;
    struct machine *m = s->machine;
    m->above = (m->above << 1) | (over > 0.0 && warm);
    uint64_t above = m->above & (UINT64_MAX >> (64 - o->of));
    if (above != 0 && __builtin_popcountll(above) >= o->confirm) {
        m->alarmed = 1;
        m->calm = 0;
    } else if (m->alarmed) {
        m->calm = over <= -o->off ? m->calm + 1 : 0;
        m->alarmed = m->calm < (uint64_t)o->hold;
    }
    return m->alarmed;
}

/* What a judged row is called, once its score is known. verdict->reason holds what gather found. */
static void decide(struct andon_scorer *s, struct andon_verdict *v, double over, bool warm,
                   bool settled)
{
    v->is_anomaly = alarmed(s, over, warm);
    if (isnan(v->score) && v->reason == ANDON_REASON_NONE) v->reason = ANDON_BAD_QUALITY;
    if (v->is_anomaly) {
        v->state = ANDON_ANOMALY;
        if (settled) v->reason = ANDON_OUT_OF_REGIME;
        return;
    }
    if (v->reason == ANDON_REASON_NONE && !warm) v->reason = ANDON_WARMING_UP;
    v->state = v->reason == ANDON_REASON_NONE ? ANDON_NORMAL : ANDON_UNKNOWN;
}

static float *share_of(const struct andon_scorer *s, uint32_t k, size_t j)
{
    size_t features = andon_recipe_features(s->model->recipe);
    return s->share + ((size_t)k * s->batch_max + j) * features;
}

/* Members with a memory explain while they score, because later the memory has moved on. */
static void score_members(struct andon_scorer *s, size_t judged, bool explain)
{
    const struct andon_model *m = s->model;
    struct andon_rows rows = {s->x, judged, andon_recipe_features(m->recipe)};
    for (uint32_t k = 0; k < m->members; k++) {
        float *share = explain && s->member_memory[k] != NULL ? share_of(s, k, 0) : NULL;
        double *said = s->said + (size_t)k * s->batch_max;
        m->member[k].detector->score(m->member[k].model, s->member_memory[k], rows, said, share,
                                     s->scratch, s->kernel);
        for (size_t j = 0; j < judged; j++)
            said[j] = compression_apply(&m->member[k].compression, said[j]);
    }
}

static void explain_member(struct andon_scorer *s, uint32_t k, const uint32_t *pick, size_t picks)
{
    const struct member *m = &s->model->member[k];
    uint32_t features = andon_recipe_features(s->model->recipe);
    if (s->member_memory[k] != NULL || picks == 0) return;
    for (size_t i = 0; i < picks; i++)
        memcpy(s->picked + i * features, s->x + (size_t)pick[i] * features,
               features * sizeof(float));
    struct andon_rows rows = {s->picked, picks, features};
    /* The shares land densely; spread them from the back, where no unread one is overwritten. */
    m->detector->score(m->model, NULL, rows, s->again, share_of(s, k, 0), s->scratch, s->kernel);
    for (size_t i = picks; i > 0; i--)
        memmove(share_of(s, k, pick[i - 1]), share_of(s, k, i - 1), features * sizeof(float));
}

/* Adds up what the members say of row j, from features back to channels. */
static void attribute(const struct andon_scorer *s, size_t j, float *channel_share)
{
    const struct andon_model *m = s->model;
    uint32_t channels = andon_recipe_channels(m->recipe);
    uint32_t features = andon_recipe_features(m->recipe);
    const struct andon_feature *feature = andon_recipe_feature(m->recipe);
    double sum = 0.0;
    for (uint32_t c = 0; c < channels; c++) channel_share[c] = 0.0f;
    for (uint32_t k = 0; k < m->members; k++) {
        const float *share = share_of(s, k, j);
        double voice = ensemble_voice(m, k, s->said[(size_t)k * s->batch_max + j]);
        for (uint32_t f = 0; f < features; f++) {
            double part = voice * (double)share[f];
            channel_share[feature[f].channel[0]] += (float)(0.5 * part);
            channel_share[feature[f].channel[1]] += (float)(0.5 * part);
        }
    }
    for (uint32_t c = 0; c < channels; c++) sum += (double)channel_share[c];
    for (uint32_t c = 0; c < channels && sum > 0.0; c++)
        channel_share[c] = (float)((double)channel_share[c] / sum);
}

static void lead(struct andon_verdict *v, const float *channel_share, uint32_t channels)
{
    uint32_t top = 0;
    for (uint32_t c = 1; c < channels; c++)
        if (channel_share[c] > channel_share[top]) top = c;
    v->share = channel_share[top];
    v->channel = v->share > 0.0f ? top : ANDON_CHANNEL_NONE;
}

static void explain_rows(struct andon_scorer *s, size_t judged, enum andon_explain explain,
                         struct andon_verdict *verdict, float *share)
{
    uint32_t channels = andon_recipe_channels(s->model->recipe);
    uint32_t *pick = s->pick;
    size_t picks = 0;
    for (size_t j = 0; j < judged; j++)
        if (explain == ANDON_EXPLAIN_ALL || verdict[s->row[j]].is_anomaly) pick[picks++] = (uint32_t)j;
    for (uint32_t k = 0; k < s->model->members; k++) explain_member(s, k, pick, picks);
    for (size_t i = 0; i < picks; i++) {
        size_t row = s->row[pick[i]];
        float *to = share != NULL ? share + row * channels : s->channel_share;
        attribute(s, pick[i], to);
        lead(&verdict[row], to, channels);
    }
}

/* The most likely kind of fault of the rows that are anomalous. */
static void name_kinds(struct andon_scorer *s, size_t judged, struct andon_verdict *verdict)
{
    const struct member *m = &s->model->member[0];
    uint32_t classes = s->model->classes;
    if (classes < 2 || m->detector->classify == NULL || s->model->members != 1) return;
    struct andon_rows rows = {s->x, judged, andon_recipe_features(s->model->recipe)};
    m->detector->classify(m->model, rows, s->probability, s->scratch, s->kernel);
    for (size_t j = 0; j < judged; j++) {
        struct andon_verdict *v = &verdict[s->row[j]];
        const float *p = s->probability + j * classes;
        uint32_t top = 1;
        for (uint32_t c = 2; c < classes; c++)
            if (p[c] > p[top]) top = c;
        v->kind = v->is_anomaly ? (uint8_t)top : 0;
    }
}

/* machine[n]: whose row each is; NULL: all of the one that the scorer is at. */
static void judge(struct andon_scorer *s, void *const *machine, const struct andon_series *series,
                  enum andon_explain explain, struct andon_verdict *verdict, float *share)
{
    const struct andon_model *m = s->model;
    uint32_t channels = andon_recipe_channels(m->recipe);
    double said[ANDON_MEMBERS_MAX];
    assert(series->n <= s->batch_max);
    assert(series->channels == channels);
    size_t judged = gather(s, machine, series, verdict);
    score_members(s, judged, explain != ANDON_EXPLAIN_NONE);
    for (size_t i = 0; share != NULL && i < series->n * channels; i++) share[i] = NAN;
    for (size_t j = 0; j < judged; j++) {
        struct andon_verdict *v = &verdict[s->row[j]];
        if (machine != NULL) andon_scorer_attach(s, machine[s->row[j]]);
        for (uint32_t k = 0; k < m->members; k++) said[k] = s->said[(size_t)k * s->batch_max + j];
        double u = ensemble_u(m, said);
        if (m->options.smooth > 1)
            u = smoother_push(s->smoother, (uint32_t)m->options.smooth, u);
        v->score = calibration_score(&m->calibration, u, s->followed[j].excess);
        v->p_value = calibration_p_value(&m->calibration, u);
        v->share = 0.0f;
        decide(s, v, u - m->calibration.level, s->warm[j], s->followed[j].settled);
        v->confidence = (float)ensemble_confidence(m, said, v->is_anomaly);
        if (share != NULL)
            memset(share + (size_t)s->row[j] * channels, 0, channels * sizeof *share);
    }
    name_kinds(s, judged, verdict);
    if (explain != ANDON_EXPLAIN_NONE) explain_rows(s, judged, explain, verdict, share);
}

void andon_scorer_run(struct andon_scorer *s, const struct andon_series *series,
                      enum andon_explain explain, struct andon_verdict *verdict, float *share)
{
    judge(s, NULL, series, explain, verdict, share);
}

static bool members_remember(const struct andon_scorer *s)
{
    for (uint32_t k = 0; k < s->model->members; k++)
        if (s->member_memory[k] != NULL) return true;
    return false;
}

void andon_scorer_run_machines(struct andon_scorer *s, void *const *machine,
                               const struct andon_series *series, enum andon_explain explain,
                               struct andon_verdict *verdict, float *share)
{
    if (!members_remember(s)) {
        judge(s, machine, series, explain, verdict, share);
        return;
    }
    /* Members score a batch with one memory: a batch of each machine's rows in succession. */
    for (size_t i = 0, n; i < series->n; i += n) {
        for (n = 1; i + n < series->n && machine[i + n] == machine[i];) n++;
        struct andon_series run = {n, series->channels, series->value + i * series->channels,
                                   series->ts_ns ? series->ts_ns + i : NULL,
                                   series->running ? series->running + i : NULL,
                                   series->regime ? series->regime + i : NULL};
        andon_scorer_attach(s, machine[i]);
        judge(s, NULL, &run, explain, verdict + i, share ? share + i * series->channels : NULL);
    }
}
