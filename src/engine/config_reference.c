/* The reference of keys, as docs/configuration.md holds it. */
#include <stdio.h>
#include <string.h>

#include "engine/config.h"

static void put(struct andon_writer *out, const char *text)
{
    andon_put_bytes(out, text, strlen(text));
}

static const char *opening(const struct yaml_key *key)
{
    return key->type == YAML_TABLES ? "[]." : key->type == YAML_MAP ? ".NAME." : ".";
}

/* A cell of the table: what would end it is escaped. */
static void put_cell(struct andon_writer *out, const char *text)
{
    put(out, " ");
    for (const char *c = text; *c != 0; c++) {
        if (*c == '|') put(out, "\\");
        andon_put_bytes(out, c, 1);
    }
    put(out, " |");
}

static void put_keys(struct andon_writer *out, const struct yaml_table *table, const char *prefix)
{
    char name[160], expected[200], quoted[80];
    for (const struct yaml_key *key = table->key; key->name != NULL; key++) {
        if (key->table != NULL) {
            snprintf(name, sizeof name, "%s%s%s", prefix, key->name, opening(key));
            put_keys(out, key->table, name);
            continue;
        }
        snprintf(name, sizeof name, "`%s%s`", prefix, key->name);
        yaml_expected(key, expected, sizeof expected);
        snprintf(quoted, sizeof quoted, key->preset != NULL ? "`%s`" : "%s",
                 key->preset != NULL ? key->preset : "");
        put(out, "|");
        put_cell(out, name);
        put_cell(out, expected);
        put_cell(out, quoted);
        put_cell(out, key->help);
        put(out, "\n");
    }
}

void config_reference(struct andon_writer *out)
{
    put(out, "| key | takes | default | meaning |\n|---|---|---|---|\n");
    put_keys(out, &config_schema, "");
}
