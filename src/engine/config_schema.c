/* The schema as tables: what every key is called, takes and means. Checks of what the tables cannot
 * say stand in config_check.c. */
#include "engine/config_schema.h"

#include <float.h>

#define DAY 86400.0
#define YEAR (366.0 * DAY)

#define AT(field) offsetof(struct config_site, field)
static const struct yaml_key site_keys[] = {
    {"path", YAML_TEXT, AT(path), 0, 0, 0, NULL, NULL,
     "enterprise/site: stands before the assets' paths where results are published", NULL},
    {"timezone", YAML_TEXT, AT(timezone), 0, 0, 0, "UTC", NULL,
     "IANA name; times that come without a zone are local there", NULL},
    {0}};
static const struct yaml_table site_table = {site_keys, sizeof(struct config_site), check_site};
#undef AT

#define AT(field) offsetof(struct config_log, field)
static const struct yaml_key log_keys[] = {
    {"level", YAML_CHOICE, AT(level), 0, 0, 0, "info", "debug|info|warn|error",
     "lines below it are dropped", NULL},
    {"format", YAML_CHOICE, AT(format), 0, 0, 0, "text", "text|json",
     "a line of text or one JSON object per event", NULL},
    {0}};
static const struct yaml_table log_table = {log_keys, sizeof(struct config_log), NULL};
#undef AT

#define AT(field) offsetof(struct config_journal, field)
static const struct yaml_key journal_keys[] = {
    {"dir", YAML_TEXT, AT(dir), 0, 0, 0, "journal", NULL,
     "where the journal's segments stand, below the state directory unless it begins with /", NULL},
    {"sync", YAML_DURATION, AT(sync_ns), 0, 0.001, 60, "100ms", "every|os",
     "how far back a power cut can reach: every waits for the disk before it acknowledges, a "
     "duration syncs in the background, os leaves it to the operating system",
     NULL},
    {"keep", YAML_DURATION, AT(keep_ns), 0, 60, 100 * YEAR, "7d", "forever",
     "records older than this may go once the store has them", NULL},
    {"keep_bytes", YAML_BYTES, AT(keep_bytes), 0, 0, 0, "0", NULL,
     "... or when all segments together are larger; 0: no limit", NULL},
    {"segment_bytes", YAML_BYTES, AT(segment_bytes), 0, 65536, 4294967296.0, "64MiB", NULL,
     "a new segment begins from this size on", NULL},
    {0}};
static const struct yaml_table journal_table = {journal_keys, sizeof(struct config_journal), NULL};
#undef AT

#define AT(field) offsetof(struct config_store, field)
#define KEEP(name, field, help)                                                                    \
    {                                                                                              \
        name, YAML_DURATION, AT(field), 0, 3600, 100 * YEAR, "forever", "forever", help, NULL      \
    }
static const struct yaml_key store_keys[] = {
    KEEP("keep_raw", keep_raw_ns, "how long every reading and verdict is kept"),
    KEEP("keep_minute", keep_minute_ns, "how long figures per minute are kept"),
    KEEP("keep_hour", keep_hour_ns, "how long figures per hour are kept"),
    KEEP("keep_day", keep_day_ns, "how long figures per day are kept"),
    {"durable", YAML_FLAG, AT(durable), 0, 0, 0, "no", NULL,
     "yes: a commit waits for the disk; no: after a power cut the journal is read again", NULL},
    {0}};
static const struct yaml_table store_table = {store_keys, sizeof(struct config_store), NULL};
#undef AT

