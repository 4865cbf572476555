#include "verdict/follow.h"

#include "andon/andon.h"
#include "feature/scale.h"
#include "test.h"

static struct followed take(const struct follow *follow, void *memory, const float *x,
                            const uint8_t *gone, float *g)
{
    return follow_row(follow, memory, x, gone, g, ANDON_KERNEL_PLAIN);
}

enum { D = 4, TRAIN = 1500, HELD_OUT = 1500 };

/* A machine of four features with one cause behind three of them, on levels that a test moves. */
struct machine {
    struct andon_arena arena, scratch;
    struct andon_rng rng;
    struct follow_options options;
    struct follow *follow;
    void *memory;
    float level[D];
    bool constant[D];
    andon_error err;
};

static void next_row(struct machine *m, float *x)
{
    double cause = andon_rng_normal(&m->rng);
    for (int j = 0; j < D; j++) {
        double noise = (j < 3 ? 0.7 * cause : 0.0) + 0.7 * andon_rng_normal(&m->rng);
        x[j] = m->level[j] + (m->constant[j] ? 0.0f : (float)noise);
    }
}

static const struct follow_options usual_options = {.on = true,
                                                    .tau = 240.0,
                                                    .slower = 10.0,
                                                    .accept = 600,
                                                    .ridge = 0.2,
                                                    .width_min = 0.1,
                                                    .compress = 12.0,
                                                    .moving = 0.2};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Fits on TRAIN rows and sets limit and usual from HELD_OUT ones, as a lesson does. */
static andon_status machine_fit(struct machine *m)
{
    static float x[TRAIN * D], g[TRAIN * D];
    static double distance[HELD_OUT];
    float row[D], away[D];
    for (int i = 0; i < TRAIN; i++) next_row(m, x + i * D);
    andon_status st = follow_fit((struct andon_rows){x, TRAIN, D}, &m->options, &m->scratch,
                                 &m->arena, &m->follow, g, &m->err);
    if (st != ANDON_OK) return st;
    m->memory = andon_arena_take(&m->arena, follow_memory_bytes(m->follow));
    follow_memory_init(m->follow, m->memory);
    for (int i = 0; i < HELD_OUT; i++) {
        next_row(m, row);
        distance[i] = take(m->follow, m->memory, row, NULL, away).distance;
    }
    qsort(distance, HELD_OUT, sizeof *distance, ascending);
    m->follow->limit = scale_quantile(distance, HELD_OUT, 0.99) + 0.2;
    m->follow->usual = scale_quantile(distance, HELD_OUT, 0.9);
    return ANDON_OK;
}

static void machine_open(struct machine *m, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    m->options = usual_options;
    andon_rng_seed(&m->rng, seed);
    andon_arena_init(&m->arena, andon_allocator_libc(), (size_t)64 << 20);
    andon_arena_init(&m->scratch, andon_allocator_libc(), (size_t)64 << 20);
}

static void machine_close(struct machine *m)
{
    andon_arena_free(&m->arena);
    andon_arena_free(&m->scratch);
}

static struct machine machine_fitted(uint64_t seed)
{
    struct machine m;
    machine_open(&m, seed);
    if (machine_fit(&m) != ANDON_OK) abort();
    return m;
}

/* Judges n rows, each level moved by step before each; how many stand beyond the limit. */
static size_t judge(struct machine *m, size_t n, float step, size_t *settled)
{
    float x[D], g[D];
    size_t far = 0;
    for (size_t i = 0; i < n; i++) {
        for (int j = 0; j < D; j++) m->level[j] += step;
        next_row(m, x);
        struct followed said = take(m->follow, m->memory, x, NULL, g);
        far += said.distance > m->follow->limit;
        if (settled != NULL) *settled += said.settled;
    }
    return far;
}

static void jump(struct machine *m, float by)
{
    m->level[0] += by;
    m->level[3] -= by;
}

TEST(a_slow_drift_raises_nothing_unless_levels_stand_still)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct machine m = machine_fitted(seed);
        size_t far = judge(&m, 6000, 0.001f, NULL);
        machine_close(&m);
        CHECK_SAY(far <= 120, "seed %d: %zu of 6000", (int)seed, far);

        machine_open(&m, seed);
        m.options.tau = m.options.slower = 1e9;
        m.options.accept = 0;
        CHECK(machine_fit(&m) == ANDON_OK);
        judge(&m, 5000, 0.001f, NULL);
        far = judge(&m, 1000, 0.001f, NULL);
        machine_close(&m);
        CHECK_SAY(far >= 900, "seed %d, levels held: %zu of 1000", (int)seed, far);
    }
}

