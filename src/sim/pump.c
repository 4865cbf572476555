/* An industrial pump, one of a station of twelve: six sensors, five faults, five states.
 *
 * A pump curve and a system curve meet at the operating point, so that pressure, flow, duty and
 * current move together; losses warm the motor with a lag; vibration rises away from the best
 * efficiency point. The figures (means, deviations, states, signatures) are those of the published
 * description, the couplings are ours: docs/plants/pump.md derives them. */
#include "pump.h"

#include <math.h>

#include "plants.h"
#include "wander.h"

const double pump_mean[PUMP_CHANNELS] = {45.0, 2.5, 6.5, 150.0, 85.0, 75.0};
const double pump_sd[PUMP_CHANNELS] = {3.0, 0.4, 0.5, 10.0, 5.0, 8.0};

/* Pump curve h = A n^2 - B q^2, all relative to the design point, so A - B = 1. */
#define CURVE_A 1.3
#define CURVE_B 0.3

#define AMBIENT_C 25.0
#define RISE_C 20.0        /* of the motor over ambient at the design point      */
#define MOTOR_LAG_S 1200.0 /* thermal time constant of the motor                 */
#define FAULT_LAG_S 360.0  /* heat of a fault reaches the sensor faster          */
#define STARTUP_S 1800.0
#define STATIC_BAR 0.6 /* pressure of the full pipe while the pump stands    */
#define MEMORY_S 168.0 /* -60 s / ln 0.7: AR(1) of 0.7 at one sample a minute */

static const struct sim_channel channels[] = {
    {"temperature", "degC", 20, 85, 39, 51, 2, SIM_REAL, NULL, NULL},
    {"vibration", "mm/s", 0, 15, 1.7, 3.3, 3, SIM_REAL, NULL, NULL},
    {"pressure", "bar", 0, 12, 5.5, 7.5, 3, SIM_REAL, NULL, NULL},
    {"flow_rate", "m3/h", 0, 250, 130, 170, 2, SIM_REAL, NULL, NULL},
    {"current", "A", 0, 150, 75, 95, 2, SIM_REAL, NULL, NULL},
    {"duty_cycle", "%", 0, 100, 59, 91, 2, SIM_REAL, NULL, NULL},
};

#define BIT(channel) (1u << (channel))
static const struct sim_fault faults[] = {
    {"cavitation", "Cavitation", 8, 2.5, 6500,
     BIT(PUMP_PRESSURE) | BIT(PUMP_VIBRATION) | BIT(PUMP_FLOW) | BIT(PUMP_TEMPERATURE)},
    {"bearing_wear", "Bearing wear", 3, 4.0, 11000,
     BIT(PUMP_VIBRATION) | BIT(PUMP_TEMPERATURE) | BIT(PUMP_CURRENT)},
    {"seal_leak", "Seal leak", 5, 3.0, 7200,
     BIT(PUMP_PRESSURE) | BIT(PUMP_FLOW) | BIT(PUMP_DUTY) | BIT(PUMP_CURRENT)},
    {"electrical_fault", "Electrical fault", 2, 6.0, 15000,
     BIT(PUMP_CURRENT) | BIT(PUMP_TEMPERATURE) | BIT(PUMP_VIBRATION)},
    {"partial_blockage", "Partial blockage", 4, 2.0, 5800,
     BIT(PUMP_PRESSURE) | BIT(PUMP_FLOW) | BIT(PUMP_CURRENT) | BIT(PUMP_TEMPERATURE) |
         BIT(PUMP_VIBRATION)},
};

static const char *const states[PUMP_STATES] = {"normal", "startup", "high_load", "maintenance",
                                                "shutdown"};

enum pump_state pump_calendar(int64_t ts_ns)
{
    int64_t s = run_second_of_day(ts_ns);
    if (s < 1800) return PUMP_STARTUP;
    if (s >= 7 * 3600 && s < 9 * 3600) return PUMP_HIGH_LOAD;
    if (run_weekday(ts_ns) == 6 && s >= 2 * 3600 && s < 4 * 3600) return PUMP_MAINTENANCE;
    return PUMP_NORMAL;
}

double pump_season(const struct sim *sim, uint64_t row)
{
    const double turn = 6.283185307179586;
    double day = (double)row * sim_options_of(sim)->interval_s / 86400.0;
    return 0.1 * sin(turn * day) + 0.05 * sin(turn * day / 7.0);
}

static const struct pump_signature healthy = {{1, 1, 1, 1, 1, 1}, {0}};

