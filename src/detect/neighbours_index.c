/* The kept rows and their index, a k-d tree flattened to its leaves. Invariants:
 *   1. every row stands in exactly one leaf; box l bounds every row of leaf l; a box without a leaf
 * is infinitely far from everything.
 *   2. rows of the index are at most 1 long. */
#include <math.h>
#include <string.h>

#include "andon/rng.h"
#include "detect/kernel/distance.h"
#include "detect/neighbours.h"

enum { LEAF = DISTANCE_LEAF, COLUMNS = NEIGHBOURS_COLUMNS };
enum { BOX_DIMS = 12 }; /* bounds of more dimensions cost more than they cut */

andon_status neighbours_keep(struct neighbours *nb, struct andon_rows x, size_t rows_max,
                             uint64_t seed, struct andon_arena *arena, andon_error *err)
{
    if (x.n < 2) return andon_fail(err, ANDON_EDATA, "%zu training rows, at least 2 needed", x.n);
    size_t keep = x.n < rows_max ? x.n : rows_max;
    float *rows = andon_arena_array(arena, keep * x.d, sizeof(float));
    if (rows == NULL) return andon_fail(err, ANDON_ENOMEM, "no room for %zu neighbour rows", keep);
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    size_t kept = 0;
    for (size_t i = 0; i < x.n && kept < keep; i++) { /* Knuth's algorithm S */
        if (keep < x.n && andon_rng_below(&rng, (uint32_t)(x.n - i)) >= keep - kept) continue;
        memcpy(rows + kept++ * x.d, x.x + i * x.d, x.d * sizeof(float));
    }
    *nb = (struct neighbours){.n = (uint32_t)keep, .d = x.d, .x = rows};
    return ANDON_OK;
}

/* What building the tree works on. */
struct cutting {
    const float *z; /* z[n][dims], turned and scaled */
    uint32_t dims, box_dims;
    uint32_t *order; /* order[n], rows in leaf order */
    struct andon_rng rng;
};

/* Rows are ordered by coordinate, then by row: no two are equal. */
static bool stands_before(const struct cutting *c, uint32_t a, uint32_t b, uint32_t axis)
{
    float za = c->z[(size_t)a * c->dims + axis], zb = c->z[(size_t)b * c->dims + axis];
    return za != zb ? za < zb : a < b;
}

/* Quickselect: afterwards the rows of order[from..middle) stand before those of [middle..to). */
static void cut(struct cutting *c, uint32_t from, uint32_t middle, uint32_t to, uint32_t axis)
{
    while (to - from > 1) {
        uint32_t pivot = c->order[from + andon_rng_below(&c->rng, to - from)];
        uint32_t i = from, j = to;
        while (i < j) {
            if (stands_before(c, c->order[i], pivot, axis)) {
                i++;
                continue;
            }
            j--;
            uint32_t swap = c->order[i];
            c->order[i] = c->order[j];
            c->order[j] = swap;
        }
        if (i == from) { /* the pivot is the least: put it first and go on behind it */
            while (c->order[i] != pivot) i++;
            c->order[i] = c->order[from];
            c->order[from] = pivot;
            from++;
        } else if (i <= middle) {
            from = i;
        } else {
            to = i;
        }
        if (from >= middle) return;
    }
}

static uint32_t widest_axis(const struct cutting *c, uint32_t from, uint32_t to)
{
    uint32_t best = 0;
    double most = -1.0;
    for (uint32_t j = 0; j < c->box_dims; j++) {
        double sum = 0.0, squares = 0.0, count = (double)(to - from);
        for (uint32_t i = from; i < to; i++) {
            double v = (double)c->z[(size_t)c->order[i] * c->dims + j];
            sum += v;
            squares += v * v;
        }
        double spread = squares - sum * sum / count;
        if (spread > most) {
            most = spread;
            best = j;
        }
    }
    return best;
}

/* Depth is log2 of the leaves, so recursion is shallow. */
static void cut_into_leaves(struct cutting *c, uint32_t from, uint32_t to)
{
    uint32_t leaves = (to - from + LEAF - 1) / LEAF;
    if (leaves < 2) return;
    uint32_t middle = from + (leaves + 1) / 2 * LEAF;
    cut(c, from, middle, to, widest_axis(c, from, to));
    cut_into_leaves(c, from, middle);
    cut_into_leaves(c, middle, to);
}

/* Turns every row into z[n][dims], scaled so that the longest is at most 1. */
static void turn_rows(struct neighbours *nb, double *turned, float *z)
{
    double longest = 0.0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < nb->n; i++) {
            rotation_apply(&nb->rotation, nb->x + i * nb->d, turned);
            double square = 0.0;
            for (size_t j = 0; j < nb->d; j++) {
                square += turned[j] * turned[j];
                if (pass == 1) z[i * nb->dims + j] = (float)(turned[j] * nb->scale);
            }
            if (square > longest) longest = square;
        }
        if (pass == 0 && longest > 0.0) nb->scale = ldexp(1.0, -(ilogb(sqrt(longest)) + 1));
    }
}

