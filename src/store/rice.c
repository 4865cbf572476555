/* See rice.h. The unary codes and the low bits stand apart, so that decoding neither waits for the
 * other: a one of the unary stream is found per value, the low bits are loaded from where they must
 * be. */
#include "store/rice.h"

#include <assert.h>

enum shape { LEVEL, STEP, CURVE, SMOOTH, SHAPES, LINE = SHAPES };
enum { RICE_ESCAPE = 16, SAMPLE_MIN = 32, SETTLE = 8 };

/* The head: 64 widths for each of the first three shapes, 48 for SMOOTH, which is for small residuals. */
enum { HEAD_SMOOTH = 3 * 64, HEAD_CONSTANT = HEAD_SMOOTH + 48, HEAD_LINE, SMOOTH_WIDTH_MAX = 47 };

static const uint8_t first_residual[SHAPES] = {[LEVEL] = 0, [STEP] = 1, [CURVE] = 2, [SMOOTH] = 1};
static const uint8_t parameters[SHAPES] = {[LEVEL] = 1, [STEP] = 2, [CURVE] = 2, [SMOOTH] = 1};

struct plan {
    enum shape shape;
    unsigned width; /* b */
    int64_t param[2];
};

static inline unsigned bits_of(uint64_t u)
{
    return u == 0 ? 0 : 64u - (unsigned)__builtin_clzll(u);
}

static inline int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* (a - b) / n toward zero, of the true difference. */
static int64_t slope_of(int64_t a, int64_t b, uint32_t n)
{
    return a >= b ? (int64_t)(((uint64_t)a - (uint64_t)b) / n)
                  : (int64_t)(0 - ((uint64_t)b - (uint64_t)a) / n);
}

/* About the mean of x; x0 when the numbers are too far apart to be summed. */
static int64_t middle(const int64_t *x, uint32_t n)
{
    int64_t sum = 0;
    uint64_t far = 0;
    for (uint32_t i = 1; i < n; i++) {
        int64_t d = minus(x[i], x[0]);
        far |= wire_zigzag(d);
        sum = plus(sum, d);
    }
    return far >> 50 != 0 ? x[0] : plus(x[0], sum / (int64_t)n);
}

/* How many residuals of each predictor have how many bits. */
struct counts {
    uint16_t of[SHAPES][65];
};

/* What SMOOTH predicts, scaled by 4, and the prediction itself. */
static inline int64_t quarter(uint64_t p)
{
    return (int64_t)(p + 2) >> 2;
}

/* Half bits that n residuals, of which of[L] have L bits, take with this width: what a number of
 * 1, 2, 3, 4 bits above the width costs in unary on the average, and beyond that as an escape. */
static uint32_t cost_of_width(const uint16_t *of, uint32_t n, unsigned width, unsigned bits_max)
{
    static const uint8_t unary[5] = {0, 2, 5, 11, 23};
    uint32_t cost = 2 * n * (width + 1u);
    for (unsigned bits = width + 1; bits <= bits_max; bits++) {
        unsigned above = bits - width;
        cost += of[bits] *
                (above < 5 ? unary[above] : 2u * RICE_ESCAPE + 16u * ((above + 6u) / 7u));
    }
    return cost;
}

/* The cheapest width, from the mean number of bits on; returns its cost. */
static uint32_t pick_width(const uint16_t *of, uint32_t n, unsigned *width)
{
    uint32_t sum = 0;
    unsigned bits_max = 0;
    for (unsigned bits = 1; bits <= 64; bits++) {
        sum += bits * of[bits];
        if (of[bits] > 0) bits_max = bits;
    }
    unsigned from = n > 0 ? sum / n : 0;
    if (from > 0) from--;
    *width = from < 63 ? from : 63;
    uint32_t least = cost_of_width(of, n, *width, bits_max);
    for (unsigned w = *width + 1; w <= bits_max && w < 64; w++) {
        uint32_t cost = cost_of_width(of, n, w, bits_max);
        if (cost < least) {
            least = cost;
            *width = w;
        }
    }
    for (unsigned w = from; w-- > 0;) {
        uint32_t cost = cost_of_width(of, n, w, bits_max);
        if (cost >= least) break;
        least = cost;
        *width = w;
    }
    return least;
}

