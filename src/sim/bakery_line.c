/* The production line: cuts, doughs, oven, waste, and the OEE that follows from them.
 *
 * The figures of the last hour are one ledger: runtime = planned - unplanned downtime, availability
 * = runtime / planned, performance = cuts / target, quality = good / made, and OEE is their
 * product. (The published values are drawn one by one and contradict each other.) */
#include <math.h>

#include "bakery.h"

#define CUTS_TARGET_MIN 145.0
#define PLANNED_QUANTITY_H 300.0

enum waste_reason { WASTE_NONE = 0, WASTE_OVERCOOKED, WASTE_UNDERCOOKED, WASTE_MACHINE };
enum lost_reason { LOST_NONE = 0, LOST_BREAKDOWN };

static void bake(const struct bakery *b, const struct bakery_now *now, double *value)
{
    double oven = 405.0 + 4.0 * b->noise[OVEN];
    double cuts = now->running ? 140.0 + 12.0 * b->noise[CUTS] : 0.0;
    if (now->fault == OVEN_HOT) oven += 24.0 * (1.0 - exp(-now->event_s / 420.0));
    if (now->fault == DIVIDER_JAM) cuts *= 0.72;
    value[OVEN] = oven;
    value[CUTS] = cuts;
    value[CUTS_TARGET] = CUTS_TARGET_MIN;
    value[THRUPUT] = cuts * 30.0 / 140.0 + 0.5 * b->noise[THRUPUT];
    if (!now->running) value[THRUPUT] = 0.0;
    /* What gets hotter loses water and rises less. */
    double hot = (oven - 405.0) + 0.5 * (value[OIL] - 375.0);
    value[WEIGHT] = 785.0 - 0.5 * hot + 4.0 * b->noise[WEIGHT];
    value[HEIGHT] = 6.5 - 0.015 * hot + 0.4 * b->noise[HEIGHT];
    value[WASTE] = 1.4 + 0.06 * fmax(fabs(hot) - 4.0, 0.0) + 0.5 * b->noise[WASTE];
    if (now->fault == DIVIDER_JAM) value[WASTE] += 1.2;
    value[WASTE_REASON] = hot > 10.0                  ? WASTE_OVERCOOKED
                          : hot < -10.0               ? WASTE_UNDERCOOKED
                          : now->fault == DIVIDER_JAM ? WASTE_MACHINE
                                                      : WASTE_NONE;
}

static void keep_ledger(struct bakery *b, const struct bakery_now *now, double *value)
{
    double lost = now->running ? 0.05 : 1.0;
    if (now->fault == DIVIDER_JAM) lost = 0.3;
    b->lost = b->warm ? lag(b->lost, lost, 1800, now->interval_s) : lost;
    double unplanned = 60.0 * b->lost + 0.4 * b->noise[UNPLANNED_MIN];
    unplanned = fmin(fmax(unplanned, 0.0), 60.0);
    double a = 1.0 - unplanned / 60.0;
    double p = fmin(value[CUTS] / CUTS_TARGET_MIN, 1.0);
    double q = 1.0 - value[WASTE] / 100.0 * 3.5; /* rejects are waste and broken pieces */
    value[PLANNED_MIN] = 60.0;
    value[UNPLANNED_MIN] = unplanned;
    value[ACTUAL_MIN] = 60.0 - unplanned;
    value[PLANNED_DOWN_MIN] = 0.0;
    value[PLANNED_QUANTITY] = PLANNED_QUANTITY_H;
    value[ACTUAL_QUANTITY] = PLANNED_QUANTITY_H * a * p;
    value[REJECTED_QUANTITY] = value[ACTUAL_QUANTITY] * (1.0 - q);
    value[AVAILABILITY] = 100.0 * a;
    value[PERFORMANCE] = 100.0 * p;
    value[QUALITY] = 100.0 * q;
    value[OEE] = 100.0 * a * p * q;
    value[DOWN_TIME] = unplanned + 1.0;
    value[LOST_REASON] = now->fault == DIVIDER_JAM ? LOST_BREAKDOWN : LOST_NONE;
}

void bakery_line(struct bakery *b, const struct bakery_now *now, double *value)
{
    int64_t s = run_second_of_day(now->ts_ns);
    int64_t in_shift = (s + 18 * 3600) % 28800; /* shifts begin at six, fourteen, twenty-two */
    bake(b, now, value);
    keep_ledger(b, now, value);
    value[SHIFT] = (double)((s + 18 * 3600) % 86400 / 28800);
    value[BATCH] = 1.0 + (double)(in_shift / 2880);
    value[DOUGHS_PLANNED] = 10.0;
    value[DOUGHS_DONE] = floor(10.0 * (double)(in_shift % 2880) / 2880.0);
    value[DOUGH_TEMP] += now->fault == DIVIDER_JAM ? 2.0 * now->part : 0.0;
    value[START_TIME] = (double)(now->ts_ns - in_shift * NS_PER_S);
    value[FINISH_TIME] = value[START_TIME] + 28800e9;
    double drift = 0.3 * (value[OEE] - 90.0); /* plants and products follow their lines a little */
    value[OEE_SEATTLE] += 0.1 * drift;
    value[OEE_DONUTS] += 0.1 * drift;
}
