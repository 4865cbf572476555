/* Opening, starting and closing a station, in the order in which nothing is lost. */
#include "cli/station.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define NS_PER_S INT64_C(1000000000)
enum { DRAIN_S = 3, FEED_BYTES = 8 << 20 };

static void *run_engine(void *context)
{
    engine_run(context, DRAIN_S * NS_PER_S);
    return NULL;
}

static void *run_endpoint(void *context)
{
    endpoint_run(context);
    return NULL;
}

static void *run_broker(void *context)
{
    broker_run(context);
    return NULL;
}

static void *run_server(void *context)
{
    server_run(context);
    return NULL;
}

static andon_status make_dir(const char *path, andon_error *err)
{
    if (mkdir(path, 0750) == 0 || errno == EEXIST) return ANDON_OK;
    return andon_fail(err, ANDON_EIO, "%s: %s", path, strerror(errno));
}

static andon_status sync_policy(const struct station *s, struct journal_options *options,
                                andon_error *err)
{
    const char *text = s->options.sync;
    char *end = NULL;
    double ms = text != NULL ? strtod(text, &end) : 0.0;
    int64_t ns = s->config.journal.sync_ns;
    if (text != NULL && strcmp(text, "every") == 0) ns = CONFIG_SYNC_EVERY;
    else if (text != NULL && strcmp(text, "os") == 0) ns = CONFIG_SYNC_OS;
    else if (text != NULL && (end == text || strcmp(end, "ms") != 0 || !(ms >= 1.0 && ms <= 60000.0)))
        return andon_fail(err, ANDON_EINVAL,
                          "--sync: found %s, expected every, os or a time of 1ms to 60000ms", text);
    else if (text != NULL) ns = (int64_t)(ms * 1e6);
    options->sync = ns == CONFIG_SYNC_EVERY ? JOURNAL_SYNC_EVERY
                    : ns == CONFIG_SYNC_OS  ? JOURNAL_SYNC_OS
                                            : JOURNAL_SYNC_INTERVAL;
    options->sync_interval_ns = ns;
    return ANDON_OK;
}

static andon_status append(struct station *s, enum journal_type type, const void *body, size_t size,
                           andon_error *err)
{
    struct journal_entry entry = {type, clock_wall_ns(), {body, NULL}, {(uint32_t)size, 0}};
    uint64_t end;
    andon_status st = journal_append(s->journal, &entry, 1, &end, err);
    return st == ANDON_OK ? journal_settle(s->journal, end, err) : st;
}

andon_status station_publish(struct station *s, const char *match, const char *path, andon_error *err)
{
    char body[FLOOR_PUBLICATION_MAX];
    uint32_t checksum = 0, before = 0;
    andon_status st = models_keep(s->models_dir, path, &checksum, err);
    if (st != ANDON_OK) return st;
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    uint32_t version = engine_published(s->engine, match, name, &before);
    if (version > 0 && before == checksum) return ANDON_OK;
    size_t size = floor_publication(body, match, name, version + 1, checksum);
    if (size == 0) return andon_fail(err, ANDON_EINVAL, "%s: name or pattern is too long", path);
    return append(s, JOURNAL_MODEL, body, size, err);
}

static andon_status publish_named(struct station *s, const char *text, andon_error *err)
{
    char match[512];
    const char *equal = strchr(text, '=');
    if (equal == NULL || equal == text || (size_t)(equal - text) >= sizeof match)
        return andon_fail(err, ANDON_EINVAL, "--model: found %s, expected MATCH=FILE", text);
    snprintf(match, sizeof match, "%.*s", (int)(equal - text), text);
    return station_publish(s, match, equal + 1, err);
}

