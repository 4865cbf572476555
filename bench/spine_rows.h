/* What the clients of bench/spine.py send: rows of six numbers of many pumps, taken in turn from a CSV file
 * that `andon simulate pump` wrote. Pump a begins at a row of its own and goes through the file; its
 * time goes on a minute a row. */
#ifndef BENCH_SPINE_ROWS_H
#define BENCH_SPINE_ROWS_H

#include <stdint.h>

#define SPINE_ROW_MAX 256u /* bytes of a row in any of the shapes */

enum spine_shape {
    SPINE_OBJECT,  /* {"timestamp":1704067200000,"temperature":29.38, ...}                    */
    SPINE_ELEMENT, /* {"asset":"bench/p0001","ts":1704067200000,"values":{...}} and a newline */
    SPINE_LINE     /* pump,asset=p0001 temperature=29.38, ... 1704067200000 and a newline     */
};

/* spine_rows_load reads the file; ends the program when it cannot. */
void spine_rows_load(const char *path, enum spine_shape shape);

/* spine_row writes the row of one pump at one step of time to room[SPINE_ROW_MAX]; its length. */
uint32_t spine_row(char *room, uint32_t pump, uint64_t step);

double spine_now_s(void); /* steady, the same for all processes */
void spine_fail(const char *what);

#endif
