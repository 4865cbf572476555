/* Drawing of series, curves and bars. */
#include "chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEFT 62.0
#define RIGHT 12.0
#define TOP 24.0
#define BOTTOM 24.0
#define COLUMNS_MAX 1200

/* What one pixel column holds. */
struct column {
    double lo, hi;         /* of all values; NaN: none   */
    double red_lo, red_hi; /* of alarmed values; NaN     */
};

struct plot {
    struct svg_axis x, y;
    double step;
    double t0;
    bool is_time;
};

static double time_of(const struct chart_series *c, size_t row)
{
    return c->in->ts_ns != NULL ? (double)c->in->ts_ns[row] * 1e-9 : (double)row;
}

static double value_of(const struct chart_series *c, size_t row)
{
    double v = c->value[row * c->stride];
    return c->log && !(v > 0.0) && !isnan(v) ? 0.0 : v;
}

static bool is_red(const struct chart_series *c, size_t row)
{
    return c->in->alarm[row] != 0 && (c->in->unknown == NULL || c->in->unknown[row] == 0);
}

static void log_range(const struct chart_series *c, struct plot *p)
{
    double lo = INFINITY, hi = 0.0;
    for (size_t i = c->first; i <= c->last; i++) {
        double v = value_of(c, i);
        if (!isfinite(v) || v <= 0.0) continue;
        lo = fmin(lo, v);
        hi = fmax(hi, v);
    }
    if (!(hi > 0.0)) lo = 0.1, hi = 1.0;
    if (isfinite(c->threshold)) lo = fmin(lo, c->threshold), hi = fmax(hi, c->threshold);
    hi = pow(10.0, ceil(log10(hi) - 1e-9));
    lo = pow(10.0, floor(log10(lo) + 1e-9));
    /* What is far from the alarm level is as good as at the edge. */
    double middle = isfinite(c->threshold) ? c->threshold : hi * 1e-3;
    p->y.lo = fmax(lo, middle * 1e-3);
    p->y.hi = fmin(fmax(hi, 10.0 * p->y.lo), middle * 1e5);
    p->y.log = true;
}

static void linear_range(const struct chart_series *c, struct plot *p)
{
    double lo = INFINITY, hi = -INFINITY;
    for (size_t i = c->first; i <= c->last; i++) {
        double v = value_of(c, i);
        if (!isfinite(v)) continue;
        lo = fmin(lo, v);
        hi = fmax(hi, v);
    }
    if (!(hi >= lo)) lo = 0.0, hi = 1.0;
    p->step = svg_nice(&lo, &hi, 4);
    p->y.lo = lo;
    p->y.hi = hi;
}

static struct plot plot_of(const struct chart_series *c)
{
    struct plot p = {.is_time = c->in->ts_ns != NULL};
    p.x = (struct svg_axis){.lo = time_of(c, c->first),
                            .hi = time_of(c, c->last),
                            .from = LEFT,
                            .to = c->width - RIGHT};
    if (c->log)
        log_range(c, &p);
    else
        linear_range(c, &p);
    p.y.from = c->height - BOTTOM;
    p.y.to = TOP;
    return p;
}

static void put_shades(struct page *page, const struct chart_series *c, const struct plot *p)
{
    char tip[256], from[PAGE_FIGURE], delay[PAGE_FIGURE];
    for (size_t k = 0; k < c->metrics->events; k++) {
        const struct metrics_event *e = &c->metrics->event[k];
        if (e->last < c->first || e->first > c->last) continue;
        double x1 = svg_at(&p->x, time_of(c, e->first)), x2 = svg_at(&p->x, time_of(c, e->last));
        if (p->is_time)
            page_time(from, c->in->ts_ns[e->first]);
        else
            snprintf(from, sizeof from, "row %zu", e->first);
        page_duration(delay, e->delay_s);
        snprintf(tip, sizeof tip, "Event %zu%s%s, %s: %s%s", k + 1,
                 c->kind != NULL && c->kind[k] != NULL ? ", " : "",
                 c->kind != NULL && c->kind[k] != NULL ? c->kind[k] : "", from,
                 e->found ? "found after " : "missed", e->found ? delay : "");
        svg_rect(page, "e", x1 - 0.75, TOP, fmax(x2 - x1, 0.0) + 1.5, p->y.from - TOP, tip);
    }
}