/* The configuration is a record in the journal, when it is news. */
static andon_status announce(struct station *s, struct text before, andon_error *err)
{
    struct andon_arena arena;
    struct andon_writer text;
    andon_arena_init(&arena, andon_allocator_libc(), CONFIG_BYTES_MAX);
    andon_writer_init(&text, &arena);
    config_text(&s->config, &text);
    andon_status st = ANDON_OK;
    if (text.full) st = andon_fail(err, ANDON_ENOMEM, "no memory for the configuration");
    else if (!text_is(before, (struct text){(const char *)text.data, (uint32_t)text.size}))
        st = append(s, JOURNAL_CONFIG, text.data, text.size, err);
    andon_arena_free(&arena);
    for (uint32_t i = 0; i < s->config.assets && st == ANDON_OK; i++)
        if (s->config.asset[i].model != NULL)
            st = station_publish(s, s->config.asset[i].match, s->config.asset[i].model, err);
    for (size_t i = 0; i < s->options.model.count && st == ANDON_OK; i++)
        st = publish_named(s, s->options.model.value[i], err);
    return st;
}

static int64_t kept(int64_t ns)
{
    return ns == CONFIG_FOR_EVER ? 0 : ns;
}

static struct floor_options floor_options_of(const struct config *c)
{
    return (struct floor_options){.codec = {.aliases = true},
                                  .assets_max = (uint32_t)c->engine.assets_max};
}

/* The store may make durable what it committed. */
static andon_status sync_journal(void *context, uint64_t offset, andon_error *err)
{
    const struct station *s = context;
    if (s->journal == NULL) return andon_fail(err, ANDON_EIO, "the journal is not open");
    return journal_sync_up_to(s->journal, offset, err);
}

static andon_status open_state(struct station *s, andon_error *err)
{
    const struct config *c = &s->config;
    struct journal_options journal = {.dir = s->journal_dir, .keep_ns = kept(c->journal.keep_ns),
                                      .keep_bytes = c->journal.keep_bytes,
                                      .segment_bytes = c->journal.segment_bytes};
    struct store_options store = {.path = s->store_path,
                                  .durable = c->store.durable,
                                  .keep_raw_ns = kept(c->store.keep_raw_ns),
                                  .keep_minute_ns = kept(c->store.keep_minute_ns),
                                  .keep_hour_ns = kept(c->store.keep_hour_ns),
                                  .keep_day_ns = kept(c->store.keep_day_ns),
                                  .before_durable = sync_journal,
                                  .durable_context = s};
    struct engine_options engine = {.shards = (uint32_t)(s->options.shards != 0 ? s->options.shards
                                                                                : (uint64_t)c->engine.shards),
                                    .kernel = andon_kernel_best(),
                                    .models = s->models_dir,
                                    .checkpoint_ns = c->engine.checkpoint_ns,
                                    .checkpoint_records = (uint64_t)c->engine.checkpoint_records,
                                    .floor = floor_options_of(c),
                                    .watch = {station_committed, s}};
    andon_status st = sync_policy(s, &journal, err);
    engine.sync_turns = journal.sync == JOURNAL_SYNC_EVERY;
    if (st == ANDON_OK) st = make_dir(s->dir, err);
    if (st == ANDON_OK) st = make_dir(s->models_dir, err);
    if (st == ANDON_OK) st = feed_open(FEED_BYTES, &s->feed, err);
    if (st == ANDON_OK) st = store_open(&store, &s->store, err);
    /* Offsets that the store knows are never given out again, even if the journal was lost. */
    if (st == ANDON_OK) journal.floor = store_offset(s->store);
    if (st == ANDON_OK) st = journal_open(&journal, &s->journal, err);
    if (st == ANDON_OK) st = engine_open(&engine, s->journal, s->store, &s->engine, err);
    if (st == ANDON_OK) st = announce(s, engine_config(s->engine), err);
    return st;
}

/* Where a door listens: as the command line says, else as configured; NULL: it stays closed. */
static const char *address(const struct station *s, enum config_door door, const char *given)
{
    if (given != NULL) return strcmp(given, "none") == 0 ? NULL : given;
    for (uint32_t i = 0; i < s->config.sources; i++)
        if (s->config.source[i].door == (int32_t)door && s->config.source[i].listen != NULL)
            return s->config.source[i].listen;
    return NULL;
}

