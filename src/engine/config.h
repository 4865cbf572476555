/* The configuration: one YAML file and the environment, read into one struct that never changes. No
 * file is needed. The tables in config_schema.c are the schema; docs/configuration.md lists their
 * keys. */
#ifndef ENGINE_CONFIG_H
#define ENGINE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/arena.h"
#include "andon/bytes.h"
#include "andon/status.h"
#include "base/text.h"
#include "base/yaml.h"
#include "plant/running.h"

#define CONFIG_BYTES_MAX ((size_t)256 << 20) /* of a configuration in memory               */
#define CONFIG_MATCHES_MAX 64u               /* entries of `assets` that match one asset    */
#define CONFIG_FOR_EVER (-1)                 /* a duration that is the word forever         */

struct config_site {
    const char *path;     /* NULL: none */
    const char *timezone; /* IANA name  */
};

enum config_sync { CONFIG_SYNC_EVERY = -1, CONFIG_SYNC_OS = -2 };

struct config_journal {
    const char *dir;                    /* relative to the state directory */
    int64_t sync_ns;                    /* or enum config_sync             */
    int64_t keep_ns;                    /* or CONFIG_FOR_EVER              */
    uint64_t keep_bytes, segment_bytes; /* 0: no limit; bytes of a file */
};

struct config_store {
    int64_t keep_raw_ns, keep_minute_ns, keep_hour_ns, keep_day_ns; /* or CONFIG_FOR_EVER */
    bool durable;
};

struct config_engine {
    int64_t shards;
    int64_t checkpoint_ns, checkpoint_records;
    int64_t stale_ns, stale_intervals;
    int64_t lateness_ns;
    int64_t future_ns;
    int64_t assets_max;
};

struct config_alarms {
    double budget_per_day;
    const char *confirm; /* "3 of 5" */
    int64_t group_ns;
    const char *flood; /* "10 per 10m" */
    uint32_t confirm_hits, confirm_of;
    uint32_t flood_count;
    int64_t flood_ns;
};

struct config_log {
    int32_t level;  /* enum log_level          */
    int32_t format; /* 0 text, 1 JSON          */
};

enum config_door { CONFIG_MQTT, CONFIG_HTTP, CONFIG_INFLUX, CONFIG_FILES };

struct config_source {
    int32_t door;       /* enum config_door                                     */
    const char *listen; /* "127.0.0.1:1883"; NULL: a broker or files            */
    const char *broker; /* "mqtts://plant-broker:8883"                          */
    const char *const *topic;
    uint32_t topics;
    int32_t qos; /* toward brokers: 0 or 1; -1: none                     */
    const char *client_id, *user, *password;
    const char *ca, *cert, *key;
    const char *dir, *pattern; /* files                                           */
    int64_t every_ns;          /* files: 0: none                             */
    const char *asset, *time;  /* of files whose names and headers do not say them */
};

/* What an entry of `assets` says of a channel; NULL, NaN, -1: nothing. */
struct config_channel {
    const char *name; /* may hold '*' and '?' */
    const char *unit;
    double range[2]; /* values outside are bad             */
    const char *reference;
    const char *rms_to_peak; /* "sine", "half_wave" or a factor */
    int32_t iso20816;        /* group1.rigid, group1.flexible, group2.rigid, group2.flexible */
    double noise_floor;
    double scale, offset; /* value = sent * scale + offset   */
    int32_t counter;      /* 1: rises and starts anew, 0: not */
};

struct config_asset { /* an entry of `assets` */
    const char *match;
    const char *preset;
    const char *running; /* as written; the rule below */
    const char *regime;  /* "none": there is none       */
    const char *model;
    int64_t interval_ns; /* 0: not given */
    const struct config_channel *channel;
    uint32_t channels;
    struct running_rule running_rule;
};

struct config_oee {
    const char *line;
    double green, yellow;
    const char *const *shift;
    uint32_t shifts;
};

struct config_training {
    const char *const *when;
    uint32_t whens;
    struct config_promote {
        int64_t shadow_ns;
        bool within_budget;
    } promote;
};

struct config_upstream {
    const char *url; /* NULL: none */
    int64_t buffer_ns;
};

struct config_influx { /* an InfluxDB that results are written to */
    const char *url;   /* NULL: none */
    const char *token, *org, *bucket;
};

struct config {
    struct config_site site;
    struct config_log log;
    struct config_journal journal;
    struct config_store store;
    struct config_engine engine;
    struct config_alarms alarms;
    const struct config_source *source;
    uint32_t sources;
    const struct config_asset *asset;
    uint32_t assets;
    struct config_oee oee;
    struct config_training training;
    struct config_upstream upstream;
    struct config_influx influx;
    struct andon_arena arena; /* owns all of it */
};

extern const struct yaml_table config_schema;

/* config_load reads the file at path (NULL: none), lays the environment over it (NULL: none):
 * ANDON_SECTION__KEY, and MQTT_BROKER, MQTT_PORT or MQTT_Port, MQTT_TOPIC1, MQTT_TOPIC2,
 * INFLUX_URL, INFLUX_TOKEN, INFLUX_ORG, INFLUX_BUCKET. Without `sources` andon listens for MQTT on
 * 127.0.0.1:1883 and for HTTP on 127.0.0.1:8000.
 *   config  out  to be given to config_free, also after an error
 * ANDON_EINVAL  one line: file, line, column, key, what was found and what was expected
 * ANDON_EIO     the file, or that of a secret, cannot be read; ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status config_load(const char *path, char *const *environment,
                                          struct config *config, andon_error *err);

/* config_read reads what config_text wrote; secrets are empty texts. */
ANDON_MUST_CHECK andon_status config_read(const void *text, size_t size, struct config *config,
                                          andon_error *err);
void config_free(struct config *config); /* safe on a zeroed one */

/* config_text writes the effective configuration as YAML, secrets as ***: the body of a
 * JOURNAL_CONFIG record. The same configuration gives the same bytes. */
void config_text(const struct config *config, struct andon_writer *out);

/* What the entries of `assets` whose pattern matches say together of one asset; of several that say
 * something of the same key the last one counts. */
struct config_rules {
    const struct config *config;
    const char *preset, *model; /* NULL: nothing is said       */
    const struct running_rule *running;
    const char *regime;
    int64_t interval_ns; /* 0                           */
    uint32_t matches;
    uint32_t match[CONFIG_MATCHES_MAX]; /* indices into config->asset  */
};

/* config_asset finds the rules of the asset called path. A pattern matches the whole path, or what
 * stands behind the site's path. Allocates nothing; O(entries). */
void config_asset(const struct config *config, struct text path, struct config_rules *rules);

/* config_channel gives what the rules say of a channel: exact names count more than patterns, then
 * later ones more than earlier ones. scale and offset are 1 and 0 where nothing is said. */
void config_channel(const struct config_rules *rules, struct text name,
                    struct config_channel *channel);

/* config_reference writes every key with type, default and help, one line each. */
void config_reference(struct andon_writer *out);

#endif
