/* Search among the kept rows. Invariants:
 *   1. a turned coordinate is off by at most ROUNDING times its row's length, and a row of the
 * index is at most 1 long, so a true distance D (scaled) and its fp32 sieve value S satisfy sqrt(S)
 * (1 - (dims + 4) 2^-23) <= D + slack, slack = ROUNDING (1 + |z|).
 *   2. limit is the largest S that a row may have and still be among the k nearest. */
#include "detect/neighbours.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "detect/kernel/distance.h"

/* FIRST: leaves nearest to the query that are looked at before the sweep, so that it starts with a
 * good limit. STRETCH: leaves that a group of queries sweeps before it goes on, few enough to stay
 * in the second cache. */
enum { LEAF = DISTANCE_LEAF, COLUMNS = NEIGHBOURS_COLUMNS, FIRST = 6, STRETCH = 32 };
static const double ROUNDING = 0x1p-22;
static const double FAR_OUT = 0x1p30; /* query coordinates beyond are clamped: bounds stay bounds */

/* The kernels of one instruction set. */
struct kernels {
    void (*bounds)(const float *low, const float *high, const float *z, uint32_t dims,
                   uint32_t boxes, float *bound);
    uint32_t (*sweep)(const float *leaf, uint32_t dims, const struct distance_query *query,
                      uint32_t from, uint32_t to);
    uint32_t (*sweep_two)(const float *leaf, uint32_t dims, const struct distance_query *a,
                          const struct distance_query *b, uint32_t from, uint32_t to, int *which);
};

static struct kernels kernels_of(enum andon_kernel kernel)
{
#define KERNELS(suffix)                                                                            \
    (struct kernels)                                                                               \
    {                                                                                              \
        distance_bounds_##suffix, distance_sweep_##suffix, distance_sweep_two_##suffix             \
    }
    switch (kernel) {
#if defined(__x86_64__)
    case ANDON_KERNEL_AVX512: return KERNELS(avx512);
    case ANDON_KERNEL_AVX2: return KERNELS(avx2);
#elif defined(__aarch64__)
    case ANDON_KERNEL_NEON: return KERNELS(neon);
#endif
    default: return KERNELS(plain);
    }
}

/* One query under way. */
struct search {
    const struct neighbours *nb;
    const float *q;
    uint32_t except, k, count;
    struct neighbour *found;  /* found[count], sorted, .distance still squared              */
    double slack, widen;      /* invariant 1                                                */
    float *z, *bound;         /* z[dims], bound[boxes]; a leaf that was seen is at INFINITY */
    struct distance_query at; /* .limit: invariant 2                                        */
    float square[LEAF];
};

/* Turns the query; clamping only brings it nearer to the rows, so bounds stay bounds. */
static void turn_query(struct search *s, double *turned)
{
    const struct neighbours *nb = s->nb;
    double square = 0.0;
    rotation_apply(&nb->rotation, s->q, turned);
    for (uint32_t j = 0; j < nb->d; j++) {
        double z = turned[j] * nb->scale;
        z = z > FAR_OUT ? FAR_OUT : z < -FAR_OUT ? -FAR_OUT : z;
        s->z[j] = (float)z;
        square += z * z;
    }
    for (uint32_t j = nb->d; j < nb->dims; j++) s->z[j] = 0.0f;
    s->slack = ROUNDING * (1.0 + sqrt(square));
    s->widen = 1.0 / (1.0 - (nb->dims + 4.0) * 0x1p-23);
}

static void find_limit(struct search *s)
{
    s->at.limit = FLT_MAX;
    if (s->count < s->k) return;
    double farthest = s->found[s->k - 1].distance;
    if (farthest == 0.0) { /* nothing is nearer */
        s->at.limit = -1.0f;
        return;
    }
    double reach = (sqrt(farthest) * s->nb->scale + s->slack) * s->widen;
    double limit = reach * reach * (1.0 + 0x1p-22) + s->nb->dims * (double)FLT_MIN;
    if (limit < (double)FLT_MAX) s->at.limit = (float)limit;
}

