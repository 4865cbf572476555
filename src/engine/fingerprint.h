/* A set of verdicts in two numbers, whatever their order: how many, and the sum of their hashes. Two runs
 * that said the same of the same rows have the same fingerprint. */
#ifndef ENGINE_FINGERPRINT_H
#define ENGINE_FINGERPRINT_H

#include <stdint.h>

#include "base/text.h"

struct fingerprint { /* a zeroed one is of no verdicts */
    uint64_t verdicts, sum;
};

/* What a verdict is known by, whichever side it comes from. */
struct said {
    struct text asset, channel, model; /* names; the leading channel, "" when none */
    int64_t ts_ns;
    double score, p_value;
    uint32_t version;
    uint8_t state, reason, is_anomaly;
};

uint64_t said_hash(const struct said *said);

static inline void fingerprint_add(struct fingerprint *f, uint64_t hash)
{
    f->verdicts++;
    f->sum += hash;
}

#endif
