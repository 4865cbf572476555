/* Random forest (Breiman 2001) on labelled rows, binary or several kinds of fault: many trees, each
 * grown on its own draw of the rows, say which part of their leaves were faults; the mean of them,
 * calibrated out of bag, is the probability. See forest.h for the invariants.
 *
 * The score is -log(1 - p) over its value where F1 out of bag is best: 1 is where training's
 * faults and normal rows part, and there is no upper end but the size of the leaves. */
#include "detect/forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/kinds.h"
#include "detect/registry.h"

#define BLOCK 64u /* rows that go through a tree while it is in the cache          */
#define LANES 8u  /* walks side by side, so that one's delay hides the others'     */

static const struct andon_option options[] = {
    {"trees", ANDON_OPTION_INT, offsetof(struct forest_options, trees), 1, FOREST_TREES_MAX, "200",
     NULL, "trees"},
    {"leaf", ANDON_OPTION_INT, offsetof(struct forest_options, leaf), 1, 1e6, "1", NULL,
     "least rows in a leaf"},
    {"features", ANDON_OPTION_INT, offsetof(struct forest_options, features), 0, ANDON_FEATURES_MAX,
     "0", NULL, "features tried per cut; 0: the square root of all"},
    {"rows", ANDON_OPTION_INT, offsetof(struct forest_options, rows), 100, 1e7, "100000", NULL,
     "most rows drawn per tree"},
    {"depth", ANDON_OPTION_INT, offsetof(struct forest_options, depth), 1, 1000, "64", NULL,
     "most cuts between root and leaf"},
    {"balanced", ANDON_OPTION_BOOL, offsetof(struct forest_options, balanced), 0, 0, "no", NULL,
     "let every kind weigh alike while growing; probabilities are calibrated all the same"},
    {.name = NULL},
};

/* Without cancellation: a far-away log(1 + e^v) is v itself. */
static double softplus(double v)
{
    return v > 0 ? v + log1p(exp(-v)) : log1p(exp(v));
}

double forest_surprise(const struct forest_calibration *c, double p)
{
    return softplus(c->a * log(p) - c->b * log1p(-p) + c->c);
}

uint32_t forest_leaf(const struct forest_node *node, const float *x)
{
    uint32_t at = 0;
    while (node[at].child != at) at = node[at].child + (x[node[at].feature] > node[at].threshold);
    return at;
}

/* Eight walks side by side; one that has arrived stays, as a leaf is its own child. The places are
 * local, so that they live in registers. */
static void leaves(const struct forest_node *const node[LANES], const float *const x[LANES],
                   uint32_t leaf[LANES])
{
    uint32_t at[LANES] = {0}, moved;
    do {
        moved = 0;
        for (uint32_t l = 0; l < LANES; l++) {
            const struct forest_node *t = &node[l][at[l]];
            uint32_t next = t->child + (x[l][t->feature] > t->threshold);
            moved |= next ^ at[l];
            at[l] = next;
        }
    } while (moved != 0);
    memcpy(leaf, at, sizeof at);
}

/* Sums of a block of rows: fault[n], and mix[n][kinds - 1] unless NULL. */
struct sums {
    double *fault, *mix;
};

static void add_leaf(const struct forest *m, const struct forest_tree *tree, uint32_t leaf,
                     const struct sums *s, size_t row)
{
    uint32_t others = m->kinds - 1;
    s->fault[row] += (double)tree->node[leaf].fault;
    for (uint32_t k = 0; s->mix != NULL && k < others; k++)
        s->mix[row * others + k] += (double)tree->mix[(size_t)leaf * others + k];
}

/* Eight rows through one tree after the other. */
static void consult_rows(const struct forest *m, const float *x, size_t from, const struct sums *s,
                         uint32_t tree)
{
    const struct forest_node *node[LANES];
    const float *row[LANES];
    uint32_t leaf[LANES];
    for (uint32_t l = 0; l < LANES; l++) {
        node[l] = m->tree[tree].node;
        row[l] = x + (from + l) * m->d;
    }
    leaves(node, row, leaf);
    for (uint32_t l = 0; l < LANES; l++) add_leaf(m, &m->tree[tree], leaf[l], s, from + l);
}

