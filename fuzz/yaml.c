/* Fuzzes the reading of configurations: YAML, then behind a 0 byte lines of the environment.
 * Whatever is read must print as YAML that reads back as the same and prints the same; whatever is
 * refused must say why in one line. */
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 16, VARIABLES_MAX = 8 };

struct leaf {
    const char *name, *text, *secret, *path;
    double range[2], number, rate;
    const char *const *word;
    uint32_t words;
};

struct top {
    struct inner {
        int64_t whole, duration;
        uint64_t bytes;
        int32_t choice;
        bool flag;
    } inner;
    const struct leaf *row, *named;
    uint32_t rows, names;
};

static const struct yaml_key leaf_keys[] = {
    {.name = "text", .type = YAML_TEXT, .offset = offsetof(struct leaf, text)},
    {.name = "secret", .type = YAML_SECRET, .offset = offsetof(struct leaf, secret)},
    {.name = "path", .type = YAML_PATH, .offset = offsetof(struct leaf, path)},
    {.name = "range", .type = YAML_RANGE, .offset = offsetof(struct leaf, range)},
    {.name = "number", .type = YAML_NUMBER, .offset = offsetof(struct leaf, number)},
    {.name = "rate", .type = YAML_RATE, .offset = offsetof(struct leaf, rate)},
    {.name = "words",
     .type = YAML_TEXTS,
     .offset = offsetof(struct leaf, word),
     .count = offsetof(struct leaf, words)},
    {0}};
static const struct yaml_table leaf_table = {leaf_keys, sizeof(struct leaf), NULL};
static const struct yaml_key inner_keys[] = {
    {.name = "whole",
     .type = YAML_INTEGER,
     .offset = offsetof(struct inner, whole),
     .min = -5,
     .max = 5},
    {.name = "duration",
     .type = YAML_DURATION,
     .offset = offsetof(struct inner, duration),
     .preset = "1s",
     .choices = "every|os"},
    {.name = "bytes", .type = YAML_BYTES, .offset = offsetof(struct inner, bytes)},
    {.name = "choice",
     .type = YAML_CHOICE,
     .offset = offsetof(struct inner, choice),
     .choices = "one|two"},
    {.name = "flag", .type = YAML_FLAG, .offset = offsetof(struct inner, flag)},
    {0}};
static const struct yaml_table inner_table = {inner_keys, sizeof(struct inner), NULL};
static const struct yaml_key top_keys[] = {{.name = "inner",
                                            .type = YAML_TABLE,
                                            .offset = offsetof(struct top, inner),
                                            .table = &inner_table},
                                           {.name = "rows",
                                            .type = YAML_TABLES,
                                            .offset = offsetof(struct top, row),
                                            .count = offsetof(struct top, rows),
                                            .table = &leaf_table},
                                           {.name = "names",
                                            .type = YAML_MAP,
                                            .offset = offsetof(struct top, named),
                                            .count = offsetof(struct top, names),
                                            .table = &leaf_table},
                                           {0}};
static const struct yaml_table top_table = {top_keys, sizeof(struct top), NULL};

static void must(bool holds)
{
    if (!holds) abort();
}

/* Secrets' files would be whatever the input names, so secrets are left out of what is read. */
static bool names_a_file(const char *text, size_t size)
{
    return memmem(text, size, "file:", 5) != NULL;
}

/* Cuts the lines behind the 0 byte into variables named ANDON_... */
static void cut(char *text, struct andon_arena *arena, char *variable[VARIABLES_MAX + 1])
{
    size_t n = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL && n < VARIABLES_MAX;
         line = strtok_r(NULL, "\n", &rest)) {
        variable[n] = andon_arena_take(arena, strlen(line) + 7);
        must(variable[n] != NULL);
        strcpy(variable[n], "ANDON_");
        strcat(variable[n++], line);
    }
    variable[n] = NULL;
}

static struct andon_writer printed(const struct top *top, struct andon_arena *arena)
{
    struct andon_writer out;
    andon_writer_init(&out, arena);
    yaml_print(&top_table, top, &out);
    must(!out.full);
    return out;
}

static void read_back(const struct top *top, struct andon_arena *arena)
{
    struct andon_writer first = printed(top, arena);
    struct yaml *yaml;
    struct top again;
    andon_error err;
    must(yaml_parse("printed", first.data, first.size, arena, &yaml, &err) == ANDON_OK);
    must(yaml_read(yaml, &top_table, true, &again, &err) == ANDON_OK);
    struct andon_writer second = printed(&again, arena);
    must(first.size == second.size);
    must(first.size == 0 || memcmp(first.data, second.data, first.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[INPUT_MAX + 1];
    char *variable[VARIABLES_MAX + 1];
    struct andon_arena arena;
    struct yaml *yaml;
    struct top top;
    andon_error err = {{0}};
    if (size > INPUT_MAX || names_a_file((const char *)data, size)) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    size_t yaml_size = strlen(text);
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)256 << 20);
    cut(text + (yaml_size < size ? yaml_size + 1 : size), &arena, variable);
    andon_status st = yaml_parse("input", text, yaml_size, &arena, &yaml, &err);
    if (st == ANDON_OK) st = yaml_environment(yaml, &top_table, "ANDON_", variable, &err);
    if (st == ANDON_OK) st = yaml_read(yaml, &top_table, false, &top, &err);
    must(st == ANDON_OK ||
         (st == ANDON_EINVAL && err.text[0] != 0 && strchr(err.text, '\n') == NULL));
    if (st == ANDON_OK) read_back(&top, &arena);
    andon_arena_free(&arena);
    return 0;
}
