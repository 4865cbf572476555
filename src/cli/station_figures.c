/* What a station says of itself: health, figures, live events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/station.h"
#include "base/json.h"

#define NS_PER_S INT64_C(1000000000)

/* ---- health ---- */

static void component(void (*each)(void *, const struct plant_component *), void *to,
                      const char *name, enum plant_state state, int64_t since_ns, const char *text)
{
    each(to, &(struct plant_component){name, state, since_ns, text});
}

void station_health(void *context, void (*each)(void *to, const struct plant_component *component),
                    void *to)
{
    struct station *s = context;
    struct journal_figures j;
    struct engine_figures e;
    char text[160];
    journal_figures(s->journal, &j);
    engine_figures(s->engine, &e);
    component(each, to, "journal", j.stopped ? PLANT_DOWN : j.full ? PLANT_DEGRADED : PLANT_OK, 0,
              j.stopped ? "it cannot be made durable: readings are refused until it can"
              : j.full  ? "the disk is full: readings are refused until there is room"
                        : "");
    component(each, to, "store", e.failed_since_ns != 0 ? PLANT_DEGRADED : PLANT_OK,
              e.failed_since_ns, e.failure);
    uint64_t behind = j.end > e.offset ? j.end - e.offset : 0;
    int64_t lag_ns = behind > 0 && e.journal_ns > 0 ? clock_wall_ns() - e.journal_ns : 0;
    snprintf(text, sizeof text, "%llu bytes of the journal wait, %.1f s",
             (unsigned long long)behind, (double)lag_ns / 1e9);
    bool late = behind > 0 && lag_ns > 30 * NS_PER_S;
    component(each, to, "engine", late ? PLANT_DEGRADED : PLANT_OK, 0, late ? text : "");
    if (s->endpoint != NULL) component(each, to, "mqtt", PLANT_OK, 0, "");
    for (uint32_t i = 0; i < s->brokers; i++) {
        struct broker_figures b;
        broker_figures(s->broker[i], &b);
        snprintf(text, sizeof text, "%s: not connected, tried again by itself", s->broker_url[i]);
        component(each, to, "broker", b.connected ? PLANT_OK : PLANT_DEGRADED, 0,
                  b.connected ? "" : text);
    }
}

/* ---- figures ---- */

struct saying {
    void (*each)(void *to, const struct plant_figure *figure);
    void *to;
};

static void say(const struct saying *s, enum plant_kind kind, const char *name, const char *help,
                double value)
{
    s->each(s->to, &(struct plant_figure){.name = name, .help = help, .kind = kind, .value = value});
}

static void say_of(const struct saying *s, const char *name, const char *help, const char *label,
                   const char *of, double value)
{
    const struct plant_label one = {label, of};
    s->each(s->to, &(struct plant_figure){.name = name, .help = help, .kind = PLANT_COUNTER,
                                          .labels = 1, .label = &one, .value = value});
}

static void journal_says(const struct saying *to, struct station *s)
{
    struct journal_figures j;
    journal_figures(s->journal, &j);
    say(to, PLANT_GAUGE, "andon_journal_bytes", "Bytes of the journal on disk", (double)j.bytes);
    say(to, PLANT_GAUGE, "andon_journal_segments", "Files of the journal", (double)j.segments);
    say(to, PLANT_GAUGE, "andon_journal_unsynced_bytes", "Bytes that are not durable yet",
        (double)(j.end - j.synced));
    say(to, PLANT_COUNTER, "andon_journal_records_total", "Records appended", (double)j.appended);
    say(to, PLANT_COUNTER, "andon_journal_refused_total", "Records refused: disk full",
        (double)j.refused);
    say(to, PLANT_COUNTER, "andon_journal_syncs_total", "Syncs", (double)j.syncs);
    say(to, PLANT_COUNTER, "andon_journal_sync_failures_total", "Syncs that failed",
        (double)j.sync_failures);
    say(to, PLANT_GAUGE, "andon_journal_damaged_bytes", "Bytes skipped because they were damaged",
        (double)j.damaged_bytes);
}

static void policies_say(const struct saying *to, const struct floor_figures *f)
{
    static const char name[] = "andon_readings_rejected_total";
    static const char help[] = "Samples that a policy kept from being judged, by reason";
    say_of(to, name, help, "reason", "duplicate", (double)f->duplicates);
    say_of(to, name, help, "reason", "redelivered", (double)f->redelivered);
    say_of(to, name, help, "reason", "late", (double)f->late);
    say_of(to, name, help, "reason", "unreadable", (double)f->refused);
    say_of(to, name, help, "reason", "null", (double)f->nulls);
    say(to, PLANT_COUNTER, "andon_readings_untimed_total", "Samples without a time of their own",
        (double)f->untimed);
    say(to, PLANT_COUNTER, "andon_readings_future_total", "Times too far ahead to be believed",
        (double)f->future);
    say(to, PLANT_COUNTER, "andon_readings_conflicts_total", "Two values for one time: both kept",
        (double)f->conflicts);
}

