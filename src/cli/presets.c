/* andon presets: what is known of kinds of machines, for people and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "plant/preset.h"

struct presets_options {
    const char *name;
    bool json, quiet;
};

#define AT(field) offsetof(struct presets_options, field)
static const struct argument arguments[] = {
    {"NAME", ARGUMENT_PLACE, AT(name), NULL, "one preset (default: all)", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "names only", false},
    {0}};

static const struct command_line line = {
    "presets", "[NAME] [OPTIONS]",
    "Lists the presets: channels with units, ranges and limits, faults with what they look like,\n"
    "what they cost and what to do.",
    "In the configuration: assets: [{ match: \"pumps/*\", preset: pump }].\n", arguments};

static void print_bounds(const char *what, double low, double high)
{
    if (!isnan(low) && !isnan(high)) printf("  %s %g..%g", what, low, high);
    else if (!isnan(low)) printf("  %s from %g", what, low);
    else if (!isnan(high)) printf("  %s to %g", what, high);
}

static void print_channel(const struct preset_channel *c)
{
    printf("  %-26s %-8s", c->name, c->unit);
    if (c->use != PRESET_VALUE) printf("  %s", preset_use_name((enum preset_use)c->use));
    print_bounds("range", c->min, c->max);
    print_bounds("limits", c->low, c->high);
    if (c->part != NULL) printf("  (%s)", c->part);
    putchar('\n');
}

static void print_change(const char *sign, float from, float to, const char *unit)
{
    if (from == to) printf("%s %g%s%s", sign, (double)to, unit[0] != 0 ? " " : "", unit);
    else printf("%s %g to %g%s%s", sign, (double)from, (double)to, unit[0] != 0 ? " " : "", unit);
}

static void print_effect(const struct preset *p, const struct andon_effect *e)
{
    const char *unit = preset_channel_named(p, text_of(e->channel))->unit;
    printf("%s ", e->channel);
    if (e->factor[0] != 1.0f || e->factor[1] != 1.0f)
        print_change("x", e->factor[0], e->factor[1], "");
    if (e->offset[0] != 0.0f || e->offset[1] != 0.0f) {
        bool down = e->offset[1] < 0.0f;
        float sign = down ? -1.0f : 1.0f;
        print_change(down ? "-" : "+", sign * e->offset[0], sign * e->offset[1], unit);
    }
    if (e->noise > 0.0f) printf(", jumping by %g", (double)e->noise);
    if (e->slow) printf(" (late)");
}

static void print_fault(const struct preset *p, uint32_t f)
{
    const struct andon_signature *s = &p->signature[f];
    const struct preset_fault *x = &p->fault[f];
    printf("  %s: %s, %s, %g min to respond", s->name, x->title, x->consequence, x->respond_min);
    if (x->per_month > 0.0) printf(", %g a month", x->per_month);
    if (x->downtime_h > 0.0) printf(", %g h down", x->downtime_h);
    if (x->cost > 0.0) printf(", costs %g", x->cost);
    printf("\n    ");
    for (uint32_t e = 0; e < s->effects; e++) {
        if (e > 0) printf("; ");
        print_effect(p, &s->effect[e]);
    }
    printf("\n    %s\n", x->advice);
}

static void print_preset(const struct preset *p)
{
    printf("%s: %s\n  source: %s\n", p->name, p->title, p->source);
    if (p->plant != NULL) printf("  simulated: andon simulate %s\n", p->plant);
    printf("  a sample every %g s", p->interval_s);
    if (p->running != NULL) printf("; runs by %s", p->running);
    for (uint32_t i = 0; i < p->settings; i++)
        printf("; %s=%s", p->setting[i].key, p->setting[i].value);
    printf("\n\n");
    for (uint32_t c = 0; c < p->channels; c++) print_channel(&p->channel[c]);
    putchar('\n');
    for (uint32_t f = 0; f < p->faults; f++) print_fault(p, f);
    putchar('\n');
}

static void json_channel(struct json *j, const struct preset_channel *c)
{
    json_open(j, NULL, '{');
    json_cstring(j, "name", c->name);
    json_cstring(j, "unit", c->unit);
    json_cstring(j, "use", preset_use_name((enum preset_use)c->use));
    if (c->part != NULL) json_cstring(j, "part", c->part);
    json_number(j, "min", c->min);
    json_number(j, "max", c->max);
    json_number(j, "low", c->low);
    json_number(j, "high", c->high);
    json_number(j, "deadband", c->deadband);
    json_close(j, '}');
}

/* The tables hold floats: 2.8, not 2.799999952316284. */
static double tidy(float v)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", (double)v);
    return strtod(text, NULL);
}

