#include "alarm_rig.h"
#include "alarm_script.h"
#include "andon/rng.h"

enum { STEPS = 4000 };

struct told { /* what receivers see of an event */
    uint64_t id;
    uint32_t sequence;
    uint8_t change, before, after, priority;
    bool notify;
    int64_t at_ns;
    char text[ALARM_TEXT_ROOM];
};

struct run {
    struct script script;
    struct told *told; /* told[room] */
    uint32_t count, room;
};

static struct alarms *opened(void)
{
    struct alarms_options o;
    struct alarms *a = NULL;
    andon_error err;
    script_options(&o);
    if (alarms_open(&o, &a, &err) != ANDON_OK) test_fail(__FILE__, __LINE__, "%s", err.text);
    return a;
}

static void take(struct run *run)
{
    uint32_t count;
    const struct alarm_event *e = alarms_events(run->script.alarms, &count);
    for (uint32_t i = 0; i < count && run->count < run->room; i++) {
        struct told *t = &run->told[run->count++];
        *t = (struct told){e[i].record.id, e[i].record.sequence, e[i].change, e[i].before, e[i].after,
                           e[i].record.priority, e[i].notify, e[i].at_ns, {0}};
        snprintf(t->text, sizeof t->text, "%s", e[i].record.text);
        script_look(&run->script, &e[i]);
    }
    alarms_taken(run->script.alarms);
}

static size_t save(const struct alarms *a, struct andon_arena *arena, uint8_t **bytes)
{
    struct andon_writer out;
    andon_writer_init(&out, arena);
    alarms_save(a, &out);
    *bytes = out.data;
    return out.full ? 0 : out.size;
}

static andon_status load(struct alarms *a, const uint8_t *bytes, size_t size)
{
    struct andon_reader in;
    andon_error err;
    andon_reader_init(&in, bytes, size);
    return alarms_load(a, &in, &err);
}

static void restart(struct run *run)
{
    struct andon_arena arena;
    uint8_t *bytes;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 24);
    size_t size = save(run->script.alarms, &arena, &bytes);
    alarms_close(run->script.alarms);
    run->script.alarms = opened();
    if (size == 0 || load(run->script.alarms, bytes, size) != ANDON_OK)
        test_fail(__FILE__, __LINE__, "what was saved cannot be loaded");
    andon_arena_free(&arena);
}

/* Runs the seed's script; every: a restart after so many steps, 0: none; late: events are taken only
 * when there is no room. */
static struct run play(uint64_t seed, uint32_t every, bool late)
{
    struct andon_rng rng = andon_rng_fork(seed, 1);
    struct run run = {.room = 20000};
    run.told = calloc(run.room, sizeof *run.told);
    run.script = (struct script){.alarms = opened(), .now_ns = SCRIPT_START};
    for (uint32_t i = 0; i < STEPS; i++) {
        uint8_t b[SCRIPT_STEP];
        for (int k = 0; k < SCRIPT_STEP; k++) b[k] = (uint8_t)andon_rng_below(&rng, 256);
        bool acts = b[0] % 16 >= 7 && b[0] % 16 <= 9; /* needs to know what was raised */
        if (!alarms_room(run.script.alarms) || acts) take(&run);
        if (!script_step(&run.script, b)) test_fail(__FILE__, __LINE__, "no room");
        if (!late) take(&run);
        if (every > 0 && i % every == 0) {
            take(&run);
            restart(&run);
        }
    }
    take(&run);
    return run;
}

static void finish(struct run *run)
{
    alarms_close(run->script.alarms);
    free(run->told);
}

static bool same_event(const struct told *a, const struct told *b)
{
    return a->id == b->id && a->sequence == b->sequence && a->change == b->change &&
           a->before == b->before && a->after == b->after && a->priority == b->priority &&
           a->notify == b->notify && a->at_ns == b->at_ns && strcmp(a->text, b->text) == 0;
}

static bool same(const struct run *a, const struct run *b)
{
    for (uint32_t i = 0; i < a->count && i < b->count; i++)
        if (!same_event(&a->told[i], &b->told[i])) return false;
    return a->count == b->count;
}

