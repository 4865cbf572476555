/* Floods, and the counters that tell whether people can cope: EEMUA 191, ISA-18.2 clause 16.
 *
 * A flood begins with more than flood_alarms annunciated alarms within flood_ns and ends when there
 * are at most half as many. While it lasts, alarms below flood_pass are kept and listed but not sent. */
#include <stdlib.h>
#include <string.h>

#include "alarm/inner.h"

/* The nth newest raise is within the flood's window. */
static bool recent(const struct alarms *a, uint32_t nth)
{
    uint32_t size = a->options.flood_alarms + 1;
    if (nth > a->raises) return false;
    uint32_t at = (a->raises_head + size - nth) % size;
    return alarm_gap(a->raise_ns[at], a->now_ns) < a->options.flood_ns;
}

static void turn_bins(struct alarms *a)
{
    int64_t bin = a->now_ns / BIN_NS;
    if (a->first_bin == 0) a->first_bin = a->bin = bin;
    if (bin <= a->bin) return;
    int64_t empty = bin - a->bin < BINS ? bin - a->bin : BINS;
    for (int64_t i = 0; i < empty; i++) a->bin_count[(uint64_t)(bin - i) % BINS] = 0;
    a->bin = bin;
}

void alarm_count_raise(struct alarms *a, const struct alarm_record *r)
{
    if (r->type == ALARM_FLOOD) return;
    uint32_t size = a->options.flood_alarms + 1;
    a->raise_ns[a->raises_head] = a->now_ns;
    a->raises_head = (a->raises_head + 1) % size;
    if (a->raises < size) a->raises++;
    a->figures.annunciated[r->priority]++;
    a->figures.by_type[r->type]++;
    turn_bins(a);
    uint16_t *count = &a->bin_count[(uint64_t)a->bin % BINS];
    if (*count < UINT16_MAX) ++*count;
}

bool alarm_flood_holds(const struct alarms *a, const struct alarm_record *r)
{
    return a->flooding && r->type != ALARM_FLOOD && r->priority < a->options.flood_pass;
}

static struct point *flood_point(struct alarms *a)
{
    return alarm_point_get(a, ALARM_SITE, text_of(a->options.site), ALARM_FLOOD, TEXT(""));
}

void alarm_flood_check(struct alarms *a)
{
    if (a->flooding || !recent(a, a->options.flood_alarms + 1)) return;
    a->flooding = true;
    a->figures.floods++;
    struct point *p = flood_point(a);
    if (p == NULL || p->terms.off) return; /* it holds back all the same */
    p->present = true;
    p->began_ts_ns = a->now_ns;
    p->since = (struct moment){a->now_ns, a->now_ns};
    alarm_raise(a, p, p->since);
}

void alarm_flood_pass(struct alarms *a)
{
    turn_bins(a);
    if (!a->flooding || recent(a, a->options.flood_alarms / 2 + 1)) return;
    a->flooding = false;
    struct point *p = alarm_point_find(a, ALARM_SITE, ALARM_FLOOD, TEXT(""));
    if (p == NULL) return;
    p->present = false;
    p->since = (struct moment){a->now_ns, a->now_ns};
    if (p->active) alarm_return(a, p, p->since);
}

static void count_points(const struct alarms *a, struct alarms_figures *f)
{
    for (uint32_t i = 0; i < a->options.points_max; i++) {
        const struct point *p = &a->point[i];
        if ((a->taken[i / 64] >> (i % 64) & 1) == 0) continue;
        f->chattering += p->chattering;
        f->shelved += p->state == ALARM_SHELVED;
        f->suppressed += p->state == ALARM_SUPPRESSED;
        f->out_of_service += p->state == ALARM_OUT_OF_SERVICE;
        if (p->record == NONE || !p->active || alarm_state_hidden((enum alarm_state)p->state))
            continue;
        f->standing[a->record[p->record].priority]++;
        f->stale += a->record[p->record].stale;
    }
}

static void count_bins(const struct alarms *a, struct alarms_figures *f)
{
    int64_t bins = a->bin - a->first_bin; /* those that are over */
    uint64_t sum = 0;
    uint32_t most = 0, over = 0;
    if (a->first_bin == 0 || bins == 0) return;
    if (bins > BINS - 1) bins = BINS - 1;
    for (int64_t i = 1; i <= bins; i++) {
        uint32_t count = a->bin_count[(uint64_t)(a->bin - i) % BINS];
        sum += count;
        over += count > 10;
        if (count > most) most = count;
    }
    f->last_10_min = a->bin_count[(uint64_t)(a->bin - 1) % BINS];
    f->mean_10_min = (double)sum / (double)bins;
    f->max_10_min = most;
    f->over_10_part = (double)over / (double)bins;
}

/* Raises of each point among the kept records, in a table by cause. */
static void tally(const struct alarms *a)
{
    memset(a->tally, 0, a->tally_size * sizeof *a->tally);
    for (uint32_t i = 0; i < a->records; i++) {
        uint64_t cause = a->cause[a->order[i]];
        uint32_t at = (uint32_t)cause & (a->tally_size - 1);
        while (a->tally[at].cause != 0 && a->tally[at].cause != cause)
            at = (at + 1) & (a->tally_size - 1);
        a->tally[at].cause = cause;
        a->tally[at].raises += a->record[a->order[i]].raises;
    }
}

/* The part of all raises that the ten busiest points have. */
static double top_part(const struct alarms *a)
{
    uint64_t top[10] = {0}, all = 0, ten = 0;
    tally(a);
    for (uint32_t i = 0; i < a->tally_size; i++) {
        uint64_t raises = a->tally[i].raises;
        all += raises;
        for (int k = 0; k < 10 && raises > 0; k++) {
            if (raises <= top[k]) continue;
            uint64_t smaller = top[k];
            top[k] = raises;
            raises = smaller;
        }
    }
    for (int k = 0; k < 10; k++) ten += top[k];
    return all == 0 ? 0.0 : (double)ten / (double)all;
}

void alarms_figures(const struct alarms *a, struct alarms_figures *figures)
{
    *figures = a->figures;
    figures->flooding = a->flooding;
    figures->points = a->points;
    figures->records = a->records;
    count_points(a, figures);
    count_bins(a, figures);
    figures->top_10_part = top_part(a);
}
