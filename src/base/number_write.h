/* Numbers on the way out: the shortest text that reads back as the same double. */
#ifndef BASE_NUMBER_WRITE_H
#define BASE_NUMBER_WRITE_H

#include <stddef.h>

#define NUMBER_ROOM 48 /* bytes that number_write needs */

/* number_write writes value with at most `digits` significant digits (1..17) and returns the
 * length; out has NUMBER_ROOM bytes, no 0 is written. digits == 17 means the fewest digits that
 * read back as the same double; -0 is written 0. NaN is written nan. */
size_t number_write(char *out, double value, int digits);

#endif