struct pump_signature pump_signature_of(enum pump_fault fault, double part, double noise)
{
    struct pump_signature s = healthy;
    double wear = 1.0 + 1.8 * part; /* bearing wear grows from 1 to 2.8 */
    switch (fault) {
    case PUMP_CAVITATION:
        s.factor[PUMP_PRESSURE] = 0.60, s.factor[PUMP_VIBRATION] = 2.5;
        s.factor[PUMP_FLOW] = 0.85, s.offset[PUMP_TEMPERATURE] = 8.0;
        break;
    case PUMP_BEARING_WEAR:
        s.factor[PUMP_VIBRATION] = wear, s.offset[PUMP_TEMPERATURE] = 10.0 * wear;
        s.factor[PUMP_CURRENT] = 1.0 + 0.15 * wear / 2.8;
        break;
    case PUMP_SEAL_LEAK:
        s.factor[PUMP_PRESSURE] = 0.75, s.factor[PUMP_FLOW] = 0.80;
        s.factor[PUMP_DUTY] = 1.10, s.factor[PUMP_CURRENT] = 1.12;
        break;
    case PUMP_ELECTRICAL_FAULT:
        s.factor[PUMP_CURRENT] = 1.35, s.offset[PUMP_CURRENT] = 5.0 * noise;
        s.offset[PUMP_TEMPERATURE] = 15.0, s.factor[PUMP_VIBRATION] = 1.20;
        break;
    case PUMP_PARTIAL_BLOCKAGE:
        s.factor[PUMP_PRESSURE] = 1.40, s.factor[PUMP_FLOW] = 0.65;
        s.factor[PUMP_CURRENT] = 1.25, s.offset[PUMP_TEMPERATURE] = 10.0;
        s.factor[PUMP_VIBRATION] = 1.30;
        break;
    default: break;
    }
    return s;
}

/* What wanders: two causes inside the hydraulics, one in the hall, and what each sensor adds. */
enum latent {
    SPEED = 0, /* of the drive                        */
    VALVE,     /* the system's resistance             */
    HALL,      /* air temperature, over hours         */
    SENSOR,    /* + channel                           */
    LATENTS = SENSOR + PUMP_CHANNELS
};
static const double latent_sd[LATENTS] = {0.03, 0.15, 2.7, 0.3, 0.14, 0.012, 0.01, 0.045, 0.05};
static const double latent_s[LATENTS] = {MEMORY_S, MEMORY_S, 21600,    MEMORY_S, MEMORY_S,
                                         MEMORY_S, MEMORY_S, MEMORY_S, MEMORY_S};

struct pump {
    struct wander latent[LATENTS];
    struct andon_rng fault_rng;
    double rise_c;       /* of the motor over ambient                            */
    double standing_s;   /* 0 while it runs                                      */
    double since_stop_s; /* since the end of the last stop                       */
    bool warm;           /* the first sample sets the temperature without a lag  */
    struct pump_published published;
};

static void start(const struct sim *sim, void *memory)
{
    struct pump *p = memory;
    if (sim_options_of(sim)->as_published) {
        pump_published_start(sim, &p->published);
        return;
    }
    for (uint32_t i = 0; i < LATENTS; i++) {
        wander_start(&p->latent[i], run_rng(sim, RUN_STREAM_SIGNAL + i), latent_sd[i], latent_s[i],
                     sim_options_of(sim)->interval_s);
    }
    p->fault_rng = run_rng(sim, RUN_STREAM_FAULT_NOISE);
    p->since_stop_s = 2.0 * STARTUP_S;
}

/* Where a state holds the pump, relative to the design point. */
struct point {
    double duty, flow, pressure, current, vibration;
};

static struct point point_of(enum pump_state state, double ramp)
{
    switch (state) {
    case PUMP_STARTUP: /* the affinity laws: flow goes with speed, pressure with its square */
        return (struct point){ramp, ramp, ramp * ramp, ramp, 0.4 + 0.6 * ramp};
    case PUMP_HIGH_LOAD: /* the pump curve at 1.034 times the speed, 1.2 times the flow */
        return (struct point){1.15, 1.20, 0.958, 1.18, 1.10};
    case PUMP_MAINTENANCE: /* throttled at 0.8 times the speed */
        return (struct point){0.5, 0.4, 0.784, 0.5, 0.85};
    default: return (struct point){1, 1, 1, 1, 1};
    }
}

static enum pump_state state_of(const struct sim *sim, struct pump *p,
                                const struct sim_sample *sample, double *ramp)
{
    double interval_s = sim_options_of(sim)->interval_s;
    const struct schedule_event *e = run_event(sim);
    if (e != NULL && e->fault == SCHEDULE_STOP) {
        p->standing_s += interval_s;
        p->since_stop_s = 0.0;
        return PUMP_SHUTDOWN;
    }
    p->standing_s = 0.0;
    double since_s = fmin(p->since_stop_s, (double)run_second_of_day(sample->ts_ns));
    p->since_stop_s += interval_s;
    *ramp = 0.3 + 0.7 * fmin(since_s / fmax(STARTUP_S - interval_s, 1.0), 1.0);
    return since_s < STARTUP_S ? PUMP_STARTUP : pump_calendar(sample->ts_ns);
}

