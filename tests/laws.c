/* The laws of every registered detector, tried on seeded random rows of several shapes. A failure
 * says detector, shape and seed; the law goes on with the other detectors. tests/laws_fault.c has
 * the laws about memory that runs out and bytes that are damaged. */
#include "laws.h"

#include <float.h>

enum { SEEDS = 3 };

void laws_for_each(void (*law)(struct rig *), enum laws_extent extent)
{
    for (size_t k = 0; k < andon_detector_count(); k++) {
        const struct andon_detector *det = andon_detector_at(k);
        int failures = test_run.failures;
        for (int s = 0; det != NULL && s < RIG_SHAPES; s++)
            for (uint64_t seed = 1; seed <= (extent == LAWS_ALL ? SEEDS : 1u); seed++) {
                bool here = extent != LAWS_ONE_SHAPE || &rig_shapes[s] == RIG_SMALL;
                if (!here || test_run.failures > failures) continue;
                struct rig rig;
                rig_open(&rig, det, &rig_shapes[s], seed);
                laws_try(&rig, law);
                rig_close(&rig);
            }
    }
}

void laws_try(struct rig *rig, void (*law)(struct rig *))
{
    bool lifeless = rig->shape->kind == RIG_CONSTANT && rig->shape->d == 1;
    if (lifeless && rig->fitted == ANDON_EDATA) return; /* a fair answer to nothing to learn from */
    LAW(rig, rig->fitted == ANDON_OK, "fit gave %s: %s", andon_status_name(rig->fitted),
        rig->err.text);
    law(rig);
}

static bool same(const void *a, const void *b, size_t bytes)
{
    return memcmp(a, b, bytes) == 0;
}

