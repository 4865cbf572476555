/* Opening and overlaying a document. */
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "base/yaml_tree.h"

enum { PATH_PARTS_MAX = 16, NAME_ROOM = 256 };

static andon_status no_memory(const char *name, andon_error *err)
{
    return andon_fail(err, ANDON_ENOMEM, "%s: no memory for the configuration", name);
}

static andon_status new_document(const char *name, struct andon_arena *arena, struct yaml **yaml,
                                 andon_error *err)
{
    struct yaml *y = andon_arena_take(arena, sizeof *y);
    *yaml = y;
    if (y == NULL) return no_memory(name, err);
    y->arena = arena;
    y->name = andon_arena_text(arena, name);
    y->folder = "";
    return y->name == NULL ? no_memory(name, err) : ANDON_OK;
}

andon_status yaml_parse(const char *name, const void *bytes, size_t size, struct andon_arena *arena,
                        struct yaml **yaml, andon_error *err)
{
    andon_status st = new_document(name, arena, yaml, err);
    if (st == ANDON_OK && size > YAML_FILE_MAX)
        st = andon_fail(err, ANDON_EINVAL, "%s: larger than %zu bytes", name, YAML_FILE_MAX);
    return st == ANDON_OK ? yaml_grow(*yaml, bytes, size, err) : st;
}

/* The part of a path before its last '/', with it. */
static const char *folder_of(const char *path, struct andon_arena *arena)
{
    const char *slash = strrchr(path, '/');
    char *folder = andon_arena_text(arena, path);
    if (folder != NULL) folder[slash == NULL ? 0 : slash - path + 1] = 0;
    return folder;
}

static andon_status read_file(const char *path, struct andon_arena *arena, struct yaml **yaml,
                              andon_error *err)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) return andon_fail(err, ANDON_EIO, "%s: %s", path, strerror(errno));
    char *bytes = malloc(YAML_FILE_MAX + 1);
    size_t size = bytes == NULL ? 0 : fread(bytes, 1, YAML_FILE_MAX + 1, f);
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    andon_status st = bytes == NULL ? no_memory(path, err) : ANDON_OK;
    if (failed != 0) st = andon_fail(err, ANDON_EIO, "%s: %s", path, strerror(failed));
    if (st == ANDON_OK) st = yaml_parse(path, bytes, size, arena, yaml, err);
    free(bytes);
    if (st != ANDON_OK) return st;
    (*yaml)->folder = folder_of(path, arena);
    return (*yaml)->folder == NULL ? no_memory(path, err) : ANDON_OK;
}

andon_status yaml_open(const char *path, struct andon_arena *arena, struct yaml **yaml,
                       andon_error *err)
{
    *yaml = NULL;
    if (path == NULL) return yaml_parse("configuration", "", 0, arena, yaml, err);
    return read_file(path, arena, yaml, err);
}

uint32_t yaml_rows(const struct yaml *yaml, const char *key)
{
    const struct node *list = node_named(yaml->root, key);
    return list == NULL ? 0 : list->count;
}

/* One value that is laid over the document, and how far its path has been followed. */
struct overlay {
    struct yaml *yaml;
    const char *origin;
    char *part[PATH_PARTS_MAX];
    size_t parts, at;
    andon_error *err;
};

static andon_status wrong_path(const struct overlay *o, const char *expected)
{
    andon_fail(o->err, ANDON_EINVAL, "%.100s: found %.60s, expected %.120s", o->origin,
               o->at < o->parts ? o->part[o->at] : "a value", expected);
    return yaml_one_line(o->err, ANDON_EINVAL);
}

/* A name of the environment's against one of the file's: case and what no name can hold do not
 * count. */
static bool same_name(const char *shouted, const char *name)
{
    for (; *shouted != 0 && *name != 0; shouted++, name++) {
        bool bar = *shouted == '_' && (*name == '-' || *name == '.' || *name == ' ');
        if (!bar && strncasecmp(shouted, name, 1) != 0) return false;
    }
    return *shouted == *name;
}

static struct node *fresh(struct overlay *o, struct node *parent, enum node_kind kind,
                          const char *key)
{
    char *name = key == NULL ? NULL : andon_arena_text(o->yaml->arena, key);
    if (key != NULL && name == NULL) return NULL;
    struct node *n = node_add(o->yaml, parent, kind, name);
    if (n != NULL) n->origin = o->origin;
    return n;
}

/* Turns a node into an empty table or list unless it is one. */
static void become(struct node *n, enum node_kind kind)
{
    if (n->kind == kind) return;
    n->kind = kind;
    n->first = n->last = NULL;
    n->count = 0;
}

/* The list's row of the number in the path; the next free one is made. */
static andon_status step_row(struct overlay *o, struct node *list, struct node **row)
{
    char expected[80], *end = NULL;
    become(list, NODE_LIST);
    const char *digits = o->at < o->parts ? o->part[o->at] : "";
    unsigned long index = strtoul(digits, &end, 10);
    snprintf(expected, sizeof expected, "a number from 0 to %u", list->count);
    if (*digits < '0' || *digits > '9' || *end != 0 || index > list->count)
        return wrong_path(o, expected);
    o->at++;
    *row = list->first;
    for (unsigned long i = 0; i < index; i++) *row = (*row)->next;
    if (*row == NULL) *row = fresh(o, list, NODE_TABLE, NULL);
    return *row == NULL ? no_memory(o->origin, o->err) : ANDON_OK;
}

