/* Fuzzes the alarms: a script of things that happen, with restarts in between that must not
 * change the bytes; or bytes of a checkpoint, loaded as hostile input and then used. */
#include <stdlib.h>

#include "../tests/alarm_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 400, RESTART_STEPS = 25 };

static void must(bool holds)
{
    if (!holds) abort();
}

static struct alarms *opened(void)
{
    struct alarms_options o;
    struct alarms *a = NULL;
    andon_error err;
    script_options(&o);
    must(alarms_open(&o, &a, &err) == ANDON_OK);
    return a;
}

static void take(struct script *s)
{
    uint32_t count;
    const struct alarm_event *e = alarms_events(s->alarms, &count);
    for (uint32_t i = 0; i < count; i++) {
        must(e[i].change < ALARM_CHANGES && e[i].before < ALARM_STATES);
        must(e[i].after == e[i].record.state && e[i].after < ALARM_STATES);
        must(e[i].record.sequence > 0 && e[i].record.id != 0);
        must(!e[i].notify || (e[i].record.told && !e[i].record.held));
        must(e[i].after != ALARM_UNACK || e[i].record.active);
        script_look(s, &e[i]);
    }
    alarms_taken(s->alarms);
}

/* What is saved loads, and saves as the same bytes. */
static void restart(struct script *s)
{
    struct andon_arena arena;
    struct andon_writer out, again;
    struct andon_reader in;
    andon_error err;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 22);
    andon_writer_init(&out, &arena);
    alarms_save(s->alarms, &out);
    must(!out.full);
    alarms_close(s->alarms);
    s->alarms = opened();
    andon_reader_init(&in, out.data, out.size);
    must(alarms_load(s->alarms, &in, &err) == ANDON_OK && andon_reader_left(&in) == 0);
    andon_writer_init(&again, &arena);
    alarms_save(s->alarms, &again);
    must(again.size == out.size && memcmp(again.data, out.data, out.size) == 0);
    andon_arena_free(&arena);
}

static void step(struct script *s, const uint8_t *b)
{
    struct alarms_figures f;
    struct alarm_budget budget;
    while (!script_step(s, b)) take(s);
    take(s);
    alarms_figures(s->alarms, &f);
    must(f.points <= 20 && f.records <= 12 && f.top_10_part >= 0.0 && f.top_10_part <= 1.0);
    alarms_budget(s->alarms, &budget);
    must(budget.labelled_true + budget.labelled_false + budget.labelled_planned <= budget.events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {.alarms = opened(), .now_ns = SCRIPT_START};
    if (size > 0 && data[0] % 2 == 0) {
        for (size_t i = 0; i < STEPS_MAX && 1 + (i + 1) * SCRIPT_STEP <= size; i++) {
            step(&s, data + 1 + i * SCRIPT_STEP);
            if (data[0] % 4 == 0 && i % RESTART_STEPS == 0) restart(&s);
        }
        restart(&s);
    } else if (size > 0) {
        static const uint8_t after[][SCRIPT_STEP] = {
            {0, 1, 5, 200, 0, 15, 0}, {7, 0, 0, 1, 0, 0, 0}, {11, 200, 0, 0, 0, 0, 0},
            {0, 1, 0, 0, 0, 0, 0},    {6, 2, 1, 1, 1, 0, 0}, {10, 0, 0, 9, 0, 1, 0},
            {11, 255, 0, 0, 0, 0, 0}, {8, 2, 0, 0, 2, 0, 9}, {0, 2, 5, 0, 0, 0, 0}};
        struct andon_reader in;
        andon_error err;
        andon_reader_init(&in, data + 1, size - 1);
        if (alarms_load(s.alarms, &in, &err) == ANDON_OK)
            for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
                uint32_t count;
                while (!script_step(&s, after[i])) alarms_taken(s.alarms);
                alarms_events(s.alarms, &count);
                alarms_taken(s.alarms);
            }
    }
    alarms_close(s.alarms);
    return 0;
}
