/* Local Outlier Factor (Breunig, Kriegel, Ng, Sander, SIGMOD 2000), novelty form.
 *
 *   reach(x, o) = max(k-distance(o), |x - o|)
 *   lrd(x)      = 1 / (mean over the k neighbours o of x of reach(x, o) + 1e-10)
 *   LOF(x)      = mean over o of lrd(o) / lrd(x)
 *
 * Training rows are not their own neighbours. As in scikit-learn, exactly k neighbours count and
 * 1e-10 keeps the density of rows that coincide finite. Invariants of a model:
 *   1. k_distance[i] >= 0 and lrd[i] > 0, both finite.
 *   2. 1 <= k < n. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "detect/neighbours.h"
#include "detect/registry.h"

enum { ROWS_PER_TELL = 256 };
static const double COINCIDE = 1e-10;

struct lof_options {
    int64_t k, rows_max;
};

static const struct andon_option lof_options[] = {
    {.name = "k", .type = ANDON_OPTION_INT, .offset = offsetof(struct lof_options, k), .min = 1,
     .max = NEIGHBOURS_K_MAX, .preset = "20",
     .help = "neighbours that a row is compared with; fewer rows than that: all the others"},
    {.name = "rows_max", .type = ANDON_OPTION_INT, .offset = offsetof(struct lof_options, rows_max),
     .min = 2, .max = 10000000, .preset = "50000",
     .help = "training rows that the model keeps; of more, a seeded random choice"},
    {.name = NULL},
};

struct lof {
    struct neighbours nb;
    uint32_t k;
    double *k_distance; /* k_distance[n], to the k-th neighbour */
    double *lrd;        /* lrd[n], local reachability density   */
};

/* Sum of reach(x, o) over the k neighbours. */
static double reach_sum(const struct lof *m, const struct neighbour *near)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < m->k; i++) {
        double least = m->k_distance[near[i].row];
        sum += near[i].distance > least ? near[i].distance : least;
    }
    return sum;
}

static double density(const struct lof *m, const struct neighbour *near)
{
    return 1.0 / (reach_sum(m, near) / m->k + COINCIDE);
}

/* Fills k_distance and lrd; near[n][k]. The index's own order keeps its leaves in cache. */
static andon_status learn_densities(struct lof *m, const struct andon_fit *in,
                                    struct neighbour *near, void *scratch, andon_error *err)
{
    const struct neighbours *nb = &m->nb;
    uint32_t done = 0;
    for (size_t at = 0; done < nb->n; at++) {
        uint32_t i = nb->row[at];
        if (i == NEIGHBOURS_NONE) continue;
        if (done++ % ROWS_PER_TELL == 0 &&
            andon_progress_stops(&in->progress, (double)done / nb->n))
            return andon_fail(err, ANDON_ESTOP, "stopped at row %u of %u", done, nb->n);
        struct neighbour *mine = near + (size_t)i * m->k;
        neighbours_find(nb, nb->x + (size_t)i * nb->d, i, m->k, mine, scratch, in->kernel);
        m->k_distance[i] = mine[m->k - 1].distance;
    }
    for (uint32_t i = 0; i < nb->n; i++) m->lrd[i] = density(m, near + (size_t)i * m->k);
    return ANDON_OK;
}

static andon_status lof_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                            andon_error *err)
{
    const struct lof_options *o = in->options;
    struct lof *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "no room for the model");
    andon_status st =
        neighbours_keep(&m->nb, in->x, (size_t)o->rows_max, in->seed, arena, err);
    if (st == ANDON_OK) st = neighbours_index(&m->nb, arena, in->scratch, err);
    if (st != ANDON_OK) return st;
    uint32_t n = m->nb.n;
    m->k = o->k < n ? (uint32_t)o->k : n - 1;
    m->k_distance = andon_arena_array(arena, n, sizeof(double));
    m->lrd = andon_arena_array(arena, n, sizeof(double));
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    struct neighbour *near =
        andon_arena_array(in->scratch, (size_t)n * m->k, sizeof(struct neighbour));
    void *scratch = andon_arena_take(in->scratch, neighbours_scratch_bytes(&m->nb));
    if (m->k_distance == NULL || m->lrd == NULL || near == NULL || scratch == NULL)
        st = andon_fail(err, ANDON_ENOMEM, "no room for the %u neighbours of %u rows", m->k, n);
    else
        st = learn_densities(m, in, near, scratch, err);
    andon_arena_rewind(in->scratch, mark);
    if (st == ANDON_OK) *model = m;
    return st;
}

/* The parts of score's scratch, each starting on a multiple of 64. */
static size_t near_bytes(const struct lof *m)
{
    return (m->k * sizeof(struct neighbour) + 63) / 64 * 64;
}

static size_t weight_bytes(const struct lof *m)
{
    return (m->k * sizeof(double) + 63) / 64 * 64;
}