/* Counts the residuals of all predictors over x[from .. to), from >= 2. */
static void count(struct counts *counts, const int64_t *x, uint32_t from, uint32_t to, int64_t base,
                  int64_t slope)
{
    uint32_t i = from > 2 + SETTLE ? from - SETTLE : 2;
    int64_t step = minus(x[i - 1], x[i - 2]);
    uint64_t p = 4 * (uint64_t)x[i - 1];
    for (; i < from; i++) { /* what SMOOTH would have come to */
        p += (uint64_t)minus(x[i], quarter(p));
        step = minus(x[i], x[i - 1]);
    }
    for (; i < to; i++) {
        int64_t d = minus(x[i], x[i - 1]), smooth = minus(x[i], quarter(p));
        counts->of[LEVEL][bits_of(wire_zigzag(minus(x[i], base)))]++;
        counts->of[STEP][bits_of(wire_zigzag(minus(d, slope)))]++;
        counts->of[CURVE][bits_of(wire_zigzag(minus(d, step)))]++;
        counts->of[SMOOTH][bits_of(wire_zigzag(smooth))]++;
        p += (uint64_t)smooth;
        step = d;
    }
}

static bool is_line(const int64_t *x, uint32_t n, int64_t slope)
{
    uint64_t bent = 0;
    for (uint32_t i = 1; i < n; i++) bent |= (uint64_t)minus(minus(x[i], x[i - 1]), slope);
    return bent == 0;
}

/* Picks the predictor that takes the fewest bits in the middle of the sequence: looking at all of it
 * would take as long as all the rest of writing it. */
static void pick(struct plan *p, const int64_t *x, uint32_t n)
{
    struct counts counts = {0};
    int64_t slope = n > 1 ? slope_of(x[n - 1], x[0], n - 1) : 0, base;
    *p = (struct plan){.shape = LINE, .param = {x[0], slope}};
    if (is_line(x, n, slope)) return;
    base = middle(x, n);
    uint32_t sample = n / 4 > SAMPLE_MIN ? n / 4 : SAMPLE_MIN;
    uint32_t from = n > sample + 4 ? (n - sample) / 2 : 2, to = from + sample < n ? from + sample : n;
    uint32_t least = UINT32_MAX;
    count(&counts, x, from, to, base, slope);
    for (int shape = 0; shape < SHAPES; shape++) {
        unsigned width;
        uint32_t cost = pick_width(counts.of[shape], to - from, &width);
        if (n < SAMPLE_MIN) cost += 16u * parameters[shape];
        if (cost >= least || (shape == SMOOTH && width > SMOOTH_WIDTH_MAX)) continue;
        least = cost;
        p->shape = (enum shape)shape;
    }
    if (p->shape == LEVEL) p->param[0] = base;
    if (p->shape == CURVE) p->param[1] = x[1];
}

/* u[i] for the residuals of x[n]; returns how many. */
static uint32_t residuals(const struct plan *plan, const int64_t *x, uint32_t n, uint64_t *u)
{
    int64_t base = plan->param[0], slope = plan->param[1];
    uint64_t p = 4 * (uint64_t)x[0];
    switch (plan->shape) {
    case LEVEL:
        for (uint32_t i = 0; i < n; i++) u[i] = wire_zigzag(minus(x[i], base));
        return n;
    case STEP:
        for (uint32_t i = 1; i < n; i++) u[i - 1] = wire_zigzag(minus(minus(x[i], x[i - 1]), slope));
        return n - 1;
    case CURVE:
        for (uint32_t i = 2; i < n; i++)
            u[i - 2] = wire_zigzag(minus(minus(x[i], x[i - 1]), minus(x[i - 1], x[i - 2])));
        return n - 2;
    default:
        for (uint32_t i = 1; i < n; i++) {
            int64_t r = minus(x[i], quarter(p));
            p += (uint64_t)r;
            u[i - 1] = wire_zigzag(r);
        }
        return n - 1;
    }
}

/* Two counts in turn, as a count cannot be read back in the next step. */
static unsigned width_of(const uint64_t *u, uint32_t n)
{
    uint16_t of[2][65] = {{0}};
    unsigned width;
    for (uint32_t i = 0; i < n; i++) of[i & 1][bits_of(u[i])]++;
    for (int bits = 0; bits <= 64; bits++) of[0][bits] = (uint16_t)(of[0][bits] + of[1][bits]);
    (void)pick_width(of[0], n, &width);
    return width;
}

