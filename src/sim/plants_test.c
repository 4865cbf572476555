#include "test.h"

#include <unistd.h>

#include "csv_writer.h"
#include "sim.h"

static struct andon_arena room;

static struct sim *open_plant(const struct sim_plant *plant, const struct sim_options *options)
{
    andon_error err;
    struct sim *sim;
    andon_arena_free(&room);
    andon_arena_init(&room, andon_allocator_libc(), 1u << 20);
    return sim_open(plant, options, &room, &sim, &err) == ANDON_OK ? sim : NULL;
}

#define FOR_EACH_PLANT(plant)                                                                      \
    for (size_t at_ = 0; at_ < sim_plant_count(); at_++)                                           \
        for (const struct sim_plant *plant = sim_plant_at(at_); plant != NULL; plant = NULL)

/* FNV-1a over everything that a run says. */
static uint64_t digest(const struct sim_plant *plant, const struct sim_options *options)
{
    struct sim *sim = open_plant(plant, options);
    uint64_t h = 14695981039346656037u;
    struct sim_sample s;
    while (sim != NULL && sim_next(sim, &s)) {
        const unsigned char *bytes = (const unsigned char *)s.value;
        for (size_t i = 0; i < plant->channels * sizeof(double); i++) {
            h = (h ^ bytes[i]) * 1099511628211u;
        }
        h = (h ^ (uint64_t)(s.fault + 1) ^ (uint64_t)s.state << 8) * 1099511628211u;
    }
    return h;
}

TEST(the_same_seed_gives_the_same_bytes_and_another_seed_does_not)
{
    FOR_EACH_PLANT(plant)
    {
        struct sim_options o;
        sim_options_default(plant, &o);
        o.days = 2;
        uint64_t first = digest(plant, &o);
        CHECK_SAY(digest(plant, &o) == first, "%s", plant->name);
        o.seed++;
        CHECK_SAY(digest(plant, &o) != first, "%s", plant->name);
    }
}

TEST(every_plant_is_found_by_its_name_and_nothing_else_is)
{
    FOR_EACH_PLANT(plant) CHECK(sim_plant_named(plant->name) == plant);
    CHECK(sim_plant_named("pumps") == NULL);
    CHECK(sim_plant_named("") == NULL);
}

TEST(values_stay_in_range_and_labels_add_up_to_the_rate)
{
    FOR_EACH_PLANT(plant)
    {
        struct sim_options o;
        sim_options_default(plant, &o);
        o.anomaly_rate = 0.05;
        struct sim *sim = open_plant(plant, &o);
        CHECK(sim != NULL);
        uint64_t anomalous = 0, rows = 0;
        struct sim_sample s;
        while (sim_next(sim, &s)) {
            rows++;
            anomalous += s.fault >= 0;
            CHECK_SAY(s.fault < (int)plant->faults && s.state < plant->states, "%s", plant->name);
            CHECK_SAY(s.running || s.fault < 0, "%s: a fault while it stands", plant->name);
            for (uint32_t c = 0; c < plant->channels; c++) {
                const struct sim_channel *ch = &plant->channel[c];
                if (ch->kind == SIM_TEXT || ch->kind == SIM_TIME) continue;
                CHECK_SAY(s.value[c] >= ch->min && s.value[c] <= ch->max, "%s row %d: %s = %g",
                          plant->name, (int)s.row, ch->name, s.value[c]);
            }
        }
        CHECK(rows == sim_rows(sim));
        CHECK_NEAR((double)anomalous / (double)rows, 0.05, 0.003);
    }
}

TEST(healthy_rows_do_not_change_with_the_anomaly_rate_where_nothing_remembers_a_fault)
{
    static const char *const names[] = {"pump", "conveyor", "component-factory"};
    for (size_t k = 0; k < 3; k++) {
        const struct sim_plant *plant = sim_plant_named(names[k]);
        struct sim_options o;
        sim_options_default(plant, &o);
        struct andon_arena other;
        andon_arena_init(&other, andon_allocator_libc(), 1u << 20);
        struct sim *with = open_plant(plant, &o), *without;
        andon_error err;
        o.anomaly_rate = 0.0;
        CHECK(sim_open(plant, &o, &other, &without, &err) == ANDON_OK);
        struct sim_sample a, b;
        while (sim_next(with, &a) && sim_next(without, &b)) {
            CHECK(b.fault < 0);
            if (a.fault >= 0) continue;
            CHECK_SAY(memcmp(a.value, b.value, plant->channels * sizeof *a.value) == 0, "%s row %d",
                      plant->name, (int)a.row);
        }
        andon_arena_free(&other);
    }
}