/* Equal bits, but any NaN equals any NaN. */
static bool same_doubles(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!same(&a[i], &b[i], sizeof *a) && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

static bool same_floats(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!same(&a[i], &b[i], sizeof *a) && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

/* -- models ------------------------------------------------------------------------------------- */

static void complete(struct rig *rig)
{
    const struct andon_detector *det = rig->det;
    LAW(rig, det->abi == ANDON_DETECTOR_ABI && det->name[0] != 0 && det->title[0] != 0 &&
                 det->source[0] != 0, "a table without name, title or source");
    LAW(rig, andon_detector_named(det->name) == det, "two detectors of one name");
    LAW(rig, det->options != NULL && det->options_bytes > 0 && det->scratch_bytes != NULL &&
                 det->score != NULL && det->save != NULL && det->load != NULL, "an empty slot");
    LAW(rig, (det->memory_bytes == NULL) == (det->memory_init == NULL), "half a memory");
    LAW(rig, (det->classes != NULL) == (det->classify != NULL), "classes stands with classify");
    LAW(rig, (det->classify != NULL) == ((det->traits & ANDON_SUPERVISED) != 0),
        "classify is for supervised detectors, and for all of them");
}

TEST(every_table_is_complete)
{
    laws_for_each(complete, LAWS_ONE_SHAPE);
}

static void same_bytes(struct rig *rig)
{
    struct andon_writer a, b;
    void *again = NULL;
    andon_writer_init(&a, &rig->work);
    andon_writer_init(&b, &rig->work);
    andon_status st = rig_fit(rig, &rig->scratch, &rig->work, (struct andon_progress){0}, &again);
    LAW(rig, st == ANDON_OK, "the second fit gave %s: %s", andon_status_name(st), rig->err.text);
    rig->det->save(rig->model, &a);
    rig->det->save(again, &b);
    LAW(rig, !a.full && !b.full && a.size > 0, "nothing saved");
    LAW(rig, a.size == b.size && same(a.data, b.data, a.size), "two fits, two byte strings");
}

TEST(the_same_seed_and_rows_give_the_same_bytes)
{
    laws_for_each(same_bytes, LAWS_ALL);
}

static void load_is_save(struct rig *rig)
{
    uint32_t d = rig->shape->d;
    double *before = rig_doubles(rig, RIG_ROWS), *after = rig_doubles(rig, RIG_ROWS);
    float *share = rig_floats(rig, RIG_ROWS * d), *share_after = rig_floats(rig, RIG_ROWS * d);
    struct andon_writer a, b;
    struct andon_reader in;
    void *loaded = NULL;
    andon_writer_init(&a, &rig->work);
    andon_writer_init(&b, &rig->work);
    rig->det->save(rig->model, &a);
    andon_reader_init(&in, a.data, a.size);
    andon_status st = rig->det->load(&in, d, &rig->work, &loaded, &rig->err);
    LAW(rig, st == ANDON_OK, "load gave %s: %s", andon_status_name(st), rig->err.text);
    LAW(rig, andon_reader_left(&in) == 0 && !in.bad, "load left %zu bytes", andon_reader_left(&in));
    rig_fresh(rig, rig->model, rig->rows, RIG_ROWS, before, share);
    rig_fresh(rig, loaded, rig->rows, RIG_ROWS, after, share_after);
    LAW(rig, same_doubles(before, after, RIG_ROWS), "other scores after load");
    LAW(rig, same_floats(share, share_after, RIG_ROWS * d), "other shares after load");
    rig->det->save(loaded, &b);
    LAW(rig, a.size == b.size && same(a.data, b.data, a.size), "save after load gives other bytes");
}

TEST(a_loaded_model_scores_bit_for_bit_like_the_saved_one)
{
    laws_for_each(load_is_save, LAWS_ALL);
}

static bool tell_stop(void *context, double part)
{
    int *told = context;
    *told += part >= 0.0 && part <= 1.0 ? 1 : 1000000;
    return true;
}

static void stops(struct rig *rig)
{
    int told = 0;
    void *model = NULL;
    struct andon_arena_mark mark = andon_arena_mark(&rig->scratch);
    andon_status st = rig_fit(rig, &rig->scratch, &rig->work,
                              (struct andon_progress){tell_stop, &told}, &model);
    LAW(rig, told < 1000000, "progress outside [0, 1]");
    LAW(rig, st == (told > 0 ? ANDON_ESTOP : ANDON_OK), "asked to stop, gave %s",
        andon_status_name(st));
    LAW(rig, rig->scratch.last == mark.chunk, "scratch was not rewound");
}

TEST(a_fit_that_asks_and_is_told_to_stop_stops)
{
    laws_for_each(stops, LAWS_ONE_SHAPE);
}

/* -- scores ------------------------------------------------------------------------------------- */

static void any_split(struct rig *rig)
{
    uint32_t d = rig->shape->d;
    for (int k = 0; k < ANDON_KERNELS; k++) {
        enum andon_kernel kernel = (enum andon_kernel)k;
        if (!andon_kernel_usable(kernel)) continue;
        double *whole = rig_doubles(rig, RIG_ROWS), *part = rig_doubles(rig, RIG_ROWS);
        float *share = rig_floats(rig, RIG_ROWS * d), *share_part = rig_floats(rig, RIG_ROWS * d);
        void *memory = rig_memory(rig, rig->model);
        rig_score(rig, rig->model, memory, rig->rows, RIG_ROWS, whole, share, kernel);
        free(memory);
        for (uint64_t split = 0; split < 4; split++) { /* split 0: row by row */
            struct andon_rng rng = andon_rng_fork(rig->seed, split);
            memory = rig_memory(rig, rig->model);
            for (size_t i = 0, n; i < RIG_ROWS; i += n) {
                n = split == 0 ? 1 : 1 + andon_rng_below(&rng, 20);
                n = n < RIG_ROWS - i ? n : RIG_ROWS - i;
                rig_score(rig, rig->model, memory, rig->rows + i * d, n, part + i,
                          split == 1 ? NULL : share_part + i * d, kernel);
            }
            free(memory);
            LAW(rig, same_doubles(whole, part, RIG_ROWS), "kernel %s, split %d: other scores",
                andon_kernel_name(kernel), (int)split);
            LAW(rig, split == 1 || same_floats(share, share_part, RIG_ROWS * d),
                "kernel %s, split %d: other shares", andon_kernel_name(kernel), (int)split);
        }
    }
}

TEST(rows_score_the_same_bits_alone_and_in_any_split_into_batches)
{
    laws_for_each(any_split, LAWS_ALL);
}

static void any_order(struct rig *rig)
{
    uint32_t d = rig->shape->d, order[RIG_ROWS];
    if (rig->det->memory_bytes != NULL) return;
    double *before = rig_doubles(rig, RIG_ROWS), *after = rig_doubles(rig, RIG_ROWS);
    float *shuffled = rig_floats(rig, RIG_ROWS * d);
    struct andon_rng rng = andon_rng_fork(rig->seed, 9);
    for (uint32_t i = 0; i < RIG_ROWS; i++) order[i] = i;
    andon_rng_shuffle(&rng, order, RIG_ROWS);
    for (size_t i = 0; i < RIG_ROWS; i++)
        memcpy(shuffled + i * d, rig->rows + order[i] * d, d * sizeof *shuffled);
    rig_fresh(rig, rig->model, rig->rows, RIG_ROWS, before, NULL);
    rig_fresh(rig, rig->model, shuffled, RIG_ROWS, after, NULL);
    for (size_t i = 0; i < RIG_ROWS; i++)
        LAW(rig, same_doubles(&before[order[i]], &after[i], 1), "row %u scores %g here, %g there",
            order[i], before[order[i]], after[i]);
}

TEST(without_memory_the_order_of_rows_does_not_matter)
{
    laws_for_each(any_order, LAWS_ALL);
}

static void nan_is_nan(struct rig *rig)
{
    uint32_t d = rig->shape->d;
    enum { HOLES = 5, WITH = RIG_ROWS + HOLES };
    double *whole = rig_doubles(rig, RIG_ROWS), *score = rig_doubles(rig, WITH);
    float *rows = rig_floats(rig, WITH * d), *share = rig_floats(rig, WITH * d);
    for (size_t i = 0, at = 0; i < WITH; i++) { /* every tenth row is new and has a hole */
        bool hole = i % 10 == 3 && i / 10 < HOLES;
        memcpy(rows + i * d, rig->rows + (hole ? i : at) % RIG_ROWS * d, d * sizeof *rows);
        if (hole)
            rows[i * d + i % d] = NAN;
        else
            at++;
    }
    rig_fresh(rig, rig->model, rig->rows, RIG_ROWS, whole, NULL);
    rig_fresh(rig, rig->model, rows, WITH, score, share);
    for (size_t i = 0, at = 0; i < WITH; i++) {
        if (i % 10 == 3 && i / 10 < HOLES) {
            LAW(rig, isnan(score[i]), "a row with a NaN scores %g", score[i]);
            for (uint32_t j = 0; j < d; j++)
                LAW(rig, isnan(share[i * d + j]), "a row with a NaN has share %g",
                    (double)share[i * d + j]);
        } else {
            LAW(rig, same_doubles(&whole[at], &score[i], 1),
                "a NaN before row %zu changes its score from %g to %g", at, whole[at], score[i]);
            at++;
        }
    }
}

TEST(a_row_with_a_nan_scores_nan_and_leaves_no_trace)
{
    laws_for_each(nan_is_nan, LAWS_ALL);
}

static void finite_is_finite(struct rig *rig)
{
    static const float wild[] = {0.0f, -0.0f, FLT_MIN / 4, 1e6f, -1e6f, 1e15f, -1e19f, 1e25f,
                                 -1e30f, 1e38f, FLT_MAX, -FLT_MAX, 1.0f};
    enum { WILD = sizeof wild / sizeof wild[0] };
    uint32_t d = rig->shape->d;
    double *score = rig_doubles(rig, RIG_ROWS + 2 * WILD);
    float *rows = rig_floats(rig, (RIG_ROWS + 2 * WILD) * d);
    float *share = rig_floats(rig, (RIG_ROWS + 2 * WILD) * d);
    for (size_t i = 0; i < 2 * WILD; i++) /* one feature wild, then all of them */
        for (uint32_t j = 0; j < d; j++)
            rows[i * d + j] = i >= WILD || j == i % d ? wild[i % WILD] : rig->rows[j];
    memcpy(rows + 2 * WILD * d, rig->rows, RIG_ROWS * d * sizeof *rows);
    rig_fresh(rig, rig->model, rows, RIG_ROWS + 2 * WILD, score, share);
    for (size_t i = 0; i < RIG_ROWS + 2 * WILD; i++) {
        double sum = 0.0;
        LAW(rig, isfinite(score[i]) && score[i] >= 0.0, "row %zu (%g ...) scores %g", i,
            (double)rows[i * d + i % d], score[i]);
        for (uint32_t j = 0; j < d; j++) {
            LAW(rig, share[i * d + j] >= 0.0f, "row %zu has a share of %g", i,
                (double)share[i * d + j]);
            sum += (double)share[i * d + j];
        }
        LAW(rig, sum == 0.0 || fabs(sum - 1.0) <= 1e-5, "row %zu: shares sum to %.9g", i, sum);
    }
}

TEST(finite_rows_have_finite_scores_not_below_0_and_shares_that_sum_to_1)
{
    laws_for_each(finite_is_finite, LAWS_ALL);
}

/* From well outside of all training rows on: a row of training rows' middle moved along one feature.
 * A tree's path ends at its last split, so there a score may stand still. */
static void farther_is_higher(struct rig *rig)
{
    uint32_t d = rig->shape->d;
    float *row = rig_floats(rig, d);
    if (rig->det->traits & ANDON_SUPERVISED) return;
    bool trees = strcmp(rig->det->name, "iforest") == 0;
    for (uint32_t j = 0; j < d && j < 4; j++)
        for (int side = -1; side <= 1; side += 2) {
            double before = 0.0, score;
            memcpy(row, rig->train, d * sizeof *row);
            for (double at = 16.0; at < 1e30; at *= at < 1e3 ? 1.25 : 10.0) {
                row[j] = (float)(side * at);
                rig_fresh(rig, rig->model, row, 1, &score, NULL);
                LAW(rig, isfinite(score), "feature %u at %g scores %g", j, side * at, score);
                LAW(rig, trees ? score >= before : score > before,
                    "feature %u at %g scores %.17g, nearer %.17g", j, side * at, score, before);
                before = score;
            }
        }
}

TEST(a_row_moved_farther_out_scores_higher_and_never_saturates)
{
    laws_for_each(farther_is_higher, LAWS_ALL);
}

static void kernels_agree(struct rig *rig)
{
    double *plain = rig_doubles(rig, RIG_ROWS), *other = rig_doubles(rig, RIG_ROWS), mean = 0.0;
    bool exact = strcmp(rig->det->name, "iforest") == 0;
    rig_fresh(rig, rig->model, rig->rows, RIG_ROWS, plain, NULL);
    for (size_t i = 0; i < RIG_ROWS; i++) mean += plain[i] / RIG_ROWS;
    for (int k = 1; k < ANDON_KERNELS; k++) {
        enum andon_kernel kernel = (enum andon_kernel)k;
        if (!andon_kernel_usable(kernel)) continue;
        void *memory = rig_memory(rig, rig->model);
        rig_score(rig, rig->model, memory, rig->rows, RIG_ROWS, other, NULL, kernel);
        free(memory);
        for (size_t i = 0; i < RIG_ROWS; i++) {
            double tolerance = exact ? 0.0 : 1e-6 * fmax(fabs(plain[i]), mean);
            LAW(rig, fabs(plain[i] - other[i]) <= tolerance, "row %zu scores %.17g, with %s %.17g",
                i, plain[i], andon_kernel_name(kernel), other[i]);
        }
    }
}

TEST(every_kernel_agrees_with_the_plain_one)
{
    laws_for_each(kernels_agree, LAWS_ALL);
}

static void memory_travels(struct rig *rig)
{
    uint32_t d = rig->shape->d;
    if (rig->det->memory_bytes == NULL) return;
    double *whole = rig_doubles(rig, RIG_ROWS), *part = rig_doubles(rig, RIG_ROWS);
    rig_fresh(rig, rig->model, rig->rows, RIG_ROWS, whole, NULL);
    for (size_t cut = 1; cut < RIG_ROWS; cut += 7) {
        void *first = rig_memory(rig, rig->model), *second = rig_memory(rig, rig->model);
        size_t bytes = rig->det->memory_bytes(rig->model);
        rig_score(rig, rig->model, first, rig->rows, cut, part, NULL, ANDON_KERNEL_PLAIN);
        memcpy(second, first, bytes);
        memset(first, 0xa7, bytes);
        free(first);
        rig_score(rig, rig->model, second, rig->rows + cut * d, RIG_ROWS - cut, part + cut, NULL,
                  ANDON_KERNEL_PLAIN);
        free(second);
        LAW(rig, same_doubles(whole, part, RIG_ROWS), "copied after row %zu: other scores", cut);
    }
}

TEST(a_copied_memory_goes_on_with_the_same_bits)
{
    laws_for_each(memory_travels, LAWS_ALL);
}

static void classes_sum_to_1(struct rig *rig)
{
    float *p = rig_floats(rig, 2 * RIG_ROWS), *alone = rig_floats(rig, 2 * RIG_ROWS);
    if (rig->det->classify == NULL) return;
    uint32_t d = rig->shape->d;
    void *scratch = NULL;
    if (posix_memalign(&scratch, 64, rig->det->scratch_bytes(rig->model, RIG_ROWS) + 1) != 0) abort();
    rig->det->classify(rig->model, (struct andon_rows){rig->rows, RIG_ROWS, d}, p, scratch, 0);
    for (size_t i = 0; i < RIG_ROWS; i++)
        rig->det->classify(rig->model, (struct andon_rows){rig->rows + i * d, 1, d}, alone + 2 * i,
                           scratch, 0);
    free(scratch);
    LAW(rig, same_floats(p, alone, 2 * RIG_ROWS), "other probabilities row by row");
    for (size_t i = 0; i < RIG_ROWS; i++)
        LAW(rig, p[2 * i] >= 0 && p[2 * i + 1] >= 0 && fabsf(p[2 * i] + p[2 * i + 1] - 1) <= 1e-5f,
            "row %zu: %g and %g", i, (double)p[2 * i], (double)p[2 * i + 1]);
}

TEST(probabilities_of_classes_sum_to_1)
{
    laws_for_each(classes_sum_to_1, LAWS_ALL);
}
