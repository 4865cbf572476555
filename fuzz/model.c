/* Fuzzes the reader of models: any bytes must make a sound model or be refused with one line. What
 * loads judges a few samples and is saved and loaded once more. Length and checksum are put right
 * first, so that damage reaches what stands behind them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "andon/andon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 20, CRC_BYTES = 4, SAMPLES = 4 };
static const size_t scorer_bytes_max = (size_t)64 << 20;

static void must(bool holds)
{
    if (!holds) abort();
}

static void put(uint8_t *at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(v >> (8 * i));
}

/* A copy of exactly its size, so that a sanitizer sees a read beside it. */
static uint8_t *sealed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0));
    must(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    if (size >= HEAD_BYTES + CRC_BYTES) {
        put(copy + 12, size - HEAD_BYTES - CRC_BYTES, 8);
        put(copy + size - CRC_BYTES, andon_crc32c(0, copy, size - CRC_BYTES), 4);
    }
    return copy;
}

/* Usual values, a missing one, values as far out as doubles go, and a machine that is off. */
static double value_at(size_t i, uint32_t c)
{
    static const double far[4] = {1e300, -1e300, 0.0, 1.7976931348623157e308};
    if (i == 1) return c == 0 ? (double)NAN : 1e6 - 7.0 * c;
    return i == 2 ? far[c % 4] : 1.0 + c;
}

static void check_verdict(const struct andon_model *m, const struct andon_verdict *v, bool off)
{
    uint32_t channels = andon_recipe_channels(andon_model_recipe(m));
    must(v->state <= ANDON_UNKNOWN && v->reason <= ANDON_NO_MODEL && v->is_anomaly <= 1);
    must(v->coverage >= 0.0f && v->coverage <= 1.0f);
    must(v->channel < channels || v->channel == ANDON_CHANNEL_NONE);
    must(v->kind == 0 || v->kind < andon_model_classes(m));
    if (off || !(v->coverage > 0.0f)) {
        must(isnan(v->score) && v->state == ANDON_UNKNOWN);
        return;
    }
    must(isfinite(v->score) && v->score >= 0.0);
    must(v->p_value >= 0.0 && v->p_value <= 1.0);
    must(v->share >= 0.0f && v->share <= 1.0001f);
    must(v->confidence >= 0.0f && v->confidence <= 1.0f);
}

static void score(const struct andon_model *m)
{
    static const int64_t ts_ns[SAMPLES] = {0, 60000000000, INT64_MAX, -1};
    static const int8_t running[SAMPLES] = {1, 1, -1, 0};
    static const int32_t regime[SAMPLES] = {0, 1, -1, 0};
    uint32_t channels = andon_recipe_channels(andon_model_recipe(m));
    size_t bytes = andon_scorer_bytes(m, SAMPLES);
    if (bytes > scorer_bytes_max) return;
    double *value = calloc((size_t)SAMPLES * channels, sizeof *value);
    float *share = calloc((size_t)SAMPLES * channels, sizeof *share);
    void *memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    struct andon_verdict verdict[SAMPLES];
    must(value != NULL && share != NULL && memory != NULL);
    for (size_t i = 0; i < SAMPLES; i++)
        for (uint32_t c = 0; c < channels; c++) value[i * channels + c] = value_at(i, c);
    struct andon_series series = {SAMPLES, channels, value, ts_ns, running, regime};
    struct andon_scorer *s = andon_scorer_init(m, SAMPLES, ANDON_KERNEL_PLAIN, memory);
    andon_scorer_run(s, &series, ANDON_EXPLAIN_ALL, verdict, share);
    for (size_t i = 0; i < SAMPLES; i++) check_verdict(m, &verdict[i], running[i] == 0);
    free(memory);
    free(share);
    free(value);
}

/* Saved, loaded and saved again: the same bytes. */
static void save_twice(const struct andon_model *m, struct andon_arena *arena)
{
    struct andon_writer first, second;
    struct andon_model *again = NULL;
    andon_error err = {{0}};
    andon_writer_init(&first, arena);
    andon_model_save(m, &first);
    must(!first.full);
    must(andon_model_load(first.data, first.size, arena, &again, &err) == ANDON_OK);
    andon_writer_init(&second, arena);
    andon_model_save(again, &second);
    must(second.size == first.size && memcmp(second.data, first.data, first.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct andon_arena arena;
    struct andon_model *model = NULL;
    andon_error err = {{0}};
    uint8_t *bytes = sealed(data, size);
    /* Few bytes must not take much room: names and scales are the widest for what they are. */
    andon_arena_init(&arena, andon_allocator_libc(), ((size_t)32 << 20) + 64 * size);
    andon_status st = andon_model_load(bytes, size, &arena, &model, &err);
    free(bytes);
    must(st == ANDON_OK || (st == ANDON_EFORMAT && err.text[0] != 0));
    if (st == ANDON_OK) {
        score(model);
        arena.limit = (size_t)1 << 30;
        save_twice(model, &arena);
    }
    andon_arena_free(&arena);
    return 0;
}
