/* A running andon: journal, store, engine, the doors and the server, each in its thread. Owned by the
 * main thread. */
#ifndef CLI_STATION_H
#define CLI_STATION_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/feed.h"
#include "base/zone.h"
#include "cli/arguments.h"
#include "engine/config.h"
#include "engine/engine.h"
#include "ingest/mqtt/broker.h"
#include "ingest/mqtt/endpoint.h"
#include "serve/server.h"

#define STATION_PATH_ROOM 4096
#define STATION_BROKERS_MAX 16u

struct station_options {
    const char *config;               /* a file, or NULL                              */
    const char *dir;
    const char *http, *mqtt, *influx; /* addresses; NULL: as configured; "none": closed */
    const char *sync;                 /* every, os or a time; NULL: as configured     */
    struct argument_values broker;    /* URLs                                         */
    struct argument_values model;     /* MATCH=FILE                                   */
    uint64_t shards;                  /* 0: as configured                             */
    bool insecure;
};

struct station {
    struct station_options options;
    struct config config;
    struct zone *zone; /* of times without one; NULL: UTC */
    char dir[STATION_PATH_ROOM], journal_dir[STATION_PATH_ROOM + 16],
        models_dir[STATION_PATH_ROOM + 16], store_path[STATION_PATH_ROOM + 16];
    struct journal *journal;
    struct store *store;
    struct engine *engine;
    struct feed *feed;
    struct endpoint *endpoint;
    struct server *server;
    uint32_t brokers, brokers_running; /* broker[brokers], the first of them with threads */
    struct broker *broker[STATION_BROKERS_MAX];
    const char *broker_url[STATION_BROKERS_MAX];
    pthread_t broker_thread[STATION_BROKERS_MAX];
    pthread_t engine_thread, endpoint_thread, server_thread;
    bool engine_runs, endpoint_runs, server_runs;
    int64_t started_ns;
    uint16_t *said; /* said[said_room]: state and reason that subscribers know, by asset; the engine's */
    uint32_t said_room;
};

/* station_open opens everything and publishes the models that are named; nothing is served yet. What it
 * opened is closed by station_close, whatever happened. */
ANDON_MUST_CHECK andon_status station_open(const struct station_options *options,
                                           struct station *station, andon_error *err);

/* station_start starts the threads. */
ANDON_MUST_CHECK andon_status station_start(struct station *station, andon_error *err);

/* station_publish makes the model in a file the one of the assets that match, unless it is already. */
ANDON_MUST_CHECK andon_status station_publish(struct station *station, const char *match,
                                              const char *path, andon_error *err);

/* station_tick appends the clock's tick: once a second. */
void station_tick(struct station *station);

/* station_reload reads configuration and models again (SIGHUP); what cannot be read leaves the old ones.
 * Doors, journal and store keep their settings until the next start. */
void station_reload(struct station *station);

/* station_close ends the doors first (what they have read is journaled and acknowledged), then the engine
 * (what the journal holds is taken), then the rest. Within five seconds. */
void station_close(struct station *station);

/* What the server asks (serve/plant.h), and what the engine tells behind each turn. */
void station_health(void *station, void (*each)(void *to, const struct plant_component *component),
                    void *to);
void station_figures(void *station, void (*each)(void *to, const struct plant_figure *figure),
                     void *to);
void station_committed(void *station, const struct floor *floor, const struct turn *turn);

#endif
