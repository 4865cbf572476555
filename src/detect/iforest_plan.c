/* From a tree to the list of operations that judge it for many rows at once.
 *
 * An operation joins the results of two children: a leaf (a constant), a cherry
 * (a node with two leaves, judged on the way) or another operation's slot.
 * Operations of one kind stand in runs as long as their order (children first)
 * allows, so that a kernel's loops are few and long. */
#include "detect/iforest_plan.h"

enum child { LEAF, CHERRY, INNER };

/* What to do with a left and a right child: the kind, and whether the right one
 * is its first operand. */
static const struct {
    uint8_t kind, swap;
} kinds[3][3] = {
    [LEAF] = {[CHERRY] = {TREES_CHERRY_LEAF, 1}, [INNER] = {TREES_LEAF_SLOT, 0}},
    [CHERRY] = {[LEAF] = {TREES_CHERRY_LEAF, 0},
                [CHERRY] = {TREES_CHERRY_CHERRY, 0},
                [INNER] = {TREES_CHERRY_SLOT, 0}},
    [INNER] = {[LEAF] = {TREES_LEAF_SLOT, 1},
               [CHERRY] = {TREES_CHERRY_SLOT, 1},
               [INNER] = {TREES_SLOT_SLOT, 0}},
};

/* The children of inner node m, in the order of its operation. */
struct operands {
    uint32_t first, second; /* nodes */
    uint8_t kind, swap;
};

static uint32_t left_of(const struct iforest_planner *p, uint32_t node)
{
    return trees_node_left(p->node[node]) - p->base;
}

static struct operands operands_of(const struct iforest_planner *p, uint32_t m)
{
    uint32_t left = left_of(p, p->inner[m]);
    uint8_t kind = kinds[p->type[left]][p->type[left + 1]].kind;
    uint8_t swap = kinds[p->type[left]][p->type[left + 1]].swap;
    return (struct operands){left + swap, left + !swap, kind, swap};
}

/* The code of a path length; equal ones share it. */
static uint8_t code_of(struct iforest_planner *p, uint32_t value, trees_plane *plane)
{
    const uint32_t mask = 2 * TREES_LEAVES - 1;
    uint32_t at = (value * 2654435761u) >> 16;
    for (;; at++) {
        uint32_t code = p->code_of[at & mask];
        if (code == 0) break;
        if (p->code_value[code - 1] == value) return (uint8_t)(code - 1);
    }
    uint32_t code = p->codes++;
    p->code_of[at & mask] = (uint16_t)p->codes;
    p->code_value[code] = value;
    for (int k = 0; k < TREES_PLANES; k++)
        plane[code / 16][k][code % 16] = (uint8_t)(value >> (8 * k));
    return (uint8_t)code;
}

/* Types of all nodes, the inner nodes' numbers and parents. Children stand
 * behind their parents. */
static void survey(struct iforest_planner *p)
{
    uint32_t inner = 0;
    for (uint32_t i = 0; i < p->nodes; i++) {
        bool leaf = left_of(p, i) == i;
        p->inner[inner] = (uint16_t)i;
        p->number[i] = (uint8_t)inner;
        p->type[i] = leaf ? LEAF : INNER;
        inner += !leaf;
    }
    p->inners = inner;
    for (uint32_t m = 0; m < inner; m++) {
        uint32_t left = left_of(p, p->inner[m]);
        bool cherry = p->type[left] + p->type[left + 1] == 0;
        p->type[p->inner[m]] = cherry ? CHERRY : INNER;
        for (uint32_t c = left; c < left + 2; c++) p->parent[c] = (uint8_t)m;
    }
}

static void number_leaves(struct iforest_planner *p, const uint32_t *value, trees_plane *plane)
{
    p->codes = 0;
    memset(p->code_of, 0, sizeof p->code_of);
    for (uint32_t i = 0; i < p->nodes; i++)
        if (p->type[i] == LEAF) p->number[i] = code_of(p, value[i], plane);
}

static struct trees_test test_of(const struct iforest_planner *p, uint32_t m, bool swap)
{
    int threshold = (int)p->rank[m] - 127;
    uint32_t feature = trees_node_feature(p->node[p->inner[m]]);
    /* not (x < t) is ~x < -t */
    return (struct trees_test){.column = (uint16_t)feature,
                               .threshold = (int8_t)(swap ? -threshold : threshold),
                               .flip = swap ? -1 : 0};
}

