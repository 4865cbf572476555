/* Everything with a time axis: the score, the sensors, the events one by one. */
#include <math.h>
#include <string.h>

#include "chart.h"
#include "sections.h"

#define WIDTH 1100.0
#define SENSORS_MAX 12u /* a page with hundreds of charts helps nobody */
#define EXAMPLES_MAX 6u
#define LIST_MAX 200u
#define CHANNELS_MAX 4096u

static bool is_alarmed(const struct report *r, size_t i)
{
    return r->input->alarm[i] != 0 && (r->input->unknown == NULL || r->input->unknown[i] == 0);
}

static void add_row(const struct report *r, size_t i, double *sum)
{
    for (uint32_t c = 0; r->share != NULL && c < r->channels; c++) {
        float share = r->share[i * r->channels + c];
        if (isfinite(share)) sum[c] += (double)share;
    }
    if (r->share == NULL && r->lead[i] < r->channels) sum[r->lead[i]] += 1.0;
}

int section_lead(const struct report *r, size_t first, size_t last, double *share)
{
    double sum[CHANNELS_MAX] = {0}, all = 0.0;
    *share = NAN;
    if ((r->share == NULL && r->lead == NULL) || r->channels > CHANNELS_MAX) return -1;
    bool any = false;
    for (size_t i = first; i <= last; i++) any |= is_alarmed(r, i);
    for (size_t i = first; i <= last; i++) {
        if (!any || is_alarmed(r, i)) add_row(r, i, sum);
    }
    int best = -1;
    for (uint32_t c = 0; c < r->channels; c++) {
        all += sum[c];
        if (sum[c] > 0.0 && (best < 0 || sum[c] > sum[best])) best = (int)c;
    }
    if (best >= 0 && r->share != NULL) *share = sum[best] / all;
    return best;
}

static void put_key(struct page *page)
{
    page_put(page, "<div class=\"key\"><span><i style=\"background:var(--line);height:3px\"></i>"
                   "reading</span><span><i style=\"background:var(--red);height:5px\"></i>andon "
                   "alarms</span><span><i style=\"background:var(--shade)\"></i>labelled event"
                   "</span></div>\n");
}

static struct chart_series series_of(const struct report *r)
{
    return (struct chart_series){.in = r->input,
                                 .metrics = r->metrics,
                                 .kind = r->kind,
                                 .last = r->input->n - 1,
                                 .threshold = NAN,
                                 .width = WIDTH,
                                 .height = 170};
}

void section_score(struct page *page, const struct report *r)
{
    struct chart_series c = series_of(r);
    c.name = "anomaly score";
    c.value = r->input->score;
    c.stride = 1;
    c.log = true;
    c.threshold = 1.0;
    c.height = 240;
    page_put(page,
             "<section><h2>Score</h2><p>One figure for the whole machine, on a logarithmic axis: "
             "1.0 is where the alarm budget is spent. A gap is time that could not be judged."
             "</p>\n");
    put_key(page);
    page_put(page, "<div class=\"card\">");
    chart_series(page, &c);
    page_put(page, "</div></section>\n");
}

/* The channels that led most over all alarmed rows come first; ties keep their order. */
static uint32_t choose_channels(const struct report *r, uint32_t *chosen)
{
    uint32_t n = 0;
    if (r->channels <= SENSORS_MAX || (r->share == NULL && r->lead == NULL) ||
        r->channels > CHANNELS_MAX) {
        for (; n < r->channels && n < SENSORS_MAX; n++) chosen[n] = n;
        return n;
    }
    double sum[CHANNELS_MAX] = {0};
    for (size_t i = 0; i < r->input->n; i++) {
        if (is_alarmed(r, i)) add_row(r, i, sum);
    }
    for (; n < SENSORS_MAX; n++) {
        uint32_t best = 0;
        for (uint32_t c = 1; c < r->channels; c++) {
            if (sum[c] > sum[best]) best = c;
        }
        chosen[n] = best;
        sum[best] = -1.0;
    }
    return n;
}

