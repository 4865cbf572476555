/* The public data sets that andon is measured on, read from a directory (never part of the tree).
 * A set is a list of runs: rows to learn from, then rows to judge. */
#ifndef QUALITY_SETS_H
#define QUALITY_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_CHANNELS_MAX 64u

struct run {
    char name[64];
    size_t n, train;      /* rows in all; the first `train` of them teach */
    uint32_t channels;
    char channel[RUN_CHANNELS_MAX][64];
    double *value;        /* value[n][channels]            */
    uint8_t *label;       /* label[n]: 0 or 1              */
    double interval_s;
};

struct set {
    size_t runs;
    struct run *run;
};

/* Each loads what lies below dir; a missing directory gives 0 runs. All allocate with malloc; a test
 * program frees with set_free. */
struct set set_skab(const char *dir);
struct set set_machines(const char *dir, const char *name, double interval_s); /* smd, asd */
struct set set_ims(const char *dir);
struct set set_ai4i(const char *dir);
void set_free(struct set *set);

/* A copy of rows [from, to) with every channel as gain * value + offset (NULL: as it is). */
struct run run_copy(const struct run *run, size_t from, size_t to, const double *gain,
                    const double *offset);
void run_free(struct run *run);

#endif