static void engine_says(const struct saying *to, struct station *s)
{
    struct engine_figures e;
    engine_figures(s->engine, &e);
    say(to, PLANT_COUNTER, "andon_readings_ingested_total", "Readings taken from the journal",
        (double)e.floor.readings);
    say(to, PLANT_COUNTER, "andon_samples_total", "Samples: what one asset said at one time",
        (double)e.floor.samples);
    say(to, PLANT_COUNTER, "andon_messages_total", "Messages taken from the journal",
        (double)e.floor.messages);
    policies_say(to, &e.floor);
    static const char verdicts[] = "andon_verdicts_total", help[] = "Verdicts, by state";
    for (int state = ANDON_NORMAL; state <= ANDON_UNKNOWN; state++)
        say_of(to, verdicts, help, "state", andon_state_name((enum andon_state)state),
               (double)e.floor.verdicts[state]);
    say(to, PLANT_COUNTER, "andon_turns_total", "Turns committed", (double)e.turns);
    say(to, PLANT_COUNTER, "andon_turn_seconds_total", "Time in turns", (double)e.turn_ns_sum / 1e9);
    say(to, PLANT_GAUGE, "andon_turn_seconds_max", "Longest turn", (double)e.turn_ns_max / 1e9);
    say(to, PLANT_GAUGE, "andon_assets", "Assets ever heard of", (double)e.assets);
    say(to, PLANT_GAUGE, "andon_models", "Models loaded", (double)e.models);
    struct journal_figures j;
    journal_figures(s->journal, &j);
    double lag_s = j.end > e.offset && e.journal_ns > 0
                       ? (double)(clock_wall_ns() - e.journal_ns) / 1e9
                       : 0.0;
    say(to, PLANT_GAUGE, "andon_ingest_lag_seconds", "Age of the oldest message not judged yet", lag_s);
    say(to, PLANT_GAUGE, "andon_store_bytes", "Bytes of the store", (double)e.store.bytes);
    say(to, PLANT_COUNTER, "andon_store_rows_total", "Rows written", (double)e.store.rows);
    say(to, PLANT_GAUGE, "andon_store_hot_rows", "Rows that fill no chunk yet",
        (double)e.store.hot_rows);
    say(to, PLANT_COUNTER, "andon_deadletters_total", "Dead letters written", (double)e.store.dead);
}

static void endpoint_says(const struct saying *to, struct station *s)
{
    struct endpoint_figures f;
    if (s->endpoint == NULL) return;
    endpoint_figures(s->endpoint, &f);
    say(to, PLANT_GAUGE, "andon_mqtt_connections", "Connected clients", (double)f.connections);
    say(to, PLANT_COUNTER, "andon_mqtt_connections_refused_total", "Clients refused",
        (double)f.connections_refused);
    say(to, PLANT_COUNTER, "andon_mqtt_received_total", "PUBLISH packets", (double)f.received);
    say(to, PLANT_COUNTER, "andon_mqtt_acknowledged_total", "PUBACK and PUBREC packets",
        (double)f.acknowledged);
    static const char refused[] = "andon_mqtt_refused_total", help[] = "PUBLISH packets refused";
    say_of(to, refused, help, "reason", "disk_full", (double)f.refused_full);
    say_of(to, refused, help, "reason", "protocol", (double)f.refused_wrong);
    say(to, PLANT_COUNTER, "andon_mqtt_sent_total", "Messages to subscribers", (double)f.sent);
    say(to, PLANT_COUNTER, "andon_mqtt_dropped_total", "Messages that subscribers did not read",
        (double)f.dropped);
}

static void brokers_say(const struct saying *to, struct station *s)
{
    static const char *const name[] = {"andon_broker_received_total", "andon_broker_acknowledged_total",
                                       "andon_broker_losses_total"};
    static const char *const help[] = {"Messages from a broker", "Of them journaled and acknowledged",
                                       "Connections to a broker that ended or never came about"};
    for (int k = 0; k < 3; k++)
        for (uint32_t i = 0; i < s->brokers; i++) {
            struct broker_figures b;
            broker_figures(s->broker[i], &b);
            const uint64_t value[] = {b.received, b.acknowledged, b.losses};
            say_of(to, name[k], help[k], "broker", s->broker_url[i], (double)value[k]);
        }
}

void station_figures(void *context, void (*each)(void *to, const struct plant_figure *figure),
                     void *to)
{
    struct station *s = context;
    const struct saying saying = {each, to};
    journal_says(&saying, s);
    engine_says(&saying, s);
    endpoint_says(&saying, s);
    brokers_say(&saying, s);
    say(&saying, PLANT_GAUGE, "process_start_time_seconds", "When this process started",
        (double)s->started_ns / 1e9);
}

/* ---- live events ---- */