static void take(struct column *column, double v, bool red)
{
    column->lo = fmin(column->lo, v); /* fmin and fmax pass over NaN */
    column->hi = fmax(column->hi, v);
    if (!red) return;
    column->red_lo = fmin(column->red_lo, v);
    column->red_hi = fmax(column->red_hi, v);
}

static void fill_columns(const struct chart_series *c, const struct plot *p, struct column *column,
                         int columns)
{
    for (int i = 0; i < columns; i++) column[i] = (struct column){NAN, NAN, NAN, NAN};
    for (size_t i = c->first; i <= c->last; i++) {
        double v = value_of(c, i);
        if (isnan(v)) continue;
        int at = (int)(svg_at(&p->x, time_of(c, i)) - p->x.from);
        take(&column[at < columns ? at : columns - 1], v, is_red(c, i));
    }
}

static void put_columns(struct page *page, const struct chart_series *c, const struct plot *p)
{
    struct column column[COLUMNS_MAX];
    int columns = (int)fmin(p->x.to - p->x.from + 1.0, COLUMNS_MAX);
    fill_columns(c, p, column, columns);
    struct svg_path path = svg_path_begin(page, "s");
    for (int i = 0; i < columns; i++) {
        double x = p->x.from + i;
        if (isnan(column[i].lo)) {
            svg_break(&path);
            continue;
        }
        double lo = svg_at(&p->y, column[i].lo), hi = svg_at(&p->y, column[i].hi);
        /* Up and down in turn, so that the line has no slants of its own. */
        svg_line_to(&path, x, i % 2 == 0 ? lo : hi);
        if (fabs(lo - hi) >= 0.05) svg_line_to(&path, x, i % 2 == 0 ? hi : lo);
    }
    svg_path_end(&path);
    path = svg_path_begin(page, "a");
    for (int i = 0; i < columns; i++) {
        const struct column *r = &column[i];
        if (isnan(r->red_lo)) continue;
        svg_upright(&path, p->x.from + i, svg_at(&p->y, r->red_lo), svg_at(&p->y, r->red_hi));
    }
    svg_path_end(&path);
}

/* Few rows: every one of them. */
static void put_points(struct page *page, const struct chart_series *c, const struct plot *p)
{
    for (int red = 0; red < 2; red++) {
        struct svg_path path = svg_path_begin(page, red ? "a" : "s");
        for (size_t i = c->first; i <= c->last; i++) {
            double v = value_of(c, i);
            if (isnan(v) || (red && !is_red(c, i))) {
                svg_break(&path);
                continue;
            }
            double x = svg_at(&p->x, time_of(c, i)), y = svg_at(&p->y, v);
            if (red && !path.down)
                svg_upright(&path, x, y, y), path.down = true;
            else
                svg_line_to(&path, x, y);
        }
        svg_path_end(&path);
    }
}

static void put_axes(struct page *page, const struct chart_series *c, const struct plot *p)
{
    svg_y_axis(page, &p->y, p->step, p->x.from, p->x.to);
    if (p->is_time) {
        svg_time_axis(page, &p->x, TOP, p->y.from);
    } else {
        double lo = p->x.lo, hi = p->x.hi;
        struct svg_axis x = p->x;
        svg_x_axis(page, &x, svg_nice(&lo, &hi, 8), TOP, p->y.from);
    }
    page_put(page, "<text class=\"name\" x=\"%.1f\" y=\"14\">", p->x.from);
    page_text(page, c->name);
    page_put(page, "</text>");
    if (c->unit == NULL || c->unit[0] == '\0') return;
    page_put(page, "<text x=\"%.1f\" y=\"14\" text-anchor=\"end\">", p->x.from - 6);
    page_text(page, c->unit);
    page_put(page, "</text>\n");
}

