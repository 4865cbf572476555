/* What was measured: consecutive samples of one machine, in order of time. */
#ifndef ANDON_SERIES_H
#define ANDON_SERIES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ANDON_REGIME_UNKNOWN (-1)
#define ANDON_RUNNING_UNKNOWN (-1)

/* Borrowed columns. */
struct andon_series {
    size_t n;
    uint32_t channels;
    const double *value;   /* value[n][channels], engineering units, NaN = missing             */
    const int64_t *ts_ns;  /* ts_ns[n], UTC; NULL: one interval apart                          */
    const int8_t *running; /* running[n]: 1, 0 or ANDON_RUNNING_UNKNOWN, which is taken as
                              running; NULL: always running                                    */
    const int32_t *regime; /* regime[n]: index of the regime's name, or ANDON_REGIME_UNKNOWN, as
                              which any other number is taken; NULL: there is one regime       */
};

#ifdef __cplusplus
}
#endif
#endif