static void set_channel(const struct report *r, uint32_t channel, struct chart_series *c)
{
    c->name = r->channel[channel];
    c->unit = r->unit != NULL ? r->unit[channel] : NULL;
    c->value = r->value + channel;
    c->stride = r->channels;
}

void section_sensors(struct page *page, const struct report *r)
{
    if (r->value == NULL || r->channels == 0) return;
    uint32_t chosen[SENSORS_MAX];
    uint32_t n = choose_channels(r, chosen);
    page_put(page,
             "<section><h2>Sensor profiles</h2><p>Every channel as it was measured; each pixel "
             "shows the least and the largest reading of its time.");
    if (n < r->channels) {
        page_put(page, " Shown: the %u of %u channels that contributed most to alarms.", n,
                 r->channels);
    }
    page_put(page, "</p>\n");
    put_key(page);
    page_put(page, "<div class=\"card\">\n");
    for (uint32_t k = 0; k < n; k++) {
        struct chart_series c = series_of(r);
        set_channel(r, chosen[k], &c);
        chart_series(page, &c);
    }
    page_put(page, "</div></section>\n");
}

/* How long after its start an event was found: "at once", "after 6 min". */
static const char *after(char *text, const struct metrics_event *e)
{
    char delay[PAGE_FIGURE];
    if (e->delay_s <= 0.0) return strcpy(text, "at once");
    page_duration(delay, e->delay_s);
    snprintf(text, PAGE_FIGURE, "after %.40s", delay);
    return text;
}

static void put_event_name(struct page *page, const struct report *r, size_t k)
{
    if (r->kind != NULL && r->kind[k] != NULL && r->kind[k][0] != '\0')
        page_text(page, r->kind[k]);
    else
        page_put(page, "event");
}

static void put_when(struct page *page, const struct report *r, size_t row)
{
    char text[PAGE_FIGURE];
    if (r->input->ts_ns != NULL)
        page_put(page, "%s", page_time(text, r->input->ts_ns[row]));
    else
        page_put(page, "row %zu", row);
}

static void put_example(struct page *page, const struct report *r, size_t k)
{
    const struct metrics_event *e = &r->metrics->event[k];
    size_t margin = e->last - e->first + 31;
    struct chart_series c = series_of(r);
    double share;
    int lead = section_lead(r, e->first, e->last, &share);
    set_channel(r, lead < 0 ? 0 : (uint32_t)lead, &c);
    c.first = e->first > margin ? e->first - margin : 0;
    c.last = e->last + margin < r->input->n ? e->last + margin : r->input->n - 1;
    c.width = 520;
    char text[PAGE_FIGURE];
    page_put(page, "<div class=\"card\"><h3>%zu. ", k + 1);
    put_event_name(page, r, k);
    page_put(page, "</h3><p class=\"note\">");
    put_when(page, r, e->first);
    if (e->found)
        page_put(page, ", found %s</p>", after(text, e));
    else
        page_put(page, ", missed</p>");
    chart_series(page, &c);
    page_put(page, "</div>\n");
}

/* One of each kind first, so that the examples differ. */
static bool is_new_kind(const struct report *r, size_t k)
{
    for (size_t i = 0; i < k; i++) {
        if (r->kind == NULL || r->kind[i] == NULL || r->kind[k] == NULL) return false;
        if (strcmp(r->kind[i], r->kind[k]) == 0) return false;
    }
    return true;
}

void section_examples(struct page *page, const struct report *r)
{
    if (r->value == NULL || r->channels == 0 || r->metrics->events == 0) return;
    unsigned shown = 0;
    page_put(page,
             "<section><h2>Events close up</h2><p>The channel that stood out most, around the "
             "event.</p><div class=\"pair\">\n");
    for (size_t k = 0; k < r->metrics->events && shown < EXAMPLES_MAX; k++) {
        if (is_new_kind(r, k)) put_example(page, r, k), shown++;
    }
    for (size_t k = 0; k < r->metrics->events && shown < EXAMPLES_MAX; k++) {
        if (!is_new_kind(r, k)) put_example(page, r, k), shown++;
    }
    page_put(page, "</div></section>\n");
}

