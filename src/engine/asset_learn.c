/* What andon infers of an asset that nobody configured. */
#include <string.h>

#include "engine/asset.h"
#include "base/json.h"
#include "plant/regime.h"
#include "plant/running.h"
#include "plant/unit.h"

static struct text name_of(const struct channel *c)
{
    return (struct text){c->name, c->name_bytes};
}

static uint32_t named(const struct asset *a, const char *name)
{
    for (uint32_t c = 0; name != NULL && c < a->channels; c++)
        if (strcmp(a->channel[c].name, name) == 0) return c;
    return TURN_NONE;
}

static uint32_t best(const struct asset *a, uint32_t (*rank)(struct text),
                     bool (*guess)(struct text, const struct kind_state *))
{
    uint32_t at = TURN_NONE, most = 0;
    for (uint32_t c = 0; c < a->channels; c++) {
        uint32_t r = rank(name_of(&a->channel[c]));
        if (r <= most || !guess(name_of(&a->channel[c]), &a->channel[c].seen)) continue;
        at = c;
        most = r;
    }
    return at;
}

void asset_learn(struct asset *a)
{
    const struct andon_model *model = a->model != NULL ? a->model->model : NULL;
    if (a->running_rule != NULL)
        a->running_channel = named(a, a->running_rule->channel);
    else if (model != NULL)
        a->running_channel = named(a, andon_model_noted(model, "running"));
    else
        a->running_channel = best(a, running_rank, running_guess);
    if (a->regime_given != NULL)
        a->regime_channel = named(a, a->regime_given);
    else if (model != NULL)
        a->regime_channel = named(a, andon_model_noted(model, "regime"));
    else
        a->regime_channel = best(a, regime_rank, regime_guess);
    bool always = a->running_rule != NULL && a->running_rule->test == RUNNING_ALWAYS;
    if (always) a->running = 1;
    else if (a->running_channel == TURN_NONE) a->running = ANDON_RUNNING_UNKNOWN;
    if (!a->interval_given) a->interval_ns = interval_usual(&a->interval);
    a->described = false;
}

static void put_channel(struct json *j, const struct channel *c)
{
    struct unit unit = unit_of_channel(name_of(c));
    json_open(j, NULL, '{');
    json_text(j, "name", name_of(c));
    json_cstring(j, "kind", kind_name(kind_of(&c->seen)));
    bool given = c->unit != NULL;
    json_cstring(j, "unit", given ? c->unit : unit.symbol);
    if (given || unit.symbol != NULL) json_bool(j, "unit_guessed", !given && !unit.certain);
    if (c->counter) json_whole(j, "resets", (long long)c->resets);
    json_close(j, '}');
}

size_t asset_describe(const struct asset *a, char *room, size_t bytes)
{
    struct json j;
    json_into(&j, room, bytes);
    json_open(&j, NULL, '{');
    if (a->interval_ns > 0) json_number(&j, "interval_s", (double)a->interval_ns / 1e9);
    else json_none(&j, "interval_s");
    const char *running = a->running_channel != TURN_NONE ? a->channel[a->running_channel].name : NULL;
    const char *regime = a->regime_channel != TURN_NONE ? a->channel[a->regime_channel].name : NULL;
    json_cstring(&j, "running", running);
    json_cstring(&j, "regime", regime);
    json_cstring(&j, "model", a->model != NULL ? a->model->name : NULL);
    if (a->model != NULL) json_whole(&j, "model_version", a->model->version);
    json_open(&j, "channels", '[');
    for (uint32_t c = 0; c < a->channels; c++) put_channel(&j, &a->channel[c]);
    json_close(&j, ']');
    json_close(&j, '}');
    return j.failed ? 0 : j.used;
}
