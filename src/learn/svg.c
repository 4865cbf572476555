/* One decimal is enough: a tenth of a pixel. */
#include "svg.h"

#include <math.h>
#include <time.h>

double svg_at(const struct svg_axis *axis, double v)
{
    double lo = axis->lo, hi = axis->hi;
    if (axis->log) {
        v = log10(fmax(v, lo));
        lo = log10(lo);
        hi = log10(hi);
    }
    double part = hi > lo ? (v - lo) / (hi - lo) : 0.5;
    return axis->from + (axis->to - axis->from) * fmin(fmax(part, 0.0), 1.0);
}

double svg_nice(double *lo, double *hi, int ticks)
{
    if (!(*hi > *lo)) {
        double pad = *lo != 0.0 ? 0.05 * fabs(*lo) : 1.0;
        *lo -= pad, *hi += pad;
    }
    double raw = (*hi - *lo) / ticks;
    double power = pow(10.0, floor(log10(raw)));
    double part = raw / power;
    double step = power * (part < 1.5 ? 1 : part < 3 ? 2 : part < 7 ? 5 : 10);
    *lo = step * floor(*lo / step + 1e-9);
    *hi = step * ceil(*hi / step - 1e-9);
    return step;
}

void svg_begin(struct page *page, double width, double height, const char *name)
{
    unsigned id = page->charts++;
    page_put(page,
             "<svg role=\"img\" viewBox=\"0 0 %g %g\" aria-labelledby=\"t%u\"><title id=\"t%u\">",
             width, height, id, id);
    page_text(page, name);
    page_put(page, "</title>\n");
}

void svg_end(struct page *page)
{
    page_put(page, "</svg>\n");
}

static void y_tick(struct page *page, const struct svg_axis *y, double v, double x_left,
                   double x_right, int decimals)
{
    char text[PAGE_FIGURE];
    double at = svg_at(y, v);
    if (y->log) decimals = v < 0.99 ? (int)lround(-log10(v)) : 0;
    const char *label = page_number(text, v, decimals);
    page_put(page,
             "<path class=\"g\" d=\"M%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
             "text-anchor=\"end\">%s</text>\n",
             x_left, at, x_right, x_left - 6, at + 4, label);
}

static int decimals_of(double step)
{
    double d = -floor(log10(step) + 1e-9);
    return d < 0 ? 0 : d > 9 ? 9 : (int)d;
}

void svg_y_axis(struct page *page, const struct svg_axis *y, double step, double x_left,
                double x_right)
{
    if (y->log) {
        double decades = log10(y->hi / y->lo);
        double factor = decades > 8.5 ? 100.0 : 10.0;
        for (double v = y->lo; v <= y->hi * 1.001; v *= factor) {
            y_tick(page, y, v, x_left, x_right, 0);
        }
        return;
    }
    int n = (int)lround((y->hi - y->lo) / step);
    for (int i = 0; i <= n; i++) {
        y_tick(page, y, y->lo + i * step, x_left, x_right, decimals_of(step));
    }
}

void svg_x_axis(struct page *page, const struct svg_axis *x, double step, double y_top,
                double y_bottom)
{
    char text[PAGE_FIGURE];
    int n = (int)floor((x->hi - x->lo) / step + 1e-9);
    for (int i = 0; i <= n; i++) {
        double v = x->lo + i * step, at = svg_at(x, v);
        page_put(page,
                 "<path class=\"g\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                 "text-anchor=\"middle\">%s</text>\n",
                 at, y_top, y_bottom, at, y_bottom + 16, page_number(text, v, decimals_of(step)));
    }
}

static double time_step(const struct svg_axis *x)
{
    static const double steps[] = {1,      5,      15,      60,      300,     900,      1800,
                                   3600,   7200,   10800,   21600,   43200,   86400,    172800,
                                   432000, 604800, 1209600, 2592000, 7776000, 31536000, 157680000};
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof steps[0] &&
           (x->hi - x->lo) / steps[i] > (x->to - x->from) / 88.0) { /* labels need room */
        i++;
    }
    return steps[i];
}

/* The date stands at the first tick and where a day begins. */
static const char *time_format(double step, bool new_day)
{
    if (step >= 2592000) return "%b %Y";
    if (step >= 86400) return "%-d %b";
    if (new_day) return "%-d %b %H:%M";
    return step < 60 ? "%H:%M:%S" : "%H:%M";
}

void svg_time_axis(struct page *page, const struct svg_axis *x, double y_top, double y_bottom)
{
    double step = time_step(x), day = NAN;
    for (double v = step * ceil(x->lo / step); v <= x->hi; v += step) {
        time_t s = (time_t)v;
        struct tm t;
        gmtime_r(&s, &t);
        char text[64];
        strftime(text, sizeof text, time_format(step, floor(v / 86400.0) != day), &t);
        day = floor(v / 86400.0);
        page_put(page,
                 "<path class=\"g\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                 "text-anchor=\"middle\">%s</text>\n",
                 svg_at(x, v), y_top, y_bottom, svg_at(x, v), y_bottom + 16, text);
    }
}

static void put_xy(struct page *page, char command, double x, double y)
{
    page_put(page, "%c%.1f %.1f", command, x, y);
}

struct svg_path svg_path_begin(struct page *page, const char *css)
{
    page_put(page, "<path class=\"%s\" d=\"", css);
    return (struct svg_path){.page = page};
}

void svg_line_to(struct svg_path *path, double x, double y)
{
    put_xy(path->page, path->down ? 'L' : 'M', x, y);
    path->down = true;
}

void svg_break(struct svg_path *path)
{
    path->down = false;
}

void svg_upright(struct svg_path *path, double x, double y1, double y2)
{
    put_xy(path->page, 'M', x, y1);
    page_put(path->page, "V%.1f", y2);
    path->down = false;
}

void svg_path_end(struct svg_path *path)
{
    page_put(path->page, "\"/>\n");
}

void svg_rect(struct page *page, const char *css, double x, double y, double width, double height,
              const char *tip)
{
    page_put(page, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", css,
             x, y, width, height);
    if (tip == NULL) {
        page_put(page, "/>\n");
        return;
    }
    page_put(page, "><title>");
    page_text(page, tip);
    page_put(page, "</title></rect>\n");
}
