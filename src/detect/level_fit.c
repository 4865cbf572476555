/* Learning is living through the end of training once: what the trace then holds is the model. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "detect/level.h"

#define FIELD(name) (uint32_t) offsetof(struct level_options, name)

const struct andon_option level_options[] = {
    {"memory", ANDON_OPTION_INT, FIELD(memory), 600, LEVEL_MEMORY_MAX, "4096", NULL,
     "rows that a value is compared with"},
    {"length", ANDON_OPTION_INT, FIELD(length), 2, LEVEL_LENGTH_MAX, "19", NULL,
     "rows of a subsequence that is looked for among earlier ones"},
    {"short", ANDON_OPTION_INT, FIELD(recent), 1, LEVEL_LENGTH_MAX, "20", NULL,
     "rows whose mean is held against all that is remembered before them"},
    {"quiet", ANDON_OPTION_INT, FIELD(quiet), 0, LEVEL_QUIET_MAX, "100", NULL,
     "rows during which nothing is told twice unless it grows; 0: always tell"},
    {.name = NULL},
};

/* Training rows before the last 2 * memory are out of sight anyway. */
static size_t first_row(const struct level_shape *s, size_t n)
{
    return n > 2 * (size_t)s->memory ? n - 2 * (size_t)s->memory : 0;
}

/* What is left of trace, into the model's arena; peaks oldest first. */
static bool start_from(const struct level_shape *s, struct level_trace *t, struct andon_arena *arena,
                       struct level_start *start)
{
    size_t values = t->fill < s->memory ? (size_t)t->fill : s->memory;
    *start = (struct level_start){.drift = t->drift,
                                  .nearest = t->nearest,
                                  .peak = andon_arena_array(arena, s->quiet, sizeof(double)),
                                  .value = andon_arena_array(arena, values, sizeof(float)),
                                  .values = (uint32_t)values};
    if (start->peak == NULL || start->value == NULL) return false;
    for (uint32_t i = 0; i < s->quiet; i++)
        start->peak[i] = level_peaks(t)[(t->turn + i) % s->quiet];
    memcpy(start->value, level_values(s, t) + t->fill - values, values * sizeof(float));
    return true;
}

static andon_status learn(const struct andon_fit *in, struct level *m, struct andon_arena *arena,
                          andon_error *err)
{
    const struct level_shape *s = &m->shape;
    struct level_trace *t = andon_arena_take(in->scratch, level_trace_bytes(s));
    if (t == NULL) return andon_fail(err, ANDON_ENOMEM, "level: no room for %u rows", s->memory);
    size_t first = first_row(s, in->x.n), rows = in->x.n - first;
    for (uint32_t j = 0; j < m->d; j++) {
        memset(t, 0, level_trace_bytes(s));
        for (size_t i = 0; i < rows; i++) {
            double part = ((double)j + (double)i / (double)rows) / (double)m->d;
            if (i % 256 == 0 && andon_progress_stops(&in->progress, part))
                return andon_fail(err, ANDON_ESTOP, "level: asked to stop");
            level_step(s, t, in->x.x[(first + i) * in->x.d + j], in->kernel);
        }
        if (!start_from(s, t, arena, &m->start[j]))
            return andon_fail(err, ANDON_ENOMEM, "level: no room for feature %u", j);
    }
    return ANDON_OK;
}

andon_status level_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                       andon_error *err)
{
    const struct level_options *o = in->options;
    if (in->x.n < 2) return andon_fail(err, ANDON_EDATA, "level: needs at least 2 rows");
    struct level *m = andon_arena_take(arena, sizeof *m);
    if (m != NULL) m->start = andon_arena_array(arena, in->x.d, sizeof *m->start);
    if (m == NULL || m->start == NULL)
        return andon_fail(err, ANDON_ENOMEM, "level: no room for %u features", in->x.d);
    m->d = in->x.d;
    m->shape = (struct level_shape){.memory = (uint32_t)o->memory,
                                    .length = (uint32_t)o->length,
                                    .recent = (uint32_t)o->recent,
                                    .quiet = (uint32_t)o->quiet};
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    andon_status st = learn(in, m, arena, err);
    andon_arena_rewind(in->scratch, mark);
    *model = m;
    return st;
}

/* -- bytes -------------------------------------------------------------------------------------- */

