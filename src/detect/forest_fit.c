/* The fit of the random forest: a bag of rows per tree, the trees, and from the rows that each tree
 * has not seen (out of bag) the calibration of probabilities and the level to alarm at.
 *
 * Invariant: tree t draws from random stream t alone, so that no tree depends on another. */
#include "detect/forest.h"

#include <math.h>
#include <string.h>

#include "detect/descent.h"
#include "detect/kinds.h"
#include "detect/quantile.h"

/* What one row hears from the trees that have not seen it. */
struct outsider {
    double fault; /* sum of the leaves' faults */
    uint32_t trees;
};

/* The working room of a fit, all in scratch. */
struct nursery {
    struct forest_plot plot;
    struct forest_bed bed;
    uint8_t *kind;          /* kind[n]     */
    double *weight, *rate;  /* [kinds]     */
    uint16_t *drawn;        /* drawn[n]    */
    struct outsider *aside; /* aside[n]    */
    uint32_t draws;
};

static uint32_t tries_of(const struct forest_options *o, uint32_t d)
{
    if (o->features == 0) return (uint32_t)ceil(sqrt((double)d));
    return o->features < d ? (uint32_t)o->features : d;
}

static bool nursery_open(struct nursery *g, const struct andon_fit *in, const struct kinds *held)
{
    const struct forest_options *o = in->options;
    size_t n = in->x.n;
    g->draws = (uint32_t)(n < (size_t)o->rows ? n : (size_t)o->rows);
    g->kind = andon_arena_array(in->scratch, n, sizeof *g->kind);
    g->weight = andon_arena_array(in->scratch, held->kinds, sizeof *g->weight);
    g->rate = andon_arena_array(in->scratch, held->kinds, sizeof *g->rate);
    g->drawn = andon_arena_array(in->scratch, n, sizeof *g->drawn);
    g->aside = andon_arena_array(in->scratch, n, sizeof *g->aside);
    if (g->kind == NULL || g->weight == NULL || g->rate == NULL || g->drawn == NULL ||
        g->aside == NULL)
        return false;
    for (size_t i = 0; i < n; i++) g->kind[i] = (uint8_t)held->place[in->label[i]];
    for (uint32_t k = 0; k < held->kinds; k++) {
        double part = (double)held->count[held->kind[k]] / (double)n;
        g->weight[k] = o->balanced ? 1 / (held->kinds * part) : 1;
        g->rate[k] = o->balanced ? 1.0 / held->kinds : part;
    }
    g->plot = (struct forest_plot){in->x, g->kind, held->kinds, g->weight, g->rate,
                                   (uint32_t)o->leaf, tries_of(o, in->x.d), (uint32_t)o->depth};
    return forest_bed_take(&g->bed, &g->plot, g->draws, in->scratch);
}

/* Draws with replacement; the distinct rows stand ascending in bed.row. */
static uint32_t fill_bag(struct nursery *g, struct andon_rng *rng)
{
    uint32_t n = (uint32_t)g->plot.x.n, count = 0;
    memset(g->drawn, 0, n * sizeof *g->drawn);
    for (uint32_t i = 0; i < g->draws; i++) {
        uint16_t *drawn = &g->drawn[andon_rng_below(rng, n)];
        if (*drawn < UINT16_MAX) ++*drawn;
    }
    for (uint32_t i = 0; i < n; i++)
        if (g->drawn[i] > 0) g->bed.row[count++] = i;
    return count;
}

static bool keep_tree(const struct nursery *g, uint32_t nodes, struct andon_arena *arena,
                      struct forest_tree *tree)
{
    uint32_t others = g->plot.kinds - 1;
    tree->nodes = nodes;
    tree->node = andon_arena_array(arena, nodes, sizeof *tree->node);
    if (tree->node == NULL) return false;
    memcpy(tree->node, g->bed.node, nodes * sizeof *tree->node);
    if (others == 1) return true;
    tree->mix = andon_arena_array(arena, (size_t)nodes * others, sizeof *tree->mix);
    if (tree->mix == NULL) return false;
    memcpy(tree->mix, g->bed.mix, (size_t)nodes * others * sizeof *tree->mix);
    return true;
}

