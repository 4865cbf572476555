/* Double to text. Between 1e-5 and 1e15 the digits come from one exact 128-bit integer; everything
 * else is left to the C library. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number_write.h"

__extension__ typedef unsigned __int128 wide;

enum { DIGITS = 17 };

static const uint64_t ten[20] = {1u,
                                 10u,
                                 100u,
                                 1000u,
                                 10000u,
                                 100000u,
                                 1000000u,
                                 10000000u,
                                 100000000u,
                                 1000000000u,
                                 10000000000u,
                                 100000000000u,
                                 1000000000000u,
                                 10000000000000u,
                                 100000000000000u,
                                 1000000000000000u,
                                 10000000000000000u,
                                 100000000000000000u,
                                 1000000000000000000u,
                                 10000000000000000000u};

/* value = mantissa / 2^shift, scaled = mantissa * 10^power, and scaled / 2^shift has 17 digits. */
struct scaled {
    uint64_t mantissa;
    int shift, power;
    wide scaled, step; /* step = 10^power: one unit of the mantissa */
    uint64_t whole;    /* scaled / 2^shift, cut                     */
};

static void scale_by(struct scaled *s, int power)
{
    s->power = power;
    s->step = power < 20 ? ten[power] : (wide)ten[19] * ten[power - 19];
    s->scaled = s->step * s->mantissa;
    s->whole = (uint64_t)(s->scaled >> s->shift);
}

static void scale(struct scaled *s, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int binary = (int)(bits >> 52) - 1023; /* floor(log2 value), -17..49 */
    s->mantissa = (bits & 0xFFFFFFFFFFFFFu) | 0x10000000000000u;
    s->shift = 52 - binary;
    int decimal = binary * 1233 >> 12; /* floor(log10 2^binary), exact in this range */
    scale_by(s, DIGITS - 1 - decimal);
    if (s->whole >= ten[DIGITS]) scale_by(s, s->power - 1);
}

/* Does the decimal `digits` (in units of the 17th digit) read back as the same double? */
static int reads_back(const struct scaled *s, uint64_t digits)
{
    wide there = (wide)digits << s->shift;
    if (there >= s->scaled) return (there - s->scaled) * 2 < s->step;
    /* Below a power of two the doubles stand half as far apart. */
    wide gap = (s->scaled - there) * 2;
    return s->mantissa == 0x10000000000000u ? gap * 2 < s->step : gap < s->step;
}

static inline uint64_t rounded(uint64_t whole, uint64_t unit)
{
    return (whole + unit / 2) / unit * unit;
}

static uint64_t shortest(const struct scaled *s)
{
    uint64_t of_15 = rounded(s->whole, 100), of_16 = rounded(s->whole, 10);
    if (reads_back(s, of_15)) return of_15;
    if (reads_back(s, of_16)) return of_16;
    return s->whole + (uint64_t)((s->scaled >> (s->shift - 1)) & 1);
}

/* Writes the eight digits of value < 10^8: halves, quarters and eighths of a word side by side. */
static void write_eight(char *text, uint32_t value)
{
    uint64_t x = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t high = (x * 10486 >> 20) & 0x0000007F0000007Fu; /* x / 100, exact below 10^4 */
    x = high | (x - 100 * high) << 16;
    high = (x * 103 >> 10) & 0x000F000F000F000Fu; /* x / 10, exact below 100 */
    x = (high | (x - 10 * high) << 8) + 0x3030303030303030u;
    memcpy(text, &x, sizeof x);
}

/* Copies at least `count` <= 18 digits: a fixed size needs no call. */
static inline void copy_digits(char *to, const char *text)
{
    memcpy(to, text, 18);
}

/* Writes a 17-digit integer (or 10^17) whose unit is 10^-power, without trailing zeros; behind `most` digits
 * there are only zeros. */
static size_t write_digits(char *out, uint64_t digits, int power, int most)
{
    char room[48];
    int count = digits >= ten[DIGITS] ? DIGITS + 1 : DIGITS;
    uint64_t first = digits / ten[16], rest = digits % ten[16];
    write_eight(room, (uint32_t)first);
    write_eight(room + 8, (uint32_t)(rest / ten[8]));
    write_eight(room + 16, (uint32_t)(rest % ten[8]));
    const char *text = room + 24 - count;
    int whole = count - power; /* digits before the point */
    if (most < count) count = most > whole ? most : whole;
    while (count > 1 && count > whole && text[count - 1] == '0') count--;
    if (whole <= 0) {
        memcpy(out, "0.000000", 8); /* whole >= -4 */
        char *at = out + 2 - whole;
        copy_digits(at, text);
        return (size_t)(at + count - out);
    }
    copy_digits(out, text);
    if (count <= whole) return (size_t)whole;
    out[whole] = '.';
    copy_digits(out + whole + 1, text + whole);
    return (size_t)count + 1;
}

static size_t write_rare(char *out, double value, int digits)
{
    char text[NUMBER_ROOM + 1];
    int length = 0;
    for (int try = digits < DIGITS ? digits : DIGITS - 2; try <= digits; try++) {
        length = snprintf(text, sizeof text, "%.*g", try, value);
        if (digits < DIGITS || strtod(text, NULL) == value) break;
    }
    memcpy(out, text, (size_t)length);
    return (size_t)length;
}

size_t number_write(char *out, double value, int digits)
{
    double size = fabs(value);
    if (value == 0.0) {
        out[0] = '0';
        return 1;
    }
    if (isnan(value)) {
        memcpy(out, "nan", 3);
        return 3;
    }
    if (!(size >= 1e-5 && size < 1e15)) return write_rare(out, value, digits);
    struct scaled s;
    scale(&s, size);
    uint64_t text = digits >= DIGITS ? shortest(&s) : rounded(s.whole, ten[DIGITS - digits]);
    size_t sign = value < 0.0;
    out[0] = '-'; /* overwritten when there is no sign */
    return sign + write_digits(out + sign, text, s.power, digits);
}
