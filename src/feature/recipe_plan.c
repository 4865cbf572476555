/* From names and options to the plan of a recipe: which steps, which windows, which features. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feature/recipe.h"

#define FIELD(name) offsetof(struct andon_recipe_options, name)

const struct andon_option andon_recipe_table[] = {
    {"scale", ANDON_OPTION_ENUM, FIELD(scale), 0, 0, "deviation",
     "deviation|robust|standard|minmax|none",
     "centre and spread: median and deviation, median and quartiles, mean and deviation, minimum "
     "and range"},
    {"per_regime", ANDON_OPTION_BOOL, FIELD(per_regime), 0, 0, "yes", NULL,
     "scale each operating regime by its own figures"},
    {"compress", ANDON_OPTION_REAL, FIELD(compress), 0, 1e6, "8", NULL,
     "spreads beyond which a value grows logarithmically; 0: never"},
    {"floor", ANDON_OPTION_REAL, FIELD(floor), 0, 1, "0.01", NULL,
     "least spread of a channel, as part of its training range"},
    {"step", ANDON_OPTION_REAL, FIELD(step), 0, 1e6, "6", NULL,
     "what any change scores, in spreads, of a channel that never changed in training"},
    {"derive", ANDON_OPTION_LINE, FIELD(derive), 0, 0, "", NULL,
     "new channels: power=torque*speed;dt=process-air (+ - * /)"},
    {"hide", ANDON_OPTION_LINE, FIELD(hide), 0, 0, "", NULL,
     "channels that only serve as sources of derived ones: process;air"},
    {"asof", ANDON_OPTION_LINE, FIELD(asof), 0, 0, "", NULL,
     "differences to the last known value: adjusted=motor-ambient; replaces both channels"},
    {"asof_age", ANDON_OPTION_REAL, FIELD(asof_age_s), 0, 1e9, "900", NULL,
     "seconds after which a last known value is too old"},
    {"peak", ANDON_OPTION_LINE, FIELD(peak), 0, 0, "", NULL,
     "RMS to peak: vibration=sine (or half_wave, or a factor)"},
    {"features", ANDON_OPTION_LINE, FIELD(features), 0, 0, "value,mean,sd,trend", NULL,
     "figures of each channel: value, mean, sd, diff (one sample), trend (over the window)"},
    {"window", ANDON_OPTION_LINE, FIELD(window), 0, 0, "5,20", NULL,
     "samples of the rolling figures, one or several lengths: 10,20,30; 0: none"},
    {"gap", ANDON_OPTION_REAL, FIELD(gap), 0, 1e9, "60", NULL,
     "intervals of silence after which windows start anew; 0: never"},
    {"after", ANDON_OPTION_LINE, FIELD(after), 0, 0, "", NULL,
     "products, ratios, sums of scaled values: power=current*duty_cycle"},
    {.name = NULL}};

static const char kind_names[FEATURE_KINDS][8] = {"value", "mean", "sd", "diff", "trend"};

static uint32_t lookup_value(const void *context, const char *name, size_t length)
{
    const struct andon_recipe *r = context;
    for (uint32_t c = 0; c < r->channels; c++)
        if (strlen(r->channel[c]) == length && memcmp(r->channel[c], name, length) == 0) return c;
    for (uint32_t k = 0; k < r->steps; k++)
        if (strlen(r->step[k].name) == length && memcmp(r->step[k].name, name, length) == 0)
            return r->channels + k;
    return STEP_NO_NAME;
}

static andon_status plan_steps(struct andon_recipe *r, const char *text, const char *option,
                               struct step *list, uint32_t *count, andon_error *err)
{
    struct step_names names = {lookup_value, r};
    const char *piece;
    size_t length;
    while (step_next(&text, &piece, &length)) {
        if (*count == STEPS_MAX)
            return andon_fail(err, ANDON_ELIMIT, "%s: expected at most %u steps", option,
                              STEPS_MAX);
        andon_status st = step_parse(piece, length, strcmp(option, "asof") == 0, names,
                                     &list[*count], err);
        if (st != ANDON_OK) return st;
        if (lookup_value(r, list[*count].name, strlen(list[*count].name)) != STEP_NO_NAME)
            return andon_fail(err, ANDON_EINVAL, "%s: there is a channel named \"%s\" already",
                              option, list[*count].name);
        ++*count;
    }
    return ANDON_OK;
}

static andon_status plan_windows(struct andon_recipe *r, andon_error *err)
{
    bool rolls = false;
    for (uint32_t kind = FEATURE_MEAN; kind < FEATURE_KINDS; kind++) rolls = rolls || r->kind[kind];
    for (const char *at = r->options.window; *at != 0 && rolls;) {
        char *end;
        unsigned long length = strtoul(at, &end, 10);
        bool last = *end == 0;
        if (end == at || (*end != ',' && !last) || length > WINDOW_SAMPLES_MAX || length == 1 ||
            r->windows == WINDOWS_MAX)
            return andon_fail(err, ANDON_EINVAL,
                              "window=%s: expected at most %u lengths from 2 to %u, as in 10,20,30",
                              r->options.window, WINDOWS_MAX, WINDOW_SAMPLES_MAX);
        at = last ? end : end + 1;
        if (length == 0) continue;
        r->window[r->windows++] = (uint32_t)length;
        if (length > r->window_max) r->window_max = (uint32_t)length;
    }
    return ANDON_OK;
}

static andon_status plan_kinds(struct andon_recipe *r, andon_error *err)
{
    for (const char *at = r->options.features; *at != 0;) {
        size_t length = strcspn(at, ",");
        uint32_t kind = 0;
        while (kind < FEATURE_KINDS && (strlen(kind_names[kind]) != length ||
                                        memcmp(kind_names[kind], at, length) != 0))
            kind++;
        if (kind == FEATURE_KINDS)
            return andon_fail(err, ANDON_EINVAL,
                              "features=%s: expected some of value,mean,sd,diff,trend",
                              r->options.features);
        r->kind[kind] = true;
        at += length;
        if (*at == ',') at++;
    }
    return ANDON_OK;
}

static andon_status plan_peaks(struct andon_recipe *r, andon_error *err)
{
    const char *at = r->options.peak, *piece;
    size_t length;
    for (uint32_t c = 0; c < r->channels; c++) r->peak[c] = 1.0;
    while (step_next(&at, &piece, &length)) {
        char text[ANDON_OPTION_TEXT];
        memcpy(text, piece, length);
        text[length] = 0;
        char *equals = strrchr(text, '='), *end = text;
        uint32_t channel = STEP_NO_NAME;
        double factor = 0.0;
        if (equals != NULL) {
            channel = lookup_value(r, text, (size_t)(equals - text));
            if (strcmp(equals + 1, "sine") == 0) factor = sqrt(2.0);
            else if (strcmp(equals + 1, "half_wave") == 0) factor = 2.0;
            else factor = strtod(equals + 1, &end);
        }
        if (channel >= r->channels || !(factor > 0.0 && factor < 1e6))
            return andon_fail(err, ANDON_EINVAL,
                              "peak=%s: expected channel=sine, half_wave or a factor above 0", text);
        r->peak[channel] = factor;
    }
    return ANDON_OK;
}

static andon_status plan_names(struct andon_recipe *r, const struct andon_schema *schema,
                               struct andon_arena *arena, andon_error *err)
{
    if (schema->channels == 0 || schema->channels > ANDON_CHANNELS_MAX)
        return andon_fail(err, ANDON_ELIMIT, "%u channels: expected 1 to %u", schema->channels,
                          ANDON_CHANNELS_MAX);
    if (schema->regimes > ANDON_REGIMES_MAX)
        return andon_fail(err, ANDON_ELIMIT, "%u regimes: expected at most %u", schema->regimes,
                          ANDON_REGIMES_MAX);
    r->channels = schema->channels;
    r->regimes = schema->regimes;
    r->channel = andon_arena_array(arena, r->channels, sizeof *r->channel);
    r->regime = andon_arena_array(arena, r->regimes, sizeof *r->regime);
    r->peak = andon_arena_array(arena, r->channels, sizeof *r->peak);
    if (r->channel == NULL || r->regime == NULL || r->peak == NULL)
        return andon_fail(err, ANDON_ENOMEM, "recipe: no room for %u channels", r->channels);
    for (uint32_t c = 0; c < r->channels + r->regimes; c++) {
        const char *name = c < r->channels ? schema->channel[c] : schema->regime[c - r->channels];
        char *to = c < r->channels ? r->channel[c] : r->regime[c - r->channels];
        if (strlen(name) >= ANDON_NAME_MAX)
            return andon_fail(err, ANDON_EINVAL, "\"%.40s...\": expected a name below %u bytes",
                              name, ANDON_NAME_MAX);
        memcpy(to, name, strlen(name) + 1);
    }
    return ANDON_OK;
}

static andon_status plan_room(struct andon_recipe *r, struct andon_arena *arena, andon_error *err)
{
    r->values = r->channels + r->steps;
    r->hidden = andon_arena_take(arena, r->values);
    r->scale = andon_arena_array(arena, (size_t)(r->regimes + 1) * r->values, sizeof *r->scale);
    if (r->hidden == NULL || r->scale == NULL)
        return andon_fail(err, ANDON_ENOMEM, "recipe: no room for %u values", r->values);
    for (uint32_t k = 0; k < r->asofs; k++)
        r->hidden[r->step[k].left] = r->hidden[r->step[k].right] = 1;
    return ANDON_OK;
}

static andon_status plan_hidden(struct andon_recipe *r, andon_error *err)
{
    const char *at = r->options.hide, *piece;
    size_t length;
    while (step_next(&at, &piece, &length)) {
        uint32_t value = lookup_value(r, piece, length);
        if (value == STEP_NO_NAME)
            return andon_fail(err, ANDON_EINVAL, "hide: there is no channel named \"%.*s\"",
                              (int)length, piece);
        r->hidden[value] = 1;
    }
    return ANDON_OK;
}

andon_status recipe_plan(struct andon_recipe *r, const struct andon_schema *schema,
                         const struct andon_recipe_options *options, struct andon_arena *arena,
                         andon_error *err)
{
    r->options = *options;
    andon_status st = plan_names(r, schema, arena, err);
    if (st == ANDON_OK) st = plan_peaks(r, err);
    if (st == ANDON_OK) st = plan_kinds(r, err);
    if (st == ANDON_OK) st = plan_windows(r, err);
    if (st == ANDON_OK) st = plan_steps(r, options->asof, "asof", r->step, &r->steps, err);
    r->asofs = r->steps;
    if (st == ANDON_OK) st = plan_steps(r, options->derive, "derive", r->step, &r->steps, err);
    if (st == ANDON_OK) st = plan_room(r, arena, err);
    if (st == ANDON_OK) st = plan_hidden(r, err);
    if (st == ANDON_OK) st = plan_steps(r, options->after, "after", r->after, &r->after_steps, err);
    return st;
}

/* The base channels at the root of a value: follow first operands, then second ones. */
static uint32_t root_channel(const struct andon_recipe *r, uint32_t value, bool right)
{
    while (value >= r->channels) {
        const struct step *s = &r->step[value - r->channels];
        value = right ? s->right : s->left;
    }
    return value;
}

