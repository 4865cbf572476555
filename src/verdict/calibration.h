/* From raw scores to a score of which 1.0 is the alarm budget's level.
 *
 * Everything happens on u = ln(raw / typical + offset), which rises strictly with raw and never
 * saturates. On held-out normal time the tail of u beyond a high quantile is taken as exponential;
 * the level is where the one-sided 95 % bound of false alarm events a day meets the budget. */
#ifndef VERDICT_CALIBRATION_H
#define VERDICT_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/bytes.h"

/* u of a raw score: comparable between detectors, whatever their raw scores look like. */
struct compression {
    double typical; /* median raw score of held-out normal rows, > 0; where that is 0, of the higher
                       ones; 1 where all are 0                               */
    double spread;  /* how far the tail of u reaches: 99 % quantile - median */
};
#define COMPRESSION_OFFSET 0.02
#define COMPRESSION_SPREAD_MIN 0.02

/* u of raw >= 0: strictly increasing, finite for every finite raw. */
double compression_apply(const struct compression *c, double raw);

/* compression_fit measures raw[n] (n >= 1, finite; its order is changed). */
struct compression compression_fit(double *raw, size_t n);

/* Whether loaded figures are ones that a fit can give. */
bool compression_sound(const struct compression *c);

#define CALIBRATION_QUANTILES 65u

struct calibration {
    double level;            /* u at which the score is 1                                    */
    double tail_start;       /* u beyond which the exponential tail holds                    */
    double tail_scale;       /* mean excess of event peaks beyond it, > 0                    */
    double quantile[CALIBRATION_QUANTILES]; /* of held-out u, evenly spaced, for p-values      */
    uint64_t rows;           /* normal rows that the level was set on                        */
    double days;             /* and how long they took                                       */
    uint64_t tail_events;    /* excursions beyond tail_start in held-out time                */
    uint64_t events;         /* events beyond level among rows                               */
    double budget_per_day;
    double interval_s;
    bool interval_known;
};

struct calibration_rule {
    double budget_per_day, interval_s;
    bool interval_known;
    double gap_s;     /* exceedances of the level closer than this are one event */
    double tail_from; /* quantile at which the tail starts          */
    double rare;      /* at most this many events a row, whatever the budget allows */
};

/* calibration_fit learns the level from u[n], in order of time, finite; sorted[n] is working room.
 * Needs n >= 1; with little time it extrapolates, and says so through bound. The level is finite
 * for every budget > 0. */
struct calibration calibration_fit(const double *u, double *sorted, size_t n,
                                   const struct calibration_rule *rule);

/* calibration_move puts the level elsewhere, chosen by labels, by contamination or as a chance, and
 * counts the events beyond it in u[n]. */
void calibration_move(struct calibration *c, const double *u, size_t n,
                      const struct calibration_rule *rule, double level);

/* The score: exp(u - level), so 1 at the level, strictly increasing in u and finite for every finite
 * u (beyond e^600 it goes on as a straight line).
 *   excess  how much farther, in u, the row is from the normal that was learned than from the one
 *           it was compared with (0 when they are the same). It ranks rows of an accepted new normal
 *           above all familiar ones but leaves them below 1. */
double calibration_score(const struct calibration *c, double u, double excess);

/* Chance that a held-out normal row has at least this u, 1 to > 0 however far out. Falls strictly
 * beyond the 1/64 that lie highest; below them it is read off their quantiles. */
double calibration_p_value(const struct calibration *c, double u);

/* One-sided 95 % upper bound of events a day that the calibration time can prove at the level. */
double calibration_bound_per_day(const struct calibration *c);

/* One-sided 95 % upper bound of a Poisson mean after seeing events. */
double calibration_poisson_bound(uint64_t events);

void calibration_save(const struct calibration *c, struct andon_writer *out);
/* false: bytes cut or not a calibration. */
bool calibration_load(struct andon_reader *in, struct calibration *c);

#endif