static void put_figure(struct andon_writer *out, const struct level_figure *f)
{
    andon_put_f64(out, f->mean);
    andon_put_f64(out, f->variance);
    andon_put_u64(out, f->n);
}

void level_save(const void *model, struct andon_writer *out)
{
    const struct level *m = model;
    const struct level_shape *s = &m->shape;
    const uint32_t head[5] = {m->d, s->memory, s->length, s->recent, s->quiet};
    andon_put_u32s(out, head, 5);
    for (uint32_t j = 0; j < m->d; j++) {
        const struct level_start *start = &m->start[j];
        put_figure(out, &start->drift);
        put_figure(out, &start->nearest);
        andon_put_u32(out, start->values);
        andon_put_f64s(out, start->peak, s->quiet);
        andon_put_f32s(out, start->value, start->values);
    }
}

/* Bounds within which no score overflows: float32 values give no larger figures. */
static struct level_figure get_figure(struct andon_reader *in, bool *ok)
{
    struct level_figure f = {.mean = andon_get_f64(in), .variance = andon_get_f64(in)};
    f.n = andon_get_u64(in);
    *ok = *ok && f.mean >= 0.0 && f.mean <= 1e60 && f.variance >= 0.0 && f.variance <= 1e120 &&
          f.n <= UINT32_MAX;
    return f;
}

static bool shape_ok(const struct level_shape *s)
{
    return s->memory >= 600 && s->memory <= LEVEL_MEMORY_MAX && s->length >= 2 &&
           s->length <= LEVEL_LENGTH_MAX && s->recent >= 1 && s->recent <= LEVEL_LENGTH_MAX &&
           s->quiet <= LEVEL_QUIET_MAX;
}

static andon_status get_start(struct andon_reader *in, const struct level_shape *s,
                              struct andon_arena *arena, struct level_start *start, andon_error *err)
{
    bool ok = true;
    start->drift = get_figure(in, &ok);
    start->nearest = get_figure(in, &ok);
    start->values = andon_get_u32(in);
    size_t bytes = s->quiet * sizeof(double) + (size_t)start->values * sizeof(float);
    if (in->bad || !ok || start->values > s->memory || bytes > andon_reader_left(in))
        return andon_fail(err, ANDON_EFORMAT, "level: a feature's figures are damaged");
    start->peak = andon_arena_array(arena, s->quiet, sizeof(double));
    start->value = andon_arena_array(arena, start->values, sizeof(float));
    if (start->peak == NULL || start->value == NULL)
        return andon_fail(err, ANDON_ENOMEM, "level: no room for a feature");
    andon_get_f64s(in, start->peak, s->quiet);
    andon_get_f32s(in, start->value, start->values);
    for (uint32_t i = 0; i < s->quiet; i++) ok = ok && start->peak[i] >= 0.0 && start->peak[i] < 1e300;
    for (uint32_t i = 0; i < start->values; i++) ok = ok && isfinite(start->value[i]);
    return ok ? ANDON_OK : andon_fail(err, ANDON_EFORMAT, "level: a feature's history is damaged");
}

andon_status level_load(struct andon_reader *in, uint32_t d, struct andon_arena *arena, void **model,
                        andon_error *err)
{
    uint32_t head[5];
    andon_get_u32s(in, head, 5);
    struct level_shape shape = {head[1], head[2], head[3], head[4]};
    if (in->bad || head[0] != d || !shape_ok(&shape))
        return andon_fail(err, ANDON_EFORMAT, "level: the model's head is damaged");
    struct level *m = andon_arena_take(arena, sizeof *m);
    /* A feature takes more bytes on disk than its struct in memory, so d is bounded by what is left. */
    if (d > andon_reader_left(in) / 52)
        return andon_fail(err, ANDON_EFORMAT, "level: cut off");
    if (m != NULL) m->start = andon_arena_array(arena, d, sizeof *m->start);
    if (m == NULL || m->start == NULL)
        return andon_fail(err, ANDON_ENOMEM, "level: no room for %u features", d);
    m->d = d;
    m->shape = shape;
    *model = m;
    for (uint32_t j = 0; j < d; j++) {
        andon_status st = get_start(in, &shape, arena, &m->start[j], err);
        if (st != ANDON_OK) return st;
    }
    return ANDON_OK;
}