static void tell_verdict(struct feed *feed, const struct floor *floor, const struct row *r)
{
    const struct asset *a = floor_asset(floor, r->asset);
    const struct andon_verdict *v = &r->verdict;
    char room[1024];
    struct json j;
    json_into(&j, room, sizeof room);
    json_open(&j, NULL, '{');
    json_time(&j, "timestamp", r->ts_ns);
    json_text(&j, "asset", (struct text){a->path, a->path_bytes});
    json_cstring(&j, "state", andon_state_name((enum andon_state)v->state));
    json_cstring(&j, "reason", andon_reason_name((enum andon_reason)v->reason));
    json_bool(&j, "is_anomaly", v->is_anomaly != 0);
    json_number(&j, "anomaly_score", v->score);
    if (a->model != NULL && r->value != TURN_NONE && v->channel < a->model->channels)
        json_cstring(&j, "channel", andon_recipe_channel(andon_model_recipe(a->model->model), v->channel));
    json_close(&j, '}');
    if (j.failed) return;
    feed_push(feed, &(struct feed_event){.offset = r->offset, .kind = FEED_VERDICT,
                                         .asset = {a->path, a->path_bytes},
                                         .json = {j.at, (uint32_t)j.used}});
}

static void tell_readings(struct feed *feed, const struct floor *floor, const struct turn *turn,
                          const struct row *r)
{
    const struct asset *a = floor_asset(floor, r->asset);
    char room[8192];
    struct json j;
    json_into(&j, room, sizeof room);
    json_open(&j, NULL, '{');
    json_time(&j, "ts", r->ts_ns);
    json_text(&j, "asset", (struct text){a->path, a->path_bytes});
    json_open(&j, "values", '{');
    for (uint32_t i = 0; i < r->fields; i++) {
        const struct field *f = &turn->field[r->field + i];
        const struct channel *c = &a->channel[f->channel];
        json_name(&j, (struct text){c->name, c->name_bytes});
        if (f->kind == READING_TEXT) json_text(&j, NULL, turn_text(turn, f->text, f->text_bytes));
        else if (f->kind == READING_FLAG) json_bool(&j, NULL, f->number > 0.5);
        else json_number(&j, NULL, f->number);
    }
    json_close(&j, '}');
    json_close(&j, '}');
    if (j.failed) return;
    feed_push(feed, &(struct feed_event){.offset = r->offset, .kind = FEED_READING,
                                         .asset = {a->path, a->path_bytes},
                                         .json = {j.at, (uint32_t)j.used}});
}

/* The retained state of an asset, when it is another than the one that was said last. */
static void say_state(struct station *s, const struct floor *floor, const struct row *r)
{
    const struct andon_verdict *v = &r->verdict;
    const struct asset *a = floor_asset(floor, r->asset);
    if (r->asset >= s->said_room) {
        uint32_t room = s->said_room == 0 ? 1024 : 2 * s->said_room;
        while (room <= r->asset) room *= 2;
        uint16_t *more = realloc(s->said, room * sizeof *more);
        if (more == NULL) return;
        memset(more + s->said_room, 0xff, (room - s->said_room) * sizeof *more);
        s->said = more;
        s->said_room = room;
    }
    uint16_t now = (uint16_t)(v->state << 8 | v->reason);
    if (s->said[r->asset] == now) return;
    char topic[CODEC_PATH_MAX + 32], room[1024];
    struct json j;
    json_into(&j, room, sizeof room);
    json_open(&j, NULL, '{');
    json_time(&j, "timestamp", r->ts_ns);
    json_cstring(&j, "state", andon_state_name((enum andon_state)v->state));
    json_cstring(&j, "reason", andon_reason_name((enum andon_reason)v->reason));
    json_number(&j, "anomaly_score", v->score);
    json_close(&j, '}');
    int n = snprintf(topic, sizeof topic, "%s/_anomaly/state", a->path);
    if (j.failed || n < 0 || (size_t)n >= sizeof topic) return;
    if (endpoint_say(s->endpoint, text_of(topic), (struct text){j.at, (uint32_t)j.used}, 1, true))
        s->said[r->asset] = now;
}

void station_committed(void *context, const struct floor *floor, const struct turn *turn)
{
    struct station *s = context;
    int64_t now = clock_steady_ns();
    bool verdicts = feed_wanted(s->feed, FEED_VERDICT, now);
    bool readings = feed_wanted(s->feed, FEED_READING, now);
    for (uint32_t i = 0; i < turn->rows && (verdicts || readings); i++) {
        if (readings && turn->row[i].fields > 0)
            tell_readings(s->feed, floor, turn, &turn->row[i]);
        if (verdicts) tell_verdict(s->feed, floor, &turn->row[i]);
    }
    feed_tell(s->feed);
    for (uint32_t i = 0; i < turn->rows && s->endpoint != NULL; i++)
        say_state(s, floor, &turn->row[i]);
}
