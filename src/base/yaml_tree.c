/* From libyaml's document to a tree of our own. libyaml parses without recursion and keeps an alias
 * as a reference; the tree holds what an alias stands for once per use, so its growth is limited
 * here. */
#include "base/yaml_tree.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct grower {
    struct yaml *yaml;
    yaml_document_t document;
    uint8_t *seen; /* seen[nodes of the document] */
    uint32_t nodes, aliases;
    andon_error *err;
};

struct node *node_named(const struct node *table, const char *key)
{
    for (struct node *n = table->first; n != NULL; n = n->next)
        if (strcmp(n->key, key) == 0) return n;
    return NULL;
}

static void node_link(struct node *parent, struct node *n)
{
    if (parent->last == NULL)
        parent->first = n;
    else
        parent->last->next = n;
    parent->last = n;
    parent->count++;
}

struct node *node_add(struct yaml *yaml, struct node *parent, enum node_kind kind, const char *key)
{
    struct node *n = andon_arena_take(yaml->arena, sizeof *n);
    if (n == NULL) return NULL;
    n->kind = kind;
    n->key = key;
    if (parent != NULL) node_link(parent, n);
    return n;
}

andon_status yaml_one_line(andon_error *err, andon_status status)
{
    for (char *c = err == NULL ? NULL : err->text; c != NULL && *c != 0; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    return status;
}

static andon_status no_memory(const struct yaml *yaml, andon_error *err)
{
    return andon_fail(err, ANDON_ENOMEM, "%s: no memory for the configuration", yaml->name);
}

/* libyaml counts lines and columns from 0. */
static andon_status wrong_at(const struct yaml *yaml, yaml_mark_t mark, andon_error *err,
                             const char *what)
{
    andon_fail(err, ANDON_EINVAL, "%s:%zu:%zu: %s", yaml->name, mark.line + 1, mark.column + 1,
               what);
    return yaml_one_line(err, ANDON_EINVAL);
}

/* Where a byte stands; columns count characters, as libyaml's do. */
static yaml_mark_t mark_of(const char *bytes, size_t size, size_t offset)
{
    yaml_mark_t mark = {0, 0, 0};
    for (size_t i = 0; i < size && i < offset; i++) {
        if (bytes[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)bytes[i] & 0xc0) != 0x80)
            mark.column++;
    }
    return mark;
}

static andon_status blame(const struct yaml *yaml, const yaml_parser_t *parser, const char *bytes,
                          size_t size, andon_error *err)
{
    char text[200];
    const char *problem = parser->problem != NULL ? parser->problem : "no YAML";
    if (parser->error == YAML_MEMORY_ERROR) return no_memory(yaml, err);
    if (parser->error == YAML_READER_ERROR)
        return wrong_at(yaml, mark_of(bytes, size, parser->problem_offset), err, problem);
    if (parser->context != NULL)
        snprintf(text, sizeof text, "%s %s", problem, parser->context);
    else
        snprintf(text, sizeof text, "%s", problem);
    return wrong_at(yaml, parser->problem_mark, err, text);
}

static andon_status copy_text(struct grower *g, const yaml_node_t *from, const char **text)
{
    size_t length = from->data.scalar.length;
    if (memchr(from->data.scalar.value, 0, length) != NULL)
        return wrong_at(g->yaml, from->start_mark, g->err, "found a zero byte, expected text");
    *text = andon_arena_text(g->yaml->arena, (const char *)from->data.scalar.value);
    return *text == NULL ? no_memory(g->yaml, g->err) : ANDON_OK;
}

