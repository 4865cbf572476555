/* Seeded random numbers: the same seed gives the same numbers on every machine (xoshiro256**,
 * Blackman and Vigna 2018; seeded by splitmix64). Not for secrets. */
#ifndef ANDON_RNG_H
#define ANDON_RNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct andon_rng {
    uint64_t s[4];
};

void andon_rng_seed(struct andon_rng *rng, uint64_t seed);

/* andon_rng_fork seeds a child stream that does not overlap its siblings': one per tree, fold or
 * channel, so that the order of the work does not change the numbers. */
struct andon_rng andon_rng_fork(uint64_t seed, uint64_t stream);

uint64_t andon_rng_u64(struct andon_rng *rng);

/* Uniform on [0, bound), bound >= 1, without modulo bias. */
uint32_t andon_rng_below(struct andon_rng *rng, uint32_t bound);

/* Uniform on [0, 1), 53 bits. */
double andon_rng_real(struct andon_rng *rng);

/* Standard normal (polar method). */
double andon_rng_normal(struct andon_rng *rng);

/* andon_rng_shuffle puts index[0..n) into a random order (Fisher-Yates). */
void andon_rng_shuffle(struct andon_rng *rng, uint32_t *index, size_t n);

#ifdef __cplusplus
}
#endif
#endif
