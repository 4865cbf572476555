/* A rolling window over one scaled value. Values stand on a grid of 2^-24, as integers, so that sums
 * are exact in any order: a figure depends on the samples in the window, never on what left it. */
#ifndef FEATURE_WINDOW_H
#define FEATURE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#define WINDOW_SAMPLES_MAX 4096u

/* The ring of one channel, shared by all its window lengths. Flat, without pointers; its samples
 * follow at sample[]. */
struct window_ring {
    uint32_t head;  /* slot of the newest sample                       */
    uint32_t count; /* samples present, up to the longest window       */
};

/* The sums of one length over one ring. */
struct window_sums {
    int64_t sum;        /* of samples, units of 2^-24    */
    unsigned __int128 squares; /* of squared samples, units of 2^-48 */
};

/* window_sample puts z on the grid, |z| up to 2^26 spreads: sums of WINDOW_SAMPLES_MAX of them fit
 * their integers. */
int64_t window_sample(double z);

/* window_push adds a sample to ring[length_max] and to the sums of every length. */
void window_push(struct window_ring *ring, int64_t *sample, uint32_t length_max,
                 const uint32_t *length, size_t lengths, struct window_sums *sums, int64_t z);

/* Figures over the last min(count, length) samples; 0 where there is nothing to say (an empty ring,
 * a deviation or difference of a single sample). The deviation divides by n - 1. */
double window_mean(const struct window_ring *ring, uint32_t length, const struct window_sums *sums);
double window_deviation(const struct window_ring *ring, uint32_t length,
                        const struct window_sums *sums);
/* Newest sample minus the one lag samples before it, or the oldest there is. */
double window_difference(const struct window_ring *ring, const int64_t *sample,
                         uint32_t length_max, uint32_t lag);

#endif
