/* Loading: the file, over it the variables that other programs of a plant know, over them andon's
 * own. */
#include "engine/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plant/path.h"
#include "plant/pattern.h"

#define PREFIX "ANDON_"

struct loader {
    struct yaml *yaml;
    char *const *environment;
    andon_error *err;
};

/* A variable's value, NULL when it is not set or empty. */
static const char *variable(const struct loader *l, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; l->environment[i] != NULL; i++) {
        const char *one = l->environment[i];
        if (strncmp(one, name, length) == 0 && one[length] == '=')
            return one[length + 1] != 0 ? one + length + 1 : NULL;
    }
    return NULL;
}

static andon_status put(const struct loader *l, const char *path, const char *value,
                        const char *origin)
{
    return yaml_put(l->yaml, &config_schema, path, value, origin, l->err);
}

static andon_status put_source(const struct loader *l, uint32_t row, const char *key,
                               const char *value, const char *origin)
{
    char path[64];
    snprintf(path, sizeof path, "sources__%u__%s", row, key);
    return put(l, path, value, origin);
}

/* MQTT_TOPIC1 and MQTT_TOPIC2 as one list. */
static andon_status put_topics(const struct loader *l, uint32_t row)
{
    char both[1024];
    const char *one = variable(l, "MQTT_TOPIC1"), *two = variable(l, "MQTT_TOPIC2");
    if (one == NULL && two == NULL) return ANDON_OK;
    int n = snprintf(both, sizeof both, "%s%s%s", one != NULL ? one : "",
                     one != NULL && two != NULL ? "," : "", two != NULL ? two : "");
    if (n >= (int)sizeof both)
        return andon_fail(l->err, ANDON_EINVAL, "MQTT_TOPIC1: longer than %zu bytes", sizeof both);
    return put_source(l, row, "topics", both, one != NULL ? "MQTT_TOPIC1" : "MQTT_TOPIC2");
}

/* A broker named as listeners of such plants do: a further source. */
static andon_status put_broker(const struct loader *l)
{
    char url[512];
    const char *host = variable(l, "MQTT_BROKER"), *port = variable(l, "MQTT_PORT");
    uint32_t row = yaml_rows(l->yaml, "sources");
    if (host == NULL) return ANDON_OK;
    if (port == NULL) port = variable(l, "MQTT_Port");
    bool whole = strstr(host, "://") != NULL;
    int n = snprintf(url, sizeof url, "%s%s%s%s", whole ? "" : "mqtt://", host,
                     port != NULL ? ":" : "", port != NULL ? port : "");
    if (n >= (int)sizeof url)
        return andon_fail(l->err, ANDON_EINVAL, "MQTT_BROKER: longer than %zu bytes", sizeof url);
    andon_status st = put_source(l, row, "type", "mqtt", "MQTT_BROKER");
    if (st == ANDON_OK) st = put_source(l, row, "broker", url, "MQTT_BROKER");
    return st == ANDON_OK ? put_topics(l, row) : st;
}

static andon_status put_influx(const struct loader *l)
{
    static const struct {
        const char *name, *path;
    } known[] = {{"INFLUX_URL", "influx__url"},
                 {"INFLUX_TOKEN", "influx__token"},
                 {"INFLUX_ORG", "influx__org"},
                 {"INFLUX_BUCKET", "influx__bucket"}};
    andon_status st = ANDON_OK;
    if (variable(l, "INFLUX_URL") == NULL) return ANDON_OK;
    for (size_t i = 0; st == ANDON_OK && i < sizeof known / sizeof *known; i++) {
        const char *value = variable(l, known[i].name);
        if (value != NULL) st = put(l, known[i].path, value, known[i].name);
    }
    return st;
}

/* Without a list of sources andon listens where devices and browsers look first. */
static andon_status put_usual(const struct loader *l)
{
    if (yaml_rows(l->yaml, "sources") > 0) return ANDON_OK;
    andon_status st = put_source(l, 0, "type", "mqtt", "default");
    return st == ANDON_OK ? put_source(l, 1, "type", "http", "default") : st;
}

static andon_status overlay(const struct loader *l)
{
    andon_status st = put_usual(l);
    if (l->environment == NULL) return st;
    if (st == ANDON_OK) st = put_broker(l);
    if (st == ANDON_OK) st = put_influx(l);
    if (st == ANDON_OK)
        st = yaml_environment(l->yaml, &config_schema, PREFIX, l->environment, l->err);
    return st;
}