TEST(an_endless_run_goes_on_after_a_month_of_planned_time)
{
    FOR_EACH_PLANT(plant)
    {
        struct sim_options o;
        sim_options_default(plant, &o);
        o.days = 0;
        o.interval_s = 300;
        struct sim *sim = open_plant(plant, &o);
        CHECK(sim != NULL);
        CHECK(sim_rows(sim) == UINT64_MAX);
        uint64_t anomalous[3] = {0};
        struct sim_sample s;
        for (uint64_t row = 0; row < 3 * 8640; row++) {
            CHECK(sim_next(sim, &s));
            CHECK(s.row == row);
            anomalous[row / 8640] += s.fault >= 0;
        }
        for (int month = 0; month < 3; month++) {
            CHECK_SAY(anomalous[month] > 100, "%s month %d: %d", plant->name, month,
                      (int)anomalous[month]);
        }
    }
}

TEST(a_fault_of_the_conveyor_changes_what_it_says_it_changes)
{
    const struct sim_plant *plant = sim_plant_named("conveyor");
    struct sim_options o;
    sim_options_default(plant, &o);
    o.days = 60;
    double adjusted = 0.0, vibration = 0.0, hot = 0.0, shaken = 0.0;
    unsigned healthy = 0, hots = 0, shakes = 0;
    struct sim *sim = open_plant(plant, &o);
    struct sim_sample s;
    while (sim_next(sim, &s)) {
        const char *fault = s.fault >= 0 ? plant->fault[s.fault].name : "";
        if (s.state != 0) continue;
        if (s.fault < 0) healthy++, adjusted += s.value[0] - s.value[1], vibration += s.value[2];
        if (strcmp(fault, "overheating") == 0) hots++, hot += s.value[0] - s.value[1];
        if (strcmp(fault, "imbalance") == 0) shakes++, shaken += s.value[2];
    }
    CHECK(healthy > 0 && hots > 0 && shakes > 0);
    CHECK(hot / hots > adjusted / healthy + 15.0);
    CHECK_NEAR(shaken / shakes / (vibration / healthy), 1.9, 0.1);
}

TEST(the_bakery_has_the_54_and_52_published_keys)
{
    const struct sim_plant *plant = sim_plant_named("bakery");
    unsigned fryer = 0, line = 0;
    for (uint32_t c = 0; c < plant->channels; c++) {
        fryer += strcmp(plant->channel[c].asset, "fryer") == 0;
        line += strcmp(plant->channel[c].asset, "productionline") == 0;
    }
    CHECK(fryer == 54);
    CHECK(line == 52);
}

TEST(the_published_bakery_stays_in_the_published_ranges)
{
    const struct sim_plant *plant = sim_plant_named("bakery");
    struct sim_options o;
    sim_options_default(plant, &o);
    o.as_published = true;
    o.days = 0.25;
    struct sim *sim = open_plant(plant, &o);
    CHECK(sim != NULL);
    struct sim_sample s;
    while (sim_next(sim, &s)) {
        for (uint32_t c = 0; c < plant->channels; c++) {
            const struct sim_channel *ch = &plant->channel[c];
            if (ch->kind != SIM_REAL && ch->kind != SIM_COUNT) continue;
            CHECK_SAY(s.value[c] >= ch->low && s.value[c] <= ch->high, "%s", ch->name);
        }
    }
}

TEST(the_bakery_s_ledger_agrees_with_itself)
{
    const struct sim_plant *plant = sim_plant_named("bakery");
    double v[4] = {0};
    static const char *const names[4] = {"OverallEfficiency", "Availability", "Performance",
                                         "Quality"};
    struct sim_options o;
    sim_options_default(plant, &o);
    o.days = 1;
    struct sim *sim = open_plant(plant, &o);
    struct sim_sample s;
    while (sim_next(sim, &s)) {
        for (uint32_t c = 0; c < plant->channels; c++) {
            for (int k = 0; k < 4; k++) {
                if (strcmp(plant->channel[c].name, names[k]) == 0) v[k] = s.value[c];
            }
        }
        CHECK_NEAR(v[0], v[1] * v[2] * v[3] / 1e4, 0.03);
    }
}

