#include "detect/kernel/history.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Eight lanes, whatever the instruction set: WIDE of them fill one of its registers. */
#if defined(__AVX512F__)
enum { WIDE = 8 };
#elif defined(__AVX__)
enum { WIDE = 4 };
#else
enum { WIDE = 2 };
#endif
enum { LANES = 8, PARTS = LANES / WIDE, LEAVE = 5 /* values between two looks whether to leave */ };

typedef float floats __attribute__((vector_size(WIDE * sizeof(float))));
typedef double doubles __attribute__((vector_size(WIDE * sizeof(double))));

static inline doubles wide(const float *v)
{
    floats f;
    memcpy(&f, v, sizeof f);
    return __builtin_convertvector(f, doubles);
}

/* The least squared distance of query[length] to the runs that start at run[0..LANES); best if none
 * is nearer. */
static double nearest_of_lanes(const float *query, const float *run, size_t length, double best)
{
    doubles sum[PARTS] = {0};
    double lane[LANES];
    for (size_t q = 0; q < length;) {
        size_t end = q + LEAVE < length ? q + LEAVE : length;
        for (; q < end; q++)
            for (int p = 0; p < PARTS; p++) {
                doubles e = (double)query[q] - wide(run + q + p * WIDE);
                sum[p] += e * e;
            }
        memcpy(lane, sum, sizeof lane);
        double least = lane[0];
        for (int l = 1; l < LANES; l++) least = lane[l] < least ? lane[l] : least;
        if (least >= best) return best;
        if (q == length) best = least;
    }
    return best;
}

double KERNEL(history_nearest)(const float *value, size_t n, size_t length)
{
    const float *query = value + n - length;
    size_t runs = n - 2 * length + 1, s = runs;
    double best = HUGE_VAL;
    /* Newest first; a last block that is not full takes some runs twice, which changes nothing. */
    for (; s >= LANES; s -= LANES) best = nearest_of_lanes(query, value + s - LANES, length, best);
    if (s > 0 && runs >= LANES) return nearest_of_lanes(query, value, length, best);
    for (; s > 0; s--) {
        double sum = 0.0;
        for (size_t q = 0; q < length; q++) {
            double e = (double)query[q] - (double)value[s - 1 + q];
            sum += e * e;
        }
        best = sum < best ? sum : best;
    }
    return best;
}

static double lanes_sum(const double lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static double sum_of(const float *value, size_t n, double middle, bool squares)
{
    doubles sum[PARTS] = {0};
    double lane[LANES];
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int p = 0; p < PARTS; p++) {
            doubles e = wide(value + i + p * WIDE) - middle;
            sum[p] += squares ? e * e : e;
        }
    memcpy(lane, sum, sizeof lane);
    for (; i < n; i++) {
        double e = (double)value[i] - middle;
        lane[0] += squares ? e * e : e;
    }
    return lanes_sum(lane);
}

struct history_moments KERNEL(history_moments)(const float *value, size_t n)
{
    struct history_moments m = {.mean = sum_of(value, n, 0.0, false) / (double)n};
    m.variance = sum_of(value, n, m.mean, true) / (double)n;
    return m;
}

struct history_range KERNEL(history_range)(const float *value, size_t n)
{
    float low[LANES], high[LANES];
    size_t i = 0;
    for (int l = 0; l < LANES; l++) low[l] = high[l] = value[0];
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            float v = value[i + (size_t)l];
            low[l] = v < low[l] ? v : low[l];
            high[l] = v > high[l] ? v : high[l];
        }
    for (; i < n; i++) {
        low[0] = value[i] < low[0] ? value[i] : low[0];
        high[0] = value[i] > high[0] ? value[i] : high[0];
    }
    struct history_range r = {low[0], high[0]};
    for (int l = 1; l < LANES; l++) {
        r.low = low[l] < r.low ? low[l] : r.low;
        r.high = high[l] > r.high ? high[l] : r.high;
    }
    return r;
}
