/* The fryer: oil held at 375 degF by a thermostat, pumped through a filter, cooled, refilled.
 *
 * Heat balance of the oil in degF a minute: +6 while the heater is on, -k (T - 75) to the room, -1
 * into the donuts; k makes losses 2 at the target, so the heater is on for half of the time. */
#include <math.h>

#include "bakery.h"

#define TARGET_F 375.0
#define HEAT_F_MIN 6.0
#define LOSS_PER_MIN (2.0 / 300.0)
#define DOUGH_F_MIN 1.0
#define BAND_F 2.0 /* the thermostat switches this far from the target */
#define STEP_S 5.0
#define TURN 6.283185307179586

static void heat_oil(struct bakery *b, const struct bakery_now *now)
{
    double power = now->fault == OIL_HEATER ? 0.35 * HEAT_F_MIN : HEAT_F_MIN;
    double left_s = now->interval_s;
    while (left_s > 0.0) {
        double step_min = fmin(left_s, STEP_S) / 60.0;
        if (b->oil_f < TARGET_F - BAND_F) b->heater_on = true;
        if (b->oil_f > TARGET_F + BAND_F) b->heater_on = false;
        double change = -LOSS_PER_MIN * (b->oil_f - 75.0);
        if (b->heater_on) change += power;
        if (now->running) change -= DOUGH_F_MIN;
        b->oil_f += change * step_min;
        left_s -= STEP_S;
    }
    b->heater_heat =
        lag(b->heater_heat, b->heater_on ? power / HEAT_F_MIN : 0.0, 120, now->interval_s);
}

static void pump_oil(struct bakery *b, const struct bakery_now *now, double *value)
{
    int64_t since_six = (run_second_of_day(now->ts_ns) + 18 * 3600) % 86400;
    double clog = 0.25 * (double)since_six / 86400.0; /* a fresh filter every morning */
    if (now->fault == FILTER_CLOGGED) clog += 1.2 * (0.3 + 0.7 * now->part);
    double total = (32.5 + 1.5 * b->noise[TOTAL_FLOW]) * (1.0 - 0.22 * clog);
    if (!now->running) total = 0.0;
    if (since_six < (int64_t)ceil(now->interval_s)) b->total[0] = b->total[1] = b->total[2] = 0.0;
    for (int i = 0; i < 3; i++) b->total[i] += total / 3.0 * now->interval_s / 60.0;
    value[TOTAL1] = 85000.0 + b->total[0];
    value[TOTAL2] = 75000.0 + b->total[1];
    value[TOTAL3] = 129000.0 + b->total[2];
    value[TOTAL_FLOW] = total;
    double part = total / 32.5;
    value[FILTER_OUT] = part * (1.0 + 0.1 * b->noise[FILTER_OUT]);
    value[FILTER_IN] = value[FILTER_OUT] + part * part * (0.35 + clog + 0.1 * b->noise[FILTER_IN]);
    value[FLOW001] = 3.5 * part + 0.2 * b->noise[FLOW001];
    value[FILTER_CHANGE] = clog > 0.6;
    value[FILTER_RESET] = since_six < 600;
    value[VALVE] = now->running;
}

static void keep_level(struct bakery *b, const struct bakery_now *now, double *value)
{
    double per_min = now->running ? 0.03 : 0.0; /* what the donuts take along */
    if (now->fault == OIL_LEAK) per_min += 0.25;
    b->level_used += per_min * now->interval_s / 60.0;
    /* The operator refills at 62 %; a leak is let run until it is found. */
    if (b->level_used > 6.0 && now->fault != OIL_LEAK) b->level_used = 0.0;
    value[TANK_LEVEL] = 68.0 - b->level_used + 0.3 * b->noise[TANK_LEVEL];
}

static void cool(struct bakery *b, const struct bakery_now *now, double *value)
{
    bool on = now->running && now->fault != COOLER_FAILURE;
    double gap_f = on ? 5.0 : -2.0;
    b->cooler_gap_f = b->warm ? lag(b->cooler_gap_f, gap_f, 300, now->interval_s) : gap_f;
    value[COOLER_IN] = 78.0 + 2.0 * b->noise[COOLER_IN];
    value[COOLER_OUT] = value[COOLER_IN] - b->cooler_gap_f + 0.8 * b->noise[COOLER_OUT];
    value[COOLER_ON] = value[FAN_ON] = on;
    value[HEATER_IN] = 73.0 + 2.0 * b->noise[HEATER_IN];
    value[HEATER_OUT] = value[HEATER_IN] + 6.0 * b->heater_heat + 0.5 * b->noise[HEATER_OUT];
    value[HEATER_ON] = b->heater_on;
}

static void drive(const struct bakery *b, const struct bakery_now *now, double *value)
{
    double load = now->running ? 1.0 + 0.15 * b->noise[CUTS] : 0.0;
    double seconds = (double)(now->ts_ns / NS_PER_S);
    for (int i = 0; i < 3; i++) {
        double more = now->fault == DRIVE_BEARING && i == 1 ? 1.25 + 0.2 * now->part : 1.0;
        value[DRIVE_CURRENT1 + i] = 0.5 * load * more * (1.0 + 0.1 * b->noise[DRIVE_CURRENT1 + i]);
        value[DRIVE_FREQUENCY1 + i] = now->running ? 30.0 : 0.0;
        value[DRIVE_SPEED1 + i] = now->running ? 30.0 - 0.4 * (more - 1.0) : 0.0;
    }
    value[ACCELERATION] = (now->running ? 0.025 : 0.001) * (1.0 + 0.4 * b->noise[ACCELERATION]);
    if (now->fault == DRIVE_BEARING) value[ACCELERATION] *= 1.6 + 1.6 * now->part;
    for (int i = 0; i < 6; i++) {
        double turn = now->running ? sin(TURN * (seconds / 97.0 + i / 6.0)) : 0.0;
        value[ROBOT0 + i] = 2.5 + 2.3 * turn + 0.2 * b->noise[ROBOT0 + i];
    }
}

void bakery_fryer(struct bakery *b, const struct bakery_now *now, double *value)
{
    heat_oil(b, now);
    pump_oil(b, now, value);
    keep_level(b, now, value);
    cool(b, now, value);
    drive(b, now, value);
    double vacuum = 15.0 + 3.0 * b->noise[VACUUM];
    if (now->fault == VACUUM_LEAK) vacuum -= 9.0 * (1.0 - exp(-now->event_s / 240.0));
    value[VACUUM] = vacuum;
    value[VACUUM_ALERT] = vacuum < 8.0;
    double hour = (double)run_second_of_day(now->ts_ns) / 3600.0;
    value[ROOM_TEMP] = 75.0 - 2.0 * cos(TURN * (hour - 4.0) / 24.0) + 2.0 * b->noise[ROOM_TEMP];
    if (now->fault == COOLER_FAILURE) value[ROOM_TEMP] += 5.0 * now->part;
    value[OIL] = b->oil_f + 1.0 * b->noise[OIL];
    value[OIL_TARGET] = TARGET_F;
}