static void put_lead(struct page *page, const struct report *r, size_t first, size_t last)
{
    double share;
    int lead = section_lead(r, first, last, &share);
    page_put(page, "<td class=\"l\">");
    if (lead >= 0)
        page_text(page, r->channel[lead]);
    else
        page_put(page, "\xe2\x80\x93");
    if (isfinite(share)) page_put(page, " (%.0f %%)", 100.0 * share);
    page_put(page, "</td>");
}

static double length_s(const struct report *r, size_t first, size_t last)
{
    double rows = (double)(last - first + 1);
    double row_s = r->metrics->days * 86400.0 / (double)r->metrics->rows;
    return rows * row_s;
}

void section_events(struct page *page, const struct report *r)
{
    const struct metrics *m = r->metrics;
    char text[PAGE_FIGURE];
    if (m->events == 0) return;
    page_put(page, "<section><h2>Events</h2><div class=\"card wide\"><table><thead><tr>"
                   "<th scope=\"col\">No.</th><th scope=\"col\" class=\"l\">Start</th>"
                   "<th scope=\"col\">Lasted</th><th scope=\"col\" class=\"l\">Kind</th>"
                   "<th scope=\"col\" class=\"l\">Leading channel</th><th scope=\"col\">Found"
                   "</th><th scope=\"col\">Before its end</th></tr></thead><tbody>\n");
    for (size_t k = 0; k < m->events && k < LIST_MAX; k++) {
        const struct metrics_event *e = &m->event[k];
        page_put(page, "<tr><th scope=\"row\">%zu</th><td class=\"l\">", k + 1);
        put_when(page, r, e->first);
        page_put(page, "</td><td>%s</td><td class=\"l\">",
                 page_duration(text, length_s(r, e->first, e->last)));
        put_event_name(page, r, k);
        page_put(page, "</td>");
        put_lead(page, r, e->first, e->last);
        if (e->found)
            page_put(page, "<td>%s</td>", after(text, e));
        else
            page_put(page, "<td class=\"miss\">%s</td>", e->judged ? "missed" : "not judged");
        page_put(page, "<td>%s</td></tr>\n", page_duration(text, e->lead_s));
    }
    page_put(page, "</tbody></table>");
    if (m->events > LIST_MAX)
        page_put(page, "<p class=\"note\">%u of %zu</p>", LIST_MAX, m->events);
    page_put(page, "</div></section>\n");
}

void section_false_alarms(struct page *page, const struct report *r)
{
    const struct metrics *m = r->metrics;
    char text[PAGE_FIGURE];
    if (m->false_stretches == 0) return;
    page_put(page,
             "<section><h2>False alarms</h2><div class=\"card wide\"><table><thead><tr>"
             "<th scope=\"col\">Start</th><th scope=\"col\">Stood</th><th scope=\"col\">Counts as"
             "</th><th scope=\"col\" class=\"l\">Leading channel</th><th scope=\"col\" "
             "class=\"l\">Regime</th></tr></thead><tbody>\n");
    for (size_t k = 0; k < m->false_stretches && k < LIST_MAX; k++) {
        const struct metrics_event *e = &m->false_alarm[k];
        page_put(page, "<tr><th scope=\"row\">");
        put_when(page, r, e->first);
        page_put(page, "</th><td>%s</td><td>%u</td>",
                 page_duration(text, length_s(r, e->first, e->last)), e->count);
        put_lead(page, r, e->first, e->last);
        int32_t regime = r->input->regime != NULL ? r->input->regime[e->first] : -1;
        page_put(page, "<td class=\"l\">");
        if (regime >= 0 && (uint32_t)regime < m->regimes && r->regime != NULL) {
            page_text(page, r->regime[regime]);
        }
        page_put(page, "</td></tr>\n");
    }
    page_put(page, "</tbody></table>");
    if (m->false_stretches > LIST_MAX) {
        page_put(page, "<p class=\"note\">%u of %zu</p>", LIST_MAX, m->false_stretches);
    }
    page_put(page, "</div></section>\n");
}
