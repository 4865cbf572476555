/* Numbers as text: exactly rounded on the way in, shortest on the way out. */
#ifndef INGEST_NUMBER_H
#define INGEST_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/number_write.h"

/* Bytes that must be readable behind a number's last character (digits are read eight at a time). */
#define NUMBER_SLACK 16

/* number_scan reads the longest decimal number at text: sign, digits, point, exponent. It returns
 * where it stopped, or text itself when there is no number. *value is the double nearest to the
 * text (ties to even, like strtod in the C locale); a number too large for a double gives HUGE_VAL.
 *   text  in  ends in a byte that belongs to no number (delimiter, newline, 0), with NUMBER_SLACK
 *             readable bytes behind it
 * Exact and without strtod for up to 19 digits and powers of ten to 27: Clinger's method (PLDI
 * 1990) below 2^53, one 128-bit multiplication or division beyond. */
const char *number_scan(const char *text, double *value);

/* number_read is number_scan for a whole cell of any memory: false when text[length] is not exactly
 * one finite number, spaces around it allowed. */
bool number_read(const char *text, size_t length, double *value);

/* number_over is the double nearest to mantissa / 10^power. power <= 22 */
double number_over(uint64_t mantissa, unsigned power);

/* number_missing tells the texts that stand for a missing value: nothing, nan, null, na, n/a, none
 * in any case, spaces around them allowed. */
bool number_missing(const char *text, size_t length);

#endif
