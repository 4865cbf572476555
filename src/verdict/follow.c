/* The streaming part: levels, normals, acceptance. Memory is flat and holds no pointers. */
#include "verdict/follow.h"

#include <math.h>
#include <string.h>

#include "detect/kernel/apply.h"

/* Rows of the fast and slow means, and rows until a settled level is spoken of. */
static const double fast_rows = 60.0, slow_rows = 240.0, swing_part = 0.3, width_grown = 1.25;
enum { SETTLED_ROWS = 120 };
static const double distance_offset = 1e-3;

struct state {
    uint32_t normals;  /* remembered, >= 1; the first is the one that was learned    */
    uint32_t pushed;   /* distances since the normals last changed; once FOLLOW_SMOOTH are
                          there, modulo FOLLOW_SMOOTH plus FOLLOW_SMOOTH            */
    int64_t steady;    /* steady rows far out, less the rows that were not        */
    double recent[FOLLOW_NORMALS][FOLLOW_SMOOTH];
};

struct memory {
    struct state *state;
    double *level;  /* level[FOLLOW_NORMALS][d]        */
    double *width;  /* width[FOLLOW_NORMALS][d]: factor on follow->width */
    double *fast, *slow, *swing; /* [d] each           */
    float *g;       /* g[d]: deviation from the normal being tried */
    float *sum;     /* sum[d]: working row             */
};

static size_t padded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

size_t follow_memory_bytes(const struct follow *f)
{
    size_t row = padded(f->d * sizeof(double));
    return padded(sizeof(struct state)) + (2 * FOLLOW_NORMALS + 3) * row +
           2 * padded(f->d * sizeof(float));
}

static struct memory memory_of(const struct follow *f, void *block)
{
    size_t row = padded(f->d * sizeof(double)) / sizeof(double);
    double *at = (void *)((char *)block + padded(sizeof(struct state)));
    struct memory m = {.state = block,
                       .level = at,
                       .width = at + FOLLOW_NORMALS * row,
                       .fast = at + 2 * FOLLOW_NORMALS * row};
    m.slow = m.fast + row;
    m.swing = m.slow + row;
    m.g = (void *)(m.swing + row);
    m.sum = m.g + padded(f->d * sizeof(float)) / sizeof(float);
    return m;
}

static size_t stride(const struct follow *f)
{
    return padded(f->d * sizeof(double)) / sizeof(double);
}

void follow_memory_init(const struct follow *f, void *block)
{
    memset(block, 0, follow_memory_bytes(f));
    struct memory m = memory_of(f, block);
    m.state->normals = 1;
    memcpy(m.level, f->start, f->d * sizeof *m.level);
    memcpy(m.fast, f->fast, f->d * sizeof *m.fast);
    memcpy(m.slow, f->slow, f->d * sizeof *m.slow);
    memcpy(m.swing, f->swing, f->d * sizeof *m.swing);
    for (uint32_t j = 0; j < f->d; j++) m.width[j] = 1.0;
}

static float deviation(double z, double c)
{
    double size = fabs(z);
    return (float)(size <= c ? z : copysign(c * (1.0 + log(size / c)), z));
}

/* |white' g|^2 / d */
static double distance(const struct follow *f, const float *g, float *sum, enum andon_kernel kernel)
{
    double square;
    apply_kernel(kernel)(f->white, f->d, g, 1, sum, &square);
    return square / f->d;
}

/* The normal that a row is compared with. */
struct nearness {
    uint32_t normal;
    double mean;    /* distance from it, over the last rows            */
    double now;     /* distance from it, of this row                   */
    double learned; /* this row's distance from the normal that was learned */
};