TEST(what_cannot_be_run_is_refused_with_a_reason)
{
    andon_error err = {0};
    struct sim *sim;
    struct sim_options o;
    andon_arena_free(&room);
    andon_arena_init(&room, andon_allocator_libc(), 1u << 20);
    const struct sim_plant *plant = sim_plant_named("conveyor");
    sim_options_default(plant, &o);
    o.as_published = true;
    CHECK(sim_open(plant, &o, &room, &sim, &err) == ANDON_EINVAL);
    CHECK(strstr(err.text, "conveyor") != NULL);
    sim_options_default(plant, &o);
    o.interval_s = 7200;
    CHECK(sim_open(plant, &o, &room, &sim, &err) == ANDON_EINVAL);
    o.anomaly_rate = 0.5;
    CHECK(sim_open(plant, &o, &room, &sim, &err) == ANDON_EINVAL);
    sim_options_default(plant, &o);
    struct andon_arena tiny;
    andon_arena_init(&tiny, andon_allocator_libc(), 64);
    CHECK(sim_open(plant, &o, &tiny, &sim, &err) == ANDON_ENOMEM);
    andon_arena_free(&tiny);
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    if (f == NULL) return NULL;
    char *text = calloc(1, 8u << 20);
    size_t n = fread(text, 1, (8u << 20) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

TEST(a_run_becomes_data_labels_and_what_is_known_of_it)
{
    char dir[] = "/tmp/andon-sim-XXXXXX";
    CHECK(mkdtemp(dir) != NULL);
    char path[64];
    snprintf(path, sizeof path, "%s/pump.csv", dir);
    const struct sim_plant *plant = sim_plant_named("pump");
    struct sim_options o;
    sim_options_default(plant, &o);
    o.days = 3;
    andon_error err;
    struct sim_csv how = {.path = path};
    struct sim_csv_result result;
    CHECK(sim_csv_write(open_plant(plant, &o), &how, &result, &err) == ANDON_OK);
    CHECK(result.rows == 4320);
    CHECK(result.anomalous_rows >= 71 && result.anomalous_rows <= 101);
    char *data = slurp(path), *labels = slurp(result.labels_path), *meta = slurp(result.json_path);
    CHECK(data != NULL && labels != NULL && meta != NULL);
    const char *header = "timestamp,temperature,vibration,pressure,flow_rate,current,duty_cycle,"
                         "operational_state,status,anomaly,fault\n2024-01-01 00:00:00,";
    CHECK(strncmp(data, header, strlen(header)) == 0);
    CHECK(strncmp(labels, "row,timestamp,anomaly,fault\n0,2024-01-01 00:00:00,0,\n", 53) == 0);
    size_t lines = 0, anomalous = 0;
    for (const char *p = data; *p != '\0'; p++) lines += *p == '\n';
    for (const char *p = labels; (p = strstr(p, ":00,1,")) != NULL; p++) anomalous++;
    CHECK(lines == 4321);
    CHECK(anomalous == result.anomalous_rows);
    CHECK(strstr(meta, "\"operational_events\": [") != NULL);
    CHECK(strstr(meta, "\"anomaly_events\": [\n    {\"timestamp\": \"") != NULL);
    CHECK(strstr(meta, "\"sensor_parameters\": {") != NULL);
    free(data), free(labels), free(meta);
    unlink(path), unlink(result.labels_path), unlink(result.json_path);
    CHECK(rmdir(dir) == 0); /* nothing else was left behind */
}

TEST(a_file_that_cannot_be_written_leaves_nothing_behind)
{
    struct sim_options o;
    sim_options_default(sim_plant_named("pump"), &o);
    andon_error err;
    struct sim_csv_result result;
    struct sim_csv how = {.path = "/nonexistent/dir/pump.csv"};
    CHECK(sim_csv_write(open_plant(sim_plant_named("pump"), &o), &how, &result, &err) == ANDON_EIO);
    CHECK(strstr(err.text, "/nonexistent/dir/pump.csv") != NULL);
    o.days = 0;
    how.path = "/tmp/andon-endless.csv";
    CHECK(sim_csv_write(open_plant(sim_plant_named("pump"), &o), &how, &result, &err) ==
          ANDON_EINVAL);
    CHECK(access(how.path, F_OK) != 0);
}
