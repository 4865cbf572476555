#include "engine/config.h"

#include <unistd.h>

#include "test.h"

/* Loads text as a file would be, with these variables. */
static andon_status load(const char *text, char *const *variables, struct config *config,
                         andon_error *err)
{
    char path[] = "/tmp/andon-config-XXXXXX";
    int fd = mkstemp(path);
    size_t size = strlen(text);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size) return ANDON_EIO;
    close(fd);
    andon_status st = config_load(path, variables, config, err);
    unlink(path);
    return st;
}

TEST(without_a_file_andon_listens_on_loopback_and_keeps_everything)
{
    struct config c;
    andon_error err = {{0}};
    CHECK_SAY(config_load(NULL, NULL, &c, &err) == ANDON_OK, "%s", err.text);
    CHECK(c.sources == 2 && c.assets == 0 && c.site.path == NULL);
    CHECK(c.source[0].door == CONFIG_MQTT && strcmp(c.source[0].listen, "127.0.0.1:1883") == 0);
    CHECK(c.source[1].door == CONFIG_HTTP && strcmp(c.source[1].listen, "127.0.0.1:8000") == 0);
    CHECK(strcmp(c.journal.dir, "journal") == 0 && c.journal.sync_ns == 100000000);
    CHECK(c.store.keep_raw_ns == CONFIG_FOR_EVER && !c.store.durable);
    CHECK(c.engine.shards == 1 && c.engine.checkpoint_ns == INT64_C(30000000000));
    CHECK(c.engine.checkpoint_records == 200000 && c.engine.stale_ns == INT64_C(60000000000));
    CHECK(c.engine.stale_intervals == 10 && c.engine.lateness_ns == INT64_C(1000000000));
    CHECK(c.engine.future_ns == INT64_C(86400000000000) && c.engine.assets_max == 100000);
    CHECK(c.alarms.budget_per_day == 3.0 && c.alarms.confirm_hits == 3 && c.alarms.confirm_of == 5);
    CHECK(c.alarms.flood_count == 10 && c.alarms.flood_ns == INT64_C(600000000000));
    CHECK(c.influx.url == NULL && c.upstream.url == NULL);
    config_free(&c);
    config_free(&c);
}

static const char plant[] =
    "site: { path: acme/seattle, timezone: America/Los_Angeles }\n"
    "journal: { dir: journal, sync: 100ms, keep: 7d }\n"
    "alarms: { budget: 3/day, confirm: 3 of 5, group: 5m, flood: 10 per 10m }\n"
    "sources:\n"
    "  - { type: mqtt, listen: \"127.0.0.1:1883\" }\n"
    "  - { type: mqtt, broker: \"mqtts://plant-broker:8883\", topics: [\"#\"], qos: 1 }\n"
    "  - { type: http, listen: \"127.0.0.1:8000\" }\n"
    "  - { type: influx }\n"
    "  - { type: files, dir: drop, every: 5m }\n"
    "assets:\n"
    "  - match: \"pumps/*\"\n"
    "    preset: pump\n"
    "    running: duty_cycle > 5\n"
    "    regime: operational_state\n"
    "    channels:\n"
    "      vibration: { unit: mm/s, range: [0, 15], iso20816: group2.rigid, noise_floor: 0.01 }\n"
    "      motor_temp: { unit: degC, reference: ambient_temp }\n"
    "      \"*_temp\": { unit: degF, scale: 0.1, offset: -40 }\n"
    "  - match: p07\n"
    "    interval: 10s\n"
    "    running: always\n"
    "    channels:\n"
    "      vibration: { range: [0, 20], rms_to_peak: sine, counter: no }\n"
    "oee: { line: \"Line 1 - Donuts\", green: 90, yellow: 80, shifts: [\"06:00\", \"14:00\", "
    "\"22:00\"] }\n"
    "training: { when: [monthly, drift], promote: { shadow: 24h, within_budget: true } }\n"
    "upstream: { url: \"mqtts://hub:8883\", buffer: 7d }\n";

TEST(the_plant_of_the_reference_is_read)
{
    struct config c;
    andon_error err = {{0}};
    andon_status st = load(plant, NULL, &c, &err);
    if (st == ANDON_EINVAL && strstr(err.text, "America/Los_Angeles") != NULL) {
        config_free(&c);
        SKIP("this machine has no zone files");
    }
    CHECK_SAY(st == ANDON_OK, "%s", err.text);
    CHECK(c.sources == 5 && c.source[1].topics == 1 && strcmp(c.source[1].topic[0], "#") == 0);
    CHECK(strcmp(c.source[3].listen, "127.0.0.1:8086") == 0 && c.source[3].qos < 0);
    CHECK(c.source[1].qos == 1 && c.source[4].every_ns == INT64_C(300000000000));
    CHECK(strcmp(c.source[4].dir, "/tmp/drop") == 0 && strcmp(c.source[4].pattern, "*.csv") == 0);
    CHECK(c.assets == 2 && c.asset[0].channels == 3 && c.oee.shifts == 3 && c.training.whens == 2);
    CHECK(c.training.promote.within_budget && strcmp(c.upstream.url, "mqtts://hub:8883") == 0);
    config_free(&c);
}

