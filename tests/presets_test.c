/* Presets against the simulators of the same plants: what is known of a machine must hold for it. */
#include <stdlib.h>

#include "andon/arena.h"
#include "plant/preset.h"
#include "plant/running.h"
#include "sim/sim.h"
#include "test.h"

static bool text_there(const char *text)
{
    return text != NULL && text[0] != 0;
}

TEST(every_preset_is_whole)
{
    CHECK(preset_count() == 6);
    for (size_t i = 0; i < preset_count(); i++) {
        const struct preset *p = preset_at(i);
        struct running_rule rule;
        CHECK(text_there(p->name) && text_there(p->title) && text_there(p->source));
        CHECK(preset_named(text_of(p->name)) == p && p->interval_s > 0.0);
        CHECK(p->running == NULL || running_rule_read(text_of(p->running), &rule));
        CHECK(p->channels > 0 && p->faults > 0 && p->faults <= ANDON_SIGNATURES_MAX);
        for (uint32_t c = 0; c < p->channels; c++) {
            const struct preset_channel *ch = &p->channel[c];
            CHECK_SAY(preset_channel_named(p, text_of(ch->name)) == ch, "%s: %s twice", p->name,
                      ch->name);
            CHECK_SAY(!(ch->min >= ch->max) && !(ch->low >= ch->high), "%s: %s", p->name, ch->name);
            CHECK_SAY(!(ch->low < ch->min) && !(ch->high > ch->max), "%s: %s", p->name, ch->name);
            CHECK_SAY(ch->use != PRESET_VALUE || !isnan(ch->min), "%s: %s", p->name, ch->name);
        }
    }
    CHECK(preset_named(TEXT("toaster")) == NULL);
}

TEST(every_fault_has_a_signature_of_the_presets_channels_and_an_advice)
{
    for (size_t i = 0; i < preset_count(); i++) {
        const struct preset *p = preset_at(i);
        for (uint32_t f = 0; f < p->faults; f++) {
            const struct andon_signature *s = &p->signature[f];
            CHECK(preset_fault_named(p, text_of(s->name)) == (int32_t)f);
            CHECK(text_there(p->fault[f].title) && strlen(p->fault[f].advice) > 40);
            CHECK(strlen(p->fault[f].advice) < 257); /* the room of an alarm's advice */
            CHECK(p->fault[f].respond_min > 0.0 && text_there(p->fault[f].consequence));
            CHECK(s->effects > 0 && s->effects <= ANDON_EFFECTS_MAX);
            for (uint32_t e = 0; e < s->effects; e++) {
                const struct andon_effect *x = &s->effect[e];
                bool moves = x->factor[1] != 1.0f || x->offset[1] != 0.0f || x->noise != 0.0f;
                CHECK_SAY(preset_channel_named(p, text_of(x->channel)) != NULL && moves,
                          "%s, %s: %s", p->name, s->name, x->channel);
            }
        }
    }
    CHECK(preset_fault_named(&preset_pump, TEXT("rust")) == -1);
}

static double nan_or(double wanted, double found)
{
    return isnan(wanted) ? found : wanted;
}

TEST(presets_know_every_channel_and_fault_of_their_simulator)
{
    for (size_t i = 0; i < preset_count(); i++) {
        const struct preset *p = preset_at(i);
        if (p->plant == NULL) continue;
        const struct sim_plant *sim = sim_plant_named(p->plant);
        CHECK(sim != NULL && sim->interval_s == p->interval_s);
        for (uint32_t c = 0; c < sim->channels; c++) {
            const struct sim_channel *s = &sim->channel[c];
            const struct preset_channel *ch = preset_channel_named(p, text_of(s->name));
            if (strcmp(s->name, "Timestamp") == 0) continue;
            CHECK_SAY(ch != NULL, "%s: %s is missing", p->name, s->name);
            CHECK(s->asset == NULL || strcmp(s->asset, ch->part) == 0);
            if (ch->use > PRESET_REFERENCE) continue;
            CHECK_SAY(strcmp(ch->unit, s->unit) == 0, "%s: %s", p->name, s->name);
            CHECK_SAY(ch->min == s->min && ch->max == s->max, "%s: %s", p->name, s->name);
        }
        for (uint32_t f = 0; f < sim->faults; f++) {
            const struct sim_fault *s = &sim->fault[f];
            int32_t at = preset_fault_named(p, text_of(s->name));
            if (strcmp(s->name, "sensor_frozen") == 0) continue; /* a type of alarm of its own */
            CHECK_SAY(at >= 0, "%s: %s is missing", p->name, s->name);
            CHECK(strcmp(p->fault[at].title, s->title) == 0);
            CHECK(p->fault[at].cost == s->cost && p->fault[at].downtime_h == s->downtime_h);
            CHECK(nan_or(p->fault[at].per_month, 0) == 0 || p->fault[at].per_month == s->weight);
        }
    }
}

TEST(a_healthy_plant_stays_within_its_presets_limits)
{
    for (size_t i = 0; i < preset_count(); i++) {
        const struct preset *p = preset_at(i);
        if (p->plant == NULL) continue;
        const struct sim_plant *plant = sim_plant_named(p->plant);
        struct andon_arena arena;
        struct sim_options o;
        struct sim *sim;
        andon_error err = {{0}};
        struct sim_sample sample;
        const struct preset_channel *of[SIM_CHANNELS_MAX];
        andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 26);
        sim_options_default(plant, &o);
        o.anomaly_rate = 0.0;
        o.days = p->interval_s < 60 ? 14 : 60;
        CHECK_SAY(sim_open(plant, &o, &arena, &sim, &err) == ANDON_OK, "%s", err.text);
        for (uint32_t c = 0; c < plant->channels; c++)
            of[c] = preset_channel_named(p, text_of(plant->channel[c].name));
        while (sim_next(sim, &sample))
            for (uint32_t c = 0; c < plant->channels && sample.running; c++) {
                double v = sample.value[c];
                if (of[c] == NULL) continue;
                CHECK_SAY(!(v > of[c]->high) && !(v < of[c]->low), "%s: %s is %g", p->name,
                          of[c]->name, v);
            }
        andon_arena_free(&arena);
    }
}
