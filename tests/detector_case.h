/* One detector, fitted for a test: options as text, two arenas, a place for scores. */
#ifndef DETECTOR_CASE_H
#define DETECTOR_CASE_H

#include <stdalign.h>

#include "andon/andon.h"
#include "test.h"

struct detector_case {
    const struct andon_detector *detector;
    struct andon_arena arena, scratch;
    alignas(64) unsigned char options[8192];
    void *model;
    andon_error err;
};

/* Zeroes the case and takes the presets of the options; arenas of 256 MiB. */
static inline void case_open(struct detector_case *c, const struct andon_detector *detector)
{
    memset(c, 0, sizeof *c);
    c->detector = detector;
    andon_arena_init(&c->arena, andon_allocator_libc(), (size_t)256 << 20);
    andon_arena_init(&c->scratch, andon_allocator_libc(), (size_t)256 << 20);
    andon_options_default(detector->options, c->options);
}

static inline void case_close(struct detector_case *c)
{
    andon_arena_free(&c->arena);
    andon_arena_free(&c->scratch);
}

/* Sets an option; ends the program on a wrong name, which is the test's own fault. */
static inline void case_set(struct detector_case *c, const char *name, const char *value)
{
    if (andon_option_set(c->detector->options, c->options, name, value, &c->err) != ANDON_OK) {
        fprintf(stderr, "%s\n", c->err.text);
        abort();
    }
}

static inline andon_status case_fit(struct detector_case *c, struct andon_rows x,
                                    const int32_t *label, uint32_t classes, uint64_t seed)
{
    struct andon_fit in = {.x = x, .label = label, .classes = classes, .options = c->options,
                           .seed = seed, .kernel = andon_kernel_best(), .scratch = &c->scratch};
    return c->detector->fit(&in, &c->arena, &c->model, &c->err);
}

/* Working room of exactly the size asked for, full of rubbish; free() it. */
static inline void *case_room(const struct detector_case *c, size_t n)
{
    size_t bytes = (c->detector->scratch_bytes(c->model, n) + 63) / 64 * 64;
    void *room = aligned_alloc(64, bytes > 0 ? bytes : 64);
    if (room == NULL) abort();
    return memset(room, 0xA5, bytes);
}

static inline void case_score(const struct detector_case *c, struct andon_rows x, double *score,
                              float *share)
{
    void *room = case_room(c, x.n);
    c->detector->score(c->model, NULL, x, score, share, room, andon_kernel_best());
    free(room);
}

static inline void case_classify(const struct detector_case *c, struct andon_rows x,
                                 float *probability)
{
    void *room = case_room(c, x.n);
    c->detector->classify(c->model, x, probability, room, andon_kernel_best());
    free(room);
}

/* The model's bytes, in the case's scratch arena. */
static inline struct andon_writer case_save(struct detector_case *c)
{
    struct andon_writer w;
    andon_writer_init(&w, &c->scratch);
    c->detector->save(c->model, &w);
    return w;
}

/* Loads bytes as a model into arena. */
static inline andon_status case_load(struct detector_case *c, const void *data, size_t size,
                                     uint32_t d, struct andon_arena *arena, void **model)
{
    struct andon_reader r;
    andon_reader_init(&r, data, size);
    return c->detector->load(&r, d, arena, model, &c->err);
}

/* Loads the model cut at every step-th byte, and with every step-th byte flipped, and scores x with
 * each that loads: true when every cut is refused and every score of a finite row is finite. */
static inline bool case_survives_hostile_bytes(struct detector_case *c, struct andon_rows x,
                                               size_t step)
{
    struct andon_writer w = case_save(c);
    struct andon_arena arena;
    double *score = andon_arena_array(&c->scratch, x.n, sizeof *score);
    float *share = andon_arena_array(&c->scratch, x.n * x.d, sizeof *share);
    void *mine = c->model, *model = NULL;
    bool good = !w.full && score != NULL && share != NULL;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
    for (size_t at = 0; good && at < w.size; at += step) {
        if (case_load(c, w.data, at, x.d, &arena, &model) == ANDON_OK) good = false;
        andon_arena_free(&arena);
        for (unsigned bit = 0; good && bit < 8; bit++) {
            w.data[at] ^= (uint8_t)(1u << bit);
            if (case_load(c, w.data, w.size, x.d, &arena, &model) == ANDON_OK) {
                c->model = model;
                case_score(c, x, score, share);
                for (size_t i = 0; i < x.n; i++) good = good && isfinite(score[i]);
                c->model = mine;
            }
            w.data[at] ^= (uint8_t)(1u << bit);
            andon_arena_free(&arena);
        }
    }
    return good;
}

/* Fits again and again with arenas that grow by 4 KiB: true when every fit that finds no room says
 * so and one succeeds at last. */
static inline bool case_survives_small_arenas(struct detector_case *c, struct andon_rows x,
                                              const int32_t *label, uint32_t classes)
{
    andon_status st = ANDON_ENOMEM;
    for (size_t limit = 0; st == ANDON_ENOMEM && limit < (size_t)64 << 20; limit += 4096) {
        case_close(c);
        andon_arena_init(&c->arena, andon_allocator_libc(), limit / 2);
        andon_arena_init(&c->scratch, andon_allocator_libc(), limit);
        st = case_fit(c, x, label, classes, 1);
        if (st == ANDON_ENOMEM && c->err.text[0] == 0) return false;
    }
    return st == ANDON_OK;
}

#endif