static size_t sum_bytes(const struct lof *m)
{
    return (m->nb.d * sizeof(double) + 63) / 64 * 64;
}

static size_t lof_scratch(const void *model, size_t n)
{
    const struct lof *m = model;
    (void)n; /* rows are taken one by one */
    return near_bytes(m) + weight_bytes(m) + sum_bytes(m) + neighbours_scratch_bytes(&m->nb);
}

/* LOF(x) = C sum over o of reach(x, o), less the 1e-10, with C = mean lrd(o) / k. Each reach splits
 * over the features as |x - o|^2 does: feature j has reach(x, o) (x_j - o_j)^2 / |x - o|^2 of it.
 * A neighbour at distance 0 differs in no feature and is left out. */
static void weigh(const struct lof *m, const struct neighbour *near, double *weight)
{
    for (uint32_t i = 0; i < m->k; i++) {
        double d = near[i].distance, least = m->k_distance[near[i].row];
        weight[i] = d > 0.0 ? (d > least ? d : least) / (d * d) : 0.0;
    }
}

static double score_row(const struct lof *m, const float *x, float *share, char *scratch,
                        enum andon_kernel kernel)
{
    struct neighbour *near = (struct neighbour *)(void *)scratch;
    double *weight = (double *)(void *)(scratch + near_bytes(m));
    double *sum = (double *)(void *)(scratch + near_bytes(m) + weight_bytes(m));
    char *rest = scratch + near_bytes(m) + weight_bytes(m) + sum_bytes(m);
    neighbours_find(&m->nb, x, NEIGHBOURS_NONE, m->k, near, rest, kernel);
    double lrd = 0.0;
    for (uint32_t i = 0; i < m->k; i++) lrd += m->lrd[near[i].row];
    if (share != NULL) {
        weigh(m, near, weight);
        neighbours_share(&m->nb, x, m->k, near, weight, sum, share);
    }
    return lrd / m->k * (reach_sum(m, near) / m->k + COINCIDE);
}

static void lof_score(const void *model, void *memory, struct andon_rows x, double *score,
                      float *share, void *scratch, enum andon_kernel kernel)
{
    const struct lof *m = model;
    (void)memory;
    for (size_t i = 0; i < x.n; i++) {
        const float *row = x.x + i * x.d;
        float *shares = share == NULL ? NULL : share + i * x.d;
        if (neighbours_row_finite(row, x.d)) {
            score[i] = score_row(m, row, shares, scratch, kernel);
            continue;
        }
        score[i] = NAN;
        for (uint32_t j = 0; shares != NULL && j < x.d; j++) shares[j] = NAN;
    }
}

static void lof_save(const void *model, struct andon_writer *out)
{
    const struct lof *m = model;
    neighbours_save(&m->nb, out);
    andon_put_u32(out, m->k);
    andon_put_f64s(out, m->k_distance, m->nb.n);
    andon_put_f64s(out, m->lrd, m->nb.n);
}

/* Invariant 1, with room for the sums of the score. */
static bool densities_hold(const struct lof *m)
{
    for (uint32_t i = 0; i < m->nb.n; i++)
        if (!(m->k_distance[i] >= 0.0 && m->k_distance[i] < 1e60 && m->lrd[i] > 0.0 &&
              m->lrd[i] < 1e60))
            return false;
    return true;
}

static andon_status lof_load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                             void **model, andon_error *err)
{
    struct lof *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "no room for the model");
    andon_status st = neighbours_load(&m->nb, in, d, arena, err);
    if (st != ANDON_OK) return st;
    uint32_t n = m->nb.n;
    m->k = andon_get_u32(in);
    if (in->bad || m->k < 1 || m->k >= n || m->k > NEIGHBOURS_K_MAX)
        return andon_fail(err, ANDON_EFORMAT, "lof: %u neighbours of %u rows", m->k, n);
    if (andon_reader_left(in) / 16 < n)
        return andon_fail(err, ANDON_EFORMAT, "lof: densities are cut short");
    m->k_distance = andon_get_array(in, arena, n, sizeof(double), sizeof(double));
    m->lrd = andon_get_array(in, arena, n, sizeof(double), sizeof(double));
    if (m->k_distance == NULL || m->lrd == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no room for %u densities", n);
    andon_get_f64s(in, m->k_distance, n);
    andon_get_f64s(in, m->lrd, n);
    if (!densities_hold(m)) return andon_fail(err, ANDON_EFORMAT, "lof: densities are nonsense");
    *model = m;
    return ANDON_OK;
}

const struct andon_detector andon_lof = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "lof",
    .title = "Local outlier factor",
    .source = "Breunig, Kriegel, Ng, Sander, SIGMOD 2000",
    .options = lof_options,
    .options_bytes = sizeof(struct lof_options),
    .fit = lof_fit,
    .scratch_bytes = lof_scratch,
    .score = lof_score,
    .save = lof_save,
    .load = lof_load,
};