static struct andon_feature describe(const struct andon_recipe *r, uint32_t left, uint32_t right)
{
    struct andon_feature f = {.channel = {root_channel(r, left, false), root_channel(r, right, true)}};
    return f;
}

static void describe_values(struct andon_recipe *r, uint32_t *j)
{
    for (uint32_t i = 0; r->kind[FEATURE_VALUE] && i < r->values; i++) {
        if (r->hidden[i]) continue;
        struct andon_feature f = describe(r, i, i);
        const struct scale *s = recipe_scale(r, i, ANDON_REGIME_UNKNOWN);
        const char *name = i < r->channels ? r->channel[i] : r->step[i - r->channels].name;
        snprintf(f.name, sizeof f.name, "%s", name);
        f.is_value = true;
        if ((r->regimes == 0 || !r->options.per_regime) && !s->constant) {
            double peak = i < r->channels ? r->peak[i] : 1.0;
            f.centre = s->centre / peak;
            f.spread = s->spread / peak;
            f.compress = r->options.compress;
        }
        r->feature[(*j)++] = f;
    }
}

static void describe_rolling(struct andon_recipe *r, uint32_t *j)
{
    for (uint32_t w = 0; w < r->windows; w++)
        for (uint32_t kind = FEATURE_MEAN; kind < FEATURE_KINDS; kind++)
            for (uint32_t i = 0; r->kind[kind] && i < r->values; i++) {
                if (r->hidden[i] || (w > 0 && kind == FEATURE_DIFF)) continue;
                struct andon_feature f = describe(r, i, i);
                const char *name = i < r->channels ? r->channel[i] : r->step[i - r->channels].name;
                if (kind == FEATURE_DIFF)
                    snprintf(f.name, sizeof f.name, "%.80s.diff", name);
                else
                    snprintf(f.name, sizeof f.name, "%.80s.%s%u", name, kind_names[kind],
                             r->window[w]);
                r->feature[(*j)++] = f;
            }
}

