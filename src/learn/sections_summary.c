/* The head of the page: one sentence, six figures, one table. */
#include <math.h>
#include <string.h>

#include "chart.h"
#include "sections.h"

#define COLUMNS 12
#define ENTRIES_MAX 64

/* How well the budget is kept: good, warn (kept, but not yet proven) or bad. */
static const char *grade(const struct report *r)
{
    const struct metrics *m = r->metrics;
    if (m->events > 0 && m->event_recall < 0.5) return "bad";
    if (r->budget_per_day > 0.0 && m->false_alarms_per_day > r->budget_per_day) return "bad";
    if (m->events > 0 && m->event_recall < 0.8) return "warn";
    if (r->budget_per_day > 0.0 && m->false_alarms_per_day_upper95 > r->budget_per_day) {
        return "warn";
    }
    return "good";
}

static void put_found(struct page *page, const struct metrics *m)
{
    char delay[PAGE_FIGURE];
    if (m->events == 0) {
        page_put(page, "There is no labelled event to find.");
    } else if (m->found == 0) {
        page_put(page, "Finds none of %zu events.", m->events);
    } else {
        page_put(page, "Finds %zu of %zu event%s", m->found, m->events, m->events == 1 ? "" : "s");
        if (m->delay_median_s <= 0.0)
            page_put(page, ", half of them at once.");
        else
            page_put(page, ", half of them within %s.", page_duration(delay, m->delay_median_s));
    }
}

static void put_false(struct page *page, const struct report *r)
{
    const struct metrics *m = r->metrics;
    char rate[PAGE_FIGURE], bound[PAGE_FIGURE];
    page_short(rate, m->false_alarms_per_day);
    page_short(bound, m->false_alarms_per_day_upper95);
    page_put(page, "%s false alarms a day (with 95 %% certainty at most %s)", rate, bound);
    if (!(r->budget_per_day > 0.0)) {
        page_put(page, ".");
    } else if (m->false_alarms_per_day > r->budget_per_day) {
        page_put(page, ": more than the budget of %g a day.", r->budget_per_day);
    } else if (m->false_alarms_per_day_upper95 > r->budget_per_day) {
        page_put(page, ": within the budget of %g a day so far, which takes longer to prove.",
                 r->budget_per_day);
    } else {
        page_put(page, ": the budget of %g a day is kept.", r->budget_per_day);
    }
}

void section_head(struct page *page, const struct report *r)
{
    page_put(page, "<header><h1>");
    page_text(page, r->title);
    page_put(page, "</h1>");
    if (r->data != NULL) page_put(page, "<p>"), page_text(page, r->data), page_put(page, "</p>");
    if (r->model != NULL) {
        page_put(page, "<p>Judged by ");
        page_text(page, r->model);
        page_put(page, "</p>");
    }
    page_put(page, "</header>\n");
    if (r->metrics == NULL) return;
    page_put(page, "<div class=\"verdict %s\"><b>", grade(r));
    put_found(page, r->metrics);
    page_put(page, "</b>");
    put_false(page, r);
    page_put(page, "</div>\n");
}

static void put_tile(struct page *page, const char *css, const char *name, const char *figure,
                     const char *note)
{
    page_put(page, "<div class=\"%s\"><dt>%s</dt><dd>%s</dd><p>%s</p></div>\n", css, name, figure,
             note);
}

void section_tiles(struct page *page, const struct report *r)
{
    const struct metrics *m = r->metrics;
    char a[PAGE_FIGURE], b[PAGE_FIGURE], note[160];
    page_put(page, "<dl class=\"tiles\">\n");
    snprintf(a, sizeof a, "%zu / %zu", m->found, m->events);
    snprintf(note, sizeof note, "%zu missed", m->missed);
    put_tile(page, m->missed == 0 ? "good" : "bad", "Events found", a, note);
    snprintf(note, sizeof note, "median; longest %s", page_duration(b, m->delay_max_s));
    put_tile(page, "", "Time to detection", page_duration(a, m->delay_median_s), note);
    snprintf(note, sizeof note, "%zu in %s days", m->false_alarms, page_short(b, m->normal_days));
    put_tile(page, "", "False alarms a day", page_short(a, m->false_alarms_per_day), note);
    page_number(b, m->event_precision, 2);
    snprintf(note, sizeof note, "by events; precision %s", b);
    put_tile(page, "", "F1", page_number(a, m->event_f1, 2), note);
    page_number(b, m->average_precision, 3);
    snprintf(note, sizeof note, "by rows; average precision %s", b);
    put_tile(page, "", "ROC-AUC", page_number(a, m->roc_auc, 3), note);
    page_money(page, b, m->fp_cost + m->fn_cost);
    snprintf(note, sizeof note, "after %s of costs", b);
    put_tile(page, m->net_value >= 0.0 ? "good" : "bad", "Net value",
             page_money(page, a, m->net_value), note);
    page_put(page, "</dl>\n");
}

/* The figures of one line, as numbers; which is better, and how they look. */
struct cell {
    double v;
    int better; /* +1 higher, -1 lower, 0 neither */
    char text[PAGE_FIGURE];
};

static void set(struct cell *c, double v, int better, int decimals)
{
    c->v = v;
    c->better = better;
    page_number(c->text, v, decimals);
}