TEST(a_jump_is_far_from_normal_within_five_rows_and_stays_so)
{
    struct machine m = machine_fitted(4);
    size_t before = judge(&m, 1000, 0.0f, NULL);
    jump(&m, 5.0f);
    judge(&m, FOLLOW_SMOOTH - 1, 0.0f, NULL);
    size_t after = judge(&m, 500, 0.0f, NULL);
    machine_close(&m);
    CHECK_SAY(before <= 10, "%zu of 1000", before);
    CHECK_SAY(after == 500, "%zu of 500", after);
}

TEST(a_level_that_stays_for_accept_rows_is_normal_and_so_is_a_return_to_the_old_one)
{
    struct machine m = machine_fitted(5);
    jump(&m, 6.0f);
    size_t rows = 0;
    while (rows < 5000 && judge(&m, 10, 0.0f, NULL) > 0) rows += 10;
    /* The means need a while before the level counts as steady. */
    CHECK_SAY(rows >= 600 && rows <= 1100, "accepted after %zu rows", rows);
    size_t stayed = judge(&m, 500, 0.0f, NULL);
    jump(&m, -6.0f);
    size_t back = judge(&m, 500, 0.0f, NULL);
    jump(&m, 6.0f);
    size_t forth = judge(&m, 500, 0.0f, NULL);
    machine_close(&m);
    CHECK_SAY(stayed <= 10 && back <= 10 && forth <= 10, "%zu, %zu, %zu of 500", stayed, back,
              forth);
}

TEST(accept_0_never_learns_a_new_normal)
{
    struct machine m;
    machine_open(&m, 6);
    m.options.accept = 0;
    m.options.tau = 1e6;
    CHECK(machine_fit(&m) == ANDON_OK);
    jump(&m, 6.0f);
    judge(&m, 100, 0.0f, NULL);
    size_t far = judge(&m, 5000, 0.0f, NULL);
    machine_close(&m);
    CHECK_SAY(far == 5000, "%zu of 5000", far);
}

TEST(a_new_normal_says_how_far_it_is_from_the_learned_one)
{
    struct machine m = machine_fitted(7);
    float x[D], g[D];
    double familiar = 0.0, accepted = 0.0;
    for (int i = 0; i < 100; i++) {
        next_row(&m, x);
        familiar += take(m.follow, m.memory, x, NULL, g).excess / 100.0;
    }
    jump(&m, 6.0f);
    judge(&m, 1500, 0.0f, NULL);
    for (int i = 0; i < 100; i++) {
        next_row(&m, x);
        accepted += take(m.follow, m.memory, x, NULL, g).excess / 100.0;
    }
    machine_close(&m);
    CHECK_NEAR(familiar, 0.0, 0);
    CHECK_SAY(accepted > 2.0, "%g", accepted);
}

TEST(settled_is_said_of_a_steady_level_far_out_and_of_nothing_else)
{
    struct machine m = machine_fitted(8);
    size_t normal = 0, fresh = 0, steady = 0, accepted = 0;
    m.follow->options.accept = 1440;
    judge(&m, 1000, 0.0f, &normal);
    jump(&m, 6.0f);
    judge(&m, 100, 0.0f, &fresh);
    judge(&m, 600, 0.0f, NULL);
    judge(&m, 500, 0.0f, &steady);
    judge(&m, 1500, 0.0f, NULL);
    judge(&m, 500, 0.0f, &accepted);
    machine_close(&m);
    CHECK_SAY(normal == 0 && fresh == 0 && steady == 500 && accepted == 0, "%zu, %zu, %zu, %zu",
              normal, fresh, steady, accepted);
}

