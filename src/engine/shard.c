/* The scoring threads.
 *
 * Invariants: 1. a row is scored by shard asset % count; 2. a shard's scorers belong to its thread;
 * 3. floor and turn are handed over under the lock and taken back when all shards have said done. */
#include "engine/shard.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { BATCH = 256 };

struct scorer_of { /* one per model */
    struct andon_scorer *scorer;
    void *memory;
};

struct shard {
    struct shards *all;
    uint32_t number;
    pthread_t thread;
    struct scorer_of scorer[MODELS_MAX];
    /* Working columns of one call of a scorer. */
    double *value;
    float *share;
    uint32_t value_room;
    int64_t ts_ns[BATCH];
    int8_t running[BATCH];
    int32_t regime[BATCH];
    struct andon_verdict verdict[BATCH];
    void *machine[BATCH];
    uint32_t row[BATCH];
};

struct shards {
    uint32_t count;
    enum andon_kernel kernel;
    const struct floor *floor;
    struct turn *turn;
    pthread_mutex_t lock;
    pthread_cond_t begin, done;
    uint64_t turns;   /* handed out so far */
    uint32_t working; /* shards not done with the present one */
    bool stop;
    struct shard *shard; /* shard[count] */
    uint32_t *next;      /* next[TURN_ROWS_MAX]: the next row of the same model */
    uint32_t heads, head[MODELS_MAX]; /* the first row of each model in the turn */
    uint64_t seen[MODELS_MAX];        /* the turn that a model was in last       */
    uint32_t last[MODELS_MAX];        /* and its last row there                  */
};

/* The shard's scorer of a model, made when the model is first seen. NULL: no memory. */
static struct andon_scorer *scorer_of(struct shard *s, const struct published *model)
{
    struct scorer_of *at = &s->scorer[model->number];
    if (at->scorer == NULL) {
        size_t bytes = (andon_scorer_bytes(model->model, BATCH) + 63) & ~(size_t)63;
        at->memory = aligned_alloc(64, bytes);
        if (at->memory == NULL) return NULL;
        at->scorer = andon_scorer_init(model->model, BATCH, s->all->kernel, at->memory);
    }
    if (s->value_room < model->channels) {
        free(s->value);
        free(s->share);
        s->value = calloc((size_t)model->channels * BATCH, sizeof *s->value);
        s->share = calloc((size_t)model->channels * BATCH, sizeof *s->share);
        s->value_room = s->value != NULL && s->share != NULL ? model->channels : 0;
    }
    return s->value_room < model->channels ? NULL : at->scorer;
}

/* Judges up to BATCH rows of one model, listed in s->row. */
static void judge(struct shard *s, const struct published *model, const struct floor *floor,
                  struct turn *turn, uint32_t rows)
{
    uint32_t channels = model->channels;
    struct andon_scorer *scorer = scorer_of(s, model);
    if (scorer == NULL) return; /* the verdict stays UNKNOWN */
    for (uint32_t i = 0; i < rows; i++) {
        const struct row *r = &turn->row[s->row[i]];
        memcpy(s->value + (size_t)i * channels, turn->value + r->value, channels * sizeof(double));
        s->machine[i] = floor_asset(floor, r->asset)->machine;
        s->ts_ns[i] = r->ts_ns;
        s->running[i] = r->running;
        s->regime[i] = r->regime;
    }
    struct andon_series series = {rows, channels, s->value, s->ts_ns, s->running, s->regime};
    andon_scorer_run_machines(scorer, s->machine, &series, ANDON_EXPLAIN_ALARMS, s->verdict, s->share);
    for (uint32_t i = 0; i < rows; i++) {
        struct row *r = &turn->row[s->row[i]];
        r->verdict = s->verdict[i];
        memcpy(turn->share + r->share, s->share + (size_t)i * channels, channels * sizeof(float));
    }
}

/* This shard's rows of one model: those from row `first` on, along next[]. */
static void judge_model(struct shard *s, const struct floor *floor, struct turn *turn, uint32_t first)
{
    const struct published *model = floor_asset(floor, turn->row[first].asset)->model;
    uint32_t rows = 0;
    for (uint32_t at = first; at != TURN_NONE; at = s->all->next[at]) {
        if (turn->row[at].asset % s->all->count != s->number) continue;
        s->row[rows++] = at;
        if (rows == BATCH) {
            judge(s, model, floor, turn, rows);
            rows = 0;
        }
    }
    if (rows > 0) judge(s, model, floor, turn, rows);
}

