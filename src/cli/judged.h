/* Labelled data as a model judges it, kept in memory to be measured. */
#ifndef CLI_JUDGED_H
#define CLI_JUDGED_H

#include "andon/model.h"
#include "cli/progress.h"
#include "ingest/table.h"
#include "learn/metrics.h"

/* What is to be judged and how. Borrowed. */
struct judged_request {
    const char *const *path; /* path[paths]: CSV files                                 */
    size_t paths;
    const char *label;       /* the label's column                                     */
    uint64_t first, end;     /* rows that are measured; earlier ones fill the windows  */
    double group_s;          /* alarms closer than this are one                        */
    uint32_t vus_window;
    enum andon_kernel kernel;
    bool no_header, quiet;
    bool with_share;         /* every channel's part of every score, for the report    */
};

/* Owned by the main thread; zeroed, it may be freed. */
struct judged {
    const struct judged_request *request;
    struct andon_arena model_arena, arena;
    struct andon_model *model;
    struct table table;
    struct vocabulary regimes;
    struct progress progress;
    /* table.rows each, in the arena. */
    double *score, *p_value;
    uint8_t *label, *alarm, *unknown;
    uint32_t *lead; /* the leading channel                  */
    float *share;   /* share[n][channels], NULL unless asked */
};

/* judged_read loads the model and scores the rows as `andon score` does.
 * ANDON_EIO, ANDON_EFORMAT, ANDON_EDATA  as model_file_load and table_read say
 * ANDON_ENOMEM  the verdicts do not fit */
ANDON_MUST_CHECK andon_status judged_read(struct judged *j, const char *model,
                                          const struct judged_request *request, andon_error *err);

/* The measured rows for metrics_measure. */
struct metrics_input judged_input(const struct judged *j);

void judged_free(struct judged *j);

#endif
