/* The run: asks the schedule what happens, the plant what its sensors read, and lets no value leave
 * its range.
 *
 * Invariants
 *   1 Clipping comes last, after states and faults (the published arithmetic excepted).
 *   2 A row's values depend on the options and the rows before it alone, not on the run's length,
 *     but for the schedule of the last window. */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "run.h"

struct sim {
    const struct sim_plant *plant;
    struct sim_options options;
    uint64_t rows, row;
    const struct schedule_event *event;
    struct schedule schedule;
    double value[SIM_CHANNELS_MAX];
    void *memory;
};

#define FIELD(field) offsetof(struct sim_options, field)

const struct andon_option sim_table[] = {
    {"days", ANDON_OPTION_REAL, FIELD(days), 0, 36525, "30", NULL, "length of the run; 0: endless"},
    {"interval", ANDON_OPTION_REAL, FIELD(interval_s), 0.001, 86400, "60", NULL,
     "seconds between samples"},
    {"anomaly-rate", ANDON_OPTION_REAL, FIELD(anomaly_rate), 0, 0.3, "0.02", NULL,
     "part of the time with a fault"},
    {"seed", ANDON_OPTION_INT, FIELD(seed), 0, 9007199254740992.0, "42", NULL,
     "same seed, same samples"},
    {"start", ANDON_OPTION_INT, FIELD(start_s), 0, 32503680000.0, "1704067200", NULL,
     "time of the first sample, seconds since 1970 UTC (the preset is 2024-01-01)"},
    {"as-published", ANDON_OPTION_BOOL, FIELD(as_published), 0, 1, "no", NULL,
     "the arithmetic of the published generator"},
    {0},
};

void sim_options_default(const struct sim_plant *plant, struct sim_options *options)
{
    *options = (struct sim_options){0};
    andon_options_default(sim_table, options);
    options->days = plant->days;
    options->interval_s = plant->interval_s;
    options->anomaly_rate = plant->anomaly_rate;
}

static andon_status check(const struct sim_plant *plant, const struct sim_options *o,
                          andon_error *err)
{
    if (o->as_published && plant->published == NULL) {
        return andon_fail(err, ANDON_EINVAL, "as-published: nothing was published for %s",
                          plant->name);
    }
    if (!(o->interval_s > 0.0) || !(o->days >= 0.0) ||
        !(o->anomaly_rate >= 0.0 && o->anomaly_rate <= 0.3)) {
        return andon_fail(err, ANDON_EINVAL,
                          "interval must be above 0, days at least 0, anomaly-rate 0 to 0.3");
    }
    if (o->days > 0.0 && o->days * 86400.0 < o->interval_s) {
        return andon_fail(err, ANDON_EINVAL, "a run of %g days holds no interval of %g s", o->days,
                          o->interval_s);
    }
    if (o->anomaly_rate > 0.0 && o->interval_s > plant->fault_min_s) {
        return andon_fail(err, ANDON_EINVAL,
                          "interval %g s is longer than the shortest fault of %s (%g s)",
                          o->interval_s, plant->name, plant->fault_min_s);
    }
    return ANDON_OK;
}

andon_status sim_open(const struct sim_plant *plant, const struct sim_options *options,
                      struct andon_arena *arena, struct sim **sim, andon_error *err)
{
    assert(plant->channels <= SIM_CHANNELS_MAX && plant->faults <= SIM_FAULTS_MAX);
    *sim = NULL;
    andon_status st = check(plant, options, err);
    if (st != ANDON_OK) return st;
    struct sim *s = andon_arena_take(arena, sizeof *s);
    void *memory = andon_arena_take(arena, plant->memory_bytes);
    if (s == NULL || memory == NULL) {
        return andon_fail(err, ANDON_ENOMEM, "no memory for a run of %s", plant->name);
    }
    s->plant = plant;
    s->options = *options;
    s->rows = options->days > 0.0 ? (uint64_t)llround(options->days * 86400.0 / options->interval_s)
                                  : UINT64_MAX;
    s->memory = memory;
    plant->start(s, memory);
    *sim = s;
    return ANDON_OK;
}

const struct sim_plant *sim_plant_of(const struct sim *sim)
{
    return sim->plant;
}

const struct sim_options *sim_options_of(const struct sim *sim)
{
    return &sim->options;
}

uint64_t sim_rows(const struct sim *sim)
{
    return sim->rows;
}

static double as_sent(const struct sim_channel *channel, double v)
{
    if (channel->kind == SIM_TEXT || channel->kind == SIM_TIME || channel->kind == SIM_ID) {
        return v;
    }
    v = fmin(fmax(v, channel->min), channel->max);
    double scale = pow(10.0, channel->decimals);
    return fmin(fmax(round(v * scale) / scale, channel->min), channel->max);
}

bool sim_next(struct sim *sim, struct sim_sample *sample)
{
    if (sim->row == sim->rows) return false;
    uint64_t row = sim->row++;
    sim->event = schedule_find(&sim->schedule, sim->plant, &sim->options, sim->rows, row);
    *sample = (struct sim_sample){
        .row = row,
        .ts_ns = sim->options.start_s * NS_PER_S +
                 (int64_t)llround((double)row * sim->options.interval_s * 1e9),
        .value = sim->value,
        .running = true,
        .fault = sim->event != NULL && sim->event->fault >= 0 ? sim->event->fault : -1,
    };
    sim->plant->next(sim, sim->memory, sample, sim->value);
    if (!sim->options.as_published) {
        for (uint32_t c = 0; c < sim->plant->channels; c++) {
            sim->value[c] = as_sent(&sim->plant->channel[c], sim->value[c]);
        }
    }
    return true;
}

struct andon_rng run_rng(const struct sim *sim, uint64_t stream)
{
    return andon_rng_fork((uint64_t)sim->options.seed, stream);
}

const struct schedule_event *run_event(const struct sim *sim)
{
    return sim->event;
}

double run_event_s(const struct sim *sim, uint64_t row)
{
    return (double)(row - sim->event->first) * sim->options.interval_s;
}

double run_event_part(const struct sim *sim, uint64_t row)
{
    uint64_t rows = sim->event->end - sim->event->first;
    return rows < 2 ? 1.0 : (double)(row - sim->event->first) / (double)(rows - 1);
}

int64_t run_second_of_day(int64_t ts_ns)
{
    return ts_ns / NS_PER_S % 86400;
}

int run_weekday(int64_t ts_ns)
{
    return (int)((ts_ns / NS_PER_S / 86400 + 3) % 7); /* 1970-01-01 was a Thursday */
}