/* The text in front of the last ':' is an address of this machine alone. */
static bool is_loopback(const char *listen)
{
    return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "localhost:", 10) == 0 ||
           strncmp(listen, "[::1]:", 6) == 0;
}

static andon_status open_endpoint(struct station *s, andon_error *err)
{
    struct endpoint_options mqtt = {.listen = address(s, CONFIG_MQTT, s->options.mqtt)};
    if (mqtt.listen == NULL) return ANDON_OK;
    if (!is_loopback(mqtt.listen) && !s->options.insecure)
        return andon_fail(err, ANDON_EINVAL,
                          "mqtt: %s is not loopback: say --insecure to listen there without "
                          "authentication",
                          mqtt.listen);
    return endpoint_open(&mqtt, s->journal, &s->endpoint, err);
}

static andon_status open_broker(struct station *s, const struct broker_options *options, andon_error *err)
{
    if (s->brokers == STATION_BROKERS_MAX)
        return andon_fail(err, ANDON_EINVAL, "more than %u brokers", STATION_BROKERS_MAX);
    andon_status st = broker_open(options, s->journal, &s->broker[s->brokers], err);
    s->broker_url[s->brokers] = options->url;
    if (st == ANDON_OK) s->brokers++;
    return st;
}

static andon_status open_brokers(struct station *s, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; i < s->config.sources && st == ANDON_OK; i++) {
        const struct config_source *from = &s->config.source[i];
        const struct broker_options options = {
            .url = from->broker, .topic = from->topic, .topics = from->topics,
            .qos = from->qos < 0 ? 1 : from->qos, .client = from->client_id, .user = from->user,
            .password = from->password, .ca_file = from->ca, .cert_file = from->cert,
            .key_file = from->key};
        if (from->door == CONFIG_MQTT && from->broker != NULL) st = open_broker(s, &options, err);
    }
    for (size_t i = 0; i < s->options.broker.count && st == ANDON_OK; i++) {
        const struct broker_options options = {.url = s->options.broker.value[i], .qos = 1};
        st = open_broker(s, &options, err);
    }
    return st;
}

static andon_status open_doors(struct station *s, andon_error *err)
{
    struct journal_options sync = {0};
    struct server_options http = {.listen = address(s, CONFIG_HTTP, s->options.http),
                                  .influx_listen = address(s, CONFIG_INFLUX, s->options.influx),
                                  .insecure = s->options.insecure,
                                  .version = ANDON_VERSION};
    struct server_plant plant = {.context = s, .health = station_health,
                                 .figures = station_figures, .feed = s->feed};
    andon_status st = open_endpoint(s, err);
    if (st == ANDON_OK) st = open_brokers(s, err);
    if (st == ANDON_OK && s->config.site.timezone != NULL)
        st = zone_open(s->config.site.timezone, &s->zone, err);
    http.codec = (struct codec_rules){.zone = s->zone, .aliases = true};
    if (st == ANDON_OK) st = sync_policy(s, &sync, err);
    http.settle_waits = sync.sync == JOURNAL_SYNC_EVERY;
    if (st == ANDON_OK && http.listen != NULL)
        st = server_open(&http, s->journal, s->store_path, &plant, &s->server, err);
    return st;
}

andon_status station_open(const struct station_options *options, struct station *s, andon_error *err)
{
    *s = (struct station){.options = *options, .started_ns = clock_wall_ns()};
    const char *dir = options->dir != NULL ? options->dir : "andon-data";
    if ((size_t)snprintf(s->dir, sizeof s->dir, "%s", dir) >= sizeof s->dir)
        return andon_fail(err, ANDON_EINVAL, "--dir: longer than %zu bytes", sizeof s->dir);
    snprintf(s->journal_dir, sizeof s->journal_dir, "%s/journal", s->dir);
    snprintf(s->models_dir, sizeof s->models_dir, "%s/models", s->dir);
    snprintf(s->store_path, sizeof s->store_path, "%s/andon.db", s->dir);
    andon_status st = config_load(options->config, environ, &s->config, err);
    if (st == ANDON_OK) log_settings((enum log_level)s->config.log.level, s->config.log.format == 1);
    if (st == ANDON_OK) st = open_state(s, err);
    return st == ANDON_OK ? open_doors(s, err) : st;
}

