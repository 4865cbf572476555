/* The laws of every detector when things go wrong: memory that runs out, damaged bytes, too few rows,
 * nonsense options. */
#include "laws.h"

/* -- memory that runs out ------------------------------------------------------------------------ */

/* Counts what is out; allocation number fail_at fails (-1: none). */
struct meter {
    size_t out, peak;
    int chunks, fail_at;
};

static void *meter_alloc(void *context, size_t bytes)
{
    struct meter *m = context;
    if (m->chunks++ == m->fail_at) return NULL;
    m->out += bytes;
    m->peak = m->out > m->peak ? m->out : m->peak;
    return malloc(bytes);
}

static void meter_release(void *context, void *chunk, size_t bytes)
{
    struct meter *m = context;
    m->out -= bytes;
    free(chunk);
}

/* One try: an arena for the model and one for working room, each with its meter. */
struct attempt {
    struct meter meter[2];
    size_t limit[2];
    andon_status status;
    bool rewound;
};
enum { MODEL, SCRATCH };

/* Fit, save and load again, within the limits. */
static void run(struct rig *rig, struct attempt *a)
{
    struct andon_arena arena[2];
    struct andon_writer bytes;
    void *model = NULL, *loaded = NULL;
    for (int i = 0; i < 2; i++)
        andon_arena_init(&arena[i],
                         (struct andon_allocator){meter_alloc, meter_release, &a->meter[i]},
                         a->limit[i]);
    a->status = rig_fit(rig, &arena[SCRATCH], &arena[MODEL], (struct andon_progress){0}, &model);
    a->rewound = arena[SCRATCH].last == NULL;
    andon_writer_init(&bytes, &arena[MODEL]);
    if (a->status == ANDON_OK) {
        rig->det->save(model, &bytes);
        if (bytes.full) a->status = ANDON_ENOMEM;
    }
    if (a->status == ANDON_OK) {
        struct andon_reader in;
        andon_reader_init(&in, bytes.data, bytes.size);
        a->status = rig->det->load(&in, rig->shape->d, &arena[MODEL], &loaded, &rig->err);
    }
    for (int i = 0; i < 2; i++) andon_arena_free(&arena[i]);
}

static struct attempt attempt_new(void)
{
    return (struct attempt){.meter = {{.fail_at = -1}, {.fail_at = -1}},
                            .limit = {64 << 20, 64 << 20}};
}

static void every_chunk_fails(struct rig *rig)
{
    struct attempt full = attempt_new();
    run(rig, &full);
    LAW(rig, full.status == ANDON_OK, "%s: %s", andon_status_name(full.status), rig->err.text);
    for (int which = MODEL; which <= SCRATCH; which++)
        for (int at = 0; at < full.meter[which].chunks; at++) {
            struct attempt a = attempt_new();
            a.meter[which].fail_at = at;
            run(rig, &a);
            LAW(rig, a.status == ANDON_ENOMEM, "chunk %d fails: %s", at,
                andon_status_name(a.status));
            LAW(rig, a.rewound, "chunk %d fails: scratch was not rewound", at);
            LAW(rig, a.meter[0].out == 0 && a.meter[1].out == 0, "chunk %d fails: leak", at);
        }
}

TEST(every_allocation_that_fails_is_told_and_leaks_nothing)
{
    laws_for_each(every_chunk_fails, LAWS_ONE_SHAPE);
}

/* An arena takes large chunks, so its limit is what reaches the takes in between. */
static void every_limit_fails(struct rig *rig)
{
    enum { STEPS = 48 };
    struct attempt full = attempt_new();
    run(rig, &full);
    for (int which = MODEL; which <= SCRATCH; which++)
        for (size_t step = 0; step < STEPS; step++) {
            struct attempt a = attempt_new();
            a.limit[which] = full.meter[which].peak * step / STEPS;
            run(rig, &a);
            LAW(rig, a.status == ANDON_ENOMEM || a.status == ANDON_OK, "%s limit of %zu bytes: %s",
                which == MODEL ? "model" : "scratch", a.limit[which], andon_status_name(a.status));
            LAW(rig, a.limit[which] > 0 || full.meter[which].chunks == 0 ||
                         a.status == ANDON_ENOMEM, "a limit of 0 bytes is no limit");
            LAW(rig, a.rewound, "limit of %zu bytes: scratch was not rewound", a.limit[which]);
            LAW(rig, a.meter[0].out == 0 && a.meter[1].out == 0, "limit of %zu bytes: leak",
                a.limit[which]);
        }
}

TEST(every_arena_limit_is_kept_and_told)
{
    laws_for_each(every_limit_fails, LAWS_ONE_SHAPE);
}

/* -- damaged bytes ------------------------------------------------------------------------------ */

enum { SCORED = 12 }; /* rows that a damaged model scores */

