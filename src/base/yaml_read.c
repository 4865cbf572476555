/* From the tree to the caller's struct. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/quantity.h"
#include "base/yaml_tree.h"

struct decoder {
    struct yaml *yaml;
    bool hidden;
    char path[256]; /* "sources[1].topics" */
    size_t used;
    andon_error *err;
};

static andon_status read_table(struct decoder *d, const struct yaml_table *table,
                               const struct node *n, void *row);

static andon_status no_memory(struct decoder *d)
{
    return andon_fail(d->err, ANDON_ENOMEM, "%s: no memory for the configuration", d->yaml->name);
}

static void path_add(struct decoder *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void path_add(struct decoder *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(d->path + d->used, sizeof d->path - d->used, format, args);
    va_end(args);
    size_t room = sizeof d->path - 1 - d->used;
    d->used += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
}

static void path_cut(struct decoder *d, size_t used)
{
    d->used = used;
    d->path[used] = 0;
}

/* "file:4:9: journal.sync: " and the rest; at_key: the key's place instead of the value's. */
static andon_status wrong(struct decoder *d, const struct node *n, bool at_key, const char *format,
                          ...) __attribute__((format(printf, 4, 5)));

static andon_status wrong(struct decoder *d, const struct node *n, bool at_key, const char *format,
                          ...)
{
    char text[sizeof d->err->text], place[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n != NULL && n->origin != NULL)
        snprintf(place, sizeof place, "%.120s", n->origin);
    else if (n != NULL && n->line > 0)
        snprintf(place, sizeof place, "%.120s:%u:%u", d->yaml->name, at_key ? n->key_line : n->line,
                 at_key ? n->key_column : n->column);
    else
        snprintf(place, sizeof place, "%.120s", d->yaml->name);
    andon_fail(d->err, ANDON_EINVAL, "%s: %s%s%s", place, d->path, d->used > 0 ? ": " : "", text);
    return yaml_one_line(d->err, ANDON_EINVAL);
}

/* What stands there, short and in one line. */
static const char *found(const struct node *n, char text[64])
{
    switch (n->kind) {
    case NODE_LIST: return "a list";
    case NODE_TABLE: return "a table";
    case NODE_NONE: return "nothing";
    default: break;
    }
    bool longer = snprintf(text, 48, "'%s", n->text) >= 48;
    strcat(text, longer ? "...'" : "'");
    return text;
}

static andon_status unexpected(struct decoder *d, const struct yaml_key *key, const struct node *n)
{
    char text[64], expected[200];
    yaml_expected(key, expected, sizeof expected);
    return wrong(d, n, false, "found %s, expected %s", found(n, text), expected);
}

static const char *joined(struct decoder *d, const struct node *n, const char *path)
{
    if (path[0] == '/' || n->origin != NULL || d->yaml->folder[0] == 0) return path;
    size_t bytes = strlen(d->yaml->folder) + strlen(path) + 1;
    char *whole = andon_arena_take(d->yaml->arena, bytes);
    if (whole != NULL) snprintf(whole, bytes, "%s%s", d->yaml->folder, path);
    return whole;
}

/* The file's bytes as text without the newline at its end. */
static andon_status read_secret_file(struct decoder *d, const struct node *n, const char *path,
                                     const char **secret)
{
    struct stat about;
    char text[YAML_SECRET_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, YAML_SECRET_MAX + 1);
    int error = errno;
    bool open_to_others = fd >= 0 && fstat(fd, &about) == 0 && (about.st_mode & 077) != 0;
    if (fd >= 0) close(fd);
    if (size < 0) {
        wrong(d, n, false, "%.120s: %s", path, strerror(error));
        return ANDON_EIO;
    }
    if ((size_t)size > YAML_SECRET_MAX)
        return wrong(d, n, false, "%.120s: larger than %zu bytes", path, YAML_SECRET_MAX);
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) size--;
    if (size == 0 || memchr(text, 0, (size_t)size) != NULL)
        return wrong(d, n, false, "%.120s: found %s, expected a secret", path,
                     size == 0 ? "nothing" : "a zero byte");
    text[size] = 0;
    if (open_to_others)
        log_line(LOG_WARN, "config", "secret readable by others", "key=%s file=%s mode=%03o",
                 d->path, path, (unsigned)(about.st_mode & 0777));
    *secret = andon_arena_text(d->yaml->arena, text);
    return *secret == NULL ? no_memory(d) : ANDON_OK;
}

