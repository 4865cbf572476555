/* What a figure is worth shows beside what needs no sensor: an alarm that never ends, and dice. */
#include <math.h>
#include <stdlib.h>

#include "andon/rng.h"
#include "metrics.h"

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Room for a baseline's answers; the lists of out are taken after it and live as long. */
struct answers {
    double *score, *sorted;
    uint8_t *alarm;
};

static bool answers_take(struct answers *a, size_t n, struct andon_arena *arena)
{
    a->score = andon_arena_array(arena, n, sizeof *a->score);
    a->sorted = andon_arena_array(arena, n, sizeof *a->sorted);
    a->alarm = andon_arena_array(arena, n, 1);
    return a->score != NULL && a->sorted != NULL && a->alarm != NULL;
}

static andon_status measure(const struct metrics_input *in, const struct answers *a,
                            const struct prices *prices, struct andon_arena *arena,
                            struct metrics *out, andon_error *err)
{
    struct metrics_input own = *in;
    own.score = a->score;
    own.alarm = a->alarm;
    own.unknown = NULL; /* whoever reads no sensor always has an answer */
    own.p_value = NULL;
    return metrics_measure(&own, prices, arena, out, err);
}

andon_status metrics_always(const struct metrics_input *in, const struct prices *prices,
                            struct andon_arena *arena, struct metrics *out, andon_error *err)
{
    struct answers a;
    *out = (struct metrics){0};
    if (!answers_take(&a, in->n, arena)) {
        return andon_fail(err, ANDON_ENOMEM, "no memory for a baseline of %zu rows", in->n);
    }
    for (size_t i = 0; i < in->n; i++) {
        a.score[i] = 1.0;
        a.alarm[i] = 1;
    }
    return measure(in, &a, prices, arena, out, err);
}

andon_status metrics_random(const struct metrics_input *in, const struct prices *prices,
                            uint64_t seed, struct andon_arena *arena, struct metrics *out,
                            andon_error *err)
{
    struct answers a;
    *out = (struct metrics){0};
    if (!answers_take(&a, in->n, arena)) {
        return andon_fail(err, ANDON_ENOMEM, "no memory for a baseline of %zu rows", in->n);
    }
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    size_t alarms = 0;
    for (size_t i = 0; i < in->n; i++) {
        a.sorted[i] = a.score[i] = andon_rng_real(&rng);
        alarms += in->alarm[i] != 0 && (in->unknown == NULL || in->unknown[i] == 0);
    }
    if (in->n > 0) qsort(a.sorted, in->n, sizeof *a.sorted, descending);
    double threshold = alarms > 0 ? a.sorted[alarms - 1] : INFINITY;
    for (size_t i = 0; i < in->n; i++) a.alarm[i] = a.score[i] >= threshold;
    return measure(in, &a, prices, arena, out, err);
}