static andon_status run(pthread_t *thread, void *(*body)(void *), void *context, bool *runs,
                        const char *name, andon_error *err)
{
    if (context == NULL) return ANDON_OK;
    if (pthread_create(thread, NULL, body, context) != 0)
        return andon_fail(err, ANDON_ENOMEM, "no thread for the %s", name);
    *runs = true;
    return ANDON_OK;
}

andon_status station_start(struct station *s, andon_error *err)
{
    andon_status st = run(&s->engine_thread, run_engine, s->engine, &s->engine_runs, "engine", err);
    if (st == ANDON_OK)
        st = run(&s->endpoint_thread, run_endpoint, s->endpoint, &s->endpoint_runs, "MQTT endpoint", err);
    if (st == ANDON_OK)
        st = run(&s->server_thread, run_server, s->server, &s->server_runs, "HTTP server", err);
    for (uint32_t i = 0; i < s->brokers && st == ANDON_OK; i++) {
        bool runs = false;
        st = run(&s->broker_thread[i], run_broker, s->broker[i], &runs, "client of a broker", err);
        s->brokers_running += runs;
    }
    return st;
}

/* A tick with a body is the last one before a stop: rows that wait for a part wait no longer. */
static void tick(struct station *s, const char *body)
{
    andon_error err = {""};
    if (append(s, JOURNAL_TICK, body, strlen(body), &err) != ANDON_OK)
        log_line(LOG_WARN, "journal", "tick not written", "%s", err.text);
}

void station_tick(struct station *s)
{
    tick(s, "");
}

/* What is compared with stands in the journal already, so that an unchanged file adds no record. */
static struct text present_text(struct station *s, struct andon_arena *arena)
{
    struct andon_writer text;
    andon_writer_init(&text, arena);
    config_text(&s->config, &text);
    return (struct text){(const char *)text.data, (uint32_t)text.size};
}

void station_reload(struct station *s)
{
    struct config fresh = {0}, old = s->config;
    struct andon_arena arena;
    andon_error err = {""};
    andon_arena_init(&arena, andon_allocator_libc(), CONFIG_BYTES_MAX);
    struct text before = present_text(s, &arena);
    andon_status st = config_load(s->options.config, environ, &fresh, &err);
    if (st == ANDON_OK) {
        s->config = fresh;
        st = announce(s, before, &err);
        config_free(&old);
    } else {
        config_free(&fresh);
    }
    if (st == ANDON_OK) log_line(LOG_INFO, "serve", "configuration read again", "%s", "");
    else log_line(LOG_ERROR, "serve", "configuration not read again", "%s", err.text);
    andon_arena_free(&arena);
}

void station_close(struct station *s)
{
    if (s->endpoint_runs) endpoint_stop(s->endpoint);
    if (s->server_runs) server_stop(s->server);
    for (uint32_t i = 0; i < s->brokers_running; i++) broker_stop(s->broker[i]);
    for (uint32_t i = 0; i < s->brokers_running; i++) pthread_join(s->broker_thread[i], NULL);
    if (s->endpoint_runs) pthread_join(s->endpoint_thread, NULL);
    if (s->server_runs) pthread_join(s->server_thread, NULL);
    if (s->engine_runs) {
        tick(s, "stop");
        engine_stop(s->engine);
        pthread_join(s->engine_thread, NULL);
    }
    for (uint32_t i = 0; i < s->brokers; i++) broker_close(s->broker[i]);
    endpoint_close(s->endpoint);
    server_close(s->server);
    engine_close(s->engine);
    store_close(s->store);
    journal_close(s->journal);
    feed_close(s->feed);
    free(s->said);
    zone_close(s->zone);
    config_free(&s->config);
    *s = (struct station){0};
}
