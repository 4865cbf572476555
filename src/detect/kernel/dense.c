/* Dense layers for one instruction set; the contract and the invariants are in dense.h.
 *
 * Lanes run over 16 outputs of one panel, so rows need no transposing and a lone row is the same
 * code as a batch. A tile is TILE_ROWS rows by one panel, held in registers over all inputs. */
#include "detect/kernel/dense.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_FMA)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define TILE_ROWS 12
#define LANES 16
#elif defined(__AVX__)
#define TILE_ROWS 6
#define LANES 8
#elif defined(__ARM_FEATURE_FMA)
#define TILE_ROWS 4
#define LANES 4
#else
#define TILE_ROWS 2
#define LANES 4
#endif

#define HALF 8 /* a layer of few outputs works on half a panel */
#define TILE_VECS (DENSE_PANEL / LANES)

_Static_assert(DENSE_BLOCK % TILE_ROWS == 0, "a full block is whole tiles");

#define INLINE static inline __attribute__((always_inline))

/* Loops over a tile unroll completely, so that its sums are registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t mask __attribute__((vector_size(LANES * 4)));
typedef double exact __attribute__((vector_size(LANES * 8), unused));

INLINE vec load(const float *at)
{
    vec v;
    memcpy(&v, at, sizeof v);
    return v;
}

INLINE void store(float *at, vec v)
{
    memcpy(at, &v, sizeof v);
}

INLINE vec fill(float value)
{
    return value - (vec){0};
}

/* KERNEL_FMA on every lane. */
INLINE vec fma_lanes(vec a, vec b, vec c)
{
#if defined(__AVX512F__)
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_FEATURE_FMA)
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    /* The product is exact in double; rounding twice differs from once in one case of 2^29. */
    exact sum = __builtin_convertvector(a, exact) * __builtin_convertvector(b, exact) +
                __builtin_convertvector(c, exact);
    return __builtin_convertvector(sum, vec);
#endif
}

/* The larger of the two, and v where v is NaN. */
INLINE vec at_least(vec v, vec low)
{
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)low, (__m512)v);
#elif defined(__AVX__)
    return (vec)_mm256_max_ps((__m256)low, (__m256)v);
#elif defined(__x86_64__)
    return (vec)_mm_max_ps((__m128)low, (__m128)v);
#else
    mask below = (mask)(v < low);
    return (vec)(((mask)low & below) | ((mask)v & ~below));
#endif
}

/* x P(x^2) / Q(x^2): a minimax quotient on |x| <= 8.5, where tanh is 1 to the last bit of float but
 * one. Error below 4e-7, most of it rounding. */
INLINE vec tanh_lanes(vec x)
{
    x = -at_least(-at_least(x, fill(-8.5f)), fill(-8.5f));
    vec t = x * x;
    vec p = fma_lanes(t, fill(1.42692192e-08f), fill(2.12510358e-05f));
    p = fma_lanes(t, p, fill(0.00353402625f));
    p = fma_lanes(t, p, fill(0.134132464f));
    p = fma_lanes(t, p, fill(0.999999988f));
    vec q = fma_lanes(t, fill(8.14511917e-07f), fill(0.000334886387f));
    q = fma_lanes(t, q, fill(0.0260227489f));
    q = fma_lanes(t, q, fill(0.467465691f));
    q = fma_lanes(t, q, fill(1.0f));
    return x * p / q;
}

/* A tile's way through memory, in locals: a store might otherwise change the product's fields. */
struct strides {
    size_t a_row, a_step, b_step, out_row, inner;
};