/* Scales of one regime side by side, for rows in which nothing is out of the ordinary. */
static bool lay_scale(const struct andon_recipe *r, const struct scale *scale, struct whole_scale *to,
                      struct andon_arena *arena)
{
    size_t n = r->channels, room = n + n % 2;
    double compress = r->options.compress > 0.0 ? r->options.compress : (double)INFINITY;
    double limit = fmin(nextafter(compress, (double)INFINITY), WHOLE_ROW_MAX);
    double *v = andon_arena_array(arena, room, 4 * sizeof *v);
    if (v == NULL) return false;
    *to = (struct whole_scale){v, v + room, v + 2 * room, v + 3 * room};
    for (size_t c = 0; c < room; c++) {
        v[c] = c < n ? r->peak[c] : 1.0;
        v[c + room] = c < n ? scale[c].centre : 0.0;
        v[c + 2 * room] = c < n ? scale[c].spread : 1.0;
        v[c + 3 * room] = c == n ? (double)INFINITY : scale[c].constant ? DBL_TRUE_MIN : limit;
    }
    return true;
}

static bool lay_scales(struct andon_recipe *r, uint32_t shown, struct andon_arena *arena)
{
    r->shows_all = r->kind[FEATURE_VALUE] && r->steps == 0 && shown == r->values;
    r->whole = andon_arena_array(arena, r->regimes + 1, sizeof *r->whole);
    if (r->whole == NULL) return false;
    for (uint32_t g = 0; g <= r->regimes; g++)
        if (!lay_scale(r, &r->scale[(size_t)g * r->values], &r->whole[g], arena)) return false;
    return true;
}