/* Loads exactly size bytes and, if they are taken, scores and saves with what came of them. */
static andon_status load_bytes(struct rig *rig, const uint8_t *data, size_t size, double *score)
{
    struct andon_arena arena;
    struct andon_reader in;
    struct andon_writer again;
    void *model = NULL;
    uint8_t *exact = malloc(size == 0 ? 1 : size); /* so that a sanitizer sees a read beside it */
    float *share = rig_floats(rig, RIG_ROWS * rig->shape->d);
    if (exact == NULL) abort();
    if (size > 0) memcpy(exact, data, size);
    andon_arena_init(&arena, andon_allocator_libc(), 16 * size + (4 << 20));
    andon_reader_init(&in, exact, size);
    andon_status st = rig->det->load(&in, rig->shape->d, &arena, &model, &rig->err);
    free(exact);
    if (st == ANDON_OK) {
        rig_fresh(rig, model, rig->rows, SCORED, score, share);
        andon_writer_init(&again, &arena);
        rig->det->save(model, &again);
    }
    andon_arena_free(&arena);
    return st;
}

static void cut_is_refused(struct rig *rig)
{
    struct andon_writer bytes;
    double *score = rig_doubles(rig, RIG_ROWS);
    andon_writer_init(&bytes, &rig->work);
    rig->det->save(rig->model, &bytes);
    size_t step = bytes.size / 200 + 1;
    for (size_t size = 0; size < bytes.size;
         size += size < 128 || size + 128 >= bytes.size ? 1 : step) {
        struct andon_arena_mark mark = andon_arena_mark(&rig->work);
        andon_status st = load_bytes(rig, bytes.data, size, score);
        andon_arena_rewind(&rig->work, mark);
        LAW(rig, st == ANDON_EFORMAT, "cut to %zu of %zu bytes: %s", size, bytes.size,
            andon_status_name(st));
    }
}

TEST(bytes_cut_at_any_length_are_refused)
{
    laws_for_each(cut_is_refused, LAWS_EACH_SHAPE);
}

static void flip_is_refused_or_finite(struct rig *rig)
{
    struct andon_writer bytes;
    struct andon_rng rng = andon_rng_fork(rig->seed, 77);
    enum { HEAD = 256, FLIPS = 640 };
    double *score = rig_doubles(rig, RIG_ROWS);
    andon_writer_init(&bytes, &rig->work);
    rig->det->save(rig->model, &bytes);
    for (size_t i = 0; i < FLIPS; i++) {
        struct andon_arena_mark mark = andon_arena_mark(&rig->work);
        /* The first bytes hold the counts, so each bit of them has its turn; then anywhere, and
         * the top byte of a word more often: signs, exponents and high bits of an index. */
        uint32_t anywhere = andon_rng_below(&rng, (uint32_t)bytes.size);
        size_t at = i < HEAD ? i / 8 : i % 2 == 0 ? anywhere : (anywhere | 3);
        uint8_t flip = (uint8_t)(1u << (i < HEAD ? i % 8 : andon_rng_below(&rng, 8)));
        if (at >= bytes.size) continue;
        bytes.data[at] ^= flip;
        andon_status st = load_bytes(rig, bytes.data, bytes.size, score);
        bytes.data[at] ^= flip;
        andon_arena_rewind(&rig->work, mark);
        LAW(rig, st == ANDON_OK || st == ANDON_EFORMAT, "byte %zu ^ %02x: %s: %s", at, flip,
            andon_status_name(st), rig->err.text);
        for (size_t row = 0; st == ANDON_OK && row < SCORED; row++)
            LAW(rig, isfinite(score[row]) && score[row] >= 0.0, "byte %zu ^ %02x: row %zu scores %g",
                at, flip, row, score[row]);
    }
}

TEST(flipped_bytes_are_refused_or_score_finitely)
{
    laws_for_each(flip_is_refused_or_finite, LAWS_EACH_SHAPE);
}

static void other_width_is_refused(struct rig *rig)
{
    struct andon_writer bytes;
    andon_writer_init(&bytes, &rig->work);
    rig->det->save(rig->model, &bytes);
    for (uint32_t d = 1; d <= 32; d++) {
        struct andon_reader in;
        void *model = NULL;
        if (d == rig->shape->d) continue;
        andon_reader_init(&in, bytes.data, bytes.size);
        andon_status st = rig->det->load(&in, d, &rig->work, &model, &rig->err);
        LAW(rig, st == ANDON_EFORMAT, "a model of %u features taken for rows of %u: %s",
            rig->shape->d, d, andon_status_name(st));
    }
}

TEST(a_model_of_another_width_is_refused)
{
    laws_for_each(other_width_is_refused, LAWS_EACH_SHAPE);
}

/* -- little data, nonsense options -------------------------------------------------------------- */

