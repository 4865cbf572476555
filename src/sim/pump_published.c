/* The published pump generator's arithmetic, kept as it was described so that figures made with it
 * can be compared. Its weaknesses are part of it: sensors are independent, smoothing cuts the noise
 * to 0.42 of the stated deviation, clipping comes before states and faults, and nothing ever stops.
 */
#include <math.h>

#include "pump.h"

static const double least[PUMP_CHANNELS] = {20, 0, 0, 0, 0, 0};
static const double most[PUMP_CHANNELS] = {85, 15, 12, 250, 150, 100};

void pump_published_start(const struct sim *sim, struct pump_published *p)
{
    for (uint32_t c = 0; c < PUMP_CHANNELS; c++) {
        p->rng[c] = run_rng(sim, RUN_STREAM_SIGNAL + c);
    }
    p->fault_rng = run_rng(sim, RUN_STREAM_FAULT_NOISE);
}

static void healthy_values(const struct sim *sim, struct pump_published *p, uint64_t row,
                           double *value)
{
    double season = pump_season(sim, row);
    for (int c = 0; c < PUMP_CHANNELS; c++) {
        double x = pump_mean[c] + pump_sd[c] * (season + andon_rng_normal(&p->rng[c]));
        p->y[c] = row == 0 ? x : 0.7 * p->y[c] + 0.3 * x;
        value[c] = fmin(fmax(p->y[c], least[c]), most[c]);
    }
}

static void apply_state(const struct sim_sample *sample, double interval_s, double *value)
{
    double ramp =
        0.3 + 0.7 * (double)run_second_of_day(sample->ts_ns) / fmax(1800.0 - interval_s, 1.0);
    switch (sample->state) {
    case PUMP_STARTUP:
        value[PUMP_DUTY] *= fmin(ramp, 1.0);
        value[PUMP_FLOW] *= fmin(ramp, 1.0);
        value[PUMP_CURRENT] *= fmin(ramp, 1.0);
        break;
    case PUMP_HIGH_LOAD:
        value[PUMP_DUTY] *= 1.15;
        value[PUMP_FLOW] *= 1.20;
        value[PUMP_CURRENT] *= 1.18;
        value[PUMP_TEMPERATURE] += 5.0;
        value[PUMP_VIBRATION] *= 1.10;
        break;
    case PUMP_MAINTENANCE:
        value[PUMP_DUTY] *= 0.5;
        value[PUMP_FLOW] *= 0.4;
        value[PUMP_CURRENT] *= 0.5;
        break;
    default: break;
    }
}

void pump_published_next(const struct sim *sim, struct pump_published *p, struct sim_sample *sample,
                         double *value)
{
    healthy_values(sim, p, sample->row, value);
    sample->state = pump_calendar(sample->ts_ns);
    sample->running = true;
    apply_state(sample, sim_options_of(sim)->interval_s, value);
    if (sample->fault < 0) return;
    double noise = andon_rng_normal(&p->fault_rng);
    struct pump_signature s =
        pump_signature_of((enum pump_fault)sample->fault, run_event_part(sim, sample->row), noise);
    for (int c = 0; c < PUMP_CHANNELS; c++) value[c] = value[c] * s.factor[c] + s.offset[c];
}