/* rows x vecs outputs of one panel; both are constants wherever this is inlined. */
INLINE void tile(const struct strides s, const float *a, const float *b, const vec *start, vec low,
                 float *out, const int rows, const int vecs)
{
    vec sum[TILE_ROWS][TILE_VECS];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vecs; v++) sum[r][v] = start[v];
    for (size_t k = s.inner; k > 0; k--, a += s.a_step, b += s.b_step) {
        vec w[TILE_VECS];
        UNROLL for (int v = 0; v < vecs; v++) w[v] = load(b + v * LANES);
        UNROLL for (int r = 0; r < rows; r++)
        {
            vec one = fill(a[(size_t)r * s.a_row]);
            UNROLL for (int v = 0; v < vecs; v++) sum[r][v] = fma_lanes(one, w[v], sum[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vecs; v++)
            store(out + (size_t)r * s.out_row + v * LANES, at_least(sum[r][v], low));
}

static void tanh_rows(float *out, size_t rows, size_t stride, size_t lanes)
{
    for (size_t r = 0; r < rows; r++, out += stride)
        for (size_t c = 0; c < lanes; c += LANES) store(out + c, tanh_lanes(load(out + c)));
}

/* All rows of one panel: full tiles, then what is left in powers of two. */
INLINE void panel(const struct dense_product *p, const float *b, const float *start_at, float *out,
                  const int vecs)
{
    const struct strides s = {p->a_row, p->a_step, p->b_step, p->out_row, p->inner};
    const vec low = fill(p->activation == DENSE_RELU ? 0.0f : -INFINITY);
    const float *a = p->a;
    vec start[TILE_VECS];
    size_t left = p->rows;
    UNROLL for (int v = 0; v < vecs; v++)
        start[v] = start_at == NULL ? fill(0.0f) : load(start_at + v * LANES);
#define TILES(count)                                                                               \
    for (; left >= (count); left -= (count)) {                                                     \
        tile(s, a, b, start, low, out, (count), vecs);                                             \
        a += (count) * s.a_row;                                                                    \
        out += (count) * s.out_row;                                                                \
    }
    TILES(TILE_ROWS)
#if TILE_ROWS > 8
    TILES(8)
#endif
#if TILE_ROWS > 4
    TILES(4)
#endif
#if TILE_ROWS > 2
    TILES(2)
#endif
    TILES(1)
#undef TILES
}

static void multiply(const struct dense_product *p)
{
    float *const first = p->out;
    const float *b = p->b, *start = p->start;
    float *out = p->out;
    size_t left = p->columns;
    for (; left > HALF || (LANES > HALF && left > 0); b += p->b_panel, out += p->out_panel) {
        panel(p, b, start, out, TILE_VECS);
        if (start != NULL) start += DENSE_PANEL;
        left -= left < DENSE_PANEL ? left : DENSE_PANEL;
    }
    if (left > 0) panel(p, b, start, out, LANES < HALF ? HALF / LANES : 1);
    if (p->activation == DENSE_TANH)
        for (size_t c = 0; c < p->columns; c += DENSE_PANEL)
            tanh_rows(first + c / DENSE_PANEL * p->out_panel, p->rows, p->out_row,
                      p->columns - c <= HALF ? HALF : DENSE_PANEL);
}

typedef float quad __attribute__((vector_size(16)));
typedef double wide __attribute__((vector_size(32)));

/* Adds the squares of four residuals in double, where they are exact. */
INLINE void add_squares(wide *sum, const float *x, const float *y, const float *keep)
{
    quad a, b, k;
    memcpy(&a, x, sizeof a);
    memcpy(&b, y, sizeof b);
    quad r = a - b;
    if (keep != NULL) {
        memcpy(&k, keep, sizeof k);
        r *= k;
    }
#if defined(__AVX__)
    wide s = (wide)_mm256_cvtps_pd((__m128)r);
#else
    wide s = __builtin_convertvector(r, wide);
#endif
    *sum += s * s;
}

/* Sum of squares: feature j goes to lane j mod 8, except that the last eight features are taken
 * together and those already counted are dropped. */
INLINE double squares_of_eight_or_more(const float *x, const float *y, size_t d)
{
    static const float drop[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    wide low = {0}, high = {0};
    size_t j = 0;
    for (; j + 8 <= d; j += 8) {
        add_squares(&low, x + j, y + j, NULL);
        add_squares(&high, x + j + 4, y + j + 4, NULL);
    }
    if (j < d) {
        const float *keep = drop + (d - j);
        add_squares(&low, x + d - 8, y + d - 8, keep);
        add_squares(&high, x + d - 4, y + d - 4, keep + 4);
    }
    low += high;
    return (low[0] + low[2]) + (low[1] + low[3]);
}

INLINE double squares(const float *x, const float *y, size_t d)
{
    if (d >= 8) return squares_of_eight_or_more(x, y, d);
    float xs[8] = {0}, ys[8] = {0};
    memcpy(xs, x, d * sizeof *x);
    memcpy(ys, y, d * sizeof *y);
    return squares_of_eight_or_more(xs, ys, 8);
}

static void shares(const float *x, const float *y, size_t d, double sum, float *share)
{
    for (size_t j = 0; j < d; j++) {
        double r = (double)(x[j] - y[j]);
        share[j] = sum > 0.0 ? (float)(r * r / sum) : 0.0f;
    }
}

/* The last layer's outputs for rows of x; returns where they are. */
INLINE const float *forward(const struct dense_network *net, const float *x, size_t rows,
                            float *scratch, size_t half)
{
    const float *a = x;
    size_t a_row = net->layer[0].in;
    float *out = scratch;
    for (uint32_t l = 0; l < net->layers; l++) {
        const struct dense_layer *layer = &net->layer[l];
        out = scratch + (l % 2 == 0 ? 0 : half);
        size_t stride = dense_padded(layer->out);
        multiply(&(struct dense_product){
            .a = a, .a_row = a_row, .a_step = 1,
            .b = layer->weight, .b_step = DENSE_PANEL, .b_panel = layer->in * (size_t)DENSE_PANEL,
            .start = layer->bias, .out = out, .out_row = stride, .out_panel = DENSE_PANEL,
            .rows = rows, .inner = layer->in, .columns = layer->out,
            .activation = l + 1 < net->layers ? net->activation : DENSE_LINEAR});
        a = out;
        a_row = stride;
    }
    return out;
}

static void score(const struct dense_network *net, const float *x, size_t n, double *score_out,
                  float *share, float *scratch)
{
    const size_t d = net->layer[0].in, stride = dense_padded(d);
    const size_t half = dense_scratch_floats(net) / 2;
    for (size_t i = 0; i < n; i += DENSE_BLOCK) {
        size_t rows = n - i < DENSE_BLOCK ? n - i : DENSE_BLOCK;
        const float *y = forward(net, x + i * d, rows, scratch, half);
        for (size_t r = 0; r < rows; r++) {
            double sum = squares(x + (i + r) * d, y + r * stride, d);
            score_out[i + r] = sum / (double)d;
            if (share != NULL)
                shares(x + (i + r) * d, y + r * stride, d, sum, share + (i + r) * d);
        }
    }
}

static void backward(enum dense_activation activation, const float *y, float *slope, size_t count)
{
    if (activation == DENSE_RELU)
        for (size_t i = 0; i < count; i++) slope[i] = y[i] > 0.0f ? slope[i] : 0.0f;
    if (activation == DENSE_TANH)
        for (size_t i = 0; i < count; i++) slope[i] *= 1.0f - y[i] * y[i];
}

static void residual(const float *x, const float *y, float scale, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) out[i] = (y[i] - x[i]) * scale;
}

static void sum_rows(const float *x, size_t rows, size_t stride, float *sum)
{
    for (size_t c = 0; c < stride; c += LANES) {
        vec s = fill(0.0f);
        for (size_t r = 0; r < rows; r++) s += load(x + r * stride + c);
        store(sum + c, s);
    }
}

static void adam(const struct dense_adam *how, const float *gradient, float *first, float *second,
                 float *parameter, size_t count)
{
    const struct dense_adam h = *how;
    const float rest1 = 1.0f - h.beta1, rest2 = 1.0f - h.beta2;
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i];
        float m = KERNEL_FMA(h.beta1, first[i], rest1 * g);
        float v = KERNEL_FMA(h.beta2, second[i], rest2 * g * g);
        first[i] = m;
        second[i] = v;
        parameter[i] -= h.rate * m / (__builtin_sqrtf(v) + h.epsilon);
    }
}

const struct dense_kernel KERNEL(dense_kernel) = {
    .multiply = multiply,
    .score = score,
    .backward = backward,
    .residual = residual,
    .sum_rows = sum_rows,
    .adam = adam,
};
