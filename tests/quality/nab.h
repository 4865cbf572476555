/* The Numenta Anomaly Benchmark: its series, and its score as the benchmark defines it (Lavin, Ahmad,
 * ICMLA 2015; nab/sweeper.py of version 1.1). The threshold is the best one over the whole corpus,
 * per profile, as in the benchmark. */
#ifndef QUALITY_NAB_H
#define QUALITY_NAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAB_SERIES_MAX = 128, NAB_WINDOWS_MAX = 16, NAB_PROFILES = 3 };

/* One series; rows [0, probation) are not judged. Windows are rows, both ends included, in order. */
struct nab_series {
    char name[128]; /* "realKnownCause/nyc_taxi.csv" */
    size_t n, probation;
    double *value;  /* value[n] */
    size_t windows;
    struct nab_window {
        size_t first, last;
    } window[NAB_WINDOWS_MAX];
};

struct nab_profile {
    char name[32];
    double tp, fn, fp; /* weights */
};

struct nab_corpus {
    size_t count;
    struct nab_series series[NAB_SERIES_MAX];
    struct nab_profile profile[NAB_PROFILES]; /* standard, low false positives, low false negatives */
};

/* nab_open reads the series below dir that labels/combined_windows.json names and that are there, and
 * config/profiles.json. False, with a line on stderr, when something cannot be read; a directory that
 * is not there gives 0 series. Free with nab_close in both cases. */
bool nab_open(const char *dir, struct nab_corpus *corpus);
void nab_close(struct nab_corpus *corpus);

/* nab_score gives the normalised score, 100 for a detector that is first everywhere and never wrong, 0
 * for one that is silent.
 *   score      in   score[count][n of each series], higher is more anomalous; NaN: not judged
 *   threshold  out  the threshold that this needs; may be NULL */
double nab_score(const struct nab_corpus *corpus, double *const *score,
                 const struct nab_profile *profile, double *threshold);

#endif