/* The document read by the schema; config owns the arena from here on. */
static andon_status finish(struct yaml *yaml, bool hidden, const struct andon_arena *arena,
                           andon_status so_far, struct config *config, andon_error *err)
{
    andon_status st = so_far;
    if (st == ANDON_OK) st = yaml_read(yaml, &config_schema, hidden, config, err);
    config->arena = *arena;
    return st;
}

andon_status config_load(const char *path, char *const *environment, struct config *config,
                         andon_error *err)
{
    struct andon_arena arena;
    struct loader l = {.environment = environment, .err = err};
    memset(config, 0, sizeof *config);
    andon_arena_init(&arena, andon_allocator_libc(), CONFIG_BYTES_MAX);
    andon_status st = yaml_open(path, &arena, &l.yaml, err);
    if (st == ANDON_OK) st = overlay(&l);
    return finish(l.yaml, false, &arena, st, config, err);
}

andon_status config_read(const void *text, size_t size, struct config *config, andon_error *err)
{
    struct andon_arena arena;
    struct yaml *yaml = NULL;
    memset(config, 0, sizeof *config);
    andon_arena_init(&arena, andon_allocator_libc(), CONFIG_BYTES_MAX);
    andon_status st = yaml_parse("configuration", text, size, &arena, &yaml, err);
    return finish(yaml, true, &arena, st, config, err);
}

void config_free(struct config *config)
{
    struct andon_arena arena = config->arena;
    memset(config, 0, sizeof *config);
    andon_arena_free(&arena);
}

void config_text(const struct config *config, struct andon_writer *out)
{
    yaml_print(&config_schema, config, out);
}

static bool fits(const struct config *config, const char *match, struct text path)
{
    if (pattern_matches(text_of(match), path)) return true;
    if (config->site.path == NULL) return false;
    struct text below = path_below(path, text_of(config->site.path));
    return below.length > 0 && pattern_matches(text_of(match), below);
}

void config_asset(const struct config *config, struct text path, struct config_rules *rules)
{
    *rules = (struct config_rules){.config = config};
    for (uint32_t i = 0; i < config->assets; i++) {
        const struct config_asset *a = &config->asset[i];
        if (!fits(config, a->match, path)) continue;
        if (a->preset != NULL) rules->preset = a->preset;
        if (a->model != NULL) rules->model = a->model;
        if (a->running != NULL) rules->running = &a->running_rule;
        if (a->regime != NULL) rules->regime = a->regime;
        if (a->interval_ns != 0) rules->interval_ns = a->interval_ns;
        if (rules->matches < CONFIG_MATCHES_MAX) rules->match[rules->matches++] = i;
    }
}

/* What one more entry says goes over what was said before. */
static void lay_over(struct config_channel *c, const struct config_channel *more)
{
    if (more->unit != NULL) c->unit = more->unit;
    if (!isnan(more->range[0])) memcpy(c->range, more->range, sizeof c->range);
    if (more->reference != NULL) c->reference = more->reference;
    if (more->rms_to_peak != NULL) c->rms_to_peak = more->rms_to_peak;
    if (more->iso20816 >= 0) c->iso20816 = more->iso20816;
    if (!isnan(more->noise_floor)) c->noise_floor = more->noise_floor;
    if (!isnan(more->scale)) c->scale = more->scale;
    if (!isnan(more->offset)) c->offset = more->offset;
    if (more->counter >= 0) c->counter = more->counter;
}

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?") != NULL;
}

static void lay_entry(const struct config_asset *a, struct text name, bool patterns,
                      struct config_channel *c)
{
    for (uint32_t i = 0; i < a->channels; i++) {
        const char *known = a->channel[i].name;
        if (is_pattern(known) != patterns) continue;
        if (patterns ? pattern_matches(text_of(known), name) : text_is(text_of(known), name))
            lay_over(c, &a->channel[i]);
    }
}

void config_channel(const struct config_rules *rules, struct text name,
                    struct config_channel *channel)
{
    *channel = (struct config_channel){.range = {NAN, NAN},
                                       .noise_floor = NAN,
                                       .scale = NAN,
                                       .offset = NAN,
                                       .iso20816 = -1,
                                       .counter = -1};
    for (uint32_t i = 0; i < 2 * rules->matches; i++) {
        const struct config_asset *a = &rules->config->asset[rules->match[i % rules->matches]];
        lay_entry(a, name, i < rules->matches, channel);
    }
    if (isnan(channel->scale)) channel->scale = 1.0;
    if (isnan(channel->offset)) channel->offset = 0.0;
}
