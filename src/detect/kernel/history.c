#include "detect/kernel/history.h"

#include <math.h>

enum { LANES = 8, LEAVE = 4 /* values between two looks whether to leave a run */ };

/* The least squared distance of query[length] to the runs that start at run[0..LANES); best if none
 * is nearer. */
static double nearest_of_lanes(const float *query, const float *run, size_t length, double best)
{
    double sum[LANES] = {0};
    for (size_t q = 0; q < length;) {
        size_t end = q + LEAVE < length ? q + LEAVE : length;
        for (; q < end; q++)
            for (int l = 0; l < LANES; l++) {
                double e = (double)query[q] - (double)run[q + (size_t)l];
                sum[l] += e * e;
            }
        double least = sum[0];
        for (int l = 1; l < LANES; l++) least = sum[l] < least ? sum[l] : least;
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

struct history_moments KERNEL(history_moments)(const float *value, size_t n)
{
    double sum[LANES] = {0}, square[LANES] = {0};
    float low[LANES], high[LANES];
    size_t whole = n / LANES * LANES;
    struct history_moments m;
    for (int l = 0; l < LANES; l++) low[l] = high[l] = value[0];
    for (size_t i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++) {
            float v = value[i + (size_t)l];
            sum[l] += (double)v;
            low[l] = v < low[l] ? v : low[l];
            high[l] = v > high[l] ? v : high[l];
        }
    for (size_t i = whole; i < n; i++) {
        sum[0] += (double)value[i];
        low[0] = value[i] < low[0] ? value[i] : low[0];
        high[0] = value[i] > high[0] ? value[i] : high[0];
    }
    m.mean = lanes_sum(sum) / (double)n;
    for (size_t i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++) {
            double e = (double)value[i + (size_t)l] - m.mean;
            square[l] += e * e;
        }
    for (size_t i = whole; i < n; i++) square[0] += ((double)value[i] - m.mean) * ((double)value[i] - m.mean);
    m.variance = lanes_sum(square) / (double)n;
    m.low = low[0];
    m.high = high[0];
    for (int l = 1; l < LANES; l++) {
        m.low = low[l] < m.low ? low[l] : m.low;
        m.high = high[l] > m.high ? high[l] : m.high;
    }
    return m;
}