static void warm(struct pump *p, double current, double interval_s)
{
    double load = current / pump_mean[PUMP_CURRENT];
    double target = p->standing_s > 0.0 ? 0.0 : RISE_C * (0.35 + 0.65 * load * load);
    p->rise_c = p->warm ? lag(p->rise_c, target, MOTOR_LAG_S, interval_s) : target;
    p->warm = true;
}

static void stand(const double *l, double *value)
{
    value[PUMP_DUTY] = value[PUMP_FLOW] = value[PUMP_CURRENT] = 0.0;
    value[PUMP_VIBRATION] = 0.05 * (1.0 + l[SENSOR + PUMP_VIBRATION]);
    value[PUMP_PRESSURE] = STATIC_BAR * (1.0 + l[SENSOR + PUMP_PRESSURE]);
}

static void pump_water(const double *l, const struct point *at, double *value)
{
    double n = 1.0 + l[SPEED];
    double k = fmax(1.0 + l[VALVE], 0.4);
    double q = n * sqrt(CURVE_A / (k + CURVE_B)); /* where the curves meet */
    double h = k * q * q;
    double power = h * q;
    double torque = power / n;
    double off_best = q / n - 1.0;
    value[PUMP_FLOW] = at->flow * q * (1.0 + l[SENSOR + PUMP_FLOW]);
    value[PUMP_PRESSURE] = at->pressure * h * (1.0 + l[SENSOR + PUMP_PRESSURE]);
    value[PUMP_DUTY] = at->duty * power * (1.0 + l[SENSOR + PUMP_DUTY]);
    /* Part of the current magnetises the motor and does not follow the torque. */
    value[PUMP_CURRENT] =
        at->current * sqrt(0.49 + 0.51 * torque * torque) * (1.0 + l[SENSOR + PUMP_CURRENT]);
    value[PUMP_VIBRATION] = at->vibration * n * n * (1.0 + 3.0 * off_best * off_best) *
                            fmax(1.0 + l[SENSOR + PUMP_VIBRATION], 0.2);
    for (int c = PUMP_VIBRATION; c < PUMP_CHANNELS; c++) value[c] *= pump_mean[c];
}

static void apply_fault(const struct sim *sim, struct pump *p, const struct sim_sample *sample,
                        double *value)
{
    double noise = andon_rng_normal(&p->fault_rng);
    struct pump_signature s =
        pump_signature_of((enum pump_fault)sample->fault, run_event_part(sim, sample->row), noise);
    double event_s = run_event_s(sim, sample->row);
    s.offset[PUMP_TEMPERATURE] *= 1.0 - exp(-event_s / FAULT_LAG_S);
    for (int c = 0; c < PUMP_CHANNELS; c++) value[c] = value[c] * s.factor[c] + s.offset[c];
}

static void next(const struct sim *sim, void *memory, struct sim_sample *sample, double *value)
{
    struct pump *p = memory;
    if (sim_options_of(sim)->as_published) {
        pump_published_next(sim, &p->published, sample, value);
        return;
    }
    double l[LATENTS];
    for (int i = 0; i < LATENTS; i++) l[i] = wander_next(&p->latent[i]);
    double season = pump_season(sim, sample->row);
    l[SPEED] += season * latent_sd[SPEED];
    double ramp = 1.0;
    enum pump_state state = state_of(sim, p, sample, &ramp);
    sample->state = state;
    sample->running = state != PUMP_SHUTDOWN;
    if (sample->running) {
        struct point at = point_of(state, ramp);
        pump_water(l, &at, value);
    } else {
        stand(l, value);
    }
    warm(p, value[PUMP_CURRENT], sim_options_of(sim)->interval_s);
    value[PUMP_TEMPERATURE] = AMBIENT_C + l[HALL] + season * pump_sd[PUMP_TEMPERATURE] + p->rise_c +
                              l[SENSOR + PUMP_TEMPERATURE];
    if (sample->fault >= 0) apply_fault(sim, p, sample, value);
}

const struct sim_plant sim_pump = {
    .name = "pump",
    .title = "Industrial pump",
    .source = "figures of an industrial pump pipeline's description; couplings by pump curve, "
              "affinity laws and motor losses",
    .published = "independent sensors, AR(1) of 0.7, states and faults by multiplication",
    .channel = channels,
    .channels = PUMP_CHANNELS,
    .fault = faults,
    .faults = PUMP_FAULTS,
    .state = states,
    .states = PUMP_STATES,
    .days = 30,
    .interval_s = 60,
    .anomaly_rate = 0.02,
    .fault_min_s = 30 * 60,
    .fault_max_s = 239 * 60,
    .stops_per_month = 2,
    .stop_min_s = 2 * 3600,
    .stop_max_s = 6 * 3600,
    .memory_bytes = sizeof(struct pump),
    .start = start,
    .next = next,
};
