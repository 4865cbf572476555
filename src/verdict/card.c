/* The model card: what a person has to know before trusting the model. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verdict/fit.h"

struct page {
    char text[8192];
    size_t used;
};

static void line(struct page *p, const char *format, ...) ANDON_PRINTF(2, 3);

static void line(struct page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p->text + p->used, sizeof p->text - p->used, format, args);
    va_end(args);
    if (n > 0) p->used += (size_t)n;
    if (p->used >= sizeof p->text) p->used = sizeof p->text - 1;
}

/* "key=value" of every option that is not at its default. */
static void changed_options(struct page *p, const char *room, const struct andon_option *table,
                            const void *options)
{
    for (; table->name != NULL; table++) {
        char text[ANDON_OPTION_TEXT], preset[ANDON_OPTION_TEXT];
        andon_option_print(table, options, text, sizeof text);
        snprintf(preset, sizeof preset, "%s", table->preset);
        double v = 0.0, w = 0.0;
        char rest;
        bool same = strcmp(text, preset) == 0 ||
                    (sscanf(text, "%lf%c", &v, &rest) == 1 && sscanf(preset, "%lf%c", &w, &rest) == 1 &&
                     !(v < w) && !(v > w));
        if (!same) line(p, "setting: %s.%s=%s\n", room, table->name, text);
    }
}

/* What set the level, where it was not the budget. */
static const char *level_by(const struct andon_model *m)
{
    if (m->member[0].detector->traits & ANDON_SUPERVISED) return "best F1 of out-of-fold rows";
    return m->options.contamination > 0.0 ? "part of the training rows" : NULL;
}

static void describe_level(struct page *p, const struct lesson *l)
{
    const struct calibration *c = &l->model->calibration;
    const char *by = level_by(l->model);
    double bound = calibration_bound_per_day(c);
    if (by != NULL) line(p, "level: %s, not the budget\n", by);
    line(p, "interval: %g s%s\n", c->interval_s,
         c->interval_known ? "" : " (assumed: the data has no time column)");
    line(p, "budget: %g false alarms a day\n", c->budget_per_day);
    line(p, "calibration: %llu %s normal rows, %.3g days\n", (unsigned long long)c->rows,
         by == NULL ? "held-out" : "training", c->days);
    line(p, "calibration events: %llu beyond the level, %llu in the tail\n",
         (unsigned long long)c->events, (unsigned long long)c->tail_events);
    line(p, "certified: at most %.3g false alarms a day (one-sided 95 %%)%s\n", bound,
         bound <= c->budget_per_day || by != NULL ? ""
                                                  : ", so the level is extrapolated from the tail");
    if (bound > c->budget_per_day)
        line(p, "to certify the budget: %.3g more days of normal time without an alarm\n",
             calibration_poisson_bound(c->events) / c->budget_per_day - c->days);
}

andon_status card_write(struct lesson *l)
{
    const struct andon_model *m = l->model;
    struct page *p = andon_arena_take(l->scratch, sizeof *p);
    if (p == NULL) return andon_fail(l->err, ANDON_ENOMEM, "training: no room for the card");
    line(p, "detector: %s\n", m->detector);
    for (uint32_t k = 0; k < m->members; k++)
        line(p, "member: %s, weight %.3g (%s)\n", m->member[k].detector->name, m->member[k].weight,
             m->member[k].detector->source);
    line(p, "channels: %u\n", andon_recipe_channels(m->recipe));
    line(p, "features: %u\n", andon_recipe_features(m->recipe));
    if (andon_recipe_regimes(m->recipe) > 0)
        line(p, "regimes: %u\n", andon_recipe_regimes(m->recipe));
    for (uint32_t c = 0; c < m->classes; c++)
        line(p, "kind %u: %s\n", c, m->class_name[c]);
    line(p, "rows: %zu of %zu taught\n", l->rows, l->training->series.n);
    describe_level(p, l);
    line(p, "seed: %llu\n", (unsigned long long)l->training->seed);
    line(p, "kernel: %s\n", andon_kernel_name(l->training->kernel));
    changed_options(p, "recipe", andon_recipe_table, &l->recipe_options);
    changed_options(p, "verdict", andon_verdict_table, &m->options);
    for (uint32_t k = 0; k < m->members; k++)
        changed_options(p, m->member[k].detector->name, m->member[k].detector->options,
                        m->member[k].options);
    l->model->card = andon_arena_text(l->arena, p->text);
    if (l->model->card == NULL)
        return andon_fail(l->err, ANDON_ENOMEM, "training: no room for the card");
    return ANDON_OK;
}
