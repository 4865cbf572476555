/* From the caller's struct to YAML. Texts stand in double quotes unless they are plain words, so
 * that nothing in them means anything to YAML. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "base/utf8.h"
#include "base/yaml_tree.h"

struct printer {
    struct andon_writer *out;
    uint32_t depth;
    bool dash; /* the next line begins a row of a list */
};

static void print_table(struct printer *p, const struct yaml_table *table, const void *row);

static void put(struct printer *p, const char *text)
{
    andon_put_bytes(p->out, text, strlen(text));
}

static bool is_plain(const char *text)
{
    static const char *const nothing[] = {"null", "Null", "NULL"};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (strcmp(text, nothing[i]) == 0) return false;
    if (text[0] == 0 || strchr(letters, text[0]) == NULL) return false;
    size_t n = strspn(text, letters);
    while (text[n] != 0 && strchr("./+-", text[n]) != NULL) n += 1 + strspn(text + n + 1, letters);
    return text[n] == 0;
}

/* What YAML takes for a line's end, for no character or for its own sign. */
static bool is_special(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
           c == 0xfffe || c == 0xffff || c == '"' || c == '\\';
}

static void put_text(struct printer *p, const char *text)
{
    char escape[16];
    uint32_t c;
    if (is_plain(text)) {
        put(p, text);
        return;
    }
    put(p, "\"");
    for (size_t i = 0, n, length = strlen(text); i < length; i += n) {
        n = utf8_next(text + i, length - i, &c);
        if (n == 0) n = 1; /* no text that was read holds it */
        snprintf(escape, sizeof escape, "\\u%04x", c);
        if (is_special(c))
            put(p, escape);
        else
            andon_put_bytes(p->out, text + i, n);
    }
    put(p, "\"");
}

static void begin_line(struct printer *p, const char *key)
{
    for (uint32_t i = p->dash ? 1 : 0; i < p->depth; i++) put(p, "  ");
    if (p->dash) put(p, "- ");
    p->dash = false;
    put_text(p, key);
    put(p, ":");
}

static void print_texts(struct printer *p, const struct yaml_key *key, const void *row)
{
    const char *const *text;
    uint32_t count;
    memcpy(&text, (const char *)row + key->offset, sizeof text);
    memcpy(&count, (const char *)row + key->count, sizeof count);
    if (count == 0) return;
    begin_line(p, key->name);
    for (uint32_t i = 0; i < count; i++) {
        put(p, i == 0 ? " [" : ", ");
        put_text(p, text[i]);
    }
    put(p, "]\n");
}

static void print_empty(struct printer *p)
{
    for (uint32_t i = 0; i < p->depth; i++) put(p, "  ");
    put(p, "- {}\n");
    p->dash = false;
}

static void print_rows(struct printer *p, const struct yaml_key *key, const void *row)
{
    const char *rows, *name;
    uint32_t count;
    memcpy(&rows, (const char *)row + key->offset, sizeof rows);
    memcpy(&count, (const char *)row + key->count, sizeof count);
    if (count == 0) return;
    begin_line(p, key->name);
    put(p, "\n");
    p->depth++;
    for (uint32_t i = 0; i < count; i++) {
        const char *at = rows + i * key->table->bytes;
        if (key->type == YAML_MAP) {
            memcpy(&name, at, sizeof name);
            begin_line(p, name);
            put(p, "\n");
        } else
            p->dash = true;
        p->depth++;
        print_table(p, key->table, at);
        p->depth--;
        if (p->dash) print_empty(p);
    }
    p->depth--;
}

static void print_range(struct printer *p, const struct yaml_key *key, const double *range)
{
    char low[QUANTITY_ROOM], high[QUANTITY_ROOM], line[2 * QUANTITY_ROOM + 8];
    if (isnan(range[0])) return;
    real_write(low, range[0]);
    real_write(high, range[1]);
    snprintf(line, sizeof line, " [%s, %s]\n", low, high);
    begin_line(p, key->name);
    put(p, line);
}

static void print_text(struct printer *p, const struct yaml_key *key, const void *field)
{
    const char *text;
    memcpy(&text, field, sizeof text);
    if (text == NULL) return;
    begin_line(p, key->name);
    put(p, " ");
    put_text(p, key->type == YAML_SECRET ? YAML_HIDDEN : text);
    put(p, "\n");
}

static void print_value(struct printer *p, const struct yaml_key *key, const void *row)
{
    const void *field = (const char *)row + key->offset;
    char text[64];
    switch (key->type) {
    case YAML_TABLE:
        begin_line(p, key->name);
        put(p, "\n");
        p->depth++;
        print_table(p, key->table, field);
        p->depth--;
        return;
    case YAML_TABLES:
    case YAML_MAP: print_rows(p, key, row); return;
    case YAML_TEXTS: print_texts(p, key, row); return;
    case YAML_RANGE: print_range(p, key, field); return;
    case YAML_TEXT:
    case YAML_PATH:
    case YAML_SECRET: print_text(p, key, field); return;
    default:
        if (!yaml_value_write(key, field, text, sizeof text)) return;
        begin_line(p, key->name);
        put(p, " ");
        put(p, text);
        put(p, "\n");
    }
}

static void print_table(struct printer *p, const struct yaml_table *table, const void *row)
{
    for (const struct yaml_key *key = table->key; key->name != NULL; key++)
        print_value(p, key, row);
}

void yaml_print(const struct yaml_table *table, const void *row, struct andon_writer *out)
{
    struct printer p = {.out = out};
    print_table(&p, table, row);
}
