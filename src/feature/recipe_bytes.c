/* A recipe as bytes: names and options, from which the plan follows again, then the fitted scales. */
#include <math.h>
#include <string.h>

#include "feature/recipe.h"

void andon_recipe_save(const struct andon_recipe *r, struct andon_writer *out)
{
    andon_put_u32(out, r->channels);
    andon_put_u32(out, r->regimes);
    for (uint32_t c = 0; c < r->channels; c++) andon_put_text(out, r->channel[c]);
    for (uint32_t g = 0; g < r->regimes; g++) andon_put_text(out, r->regime[g]);
    for (const struct andon_option *o = andon_recipe_table; o->name != NULL; o++) {
        char text[ANDON_OPTION_TEXT];
        andon_option_print(o, &r->options, text, sizeof text);
        andon_put_text(out, o->name);
        andon_put_text(out, text);
    }
    andon_put_text(out, "");
    andon_put_u64(out, (uint64_t)r->gap_ns);
    for (size_t i = 0; i < (size_t)(r->regimes + 1) * r->values; i++) {
        andon_put_f64(out, r->scale[i].centre);
        andon_put_f64(out, r->scale[i].spread);
        andon_put_u8(out, r->scale[i].constant);
    }
}

static andon_status load_names(struct andon_reader *in, struct andon_arena *scratch,
                               struct andon_schema *schema, andon_error *err)
{
    schema->channels = andon_get_u32(in);
    schema->regimes = andon_get_u32(in);
    if (in->bad || schema->channels == 0 || schema->channels > ANDON_CHANNELS_MAX ||
        schema->regimes > ANDON_REGIMES_MAX)
        return andon_fail(err, ANDON_EFORMAT, "recipe: %u channels, %u regimes", schema->channels,
                          schema->regimes);
    uint32_t names = schema->channels + schema->regimes;
    const char **name = andon_get_array(in, scratch, names, sizeof *name, 4);
    char(*text)[ANDON_NAME_MAX] = andon_get_array(in, scratch, names, sizeof *text, 4);
    if (name == NULL || text == NULL)
        return andon_fail(err, andon_reader_blame(in), "recipe: names cut or without room");
    for (uint32_t i = 0; i < names; i++) {
        andon_get_text(in, text[i], sizeof text[i]);
        name[i] = text[i];
    }
    schema->channel = name;
    schema->regime = name + schema->channels;
    return in->bad ? andon_fail(err, ANDON_EFORMAT, "recipe: names cut") : ANDON_OK;
}

static andon_status load_options(struct andon_reader *in, struct andon_recipe_options *options,
                                 andon_error *err)
{
    andon_options_default(andon_recipe_table, options);
    for (;;) {
        char name[ANDON_NAME_MAX], text[ANDON_OPTION_TEXT];
        andon_get_text(in, name, sizeof name);
        if (in->bad) return andon_fail(err, ANDON_EFORMAT, "recipe: options cut");
        if (name[0] == 0) return ANDON_OK;
        andon_get_text(in, text, sizeof text);
        if (in->bad || andon_option_set(andon_recipe_table, options, name, text, err) != ANDON_OK)
            return andon_fail(err, ANDON_EFORMAT, "recipe: option \"%s\" is not understood", name);
    }
}

static andon_status load_scales(struct andon_reader *in, struct andon_recipe *r, andon_error *err)
{
    size_t count = (size_t)(r->regimes + 1) * r->values;
    for (size_t i = 0; i < count && !in->bad; i++) {
        struct scale *s = &r->scale[i];
        s->centre = andon_get_f64(in);
        s->spread = andon_get_f64(in);
        s->constant = andon_get_u8(in) != 0;
        if (!isfinite(s->centre) || !(s->spread > 0.0) || !isfinite(s->spread)) in->bad = true;
    }
    return in->bad ? andon_fail(err, ANDON_EFORMAT, "recipe: scales cut or not finite") : ANDON_OK;
}

andon_status andon_recipe_load(struct andon_reader *in, struct andon_arena *arena,
                               struct andon_recipe **recipe, andon_error *err)
{
    struct andon_schema schema;
    struct andon_recipe *r = andon_arena_take(arena, sizeof *r);
    struct andon_recipe_options *options = andon_arena_take(arena, sizeof *options);
    if (r == NULL || options == NULL) return andon_fail(err, ANDON_ENOMEM, "recipe: no room");
    andon_status st = load_names(in, arena, &schema, err);
    if (st == ANDON_OK) st = load_options(in, options, err);
    if (st == ANDON_OK) {
        st = recipe_plan(r, &schema, options, arena, err);
        /* A plan that its own bytes do not give is a fault of the bytes. */
        if (st != ANDON_OK && st != ANDON_ENOMEM) st = ANDON_EFORMAT;
    }
    if (st != ANDON_OK) return st;
    r->gap_ns = (int64_t)andon_get_u64(in);
    if (r->gap_ns < 0) in->bad = true;
    st = load_scales(in, r, err);
    if (st == ANDON_OK) st = recipe_describe(r, arena, err);
    if (st == ANDON_OK) *recipe = r;
    return st == ANDON_OK || st == ANDON_ENOMEM ? st : ANDON_EFORMAT;
}