static void json_pair(struct json *j, const char *name, const float pair[2])
{
    json_open(j, name, '[');
    json_number(j, NULL, tidy(pair[0]));
    json_number(j, NULL, tidy(pair[1]));
    json_close(j, ']');
}

static void json_effect(struct json *j, const struct andon_effect *e)
{
    json_open(j, NULL, '{');
    json_cstring(j, "channel", e->channel);
    json_pair(j, "factor", e->factor);
    json_pair(j, "offset", e->offset);
    json_number(j, "noise", tidy(e->noise));
    json_bool(j, "late", e->slow != 0);
    json_close(j, '}');
}

static void json_fault(struct json *j, const struct preset *p, uint32_t f)
{
    const struct preset_fault *x = &p->fault[f];
    json_open(j, NULL, '{');
    json_cstring(j, "name", p->signature[f].name);
    json_cstring(j, "title", x->title);
    json_cstring(j, "consequence", x->consequence);
    json_number(j, "respond_min", x->respond_min);
    json_number(j, "per_month", x->per_month);
    json_number(j, "downtime_h", x->downtime_h);
    json_number(j, "cost", x->cost);
    json_cstring(j, "advice", x->advice);
    json_open(j, "signature", '[');
    for (uint32_t e = 0; e < p->signature[f].effects; e++) json_effect(j, &p->signature[f].effect[e]);
    json_close(j, ']');
    json_close(j, '}');
}

static void json_preset(struct json *j, const struct preset *p)
{
    json_open(j, NULL, '{');
    json_cstring(j, "name", p->name);
    json_cstring(j, "title", p->title);
    json_cstring(j, "source", p->source);
    json_cstring(j, "plant", p->plant);
    json_number(j, "interval_s", p->interval_s);
    json_cstring(j, "running", p->running);
    json_open(j, "settings", '{');
    for (uint32_t i = 0; i < p->settings; i++)
        json_cstring(j, p->setting[i].key, p->setting[i].value);
    json_close(j, '}');
    json_open(j, "channels", '[');
    for (uint32_t c = 0; c < p->channels; c++) json_channel(j, &p->channel[c]);
    json_close(j, ']');
    json_open(j, "faults", '[');
    for (uint32_t f = 0; f < p->faults; f++) json_fault(j, p, f);
    json_close(j, ']');
    json_close(j, '}');
}

static bool wanted(const struct presets_options *o, const struct preset *p)
{
    return o->name == NULL || strcmp(o->name, p->name) == 0;
}

static void print_all(const struct presets_options *o)
{
    struct json j;
    if (o->json) {
        json_printing(&j, stdout);
        json_open(&j, NULL, '{');
        json_open(&j, "presets", '[');
    }
    for (size_t i = 0; i < preset_count(); i++) {
        const struct preset *p = preset_at(i);
        if (!wanted(o, p)) continue;
        if (o->json) json_preset(&j, p);
        else if (o->quiet) puts(p->name);
        else print_preset(p);
    }
    if (!o->json) return;
    json_close(&j, ']');
    json_close(&j, '}');
}

int presets_main(int argc, char **argv)
{
    struct presets_options options = {0};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (options.name != NULL && preset_named(text_of(options.name)) == NULL)
        return argument_wrong(&line, "%s: there is no such preset; andon presets --quiet lists them",
                              options.name);
    print_all(&options);
    return CLI_DONE;
}
