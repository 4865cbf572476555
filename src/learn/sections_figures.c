/* Curves, matrix, contributions, money, regimes, the model card and the rules. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "sections.h"

#define POINTS 400u
#define BARS_MAX 12u

void section_curves(struct page *page, const struct report *r, struct andon_arena *scratch)
{
    const struct metrics *m = r->metrics;
    struct metrics_point *point = andon_arena_array(scratch, POINTS, sizeof *point);
    if (point == NULL || !isfinite(m->roc_auc)) return;
    struct chart_curve c = {.name = "ROC curve",
                            .x_name = "false positive rate",
                            .y_name = "recall",
                            .point = point,
                            .diagonal = true,
                            .level = NAN,
                            .x = counts_far(m->row),
                            .y = m->recall};
    page_put(page,
             "<section><h2>Curves</h2><p>By rows, over all thresholds; the red dot is where the "
             "alarms stand, the dashed line is guessing.</p><div class=\"pair\">"
             "<div class=\"card\"><h3>ROC (area %.4f)</h3>",
             m->roc_auc);
    c.points = metrics_roc(r->input, scratch, point, POINTS);
    chart_curve(page, &c);
    page_put(page,
             "</div>\n<div class=\"card\"><h3>Precision and recall (average precision %.4f)</h3>",
             m->average_precision);
    c = (struct chart_curve){.name = "Precision over recall",
                             .x_name = "recall",
                             .y_name = "precision",
                             .point = point,
                             .level = (double)m->anomalous_rows / (double)m->rows,
                             .x = m->recall,
                             .y = m->precision,
                             .steps = true};
    c.points = metrics_pr(r->input, scratch, point, POINTS);
    chart_curve(page, &c);
    page_put(page, "</div></div></section>\n");
}

static void put_cell(struct page *page, const char *css, double v, const char *name)
{
    char text[PAGE_FIGURE];
    page_put(page, "<td class=\"%s\">%s<small>%s</small></td>", css, page_number(text, v, 0), name);
}

void section_matrix(struct page *page, const struct report *r)
{
    const struct metrics *m = r->metrics;
    page_put(page, "<section><h2>Confusion matrix</h2><div class=\"pair\"><div class=\"card\">"
                   "<table class=\"matrix\"><caption>By events</caption><thead><tr><td></td>"
                   "<th scope=\"col\">alarmed</th><th scope=\"col\">not alarmed</th></tr></thead>"
                   "<tbody><tr><th scope=\"row\">event</th>");
    put_cell(page, "ok", (double)m->found, "found");
    put_cell(page, m->missed > 0 ? "no" : "", (double)m->missed, "missed");
    page_put(page, "</tr><tr><th scope=\"row\">normal time</th>");
    put_cell(page, m->false_alarms > 0 ? "no" : "", (double)m->false_alarms, "false alarms");
    page_put(page,
             "<td>\xe2\x80\x93<small>not countable</small></td></tr></tbody></table></div>\n"
             "<div class=\"card\"><table class=\"matrix\"><caption>By rows</caption><thead><tr>"
             "<td></td><th scope=\"col\">alarmed</th><th scope=\"col\">not alarmed</th></tr>"
             "</thead><tbody><tr><th scope=\"row\">labelled</th>");
    put_cell(page, "ok", (double)m->row.tp, "true positive");
    put_cell(page, "no", (double)m->row.fn, "false negative");
    page_put(page, "</tr><tr><th scope=\"row\">normal</th>");
    put_cell(page, "no", (double)m->row.fp, "false positive");
    put_cell(page, "ok", (double)m->row.tn, "true negative");
    page_put(page, "</tr></tbody></table></div></div></section>\n");
}

struct part {
    double sum;
    uint32_t channel;
};

static int larger(const void *a, const void *b)
{
    double x = ((const struct part *)a)->sum, y = ((const struct part *)b)->sum;
    return (x < y) - (x > y);
}

/* Mean share of each channel over alarmed rows, of events or of false alarms. */
static size_t mean_shares(const struct report *r, bool labelled, struct part *part)
{
    size_t rows = 0;
    for (uint32_t c = 0; c < r->channels; c++) part[c] = (struct part){0.0, c};
    for (size_t i = 0; i < r->input->n; i++) {
        bool alarmed =
            r->input->alarm[i] != 0 && (r->input->unknown == NULL || r->input->unknown[i] == 0);
        if (!alarmed || (r->input->label[i] != 0) != labelled) continue;
        if (!isfinite(r->share[i * r->channels])) continue;
        for (uint32_t c = 0; c < r->channels; c++) {
            part[c].sum += (double)r->share[i * r->channels + c];
        }
        rows++;
    }
    for (uint32_t c = 0; c < r->channels; c++) part[c].sum /= rows > 0 ? (double)rows : 1.0;
    qsort(part, r->channels, sizeof *part, larger);
    return rows;
}

