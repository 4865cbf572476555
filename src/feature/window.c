#include "feature/window.h"

#include <math.h>

static const double unit = 0x1p-24;

int64_t window_sample(double z)
{
    double limit = 0x1p26;
    z = z > limit ? limit : z < -limit ? -limit : z;
    return llrint(z * 0x1p24);
}

static unsigned __int128 square(int64_t v)
{
    unsigned __int128 size = (unsigned __int128)(v < 0 ? -v : v);
    return size * size;
}

static uint32_t slot_before(const struct window_ring *ring, uint32_t length_max, uint32_t lag)
{
    return ring->head >= lag ? ring->head - lag : ring->head + length_max - lag;
}

void window_push(struct window_ring *ring, int64_t *sample, uint32_t length_max,
                 const uint32_t *length, size_t lengths, struct window_sums *sums, int64_t z)
{
    for (size_t k = 0; k < lengths; k++) {
        if (ring->count >= length[k]) {
            int64_t leaving = sample[slot_before(ring, length_max, length[k] - 1)];
            sums[k].sum -= leaving;
            sums[k].squares -= square(leaving);
        }
        sums[k].sum += z;
        sums[k].squares += square(z);
    }
    ring->head = ring->head + 1 < length_max ? ring->head + 1 : 0;
    sample[ring->head] = z;
    if (ring->count < length_max) ring->count++;
}

static uint32_t filled(const struct window_ring *ring, uint32_t length)
{
    return ring->count < length ? ring->count : length;
}

double window_mean(const struct window_ring *ring, uint32_t length, const struct window_sums *sums)
{
    uint32_t n = filled(ring, length);
    return n == 0 ? 0.0 : (double)sums->sum * unit / (double)n;
}

double window_deviation(const struct window_ring *ring, uint32_t length,
                        const struct window_sums *sums)
{
    uint32_t n = filled(ring, length);
    if (n < 2) return 0.0;
    /* n * squares - sum^2 is exact, so equal samples give exactly 0. */
    unsigned __int128 spread = sums->squares * n - square(sums->sum);
    double size = spread >> 64 == 0 ? (double)(uint64_t)spread : (double)spread;
    return sqrt(size) * unit / sqrt((double)n * (double)(n - 1));
}

double window_difference(const struct window_ring *ring, const int64_t *sample,
                         uint32_t length_max, uint32_t lag)
{
    if (ring->count < 2) return 0.0;
    uint32_t back = lag < ring->count ? lag : ring->count - 1;
    return (double)(sample[ring->head] - sample[slot_before(ring, length_max, back)]) * unit;
}