void chart_series(struct page *page, const struct chart_series *c)
{
    struct plot p = plot_of(c);
    char name[160];
    snprintf(name, sizeof name, "%.120s over time", c->name);
    svg_begin(page, c->width, c->height, name);
    put_axes(page, c, &p);
    put_shades(page, c, &p);
    if ((double)(c->last - c->first + 1) <= 1.5 * (p.x.to - p.x.from))
        put_points(page, c, &p);
    else
        put_columns(page, c, &p);
    if (isfinite(c->threshold)) {
        double y = svg_at(&p.y, c->threshold);
        page_put(page,
                 "<path class=\"t\" d=\"M%.1f %.1fH%.1f\"/><text class=\"tt\" x=\"%.1f\" "
                 "y=\"%.1f\" text-anchor=\"end\">alarm level %g</text>\n",
                 p.x.from, y, p.x.to, p.x.to - 4, y - 5, c->threshold);
    }
    svg_end(page);
}

static void put_curve(struct page *page, const struct chart_curve *c, const struct svg_axis *x,
                      const struct svg_axis *y, bool area)
{
    struct svg_path path = svg_path_begin(page, area ? "f" : "c");
    if (area) svg_line_to(&path, svg_at(x, c->point[0].x), svg_at(y, 0));
    for (size_t i = 0; i < c->points; i++) {
        double px = svg_at(x, c->point[i].x);
        if (c->steps && i > 0)
            svg_line_to(&path, svg_at(x, c->point[i - 1].x), svg_at(y, c->point[i].y));
        svg_line_to(&path, px, svg_at(y, c->point[i].y));
    }
    if (area) svg_line_to(&path, svg_at(x, c->point[c->points - 1].x), svg_at(y, 0));
    svg_path_end(&path);
}

void chart_curve(struct page *page, const struct chart_curve *c)
{
    struct svg_axis x = {.lo = 0, .hi = 1, .from = 52, .to = 510};
    struct svg_axis y = {.lo = 0, .hi = 1, .from = 330, .to = 12};
    svg_begin(page, 520, 374, c->name);
    svg_y_axis(page, &y, 0.2, x.from, x.to);
    svg_x_axis(page, &x, 0.2, y.to, y.from);
    if (c->points > 1) put_curve(page, c, &x, &y, true);
    if (c->diagonal) page_put(page, "<path class=\"d\" d=\"M52 330L510 12\"/>\n");
    if (isfinite(c->level)) {
        page_put(page, "<path class=\"d\" d=\"M52 %.1fH510\"/>\n", svg_at(&y, c->level));
    }
    if (c->points > 1) put_curve(page, c, &x, &y, false);
    if (isfinite(c->x) && isfinite(c->y)) {
        page_put(page,
                 "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"6\"><title>The alarms: "
                 "%.4f, %.4f</title></circle>\n",
                 svg_at(&x, c->x), svg_at(&y, c->y), c->x, c->y);
    }
    page_put(page,
             "<text x=\"281\" y=\"370\" text-anchor=\"middle\">%s</text><text x=\"14\" "
             "y=\"171\" text-anchor=\"middle\" transform=\"rotate(-90 14 171)\">%s</text>\n",
             c->x_name, c->y_name);
    svg_end(page);
}

void chart_bars(struct page *page, const char *name, const struct chart_bar *bar, size_t bars)
{
    double lo = 0.0, hi = 0.0;
    for (size_t i = 0; i < bars; i++) {
        if (!isfinite(bar[i].value)) continue;
        lo = fmin(lo, bar[i].value);
        hi = fmax(hi, bar[i].value);
    }
    if (!(hi > lo)) hi = lo + 1.0;
    struct svg_axis x = {.lo = lo, .hi = hi, .from = 170, .to = 430};
    svg_begin(page, 520, 8.0 + 28.0 * (double)bars, name);
    for (size_t i = 0; i < bars; i++) {
        double top = 6.0 + 28.0 * (double)i;
        page_put(page, "<text class=\"name\" x=\"160\" y=\"%.1f\" text-anchor=\"end\">", top + 14);
        page_text(page, bar[i].name);
        page_put(page, "</text>");
        double v = isfinite(bar[i].value) ? bar[i].value : 0.0;
        double x1 = svg_at(&x, fmin(v, 0.0)), x2 = svg_at(&x, fmax(v, 0.0));
        svg_rect(page, bar[i].css, x1, top, fmax(x2 - x1, 1.0), 20, NULL);
        page_put(page, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", fmax(x2, svg_at(&x, 0)) + 8,
                 top + 14, bar[i].text);
    }
    svg_end(page);
}