static const char utc_plant[] =
    "site: { path: acme/seattle }\n"
    "assets:\n"
    "  - match: \"pumps/*\"\n"
    "    running: duty_cycle > 5\n"
    "    regime: operational_state\n"
    "    model: pump.model\n"
    "    channels:\n"
    "      vibration: { unit: mm/s, range: [0, 15], iso20816: group2.rigid, noise_floor: 0.01 }\n"
    "      motor_temp: { unit: degC, reference: ambient_temp }\n"
    "      \"*_temp\": { unit: degF, scale: 0.1, offset: -40 }\n"
    "  - match: p07\n"
    "    interval: 10s\n"
    "    running: always\n"
    "    channels:\n"
    "      vibration: { range: [0, 20], rms_to_peak: sine, counter: no }\n";

TEST(entries_that_match_an_asset_are_laid_over_each_other_in_order)
{
    struct config c;
    struct config_rules rules;
    struct config_channel channel;
    andon_error err = {{0}};
    CHECK_SAY(load(utc_plant, NULL, &c, &err) == ANDON_OK, "%s", err.text);
    config_asset(&c, TEXT("acme/seattle/pumps/p07"), &rules);
    CHECK(rules.matches == 2 && rules.interval_ns == INT64_C(10000000000));
    CHECK(rules.running->test == RUNNING_ALWAYS && strcmp(rules.regime, "operational_state") == 0);
    CHECK(strcmp(rules.model, "/tmp/pump.model") == 0 && rules.preset == NULL);
    config_channel(&rules, TEXT("vibration"), &channel);
    CHECK(strcmp(channel.unit, "mm/s") == 0 && channel.range[1] == 20.0 && channel.iso20816 == 2);
    CHECK(strcmp(channel.rms_to_peak, "sine") == 0 && channel.noise_floor == 0.01);
    CHECK(channel.counter == 0 && channel.scale == 1.0 && channel.offset == 0.0);
    config_asset(&c, TEXT("pumps/p08"), &rules);
    CHECK(rules.matches == 1 && rules.running->test == RUNNING_MORE &&
          rules.running->number == 5.0);
    config_channel(&rules, TEXT("motor_temp"), &channel);
    CHECK(strcmp(channel.unit, "degC") == 0 && strcmp(channel.reference, "ambient_temp") == 0);
    CHECK(channel.scale == 0.1 && channel.offset == -40.0);
    config_channel(&rules, TEXT("oil_temp"), &channel);
    CHECK(strcmp(channel.unit, "degF") == 0 && channel.reference == NULL && channel.counter == -1);
    config_asset(&c, TEXT("other/seattle/pumps/p08"), &rules);
    CHECK(rules.matches == 0 && rules.running == NULL);
    config_channel(&rules, TEXT("vibration"), &channel);
    CHECK(channel.unit == NULL && isnan(channel.range[0]) && channel.scale == 1.0);
    config_free(&c);
}

TEST(the_names_that_other_listeners_use_are_honoured)
{
    char *variables[] = {(char *)"MQTT_BROKER=aio-mq",
                         (char *)"MQTT_Port=1884",
                         (char *)"MQTT_TOPIC1=topic/fryer",
                         (char *)"MQTT_TOPIC2=topic/productionline",
                         (char *)"INFLUX_URL=http://influxdb:8086",
                         (char *)"INFLUX_TOKEN=secret-token",
                         (char *)"INFLUX_ORG=InfluxData",
                         (char *)"INFLUX_BUCKET=manufacturing",
                         (char *)"FRECUENCY=5",
                         NULL};
    struct config c;
    andon_error err = {{0}};
    CHECK_SAY(config_load(NULL, variables, &c, &err) == ANDON_OK, "%s", err.text);
    CHECK(c.sources == 3 && strcmp(c.source[2].broker, "mqtt://aio-mq:1884") == 0);
    CHECK(c.source[2].topics == 2 && strcmp(c.source[2].topic[1], "topic/productionline") == 0);
    CHECK(strcmp(c.influx.url, "http://influxdb:8086") == 0 &&
          strcmp(c.influx.bucket, "manufacturing") == 0);
    CHECK(strcmp(c.influx.token, "secret-token") == 0 && strcmp(c.influx.org, "InfluxData") == 0);
    config_free(&c);
    variables[1] = (char *)"MQTT_PORT=99999";
    CHECK(config_load(NULL, variables, &c, &err) == ANDON_EINVAL);
    CHECK_SAY(strcmp(err.text,
                     "MQTT_BROKER: sources[2].broker: found 'mqtt://aio-mq:99999', expected "
                     "mqtt://HOST[:PORT], or with s for TLS") == 0,
              "%s", err.text);
    config_free(&c);
}

