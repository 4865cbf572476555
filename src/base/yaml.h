/* A configuration as YAML, read by tables: each key has a name, a type, a range, a default and a
 * line of help, and what is wrong is one line with file, line and column, what was found and what
 * was expected. The reference page and `andon check` follow from the same tables.
 *
 * The file is parsed by libyaml into a document, copied into a tree of our own (so that the
 * environment can be laid over it) and then read into the caller's struct. Everything lives in the
 * caller's arena. Nothing but the secrets' files is opened. Any thread, one at a time per document.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/arena.h"
#include "andon/bytes.h"
#include "andon/status.h"

#define YAML_FILE_MAX ((size_t)1 << 20)   /* bytes of a file                                  */
#define YAML_DEPTH_MAX 32u                /* tables and lists within each other               */
#define YAML_ALIASES_MAX 1000u            /* uses of an alias                                  */
#define YAML_KEYS_MAX 10000u              /* keys of one table                                 */
#define YAML_NODES_MAX 100000u            /* keys and values, each alias counted as what it is */
#define YAML_SECRET_MAX ((size_t)1 << 16) /* bytes of a secret's file                          */
#define YAML_HIDDEN "***"                 /* what stands for a secret in what is printed       */

/* The type of the field at .offset in the struct that is filled. */
enum yaml_type {
    YAML_TEXT,     /* const char *; NULL: not given                                           */
    YAML_PATH,     /* const char *; a relative one is taken from the file's own folder         */
    YAML_SECRET,   /* const char *; "file:PATH" is read once, a newline at its end cut; a
                      literal is allowed in the environment only                              */
    YAML_INTEGER,  /* int64_t                                                                 */
    YAML_NUMBER,   /* double; NaN: not given                                                  */
    YAML_DURATION, /* int64_t ns; with .choices a word may stand instead: -1, -2, ...;
                      0 without a preset: not given                                           */
    YAML_BYTES,    /* uint64_t                                                                */
    YAML_RATE,     /* double per day                                                          */
    YAML_FLAG,     /* bool; yes/no, true/false, on/off, 1/0                                   */
    YAML_CHOICE,   /* int32_t, index into .choices; -1: not given                              */
    YAML_RANGE,    /* double[2], the smaller first; NaN: not given                             */
    YAML_TEXTS,    /* const char *const *text at .offset, uint32_t at .count; one text alone is a
                      list of one, and commas part it in the environment                      */
    YAML_TABLE,    /* a struct, filled by .table                                              */
    YAML_TABLES,   /* const struct row * at .offset, uint32_t at .count                        */
    YAML_MAP       /* the same; a row's struct begins with its name, const char *              */
};

struct yaml_table;

/* One row of a table; a table ends with .name == NULL. */
struct yaml_key {
    const char *name;
    enum yaml_type type;
    size_t offset, count;
    double min, max;     /* closed range, both 0: any. DURATION in seconds, RATE per day       */
    const char *preset;  /* the default as text, NULL: none                                    */
    const char *choices; /* "every|os"                                                         */
    const char *help;    /* one line                                                           */
    const struct yaml_table *table;
};

struct yaml_table {
    const struct yaml_key *key;
    size_t bytes; /* of the struct */
    /* Looks over a filled struct and fills what follows from it; NULL: good. Else the name of the
     * key at fault ("": the table itself), with what was found and expected in why. May be NULL. */
    const char *(*check)(void *row, struct andon_arena *arena, andon_error *why);
};

struct yaml;

/* yaml_open reads a file; yaml_parse reads bytes, which name stands for in errors. path NULL: an
 * empty document. ANDON_EINVAL  not YAML, several documents, a tag, a key twice, a limit above
 * passed ANDON_EIO     the file cannot be read; ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status yaml_open(const char *path, struct andon_arena *arena,
                                        struct yaml **yaml, andon_error *err);
ANDON_MUST_CHECK andon_status yaml_parse(const char *name, const void *bytes, size_t size,
                                         struct andon_arena *arena, struct yaml **yaml,
                                         andon_error *err);

/* yaml_put lays a value over the document. path is keys, names and numbers of rows (the next free
 * one makes a row) between "__", in any case; origin is what errors call its place. ANDON_EINVAL no
 * such key; ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status yaml_put(struct yaml *yaml, const struct yaml_table *table,
                                       const char *path, const char *value, const char *origin,
                                       andon_error *err);

/* yaml_environment lays every variable PREFIX + path of variables (NAME=value, ended by NULL) with
 * a
 * "__" in its name over the document, in order of name: ANDON_JOURNAL__SYNC=every. */
ANDON_MUST_CHECK andon_status yaml_environment(struct yaml *yaml, const struct yaml_table *table,
                                               const char *prefix, char *const *variables,
                                               andon_error *err);

/* yaml_rows gives how many rows a list in the topmost table has so far. */
uint32_t yaml_rows(const struct yaml *yaml, const char *key);

/* yaml_read fills row by table: presets first, then what stands in the document.
 *   hidden  in  the text comes from yaml_print: secrets stand as YAML_HIDDEN
 * ANDON_EINVAL  err has place, key, what was found and what was expected
 * ANDON_EIO     a secret's file cannot be read; ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status yaml_read(struct yaml *yaml, const struct yaml_table *table,
                                        bool hidden, void *row, andon_error *err);

/* yaml_print writes row as YAML that yaml_read reads back as the same; same row, same bytes. Keys
 * that are not given are left out, secrets are YAML_HIDDEN. */
void yaml_print(const struct yaml_table *table, const void *row, struct andon_writer *out);

/* What a type takes, for errors and the reference: "a duration such as 100ms". */
void yaml_expected(const struct yaml_key *key, char *text, size_t room);

#endif