#define AT(field) offsetof(struct config_engine, field)
static const struct yaml_key engine_keys[] = {
    {"shards", YAML_INTEGER, AT(shards), 0, 1, 64, "1", NULL,
     "threads that score; results do not depend on it", NULL},
    {"checkpoint", YAML_DURATION, AT(checkpoint_ns), 0, 0.1, 3600, "30s", NULL,
     "the engine's memory is saved this often ...", NULL},
    {"checkpoint_records", YAML_INTEGER, AT(checkpoint_records), 0, 1, 1e9, "200000", NULL,
     "... or after this many records: what a restart reads again", NULL},
    {"stale", YAML_DURATION, AT(stale_ns), 0, 0.001, YEAR, "60s", NULL,
     "an asset or value is stale after this silence at the least ...", NULL},
    {"stale_intervals", YAML_INTEGER, AT(stale_intervals), 0, 1, 1e6, "10", NULL,
     "... and after this many of its usual intervals", NULL},
    {"lateness", YAML_DURATION, AT(lateness_ns), 0, 0.001, 3600, "1s", NULL,
     "a row whose channels come one by one is complete after this silence", NULL},
    {"future", YAML_DURATION, AT(future_ns), 0, 0.001, YEAR, "24h", NULL,
     "times farther ahead of their arrival are not believed", NULL},
    {"assets_max", YAML_INTEGER, AT(assets_max), 0, 1, 1e6, "100000", NULL,
     "messages of further assets go to the dead letters", NULL},
    {0}};
static const struct yaml_table engine_table = {engine_keys, sizeof(struct config_engine), NULL};
#undef AT

#define AT(field) offsetof(struct config_alarms, field)
static const struct yaml_key alarms_keys[] = {
    {"budget", YAML_RATE, AT(budget_per_day), 0, 1e-6, 1e6, "3/day", NULL,
     "false alarms that the site tolerates: the one knob of sensitivity", NULL},
    {"confirm", YAML_TEXT, AT(confirm), 0, 0, 0, "3 of 5", NULL,
     "so many anomalous rows of so many raise an alarm", NULL},
    {"group", YAML_DURATION, AT(group_ns), 0, 0, YEAR, "5m", NULL,
     "alarms of one asset within this time are one", NULL},
    {"flood", YAML_TEXT, AT(flood), 0, 0, 0, "10 per 10m", NULL,
     "more new alarms than this are a flood", NULL},
    {0}};
static const struct yaml_table alarms_table = {alarms_keys, sizeof(struct config_alarms),
                                               check_alarms};
#undef AT

#define AT(field) offsetof(struct config_source, field)
#define TEXT_KEY(name, field, help)                                                                \
    {                                                                                              \
        name, YAML_TEXT, AT(field), 0, 0, 0, NULL, NULL, help, NULL                                \
    }
#define PATH_KEY(name, field, help)                                                                \
    {                                                                                              \
        name, YAML_PATH, AT(field), 0, 0, 0, NULL, NULL, help, NULL                                \
    }
static const struct yaml_key source_keys[] = {
    {"type", YAML_CHOICE, AT(door), 0, 0, 0, NULL, "mqtt|http|influx|files",
     "mqtt: andon's own endpoint (listen) or a broker (broker); http: the interface and the board; "
     "influx: line protocol; files: a folder that is looked at again and again",
     NULL},
    TEXT_KEY(
        "listen", listen,
        "ADDRESS:PORT; 127.0.0.1:1883 for mqtt, :8000 for http, :8086 for influx; port 0: any"),
    TEXT_KEY("broker", broker, "mqtt://HOST[:PORT] or mqtts://HOST[:PORT]"),
    {"topics", YAML_TEXTS, AT(topic), offsetof(struct config_source, topics), 0, 0, NULL, NULL,
     "what to subscribe to at the broker; # when nothing is said", NULL},
    {"qos", YAML_CHOICE, AT(qos), 0, 0, 0, NULL, "0|1",
     "toward the broker: 0 may lose, 1 loses nothing; 1 when nothing is said", NULL},
    TEXT_KEY("client_id", client_id, "a name that the broker keeps the session under"),
    TEXT_KEY("user", user, "toward the broker"),
    {"password", YAML_SECRET, AT(password), 0, 0, 0, NULL, NULL, "toward the broker", NULL},
    PATH_KEY("ca", ca, "certificates that the broker's is checked against; the system's"),
    PATH_KEY("cert", cert, "the certificate that andon shows the broker"),
    PATH_KEY("key", key, "its private key"),
    PATH_KEY("dir", dir, "the folder of files to read"),
    TEXT_KEY("pattern", pattern, "names of files in it, with * and ?; *.csv when nothing is said"),
    {"every", YAML_DURATION, AT(every_ns), 0, 1, YEAR, NULL, NULL,
     "how often the folder is looked at; 1m when nothing is said", NULL},
    TEXT_KEY("asset", asset, "the asset of files whose names do not say it"),
    TEXT_KEY("time", time, "the column of time, where it is not found by itself"),
    {0}};