static void put_shares(struct page *page, const struct report *r, bool labelled, struct part *part)
{
    struct chart_bar bar[BARS_MAX];
    size_t rows = mean_shares(r, labelled, part), n = 0;
    const char *name = labelled ? "Alarms in events" : "False alarms";
    for (; n < r->channels && n < BARS_MAX; n++) {
        bar[n].name = r->channel[part[n].channel];
        bar[n].value = part[n].sum;
        bar[n].css = labelled ? "b" : "b3";
        page_percent(bar[n].text, part[n].sum);
    }
    page_put(page, "<div class=\"card\"><h3>%s (%zu rows)</h3>", name, rows);
    if (rows > 0)
        chart_bars(page, name, bar, n);
    else
        page_put(page, "<p class=\"note\">There are none.</p>");
    page_put(page, "</div>\n");
}

void section_contributions(struct page *page, const struct report *r)
{
    if (r->share == NULL || r->channels == 0) return;
    struct part *part = calloc(r->channels, sizeof *part);
    if (part == NULL) return;
    page_put(page, "<section><h2>Contributions</h2><p>What part of the score each channel had on "
                   "average; the parts of a row sum to one.</p><div class=\"pair\">\n");
    put_shares(page, r, true, part);
    put_shares(page, r, false, part);
    page_put(page, "</div></section>\n");
    free(part);
}

static void put_term(struct page *page, const char *name, const char *figure)
{
    page_put(page, "<dt>%s</dt><dd>%s</dd>\n", name, figure);
}

static void put_product(struct page *page, const char *name, size_t count, double price,
                        double total)
{
    char each[PAGE_FIGURE], sum[PAGE_FIGURE], text[160];
    snprintf(text, sizeof text, "%zu \xc3\x97 %s = %s", count, page_money(page, each, price),
             page_money(page, sum, total));
    put_term(page, name, text);
}

void section_money(struct page *page, const struct report *r)
{
    const struct metrics *m = r->metrics;
    char text[PAGE_FIGURE], more[PAGE_FIGURE], line[160];
    page_put(page, "<section><h2>Cost and benefit</h2><p>Counted by events, never by rows.</p>"
                   "<div class=\"pair\"><div class=\"card\"><dl class=\"card2\">\n");
    put_product(page, "Events found", m->found, m->prices.tp, m->tp_benefit);
    put_product(page, "Events missed", m->missed, m->prices.fn, -m->fn_cost);
    put_product(page, "False alarms", m->false_alarms, m->prices.fp, -m->fp_cost);
    snprintf(line, sizeof line, "<b>%s</b>", page_money(page, text, m->net_value));
    put_term(page, "Net value", line);
    snprintf(line, sizeof line, "%s \xc3\x97 the cost of false alarms", page_short(text, m->roi));
    put_term(page, "Return", line);
    page_put(page, "</dl></div>\n<div class=\"card\"><dl class=\"card2\">\n");
    snprintf(line, sizeof line, "%s h (%g h an event)",
             page_number(text, m->prevented_downtime_h, 1), m->prices.downtime_h);
    put_term(page, "Downtime prevented", line);
    snprintf(line, sizeof line, "%s h", page_number(text, m->mtbf_h, 1));
    put_term(page, "Time between events", line);
    snprintf(line, sizeof line, "%s %% \xe2\x86\x92 %s %%",
             page_number(text, m->availability_without, 2),
             page_number(more, m->availability_with, 2));
    put_term(page, "Availability", line);
    put_term(page, "Lead before an event's end", page_duration(text, m->lead_median_s));
    page_put(page, "</dl></div></div></section>\n");
}

