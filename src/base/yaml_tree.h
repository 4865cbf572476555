/* Inside yaml: the tree that a document becomes. */
#ifndef BASE_YAML_TREE_H
#define BASE_YAML_TREE_H

#include "base/yaml.h"

enum node_kind {
    NODE_NONE, /* nothing stands behind the key */
    NODE_TEXT,
    NODE_LIST,
    NODE_TABLE
};

struct node {
    enum node_kind kind;
    uint32_t line, column;         /* from 1; of the value                                */
    uint32_t key_line, key_column; /* of the key, in a table                              */
    const char *origin;            /* not the file's: what it comes from                  */
    const char *key;               /* in a table                                          */
    const char *text;              /* NODE_TEXT                                           */
    struct node *first, *last, *next;
    uint32_t count; /* of first .. last                                    */
};

struct yaml {
    struct andon_arena *arena;
    const char *name;   /* what errors call the file */
    const char *folder; /* of the file, "" for the current one */
    struct node *root;  /* NODE_TABLE */
};

/* The tree of YAML text; yaml->root is set. */
ANDON_MUST_CHECK andon_status yaml_grow(struct yaml *yaml, const void *bytes, size_t size,
                                        andon_error *err);

/* node_add puts a new node behind parent's last; NULL: no memory. */
struct node *node_add(struct yaml *yaml, struct node *parent, enum node_kind kind, const char *key);

struct node *node_named(const struct node *table, const char *key);

/* The key of that name, or NULL and in *nearest the one that it may have meant (or NULL). */
const struct yaml_key *yaml_key_find(const struct yaml_table *table, const char *name,
                                     bool any_case, const char **nearest);

/* Makes err one line, whatever names stand in it, and gives status. */
andon_status yaml_one_line(andon_error *err, andon_status status);

/* Reads one value's text into the field; what stands in NODE_TEXT. False: it is not what key
 * expects. */
bool yaml_value_read(const struct yaml_key *key, const char *text, void *field);

/* Writes a field as text that yaml_value_read reads back. False: not given. */
bool yaml_value_write(const struct yaml_key *key, const void *field, char *text, size_t room);

#endif