andon_status recipe_describe(struct andon_recipe *r, struct andon_arena *arena, andon_error *err)
{
    uint32_t shown = 0, per_value = r->kind[FEATURE_VALUE];
    for (uint32_t i = 0; i < r->values; i++) shown += !r->hidden[i];
    for (uint32_t kind = FEATURE_MEAN; kind < FEATURE_KINDS; kind++)
        if (r->kind[kind]) per_value += kind == FEATURE_DIFF ? r->windows > 0 : r->windows;
    uint64_t features = (uint64_t)shown * per_value + r->after_steps;
    if (features == 0 || features > ANDON_FEATURES_MAX)
        return andon_fail(err, ANDON_ELIMIT, "recipe: %llu features, expected 1 to %u",
                          (unsigned long long)features, ANDON_FEATURES_MAX);
    r->features = (uint32_t)features;
    r->feature = andon_arena_array(arena, r->features, sizeof *r->feature);
    if (r->feature == NULL || !lay_scales(r, shown, arena))
        return andon_fail(err, ANDON_ENOMEM, "recipe: no room for %u features", r->features);
    uint32_t j = 0;
    describe_values(r, &j);
    describe_rolling(r, &j);
    for (uint32_t k = 0; k < r->after_steps; k++) {
        r->feature[j] = describe(r, r->after[k].left, r->after[k].right);
        memcpy(r->feature[j++].name, r->after[k].name, ANDON_NAME_MAX);
    }
    return ANDON_OK;
}
