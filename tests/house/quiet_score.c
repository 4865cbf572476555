/* Scoring allocates nothing: every door to the heap is counted while a scorer runs. The counting ones
 * stand in this program, so that calls from the C library (qsort may take memory) are seen as well. */
#include <math.h>

#include "andon/andon.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define HEAP_IS_OURS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_OURS 0
#endif
#endif
#ifndef HEAP_IS_OURS
#define HEAP_IS_OURS 1
#endif

static size_t taken;

#if HEAP_IS_OURS
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);

void *malloc(size_t bytes)
{
    taken++;
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    taken++;
    return __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    taken++;
    return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    taken++;
    return __libc_memalign(align, bytes);
}

int posix_memalign(void **at, size_t align, size_t bytes)
{
    taken++;
    *at = __libc_memalign(align, bytes);
    return *at == NULL ? 12 : 0;
}
#endif

enum { ROWS = 1500, CHANNELS = 4, BATCH = 200 };

static double value[ROWS * CHANNELS];
static int32_t label[ROWS], regime[ROWS];
static int8_t running[ROWS];

static void make_rows(void)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 3);
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = i % 100 > 94;
        regime[i] = (int32_t)(i / 40 % 2);
        running[i] = i % 300 > 4;
        for (size_t c = 0; c < CHANNELS; c++)
            value[i * CHANNELS + c] = sin((double)i / (9.0 + (double)c)) +
                                      0.2 * andon_rng_normal(&rng) + 4.0 * label[i];
        if (i % 333 == 17) value[i * CHANNELS + 1] = NAN;
    }
}

static struct andon_model *fit(const char *detector, struct andon_arena *arena,
                               struct andon_arena *scratch, andon_error *err)
{
    static const char *const channel[CHANNELS] = {"a", "b", "c", "d"};
    static const char *const names[2] = {"one", "two"}, *const kinds[2] = {"normal", "fault"};
    const struct andon_detector *det = andon_detector_named(detector);
    bool supervised = det != NULL && (det->traits & ANDON_SUPERVISED) != 0;
    struct andon_model *model = NULL;
    struct andon_training training = {
        .schema = {.channels = CHANNELS, .channel = channel, .regimes = 2, .regime = names},
        .series = {.n = ROWS, .channels = CHANNELS, .value = value, .running = running,
                   .regime = regime},
        .label = label,
        .classes = 2,
        .class_name = kinds,
        .detector = supervised || det != NULL ? detector : "ensemble",
        .budget_per_day = 3.0,
        .interval_s = 60.0,
        .seed = 5,
        .kernel = andon_kernel_best()};
    return andon_model_fit(&training, scratch, arena, &model, err) == ANDON_OK ? model : NULL;
}

/* Rows one by one, then in batches; returns how often the heap was asked. */
static size_t score(const struct andon_model *model, enum andon_kernel kernel,
                    enum andon_explain explain, void *memory)
{
    static struct andon_verdict verdict[BATCH];
    static float share[BATCH * CHANNELS];
    size_t before = taken;
    struct andon_scorer *scorer = andon_scorer_init(model, BATCH, kernel, memory);
    for (size_t at = 0, n = 1; at < ROWS; at += n) {
        n = at < BATCH ? 1 : at + BATCH <= ROWS ? BATCH : ROWS - at;
        struct andon_series s = {.n = n, .channels = CHANNELS, .value = value + at * CHANNELS,
                                 .running = running + at, .regime = regime + at};
        andon_scorer_run(scorer, &s, explain, verdict, share);
    }
    return taken - before;
}

static void check_detector(const char *detector)
{
    struct andon_arena arena, scratch;
    andon_error err = {{0}};
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 30);
    andon_arena_init(&scratch, andon_allocator_libc(), (size_t)1 << 30);
    const struct andon_model *model = fit(detector, &arena, &scratch, &err);
    void *memory = model == NULL ? NULL
                                 : andon_arena_take(&arena, andon_scorer_bytes(model, BATCH));
    if (memory == NULL) test_fail(__FILE__, __LINE__, "%s: %s", detector, err.text);
    for (int k = 0; memory != NULL && k < ANDON_KERNELS; k++) {
        if (!andon_kernel_usable((enum andon_kernel)k)) continue;
        for (int explain = ANDON_EXPLAIN_NONE; explain <= ANDON_EXPLAIN_ALL; explain++) {
            size_t times = score(model, (enum andon_kernel)k, (enum andon_explain)explain, memory);
            if (times > 0)
                test_fail(__FILE__, __LINE__, "%s, kernel %s, explain %d: %zu times", detector,
                          andon_kernel_name((enum andon_kernel)k), explain, times);
        }
    }
    andon_arena_free(&scratch);
    andon_arena_free(&arena);
}

TEST(scoring_never_asks_the_heap)
{
    if (!HEAP_IS_OURS) SKIP("a sanitizer owns the heap");
    make_rows();
    for (size_t i = 0; i < andon_detector_count(); i++)
        check_detector(andon_detector_at(i)->name);
    check_detector("ensemble");
}

TEST(the_counter_counts)
{
    if (!HEAP_IS_OURS) SKIP("a sanitizer owns the heap");
    size_t before = taken;
    struct andon_arena arena;
    andon_arena_init(&arena, andon_allocator_libc(), 1 << 20);
    CHECK(andon_arena_take(&arena, 100) != NULL);
    andon_arena_free(&arena);
    CHECK(taken > before);
}