static uint8_t *put_unary(uint8_t *out, const uint64_t *u, uint32_t n, unsigned width)
{
    uint64_t word = 0;
    unsigned fill = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t q = u[i] >> width;
        fill += q < RICE_ESCAPE ? (unsigned)q : RICE_ESCAPE;
        if (fill >= 64) {
            out = wire_put_u64(out, word);
            word = 0;
            fill -= 64;
        }
        word |= UINT64_C(1) << fill++;
        if (fill == 64) {
            out = wire_put_u64(out, word);
            word = 0;
            fill = 0;
        }
    }
    for (; fill > 0; fill -= fill < 8 ? fill : 8, word >>= 8) *out++ = (uint8_t)word;
    return out;
}

static uint8_t *put_low(uint8_t *out, const uint64_t *u, uint32_t n, unsigned width)
{
    if (width == 0) return out;
    uint64_t word = 0, mask = (UINT64_C(1) << width) - 1;
    unsigned fill = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t low = u[i] & mask;
        word |= low << fill;
        if (fill + width < 64) {
            fill += width;
            continue;
        }
        out = wire_put_u64(out, word);
        unsigned used = 64 - fill;
        word = used < 64 ? low >> used : 0;
        fill = fill + width - 64;
    }
    for (; fill > 0; fill -= fill < 8 ? fill : 8, word >>= 8) *out++ = (uint8_t)word;
    return out;
}

uint8_t *rice_put(uint8_t *out, const int64_t *x, uint32_t n)
{
    uint64_t u[RICE_MAX];
    struct plan p;
    assert(n <= RICE_MAX);
    if (n == 0) return out;
    pick(&p, x, n);
    if (p.shape == LINE) {
        *out++ = p.param[1] != 0 ? HEAD_LINE : HEAD_CONSTANT;
        out = wire_put_signed(out, p.param[0]);
        return p.param[1] != 0 ? wire_put_signed(out, p.param[1]) : out;
    }
    uint32_t count = residuals(&p, x, n, u);
    p.width = width_of(u, count);
    if (p.shape == SMOOTH && p.width > SMOOTH_WIDTH_MAX) p.width = SMOOTH_WIDTH_MAX;
    *out++ = (uint8_t)((unsigned)p.shape << 6 | p.width);
    out = wire_put_signed(out, p.param[0]);
    if (parameters[p.shape] == 2) out = wire_put_signed(out, p.param[1]);
    out = put_unary(out, u, count, p.width);
    out = put_low(out, u, count, p.width);
    for (uint32_t i = 0; i < count; i++)
        if (u[i] >> p.width >= RICE_ESCAPE) out = wire_put_varint(out, u[i] >> p.width);
    return out;
}

/* ---- reading ---- */

static inline uint64_t load_some(const uint8_t *at, const uint8_t *end)
{
    if (end - at >= 8) return wire_load64(at);
    uint64_t word = 0;
    for (unsigned i = 0; at + i < end; i++) word |= (uint64_t)at[i] << (8 * i);
    return word;
}

/* q[n] from the unary stream; *escapes: whether one of them is RICE_ESCAPE. */
static bool get_unary(struct wire *in, uint64_t *q, uint32_t n, bool *escapes)
{
    uint32_t found = 0;
    int64_t last = -1, base = 0; /* bit positions */
    uint64_t most = 0;
    const uint8_t *at = in->at;
    while (at < in->end) {
        uint64_t word = load_some(at, in->end);
        while (word != 0) {
            int64_t here = base + __builtin_ctzll(word);
            uint64_t zeros = (uint64_t)(here - last - 1);
            word &= word - 1;
            last = here;
            most = zeros > most ? zeros : most;
            q[found++] = zeros;
            if (found == n) {
                in->at += (size_t)(here / 8) + 1;
                *escapes = most >= RICE_ESCAPE;
                return most <= RICE_ESCAPE;
            }
        }
        if (most > RICE_ESCAPE) return false;
        base += 64;
        at = in->end - at >= 8 ? at + 8 : in->end;
    }
    return false;
}