TEST(more_new_normals_than_there_is_room_for_leave_the_learned_one_in_place)
{
    struct machine m = machine_fitted(9);
    for (uint32_t k = 0; k < FOLLOW_NORMALS + 2; k++) {
        jump(&m, 7.0f);
        judge(&m, 1500, 0.0f, NULL);
        size_t far = judge(&m, 200, 0.0f, NULL);
        CHECK_SAY(far <= 10, "level %u: %zu of 200", k + 1, far);
    }
    jump(&m, -7.0f * (FOLLOW_NORMALS + 2));
    size_t learned = judge(&m, 200, 0.0f, NULL);
    jump(&m, 7.0f);
    judge(&m, FOLLOW_SMOOTH, 0.0f, NULL);
    size_t forgotten = judge(&m, 200, 0.0f, NULL);
    machine_close(&m);
    CHECK_SAY(learned <= 10 && forgotten == 200, "%zu, %zu of 200", learned, forgotten);
}

TEST(one_wild_row_counts_for_exactly_five_rows)
{
    struct machine m = machine_fitted(10);
    float calm[D] = {0}, wild[D] = {50.0f, 0, 0, 0}, g[D];
    for (int round = 0; round < 7; round++) {
        for (int i = 0; i < 20 + round; i++) take(m.follow, m.memory, calm, NULL, g);
        take(m.follow, m.memory, wild, NULL, g);
        for (uint32_t i = 1; i < 12; i++) {
            bool far = take(m.follow, m.memory, calm, NULL, g).distance > m.follow->limit;
            CHECK_SAY(far == (i < FOLLOW_SMOOTH), "round %d, row %u", round, i);
        }
    }
    machine_close(&m);
}

TEST(a_missing_feature_deviates_by_0_and_teaches_nothing)
{
    static const uint8_t gone[D] = {0, 0, 1, 0};
    struct machine m = machine_fitted(11);
    size_t bytes = follow_memory_bytes(m.follow);
    char *other = andon_arena_take(&m.arena, bytes);
    memcpy(other, m.memory, bytes);
    for (int i = 0; i < 500; i++) {
        float x[D], y[D], g[D], h[D];
        next_row(&m, x);
        memcpy(y, x, sizeof y);
        x[2] = 1e6f;
        y[2] = -3.0f;
        struct followed a = take(m.follow, m.memory, x, gone, g);
        struct followed b = take(m.follow, other, y, gone, h);
        CHECK_NEAR(g[2], 0.0, 0);
        CHECK(memcmp(g, h, sizeof g) == 0 && memcmp(&a.distance, &b.distance, sizeof(double)) == 0);
        CHECK(memcmp(m.memory, other, bytes) == 0);
    }
    CHECK(judge(&m, 500, 0.0f, NULL) <= 10); /* and is judged by its old level when it is back */
    machine_close(&m);
}

TEST(a_block_copied_in_the_middle_of_a_stream_continues_with_the_same_bits)
{
    struct machine m = machine_fitted(12);
    size_t bytes = follow_memory_bytes(m.follow);
    jump(&m, 6.0f);
    judge(&m, 1200, 0.0f, NULL); /* two normals by now */
    char *copy = andon_arena_take(&m.arena, bytes);
    memcpy(copy, m.memory, bytes);
    for (int i = 0; i < 1500; i++) {
        float x[D], g[D], h[D];
        if (i == 300) jump(&m, -12.0f);
        next_row(&m, x);
        struct followed a = take(m.follow, m.memory, x, NULL, g);
        struct followed b = take(m.follow, copy, x, NULL, h);
        CHECK(memcmp(&a.distance, &b.distance, sizeof(double)) == 0 && a.settled == b.settled &&
              memcmp(&a.excess, &b.excess, sizeof(double)) == 0 && memcmp(g, h, sizeof g) == 0);
    }
    machine_close(&m);
}

TEST(a_loaded_follow_continues_with_the_same_bits)
{
    struct machine m = machine_fitted(13);
    struct andon_writer out;
    struct andon_reader in;
    struct follow *again;
    andon_writer_init(&out, &m.scratch);
    follow_save(m.follow, &out);
    andon_reader_init(&in, out.data, out.size);
    CHECK(follow_load(&in, D, &m.options, &m.arena, &again, &m.err) == ANDON_OK);
    CHECK(andon_reader_left(&in) == 0);
    void *memory = andon_arena_take(&m.arena, follow_memory_bytes(again));
    follow_memory_init(m.follow, m.memory);
    follow_memory_init(again, memory);
    for (int i = 0; i < 1500; i++) {
        float x[D], g[D], h[D];
        if (i == 200) jump(&m, 6.0f);
        next_row(&m, x);
        struct followed a = take(m.follow, m.memory, x, NULL, g);
        struct followed b = take(again, memory, x, NULL, h);
        CHECK(memcmp(&a.distance, &b.distance, sizeof(double)) == 0 && a.settled == b.settled &&
              memcmp(g, h, sizeof g) == 0);
    }
    machine_close(&m);
}

