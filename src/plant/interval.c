#include "plant/interval.h"

void interval_see(struct interval *interval, int64_t ts_ns)
{
    int64_t step;
    if (interval->seen++ > 0) {
        if (ts_ns <= interval->last_ns) return;
        if (__builtin_sub_overflow(ts_ns, interval->last_ns, &step)) step = INT64_MAX;
        interval->step[interval->steps++ % INTERVAL_STEPS] = step;
    }
    interval->last_ns = ts_ns;
}

int64_t interval_usual(const struct interval *interval)
{
    int64_t sorted[INTERVAL_STEPS];
    uint32_t n = interval->steps < INTERVAL_STEPS ? (uint32_t)interval->steps : INTERVAL_STEPS;
    if (n < INTERVAL_LEAST) return 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i;
        for (; k > 0 && sorted[k - 1] > interval->step[i]; k--) sorted[k] = sorted[k - 1];
        sorted[k] = interval->step[i];
    }
    return sorted[(n - 1) / 2];
}

bool interval_good(const struct interval *interval)
{
    if (interval->steps >= interval->seen) return interval->seen == 0 && interval->steps == 0;
    for (uint32_t i = 0; i < INTERVAL_STEPS && i < interval->steps; i++)
        if (interval->step[i] <= 0) return false;
    return true;
}
