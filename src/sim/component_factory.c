/* A factory of wind-turbine components: for each made item the air's temperature and humidity and
 * the sound of the machines.
 *
 * Water vapour in the hall changes slowly, so relative humidity falls when the air warms (Magnus
 * formula, WMO-No. 8): temperature and humidity cannot be judged one by one. */
#include <math.h>

#include "plants.h"
#include "run.h"
#include "wander.h"

enum channel { ITEM = 0, TEMPERATURE, HUMIDITY, SOUND, CHANNELS };
enum state { PRODUCTION = 0, CHANGEOVER, STATES };
enum fault { TOOL_WEAR = 0, OVERHEATING, COOLING_FAILURE, MOISTURE, LOOSE_PART, FAULTS };
enum latent { AIR = 0, VAPOUR, MACHINES, T_SENSOR, H_SENSOR, S_SENSOR, LATENTS };

#define TURN 6.283185307179586

static const struct sim_channel channels[CHANNELS] = {
    {"item_id", "", 0, 1e15, 0, 1e15, 0, SIM_ID, NULL, NULL},
    {"temperature", "degC", 0, 80, 20, 30, 2, SIM_REAL, NULL, NULL},
    {"humidity", "%", 0, 100, 35, 60, 2, SIM_REAL, NULL, NULL},
    {"sound_volume", "dB", 30, 130, 60, 75, 2, SIM_REAL, NULL, NULL},
};

static const struct sim_fault faults[FAULTS] = {
    {"tool_wear", "Worn tool", 3, 0, 0, 1u << SOUND | 1u << TEMPERATURE},
    {"overheating", "Overheating spindle", 2, 0, 0, 1u << TEMPERATURE | 1u << HUMIDITY},
    {"cooling_failure", "Ventilation failed", 1, 0, 0,
     1u << TEMPERATURE | 1u << HUMIDITY | 1u << SOUND},
    {"moisture", "Water gets in", 1, 0, 0, 1u << HUMIDITY},
    {"loose_part", "Loose part in the machine", 2, 0, 0, 1u << SOUND},
};

static const char *const states[STATES] = {"production", "changeover"};

struct factory {
    struct wander latent[LATENTS];
    struct andon_rng fault_rng;
    uint64_t made;
};

static void start(const struct sim *sim, void *memory)
{
    static const double sd[LATENTS] = {0.8, 0.9, 1.2, 0.15, 0.4, 0.5};
    static const double time_s[LATENTS] = {7200, 21600, 1800, 60, 60, 0};
    struct factory *f = memory;
    for (uint32_t i = 0; i < LATENTS; i++) {
        wander_start(&f->latent[i], run_rng(sim, RUN_STREAM_SIGNAL + i), sd[i], time_s[i],
                     sim_options_of(sim)->interval_s);
    }
    f->fault_rng = run_rng(sim, RUN_STREAM_FAULT_NOISE);
}

/* Saturation pressure of water vapour in hPa. */
static double saturation_hpa(double t_c)
{
    return 6.112 * exp(17.62 * t_c / (243.12 + t_c));
}

static void add_fault(const struct sim *sim, struct factory *f, const struct sim_sample *sample,
                      double *t_c, double *vapour_hpa, double *sound_db)
{
    double part = run_event_part(sim, sample->row);
    double arrives = 1.0 - exp(-run_event_s(sim, sample->row) / 300.0);
    double draw = andon_rng_real(&f->fault_rng);
    switch (sample->fault) {
    case TOOL_WEAR:
        *sound_db += 3.0 + 7.0 * part;
        *t_c += 2.0 * part;
        break;
    case OVERHEATING: *t_c += 9.0 * arrives; break;
    case COOLING_FAILURE: /* the fans are quiet and the heat stays */
        *t_c += 6.0 * part;
        *sound_db -= 4.0;
        break;
    case MOISTURE: *vapour_hpa += 6.0 * arrives; break;
    case LOOSE_PART: *sound_db += draw < 0.5 ? 9.0 : 3.0; break;
    default: break;
    }
}

static void next(const struct sim *sim, void *memory, struct sim_sample *sample, double *value)
{
    struct factory *f = memory;
    double l[LATENTS];
    for (int i = 0; i < LATENTS; i++) l[i] = wander_next(&f->latent[i]);
    const struct schedule_event *e = run_event(sim);
    sample->running = e == NULL || e->fault != SCHEDULE_STOP;
    sample->state = sample->running ? PRODUCTION : CHANGEOVER;
    if (sample->running) f->made++;

    double hour = (double)run_second_of_day(sample->ts_ns) / 3600.0;
    double t_c = 24.0 - 1.5 * cos(TURN * (hour - 4.0) / 24.0) + l[AIR];
    double vapour_hpa = 14.0 + l[VAPOUR];
    double sound_db = sample->running ? 67.0 + l[MACHINES] : 48.0 + 0.5 * l[MACHINES];
    if (sample->fault >= 0) add_fault(sim, f, sample, &t_c, &vapour_hpa, &sound_db);
    value[ITEM] = (double)f->made;
    value[TEMPERATURE] = t_c + l[T_SENSOR];
    value[HUMIDITY] = 100.0 * vapour_hpa / saturation_hpa(t_c) + l[H_SENSOR];
    value[SOUND] = sound_db + l[S_SENSOR];
}

const struct sim_plant sim_component_factory = {
    .name = "component-factory",
    .title = "Factory of wind-turbine components",
    .source =
        "temperature, humidity and sound per made item, as a course on production models asks "
        "for; physics ours",
    .channel = channels,
    .channels = CHANNELS,
    .fault = faults,
    .faults = FAULTS,
    .state = states,
    .states = STATES,
    .days = 5,
    .interval_s = 30,
    .anomaly_rate = 0.02,
    .fault_min_s = 10 * 60,
    .fault_max_s = 60 * 60,
    .stops_per_month = 20,
    .stop_min_s = 20 * 60,
    .stop_max_s = 60 * 60,
    .memory_bytes = sizeof(struct factory),
    .start = start,
    .next = next,
};