TEST(andons_own_variables_lie_over_everything)
{
    char *variables[] = {(char *)"ANDON_SOURCES__1__LISTEN=0.0.0.0:80",
                         (char *)"ANDON_SITE__PATH=a/b", (char *)"ANDON_ENGINE__SHARDS=4",
                         (char *)"ANDON_CLOCK_STEP=/x", NULL};
    struct config c;
    andon_error err = {{0}};
    CHECK_SAY(load("engine: { shards: 2 }\n", variables, &c, &err) == ANDON_OK, "%s", err.text);
    CHECK(c.engine.shards == 4 && strcmp(c.site.path, "a/b") == 0);
    CHECK(strcmp(c.source[1].listen, "0.0.0.0:80") == 0 && c.source[1].door == CONFIG_HTTP);
    config_free(&c);
}

TEST(what_does_not_fit_together_is_named)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"site: { path: a//b }",
         ":1:15: site.path: found 'a//b', expected names with / between them: a level is empty"},
        {"site: { timezone: Mars/Olympus }", ":1:19: site.timezone: "},
        {"alarms: { confirm: 6 of 5 }", ":1:20: alarms.confirm: found '6 of 5', expected N of M"},
        {"alarms: { confirm: \"3  of 5\" }", "alarms.confirm: found"},
        {"alarms: { confirm: 3 of }", "alarms.confirm: found"},
        {"alarms: { flood: 10 per x }",
         ":1:18: alarms.flood: found '10 per x', expected N per DURATION"},
        {"alarms: { flood: 0 per 1m }", "alarms.flood: found"},
        {"sources: [{ listen: a:1 }]",
         ":1:11: sources[0].type: found nothing, expected mqtt, http, influx or files"},
        {"sources: [{ type: http, broker: mqtt://x }]",
         ":1:33: sources[0].broker: means nothing here: it belongs to mqtt"},
        {"sources: [{ type: mqtt, topics: a }]",
         ":1:33: sources[0].topics: means nothing here: it belongs to mqtt with broker"},
        {"sources: [{ type: mqtt, broker: mqtt://x, listen: a:1 }]",
         "sources[0].listen: means nothing here"},
        {"sources: [{ type: mqtt, dir: x }]",
         "sources[0].dir: means nothing here: it belongs to files"},
        {"sources: [{ type: mqtt, broker: http://x }]",
         "sources[0].broker: found 'http://x', expected mqtt://HOST[:PORT]"},
        {"sources: [{ type: mqtt, broker: \"mqtt://u:p@x\" }]", "no secrets in addresses"},
        {"sources: [{ type: mqtt, broker: \"mqtt://x\", topics: [\"a/#/b\"] }]",
         "found 'a/#/b', expected a topic with # only at its end"},
        {"sources: [{ type: mqtt, broker: \"mqtt://x\", cert: c }]",
         "sources[0].cert: expected cert and key together"},
        {"sources: [{ type: mqtt, broker: \"mqtt://x\", qos: 2 }]",
         "sources[0].qos: found '2', expected 0 or 1"},
        {"sources: [{ type: mqtt, listen: \"1883\" }]",
         "sources[0].listen: found '1883', expected ADDRESS:PORT"},
        {"sources: [{ type: mqtt, listen: \"a:65536\" }]", "expected ADDRESS:PORT"},
        {"sources: [{ type: mqtt, listen: \"[::1:1883\" }]", "expected ADDRESS:PORT"},
        {"sources: [{ type: files }]",
         "sources[0].dir: found nothing, expected the path of a folder"},
        {"sources: [{ type: files, dir: x, asset: a/+ }]",
         "sources[0].asset: found 'a/+': it has a '+' or '#'"},
        {"assets: [{ model: x }]",
         "assets[0].match: found nothing, expected a pattern such as pumps/*"},
        {"assets: [{ match: x, running: duty > }]",
         ":1:31: assets[0].running: found 'duty >', expected always, a channel"},
        {"assets: [{ match: x, channels: { v: { scale: 0 } } }]",
         "assets[0].channels.v.scale: found 0, expected a number that is not 0"},
        {"assets: [{ match: x, channels: { v: { rms_to_peak: cosine } } }]",
         "found 'cosine', expected sine, half_wave or a factor from 1 to 100"},
        {"assets: [{ match: x, channels: { v: { noise_floor: -1 } } }]",
         "found '-1', expected a number, at least 0"},
        {"oee: { green: 70 }", ":1:6: oee.yellow: found more than green, expected at most that"},
        {"oee: { shifts: [\"14:00\", \"06:00\"] }",
         "found '06:00', expected times such as 06:00, in order"},
        {"oee: { shifts: [\"24:00\"] }", "found '24:00'"},
        {"training: { when: [hourly] }",
         "training.when: found 'hourly', expected of daily, weekly, monthly, drift"},
        {"upstream: { url: hub }", "upstream.url: found 'hub', expected mqtt://HOST[:PORT]"},
        {"influx: { url: \"http://x:8086\" }",
         "influx.bucket: found nothing, expected a bucket's name"},
        {"influx: { url: \"http://x\", bucket: b, token: t }",
         "influx.token: found a value, expected file:"},
        {"engine: { shrads: 2 }", "engine: no key shrads here, did you mean shards?"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct config c;
        andon_error err = {{0}};
        CHECK_SAY(load(wrong[i].text, NULL, &c, &err) == ANDON_EINVAL, "%s", wrong[i].text);
        CHECK_SAY(strstr(err.text, wrong[i].says) != NULL, "%s\n# expected %s", err.text,
                  wrong[i].says);
        config_free(&c);
    }
}