static void fill_leaf(struct neighbours *nb, const struct cutting *c, uint32_t l)
{
    uint32_t first = l * LEAF;
    float *leaf = nb->leaf + (size_t)l * nb->dims * LEAF;
    for (uint32_t r = 0; r < LEAF; r++) {
        bool is_row = first + r < nb->n;
        uint32_t row = c->order[is_row ? first + r : first];
        nb->row[first + r] = is_row ? row : NEIGHBOURS_NONE;
        for (uint32_t j = 0; j < nb->dims; j++)
            leaf[j * LEAF + r] = c->z[(size_t)row * nb->dims + j];
    }
    for (uint32_t j = 0; j < nb->box_dims; j++) {
        float low = leaf[j * LEAF], high = low;
        for (uint32_t r = 1; r < LEAF; r++) {
            float v = leaf[j * LEAF + r];
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        nb->low[(size_t)j * nb->boxes + l] = low;
        nb->high[(size_t)j * nb->boxes + l] = high;
    }
}

static bool take_index(struct neighbours *nb, struct andon_arena *arena)
{
    nb->dims = (nb->d + DISTANCE_STEP - 1) / DISTANCE_STEP * DISTANCE_STEP;
    nb->box_dims = nb->d < BOX_DIMS ? nb->d : BOX_DIMS;
    nb->leaves = (nb->n + LEAF - 1) / LEAF;
    nb->boxes = (nb->leaves + COLUMNS - 1) / COLUMNS * COLUMNS;
    nb->scale = 1.0;
    nb->leaf = andon_arena_array(arena, (size_t)nb->leaves * LEAF * nb->dims, sizeof(float));
    nb->row = andon_arena_array(arena, (size_t)nb->leaves * LEAF, sizeof(uint32_t));
    nb->low = andon_arena_array(arena, (size_t)nb->boxes * nb->box_dims, sizeof(float));
    nb->high = andon_arena_array(arena, (size_t)nb->boxes * nb->box_dims, sizeof(float));
    return nb->leaf != NULL && nb->row != NULL && nb->low != NULL && nb->high != NULL;
}

static bool fill_index(struct neighbours *nb, struct andon_arena *temporary)
{
    float *z = andon_arena_array(temporary, (size_t)nb->n * nb->dims, sizeof(float));
    double *turned = andon_arena_array(temporary, nb->d, sizeof(double));
    uint32_t *order = andon_arena_array(temporary, nb->n, sizeof(uint32_t));
    if (z == NULL || turned == NULL || order == NULL) return false;
    turn_rows(nb, turned, z);
    struct cutting c = {.z = z, .dims = nb->dims, .box_dims = nb->box_dims, .order = order};
    andon_rng_seed(&c.rng, nb->n);
    for (uint32_t i = 0; i < nb->n; i++) order[i] = i;
    cut_into_leaves(&c, 0, nb->n);
    for (size_t i = 0; i < (size_t)nb->boxes * nb->box_dims; i++)
        nb->low[i] = nb->high[i] = INFINITY; /* boxes without a leaf are infinitely far */
    for (uint32_t l = 0; l < nb->leaves; l++) fill_leaf(nb, &c, l);
    return true;
}

andon_status neighbours_index(struct neighbours *nb, struct andon_arena *arena,
                              struct andon_arena *temporary, andon_error *err)
{
    bool room = take_index(nb, arena);
    struct andon_rows x = {nb->x, nb->n, nb->d};
    room = room && rotation_fit(&nb->rotation, x, arena, temporary);
    if (room) {
        struct andon_arena_mark mark = andon_arena_mark(temporary);
        room = fill_index(nb, temporary);
        andon_arena_rewind(temporary, mark);
    }
    if (!room) return andon_fail(err, ANDON_ENOMEM, "no room to index %u rows", nb->n);
    return ANDON_OK;
}

void neighbours_save(const struct neighbours *nb, struct andon_writer *out)
{
    andon_put_u32(out, nb->n);
    andon_put_f32s(out, nb->x, (size_t)nb->n * nb->d);
}

andon_status neighbours_load(struct neighbours *nb, struct andon_reader *in, uint32_t d,
                             struct andon_arena *arena, andon_error *err)
{
    *nb = (struct neighbours){.n = andon_get_u32(in), .d = d};
    if (in->bad || nb->n < 2 || d == 0 || nb->n > UINT32_MAX - 2 * LEAF)
        return andon_fail(err, ANDON_EFORMAT, "neighbour rows: %u rows of %u features", nb->n, d);
    size_t values = (size_t)nb->n * d;
    bool there = andon_reader_left(in) / sizeof(float) >= values;
    nb->x = there ? andon_get_array(in, arena, values, sizeof(float), sizeof(float)) : NULL;
    if (nb->x == NULL)
        return there ? andon_fail(err, ANDON_ENOMEM, "no room for %u neighbour rows", nb->n)
                     : andon_fail(err, ANDON_EFORMAT, "neighbour rows are cut short");
    andon_get_f32s(in, nb->x, values);
    for (uint32_t i = 0; i < nb->n; i++)
        if (!neighbours_finite(nb->x + (size_t)i * d, d))
            return andon_fail(err, ANDON_EFORMAT, "neighbour row %u is not finite", i);
    return neighbours_index(nb, arena, arena, err);
}
