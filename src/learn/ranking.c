/* Equal scores are one step, as in scikit-learn: no order among them is invented. */
#include "ranking.h"

#include <math.h>
#include <stdlib.h>

struct ranked {
    double score;
    bool positive;
};

static int descending(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->score, y = ((const struct ranked *)b)->score;
    return (x < y) - (x > y);
}

double ranking_score(const struct metrics_input *in, size_t row)
{
    bool unknown = in->unknown != NULL && in->unknown[row] != 0;
    return unknown || isnan(in->score[row]) ? -INFINITY : in->score[row];
}

bool ranking_make(const struct metrics_input *in, struct andon_arena *arena,
                  struct ranking *ranking)
{
    *ranking = (struct ranking){0};
    ranking->step = andon_arena_array(arena, in->n, sizeof *ranking->step);
    struct andon_arena_mark mark = andon_arena_mark(arena);
    struct ranked *row = andon_arena_array(arena, in->n, sizeof *row);
    if (ranking->step == NULL || row == NULL) return false;
    for (size_t i = 0; i < in->n; i++) {
        row[i] = (struct ranked){ranking_score(in, i), in->label[i] != 0};
    }
    qsort(row, in->n, sizeof *row, descending);
    for (size_t i = 0; i < in->n; i++) {
        if (row[i].positive)
            ranking->positives++;
        else
            ranking->negatives++;
        if (i + 1 < in->n && row[i + 1].score == row[i].score) continue;
        ranking->step[ranking->steps++] =
            (struct ranking_step){row[i].score, ranking->positives, ranking->negatives};
    }
    andon_arena_rewind(arena, mark);
    return true;
}

double ranking_roc_auc(const struct ranking *r)
{
    if (r->positives == 0 || r->negatives == 0) return NAN;
    double area = 0.0, tp = 0.0, fp = 0.0;
    for (size_t i = 0; i < r->steps; i++) {
        double next_tp = (double)r->step[i].tp, next_fp = (double)r->step[i].fp;
        area += (next_fp - fp) * (next_tp + tp) * 0.5;
        tp = next_tp, fp = next_fp;
    }
    return area / ((double)r->positives * (double)r->negatives);
}

static double precision_at(const struct ranking_step *s)
{
    return (double)s->tp / (double)(s->tp + s->fp);
}

double ranking_average_precision(const struct ranking *r)
{
    if (r->positives == 0) return NAN;
    double sum = 0.0;
    uint64_t tp = 0;
    for (size_t i = 0; i < r->steps; i++) {
        sum += (double)(r->step[i].tp - tp) * precision_at(&r->step[i]);
        tp = r->step[i].tp;
    }
    return sum / (double)r->positives;
}

double ranking_pr_auc(const struct ranking *r)
{
    if (r->positives == 0) return NAN;
    double sum = 0.0, precision = 1.0;
    uint64_t tp = 0;
    for (size_t i = 0; i < r->steps; i++) {
        double next = precision_at(&r->step[i]);
        sum += (double)(r->step[i].tp - tp) * (next + precision) * 0.5;
        tp = r->step[i].tp;
        precision = next;
    }
    return sum / (double)r->positives;
}

double ranking_best_f1(const struct ranking *r, double *threshold)
{
    *threshold = NAN;
    if (r->positives == 0) return NAN;
    double best = -1.0;
    for (size_t i = 0; i < r->steps; i++) {
        const struct ranking_step *s = &r->step[i];
        double f1 = 2.0 * (double)s->tp / (double)(s->tp + s->fp + r->positives);
        if (f1 > best) best = f1, *threshold = s->threshold;
    }
    return best;
}

/* One point of a curve; of step 0..steps-1. */
static struct metrics_point point_at(const struct ranking *r, size_t i, bool roc)
{
    const struct ranking_step *s = &r->step[i];
    double recall = (double)s->tp / (double)r->positives;
    if (roc)
        return (struct metrics_point){(double)s->fp / (double)r->negatives, recall, s->threshold};
    return (struct metrics_point){recall, precision_at(s), s->threshold};
}

/* Keeps points that are at least `apart` from the last one kept, and the last of all. */
static size_t thin(const struct ranking *r, bool roc, double apart, struct metrics_point *point,
                   size_t room)
{
    point[0] = (struct metrics_point){0.0, roc ? 0.0 : 1.0, INFINITY};
    size_t n = 1;
    for (size_t i = 0; i < r->steps; i++) {
        struct metrics_point p = point_at(r, i, roc);
        double far = fmax(fabs(p.x - point[n - 1].x), fabs(p.y - point[n - 1].y));
        if (far < apart && i + 1 < r->steps) continue;
        if (n == room) return room + 1;
        point[n++] = p;
    }
    return n;
}

static size_t curve(const struct metrics_input *in, struct andon_arena *arena, bool roc,
                    struct metrics_point *point, size_t room)
{
    struct andon_arena_mark mark = andon_arena_mark(arena);
    struct ranking r;
    size_t n = 0;
    if (room >= 8 && ranking_make(in, arena, &r) && r.positives > 0 && r.negatives > 0) {
        double apart = 0.5 / (double)room;
        do {
            n = thin(&r, roc, apart, point, room);
            apart *= 1.5;
        } while (n > room);
    }
    andon_arena_rewind(arena, mark);
    return n;
}

size_t metrics_roc(const struct metrics_input *in, struct andon_arena *arena,
                   struct metrics_point *point, size_t room)
{
    return curve(in, arena, true, point, room);
}

size_t metrics_pr(const struct metrics_input *in, struct andon_arena *arena,
                  struct metrics_point *point, size_t room)
{
    return curve(in, arena, false, point, room);
}
