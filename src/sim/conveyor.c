/* A conveyor belt's drive: motor and hall temperature, vibration as RMS, and a calendar of two
 * shifts.
 *
 * The motor's losses follow the load on the belt and warm it over the hall's air with a lag; the
 * hall follows the season, the day and the weather. A belt that stands cools down and is silent, so
 * whoever judges it then judges nothing. docs/plants/conveyor.md has the figures. */
#include <math.h>

#include "plants.h"
#include "run.h"
#include "wander.h"

enum channel { MOTOR = 0, AMBIENT, VIBRATION, CHANNELS };
enum state { RUNNING = 0, STARTUP, STOPPED, STATES };
enum fault { BEARING = 0, OVERHEATING, IMBALANCE, FROZEN, SPIKES, OFFSET, FAULTS };
enum latent { LOAD = 0, WEATHER, MOTOR_SENSOR, VIBRATION_SENSOR, LATENTS };

#define RISE_C 32.0 /* of the motor over ambient at full load  */
#define MOTOR_LAG_S 1500.0
#define VIBRATION_MM_S 1.8 /* RMS at usual load                       */
#define STARTUP_S 600.0
#define TURN 6.283185307179586

static const struct sim_channel channels[CHANNELS] = {
    {"motor_temp", "degC", -20, 150, 35, 60, 2, SIM_REAL, NULL, NULL},
    {"ambient_temp", "degC", -20, 60, 10, 28, 2, SIM_REAL, NULL, NULL},
    {"vibration", "mm/s", 0, 30, 1.2, 2.4, 3, SIM_REAL, NULL, NULL},
};

static const struct sim_fault faults[FAULTS] = {
    {"bearing", "Bearing damage", 3, 0, 0, 1u << VIBRATION | 1u << MOTOR},
    {"overheating", "Motor overheating", 2, 0, 0, 1u << MOTOR},
    {"imbalance", "Imbalance of a pulley", 2, 0, 0, 1u << VIBRATION},
    {"sensor_frozen", "Motor temperature sensor stuck", 1, 0, 0, 1u << MOTOR},
    {"sensor_spikes", "Loose vibration sensor", 1, 0, 0, 1u << VIBRATION},
    {"sensor_offset", "Ambient sensor reads high", 1, 0, 0, 1u << AMBIENT},
};

static const char *const states[STATES] = {"running", "startup", "stopped"};

struct conveyor {
    struct wander latent[LATENTS];
    struct andon_rng fault_rng;
    double rise_c, frozen_c, running_s;
    bool warm;
};

/* Two shifts, 06:00 to 22:00 from Monday to Saturday, with the change of shifts at 14:00. */
static bool runs(int64_t ts_ns)
{
    int64_t s = run_second_of_day(ts_ns);
    bool change = s >= 14 * 3600 && s < 14 * 3600 + 1200;
    return run_weekday(ts_ns) != 6 && s >= 6 * 3600 && s < 22 * 3600 && !change;
}

static void start(const struct sim *sim, void *memory)
{
    static const double sd[LATENTS] = {0.08, 2.0, 0.2, 0.06};
    static const double time_s[LATENTS] = {900, 2 * 86400, 120, 120};
    struct conveyor *c = memory;
    for (uint32_t i = 0; i < LATENTS; i++) {
        wander_start(&c->latent[i], run_rng(sim, RUN_STREAM_SIGNAL + i), sd[i], time_s[i],
                     sim_options_of(sim)->interval_s);
    }
    c->fault_rng = run_rng(sim, RUN_STREAM_FAULT_NOISE);
}

static double ambient_c(int64_t ts_ns, double weather_c)
{
    double day = (double)(ts_ns / NS_PER_S) / 86400.0;
    /* Coldest in mid January and at five in the morning. */
    double year = -cos(TURN * (day - 15.0) / 365.2425);
    double hour = -cos(TURN * (day - 5.0 / 24.0));
    return 18.0 + 7.0 * year + 2.5 * hour + weather_c;
}

static double load_of(int64_t ts_ns, double wander)
{
    double hour = (double)run_second_of_day(ts_ns) / 3600.0;
    return fmax(0.8 + 0.06 * sin(TURN * hour / 8.0) + wander, 0.2);
}

static void apply_fault(const struct sim *sim, struct conveyor *c, const struct sim_sample *sample,
                        double *value)
{
    double part = run_event_part(sim, sample->row);
    double event_s = run_event_s(sim, sample->row);
    double arrives = 1.0 - exp(-event_s / 400.0);
    double draw = andon_rng_real(&c->fault_rng);
    double size = andon_rng_real(&c->fault_rng);
    if (event_s <= 0.0) c->frozen_c = value[MOTOR];
    switch (sample->fault) {
    case BEARING:
        value[VIBRATION] *= 1.3 + 1.7 * part;
        value[MOTOR] += 8.0 * part;
        break;
    case OVERHEATING: value[MOTOR] += 22.0 * arrives; break;
    case IMBALANCE: value[VIBRATION] *= 1.9; break;
    case FROZEN: value[MOTOR] = c->frozen_c; break;
    case SPIKES:
        if (draw < 0.3) value[VIBRATION] += 4.0 + 8.0 * size;
        break;
    case OFFSET: value[AMBIENT] += 9.0; break;
    default: break;
    }
}

static void next(const struct sim *sim, void *memory, struct sim_sample *sample, double *value)
{
    struct conveyor *c = memory;
    double interval_s = sim_options_of(sim)->interval_s;
    double l[LATENTS];
    for (int i = 0; i < LATENTS; i++) l[i] = wander_next(&c->latent[i]);
    const struct schedule_event *e = run_event(sim);
    bool stopped = e != NULL && e->fault == SCHEDULE_STOP;
    sample->running = runs(sample->ts_ns) && !stopped;
    c->running_s = sample->running ? c->running_s + interval_s : 0.0;
    sample->state = !sample->running ? STOPPED : c->running_s <= STARTUP_S ? STARTUP : RUNNING;

    double load = load_of(sample->ts_ns, l[LOAD]);
    double target_c = sample->running ? RISE_C * (0.25 + 0.75 * load * load) : 0.0;
    c->rise_c = c->warm ? lag(c->rise_c, target_c, MOTOR_LAG_S, interval_s) : target_c;
    c->warm = true;
    value[AMBIENT] = ambient_c(sample->ts_ns, l[WEATHER]);
    value[MOTOR] = value[AMBIENT] + c->rise_c + l[MOTOR_SENSOR];
    value[VIBRATION] = sample->running
                           ? VIBRATION_MM_S * (0.6 + 0.5 * load) * (1.0 + l[VIBRATION_SENSOR])
                           : 0.04 * (1.0 + l[VIBRATION_SENSOR]);
    if (!sample->running) sample->fault = -1; /* a fault of a belt that stands is none yet */
    if (sample->fault >= 0) apply_fault(sim, c, sample, value);
}

const struct sim_plant sim_conveyor = {
    .name = "conveyor",
    .title = "Conveyor belt",
    .source =
        "signals and preparation rules of a conveyor-belt monitoring architecture; physics ours",
    .channel = channels,
    .channels = CHANNELS,
    .fault = faults,
    .faults = FAULTS,
    .state = states,
    .states = STATES,
    .days = 30,
    .interval_s = 60,
    .anomaly_rate = 0.02,
    .fault_min_s = 20 * 60,
    .fault_max_s = 180 * 60,
    .stops_per_month = 4,
    .stop_min_s = 15 * 60,
    .stop_max_s = 90 * 60,
    .runs = runs,
    .memory_bytes = sizeof(struct conveyor),
    .start = start,
    .next = next,
};