/* The map's row of the name in the path; a new one has the name in small letters. */
static andon_status step_name(struct overlay *o, struct node *map, struct node **row)
{
    become(map, NODE_TABLE);
    if (o->at == o->parts || o->part[o->at][0] == 0) return wrong_path(o, "a name");
    char *name = o->part[o->at++];
    for (*row = map->first; *row != NULL; *row = (*row)->next)
        if (same_name(name, (*row)->key)) return ANDON_OK;
    for (char *c = name; *c != 0; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    *row = fresh(o, map, NODE_TABLE, name);
    return *row == NULL ? no_memory(o->origin, o->err) : ANDON_OK;
}

/* Follows the path's next key from table in n; *n is then its node, *key its row. */
static andon_status step_key(struct overlay *o, const struct yaml_table *table, struct node **n,
                             const struct yaml_key **key)
{
    const char *nearest;
    char expected[NAME_ROOM];
    become(*n, NODE_TABLE);
    *key = o->at < o->parts ? yaml_key_find(table, o->part[o->at], true, &nearest) : NULL;
    if (*key == NULL) {
        bool near = o->at < o->parts && nearest != NULL;
        snprintf(expected, sizeof expected, "a key such as %s", near ? nearest : table->key->name);
        return wrong_path(o, expected);
    }
    o->at++;
    struct node *child = node_named(*n, (*key)->name);
    if (child == NULL) child = fresh(o, *n, NODE_NONE, (*key)->name);
    *n = child;
    return child == NULL ? no_memory(o->origin, o->err) : ANDON_OK;
}

static andon_status follow(struct overlay *o, const struct yaml_table *table, const char *value)
{
    struct node *n = o->yaml->root;
    const struct yaml_key *key = NULL;
    for (;;) {
        andon_status st = step_key(o, table, &n, &key);
        if (st == ANDON_OK && key->type == YAML_TABLES) st = step_row(o, n, &n);
        if (st == ANDON_OK && key->type == YAML_MAP) st = step_name(o, n, &n);
        if (st != ANDON_OK) return st;
        if (key->table == NULL) break;
        table = key->table;
    }
    if (o->at < o->parts) return wrong_path(o, "the end of the name");
    n->text = andon_arena_text(o->yaml->arena, value);
    n->kind = NODE_TEXT;
    n->origin = o->origin;
    return n->text == NULL ? no_memory(o->origin, o->err) : ANDON_OK;
}

andon_status yaml_put(struct yaml *yaml, const struct yaml_table *table, const char *path,
                      const char *value, const char *origin, andon_error *err)
{
    struct overlay o = {.yaml = yaml, .err = err};
    if (!utf8_valid(value, strlen(value)) || !utf8_valid(path, strlen(path)))
        return andon_fail(err, ANDON_EINVAL, "%.100s: found bytes that are no UTF-8", origin);
    char *at = andon_arena_text(yaml->arena, path);
    o.origin = andon_arena_text(yaml->arena, origin);
    if (at == NULL || o.origin == NULL) return no_memory(origin, err);
    while (at != NULL) {
        char *next = strstr(at, "__");
        if (next != NULL) *next = 0;
        if (o.parts == PATH_PARTS_MAX)
            return andon_fail(err, ANDON_EINVAL, "%.100s: more than %d names", origin,
                              PATH_PARTS_MAX);
        o.part[o.parts++] = at;
        at = next == NULL ? NULL : next + 2;
    }
    return follow(&o, table, value);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_meant(const char *variable, const char *prefix)
{
    const char *equals = strchr(variable, '=');
    const char *parts = strstr(variable, "__");
    return equals != NULL && parts != NULL && parts < equals &&
           strncmp(variable, prefix, strlen(prefix)) == 0;
}

static andon_status put_variable(struct yaml *yaml, const struct yaml_table *table,
                                 const char *prefix, const char *variable, andon_error *err)
{
    char name[NAME_ROOM];
    size_t length = strcspn(variable, "=");
    if (length >= sizeof name)
        return andon_fail(err, ANDON_EINVAL, "%.60s...: a name of %zu bytes, expected at most %d",
                          variable, length, NAME_ROOM - 1);
    memcpy(name, variable, length);
    name[length] = 0;
    return yaml_put(yaml, table, name + strlen(prefix), variable + length + 1, name, err);
}

/* Sorted, so that rows 0, 1, ... of a list are made in order whatever order the environment has. */
andon_status yaml_environment(struct yaml *yaml, const struct yaml_table *table, const char *prefix,
                              char *const *variables, andon_error *err)
{
    size_t n = 0, used = 0;
    for (size_t i = 0; variables[i] != NULL; i++) n += is_meant(variables[i], prefix);
    const char **sorted = andon_arena_array(yaml->arena, n, sizeof *sorted);
    if (sorted == NULL) return no_memory("environment", err);
    for (size_t i = 0; variables[i] != NULL; i++)
        if (is_meant(variables[i], prefix)) sorted[used++] = variables[i];
    qsort(sorted, n, sizeof *sorted, by_name);
    andon_status st = ANDON_OK;
    for (size_t i = 0; st == ANDON_OK && i < n; i++)
        st = put_variable(yaml, table, prefix, sorted[i], err);
    return st;
}