static void few_rows(struct rig *rig)
{
    const struct rig_shape *shape = rig->shape;
    double *score = rig_doubles(rig, RIG_ROWS);
    for (size_t n = 0; n <= 40; n++) {
        struct rig_shape fewer = {shape->name, shape->kind, shape->d, n};
        struct andon_arena_mark mark = andon_arena_mark(&rig->work);
        void *model = NULL;
        rig->shape = &fewer;
        andon_status st = rig_fit(rig, &rig->scratch, &rig->work, (struct andon_progress){0}, &model);
        if (st == ANDON_OK) rig_fresh(rig, model, rig->rows, RIG_ROWS, score, NULL);
        rig->shape = shape;
        andon_arena_rewind(&rig->work, mark);
        LAW(rig, st == ANDON_OK || (st == ANDON_EDATA && rig->err.text[0] != 0),
            "%zu rows: %s \"%s\"", n, andon_status_name(st), rig->err.text);
        LAW(rig, n > 0 || st == ANDON_EDATA, "no rows are enough");
        for (size_t row = 0; st == ANDON_OK && row < RIG_ROWS; row++)
            LAW(rig, isfinite(score[row]), "%zu rows: row %zu scores %g", n, row, score[row]);
    }
}

TEST(few_rows_are_refused_or_learned_from)
{
    laws_for_each(few_rows, LAWS_ONE_SHAPE);
}

/* Values that an option's row forbids. */
static size_t forbidden(const struct andon_option *o, char value[3][64])
{
    if (o->type == ANDON_OPTION_LINE) return 0;
    snprintf(value[0], 64, "nonsense");
    snprintf(value[1], 64, "%s", "");
    if (o->type != ANDON_OPTION_INT && o->type != ANDON_OPTION_REAL) return 2;
    snprintf(value[1], 64, "%.17g", o->min - 1.0 - fabs(o->min));
    snprintf(value[2], 64, "%.17g", o->max + 1.0 + fabs(o->max));
    return 3;
}

static void options_hold(struct rig *rig)
{
    for (const struct andon_option *o = rig->det->options; o->name != NULL; o++) {
        char value[3][64], text[ANDON_OPTION_TEXT];
        LAW(rig, o->help != NULL && o->help[0] != 0, "%s has no help", o->name);
        LAW(rig, andon_option_find(rig->det->options, o->name) == o, "%s stands twice", o->name);
        LAW(rig, o->offset < rig->det->options_bytes, "%s lies outside of the struct", o->name);
        andon_status st =
            andon_option_set(rig->det->options, rig->options, o->name, o->preset, &rig->err);
        LAW(rig, st == ANDON_OK, "the default of %s: %s", o->name, rig->err.text);
        andon_option_print(o, rig->options, text, sizeof text);
        st = andon_option_set(rig->det->options, rig->options, o->name, text, &rig->err);
        LAW(rig, st == ANDON_OK, "%s printed as \"%s\": %s", o->name, text, rig->err.text);
        for (size_t i = 0; i < forbidden(o, value); i++) {
            st = andon_option_set(rig->det->options, rig->options, o->name, value[i], &rig->err);
            LAW(rig, st == ANDON_EINVAL, "%s=%s was taken", o->name, value[i]);
        }
    }
    andon_status st =
        andon_option_set(rig->det->options, rig->options, "no such option", "1", &rig->err);
    LAW(rig, st == ANDON_EINVAL, "an option that is not there was taken");
}

TEST(defaults_parse_and_values_out_of_range_are_refused)
{
    laws_for_each(options_hold, LAWS_ONE_SHAPE);
}

/* At both ends of its range an option is obeyed or refused with a reason. */
static void options_at_their_ends(struct rig *rig)
{
    double *score = rig_doubles(rig, RIG_ROWS);
    for (const struct andon_option *o = rig->det->options; o->name != NULL; o++)
        for (int end = 0; end < 2; end++) {
            char value[64];
            double number = end == 0 ? o->min : o->max;
            struct andon_arena_mark mark = andon_arena_mark(&rig->work);
            void *model = NULL;
            if (o->type != ANDON_OPTION_INT && o->type != ANDON_OPTION_REAL) continue;
            if (number > 1000.0) continue; /* huge forests and nets take long, not wrong */
            snprintf(value, sizeof value, "%.17g", number);
            andon_options_default(rig->det->options, rig->options);
            andon_status st =
                andon_option_set(rig->det->options, rig->options, o->name, value, &rig->err);
            LAW(rig, st == ANDON_OK, "%s=%s: %s", o->name, value, rig->err.text);
            st = rig_fit(rig, &rig->scratch, &rig->work, (struct andon_progress){0}, &model);
            LAW(rig, st == ANDON_OK || rig->err.text[0] != 0, "%s=%s: refused without a reason",
                o->name, value);
            if (st == ANDON_OK) rig_fresh(rig, model, rig->rows, RIG_ROWS, score, NULL);
            for (size_t row = 0; st == ANDON_OK && row < RIG_ROWS; row++)
                LAW(rig, isfinite(score[row]) && score[row] >= 0.0, "%s=%s: row %zu scores %g",
                    o->name, value, row, score[row]);
            andon_arena_rewind(&rig->work, mark);
        }
}

TEST(options_at_the_ends_of_their_ranges_are_obeyed_or_refused)
{
    laws_for_each(options_at_their_ends, LAWS_ONE_SHAPE);
}
