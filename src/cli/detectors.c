/* andon detectors: the tables of this build, for people and as JSON. */
#include <stdio.h>
#include <string.h>

#include "andon/andon.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "base/json.h"

struct detectors_options {
    const char *name;
    bool json, quiet;
};

static const struct argument arguments[] = {
    {"NAME", ARGUMENT_PLACE, offsetof(struct detectors_options, name), NULL,
     "one detector, or recipe, or verdict (default: all)", false},
    {"--json", ARGUMENT_FLAG, offsetof(struct detectors_options, json), NULL, "prints JSON", false},
    {"--quiet", ARGUMENT_FLAG, offsetof(struct detectors_options, quiet), NULL, "names only",
     false},
    {0}};

static const struct command_line line = {
    "detectors", "[NAME] [OPTIONS]",
    "Lists the detectors, their options with type, range and default, and their sources.",
    "Options are given to train as --set KEY=VALUE.\n", arguments};

static const char *type_name(const struct andon_option *o)
{
    switch (o->type) {
    case ANDON_OPTION_INT: return "whole";
    case ANDON_OPTION_REAL: return "number";
    case ANDON_OPTION_BOOL: return "yes|no";
    case ANDON_OPTION_ENUM: return o->choices;
    case ANDON_OPTION_LINE: return "text";
    }
    return "";
}

static bool has_range(const struct andon_option *o)
{
    return o->type == ANDON_OPTION_INT || o->type == ANDON_OPTION_REAL;
}

static void print_options(const struct andon_option *o)
{
    for (; o->name != NULL; o++) {
        char range[64] = "";
        if (has_range(o)) snprintf(range, sizeof range, " %g..%g", o->min, o->max);
        printf("  %-16s %s (%s%s; default %s)\n", o->name, o->help, type_name(o), range,
               o->preset[0] != 0 ? o->preset : "none");
    }
}

static void json_options(struct json *j, const struct andon_option *o)
{
    json_open(j, "options", '[');
    for (; o->name != NULL; o++) {
        json_open(j, NULL, '{');
        json_cstring(j, "name", o->name);
        json_cstring(j, "type", o->type == ANDON_OPTION_ENUM ? "choice" : type_name(o));
        if (o->type == ANDON_OPTION_ENUM) json_cstring(j, "choices", o->choices);
        if (has_range(o)) {
            json_number(j, "min", o->min);
            json_number(j, "max", o->max);
        }
        json_cstring(j, "default", o->preset);
        json_cstring(j, "help", o->help);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void print_detector(const struct andon_detector *d)
{
    printf("%s: %s\n  source: %s%s\n", d->name, d->title, d->source,
           (d->traits & ANDON_SUPERVISED) != 0 ? "; needs labels" : "");
    print_options(d->options);
    putchar('\n');
}

static void json_detector(struct json *j, const struct andon_detector *d)
{
    json_open(j, NULL, '{');
    json_cstring(j, "name", d->name);
    json_cstring(j, "title", d->title);
    json_cstring(j, "source", d->source);
    json_bool(j, "supervised", (d->traits & ANDON_SUPERVISED) != 0);
    json_options(j, d->options);
    json_close(j, '}');
}

/* Tables that are not one detector's. */
static const struct {
    const char *name, *title;
    const struct andon_option *options;
} shared[] = {
    {"recipe", "how samples become rows of features, for every detector", andon_recipe_table},
    {"verdict", "the ensemble, the calibration and the alarm, for every detector",
     andon_verdict_table}};
enum { SHARED = sizeof shared / sizeof *shared };

static bool wanted(const struct detectors_options *o, const char *name)
{
    return o->name == NULL || strcmp(o->name, name) == 0;
}

static void print_all(const struct detectors_options *o)
{
    for (size_t i = 0; i < andon_detector_count(); i++) {
        const struct andon_detector *d = andon_detector_at(i);
        if (!wanted(o, d->name)) continue;
        if (o->quiet)
            puts(d->name);
        else
            print_detector(d);
    }
    for (size_t i = 0; i < SHARED && !o->quiet; i++) {
        if (!wanted(o, shared[i].name)) continue;
        printf("%s: %s\n", shared[i].name, shared[i].title);
        print_options(shared[i].options);
        putchar('\n');
    }
}

static void json_all(const struct detectors_options *o)
{
    struct json j;
    json_printing(&j, stdout);
    json_open(&j, NULL, '{');
    json_open(&j, "detectors", '[');
    for (size_t i = 0; i < andon_detector_count(); i++)
        if (wanted(o, andon_detector_at(i)->name)) json_detector(&j, andon_detector_at(i));
    json_close(&j, ']');
    for (size_t i = 0; i < SHARED; i++) {
        if (!wanted(o, shared[i].name)) continue;
        json_open(&j, shared[i].name, '{');
        json_cstring(&j, "title", shared[i].title);
        json_options(&j, shared[i].options);
        json_close(&j, '}');
    }
    json_close(&j, '}');
}

static bool known(const char *name)
{
    for (size_t i = 0; i < SHARED; i++)
        if (strcmp(shared[i].name, name) == 0) return true;
    return andon_detector_named(name) != NULL;
}

int detectors_main(int argc, char **argv)
{
    struct detectors_options options = {0};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (options.name != NULL && !known(options.name))
        return argument_wrong(&line,
                              "%s: there is no such detector; andon detectors --quiet lists "
                              "them",
                              options.name);
    if (options.json)
        json_all(&options);
    else
        print_all(&options);
    return CLI_DONE;
}