static const struct yaml_table source_table = {source_keys, sizeof(struct config_source),
                                               check_source};
#undef AT
#undef TEXT_KEY
#undef PATH_KEY

#define AT(field) offsetof(struct config_channel, field)
static const struct yaml_key channel_keys[] = {
    {"unit", YAML_TEXT, AT(unit), 0, 0, 0, NULL, NULL,
     "the unit of the values; otherwise what the channel's name says", NULL},
    {"range", YAML_RANGE, AT(range), 0, 0, 0, NULL, NULL,
     "values outside are bad: they are kept and not judged", NULL},
    {"reference", YAML_TEXT, AT(reference), 0, 0, 0, NULL, NULL,
     "a channel whose value is taken off this one before it is judged: the air around a motor",
     NULL},
    {"rms_to_peak", YAML_TEXT, AT(rms_to_peak), 0, 0, 0, NULL, NULL,
     "sine, half_wave or a factor from 1 to 100: effective values are judged as peaks", NULL},
    {"iso20816", YAML_CHOICE, AT(iso20816), 0, 0, 0, NULL,
     "group1.rigid|group1.flexible|group2.rigid|group2.flexible",
     "the group of machine and its base, for the zones of vibration", NULL},
    {"noise_floor", YAML_NUMBER, AT(noise_floor), 0, 0, DBL_MAX, NULL, NULL,
     "changes smaller than this mean nothing", NULL},
    {"scale", YAML_NUMBER, AT(scale), 0, 0, 0, NULL, NULL,
     "value = what was sent * scale + offset; 1", NULL},
    {"offset", YAML_NUMBER, AT(offset), 0, 0, 0, NULL, NULL, "see scale; 0", NULL},
    {"counter", YAML_CHOICE, AT(counter), 0, 0, 0, NULL, "no|yes|false|true",
     "yes: it only rises, or starts anew; otherwise its values tell", NULL},
    {0}};
static const struct yaml_table channel_table = {channel_keys, sizeof(struct config_channel),
                                                check_channel};
#undef AT

#define AT(field) offsetof(struct config_asset, field)
static const struct yaml_key asset_keys[] = {
    {"match", YAML_TEXT, AT(match), 0, 0, 0, NULL, NULL,
     "paths of assets; * within a level, ** across levels, ? one character", NULL},
    {"preset", YAML_TEXT, AT(preset), 0, 0, 0, NULL, NULL, "the kind of machine", NULL},
    {"running", YAML_TEXT, AT(running), 0, 0, 0, NULL, NULL,
     "when it runs: always, a channel, or a channel with > >= < <= == != and a value", NULL},
    {"regime", YAML_TEXT, AT(regime), 0, 0, 0, NULL, NULL,
     "the channel that names the operating state, or none", NULL},
    {"model", YAML_PATH, AT(model), 0, 0, 0, NULL, NULL,
     "the model file that judges them; without one they are UNKNOWN, no_model", NULL},
    {"interval", YAML_DURATION, AT(interval_ns), 0, 0.000001, YEAR, NULL, NULL,
     "the usual time between samples; otherwise it is measured", NULL},
    {"channels", YAML_MAP, AT(channel), offsetof(struct config_asset, channels), 0, 0, NULL, NULL,
     "channels by name, or by patterns with * and ?", &channel_table},
    {0}};
static const struct yaml_table asset_table = {asset_keys, sizeof(struct config_asset), check_asset};
#undef AT

