/* Messages as the plants publish them. */
#include "sim/payload.h"

#include "test.h"

struct talk {
    struct andon_arena arena;
    struct sim *sim;
    struct sim_sample sample;
};

static struct talk *talk_new(const char *plant)
{
    struct talk *t = calloc(1, sizeof *t);
    struct sim_options options;
    andon_error err;
    if (t == NULL) abort();
    andon_arena_init(&t->arena, andon_allocator_libc(), (size_t)64 << 20);
    sim_options_default(sim_plant_named(plant), &options);
    if (sim_open(sim_plant_named(plant), &options, &t->arena, &t->sim, &err) != ANDON_OK) abort();
    if (!sim_next(t->sim, &t->sample)) abort();
    return t;
}

static void talk_free(struct talk *t)
{
    andon_arena_free(&t->arena);
    free(t);
}

static bool starts(const struct sim_message *m, const char *with)
{
    return strncmp(m->payload, with, strlen(with)) == 0;
}

TEST(the_bakery_publishes_two_topics_in_their_envelopes)
{
    struct talk *t = talk_new("bakery");
    const struct sim_plant *plant = sim_plant_of(t->sim);
    const char *part[SIM_PARTS_MAX];
    struct sim_message *m = calloc(2, sizeof *m);
    uint32_t parts = sim_parts(plant, part), keys[2] = {0, 0};
    bool fits = parts == 2;
    for (uint32_t i = 0; i < 2 && fits; i++) {
        fits = sim_message(plant, &t->sample, part[i], i == 0 ? "" : "miami", &m[i]);
        for (const char *at = m[i].payload; (at = strstr(at, "\":")) != NULL; at++) keys[i]++;
    }
    bool topics = strcmp(m[0].topic, "topic/fryer") == 0 &&
                  strcmp(m[1].topic, "miami/topic/productionline") == 0;
    bool envelope = starts(&m[0], "{\"Content-Type\":\"application/json\",\"data\":{\"Timestamp\":\"2024");
    bool blank = strstr(m[1].payload, "\"Product\":\"Strawnberry Donuts \"") != NULL;
    bool day_first = strstr(m[1].payload, "\"FinishTime\":\"01-01-2024 06:00:00.000000\"") != NULL;
    bool flags = strstr(m[0].payload, "\"Cooler_ON\":true") != NULL;
    free(m);
    talk_free(t);
    CHECK(fits && topics && envelope && blank && day_first && flags);
    CHECK_SAY(keys[0] == 2 + 54 && keys[1] == 2 + 52, "%u and %u keys", keys[0], keys[1]);
}

TEST(a_plant_of_one_part_is_a_flat_object_that_ends_with_its_state)
{
    struct talk *t = talk_new("component-factory");
    struct sim_message *m = calloc(1, sizeof *m);
    const char *part[SIM_PARTS_MAX];
    bool fits = sim_parts(sim_plant_of(t->sim), part) == 1 &&
                sim_message(sim_plant_of(t->sim), &t->sample, "", "hall/line1", m);
    bool flat = starts(m, "{\"timestamp\":\"2024-01-01T00:00:00.000Z\",\"item_id\":\"C00000");
    bool state = strstr(m->payload, "\"operational_state\":\"") != NULL &&
                 strcmp(m->topic, "hall/line1") == 0 && m->size == strlen(m->payload);
    free(m);
    talk_free(t);
    CHECK(fits && flat && state);
}

TEST(a_topic_that_does_not_fit_is_refused)
{
    struct talk *t = talk_new("pump");
    struct sim_message *m = calloc(1, sizeof *m);
    char name[SIM_TOPIC_MAX + 1];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    bool fits = sim_message(sim_plant_of(t->sim), &t->sample, "", name, m);
    free(m);
    talk_free(t);
    CHECK(!fits);
}