/* The distance that counts: double, always in the same order, four sums that vectorise. */
static double square_distance(const float *a, const float *b, uint32_t d)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    uint32_t j = 0;
    for (; j + 4 <= d; j += 4) {
        for (uint32_t l = 0; l < 4; l++) {
            double off = (double)a[j + l] - (double)b[j + l];
            sum[l] += off * off;
        }
    }
    for (; j < d; j++) {
        double off = (double)a[j] - (double)b[j];
        sum[j % 4] += off * off;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Puts a row in its place among the nearest, if it has one. */
static void offer(struct search *s, uint32_t row)
{
    double square = square_distance(s->q, s->nb->x + (size_t)row * s->nb->d, s->nb->d);
    uint32_t at = s->count;
    if (at == s->k) {
        const struct neighbour *last = &s->found[at - 1];
        if (square > last->distance || (square == last->distance && row > last->row)) return;
        at--;
    } else {
        s->count++;
    }
    for (; at > 0; at--) {
        const struct neighbour *before = &s->found[at - 1];
        if (before->distance < square || (before->distance == square && before->row < row)) break;
        s->found[at] = *before;
    }
    s->found[at] = (struct neighbour){square, row};
    find_limit(s);
}

static void take_leaf(struct search *s, uint32_t leaf)
{
    const float *square = s->square;
    const uint32_t *row = s->nb->row + (size_t)leaf * LEAF;
    uint32_t near[LEAF], count = 0;
    for (uint32_t r = 0; r < LEAF; r++) {
        if (!(square[r] <= s->at.limit) || row[r] == s->except || row[r] == NEIGHBOURS_NONE)
            continue;
        __builtin_prefetch(s->nb->x + (size_t)row[r] * s->nb->d);
        near[count++] = r;
    }
    for (uint32_t i = 0; i < count; i++)
        if (square[near[i]] <= s->at.limit) offer(s, row[near[i]]);
    s->bound[leaf] = INFINITY;
}

static void sweep_for(struct search *s, const struct kernels *kernels, uint32_t from, uint32_t to)
{
    const struct neighbours *nb = s->nb;
    for (; (from = kernels->sweep(nb->leaf, nb->dims, &s->at, from, to)) < to; from++)
        take_leaf(s, from);
}

static void sweep_for_two(struct search *a, struct search *b, const struct kernels *kernels,
                          uint32_t from, uint32_t to)
{
    const struct neighbours *nb = a->nb;
    for (;; from++) {
        int which;
        from = kernels->sweep_two(nb->leaf, nb->dims, &a->at, &b->at, from, to, &which);
        if (from == to) return;
        if (which & 1) take_leaf(a, from);
        if (which & 2) take_leaf(b, from);
    }
}

/* Looks at the FIRST leaves of least bound. least[c] is the least of every COLUMNS-th bound. */
static void take_first_leaves(struct search *s, const struct kernels *kernels)
{
    float least[COLUMNS];
    memcpy(least, s->bound, sizeof least);
    for (uint32_t b = COLUMNS; b < s->nb->boxes; b += COLUMNS)
        for (uint32_t c = 0; c < COLUMNS; c++)
            least[c] = s->bound[b + c] < least[c] ? s->bound[b + c] : least[c];
    for (uint32_t i = 0; i < FIRST && i < s->nb->leaves; i++) {
        uint32_t column = 0, leaf;
        for (uint32_t c = 1; c < COLUMNS; c++)
            if (least[c] < least[column]) column = c;
        for (leaf = column; s->bound[leaf] != least[column]; leaf += COLUMNS) {
        }
        sweep_for(s, kernels, leaf, leaf + 1);
        s->bound[leaf] = INFINITY;
        least[column] = INFINITY;
        for (uint32_t b = column; b < s->nb->boxes; b += COLUMNS)
            least[column] = s->bound[b] < least[column] ? s->bound[b] : least[column];
    }
}

static size_t floats_room(size_t count)
{
    return (count * sizeof(float) + 63) / 64 * 64;
}

size_t neighbours_scratch_bytes(const struct neighbours *nb, uint32_t count)
{
    return 2 * floats_room(nb->d) + count * (floats_room(nb->dims) + floats_room(nb->boxes));
}

/* Turns the query and looks at its first leaves. */
static void begin(struct search *s, const struct kernels *kernels, double *turned)
{
    const struct neighbours *nb = s->nb;
    s->at = (struct distance_query){s->z, s->bound, s->square, FLT_MAX};
    turn_query(s, turned);
    kernels->bounds(nb->low, nb->high, s->z, nb->box_dims, nb->boxes, s->bound);
    take_first_leaves(s, kernels);
}

void neighbours_find(const struct neighbours *nb, const struct neighbour_query *query,
                     uint32_t count, uint32_t k, void *scratch, enum andon_kernel kernel)
{
    struct kernels kernels = kernels_of(kernel);
    struct search search[NEIGHBOURS_GROUP];
    char *room = (char *)scratch + 2 * floats_room(nb->d);
    assert(count <= NEIGHBOURS_GROUP);
    for (uint32_t i = 0; i < count; i++) {
        struct search *s = &search[i];
        assert(k >= 1 && k <= nb->n - (query[i].except != NEIGHBOURS_NONE));
        s->nb = nb;
        s->q = query[i].q;
        s->except = query[i].except;
        s->k = k;
        s->count = 0;
        s->found = query[i].found;
        s->z = (float *)(void *)room;
        s->bound = (float *)(void *)(room + floats_room(nb->dims));
        room += floats_room(nb->dims) + floats_room(nb->boxes);
        begin(s, &kernels, scratch);
    }
    for (uint32_t from = 0; from < nb->leaves; from += STRETCH) {
        uint32_t to = nb->leaves - from < STRETCH ? nb->leaves : from + STRETCH;
        for (uint32_t i = 0; i + 1 < count; i += 2)
            sweep_for_two(&search[i], &search[i + 1], &kernels, from, to);
        if (count % 2 == 1) sweep_for(&search[count - 1], &kernels, from, to);
    }
    for (uint32_t i = 0; i < count; i++) {
        assert(search[i].count == k);
        for (uint32_t j = 0; j < k; j++)
            search[i].found[j].distance = sqrt(search[i].found[j].distance);
    }
}

struct neighbour_room neighbours_room(const struct neighbours *nb, uint32_t k, size_t n,
                                      void *scratch)
{
    uint32_t group = n < NEIGHBOURS_GROUP ? (uint32_t)n : NEIGHBOURS_GROUP;
    size_t near = (group * k * sizeof(struct neighbour) + 63) / 64 * 64;
    size_t weight = 2 * floats_room(k), sum = 2 * floats_room(nb->d);
    struct neighbour_room room = {.bytes =
                                      near + weight + sum + neighbours_scratch_bytes(nb, group)};
    if (scratch == NULL) return room;
    char *at = scratch;
    room.near = (struct neighbour *)(void *)at;
    room.weight = (double *)(void *)(at += near);
    room.sum = (double *)(void *)(at += weight);
    room.search = at + sum;
    return room;
}

bool neighbours_finite(const float *row, uint32_t d)
{
    float sum = 0.0f; /* 0 * v is 0 for finite numbers alone */
    for (uint32_t j = 0; j < d; j++) sum += 0.0f * row[j];
    return sum == 0.0f;
}

size_t neighbours_gather(struct andon_rows x, size_t from, uint32_t k, struct neighbour *near,
                         struct neighbour_query *query, uint32_t *count)
{
    *count = 0;
    for (; from < x.n && *count < NEIGHBOURS_GROUP; from++) {
        const float *q = x.x + from * x.d;
        if (!neighbours_finite(q, x.d)) continue;
        query[*count] = (struct neighbour_query){q, NEIGHBOURS_NONE, near + (size_t)*count * k};
        ++*count;
    }
    return from;
}

void neighbours_share(const struct neighbours *nb, const float *q, uint32_t k,
                      const struct neighbour *found, const double *weight, double *sum,
                      float *share)
{
    double all = 0.0;
    memset(sum, 0, nb->d * sizeof *sum);
    for (uint32_t i = 0; i < k; i++) {
        const float *o = nb->x + (size_t)found[i].row * nb->d;
        for (uint32_t j = 0; j < nb->d; j++) {
            double off = (double)q[j] - (double)o[j];
            sum[j] += weight[i] * (off * off);
        }
    }
    for (uint32_t j = 0; j < nb->d; j++) all += sum[j];
    for (uint32_t j = 0; j < nb->d; j++) share[j] = all > 0.0 ? (float)(sum[j] / all) : 0.0f;
}