static andon_status read_secret(struct decoder *d, const struct node *n, const char **secret)
{
    static const char file[] = "file:";
    if (n->kind == NODE_TEXT && strncmp(n->text, file, sizeof file - 1) == 0) {
        const char *path = joined(d, n, n->text + sizeof file - 1);
        return path == NULL ? no_memory(d) : read_secret_file(d, n, path, secret);
    }
    if (n->kind == NODE_TEXT && d->hidden && strcmp(n->text, YAML_HIDDEN) == 0) {
        *secret = "";
        return ANDON_OK;
    }
    /* The value is never told: it may be the secret itself. */
    if (n->kind != NODE_TEXT || n->origin == NULL)
        return wrong(d, n, false,
                     "found a value, expected file: and the path of a file that holds it");
    *secret = n->text;
    return ANDON_OK;
}

/* Cuts "a, b" into pieces, blanks around them cut; as nodes behind a list of its own. */
static struct node *cut_commas(struct decoder *d, const struct node *n)
{
    struct node *list = node_add(d->yaml, NULL, NODE_LIST, NULL);
    char *at = andon_arena_text(d->yaml->arena, n->text);
    while (list != NULL && at != NULL) {
        char *comma = strchr(at, ',');
        if (comma != NULL) *comma = 0;
        at += strspn(at, " ");
        for (size_t length = strlen(at); length > 0 && at[length - 1] == ' '; length--)
            at[length - 1] = 0;
        struct node *piece = node_add(d->yaml, list, NODE_TEXT, NULL);
        if (piece == NULL) return NULL;
        *piece = (struct node){.kind = NODE_TEXT,
                               .line = n->line,
                               .column = n->column,
                               .origin = n->origin,
                               .text = at};
        at = comma == NULL ? NULL : comma + 1;
    }
    return list;
}

static andon_status read_texts(struct decoder *d, const struct yaml_key *key, const struct node *n,
                               void *row)
{
    uint32_t used = 0;
    if (n->kind == NODE_NONE) return ANDON_OK;
    if (n->kind == NODE_TEXT && n->origin != NULL && (n = cut_commas(d, n)) == NULL)
        return no_memory(d);
    const struct node *first = n->kind == NODE_TEXT ? n : n->first;
    uint32_t count = n->kind == NODE_TEXT ? 1 : n->count;
    if (n->kind == NODE_TABLE) return unexpected(d, key, n);
    const char **text = andon_arena_array(d->yaml->arena, count, sizeof *text);
    if (text == NULL) return no_memory(d);
    for (const struct node *item = first; used < count; item = item->next) {
        if (item->kind != NODE_TEXT) {
            char what[64];
            return wrong(d, item, false, "found %s, expected a text", found(item, what));
        }
        text[used++] = item->text;
    }
    memcpy((char *)row + key->offset, &text, sizeof text);
    memcpy((char *)row + key->count, &count, sizeof count);
    return ANDON_OK;
}

static andon_status read_range(struct decoder *d, const struct yaml_key *key, const struct node *n,
                               double *range)
{
    const struct node *list = n;
    if (n->kind == NODE_TEXT && n->origin != NULL && (list = cut_commas(d, n)) == NULL)
        return no_memory(d);
    if (list->kind != NODE_LIST || list->count != 2) return unexpected(d, key, n);
    const struct node *item = list->first;
    for (int i = 0; i < 2; i++, item = item->next)
        if (item->kind != NODE_TEXT || !real_read(text_of(item->text), &range[i]))
            return unexpected(d, key, item);
    return range[0] < range[1] ? ANDON_OK : unexpected(d, key, n);
}

/* Lists of tables and maps: rows one behind the other; a map's begin with their names. */
static andon_status read_rows(struct decoder *d, const struct yaml_key *key, const struct node *n,
                              void *row)
{
    bool map = key->type == YAML_MAP;
    if (n->kind == NODE_NONE) return ANDON_OK;
    if (n->kind != (map ? NODE_TABLE : NODE_LIST)) return unexpected(d, key, n);
    char *rows = andon_arena_array(d->yaml->arena, n->count, key->table->bytes);
    if (rows == NULL) return no_memory(d);
    uint32_t i = 0;
    size_t used = d->used;
    for (const struct node *item = n->first; item != NULL; item = item->next, i++) {
        void *at = rows + i * key->table->bytes;
        path_cut(d, used);
        if (map)
            path_add(d, ".%s", item->key);
        else
            path_add(d, "[%u]", i);
        andon_status st = read_table(d, key->table, item, at);
        if (st != ANDON_OK) return st;
        if (map) memcpy(at, &item->key, sizeof item->key);
    }
    path_cut(d, used);
    const void *first = rows;
    memcpy((char *)row + key->offset, &first, sizeof first);
    memcpy((char *)row + key->count, &n->count, sizeof n->count);
    return ANDON_OK;
}

