/* Charts of a report. */
#ifndef LEARN_CHART_H
#define LEARN_CHART_H

#include "metrics.h"
#include "svg.h"

/* One quantity over time: its line, alarmed parts in red, labelled time shaded. Thinned to the
 * least and largest value of each pixel, so that no spike is lost and the file stays small. */
struct chart_series {
    const char *name, *unit; /* unit may be NULL                                   */
    const double *value;     /* value[row * stride], NaN = missing                 */
    size_t stride;
    size_t first, last; /* rows, both inside                                  */
    const struct metrics_input *in;
    const struct metrics *metrics;
    const char *const *kind; /* kind[events], may be NULL                          */
    double threshold;        /* a line across; NaN: none                           */
    bool log;
    double width, height;
};
void chart_series(struct page *page, const struct chart_series *c);

/* A curve in the unit square. diagonal: the guess to beat; level: the same as a flat line (NaN
 * none). */
struct chart_curve {
    const char *name, *x_name, *y_name;
    const struct metrics_point *point;
    size_t points;
    bool diagonal;
    double level;
    double x, y; /* where the alarms stand; NaN: not shown */
    bool steps;  /* hold y until the next point            */
};
void chart_curve(struct page *page, const struct chart_curve *c);

/* Bars side by side with their names at the left and figures at the right. */
struct chart_bar {
    const char *name;
    double value; /* the bar's length; NaN: none */
    char text[PAGE_FIGURE];
    const char *css; /* "b", "b2", "b3"             */
};
void chart_bars(struct page *page, const char *name, const struct chart_bar *bar, size_t bars);

#endif
