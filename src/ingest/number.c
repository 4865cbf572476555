/* Text to double. Invariants:
 *   1. mantissa holds every digit read, or .cut is set and strtod decides;
 *   2. a result is rounded once, from an exact integer product or quotient and a sticky bit. */
#include "ingest/number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/digits.h"

__extension__ typedef unsigned __int128 wide;

enum { POWERS = 28, CLINGER = 22 };

static const uint64_t five[POWERS] = {1u,
                                      5u,
                                      25u,
                                      125u,
                                      625u,
                                      3125u,
                                      15625u,
                                      78125u,
                                      390625u,
                                      1953125u,
                                      9765625u,
                                      48828125u,
                                      244140625u,
                                      1220703125u,
                                      6103515625u,
                                      30517578125u,
                                      152587890625u,
                                      762939453125u,
                                      3814697265625u,
                                      19073486328125u,
                                      95367431640625u,
                                      476837158203125u,
                                      2384185791015625u,
                                      11920928955078125u,
                                      59604644775390625u,
                                      298023223876953125u,
                                      1490116119384765625u,
                                      7450580596923828125u};

static const double ten[CLINGER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t ten_whole[9] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};

/* Below room_for[n], n more digits leave the mantissa below 10^19. */
static const uint64_t room_for[9] = {
    10000000000000000000u, 1000000000000000000u, 100000000000000000u,
    10000000000000000u,    1000000000000000u,    100000000000000u,
    10000000000000u,       1000000000000u,       100000000000u};

struct decimal {
    uint64_t mantissa;
    int exponent; /* of ten */
    bool cut;     /* more than 19 significant digits */
    bool digits;  /* there was one at all            */
};

/* The number of digits at text, up to eight, and their value. */
static inline unsigned eight_digits(const char *text, uint64_t *value)
{
    uint64_t x = digits_load(text), other = digits_others(x);
    unsigned n = other == 0 ? 8 : (unsigned)__builtin_ctzll(other) / 8;
    if (n == 0) return 0;
    *value = digits_value(x, n);
    return n;
}

/* What sensors send: up to six digits with a point among them, seen in one word. Both sides of the
 * point are joined, so nothing depends on where it stands. NULL: not of this kind. */
static inline const char *scan_short(const char *text, double *value)
{
    uint64_t x = digits_load(text), other = digits_others(x), behind = other & (other - 1);
    if (behind == 0) return NULL;
    unsigned point = (unsigned)__builtin_ctzll(other) / 8;
    unsigned length = (unsigned)__builtin_ctzll(behind) / 8;
    if (point == 0 || text[point] != '.' || (text[length] | 0x20) == 'e') return NULL;
    uint64_t before = ((uint64_t)1 << (8 * point)) - 1;
    uint64_t mantissa = digits_value((x & before) | ((x >> 8) & ~before), length - 1);
    *value = (double)(int64_t)mantissa / ten[length - 1 - point];
    return text + length;
}

static inline const char *take_digits(const char *text, struct decimal *d)
{
    const char *at = text;
    uint64_t value = 0;
    unsigned n;
    do {
        n = eight_digits(at, &value);
        if (n == 0) break;
        if (d->mantissa >= room_for[n]) d->cut = true;
        d->mantissa = d->mantissa * ten_whole[n] + value;
        at += n;
    } while (n == 8);
    d->digits |= at != text;
    return at;
}

static const char *take_exponent(const char *text, struct decimal *d)
{
    const char *at = text + 1;
    bool minus = *at == '-';
    if (*at == '-' || *at == '+') at++;
    if (*at < '0' || *at > '9') return text; /* "3e" is 3 and then a letter */
    int e = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (e < 100000) e = e * 10 + (*at - '0');
    d->exponent += minus ? -e : e;
    return at;
}

