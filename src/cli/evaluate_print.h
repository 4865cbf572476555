/* The figures of an evaluation on standard output, as text for people or as JSON. */
#ifndef CLI_EVALUATE_PRINT_H
#define CLI_EVALUATE_PRINT_H

#include "learn/report.h"

/* What was evaluated and what stands beside it. Borrowed. */
struct evaluation {
    const char *model, *detector, *data, *label;
    const struct metrics *measured, *always, *random;
    const char *const *regime; /* regime[measured->regimes]: names, or NULL */
    double budget_per_day;     /* 0: unknown                              */
    const struct report_entry *entry; /* entry[entries]: models, then baselines */
    uint32_t entries;
};

void evaluate_print_text(const struct evaluation *e);

/* One line per entry: what stands in the published comparison, by events and by rows. Colours on a
 * terminal. */
void evaluate_print_comparison(const struct evaluation *e);

void evaluate_print_json(const struct evaluation *e);

#endif