/* Tries every normal; leaves the nearest one's deviation in g. */
static struct nearness nearest(const struct follow *f, struct memory *m, const float *x,
                               const uint8_t *gone, float *g, enum andon_kernel kernel)
{
    struct state *s = m->state;
    struct nearness best = {0};
    uint32_t slot = s->pushed % FOLLOW_SMOOTH;
    uint32_t filled = s->pushed + 1 < FOLLOW_SMOOTH ? s->pushed + 1 : FOLLOW_SMOOTH;
    for (uint32_t k = 0; k < s->normals; k++) {
        const double *level = m->level + k * stride(f), *width = m->width + k * stride(f);
        for (uint32_t j = 0; j < f->d; j++)
            m->g[j] = gone != NULL && gone[j]
                          ? 0.0f
                          : deviation(((double)x[j] - level[j]) / (width[j] * f->width[j]),
                                      f->options.compress);
        double now = distance(f, m->g, m->sum, kernel), mean = 0.0;
        s->recent[k][slot] = now;
        for (uint32_t i = 0; i < filled; i++) mean += s->recent[k][i];
        mean /= filled;
        if (k == 0) best.learned = now;
        if (k > 0 && !(mean < best.mean)) continue;
        best.normal = k;
        best.mean = mean;
        best.now = now;
        memcpy(g, m->g, f->d * sizeof *g);
    }
    s->pushed = s->pushed + 1 < 2 * FOLLOW_SMOOTH ? s->pushed + 1 : FOLLOW_SMOOTH;
    return best;
}

static void follow_level(const struct follow *f, struct memory *m, uint32_t k, const float *x,
                         const uint8_t *gone, bool wrong)
{
    double *level = m->level + k * stride(f);
    const double *width = m->width + k * stride(f);
    double tau = f->options.tau * (wrong ? f->options.slower : 1.0);
    for (uint32_t j = 0; j < f->d; j++) {
        if (gone != NULL && gone[j]) continue;
        double step = (double)x[j] - level[j], most = width[j] * f->width[j];
        step = step > most ? most : step < -most ? -most : step;
        level[j] += step / tau;
    }
}

/* Updates the fast and slow means; true when few features move. */
static bool is_steady(const struct follow *f, struct memory *m, const float *x,
                      const uint8_t *gone)
{
    uint32_t moving = 0;
    for (uint32_t j = 0; j < f->d; j++) {
        if (gone != NULL && gone[j]) continue;
        double v = (double)x[j], away = fabs(v - m->slow[j]);
        m->fast[j] += (v - m->fast[j]) / fast_rows;
        m->slow[j] += (v - m->slow[j]) / slow_rows;
        m->swing[j] += (away - m->swing[j]) / slow_rows;
        moving += fabs(m->fast[j] - m->slow[j]) > f->width[j] + swing_part * m->swing[j];
    }
    return (double)moving <= f->options.moving * f->d;
}

/* Remembers the present level as a normal; the oldest accepted one goes when there is no room. */
static void accept(const struct follow *f, struct memory *m)
{
    struct state *s = m->state;
    size_t row = stride(f);
    if (s->normals == FOLLOW_NORMALS) {
        memmove(m->level + row, m->level + 2 * row, (FOLLOW_NORMALS - 2) * row * sizeof(double));
        memmove(m->width + row, m->width + 2 * row, (FOLLOW_NORMALS - 2) * row * sizeof(double));
        memmove(s->recent[1], s->recent[2], (FOLLOW_NORMALS - 2) * sizeof s->recent[0]);
        s->normals--;
    }
    uint32_t k = s->normals++;
    for (uint32_t j = 0; j < f->d; j++) {
        double swing = width_grown * m->swing[j] / f->width[j];
        m->level[k * row + j] = m->slow[j];
        m->width[k * row + j] = swing > 1.0 ? swing : 1.0;
    }
    s->pushed = 0;
    s->steady = 0;
}

/* Counts up on steady rows far out and down on others, so that a level that flickers about the limit
 * is learned too. */
static void count_steady(const struct follow *f, struct memory *m, bool far, bool steady)
{
    struct state *s = m->state;
    if (far && steady)
        s->steady++;
    else if (s->steady > 0)
        s->steady--;
    if (f->options.accept > 0 && s->steady >= f->options.accept) accept(f, m);
}

struct followed follow_row(const struct follow *f, void *block, const float *x,
                           const uint8_t *gone, float *g, enum andon_kernel kernel)
{
    struct memory m = memory_of(f, block);
    struct nearness near = nearest(f, &m, x, gone, g, kernel);
    struct followed said = {.distance = log(near.mean + distance_offset)};
    said.excess = log(near.learned + distance_offset) - log(near.now + distance_offset);
    follow_level(f, &m, near.normal, x, gone, said.distance > f->limit);
    bool steady = is_steady(f, &m, x, gone), far = said.distance > f->usual;
    count_steady(f, &m, far, steady);
    said.settled = far && m.state->steady >= SETTLED_ROWS;
    return said;
}
