/* Distance to the k nearest training rows: the kth (Ramaswamy, Rastogi, Shim, SIGMOD 2000), their
 * mean (Angiulli, Pizzuti, PKDD 2002) or their median. Invariant of a model: 1 <= k <= n. */
#include <math.h>
#include <stddef.h>

#include "detect/neighbours.h"
#include "detect/registry.h"

enum aggregate { AGGREGATE_MEAN = 0, AGGREGATE_MAX, AGGREGATE_MEDIAN, AGGREGATES };

struct knn_options {
    int64_t k, rows_max;
    int32_t aggregate;
};

static const struct andon_option knn_options[] = {
    {.name = "k",
     .type = ANDON_OPTION_INT,
     .offset = offsetof(struct knn_options, k),
     .min = 1,
     .max = NEIGHBOURS_K_MAX,
     .preset = "5",
     .help = "neighbours that are measured; fewer rows than that: all of them"},
    {.name = "aggregate",
     .type = ANDON_OPTION_ENUM,
     .offset = offsetof(struct knn_options, aggregate),
     .preset = "mean",
     .choices = "mean|max|median",
     .help = "what of the k distances is the score"},
    {.name = "rows_max",
     .type = ANDON_OPTION_INT,
     .offset = offsetof(struct knn_options, rows_max),
     .min = 2,
     .max = 10000000,
     .preset = "50000",
     .help = "training rows that the model keeps; of more, a seeded random choice"},
    {.name = NULL},
};

struct knn {
    struct neighbours nb;
    uint32_t k;
    uint32_t aggregate; /* enum aggregate */
};

static andon_status knn_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                            andon_error *err)
{
    const struct knn_options *o = in->options;
    struct knn *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "no room for the model");
    andon_status st = neighbours_keep(&m->nb, in->x, (size_t)o->rows_max, in->seed, arena, err);
    if (st == ANDON_OK) st = neighbours_index(&m->nb, arena, in->scratch, err);
    if (st != ANDON_OK) return st;
    m->k = o->k < m->nb.n ? (uint32_t)o->k : m->nb.n;
    m->aggregate = (uint32_t)o->aggregate;
    *model = m;
    return ANDON_OK;
}

static size_t knn_scratch(const void *model, size_t n)
{
    const struct knn *m = model;
    return neighbours_room(&m->nb, m->k, n, NULL).bytes;
}

/* How much the i-th nearest counts; sums to 1 over the k. */
static double part_of(const struct knn *m, uint32_t i)
{
    switch (m->aggregate) {
    case AGGREGATE_MAX: return i + 1 == m->k ? 1.0 : 0.0;
    case AGGREGATE_MEDIAN: return ((i == m->k / 2) + (i == (m->k - 1) / 2)) / 2.0;
    default: return 1.0 / m->k;
    }
}

/* score = sum over neighbours of part * distance, and distance = sum over features j of
 * (x_j - o_j)^2 / distance: each feature's sum over the neighbours is its share. */
static double score_row(const struct knn *m, const struct neighbour_query *query, float *share,
                        const struct neighbour_room *room)
{
    const struct neighbour *near = query->found;
    double score = 0.0;
    for (uint32_t i = 0; i < m->k; i++) {
        double part = part_of(m, i);
        score += part * near[i].distance;
        room->weight[i] = near[i].distance > 0.0 ? part / near[i].distance : 0.0;
    }
    if (share != NULL)
        neighbours_share(&m->nb, query->q, m->k, near, room->weight, room->sum, share);
    return score;
}

static void knn_score(const void *model, void *memory, struct andon_rows x, double *score,
                      float *share, void *scratch, enum andon_kernel kernel)
{
    const struct knn *m = model;
    struct neighbour_query query[NEIGHBOURS_GROUP];
    struct neighbour_room room = neighbours_room(&m->nb, m->k, x.n, scratch);
    (void)memory;
    for (size_t i = 0; i < x.n; i++) score[i] = NAN; /* what rows that are passed over keep */
    for (size_t i = 0; share != NULL && i < x.n * x.d; i++) share[i] = NAN;
    for (size_t at = 0; at < x.n;) {
        uint32_t count;
        at = neighbours_gather(x, at, m->k, room.near, query, &count);
        neighbours_find(&m->nb, query, count, m->k, room.search, kernel);
        for (uint32_t i = 0; i < count; i++) {
            size_t row = (size_t)(query[i].q - x.x) / x.d;
            score[row] = score_row(m, &query[i], share == NULL ? NULL : share + row * x.d, &room);
        }
    }
}

static void knn_save(const void *model, struct andon_writer *out)
{
    const struct knn *m = model;
    neighbours_save(&m->nb, out);
    andon_put_u32(out, m->k);
    andon_put_u32(out, m->aggregate);
}

static andon_status knn_load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                             void **model, andon_error *err)
{
    struct knn *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "no room for the model");
    andon_status st = neighbours_load(&m->nb, in, d, arena, err);
    if (st != ANDON_OK) return st;
    m->k = andon_get_u32(in);
    m->aggregate = andon_get_u32(in);
    if (in->bad || m->k < 1 || m->k > m->nb.n || m->k > NEIGHBOURS_K_MAX ||
        m->aggregate >= AGGREGATES)
        return andon_fail(err, ANDON_EFORMAT, "knn: %u neighbours of %u rows, aggregate %u", m->k,
                          m->nb.n, m->aggregate);
    *model = m;
    return ANDON_OK;
}

const struct andon_detector andon_knn = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "knn",
    .title = "Distance to the nearest neighbours",
    .source = "Ramaswamy, Rastogi, Shim, SIGMOD 2000; Angiulli, Pizzuti, PKDD 2002",
    .options = knn_options,
    .options_bytes = sizeof(struct knn_options),
    .fit = knn_fit,
    .scratch_bytes = knn_scratch,
    .score = knn_score,
    .save = knn_save,
    .load = knn_load,
};