/* One row through eight trees at a time; they are added in the same order as for eight rows. */
static void consult_row(const struct forest *m, const float *x, const struct sums *s, size_t at)
{
    const struct forest_node *node[LANES];
    const float *row[LANES];
    uint32_t leaf[LANES];
    for (uint32_t t = 0; t < m->trees; t += LANES) {
        for (uint32_t l = 0; l < LANES; l++) {
            node[l] = m->tree[t + l < m->trees ? t + l : t].node;
            row[l] = x + at * m->d;
        }
        leaves(node, row, leaf);
        for (uint32_t l = 0; l < LANES && t + l < m->trees; l++)
            add_leaf(m, &m->tree[t + l], leaf[l], s, at);
    }
}

/* A block's mean faults, and with s->mix the sums of every kind. */
static void consult(const struct forest *m, const float *x, size_t n, const struct sums *s)
{
    size_t eights = n / LANES * LANES;
    memset(s->fault, 0, n * sizeof *s->fault);
    if (s->mix != NULL) memset(s->mix, 0, n * (m->kinds - 1) * sizeof *s->mix);
    for (uint32_t t = 0; t < m->trees; t++)
        for (size_t i = 0; i < eights; i += LANES) consult_rows(m, x, i, s, t);
    for (size_t i = eights; i < n; i++) consult_row(m, x, s, i);
    for (size_t i = 0; i < n; i++) s->fault[i] /= m->trees;
}

static bool has_gap(const float *x, uint32_t d)
{
    bool gap = false;
    for (uint32_t j = 0; j < d; j++) gap |= isnan(x[j]);
    return gap;
}

/* Path attributions (Saabas): on a row's way down its fault changes at every cut, and the feature
 * of the cut gets the change. Root plus changes is the leaf, exactly. */
static void contribute(const struct forest *m, const float *x, double *part, float *share)
{
    double sum = 0;
    memset(part, 0, m->d * sizeof *part);
    for (uint32_t t = 0; t < m->trees; t++) {
        const struct forest_node *node = m->tree[t].node;
        for (uint32_t at = 0, next; node[at].child != at; at = next) {
            next = node[at].child + (x[node[at].feature] > node[at].threshold);
            part[node[at].feature] += (double)node[next].fault - (double)node[at].fault;
        }
    }
    for (uint32_t j = 0; j < m->d; j++) {
        part[j] = part[j] > 0 ? part[j] : 0;
        sum += part[j];
    }
    for (uint32_t j = 0; j < m->d; j++) share[j] = sum > 0 ? (float)(part[j] / sum) : 0.0f;
}

/* scratch: fault[BLOCK], then part[d] or mix[BLOCK][kinds - 1]. */
static size_t scratch_bytes(const void *model, size_t n)
{
    const struct forest *m = model;
    size_t mix = (size_t)BLOCK * (m->kinds - 1u);
    (void)n;
    return (BLOCK + (mix > m->d ? mix : m->d)) * sizeof(double);
}

static void score(const void *model, void *memory, struct andon_rows x, double *out, float *share,
                  void *scratch, enum andon_kernel kernel)
{
    const struct forest *m = model;
    double *part = (double *)scratch + BLOCK;
    struct sums s = {.fault = scratch};
    (void)memory;
    (void)kernel;
    for (size_t from = 0; from < x.n; from += BLOCK) {
        size_t n = x.n - from < BLOCK ? x.n - from : BLOCK;
        consult(m, x.x + from * m->d, n, &s);
        for (size_t i = 0; i < n; i++) {
            const float *row = x.x + (from + i) * m->d;
            bool gap = has_gap(row, m->d);
            double surprise = forest_surprise(&m->calibration, s.fault[i]);
            out[from + i] = gap ? NAN : surprise / m->calibration.level;
            if (share == NULL) continue;
            float *mine = share + (from + i) * m->d;
            if (!gap) contribute(m, row, part, mine);
            for (uint32_t j = 0; gap && j < m->d; j++) mine[j] = NAN;
        }
    }
}

