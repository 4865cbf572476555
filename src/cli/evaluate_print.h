/* The figures of an evaluation on standard output, as text for people or as JSON. */
#ifndef CLI_EVALUATE_PRINT_H
#define CLI_EVALUATE_PRINT_H

#include "learn/metrics.h"

/* What was evaluated and what stands beside it. Borrowed. */
struct evaluation {
    const char *model, *detector, *data, *label;
    const struct metrics *measured, *always, *random;
    const char *const *regime; /* regime[measured->regimes]: names, or NULL */
    double budget_per_day;     /* 0: unknown                              */
};

void evaluate_print_text(const struct evaluation *e);
void evaluate_print_json(const struct evaluation *e);

#endif