static bool get_low(struct wire *in, uint64_t *u, uint32_t n, unsigned width)
{
    uint8_t padded[RICE_MAX * 8 + 16];
    size_t bytes = ((size_t)n * width + 7) / 8;
    const uint8_t *low = wire_take(in, bytes);
    if (low == NULL) return false;
    if (wire_left(in) < 16) {
        memcpy(padded, low, bytes);
        memset(padded + bytes, 0, 16);
        low = padded;
    }
    uint64_t mask = (UINT64_C(1) << width) - 1;
    if (width <= 56)
        for (size_t i = 0, bit = 0; i < n; i++, bit += width)
            u[i] = u[i] << width | (wire_load64(low + bit / 8) >> (bit & 7) & mask);
    else
        for (size_t i = 0, bit = 0; i < n; i++, bit += width) {
            uint64_t part = wire_load64(low + bit / 8) >> (bit & 7);
            if ((bit & 7) > 0) part |= (uint64_t)low[bit / 8 + 8] << (64 - (bit & 7));
            u[i] = u[i] << width | (part & mask);
        }
    return true;
}

/* Escaped quotients stand behind; their u holds RICE_ESCAPE above its low bits. */
static bool get_escapes(struct wire *in, uint64_t *u, uint32_t n, unsigned width)
{
    uint64_t mask = width == 0 ? 0 : (UINT64_C(1) << width) - 1;
    for (uint32_t i = 0; i < n; i++) {
        if (u[i] >> width != RICE_ESCAPE) continue;
        uint64_t q = wire_varint(in);
        if (q < RICE_ESCAPE || (width > 0 && q >> (64 - width) != 0)) return false;
        u[i] = q << width | (u[i] & mask);
    }
    return !in->bad;
}

static void add_up(const struct plan *plan, const uint64_t *u, int64_t *x, uint32_t n)
{
    uint64_t at = (uint64_t)plan->param[0], step = (uint64_t)plan->param[1], p = 4 * at;
    x[0] = plan->param[0];
    switch (plan->shape) {
    case LEVEL:
        for (uint32_t i = 0; i < n; i++) x[i] = (int64_t)(at + (uint64_t)wire_unzigzag(u[i]));
        return;
    case STEP:
        for (uint32_t i = 1; i < n; i++) {
            at += (uint64_t)wire_unzigzag(u[i - 1]) + step;
            x[i] = (int64_t)at;
        }
        return;
    case CURVE:
        x[1] = plan->param[1];
        step -= at;
        at += step;
        for (uint32_t i = 2; i < n; i++) {
            step += (uint64_t)wire_unzigzag(u[i - 2]);
            at += step;
            x[i] = (int64_t)at;
        }
        return;
    default:
        for (uint32_t i = 1; i < n; i++) {
            uint64_t r = (uint64_t)wire_unzigzag(u[i - 1]);
            x[i] = (int64_t)((uint64_t)quarter(p) + r);
            p += r;
        }
    }
}

static bool get_line(struct wire *in, bool sloped, int64_t *x, uint32_t n)
{
    uint64_t at = (uint64_t)wire_signed(in), slope = sloped ? (uint64_t)wire_signed(in) : 0;
    for (uint32_t i = 0; i < n; i++, at += slope) x[i] = (int64_t)at;
    return !in->bad;
}

bool rice_line(struct wire in, int64_t *first, int64_t *slope)
{
    uint8_t head = wire_u8(&in);
    if (head != HEAD_CONSTANT && head != HEAD_LINE) return false;
    *first = wire_signed(&in);
    *slope = head == HEAD_LINE ? wire_signed(&in) : 0;
    return !in.bad;
}

bool rice_get(struct wire *in, int64_t *x, uint32_t n)
{
    uint64_t u[RICE_MAX];
    bool escapes = false;
    if (n == 0) return true;
    if (n > RICE_MAX) return false;
    uint8_t head = wire_u8(in);
    if (head >= HEAD_CONSTANT) return head <= HEAD_LINE && get_line(in, head == HEAD_LINE, x, n);
    struct plan p = {.shape = (enum shape)(head >> 6), .width = head & 63u};
    p.param[0] = wire_signed(in);
    if (parameters[p.shape] == 2) p.param[1] = wire_signed(in);
    if (in->bad || n <= first_residual[p.shape]) return false; /* a line, then */
    uint32_t count = n - first_residual[p.shape];
    if (!get_unary(in, u, count, &escapes)) return false;
    if (p.width > 0 && !get_low(in, u, count, p.width)) return false;
    if (escapes && !get_escapes(in, u, count, p.width)) return false;
    add_up(&p, u, x, n);
    return true;
}