void section_regimes(struct page *page, const struct report *r)
{
    const struct metrics *m = r->metrics;
    char rows[PAGE_FIGURE], text[PAGE_FIGURE];
    if (m->regimes == 0) return;
    page_put(page, "<section><h2>By operating state</h2><div class=\"card wide\"><table><thead><tr>"
                   "<th scope=\"col\">State</th><th scope=\"col\">Rows</th><th scope=\"col\">False "
                   "alarms</th><th scope=\"col\">Alarmed normal rows</th><th scope=\"col\">of its "
                   "normal rows</th></tr></thead><tbody>\n");
    for (uint32_t k = 0; k < m->regimes; k++) {
        const struct metrics_regime *g = &m->regime[k];
        page_put(page, "<tr><th scope=\"row\">");
        if (r->regime != NULL)
            page_text(page, r->regime[k]);
        else
            page_put(page, "%u", k);
        page_number(rows, (double)g->rows, 0);
        page_percent(text, g->normal_rows > 0 ? (double)g->fp_rows / (double)g->normal_rows : NAN);
        page_put(page, "</th><td>%s</td><td>%llu</td><td>%llu</td><td>%s</td></tr>\n", rows,
                 (unsigned long long)g->false_alarms, (unsigned long long)g->fp_rows, text);
    }
    page_put(page, "</tbody></table></div></section>\n");
}

static void put_figure(struct page *page, const char *name, double v, int decimals)
{
    char text[PAGE_FIGURE];
    put_term(page, name, page_number(text, v, decimals));
}

void section_rows(struct page *page, const struct report *r)
{
    const struct metrics *m = r->metrics;
    page_put(page, "<section><h2>All figures by rows</h2><div class=\"pair\"><div class=\"card\">"
                   "<dl class=\"card2\">\n");
    put_figure(page, "Precision", m->precision, 4);
    put_figure(page, "Recall", m->recall, 4);
    put_figure(page, "F1", m->f1, 4);
    put_figure(page, "Specificity", m->specificity, 4);
    put_figure(page, "Accuracy", m->accuracy, 4);
    put_figure(page, "False positive rows a day", m->fp_rows_per_day, 2);
    put_figure(page, "at most in one day", m->fp_rows_per_day_max, 0);
    page_put(page, "</dl></div>\n<div class=\"card\"><dl class=\"card2\">\n");
    put_figure(page, "ROC-AUC", m->roc_auc, 4);
    put_figure(page, "Average precision", m->average_precision, 4);
    put_figure(page, "PR-AUC (trapezoids)", m->pr_auc, 4);
    put_figure(page, "VUS-PR", m->vus_pr, 4);
    put_figure(page, "VUS-ROC", m->vus_roc, 4);
    put_figure(page, "Best F1 with hindsight", m->best_f1, 4);
    put_figure(page, "Rows not judged", (double)m->unknown_rows, 0);
    if (isfinite(m->p_at_01))
        put_figure(page, "Normal rows with p \xe2\x89\xa4 0.01", m->p_at_01, 4);
    page_put(page, "</dl></div></div></section>\n");
}

void section_card(struct page *page, const struct report *r)
{
    if (r->card == NULL || r->card[0] == '\0') return;
    page_put(page, "<section><h2>Model card</h2><div class=\"card\"><dl class=\"card2\">\n");
    for (const char *line = r->card; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *colon = memchr(line, ':', length);
        if (length > 0 && colon != NULL) {
            page_put(page, "<dt>");
            page_text_n(page, line, (size_t)(colon - line));
            page_put(page, "</dt><dd>");
            page_text_n(page, colon + 1, length - (size_t)(colon + 1 - line));
            page_put(page, "</dd>\n");
        } else if (length > 0) {
            page_put(page, "<dt></dt><dd>");
            page_text_n(page, line, length);
            page_put(page, "</dd>\n");
        }
        line += length + (line[length] == '\n');
    }
    page_put(page, "</dl></div></section>\n");
}

void section_rules(struct page *page, const struct report *r)
{
    const struct metrics_input *in = r->input;
    char group[PAGE_FIGURE], renew[PAGE_FIGURE], grace[PAGE_FIGURE];
    page_put(page,
             "<footer><p>How it is counted. An event is a run of labelled rows, found when one of "
             "its rows is alarmed; nothing is point-adjusted. Alarms less than %s apart are one. "
             "What an alarm covers outside of events is a false alarm, and one more for every %s "
             "that it stands; %s next to an event that was found are forgiven. Rows that could "
             "not be judged count as not alarmed and rank lowest. Every row was judged from "
             "the rows before it.</p></footer>\n",
             page_duration(group, in->group_s), page_duration(renew, in->renew_s),
             page_duration(grace, in->grace_s));
}