TEST(good_addresses_are_taken)
{
    static const char *const good[] = {
        "sources: [{ type: mqtt, listen: \"[::1]:1883\" }]",
        "sources: [{ type: mqtt, listen: \"0.0.0.0:0\" }]",
        "sources: [{ type: mqtt, broker: \"mqtt://h\" }]",
        "sources: [{ type: mqtt, broker: \"mqtts://h.example:8883\" }]",
        "sources: [{ type: mqtt, broker: \"mqtt://[fe80::1]:1883\" }]",
        "influx: { url: \"https://i:8086/\", bucket: b }"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct config c;
        andon_error err = {{0}};
        CHECK_SAY(load(good[i], NULL, &c, &err) == ANDON_OK, "%s", err.text);
        config_free(&c);
    }
}

/* The canonical text in the writer's arena, ended by 0. */
static char *text_of_config(const struct config *c, struct andon_arena *arena, size_t *size)
{
    struct andon_writer out;
    andon_writer_init(&out, arena);
    config_text(c, &out);
    *size = out.size;
    andon_put_u8(&out, 0);
    return out.full ? NULL : (char *)out.data;
}

TEST(the_text_for_the_journal_reads_back_as_the_same_without_secrets)
{
    char *variables[] = {(char *)"INFLUX_URL=http://i:8086", (char *)"INFLUX_BUCKET=b",
                         (char *)"INFLUX_TOKEN=hunter2", NULL};
    struct config c, again;
    struct andon_arena arena;
    andon_error err = {{0}};
    size_t size, size_again;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)16 << 20);
    CHECK_SAY(load(utc_plant, variables, &c, &err) == ANDON_OK, "%s", err.text);
    char *text = text_of_config(&c, &arena, &size);
    CHECK(text != NULL && strstr(text, "hunter2") == NULL &&
          strstr(text, "token: \"***\"") != NULL);
    CHECK_SAY(config_read(text, size, &again, &err) == ANDON_OK, "%s\n%s", err.text, text);
    char *text_again = text_of_config(&again, &arena, &size_again);
    CHECK_SAY(size == size_again && memcmp(text, text_again, size) == 0, "%s", text_again);
    struct config_rules rules;
    config_asset(&again, TEXT("pumps/p07"), &rules);
    CHECK(rules.matches == 2 && rules.running->test == RUNNING_ALWAYS);
    config_free(&c);
    config_free(&again);
    andon_arena_free(&arena);
}

TEST(the_reference_lists_every_key_once)
{
    struct andon_arena arena;
    struct andon_writer out;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 20);
    andon_writer_init(&out, &arena);
    config_reference(&out);
    andon_put_u8(&out, 0);
    static const char *const key[] = {"`site.path`", "`journal.sync`", "`sources[].broker`",
                                      "`assets[].channels.NAME.iso20816`",
                                      "`training.promote.shadow`"};
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        const char *at = strstr((char *)out.data, key[i]);
        CHECK_SAY(at != NULL && strstr(at + 1, key[i]) == NULL, "%s", key[i]);
    }
    andon_arena_free(&arena);
}
