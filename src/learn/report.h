/* The evaluation as one HTML file that needs nothing else: no network, no script. */
#ifndef LEARN_REPORT_H
#define LEARN_REPORT_H

#include "metrics.h"

/* A line of the comparison table. */
struct report_entry {
    const char *name; /* "ensemble", "iforest", "always alarm"                  */
    const struct metrics *metrics;
    bool baseline;
};

/* Everything that a report shows. Borrowed; what is NULL or 0 is left out of the page. */
struct report {
    const char *title;     /* "Pump station, 30 days"                                           */
    const char *data;      /* what was evaluated, for people: file, rows                        */
    const char *model;     /* its name                                                          */
    const char *card;      /* the model card, "key: value" lines                                */
    const char *currency;  /* "$"; NULL: none                                                  */
    double budget_per_day; /* 0: unknown                                                      */

    const struct metrics_input *input;
    const struct metrics *metrics;

    uint32_t channels;
    const char *const *channel; /* channel[channels]: names                                  */
    const char *const *unit;    /* unit[channels] or NULL; entries may be NULL               */
    const double *value;        /* value[n][channels], NaN = missing                         */
    const float *share;         /* share[n][channels], parts of the score; NaN: not judged   */
    const uint32_t *lead;       /* lead[n]: the leading channel, UINT32_MAX for none         */
    const char *const *regime;  /* regime[input->regimes]: names                             */
    const char *const *kind;    /* kind[events of metrics]: the fault's name, may be NULL     */

    const struct report_entry *entry; /* entry[entries]: detectors and baselines              */
    uint32_t entries;
};

/* report_write writes the page to path, which appears only when complete.
 * ANDON_EIO     it cannot be written (err names it)
 * ANDON_ENOMEM  scratch is full (it is rewound) */
ANDON_MUST_CHECK andon_status report_write(const struct report *report, const char *path,
                                           struct andon_arena *scratch, andon_error *err);

/* report_compare writes the comparison of several detectors alone: the table and its bars. Uses
 * title, data, currency, budget_per_day and entry. */
ANDON_MUST_CHECK andon_status report_compare(const struct report *report, const char *path,
                                             struct andon_arena *scratch, andon_error *err);

#endif
