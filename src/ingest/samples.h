/* The rows of a CSV as samples of one machine, in batches: channels in the order asked for, times,
 * the running cell, and the words of regime and label. Memory does not depend on the file. Owned by
 * one thread. */
#ifndef INGEST_SAMPLES_H
#define INGEST_SAMPLES_H

#include "andon/series.h"
#include "ingest/csv.h"

/* What to read. Borrowed until samples_close. */
struct samples_request {
    const char *path;
    bool no_header;
    const char *time;    /* column; NULL: none; "": one named like a time that holds one, if any */
    bool time_may_miss;  /* a time column that is not there is guessed, or done without       */
    const char *running; /* column or NULL, as are the next two                               */
    const char *regime;
    const char *label;
    const char *const *channel; /* channel[channels], in this order; NULL: every named column   */
    uint32_t channels;          /* that has no other use (one without a name is an index)       */
    const char *const *drop;    /* drop[drops]: columns that are no channels                     */
    size_t drops;
};

struct samples_batch {
    struct andon_series series;    /* .ts_ns and .running are NULL without such columns; no
                                      .regime: see the words                                */
    const struct csv_cell *time;   /* time[n], as in the file; NULL: no such column         */
    const struct csv_cell *regime; /* regime[n * stride]; NULL: no such column              */
    const struct csv_cell *label;  /* label[n * stride]; NULL: no such column               */
    size_t stride;                 /* of time, regime and label                             */
    const uint64_t *line;          /* line[n]                                               */
};

struct samples;

/* samples_open opens the file and finds the columns.
 * ANDON_EDATA   a column that was asked for is not there (err names it), or as csv_open
 * ANDON_ELIMIT  more channels than ANDON_CHANNELS_MAX */
ANDON_MUST_CHECK andon_status samples_open(struct samples **samples,
                                           const struct samples_request *request, andon_error *err);
void samples_close(struct samples *samples); /* NULL is fine */

uint32_t samples_channels(const struct samples *samples);
const char *samples_channel(const struct samples *samples, uint32_t channel);
const char *samples_time(const struct samples *samples); /* the time column's name, or NULL */
const struct csv *samples_csv(const struct samples *samples);

/* samples_ignored writes the names of columns that nobody asked for, "a, b and 7 more"; returns how
 * many there are. */
uint32_t samples_ignored(const struct samples *samples, char *text, size_t room);

/* samples_rows is how many rows a batch holds at most: 16..1024, so that it stays under 4 MiB. */
size_t samples_rows(const struct samples *samples);

/* samples_read gives the next batch; series.n == 0 at the end. A blank time continues the step of
 * the two rows before it. err as of csv_read, or a text where a time belongs. */
ANDON_MUST_CHECK andon_status samples_read(struct samples *samples, struct samples_batch *batch,
                                           andon_error *err);

#endif