static void ask_outsiders(struct nursery *g, const struct forest_tree *tree)
{
    for (size_t i = 0; i < g->plot.x.n; i++) {
        if (g->drawn[i] > 0) continue;
        uint32_t leaf = forest_leaf(tree->node, g->plot.x.x + i * g->plot.x.d);
        g->aside[i].fault += (double)tree->node[leaf].fault;
        g->aside[i].trees++;
    }
}

static andon_status plant(struct nursery *g, const struct andon_fit *in, struct forest *m,
                          struct andon_arena *arena, andon_error *err)
{
    for (uint32_t t = 0; t < m->trees; t++) {
        struct andon_rng rng = andon_rng_fork(in->seed, t);
        if (andon_progress_stops(&in->progress, (double)t / m->trees))
            return andon_fail(err, ANDON_ESTOP, "forest: stopped after %u trees", t);
        uint32_t count = fill_bag(g, &rng);
        uint32_t nodes = forest_grow(&g->plot, &g->bed, count, g->drawn, &rng);
        if (!keep_tree(g, nodes, arena, &m->tree[t]))
            return andon_fail(err, ANDON_ENOMEM, "forest: no room for tree %u", t);
        ask_outsiders(g, &m->tree[t]);
    }
    return ANDON_OK;
}

/* -- calibration --------------------------------------------------------------------------- */

/* Out-of-bag probabilities, normal rows and faults apart, each ascending. */
struct evidence {
    double *p[2];
    size_t count[2];
    double target[2]; /* Platt's: a little off 0 and 1 */
    double pin[2];    /* slopes held at 0: 0, else 1   */
};

static bool gather(const struct nursery *g, struct andon_arena *scratch, struct evidence *e)
{
    for (int side = 0; side < 2; side++) {
        e->p[side] = andon_arena_array(scratch, g->plot.x.n, sizeof(double));
        if (e->p[side] == NULL) return false;
        e->pin[side] = 1;
    }
    for (size_t i = 0; i < g->plot.x.n; i++) {
        int side = g->kind[i] > 0;
        if (g->aside[i].trees > 0)
            e->p[side][e->count[side]++] = g->aside[i].fault / g->aside[i].trees;
    }
    for (int side = 0; side < 2; side++) quantile_sort(e->p[side], e->count[side]);
    e->target[0] = 1 / ((double)e->count[0] + 2);
    e->target[1] = ((double)e->count[1] + 1) / ((double)e->count[1] + 2);
    return true;
}

/* Loss of (a, b, c) with a mild pull of both slopes toward 1, which is: as the trees say. */
static double misfit(void *context, const double *u, double *slope)
{
    const struct evidence *e = context;
    double a = u[0] * e->pin[0], b = u[1] * e->pin[1];
    double value = 0.5 * ((a - 1) * (a - 1) + (b - 1) * (b - 1));
    slope[0] = a - 1;
    slope[1] = b - 1;
    slope[2] = 0;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < e->count[side]; i++) {
            double p = e->p[side][i], low = log(p), high = -log1p(-p);
            double z = a * low + b * high + u[2], grow = exp(-fabs(z));
            double r = (z > 0 ? 1 : grow) / (1 + grow) - e->target[side];
            value += (z > 0 ? z : 0) + log1p(grow) - e->target[side] * z;
            slope[0] += r * low;
            slope[1] += r * high;
            slope[2] += r;
        }
    slope[0] *= e->pin[0];
    slope[1] *= e->pin[1];
    return value;
}

static bool never(void *context, double part)
{
    (void)context;
    (void)part;
    return false;
}

