/* Drawings: axes, lines and areas in SVG. Coordinates are pixels of the view box, y downwards. */
#ifndef LEARN_SVG_H
#define LEARN_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page.h"

/* Maps values lo..hi to pixels from..to; with log, by their logarithms (lo > 0). */
struct svg_axis {
    double lo, hi, from, to;
    bool log;
};

double svg_at(const struct svg_axis *axis, double v); /* clamped to the axis */

/* svg_nice widens lo..hi to round figures and returns the step between ticks. */
double svg_nice(double *lo, double *hi, int ticks);

/* svg_begin opens a drawing of that size; name is read aloud to who cannot see it. */
void svg_begin(struct page *page, double width, double height, const char *name);
void svg_end(struct page *page);

/* Ticks, labels and grid lines. y: labels left of x_left, lines to x_right. */
void svg_y_axis(struct page *page, const struct svg_axis *y, double step, double x_left,
                double x_right);
/* x: labels below y_bottom, lines up to y_top. In seconds since 1970 when is_time, else plain. */
void svg_x_axis(struct page *page, const struct svg_axis *x, double step, double y_top,
                double y_bottom);
void svg_time_axis(struct page *page, const struct svg_axis *x, double y_top, double y_bottom);

/* A path is begun, continued and ended; svg_break lifts the pen. */
struct svg_path {
    struct page *page;
    bool down;
};
struct svg_path svg_path_begin(struct page *page, const char *css);
void svg_line_to(struct svg_path *path, double x, double y);
void svg_break(struct svg_path *path);
void svg_upright(struct svg_path *path, double x, double y1, double y2); /* a dot when y1 == y2 */
void svg_path_end(struct svg_path *path);

void svg_rect(struct page *page, const char *css, double x, double y, double width, double height,
              const char *tip);

#endif
