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
enum { LANES = 16, TILE_ROWS = 12, TILE_VECS = DENSE_PANEL / LANES, HALF = 8 };
#elif defined(__AVX__)
enum { LANES = 8, TILE_ROWS = 6, TILE_VECS = DENSE_PANEL / LANES, HALF = 8 };
#elif defined(__ARM_FEATURE_FMA)
enum { LANES = 4, TILE_ROWS = 4, TILE_VECS = DENSE_PANEL / LANES, HALF = 8 };
#else
enum { LANES = 4, TILE_ROWS = 2, TILE_VECS = DENSE_PANEL / LANES, HALF = 8 };
#endif

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
    return a * b + c;
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

/* rows x vecs outputs of one panel; both are constants wherever this is inlined. */
INLINE void tile(const struct dense_product *p, const float *a, const float *b, const float *start,
                 float *out, const int rows, const int vecs)
{
    const size_t a_row = p->a_row, a_step = p->a_step, b_step = p->b_step, inner = p->inner;
    const vec low = fill(p->activation == DENSE_RELU ? 0.0f : -INFINITY);
    vec sum[TILE_ROWS][TILE_VECS];
    UNROLL for (int v = 0; v < vecs; v++)
    {
        vec from = start == NULL ? fill(0.0f) : load(start + v * LANES);
        UNROLL for (int r = 0; r < rows; r++) sum[r][v] = from;
    }
    for (size_t k = 0; k < inner; k++, a += a_step, b += b_step) {
        vec w[TILE_VECS];
        UNROLL for (int v = 0; v < vecs; v++) w[v] = load(b + v * LANES);
        UNROLL for (int r = 0; r < rows; r++)
        {
            vec one = fill(a[(size_t)r * a_row]);
            UNROLL for (int v = 0; v < vecs; v++) sum[r][v] = fma_lanes(one, w[v], sum[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vecs; v++)
            store(out + (size_t)r * p->out_row + v * LANES, at_least(sum[r][v], low));
}

static void tanh_rows(float *out, size_t rows, size_t stride, size_t lanes)
{
    for (size_t r = 0; r < rows; r++, out += stride)
        for (size_t c = 0; c < lanes; c += LANES) store(out + c, tanh_lanes(load(out + c)));
}

/* All rows of one panel: full tiles, then what is left in powers of two. */
INLINE void panel(const struct dense_product *p, const float *b, const float *start, float *out,
                  const int vecs)
{
    const float *a = p->a;
    float *const panel_out = out;
    size_t left = p->rows;
    for (; left >= TILE_ROWS; left -= TILE_ROWS) {
        tile(p, a, b, start, out, TILE_ROWS, vecs);
        a += TILE_ROWS * p->a_row;
        out += TILE_ROWS * p->out_row;
    }
#define REST(count)                                                                                \
    for (; TILE_ROWS > (count) && left >= (count); left -= (count)) {                              \
        tile(p, a, b, start, out, (count) < TILE_ROWS ? (count) : 1, vecs);                        \
        a += (count) * p->a_row;                                                                   \
        out += (count) * p->out_row;                                                               \
    }
    REST(8) REST(4) REST(2) REST(1)
#undef REST
    if (p->activation == DENSE_TANH)
        tanh_rows(panel_out, p->rows, p->out_row, (size_t)(vecs * LANES));
}

static void multiply(const struct dense_product *p)
{
    const float *b = p->b, *start = p->start;
    float *out = p->out;
    size_t left = p->columns;
    for (; left > HALF || (LANES > HALF && left > 0); b += p->b_panel, out += p->out_panel) {
        panel(p, b, start, out, TILE_VECS);
        if (start != NULL) start += DENSE_PANEL;
        left -= left < DENSE_PANEL ? left : DENSE_PANEL;
    }
    if (left > 0) panel(p, b, start, out, LANES < HALF ? HALF / LANES : 1);
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
    wide s = __builtin_convertvector(r, wide);
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