static void put_cherry(const struct iforest_planner *p, uint32_t node, struct trees_op *op, int k)
{
    uint32_t left = left_of(p, node);
    op->cherry[k] = test_of(p, p->number[node], false);
    op->code[2 * k] = p->number[left];
    op->code[2 * k + 1] = p->number[left + 1];
}

/* A slot that nothing waits for. */
static uint8_t slot_new(struct iforest_planner *p)
{
    return p->frees > 0 ? p->free[--p->frees] : (uint8_t)p->slots++;
}

static struct trees_op op_make(struct iforest_planner *p, uint32_t m)
{
    struct operands of = operands_of(p, m);
    struct trees_op op = {.node = test_of(p, m, of.swap)};
    if (of.kind <= TREES_CHERRY_SLOT) put_cherry(p, of.first, &op, 0);
    if (of.kind == TREES_CHERRY_CHERRY) put_cherry(p, of.second, &op, 1);
    if (of.kind == TREES_CHERRY_LEAF) op.code[2] = p->number[of.second];
    if (of.kind == TREES_LEAF_SLOT) op.code[2] = p->number[of.first];
    if (of.kind == TREES_CHERRY_SLOT || of.kind == TREES_LEAF_SLOT)
        op.a = p->slot[p->number[of.second]];
    if (of.kind == TREES_SLOT_SLOT) {
        op.a = p->slot[p->number[of.first]];
        op.b = p->slot[p->number[of.second]];
        p->free[p->frees++] = op.b;
    }
    op.out = of.kind <= TREES_CHERRY_LEAF ? slot_new(p) : op.a;
    p->slot[m] = op.out;
    return op;
}

/* Inner nodes whose operands are there, by kind. */
struct ready {
    uint8_t node[TREES_KINDS][TREES_LEAVES];
    uint32_t count[TREES_KINDS];
};

static void ready_add(const struct iforest_planner *p, struct ready *ready, uint32_t m)
{
    uint8_t kind = operands_of(p, m).kind;
    ready->node[kind][ready->count[kind]++] = (uint8_t)m;
}

/* How many operations each inner node waits for; those that wait for none are
 * ready. */
static void ready_init(struct iforest_planner *p, struct ready *ready)
{
    memset(ready->count, 0, sizeof ready->count);
    for (uint32_t m = 0; m < p->inners; m++) {
        uint32_t i = p->inner[m], left = left_of(p, i);
        p->waits[m] = (uint8_t)((p->type[left] == INNER) + (p->type[left + 1] == INNER));
        if (p->type[i] == INNER && p->waits[m] == 0) ready_add(p, ready, m);
    }
}

/* The kind that most nodes are ready for. */
static uint32_t ready_most(const struct ready *ready)
{
    uint32_t most = 0;
    for (uint32_t kind = 1; kind < TREES_KINDS; kind++)
        if (ready->count[kind] > ready->count[most]) most = kind;
    return most;
}

/* A tree that is one cherry: both operands of its only operation are that
 * cherry. */
static uint32_t plan_cherry(const struct iforest_planner *p, struct trees_op *op,
                            struct trees_run *run)
{
    *op = (struct trees_op){.node = test_of(p, 0, false)};
    put_cherry(p, 0, op, 0);
    put_cherry(p, 0, op, 1);
    *run = (struct trees_run){TREES_CHERRY_CHERRY, 1};
    return 1;
}

uint32_t iforest_plan_write(struct iforest_planner *p, const uint32_t *value, struct trees_op *op,
                            struct trees_run *run, trees_plane *plane)
{
    struct ready ready;
    uint32_t runs = 0;
    survey(p);
    number_leaves(p, value, plane);
    if (p->inners == 0) return 0;
    if (p->type[0] == CHERRY) return plan_cherry(p, op, run);
    p->slots = 1; /* slot 0 is the result's */
    p->frees = 0;
    ready_init(p, &ready);
    for (;;) {
        uint32_t kind = ready_most(&ready);
        if (ready.count[kind] == 0) break;
        run[runs] = (struct trees_run){(uint8_t)kind, 0};
        while (ready.count[kind] > 0) {
            uint32_t m = ready.node[kind][--ready.count[kind]];
            *op = op_make(p, m);
            run[runs].ops++;
            if (m == 0) op->out = 0;
            op++;
            uint32_t parent = p->parent[p->inner[m]];
            if (m > 0 && --p->waits[parent] == 0) ready_add(p, &ready, parent);
        }
        runs++;
    }
    if (p->slots > p->slots_max) p->slots_max = p->slots;
    return runs;
}