#define AT(field) offsetof(struct config_oee, field)
static const struct yaml_key oee_keys[] = {
    {"line", YAML_TEXT, AT(line), 0, 0, 0, NULL, NULL, "the line that it is computed for", NULL},
    {"green", YAML_NUMBER, AT(green), 0, 0.001, 100, "90", NULL, "percent above which it is green",
     NULL},
    {"yellow", YAML_NUMBER, AT(yellow), 0, 0.001, 100, "80", NULL,
     "percent from which it is yellow; below it is red", NULL},
    {"shifts", YAML_TEXTS, AT(shift), offsetof(struct config_oee, shifts), 0, 0, NULL, NULL,
     "when each shift begins, HH:MM local time, in order", NULL},
    {0}};
static const struct yaml_table oee_table = {oee_keys, sizeof(struct config_oee), check_oee};
#undef AT

#define AT(field) offsetof(struct config_promote, field)
static const struct yaml_key promote_keys[] = {
    {"shadow", YAML_DURATION, AT(shadow_ns), 0, 0, 0, "24h", NULL,
     "a new model runs beside the old one for this long first", NULL},
    {"within_budget", YAML_FLAG, AT(within_budget), 0, 0, 0, "yes", NULL,
     "... and takes over only when it kept the alarm budget", NULL},
    {0}};
static const struct yaml_table promote_table = {promote_keys, sizeof(struct config_promote), NULL};
#undef AT

#define AT(field) offsetof(struct config_training, field)
static const struct yaml_key training_keys[] = {
    {"when", YAML_TEXTS, AT(when), offsetof(struct config_training, whens), 0, 0, NULL, NULL,
     "of daily, weekly, monthly, drift", NULL},
    {"promote", YAML_TABLE, AT(promote), 0, 0, 0, NULL, NULL, "", &promote_table},
    {0}};
static const struct yaml_table training_table = {training_keys, sizeof(struct config_training),
                                                 check_training};
#undef AT

#define AT(field) offsetof(struct config_upstream, field)
static const struct yaml_key upstream_keys[] = {
    {"url", YAML_TEXT, AT(url), 0, 0, 0, NULL, NULL, "mqtt://HOST[:PORT] or mqtts:// of a hub",
     NULL},
    {"buffer", YAML_DURATION, AT(buffer_ns), 0, 60, YEAR, "7d", NULL,
     "what the hub has not taken is kept this long", NULL},
    {0}};
static const struct yaml_table upstream_table = {upstream_keys, sizeof(struct config_upstream),
                                                 check_upstream};
#undef AT

#define AT(field) offsetof(struct config_influx, field)
static const struct yaml_key influx_keys[] = {
    {"url", YAML_TEXT, AT(url), 0, 0, 0, NULL, NULL, "http://HOST:PORT of an InfluxDB", NULL},
    {"token", YAML_SECRET, AT(token), 0, 0, 0, NULL, NULL, "that may write there", NULL},
    {"org", YAML_TEXT, AT(org), 0, 0, 0, NULL, NULL, "organisation", NULL},
    {"bucket", YAML_TEXT, AT(bucket), 0, 0, 0, NULL, NULL, "bucket", NULL},
    {0}};
static const struct yaml_table influx_table = {influx_keys, sizeof(struct config_influx),
                                               check_influx};
#undef AT

#define AT(field) offsetof(struct config, field)
#define SECTION(name)                                                                              \
    {                                                                                              \
#name, YAML_TABLE, AT(name), 0, 0, 0, NULL, NULL, "", &name##_table                        \
    }
static const struct yaml_key config_keys[] = {
    SECTION(site),
    SECTION(log),
    SECTION(journal),
    SECTION(store),
    SECTION(engine),
    SECTION(alarms),
    {"sources", YAML_TABLES, AT(source), AT(sources), 0, 0, NULL, NULL, "where readings come from",
     &source_table},
    {"assets", YAML_TABLES, AT(asset), AT(assets), 0, 0, NULL, NULL,
     "what is known of machines; everything not said is found out", &asset_table},
    SECTION(oee),
    SECTION(training),
    SECTION(upstream),
    SECTION(influx),
    {0}};
const struct yaml_table config_schema = {config_keys, sizeof(struct config), NULL};
