/* Hashes of verdicts: scores by their bits, so that the last one counts. */
#include "engine/fingerprint.h"

#include <math.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static uint64_t mix_text(uint64_t h, struct text t)
{
    h = mix(h, t.length);
    for (uint32_t i = 0; i < t.length; i++) h = mix(h, (uint8_t)t.at[i]);
    return h;
}

static uint64_t bits(double v)
{
    uint64_t b;
    if (isnan(v)) return 0; /* one NaN is like the other */
    memcpy(&b, &v, sizeof b);
    return b;
}

uint64_t said_hash(const struct said *s)
{
    uint64_t h = mix_text(mix_text(mix_text(1, s->asset), s->channel), s->model);
    h = mix(mix(mix(h, (uint64_t)s->ts_ns), bits(s->score)), bits(s->p_value));
    h = mix(mix(h, s->version), (uint64_t)s->state << 16 | (uint64_t)s->reason << 8 | s->is_anomaly);
    return mix(h, h >> 32);
}