/* A slope that comes out negative is held at 0 and the rest fitted again. */
static void calibrate(struct evidence *e, struct forest_calibration *c)
{
    double u[3] = {1, 1, 0}, room[256];
    struct descent way = {.objective = misfit, .stops = never, .context = e, .size = 3,
                          .steps_max = 200,
                          .slope_min = 1e-7 * (double)(e->count[0] + e->count[1])};
    for (int again = 0; again < 3; again++) {
        (void)descent_run(&way, u, room);
        if (u[0] * e->pin[0] < 0)
            e->pin[0] = 0;
        else if (u[1] * e->pin[1] < 0)
            e->pin[1] = 0;
        else
            break;
    }
    c->a = fmin(fmax(u[0] * e->pin[0], 0), 100);
    c->b = fmin(fmax(u[1] * e->pin[1], 0), 100);
    c->c = fmin(fmax(u[2], -1e5), 1e5);
    if (c->a + c->b < 0.01) c->a = c->b = 0.01; /* a forest that saw nothing still has an order */
}

/* The next mean fault from above, of either side. */
static double take_largest(const struct evidence *e, size_t left[2])
{
    int side = left[1] == 0 || (left[0] > 0 && e->p[0][left[0] - 1] > e->p[1][left[1] - 1]) ? 0 : 1;
    return e->p[side][--left[side]];
}

/* The mean fault from which on alarms are to be expected to reach the best F1: by the calibrated
 * probabilities of the rows, which are steadier than their labels. */
static double best_threshold(const struct evidence *e, const struct forest_calibration *c)
{
    size_t left[2] = {e->count[0], e->count[1]};
    double faults = 0, hits = 0, best = -1, at = 0.5;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < e->count[side]; i++)
            faults -= expm1(-forest_surprise(c, e->p[side][i]));
    for (double alarms = 1; left[0] + left[1] > 0; alarms++) {
        double p = take_largest(e, left);
        hits -= expm1(-forest_surprise(c, p));
        double f1 = 2 * hits / (alarms + faults);
        if (f1 <= best) continue;
        best = f1;
        at = p;
    }
    return at;
}

static andon_status grow_forest(const struct andon_fit *in, const struct kinds *held,
                                struct forest *m, struct andon_arena *arena, andon_error *err)
{
    struct nursery g = {0};
    struct evidence e = {0};
    if (!nursery_open(&g, in, held))
        return andon_fail(err, ANDON_ENOMEM, "forest: no room for %zu rows", in->x.n);
    andon_status st = plant(&g, in, m, arena, err);
    if (st != ANDON_OK) return st;
    if (!gather(&g, in->scratch, &e))
        return andon_fail(err, ANDON_ENOMEM, "forest: no room for %zu rows out of bag", in->x.n);
    calibrate(&e, &m->calibration);
    m->calibration.level = forest_surprise(&m->calibration, best_threshold(&e, &m->calibration));
    m->calibration.level = fmin(fmax(m->calibration.level, 1e-9), 1e5);
    return ANDON_OK;
}

andon_status forest_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                        andon_error *err)
{
    const struct forest_options *o = in->options;
    struct kinds held;
    andon_status st = kinds_survey(in, "forest", &held, err);
    if (st != ANDON_OK) return st;
    if (in->x.n >= FOREST_NODES_MAX / 2)
        return andon_fail(err, ANDON_ELIMIT, "forest: %zu rows, fewer than %u are possible",
                          in->x.n, FOREST_NODES_MAX / 2);
    struct forest *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "forest: no room for the model");
    *m = (struct forest){.d = in->x.d, .classes = in->classes, .kinds = held.kinds,
                         .trees = (uint32_t)o->trees};
    m->kind = andon_arena_array(arena, m->kinds, sizeof *m->kind);
    m->tree = andon_arena_array(arena, m->trees, sizeof *m->tree);
    if (m->kind == NULL || m->tree == NULL)
        return andon_fail(err, ANDON_ENOMEM, "forest: no room for %u trees", m->trees);
    memcpy(m->kind, held.kind, m->kinds * sizeof *m->kind);
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    st = grow_forest(in, &held, m, arena, err);
    andon_arena_rewind(in->scratch, mark);
    if (st == ANDON_OK) *model = m;
    return st;
}
