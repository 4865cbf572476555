/* Figures by rows, from four counts. */
#include <math.h>

#include "metrics.h"

static double part(uint64_t a, uint64_t of)
{
    return of > 0 ? (double)a / (double)of : NAN;
}

double counts_precision(struct metrics_counts c)
{
    return part(c.tp, c.tp + c.fp);
}

double counts_recall(struct metrics_counts c)
{
    return part(c.tp, c.tp + c.fn);
}

double counts_specificity(struct metrics_counts c)
{
    return part(c.tn, c.tn + c.fp);
}

double counts_accuracy(struct metrics_counts c)
{
    return part(c.tp + c.tn, c.tp + c.tn + c.fp + c.fn);
}

double counts_f1(struct metrics_counts c)
{
    return part(2 * c.tp, 2 * c.tp + c.fp + c.fn);
}

double counts_far(struct metrics_counts c)
{
    return part(c.fp, c.fp + c.tn);
}

double counts_mar(struct metrics_counts c)
{
    return part(c.fn, c.fn + c.tp);
}

struct metrics_counts counts_rows(const uint8_t *label, const uint8_t *alarm, size_t n)
{
    struct metrics_counts c = {0};
    for (size_t i = 0; i < n; i++) {
        if (label[i] != 0) {
            if (alarm[i] != 0)
                c.tp++;
            else
                c.fn++;
        } else {
            if (alarm[i] != 0)
                c.fp++;
            else
                c.tn++;
        }
    }
    return c;
}

struct metrics_counts counts_add(struct metrics_counts a, struct metrics_counts b)
{
    return (struct metrics_counts){a.tp + b.tp, a.fp + b.fp, a.tn + b.tn, a.fn + b.fn};
}
