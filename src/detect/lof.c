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
    {.name = "k",
     .type = ANDON_OPTION_INT,
     .offset = offsetof(struct lof_options, k),
     .min = 1,
     .max = NEIGHBOURS_K_MAX,
     .preset = "20",
     .help = "neighbours that a row is compared with; fewer rows than that: all the others"},
    {.name = "rows_max",
     .type = ANDON_OPTION_INT,
     .offset = offsetof(struct lof_options, rows_max),
     .min = 2,
     .max = 10000000,
     .preset = "50000",
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

/* Fills k_distance and lrd; near[n][k]. Rows are taken in the index's order: a group's rows lie
 * close together and look at the same leaves. */
static andon_status learn_densities(struct lof *m, const struct andon_fit *in,
                                    struct neighbour *near, void *scratch, andon_error *err)
{
    const struct neighbours *nb = &m->nb;
    struct neighbour_query query[NEIGHBOURS_GROUP];
    for (uint32_t at = 0; at < nb->n; at += NEIGHBOURS_GROUP) {
        uint32_t count = nb->n - at < NEIGHBOURS_GROUP ? nb->n - at : NEIGHBOURS_GROUP;
        if (at % ROWS_PER_TELL == 0 && andon_progress_stops(&in->progress, (double)at / nb->n))
            return andon_fail(err, ANDON_ESTOP, "stopped at row %u of %u", at, nb->n);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = nb->row[at + i];
            const float *q = nb->x + (size_t)row * nb->d;
            query[i] = (struct neighbour_query){q, row, near + (size_t)row * m->k};
        }
        neighbours_find(nb, query, count, m->k, scratch, in->kernel);
        for (uint32_t i = 0; i < count; i++)
            m->k_distance[query[i].except] = query[i].found[m->k - 1].distance;
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
    andon_status st = neighbours_keep(&m->nb, in->x, (size_t)o->rows_max, in->seed, arena, err);
    if (st == ANDON_OK) st = neighbours_index(&m->nb, arena, in->scratch, err);
    if (st != ANDON_OK) return st;
    uint32_t n = m->nb.n;
    m->k = o->k < n ? (uint32_t)o->k : n - 1;
    m->k_distance = andon_arena_array(arena, n, sizeof(double));
    m->lrd = andon_arena_array(arena, n, sizeof(double));
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    struct neighbour *near =
        andon_arena_array(in->scratch, (size_t)n * m->k, sizeof(struct neighbour));
    void *scratch =
        andon_arena_take(in->scratch, neighbours_scratch_bytes(&m->nb, NEIGHBOURS_GROUP));
    if (m->k_distance == NULL || m->lrd == NULL || near == NULL || scratch == NULL)
        st = andon_fail(err, ANDON_ENOMEM, "no room for the %u neighbours of %u rows", m->k, n);
    else
        st = learn_densities(m, in, near, scratch, err);
    andon_arena_rewind(in->scratch, mark);
    if (st == ANDON_OK) *model = m;
    return st;
}

static size_t lof_scratch(const void *model, size_t n)
{
    const struct lof *m = model;
    return neighbours_room(&m->nb, m->k, n, NULL).bytes;
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

static double score_row(const struct lof *m, const struct neighbour_query *query, float *share,
                        const struct neighbour_room *room)
{
    const struct neighbour *near = query->found;
    double lrd = 0.0;
    for (uint32_t i = 0; i < m->k; i++) lrd += m->lrd[near[i].row];
    if (share != NULL) {
        weigh(m, near, room->weight);
        neighbours_share(&m->nb, query->q, m->k, near, room->weight, room->sum, share);
    }
    return lrd / m->k * (reach_sum(m, near) / m->k + COINCIDE);
}

static void lof_score(const void *model, void *memory, struct andon_rows x, double *score,
                      float *share, void *scratch, enum andon_kernel kernel)
{
    const struct lof *m = model;
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