static andon_status read_value(struct decoder *d, const struct yaml_key *key, const struct node *n,
                               void *row)
{
    void *field = (char *)row + key->offset;
    const char *text = n->text;
    switch (key->type) {
    case YAML_TABLE: return read_table(d, key->table, n, field);
    case YAML_TABLES:
    case YAML_MAP: return read_rows(d, key, n, row);
    case YAML_TEXTS: return read_texts(d, key, n, row);
    case YAML_RANGE: return read_range(d, key, n, field);
    case YAML_SECRET: {
        andon_status st = read_secret(d, n, &text);
        if (st == ANDON_OK) memcpy(field, &text, sizeof text);
        return st;
    }
    case YAML_TEXT:
    case YAML_PATH:
        if (n->kind != NODE_TEXT || text[0] == 0) return unexpected(d, key, n);
        if (key->type == YAML_PATH && (text = joined(d, n, text)) == NULL) return no_memory(d);
        memcpy(field, &text, sizeof text);
        return ANDON_OK;
    default:
        if (n->kind != NODE_TEXT || !yaml_value_read(key, text, field))
            return unexpected(d, key, n);
        return ANDON_OK;
    }
}

static andon_status read_preset(struct decoder *d, const struct yaml_key *key, void *row)
{
    void *field = (char *)row + key->offset;
    double nan[2] = {NAN, NAN};
    struct node preset = {.kind = NODE_TEXT, .origin = "default", .text = key->preset};
    if (key->type == YAML_TABLE) return ANDON_OK; /* read_table does it */
    if (key->preset != NULL) {
        andon_status st = read_value(d, key, &preset, row);
        assert(st != ANDON_EINVAL);
        return st;
    }
    if (key->type == YAML_NUMBER || key->type == YAML_RATE) memcpy(field, nan, sizeof *nan);
    if (key->type == YAML_RANGE) memcpy(field, nan, sizeof nan);
    if (key->type == YAML_CHOICE) memcpy(field, &(int32_t){-1}, sizeof(int32_t));
    return ANDON_OK;
}

static andon_status wrong_key(struct decoder *d, const struct yaml_table *table,
                              const struct node *n, const char *nearest)
{
    char known[200];
    size_t used = 0;
    if (nearest != NULL)
        return wrong(d, n, true, "no key %.60s here, did you mean %s?", n->key, nearest);
    for (const struct yaml_key *key = table->key; key->name != NULL && used < sizeof known; key++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "",
                                 key->name);
    return wrong(d, n, true, "no key %.40s here, expected one of %s", n->key, known);
}

static andon_status check_table(struct decoder *d, const struct yaml_table *table,
                                const struct node *n, void *row)
{
    andon_error why = {{0}};
    const char *at = table->check == NULL ? NULL : table->check(row, d->yaml->arena, &why);
    if (at == NULL) return ANDON_OK;
    const struct node *culprit = n != NULL && n->kind == NODE_TABLE ? node_named(n, at) : NULL;
    if (at[0] != 0) path_add(d, d->used > 0 ? ".%s" : "%s", at);
    return wrong(d, culprit != NULL ? culprit : n, false, "%s", why.text);
}

/* The key's value, or the table behind a key that is not there. */
static andon_status read_child(struct decoder *d, const struct yaml_key *key, const struct node *n,
                               void *row)
{
    const struct node *child = n == NULL ? NULL : node_named(n, key->name);
    size_t used = d->used;
    andon_status st = ANDON_OK;
    path_add(d, used > 0 ? ".%s" : "%s", key->name);
    if (child != NULL)
        st = read_value(d, key, child, row);
    else if (key->type == YAML_TABLE)
        st = read_table(d, key->table, NULL, (char *)row + key->offset);
    if (st == ANDON_OK) path_cut(d, used);
    return st;
}

static andon_status read_table(struct decoder *d, const struct yaml_table *table,
                               const struct node *n, void *row)
{
    static const struct yaml_key self = {.type = YAML_TABLE};
    const char *nearest;
    andon_status st = ANDON_OK;
    if (n != NULL && n->kind != NODE_TABLE && n->kind != NODE_NONE) return unexpected(d, &self, n);
    for (const struct node *c = n == NULL ? NULL : n->first; c != NULL; c = c->next)
        if (yaml_key_find(table, c->key, false, &nearest) == NULL)
            return wrong_key(d, table, c, nearest);
    for (const struct yaml_key *key = table->key; st == ANDON_OK && key->name != NULL; key++)
        st = read_preset(d, key, row);
    for (const struct yaml_key *key = table->key; st == ANDON_OK && key->name != NULL; key++)
        st = read_child(d, key, n, row);
    return st == ANDON_OK ? check_table(d, table, n, row) : st;
}

andon_status yaml_read(struct yaml *yaml, const struct yaml_table *table, bool hidden, void *row,
                       andon_error *err)
{
    struct decoder d = {.yaml = yaml, .hidden = hidden, .err = err};
    memset(row, 0, table->bytes);
    return read_table(&d, table, yaml->root, row);
}