/* The calibrated probability of a fault, shared out over the kinds as the leaves mix them. */
static void share_out(const struct forest *m, double fault, const double *mix, float *p)
{
    double surprise = forest_surprise(&m->calibration, fault), sum = 0;
    for (uint32_t k = 0; k < m->classes; k++) p[k] = 0.0f;
    for (uint32_t k = 0; mix != NULL && k + 1 < m->kinds; k++) sum += mix[k];
    p[0] = (float)exp(-surprise);
    for (uint32_t k = 1; k < m->kinds; k++) {
        double part = mix == NULL ? 1 : sum > 0 ? mix[k - 1] / sum : 1 / (m->kinds - 1.0);
        p[m->kind[k]] = (float)(-expm1(-surprise) * part);
    }
}

static uint32_t classes(const void *model)
{
    return ((const struct forest *)model)->classes;
}

static void classify(const void *model, struct andon_rows x, float *probability, void *scratch,
                     enum andon_kernel kernel)
{
    const struct forest *m = model;
    struct sums s = {scratch, m->kinds > 2 ? (double *)scratch + BLOCK : NULL};
    (void)kernel;
    for (size_t from = 0; from < x.n; from += BLOCK) {
        size_t n = x.n - from < BLOCK ? x.n - from : BLOCK;
        consult(m, x.x + from * m->d, n, &s);
        for (size_t i = 0; i < n; i++) {
            float *p = probability + (from + i) * m->classes;
            share_out(m, s.fault[i], s.mix == NULL ? NULL : s.mix + i * (m->kinds - 1), p);
            bool gap = has_gap(x.x + (from + i) * m->d, m->d);
            for (uint32_t k = 0; gap && k < m->classes; k++) p[k] = NAN;
        }
    }
}

/* -- bytes --------------------------------------------------------------------------------- */

#define LEAF_MARK UINT32_MAX /* on disk, the feature of a leaf */
#define NODE_WIRE 16u

static void save_tree(const struct forest *m, const struct forest_tree *tree,
                      struct andon_writer *out)
{
    andon_put_u32(out, tree->nodes);
    for (uint32_t i = 0; i < tree->nodes; i++) {
        const struct forest_node *node = &tree->node[i];
        bool leaf = node->child == i;
        andon_put_u32(out, leaf ? LEAF_MARK : node->feature);
        andon_put_f32(out, leaf ? 0.0f : node->threshold);
        andon_put_u32(out, node->child);
        andon_put_f32(out, node->fault);
    }
    if (m->kinds > 2) andon_put_f32s(out, tree->mix, (size_t)tree->nodes * (m->kinds - 1));
}

static void save(const void *model, struct andon_writer *out)
{
    const struct forest *m = model;
    andon_put_u32(out, m->d);
    andon_put_u32(out, m->classes);
    andon_put_u32(out, m->kinds);
    andon_put_u32(out, m->trees);
    andon_put_u32s(out, m->kind, m->kinds);
    andon_put_f64(out, m->calibration.a);
    andon_put_f64(out, m->calibration.b);
    andon_put_f64(out, m->calibration.c);
    andon_put_f64(out, m->calibration.level);
    for (uint32_t t = 0; t < m->trees; t++) save_tree(m, &m->tree[t], out);
}

/* One node off the wire; false when it points where it must not. */
static bool load_node(struct andon_reader *in, uint32_t d, uint32_t at, uint32_t nodes,
                      struct forest_node *node)
{
    node->feature = andon_get_u32(in);
    node->threshold = andon_get_f32(in);
    node->child = andon_get_u32(in);
    node->fault = andon_get_f32(in);
    if (!(node->fault > 0.0f && node->fault < 1.0f)) return false;
    if (node->feature == LEAF_MARK) {
        node->feature = 0;
        node->threshold = INFINITY;
        return node->child == at;
    }
    return node->feature < d && isfinite(node->threshold) && node->child > at &&
           node->child < nodes - 1;
}

