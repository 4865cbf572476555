/* A node is one level below its parent; node 0 stands above the first levels. Children that are
 * plain names are found through one index for the whole tree, + and # stand in the node. A node
 * without subscriptions and children is taken away at once. */
#include "ingest/mqtt/subscription.h"

#include <stdlib.h>

#include "ingest/mqtt/topic.h"

struct node {
    uint32_t parent, hash;
    uint32_t plus, rest; /* the children + and #; 0: none (the root is nobody's child) */
    uint32_t children;   /* all of them */
    uint32_t first;      /* subscription that ends here */
    struct text name;    /* from pool kept */
    uint32_t next_free;
};

struct tree {
    struct node *node;        /* node[TREE_NODES_MAX]       */
    struct subscription *row; /* row[SUBSCRIPTIONS_MAX]     */
    uint32_t *match;          /* match[SUBSCRIPTIONS_MAX]   */
    uint32_t nodes_high, free_node, rows_high, free_row, count, matches;
    struct index index;
};

andon_status tree_open(struct endpoint *e, andon_error *err)
{
    struct tree *t = e->tree = calloc(1, sizeof *t);
    if (t != NULL) {
        t->node = calloc(TREE_NODES_MAX, sizeof *t->node);
        t->row = calloc(SUBSCRIPTIONS_MAX, sizeof *t->row);
        t->match = calloc(SUBSCRIPTIONS_MAX, sizeof *t->match);
    }
    if (t == NULL || t->node == NULL || t->row == NULL || t->match == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for subscriptions");
    t->node[0].first = SUBSCRIPTION_NONE;
    t->nodes_high = 1;
    t->free_row = SUBSCRIPTION_NONE;
    return index_open(&t->index, TREE_NODES_MAX, err);
}

void tree_close(struct endpoint *e)
{
    struct tree *t = e->tree;
    if (t == NULL) return;
    index_close(&t->index);
    free(t->node);
    free(t->row);
    free(t->match);
    free(t);
}

static uint32_t child(const struct tree *t, uint32_t node, struct text level)
{
    uint32_t hash = index_hash(&t->index, node, level), at = UINT32_MAX, i;
    while ((i = index_find(&t->index, hash, &at)) != INDEX_NONE)
        if (t->node[i].parent == node && text_is(t->node[i].name, level)) return i;
    return 0;
}

/* The place in the node that names its child for a wildcard; NULL for a plain level. */
static uint32_t *wild(struct tree *t, uint32_t node, struct text level)
{
    if (text_is(level, TEXT("+"))) return &t->node[node].plus;
    return text_is(level, TEXT("#")) ? &t->node[node].rest : NULL;
}

static uint32_t find_child(struct tree *t, uint32_t node, struct text level)
{
    const uint32_t *place = wild(t, node, level);
    return place != NULL ? *place : child(t, node, level);
}

static uint32_t make_child(struct endpoint *e, uint32_t parent, struct text level)
{
    struct tree *t = e->tree;
    uint32_t i = t->free_node;
    if (i == 0 && t->nodes_high == TREE_NODES_MAX) return 0;
    char *name = pool_take(e->kept, level.length + 1u, NULL);
    if (name == NULL) return 0;
    if (level.length > 0) memcpy(name, level.at, level.length);
    if (i != 0)
        t->free_node = t->node[i].next_free;
    else
        i = t->nodes_high++;
    t->node[i] = (struct node){.parent = parent,
                               .hash = index_hash(&t->index, parent, level),
                               .first = SUBSCRIPTION_NONE,
                               .name = {name, level.length}};
    uint32_t *place = wild(t, parent, level);
    if (place != NULL)
        *place = i;
    else
        index_put(&t->index, t->node[i].hash, i);
    t->node[parent].children++;
    return i;
}

/* Takes nodes away that lead nowhere, upwards from i. */
static void prune(struct endpoint *e, uint32_t i)
{
    struct tree *t = e->tree;
    while (i != 0 && t->node[i].children == 0 && t->node[i].first == SUBSCRIPTION_NONE) {
        struct node *n = &t->node[i];
        uint32_t parent = n->parent;
        uint32_t *place = wild(t, parent, n->name);
        if (place != NULL)
            *place = 0;
        else
            index_drop(&t->index, n->hash, i);
        pool_give(e->kept, (void *)(uintptr_t)n->name.at);
        n->next_free = t->free_node;
        t->free_node = i;
        t->node[parent].children--;
        i = parent;
    }
}

/* The node where filter ends. make: nodes that are missing are made; 0: none, or no room. */
static uint32_t walk(struct endpoint *e, struct text filter, bool make)
{
    struct text level;
    uint32_t at = 0;
    while (topic_level(&filter, &level)) {
        uint32_t next = find_child(e->tree, at, level);
        if (next == 0 && make) next = make_child(e, at, level);
        if (next == 0) {
            if (make) prune(e, at);
            return 0;
        }
        at = next;
    }
    return at;
}

struct subscription *subscription_at(struct endpoint *e, uint32_t number)
{
    return &e->tree->row[number];
}

uint32_t subscription_count(const struct endpoint *e)
{
    return e->tree->count;
}

static uint32_t find_own(const struct tree *t, const struct session *s, struct text filter)
{
    uint32_t i = s->subscriptions;
    while (i != SUBSCRIPTION_NONE && !text_is(t->row[i].filter, filter)) i = t->row[i].next_own;
    return i;
}

static uint32_t take_row(struct tree *t)
{
    uint32_t i = t->free_row;
    if (i != SUBSCRIPTION_NONE)
        t->free_row = t->row[i].next_own;
    else if (t->rows_high < SUBSCRIPTIONS_MAX)
        i = t->rows_high++;
    return i;
}

static void give_row(struct tree *t, uint32_t i)
{
    t->row[i] = (struct subscription){.next_own = t->free_row};
    t->free_row = i;
}

/* A new row at its node and in its session's list. */
static uint32_t add(struct endpoint *e, struct session *s, struct text filter)
{
    struct tree *t = e->tree;
    if (s->subscription_count >= SUBSCRIPTIONS_PER_CLIENT) return SUBSCRIPTION_NONE;
    uint32_t i = take_row(t);
    if (i == SUBSCRIPTION_NONE) return i;
    char *own = pool_take(e->kept, filter.length, NULL);
    uint32_t node = own == NULL ? 0 : walk(e, filter, true);
    if (node == 0) {
        pool_give(e->kept, own);
        give_row(t, i);
        return SUBSCRIPTION_NONE;
    }
    memcpy(own, filter.at, filter.length);
    t->row[i] = (struct subscription){.session = s,
                                      .filter = {own, filter.length},
                                      .node = node,
                                      .next_own = s->subscriptions,
                                      .next_there = t->node[node].first,
                                      .before_there = SUBSCRIPTION_NONE};
    if (t->node[node].first != SUBSCRIPTION_NONE) t->row[t->node[node].first].before_there = i;
    t->node[node].first = i;
    s->subscriptions = i;
    s->subscription_count++;
    t->count++;
    count_one(&e->counters.subscriptions);
    return i;
}

uint32_t subscription_put(struct endpoint *e, struct session *s, const struct filter *filter,
                          uint32_t identifier, bool *existed)
{
    uint32_t i = find_own(e->tree, s, filter->text);
    *existed = i != SUBSCRIPTION_NONE;
    if (!*existed) i = add(e, s, filter->text);
    if (i == SUBSCRIPTION_NONE) return i;
    struct subscription *sub = &e->tree->row[i];
    sub->identifier = identifier;
    sub->qos = filter->qos > 1 ? 1 : filter->qos;
    sub->no_local = filter->no_local;
    sub->retain_as_published = filter->retain_as_published;
    return i;
}

static void stop_scan(struct endpoint *e, struct subscription *sub)
{
    struct connection *c = sub->session->connection;
    if (sub->scanning && c != NULL && c->scans > 0 && --c->scans == 0) e->scanning--;
    sub->scanning = false;
}

/* Row i, which is out of its session's list already. */
static void take_away(struct endpoint *e, uint32_t i)
{
    struct tree *t = e->tree;
    struct subscription *sub = &t->row[i];
    uint32_t node = sub->node;
    stop_scan(e, sub);
    if (sub->next_there != SUBSCRIPTION_NONE)
        t->row[sub->next_there].before_there = sub->before_there;
    if (sub->before_there != SUBSCRIPTION_NONE)
        t->row[sub->before_there].next_there = sub->next_there;
    else
        t->node[node].first = sub->next_there;
    sub->session->subscription_count--;
    pool_give(e->kept, (void *)(uintptr_t)sub->filter.at);
    give_row(t, i);
    prune(e, node);
    t->count--;
    count_add(&e->counters.subscriptions, (uint64_t)-1);
}

bool subscription_drop(struct endpoint *e, struct session *s, struct text filter)
{
    struct tree *t = e->tree;
    uint32_t i = find_own(t, s, filter);
    if (i == SUBSCRIPTION_NONE) return false;
    uint32_t *link = &s->subscriptions;
    while (*link != i) link = &t->row[*link].next_own;
    *link = t->row[i].next_own;
    take_away(e, i);
    return true;
}

void subscription_drop_all(struct endpoint *e, struct session *s)
{
    while (s->subscriptions != SUBSCRIPTION_NONE) {
        uint32_t i = s->subscriptions;
        s->subscriptions = e->tree->row[i].next_own;
        take_away(e, i);
    }
}

static void gather(struct tree *t, uint32_t node)
{
    for (uint32_t i = t->node[node].first; i != SUBSCRIPTION_NONE; i = t->row[i].next_there)
        t->match[t->matches++] = i;
}

uint32_t subscription_match(struct endpoint *e, struct text topic, const uint32_t **numbers)
{
    struct tree *t = e->tree;
    struct way {
        uint32_t node;
        struct text rest;
    } way[TOPIC_LEVELS_MAX + 2]; /* depth first: at most one way waits at each level */
    uint32_t ways = 0;
    bool hidden = text_starts(topic, TEXT("$")); /* 4.7.2: from wildcards in front */
    way[ways++] = (struct way){0, topic};
    t->matches = 0;
    while (ways > 0) {
        struct way w = way[--ways];
        const struct node *n = &t->node[w.node];
        bool wildcards = w.node != 0 || !hidden;
        struct text level;
        if (n->rest != 0 && wildcards) gather(t, n->rest);
        if (!topic_level(&w.rest, &level)) {
            gather(t, w.node);
            continue;
        }
        uint32_t plain = n->children > 0 ? child(t, w.node, level) : 0;
        if (n->plus != 0 && wildcards) way[ways++] = (struct way){n->plus, w.rest};
        if (plain != 0) way[ways++] = (struct way){plain, w.rest};
    }
    *numbers = t->match;
    return t->matches;
}