TEST(a_replay_gives_the_same_events_under_the_same_ids)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct run first = play(seed, 0, false), again = play(seed, 0, true);
        bool equal = same(&first, &again);
        uint32_t count = first.count;
        finish(&first);
        finish(&again);
        CHECK_SAY(equal && count > 500, "SEED=%u: %u events", (unsigned)seed, count);
    }
}

TEST(restarts_in_between_change_no_event)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct run straight = play(seed, 0, false), broken = play(seed, 1 + (uint32_t)seed, false);
        bool equal = same(&straight, &broken);
        finish(&straight);
        finish(&broken);
        CHECK_SAY(equal, "SEED=%u", (unsigned)seed);
    }
}

TEST(events_of_an_alarm_count_up_from_one_and_lead_from_state_to_state)
{
    for (uint64_t seed = 20; seed < 30; seed++) {
        struct run run = play(seed, 0, false);
        for (uint32_t i = 0; i < run.count; i++) {
            const struct told *t = &run.told[i], *before = NULL;
            for (uint32_t k = i; k > 0 && before == NULL; k--)
                if (run.told[k - 1].id == t->id) before = &run.told[k - 1];
            if (t->sequence == 1) CHECK(before == NULL && t->change == ALARM_RAISED);
            if (before == NULL) continue;
            CHECK(t->sequence == before->sequence + 1);
            CHECK_SAY(t->before == before->after, "SEED=%u, event %u: %s after %s",
                      (unsigned)seed, i, alarm_state_name((enum alarm_state)t->before),
                      alarm_state_name((enum alarm_state)before->after));
        }
        finish(&run);
    }
}

TEST(every_change_and_every_state_occurs_in_the_scripts)
{
    bool change[ALARM_CHANGES] = {false}, state[ALARM_STATES] = {false};
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct run run = play(seed, 0, false);
        for (uint32_t i = 0; i < run.count; i++)
            change[run.told[i].change] = state[run.told[i].after] = true;
        finish(&run);
    }
    for (int c = 0; c < ALARM_CHANGES; c++)
        CHECK_SAY(change[c] || c == ALARM_BECAME_STALE, "%s", alarm_change_name((enum alarm_change)c));
    for (int s = 0; s < ALARM_STATES; s++)
        CHECK_SAY(state[s], "%s", alarm_state_name((enum alarm_state)s));
}

TEST(bytes_that_were_cut_are_refused_and_leave_it_empty)
{
    struct run run = play(3, 0, false);
    struct andon_arena arena;
    uint8_t *bytes, *empty_bytes, *left_bytes;
    struct alarms *fresh = opened();
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 26);
    size_t size = save(run.script.alarms, &arena, &bytes);
    size_t empty = save(fresh, &arena, &empty_bytes);
    for (size_t cut = 0; cut < size; cut += cut < 2000 ? 1 : 37)
        CHECK_SAY(load(fresh, bytes, cut) == ANDON_EFORMAT, "cut at %zu", cut);
    size_t left = save(fresh, &arena, &left_bytes);
    CHECK(left == empty && memcmp(left_bytes, empty_bytes, left) == 0);
    CHECK(load(fresh, bytes, size) == ANDON_OK);
    andon_arena_free(&arena);
    alarms_close(fresh);
    finish(&run);
}

TEST(a_smaller_table_says_what_does_not_fit)
{
    struct run run = play(5, 0, false);
    struct andon_arena arena;
    struct andon_reader in;
    struct alarms_options o;
    struct alarms *small;
    andon_error err;
    uint8_t *bytes;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 24);
    size_t size = save(run.script.alarms, &arena, &bytes);
    script_options(&o);
    o.records_max = 2;
    CHECK(alarms_open(&o, &small, &err) == ANDON_OK);
    andon_reader_init(&in, bytes, size);
    CHECK(alarms_load(small, &in, &err) == ANDON_ELIMIT);
    CHECK(strstr(err.text, "alarms.records") != NULL);
    alarms_close(small);
    andon_arena_free(&arena);
    finish(&run);
}