static bool is_nothing(const yaml_node_t *from)
{
    static const char *const nothing[] = {"", "~", "null", "Null", "NULL"};
    if (from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (strcmp((const char *)from->data.scalar.value, nothing[i]) == 0) return true;
    return false;
}

static andon_status grow(struct grower *g, int id, struct node *n, uint32_t depth);

static andon_status grow_list(struct grower *g, const yaml_node_t *from, struct node *n,
                              uint32_t depth)
{
    andon_status st = ANDON_OK;
    for (yaml_node_item_t *item = from->data.sequence.items.start;
         st == ANDON_OK && item < from->data.sequence.items.top; item++) {
        struct node *child = node_add(g->yaml, n, NODE_NONE, NULL);
        st = child == NULL ? no_memory(g->yaml, g->err) : grow(g, *item, child, depth + 1);
    }
    return st;
}

static andon_status grow_pair(struct grower *g, const yaml_node_pair_t *pair, struct node *n,
                              uint32_t depth)
{
    char text[120];
    const char *name;
    const yaml_node_t *key = yaml_document_get_node(&g->document, pair->key);
    if (key->type != YAML_SCALAR_NODE)
        return wrong_at(g->yaml, key->start_mark, g->err, "found a list or table, expected a name");
    andon_status st = copy_text(g, key, &name);
    if (st != ANDON_OK) return st;
    const struct node *twin = node_named(n, name);
    if (twin != NULL) {
        snprintf(text, sizeof text, "%.60s stands twice, first in line %u", name, twin->key_line);
        return wrong_at(g->yaml, key->start_mark, g->err, text);
    }
    if (n->count >= YAML_KEYS_MAX)
        return wrong_at(g->yaml, key->start_mark, g->err, "found more than 10000 keys in a table");
    struct node *child = node_add(g->yaml, n, NODE_NONE, name);
    if (child == NULL) return no_memory(g->yaml, g->err);
    child->key_line = (uint32_t)key->start_mark.line + 1;
    child->key_column = (uint32_t)key->start_mark.column + 1;
    return grow(g, pair->value, child, depth + 1);
}

static andon_status check_limits(struct grower *g, int id, const yaml_node_t *from, uint32_t depth)
{
    char text[120];
    const char *tag = from->tag != NULL ? (const char *)from->tag : "";
    g->aliases += g->seen[id - 1];
    g->seen[id - 1] = 1;
    text[0] = 0;
    if (depth > YAML_DEPTH_MAX)
        snprintf(text, sizeof text, "more than %u tables and lists within each other",
                 YAML_DEPTH_MAX);
    else if (++g->nodes > YAML_NODES_MAX)
        snprintf(text, sizeof text, "more than %u keys and values", YAML_NODES_MAX);
    else if (g->aliases > YAML_ALIASES_MAX)
        snprintf(text, sizeof text, "more than %u uses of aliases", YAML_ALIASES_MAX);
    else if (tag[0] == '!')
        snprintf(text, sizeof text, "found the tag %.60s, expected none", tag);
    return text[0] == 0 ? ANDON_OK : wrong_at(g->yaml, from->start_mark, g->err, text);
}

static andon_status grow(struct grower *g, int id, struct node *n, uint32_t depth)
{
    const yaml_node_t *from = yaml_document_get_node(&g->document, id);
    andon_status st = check_limits(g, id, from, depth);
    if (st != ANDON_OK) return st;
    n->line = (uint32_t)from->start_mark.line + 1;
    n->column = (uint32_t)from->start_mark.column + 1;
    switch (from->type) {
    case YAML_SEQUENCE_NODE: n->kind = NODE_LIST; return grow_list(g, from, n, depth);
    case YAML_MAPPING_NODE:
        n->kind = NODE_TABLE;
        for (yaml_node_pair_t *pair = from->data.mapping.pairs.start;
             st == ANDON_OK && pair < from->data.mapping.pairs.top; pair++)
            st = grow_pair(g, pair, n, depth);
        return st;
    default:
        n->kind = is_nothing(from) ? NODE_NONE : NODE_TEXT;
        return copy_text(g, from, &n->text);
    }
}

static andon_status grow_root(struct grower *g)
{
    struct yaml *yaml = g->yaml;
    yaml_node_t *top = yaml_document_get_root_node(&g->document);
    if (top == NULL) return ANDON_OK; /* an empty file: every key has its default */
    size_t ids = (size_t)(g->document.nodes.top - g->document.nodes.start);
    g->seen = andon_arena_take(yaml->arena, ids);
    if (g->seen == NULL) return no_memory(yaml, g->err);
    int id = (int)(top - g->document.nodes.start) + 1;
    andon_status st = grow(g, id, yaml->root, 1);
    if (st == ANDON_OK && yaml->root->kind == NODE_NONE) yaml->root->kind = NODE_TABLE;
    if (st == ANDON_OK && yaml->root->kind != NODE_TABLE)
        return wrong_at(yaml, top->start_mark, g->err,
                        "found a text or list, expected keys and values");
    return st;
}

/* What follows the first document must be the end. */
static andon_status check_end(const struct yaml *yaml, yaml_parser_t *parser, const char *bytes,
                              size_t size, andon_error *err)
{
    yaml_document_t more;
    andon_status st = ANDON_OK;
    if (!yaml_parser_load(parser, &more)) return blame(yaml, parser, bytes, size, err);
    yaml_node_t *top = yaml_document_get_root_node(&more);
    if (top != NULL)
        st = wrong_at(yaml, top->start_mark, err, "found a second document, expected one");
    yaml_document_delete(&more);
    return st;
}

andon_status yaml_grow(struct yaml *yaml, const void *bytes, size_t size, andon_error *err)
{
    struct grower g = {.yaml = yaml, .err = err};
    yaml_parser_t parser;
    yaml->root = node_add(yaml, NULL, NODE_TABLE, NULL);
    if (yaml->root == NULL || !yaml_parser_initialize(&parser)) return no_memory(yaml, err);
    yaml_parser_set_input_string(&parser, bytes, size);
    if (!yaml_parser_load(&parser, &g.document)) {
        andon_status st = blame(yaml, &parser, bytes, size, err);
        yaml_parser_delete(&parser);
        return st;
    }
    andon_status st = grow_root(&g);
    bool some = yaml_document_get_root_node(&g.document) != NULL;
    yaml_document_delete(&g.document);
    if (st == ANDON_OK && some) st = check_end(yaml, &parser, bytes, size, err);
    yaml_parser_delete(&parser);
    return st;
}