static void fill_cells(const struct page *page, const struct metrics *m, struct cell *c)
{
    set(&c[0], (double)m->found, 1, 0);
    snprintf(c[0].text, PAGE_FIGURE, "%zu / %zu", m->found, m->events);
    set(&c[1], m->event_precision, 1, 3);
    set(&c[2], m->event_recall, 1, 3);
    set(&c[3], m->event_f1, 1, 3);
    set(&c[4], m->delay_median_s, -1, 0);
    page_duration(c[4].text, m->delay_median_s);
    set(&c[5], m->false_alarms_per_day, -1, 2);
    page_short(c[5].text, m->false_alarms_per_day);
    set(&c[6], m->net_value, 1, 0);
    page_money(page, c[6].text, m->net_value);
    set(&c[7], m->roc_auc, 1, 3);
    set(&c[8], m->average_precision, 1, 3);
    set(&c[9], m->vus_pr, 1, 3);
    set(&c[10], m->f1, 1, 3);
    set(&c[11], counts_far(m->row), -1, 4);
}

/* The best of a column among detectors; baselines do not compete. */
static double best_of(const struct page *page, const struct report *r, int column)
{
    double best = NAN;
    unsigned rivals = 0;
    for (uint32_t e = 0; e < r->entries; e++) {
        if (r->entry[e].baseline) continue;
        struct cell c[COLUMNS];
        fill_cells(page, r->entry[e].metrics, c);
        double v = c[column].v * c[column].better;
        rivals++;
        if (isnan(best) || v > best) best = v;
    }
    return rivals > 1 ? best : NAN;
}

void section_comparison(struct page *page, const struct report *r)
{
    if (r->entries == 0) return;
    page_put(page,
             "<section><h2>Comparison</h2><p>The baselines read no sensor: an alarm that never "
             "ends, and dice that alarm as often as the detector. What does not beat both is "
             "worth nothing.</p><div class=\"card wide\"><table>\n"
             "<thead><tr><th scope=\"col\">Detector</th><th scope=\"col\">Events<br>found</th>"
             "<th scope=\"col\">Precision<br>(events)</th><th scope=\"col\">Recall<br>(events)"
             "</th><th scope=\"col\">F1<br>(events)</th><th scope=\"col\">Time to<br>detection"
             "</th><th scope=\"col\">False alarms<br>a day</th><th scope=\"col\">Net<br>value</th>"
             "<th scope=\"col\">ROC-<br>AUC</th><th scope=\"col\">Average<br>precision</th>"
             "<th scope=\"col\">VUS-<br>PR</th><th scope=\"col\">F1<br>(rows)</th>"
             "<th scope=\"col\">FAR<br>(rows)</th></tr></thead><tbody>\n");
    double best[COLUMNS];
    for (int k = 0; k < COLUMNS; k++) best[k] = best_of(page, r, k);
    for (uint32_t e = 0; e < r->entries; e++) {
        struct cell c[COLUMNS];
        fill_cells(page, r->entry[e].metrics, c);
        page_put(page, "<tr%s><th scope=\"row\">", r->entry[e].baseline ? " class=\"base\"" : "");
        page_text(page, r->entry[e].name);
        page_put(page, "</th>");
        for (int k = 0; k < COLUMNS; k++) {
            bool wins = !r->entry[e].baseline && c[k].v * c[k].better == best[k];
            page_put(page, "<td%s>%s</td>", wins ? " class=\"best\"" : "", c[k].text);
        }
        page_put(page, "</tr>\n");
    }
    page_put(page, "</tbody></table></div></section>\n");
}

/* The largest size of a figure among detectors. */
static double reach_of(const struct page *page, const struct report *r, int column)
{
    double reach = 0.0;
    for (uint32_t e = 0; e < r->entries; e++) {
        struct cell c[COLUMNS];
        fill_cells(page, r->entry[e].metrics, c);
        if (!r->entry[e].baseline && isfinite(c[column].v)) reach = fmax(reach, fabs(c[column].v));
    }
    return reach;
}

/* A baseline far off would squeeze the detectors: its bar is cut, and says so. */
static void cut(struct chart_bar *bar, double reach)
{
    if (!(reach > 0.0) || !(fabs(bar->value) > 1.5 * reach)) return;
    bar->value = copysign(1.5 * reach, bar->value);
    strncat(bar->text, " (bar cut)", PAGE_FIGURE - 1 - strlen(bar->text));
}

static void put_bars(struct page *page, const struct report *r, int column, const char *name)
{
    struct chart_bar bar[ENTRIES_MAX];
    double reach = reach_of(page, r, column);
    size_t n = 0;
    for (uint32_t e = 0; e < r->entries && n < ENTRIES_MAX; e++) {
        struct cell c[COLUMNS];
        fill_cells(page, r->entry[e].metrics, c);
        bar[n].name = r->entry[e].name;
        bar[n].value = c[column].v;
        bar[n].css = r->entry[e].baseline ? "b3" : c[column].v < 0.0 ? "b2" : "b";
        strcpy(bar[n].text, c[column].text);
        if (r->entry[e].baseline) cut(&bar[n], reach);
        n++;
    }
    page_put(page, "<div class=\"card\"><h3>%s</h3>", name);
    chart_bars(page, name, bar, n);
    page_put(page, "</div>\n");
}

void section_comparison_bars(struct page *page, const struct report *r)
{
    if (r->entries == 0) return;
    page_put(page, "<section><div class=\"pair\">\n");
    put_bars(page, r, 3, "F1 by events");
    put_bars(page, r, 8, "Average precision");
    put_bars(page, r, 5, "False alarms a day");
    put_bars(page, r, 6, "Net value");
    page_put(page, "</div></section>\n");
}