/* Far and near rows through a follow that hostile bytes made: every figure must be a number. */
static bool says_numbers(const struct follow *f, struct andon_arena *arena)
{
    static const float size[] = {0.0f, 1.0f, -1e3f, 1e30f, -3e38f};
    void *memory = andon_arena_take(arena, follow_memory_bytes(f));
    follow_memory_init(f, memory);
    for (int i = 0; i < 25; i++) {
        float x[D], g[D];
        for (int j = 0; j < D; j++) x[j] = size[(i / 5 + (j == i % D)) % 5];
        struct followed said = take(f, memory, x, NULL, g);
        if (!isfinite(said.distance) || !isfinite(said.excess)) return false;
        for (int j = 0; j < D; j++)
            if (!isfinite(g[j])) return false;
    }
    return true;
}

TEST(hostile_bytes_are_refused_or_give_numbers)
{
    struct machine m = machine_fitted(14);
    struct andon_writer out;
    struct andon_reader in;
    struct andon_arena arena;
    struct follow *again;
    size_t loaded = 0;
    andon_writer_init(&out, &m.scratch);
    follow_save(m.follow, &out);
    andon_arena_init(&arena, andon_allocator_libc(), 1 << 20);
    CHECK(says_numbers(m.follow, &arena));
    for (size_t cut = 0; cut < out.size; cut++) {
        andon_reader_init(&in, out.data, cut);
        CHECK(follow_load(&in, D, &m.options, &arena, &again, &m.err) == ANDON_EFORMAT);
        andon_arena_free(&arena);
    }
    andon_reader_init(&in, out.data, out.size);
    CHECK(follow_load(&in, 60000, &m.options, &arena, &again, &m.err) == ANDON_EFORMAT);
    for (size_t bit = 0; bit < 8 * out.size; bit++) {
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        andon_reader_init(&in, out.data, out.size);
        if (follow_load(&in, D, &m.options, &arena, &again, &m.err) == ANDON_OK) {
            loaded++;
            CHECK_SAY(says_numbers(again, &arena), "bit %zu", bit);
        }
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        andon_arena_free(&arena);
    }
    CHECK(loaded > 100 && loaded < 8 * out.size);
    machine_close(&m);
}

TEST(features_that_never_changed_deviate_by_0_until_they_do)
{
    for (int all = 0; all < 2; all++) {
        struct machine m;
        float x[D], g[D];
        machine_open(&m, 15);
        for (int j = 0; j < D; j++) m.constant[j] = all || j == 3;
        m.level[3] = 5.0f;
        CHECK(machine_fit(&m) == ANDON_OK);
        next_row(&m, x);
        struct followed said = take(m.follow, m.memory, x, NULL, g);
        CHECK_NEAR(g[3], 0.0, 0);
        CHECK(isfinite(said.distance) && said.distance <= m.follow->limit);
        m.level[3] = 7.0f;
        size_t far = judge(&m, 100, 0.0f, NULL);
        machine_close(&m);
        CHECK_SAY(far >= 99, "%zu of 100", far);
    }
}

TEST(few_rows_fit_and_rows_that_are_no_numbers_do_not)
{
    static float x[TRAIN * D], g[TRAIN * D];
    struct machine m;
    machine_open(&m, 16);
    for (size_t n = 1; n < 20; n++) {
        next_row(&m, x + (n - 1) * D);
        CHECK(follow_fit((struct andon_rows){x, n, D}, &m.options, &m.scratch, &m.arena, &m.follow,
                         g, &m.err) == ANDON_OK);
        CHECK(says_numbers(m.follow, &m.arena));
    }
    x[5] = NAN;
    CHECK(follow_fit((struct andon_rows){x, 19, D}, &m.options, &m.scratch, &m.arena, &m.follow, g,
                     &m.err) == ANDON_EDATA);
    machine_close(&m);
}