static double power_of_two(int e)
{
    uint64_t bits = (uint64_t)(e + 1023) << 52;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* q * 2^e, q >= 2^62 or exact, rounded to 53 bits, half to even; rest: something lies below q. */
static double round_once(uint64_t q, int e, bool rest)
{
    int shift = 64 - __builtin_clzll(q) - 53;
    if (shift > 0) {
        uint64_t low = q & (((uint64_t)1 << shift) - 1), half = (uint64_t)1 << (shift - 1);
        q >>= shift;
        e += shift;
        if (low > half || (low == half && (rest || (q & 1) != 0))) q++;
    }
    return (double)q * power_of_two(e);
}

static double multiplied(uint64_t mantissa, int power)
{
    wide p = (wide)mantissa * five[power];
    uint64_t high = (uint64_t)(p >> 64);
    if (high == 0) return round_once((uint64_t)p, power, false);
    int shift = 64 - __builtin_clzll(high);
    bool rest = (p & (((wide)1 << shift) - 1)) != 0;
    return round_once((uint64_t)(p >> shift), power + shift, rest);
}

static double divided(uint64_t mantissa, int power)
{
    int cm = __builtin_clzll(mantissa), cd = __builtin_clzll(five[power]);
    uint64_t divisor = five[power] << cd;
    wide dividend = (wide)(mantissa << cm) << 63;
    uint64_t q = (uint64_t)(dividend / divisor); /* 2^62 < q < 2^64 */
    bool rest = (wide)q * divisor != dividend;
    return round_once(q, cd - cm - 63 - power, rest);
}

double number_over(uint64_t mantissa, unsigned power)
{
    if (mantissa <= (uint64_t)1 << 53) return (double)(int64_t)mantissa / ten[power];
    return divided(mantissa, (int)power);
}

/* False: strtod must decide. */
static inline bool decimal_value(const struct decimal *d, double *value)
{
    if (d->cut) return false;
    if (d->mantissa <= (uint64_t)1 << 53) {
        if (d->exponent <= 0 && d->exponent >= -CLINGER) {
            *value = (double)d->mantissa / ten[-d->exponent];
            return true;
        }
        if (d->exponent > 0 && d->exponent <= CLINGER) {
            *value = (double)d->mantissa * ten[d->exponent];
            return true;
        }
    }
    if (d->mantissa == 0) {
        *value = 0.0;
        return true;
    }
    if (d->exponent <= -POWERS || d->exponent >= POWERS) return false;
    *value =
        d->exponent < 0 ? divided(d->mantissa, -d->exponent) : multiplied(d->mantissa, d->exponent);
    return true;
}

static __attribute__((noinline)) const char *scan_long(const char *text, double *value)
{
    struct decimal d = {0};
    bool minus = *text == '-';
    const char *at = take_digits(text + (minus | (*text == '+')), &d);
    if (*at == '.') {
        const char *fraction = at + 1;
        at = take_digits(fraction, &d);
        d.exponent = (int)(fraction - at);
    }
    if (!d.digits) return text;
    if ((*at | 0x20) == 'e') at = take_exponent(at, &d);
    if (decimal_value(&d, value))
        *value = digits_sign(*value, minus);
    else
        *value = strtod(text, NULL);
    return at;
}

const char *number_scan(const char *text, double *value)
{
    bool minus = *text == '-';
    double size;
    const char *end = scan_short(text + minus, &size);
    if (end == NULL) return scan_long(text, value);
    *value = digits_sign(size, minus);
    return end;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t trim(const char **text, size_t length)
{
    while (length > 0 && is_space(**text)) {
        (*text)++;
        length--;
    }
    while (length > 0 && is_space((*text)[length - 1])) length--;
    return length;
}

bool number_read(const char *text, size_t length, double *value)
{
    char copy[1024 + NUMBER_SLACK] = {0};
    length = trim(&text, length);
    if (length == 0 || length > 1024) return false;
    memcpy(copy, text, length);
    return number_scan(copy, value) == copy + length && isfinite(*value);
}

bool number_missing(const char *text, size_t length)
{
    static const char words[5][5] = {"nan", "null", "na", "n/a", "none"};
    length = trim(&text, length);
    if (length == 0) return true;
    if (length > 4) return false;
    char lower[5] = {0};
    for (size_t i = 0; i < length; i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    for (int i = 0; i < 5; i++)
        if (strcmp(lower, words[i]) == 0) return true;
    return strcmp(lower, "-nan") == 0;
}
