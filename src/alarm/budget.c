/* What the alarm budget has been spent on. */
#include <math.h>

#include "alarm/inner.h"
#include "verdict/calibration.h"

#define DAY_NS (1440.0 * (double)NS_PER_MINUTE)

static void spend(struct spent *s, uint8_t label)
{
    s->events++;
    s->labelled[label]++;
}

static void relabel(struct spent *s, uint8_t from, uint8_t to)
{
    if (s->labelled[from] == 0) return; /* a checkpoint that was made by hand */
    s->labelled[from]--;
    s->labelled[to]++;
}

void alarm_spend(struct alarms *a, const struct alarm_record *r)
{
    spend(&alarm_slot(a, r->asset)->spent, r->label);
    if (r->asset != ALARM_SITE && r->asset >= a->spenders) a->spenders = r->asset + 1;
    spend(&a->spent, r->label);
}

void alarm_relabel(struct alarms *a, const struct alarm_record *r, uint8_t label)
{
    relabel(&alarm_slot(a, r->asset)->spent, r->label, label);
    relabel(&a->spent, r->label, label);
}

/* Buffered readings bring event time after journal time has gone by, recorded ones bring it faster:
 * whichever is larger was watched. */
static double days_of(const struct alarms *a)
{
    int64_t ns = a->watched_now_ns > a->watched_ts_ns ? a->watched_now_ns : a->watched_ts_ns;
    return (double)ns / DAY_NS;
}

static void fill(const struct alarms *a, const struct spent *s, struct alarm_budget *b)
{
    *b = (struct alarm_budget){.per_day = a->options.budget_per_day, .days = days_of(a),
                               .events = s->events, .labelled_true = s->labelled[ALARM_TRUE],
                               .labelled_false = s->labelled[ALARM_FALSE],
                               .labelled_planned = s->labelled[ALARM_PLANNED]};
    uint64_t spent = b->events - b->labelled_true - b->labelled_planned;
    double days = b->days > 0.0 ? b->days : (double)NAN;
    b->spent_per_day = (double)spent / days;
    b->spent_upper95_per_day = calibration_poisson_bound(spent) / days;
    b->false_per_day = (double)b->labelled_false / days;
    b->false_upper95_per_day = calibration_poisson_bound(b->labelled_false) / days;
}

void alarms_budget(const struct alarms *a, struct alarm_budget *budget)
{
    fill(a, &a->spent, budget);
}

void alarms_asset_budget(const struct alarms *a, uint32_t asset, struct alarm_budget *budget)
{
    fill(a, &a->slot[asset == ALARM_SITE ? a->options.assets_max : asset].spent, budget);
}
