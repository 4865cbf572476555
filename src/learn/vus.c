/* Volume under the surface, with the definition of TSB-AD's `opt` version, which every published
 * VUS-PR of that benchmark uses: 250 thresholds at evenly spaced ranks, and for each buffer w =
 * 0..window
 *
 *   a row at distance d <= w / 2 outside an event carries the label sqrt(1 - d / w), summed over
 *   events, at most 1; M(t) = sum of those labels over buffer rows that are predicted at t
 *   TP = event rows predicted + M     P' = event rows + M / 2     existence = part of the buffered
 *   recall = min(TP / P', 1) * existence       events (overlapping ones merged) that hold a
 * prediction precision = TP / predicted                 FPR = (predicted - TP) / (n - P')
 *
 * VUS is the mean over w of the area under that curve. Only rows of buffers differ from one w to
 * the next, so each row's first threshold is looked up once and M, existence are running sums over
 * t. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

#define THRESHOLDS 250

struct span {
    size_t first, last;
};

struct surface {
    const uint8_t *label;
    size_t n;
    const uint8_t *from; /* from[n]: the first threshold at which a row is predicted */
    double predicted[THRESHOLDS], event_rows[THRESHOLDS]; /* at each threshold         */
    struct span *event;
    size_t events;
    double positives;
    double *weight; /* weight[n], all 0 between calls of buffer_area */
};

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static bool find_thresholds(const double *score, size_t n, struct andon_arena *arena,
                            double *threshold)
{
    struct andon_arena_mark mark = andon_arena_mark(arena);
    double *sorted = andon_arena_array(arena, n, sizeof *sorted);
    if (sorted == NULL) return false;
    memcpy(sorted, score, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, descending);
    double step = (double)(n - 1) / (THRESHOLDS - 1);
    for (int t = 0; t < THRESHOLDS; t++) {
        size_t rank = t == THRESHOLDS - 1 ? n - 1 : (size_t)(t * step);
        threshold[t] = sorted[rank];
    }
    andon_arena_rewind(arena, mark);
    return true;
}

static uint8_t first_threshold(const double *threshold, double score)
{
    int low = 0, high = THRESHOLDS - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (score >= threshold[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return (uint8_t)low;
}

static void add_up(double *sums)
{
    for (int t = 1; t < THRESHOLDS; t++) sums[t] += sums[t - 1];
}

static bool prepare(struct surface *s, const double *score, struct andon_arena *arena)
{
    double threshold[THRESHOLDS];
    uint8_t *from = andon_arena_array(arena, s->n, 1);
    s->weight = andon_arena_array(arena, s->n, sizeof *s->weight);
    s->event = andon_arena_array(arena, s->n / 2 + 1, sizeof *s->event);
    if (from == NULL || s->weight == NULL || s->event == NULL) return false;
    if (!find_thresholds(score, s->n, arena, threshold)) return false;
    for (size_t i = 0; i < s->n; i++) {
        from[i] = first_threshold(threshold, score[i]);
        s->predicted[from[i]]++;
        if (s->label[i] == 0) continue;
        s->event_rows[from[i]]++;
        s->positives++;
        if (i > 0 && s->label[i - 1] != 0)
            s->event[s->events - 1].last = i;
        else
            s->event[s->events++] = (struct span){i, i};
    }
    s->from = from;
    add_up(s->predicted);
    add_up(s->event_rows);
    return true;
}

/* Adds one event's buffers to the rows' weights. */
static void weigh(struct surface *s, const struct span *e, uint32_t w)
{
    for (size_t d = 1; d <= w / 2; d++) {
        double label = sqrt(1.0 - (double)d / w);
        if (e->last + d < s->n) s->weight[e->last + d] += label;
        if (d <= e->first) s->weight[e->first - d] += label;
    }
}

static void collect(struct surface *s, size_t row, double *buffered)
{
    if (s->label[row] == 0) buffered[s->from[row]] += fmin(s->weight[row], 1.0);
    s->weight[row] = 0.0;
}

static void sum_buffers(struct surface *s, uint32_t w, double *buffered)
{
    for (size_t k = 0; k < s->events; k++) weigh(s, &s->event[k], w);
    for (size_t k = 0; k < s->events; k++) {
        const struct span *e = &s->event[k];
        for (size_t d = 1; d <= w / 2; d++) {
            if (e->last + d < s->n) collect(s, e->last + d, buffered);
            if (d <= e->first) collect(s, e->first - d, buffered);
        }
    }
    add_up(buffered);
}

/* Events with their buffers, merged where they touch: how many, and from which threshold on each
 * holds a prediction. */
static size_t find_existence(const struct surface *s, uint32_t w, double *existing)
{
    size_t half = w / 2, groups = 0;
    for (size_t k = 0; k < s->events; groups++) {
        size_t first = s->event[k].first > half ? s->event[k].first - half : 0;
        size_t last = s->event[k].last;
        for (k++; k < s->events && last + half + half >= s->event[k].first; k++) {
            last = s->event[k].last;
        }
        last = last + half < s->n ? last + half : s->n - 1;
        uint8_t from = THRESHOLDS - 1;
        for (size_t i = first; i <= last; i++) {
            if (s->from[i] < from) from = s->from[i];
        }
        existing[from]++;
    }
    add_up(existing);
    return groups;
}

static void buffer_area(struct surface *s, uint32_t w, double *pr, double *roc)
{
    double buffered[THRESHOLDS] = {0}, existing[THRESHOLDS] = {0};
    sum_buffers(s, w, buffered);
    double groups = (double)find_existence(s, w, existing);
    double tpr = 0.0, fpr = 0.0;
    for (int t = 0; t < THRESHOLDS; t++) {
        double tp = s->event_rows[t] + buffered[t];
        double positives = s->positives + 0.5 * buffered[t];
        double next_tpr = fmin(tp / positives, 1.0) * existing[t] / groups;
        double next_fpr = (s->predicted[t] - tp) / ((double)s->n - positives);
        *pr += (next_tpr - tpr) * tp / s->predicted[t];
        *roc += (next_fpr - fpr) * (next_tpr + tpr) * 0.5;
        tpr = next_tpr, fpr = next_fpr;
    }
    *roc += (1.0 - fpr) * (1.0 + tpr) * 0.5;
}

bool metrics_vus(const uint8_t *label, const double *score, size_t n, uint32_t window,
                 struct andon_arena *arena, double *vus_pr, double *vus_roc)
{
    *vus_pr = *vus_roc = NAN;
    size_t labelled = 0;
    for (size_t i = 0; i < n; i++) labelled += label[i] != 0;
    if (labelled == 0 || labelled == n) return true;
    struct andon_arena_mark mark = andon_arena_mark(arena);
    struct surface *s = andon_arena_take(arena, sizeof *s);
    bool ok = false;
    if (s != NULL) {
        s->label = label;
        s->n = n;
        ok = prepare(s, score, arena);
    }
    if (ok) {
        double pr = 0.0, roc = 0.0;
        for (uint32_t w = 0; w <= window; w++) buffer_area(s, w, &pr, &roc);
        *vus_pr = pr / (window + 1.0);
        *vus_roc = roc / (window + 1.0);
    }
    andon_arena_rewind(arena, mark);
    return ok;
}
