#include "verdict/diagnosis.h"

#include "andon/rng.h"
#include "test.h"

enum { CHANNELS = 4, ROWS = 2000 };
static const char *const names[CHANNELS] = {"pressure", "vibration", "temperature", "duty"};
static const double centre[CHANNELS] = {6.5, 2.5, 45, 75}, sd[CHANNELS] = {0.3, 0.2, 1.0, 4.0};

static const struct andon_effect cavitation[] = {{"pressure", {0.6f, 0.6f}, {0, 0}, 0, 0},
                                                 {"vibration", {2.5f, 2.5f}, {0, 0}, 0, 0},
                                                 {"temperature", {1, 1}, {8, 8}, 0, 1}};
static const struct andon_effect wear[] = {{"vibration", {1.0f, 2.8f}, {0, 0}, 0, 0},
                                           {"temperature", {1, 1}, {10, 28}, 0, 1}};
static const struct andon_effect shaking[] = {{"vibration", {1.9f, 1.9f}, {0, 0}, 0, 0}};
static const struct andon_effect loose[] = {{"vibration", {1, 1}, {2, 2}, 3, 0}};
static const struct andon_effect elsewhere[] = {{"flow", {0.5f, 0.5f}, {0, 0}, 0, 0},
                                                {"level", {0.5f, 0.5f}, {0, 0}, 0, 0},
                                                {"duty", {0.5f, 0.5f}, {0, 0}, 0, 0}};
static const struct andon_signature table[] = {{"cavitation", cavitation, 3}, {"wear", wear, 2},
                                               {"shaking", shaking, 1},       {"loose", loose, 1},
                                               {"elsewhere", elsewhere, 3}};
enum { CAVITATION, WEAR, SHAKING, LOOSE, ELSEWHERE, TABLE };

struct rig {
    struct andon_arena arena;
    struct andon_recipe *recipe;
    void *symptoms;
    struct andon_rng rng;
};

static void healthy(struct andon_rng *rng, double *value)
{
    for (int c = 0; c < CHANNELS; c++) value[c] = centre[c] + sd[c] * andon_rng_normal(rng);
}

static bool begin(struct rig *g, uint64_t seed)
{
    static double value[ROWS * CHANNELS];
    struct andon_schema schema = {CHANNELS, names, 0, NULL};
    struct andon_series series = {ROWS, CHANNELS, value, NULL, NULL, NULL};
    struct andon_recipe_options options;
    struct andon_arena scratch;
    andon_error err;
    g->rng = andon_rng_fork(seed, 0);
    for (int i = 0; i < ROWS; i++) healthy(&g->rng, value + i * CHANNELS);
    andon_arena_init(&g->arena, andon_allocator_libc(), (size_t)1 << 24);
    andon_arena_init(&scratch, andon_allocator_libc(), (size_t)1 << 24);
    andon_options_default(andon_recipe_table, &options);
    bool good = andon_recipe_fit(&schema, &series, &options, &scratch, &g->arena, &g->recipe,
                                 &err) == ANDON_OK;
    andon_arena_free(&scratch);
    g->symptoms = andon_arena_take(&g->arena, symptoms_bytes(CHANNELS));
    symptoms_init(g->symptoms, CHANNELS);
    for (int i = 0; i < 300 && good; i++) {
        double row[CHANNELS];
        healthy(&g->rng, row);
        symptoms_see(g->symptoms, g->recipe, row, ANDON_REGIME_UNKNOWN, true, false);
    }
    return good;
}

/* Rows of a fault, part of it over in each; value' = value * factor + offset as the table says. */
static void suffer(struct rig *g, const struct andon_signature *s, int rows, bool grows)
{
    for (int i = 0; i < rows; i++) {
        double row[CHANNELS], part = grows ? (double)i / rows : 1.0;
        healthy(&g->rng, row);
        for (uint32_t k = 0; k < s->effects; k++)
            for (int c = 0; c < CHANNELS; c++) {
                const struct andon_effect *e = &s->effect[k];
                if (strcmp(e->channel, names[c]) != 0) continue;
                row[c] *= (double)e->factor[0] + part * (double)(e->factor[1] - e->factor[0]);
                row[c] += (double)e->offset[0] + part * (double)(e->offset[1] - e->offset[0]);
                row[c] += (double)e->noise * (i % 2 ? 0.7 : -0.7);
            }
        symptoms_see(g->symptoms, g->recipe, row, ANDON_REGIME_UNKNOWN, true, true);
    }
}

static struct diagnosis ask(struct rig *g)
{
    return diagnose(g->symptoms, g->recipe, ANDON_REGIME_UNKNOWN, table, TABLE);
}

TEST(each_fault_is_called_by_its_name)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        for (int f = 0; f < ELSEWHERE; f++) {
            struct rig g;
            CHECK(begin(&g, seed));
            suffer(&g, &table[f], 30, f == WEAR);
            struct diagnosis d = ask(&g);
            andon_arena_free(&g.arena);
            CHECK_SAY(d.fault == f, "SEED=%u, %s: %d", (unsigned)seed, table[f].name, d.fault);
            CHECK(d.confidence > 0.5 && d.confidence <= 1.0 && d.strength > 0.3);
            CHECK(d.second != d.fault);
        }
}