static void work(struct shard *s, const struct floor *floor, struct turn *turn)
{
    for (uint32_t i = 0; i < s->all->heads; i++) judge_model(s, floor, turn, s->all->head[i]);
}

static void *shard_run(void *context)
{
    struct shard *s = context;
    struct shards *all = s->all;
    uint64_t seen = 0;
    pthread_mutex_lock(&all->lock);
    for (;;) {
        while (all->turns == seen && !all->stop) pthread_cond_wait(&all->begin, &all->lock);
        if (all->stop) break;
        seen = all->turns;
        const struct floor *floor = all->floor;
        struct turn *turn = all->turn;
        pthread_mutex_unlock(&all->lock);
        work(s, floor, turn);
        pthread_mutex_lock(&all->lock);
        if (--all->working == 0) pthread_cond_signal(&all->done);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

andon_status shards_open(uint32_t count, enum andon_kernel kernel, struct shards **shards,
                         andon_error *err)
{
    if (count == 0 || count > SHARDS_MAX)
        return andon_fail(err, ANDON_EINVAL, "shards: found %u, expected 1 to %u", (unsigned)count,
                          SHARDS_MAX);
    struct shards *all = calloc(1, sizeof *all);
    if (all == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for shards");
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->begin, NULL);
    pthread_cond_init(&all->done, NULL);
    all->kernel = kernel;
    all->shard = calloc(count, sizeof *all->shard);
    all->next = calloc(TURN_ROWS_MAX, sizeof *all->next);
    uint32_t started = 0;
    andon_status st = ANDON_OK;
    if (all->shard == NULL || all->next == NULL)
        st = andon_fail(err, ANDON_ENOMEM, "no memory for shards");
    for (uint32_t k = 0; st == ANDON_OK && k < count; k++) {
        all->shard[k] = (struct shard){.all = all, .number = k};
        if (k > 0 && pthread_create(&all->shard[k].thread, NULL, shard_run, &all->shard[k]) != 0)
            st = andon_fail(err, ANDON_ENOMEM, "no thread for shard %u", (unsigned)k);
        else started = k + 1;
    }
    all->count = started; /* read by the shards only once a turn is handed out */
    if (st == ANDON_OK) *shards = all;
    else shards_close(all);
    return st;
}

void shards_close(struct shards *all)
{
    if (all == NULL) return;
    pthread_mutex_lock(&all->lock);
    all->stop = true;
    pthread_cond_broadcast(&all->begin);
    pthread_mutex_unlock(&all->lock);
    for (uint32_t k = 1; k < all->count; k++) pthread_join(all->shard[k].thread, NULL);
    for (uint32_t k = 0; k < all->count; k++) {
        for (uint32_t m = 0; m < MODELS_MAX; m++) free(all->shard[k].scorer[m].memory);
        free(all->shard[k].value);
        free(all->shard[k].share);
    }
    free(all->shard);
    free(all->next);
    pthread_cond_destroy(&all->begin);
    pthread_cond_destroy(&all->done);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

/* Strings the rows of each model together, in order. */
static void string_rows(struct shards *all, const struct floor *floor, const struct turn *turn)
{
    all->heads = 0;
    for (uint32_t i = 0; i < turn->rows; i++) {
        if (turn->row[i].value == TURN_NONE) continue;
        uint32_t m = floor_asset(floor, turn->row[i].asset)->model->number;
        if (all->seen[m] == all->turns) all->next[all->last[m]] = i;
        else all->head[all->heads++] = i;
        all->seen[m] = all->turns;
        all->last[m] = i;
        all->next[i] = TURN_NONE;
    }
}

void shards_score(struct shards *all, const struct floor *floor, struct turn *turn)
{
    pthread_mutex_lock(&all->lock);
    all->turns++;
    string_rows(all, floor, turn);
    all->floor = floor;
    all->turn = turn;
    all->working = all->count - 1;
    if (all->working > 0) pthread_cond_broadcast(&all->begin);
    pthread_mutex_unlock(&all->lock);
    work(&all->shard[0], floor, turn);
    pthread_mutex_lock(&all->lock);
    while (all->working > 0) pthread_cond_wait(&all->done, &all->lock);
    pthread_mutex_unlock(&all->lock);
}