static bool load_tree(struct andon_reader *in, const struct forest *m, struct andon_arena *arena,
                      struct forest_tree *tree)
{
    uint32_t others = m->kinds - 1;
    tree->nodes = andon_get_u32(in);
    if (in->bad || tree->nodes < 1 || tree->nodes > FOREST_NODES_MAX) return false;
    tree->node = andon_get_array(in, arena, tree->nodes, sizeof *tree->node, NODE_WIRE);
    if (tree->node == NULL) return false;
    for (uint32_t i = 0; i < tree->nodes; i++)
        if (!load_node(in, m->d, i, tree->nodes, &tree->node[i])) return false;
    if (m->kinds == 2) return !in->bad;
    size_t cells = (size_t)tree->nodes * others;
    tree->mix = andon_get_array(in, arena, cells, sizeof(float), sizeof(float));
    if (tree->mix == NULL) return false;
    andon_get_f32s(in, tree->mix, cells);
    for (size_t i = 0; i < cells; i++)
        if (!(tree->mix[i] >= 0.0f && tree->mix[i] <= 1.0f)) return false;
    return !in->bad;
}

static bool sound_calibration(const struct forest_calibration *c)
{
    return c->a >= 0 && c->a <= 1e3 && c->b >= 0 && c->b <= 1e3 && c->a + c->b > 1e-6 &&
           fabs(c->c) <= 1e6 && c->level >= 1e-12 && c->level <= 1e6;
}

static bool load_head(struct andon_reader *in, uint32_t d, struct forest *m)
{
    m->d = andon_get_u32(in);
    m->classes = andon_get_u32(in);
    m->kinds = andon_get_u32(in);
    m->trees = andon_get_u32(in);
    return !in->bad && m->d == d && m->classes <= ANDON_CLASSES_MAX && m->kinds >= 2 &&
           m->kinds <= m->classes && m->trees >= 1 && m->trees <= FOREST_TREES_MAX;
}

static andon_status load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                         void **model, andon_error *err)
{
    struct forest head = {0};
    if (!load_head(in, d, &head))
        return andon_fail(err, ANDON_EFORMAT, "forest: %u trees, %u of %u classes, %u features; "
                          "expected %u features", head.trees, head.kinds, head.classes, head.d, d);
    struct forest *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "forest: no room for the model");
    *m = head;
    m->kind = andon_get_array(in, arena, m->kinds, sizeof *m->kind, sizeof *m->kind);
    m->tree = andon_arena_array(arena, m->trees, sizeof *m->tree);
    if (m->kind == NULL || m->tree == NULL)
        return andon_fail(err, in->bad ? andon_reader_blame(in) : ANDON_ENOMEM,
                          "forest: no room for %u trees", m->trees);
    andon_get_u32s(in, m->kind, m->kinds);
    m->calibration.a = andon_get_f64(in);
    m->calibration.b = andon_get_f64(in);
    m->calibration.c = andon_get_f64(in);
    m->calibration.level = andon_get_f64(in);
    if (in->bad || !kinds_sound(m->kind, m->kinds, m->classes) ||
        !sound_calibration(&m->calibration))
        return andon_fail(err, ANDON_EFORMAT, "forest: kinds or calibration out of range");
    for (uint32_t t = 0; t < m->trees; t++)
        if (!load_tree(in, m, arena, &m->tree[t]))
            return andon_fail(err, andon_reader_blame(in),
                              "forest: tree %u is cut, out of range or without room", t);
    *model = m;
    return ANDON_OK;
}

const struct andon_detector andon_forest = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "forest",
    .title = "Random forest",
    .source = "Breiman, Machine Learning 45, 2001",
    .traits = ANDON_SUPERVISED,
    .options = options,
    .options_bytes = sizeof(struct forest_options),
    .fit = forest_fit,
    .scratch_bytes = scratch_bytes,
    .score = score,
    .classify = classify,
    .classes = classes,
    .save = save,
    .load = load,
};
