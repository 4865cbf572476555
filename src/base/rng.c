#include "andon/rng.h"

#include <assert.h>
#include <math.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void andon_rng_seed(struct andon_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) rng->s[i] = splitmix(&seed);
}

struct andon_rng andon_rng_fork(uint64_t seed, uint64_t stream)
{
    /* Two rounds keep neighbouring (seed, stream) pairs far apart. */
    uint64_t mixed = seed;
    uint64_t base = splitmix(&mixed) ^ (stream * 0xD1342543DE82EF95u + 1);
    struct andon_rng rng;
    andon_rng_seed(&rng, splitmix(&base));
    return rng;
}

static uint64_t rotl(uint64_t v, int k)
{
    return (v << k) | (v >> (64 - k));
}

uint64_t andon_rng_u64(struct andon_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint32_t andon_rng_below(struct andon_rng *rng, uint32_t bound)
{
    assert(bound >= 1);
    /* Lemire 2019: multiply and reject the short part of the range. */
    uint64_t m = (andon_rng_u64(rng) >> 32) * bound;
    if ((uint32_t)m < bound) {
        uint32_t reject = (uint32_t)(-bound) % bound;
        while ((uint32_t)m < reject) m = (andon_rng_u64(rng) >> 32) * bound;
    }
    return (uint32_t)(m >> 32);
}

double andon_rng_real(struct andon_rng *rng)
{
    return (double)(andon_rng_u64(rng) >> 11) * 0x1p-53;
}

double andon_rng_normal(struct andon_rng *rng)
{
    /* One of the pair is thrown away: no hidden state, so a fork's numbers depend on its seed alone. */
    for (;;) {
        double u = 2.0 * andon_rng_real(rng) - 1.0;
        double v = 2.0 * andon_rng_real(rng) - 1.0;
        double r = u * u + v * v;
        if (r > 0.0 && r < 1.0) return u * sqrt(-2.0 * log(r) / r);
    }
}

void andon_rng_shuffle(struct andon_rng *rng, uint32_t *index, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = andon_rng_below(rng, (uint32_t)i);
        uint32_t t = index[i - 1];
        index[i - 1] = index[j];
        index[j] = t;
    }
}
