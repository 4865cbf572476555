/* One or several CSV files, whole in memory, one behind the other: what training and evaluation
 * read. Owned by one thread. */
#ifndef INGEST_TABLE_H
#define INGEST_TABLE_H

#include "ingest/samples.h"
#include "ingest/vocabulary.h"

#define TABLE_BYTES_MAX ((size_t)8 << 30) /* of values */

struct table_request {
    const char *const *path; /* path[paths], in order of time                               */
    size_t paths;
    struct samples_request columns;   /* .path is not used                                    */
    const struct vocabulary *regimes; /* known regimes, others are unknown; NULL: learn them */
    uint64_t first, end;              /* rows [first, end) of all files together            */
    /* Called now and then with the part read, 0..1; may be NULL. */
    void (*tell)(void *context, double part);
    void *context;
};

struct table {
    size_t rows;
    uint32_t channels;
    char **channel;  /* channel[channels]                                               */
    double *value;   /* value[rows][channels], NaN = missing                            */
    int64_t *ts_ns;  /* ts_ns[rows] or NULL                                             */
    int8_t *running; /* running[rows] or NULL                                           */
    int32_t *regime; /* regime[rows] or NULL: index into .regimes or ANDON_REGIME_UNKNOWN */
    int32_t *label;  /* label[rows] or NULL: index into .classes                        */
    struct vocabulary regimes, classes; /* classes.word[0] is "normal"                      */
    char *time;         /* the time column's name or NULL                                  */
    size_t *file_first; /* file_first[files]: where each file's rows begin                 */
    size_t files;
    double interval_s;     /* median step of time within a file; 0: there is no time          */
    uint64_t culprit_line; /* when reading failed: the line and the column of a text in a   */
    char culprit[ANDON_NAME_MAX]; /* number column, if that was it                          */
    char left_out[200]; /* names of columns that are no channels and had no other use        */
    bool headerless;    /* a file had no header though one was expected                    */
    size_t room;
};

/* table_read reads the files into *table (zeroed by it). Files after the first must have the first
 * one's channels, in any order.
 * Labels: 0, normal, ok, healthy, good, none, false, no and blank are normal (0); 1, true, yes and
 * anomaly are one kind; every other word is a kind of its own.
 * ANDON_EDATA, ANDON_EIO  as samples_open and samples_read; no rows
 * ANDON_ELIMIT            more values than TABLE_BYTES_MAX, more than 64 regimes or kinds */
ANDON_MUST_CHECK andon_status table_read(struct table *table, const struct table_request *request,
                                         andon_error *err);
void table_free(struct table *table); /* safe on a zeroed one */

/* table_check refuses what nothing can be learned from: one row, a channel without a value, only
 * constant channels. name is what err calls the data.
 * ANDON_EDATA */
ANDON_MUST_CHECK andon_status table_check(const struct table *table, const char *name,
                                          andon_error *err);

/* table_counts_rows tells a channel that only counts: the same step, not 0, from each row to the
 * next (an index, a time since start). */
bool table_counts_rows(const struct table *table, uint32_t channel);

/* The table as the library takes it; borrowed. */
struct andon_series table_series(const struct table *table);

#endif
