/* The parts of the level detector: level.c scores, level_fit.c learns and reads and writes bytes. */
#ifndef DETECT_LEVEL_H
#define DETECT_LEVEL_H

#include "andon/detector.h"

struct level_options {
    int64_t memory, length, recent, quiet;
};
extern const struct andon_option level_options[];

enum { LEVEL_MEMORY_MAX = 65536, LEVEL_LENGTH_MAX = 256, LEVEL_QUIET_MAX = 10000 };
enum { LEVEL_SLACK = 256 }; /* values past `memory` before the buffer is moved together */

/* Lengths in rows: 1 <= recent, 2 <= length, 2 * max(length, recent) + 30 <= memory. */
struct level_shape {
    uint32_t memory, length, recent, quiet;
};

/* Mean and variance of a statistic so far. */
struct level_figure {
    double mean, variance;
    uint64_t n;
};

/* One feature's memory: a head, then peak[quiet], then value[memory + LEVEL_SLACK]. Flat. */
struct level_trace {
    struct level_figure drift, nearest;
    uint64_t fill; /* values in the buffer                  */
    uint64_t turn; /* the oldest peak, which goes next      */
};

/* Where one feature's trace starts: what training left, oldest first. */
struct level_start {
    struct level_figure drift, nearest;
    double *peak; /* peak[quiet]                         */
    float *value; /* value[values], values <= memory     */
    uint32_t values;
};

struct level {
    uint32_t d;
    struct level_shape shape;
    struct level_start *start; /* start[d] */
};

size_t level_trace_bytes(const struct level_shape *shape);
double *level_peaks(struct level_trace *trace);
float *level_values(const struct level_shape *shape, struct level_trace *trace);

/* level_step scores one finite value and remembers it. */
double level_step(const struct level_shape *shape, struct level_trace *trace, float x,
                  enum andon_kernel kernel);

andon_status level_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                       andon_error *err);
void level_save(const void *model, struct andon_writer *out);
andon_status level_load(struct andon_reader *in, uint32_t d, struct andon_arena *arena, void **model,
                        andon_error *err);

#endif