TEST(a_pattern_that_no_fault_makes_is_unknown)
{
    const struct andon_effect backwards[] = {{"pressure", {1.5f, 1.5f}, {0, 0}, 0, 0},
                                             {"vibration", {0.4f, 0.4f}, {0, 0}, 0, 0}};
    const struct andon_effect alone[] = {{"duty", {0.5f, 0.5f}, {0, 0}, 0, 0}};
    const struct andon_signature strange[] = {{"backwards", backwards, 2}, {"alone", alone, 1}};
    for (uint64_t seed = 1; seed <= 20; seed++)
        for (int f = 0; f < 2; f++) {
            struct rig g;
            CHECK(begin(&g, seed));
            suffer(&g, &strange[f], 20, false);
            struct diagnosis d = ask(&g);
            andon_arena_free(&g.arena);
            CHECK_SAY(d.fault == DIAGNOSIS_UNKNOWN, "SEED=%u, %s: %s", (unsigned)seed,
                      strange[f].name, table[d.fault < 0 ? 0 : d.fault].name);
            CHECK(d.strength == 0.0 && d.confidence > 0.5);
        }
}

TEST(a_growing_fault_is_told_from_one_that_is_there_at_once)
{
    struct rig g;
    CHECK(begin(&g, 7));
    suffer(&g, &table[WEAR], 60, true);
    struct diagnosis d = ask(&g);
    CHECK(d.fault == WEAR && d.part > 0.6);
    andon_arena_free(&g.arena);
}

TEST(without_symptoms_there_is_nothing_to_say)
{
    struct rig g;
    CHECK(begin(&g, 1));
    CHECK(symptoms_rows(g.symptoms) == 0 && isnan(symptoms_deviation(g.symptoms, 0)));
    CHECK(ask(&g).fault == DIAGNOSIS_UNKNOWN);
    suffer(&g, &table[CAVITATION], 5, false);
    CHECK(symptoms_rows(g.symptoms) == 5);
    CHECK(symptoms_deviation(g.symptoms, 0) < -5.0 && symptoms_deviation(g.symptoms, 1) > 5.0);
    CHECK(diagnose(g.symptoms, g.recipe, ANDON_REGIME_UNKNOWN, table, 0).fault == DIAGNOSIS_UNKNOWN);
    andon_arena_free(&g.arena);
}

TEST(a_missing_sensor_takes_its_part_and_no_more)
{
    struct rig g;
    CHECK(begin(&g, 3));
    for (int i = 0; i < 10; i++) {
        double row[CHANNELS];
        healthy(&g.rng, row);
        row[0] *= 0.6;
        row[1] = NAN; /* vibration is gone: pressure and temperature still tell */
        row[2] += 7.0;
        symptoms_see(g.symptoms, g.recipe, row, ANDON_REGIME_UNKNOWN, true, true);
    }
    CHECK(ask(&g).fault == CAVITATION);
    CHECK(isnan(symptoms_deviation(g.symptoms, 1)));
    andon_arena_free(&g.arena);
}

TEST(standing_still_is_no_symptom_and_calm_rows_end_an_event)
{
    struct rig g;
    double off[CHANNELS] = {0.6, 0.05, 25, 0}, row[CHANNELS];
    CHECK(begin(&g, 4));
    for (int i = 0; i < 500; i++)
        symptoms_see(g.symptoms, g.recipe, off, ANDON_REGIME_UNKNOWN, false, false);
    suffer(&g, &table[SHAKING], 12, false);
    CHECK(ask(&g).fault == SHAKING);
    for (int i = 0; i < 10; i++) {
        healthy(&g.rng, row);
        symptoms_see(g.symptoms, g.recipe, row, ANDON_REGIME_UNKNOWN, true, false);
    }
    suffer(&g, &table[CAVITATION], 12, false);
    CHECK(symptoms_rows(g.symptoms) == 12 && ask(&g).fault == CAVITATION);
    andon_arena_free(&g.arena);
}

TEST(symptoms_go_on_after_a_restart_bit_for_bit)
{
    struct rig g;
    struct andon_writer out;
    struct andon_reader in;
    CHECK(begin(&g, 5));
    suffer(&g, &table[WEAR], 9, true);
    struct diagnosis before = ask(&g);
    andon_writer_init(&out, &g.arena);
    symptoms_save(g.symptoms, &out);
    void *again = andon_arena_take(&g.arena, symptoms_bytes(CHANNELS));
    andon_reader_init(&in, out.data, out.size);
    CHECK(!out.full && symptoms_load(again, CHANNELS, &in) && andon_reader_left(&in) == 0);
    CHECK(memcmp(again, g.symptoms, symptoms_bytes(CHANNELS)) == 0);
    struct diagnosis after = diagnose(again, g.recipe, ANDON_REGIME_UNKNOWN, table, TABLE);
    CHECK(after.fault == before.fault && after.confidence == before.confidence);
    for (size_t cut = 0; cut < out.size; cut++) {
        andon_reader_init(&in, out.data, cut);
        CHECK(!symptoms_load(again, CHANNELS, &in) && symptoms_rows(again) == 0);
    }
    andon_reader_init(&in, out.data, out.size);
    CHECK(!symptoms_load(again, CHANNELS - 1, &in));
    double wild = -1.0; /* a negative variance */
    memcpy(out.data + 12 + 8, &wild, sizeof wild);
    andon_reader_init(&in, out.data, out.size);
    CHECK(!symptoms_load(again, CHANNELS, &in));
    andon_arena_free(&g.arena);
}
