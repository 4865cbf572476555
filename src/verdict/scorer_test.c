/* A scorer on streams that a plant can send and nobody likes. model_test.c has the usual ones. */
#include <float.h>
#include <stddef.h>

#include "andon/andon.h"
#include "test.h"

enum { CHANNELS = 3, TRAIN = 2000, ROWS = 6000, MINUTE_MS = 60000 };

static const char *const channel_names[CHANNELS] = {"temperature", "vibration", "flow"};

/* A machine, a model of its first TRAIN rows and what is said of the rows after. */
struct plant {
    double value[ROWS][CHANNELS];
    int64_t ts_ns[ROWS];
    int8_t running[ROWS];
    int32_t regime[ROWS];
    struct andon_arena scratch, arena;
    struct andon_model *model;
    struct andon_verdict verdict[ROWS];
    float share[ROWS][CHANNELS];
    andon_error err;
};

static struct plant *plant_new(uint64_t seed)
{
    struct plant *p = calloc(1, sizeof *p);
    struct andon_rng rng;
    double load = 0.0;
    if (p == NULL) abort();
    andon_rng_seed(&rng, seed);
    andon_arena_init(&p->scratch, andon_allocator_libc(), (size_t)1 << 30);
    andon_arena_init(&p->arena, andon_allocator_libc(), (size_t)1 << 30);
    for (size_t i = 0; i < ROWS; i++) {
        load = 0.9 * load + 0.4 * andon_rng_normal(&rng);
        p->value[i][0] = 45.0 + load + 0.5 * andon_rng_normal(&rng);
        p->value[i][1] = 2.5 + 0.1 * load + 0.1 * andon_rng_normal(&rng);
        p->value[i][2] = 150.0 + 5.0 * load + andon_rng_normal(&rng);
        p->ts_ns[i] = 1700000000000000000 + (int64_t)i * MINUTE_MS * 1000000;
        p->running[i] = 1;
        p->regime[i] = (int32_t)(i / 50 % 2);
    }
    return p;
}

static void plant_free(struct plant *p)
{
    andon_arena_free(&p->scratch);
    andon_arena_free(&p->arena);
    free(p);
}

static struct andon_training training_of(const struct plant *p, const char *detector)
{
    return (struct andon_training){
        .schema = {.channels = CHANNELS, .channel = channel_names},
        .series = {TRAIN, CHANNELS, p->value[0], p->ts_ns, p->running, NULL},
        .detector = detector,
        .budget_per_day = 3.0,
        .interval_s = 60.0,
        .seed = 1,
        .kernel = andon_kernel_best()};
}

static andon_status fit(struct plant *p, const struct andon_training *t)
{
    return andon_model_fit(t, &p->scratch, &p->arena, &p->model, &p->err);
}

/* The ensemble with "key=value" pairs for one test's sake; ends the program when it does not fit. */
static void fit_with(struct plant *p, const struct andon_setting *setting, size_t settings)
{
    struct andon_training t = training_of(p, "ensemble");
    t.setting = setting;
    t.settings = settings;
    if (fit(p, &t) != ANDON_OK) {
        fprintf(stderr, "%s\n", p->err.text);
        abort();
    }
}

static void score(struct plant *p, const int8_t *running, const int32_t *regime)
{
    enum { BATCH = 100 };
    void *memory = aligned_alloc(64, andon_scorer_bytes(p->model, BATCH));
    struct andon_scorer *s = andon_scorer_init(p->model, BATCH, andon_kernel_best(), memory);
    for (size_t i = 0; i < ROWS; i += BATCH) {
        struct andon_series part = {BATCH, CHANNELS, p->value[i], p->ts_ns + i,
                                    running != NULL ? running + i : NULL,
                                    regime != NULL ? regime + i : NULL};
        andon_scorer_run(s, &part, ANDON_EXPLAIN_ALL, p->verdict + i, p->share[i]);
    }
    free(memory);
}

static size_t anomalies(const struct plant *p, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++) n += p->verdict[i].is_anomaly;
    return n;
}

/* Whether rows [from, to) pass for normal: ten hours of held-out time prove little, so that up to a
 * tenth of them may stand in false alarms. A fault stands in nearly all. */
static bool is_quiet(const struct plant *p, size_t from, size_t to)
{
    return 10 * anomalies(p, from, to) <= to - from;
}

/* Every row has three answers that belong together. */
static bool answers_fit(const struct plant *p)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct andon_verdict *v = &p->verdict[i];
        bool judged = !isnan(v->score);
        if (judged && !(isfinite(v->score) && v->score >= 0.0)) return false;
        if (judged && !(v->p_value > 0.0 && v->p_value <= 1.0)) return false;
        if (!judged && (v->state != ANDON_UNKNOWN || !isnan(v->p_value))) return false;
        if ((v->state == ANDON_ANOMALY) != v->is_anomaly) return false;
        if (v->state == ANDON_UNKNOWN && v->reason == ANDON_REASON_NONE) return false;
        if (v->state == ANDON_NORMAL && v->reason != ANDON_REASON_NONE) return false;
    }
    return true;
}

TEST(a_level_that_stays_is_out_of_regime_then_normal_and_the_old_one_still_is)
{
    static const struct andon_setting settings[] = {{"accept", "600"}};
    struct plant *p = plant_new(1);
    for (size_t i = 3000; i < 5000; i++) {
        p->value[i][0] += 12.0;
        p->value[i][1] += 1.5;
    }
    fit_with(p, settings, 1);
    score(p, NULL, NULL);
    size_t jumped = anomalies(p, 3010, 3500), said = 0, above = 0;
    for (size_t i = 3000; i < 5000; i++) said += p->verdict[i].reason == ANDON_OUT_OF_REGIME;
    for (size_t i = 4300; i < 5000; i++)
        above += p->verdict[i].score > 0.9 && p->verdict[i].score <= 1.0;
    bool fits = answers_fit(p), before = is_quiet(p, 2000, 3000);
    bool accepted = is_quiet(p, 4300, 5000), back = is_quiet(p, 5000, ROWS);
    plant_free(p);
    CHECK_SAY(jumped == 490 && said > 100, "%zu of 490, said %zu times", jumped, said);
    CHECK_SAY(before && accepted && back && fits, "%d %d %d %d", before, accepted, back, fits);
    CHECK_SAY(above > 600, "%zu of 700 rank just below 1", above);
}

TEST(time_that_repeats_or_runs_backwards_trains_and_scores)
{
    for (int kind = 0; kind < 4; kind++) {
        struct plant *p = plant_new(2);
        for (size_t i = 0; i < ROWS; i++) {
            if (kind == 0) p->ts_ns[i] = p->ts_ns[i / 2 * 2];           /* each twice   */
            if (kind == 1) p->ts_ns[i] = 1700000000000000000;           /* all the same */
            if (kind == 2) p->ts_ns[i] = -p->ts_ns[i];                  /* backwards    */
            if (kind == 3) p->ts_ns[i] = i % 2 ? INT64_MAX : INT64_MIN; /* to and fro   */
        }
        struct andon_training t = training_of(p, "ensemble");
        CHECK_SAY(fit(p, &t) == ANDON_OK, "kind %d: %s", kind, p->err.text);
        score(p, NULL, NULL);
        bool fits = answers_fit(p);
        bool quiet = is_quiet(p, 2000, ROWS);
        size_t judged = 0;
        for (size_t i = 0; i < ROWS; i++) judged += isfinite(p->verdict[i].score) != 0;
        plant_free(p);
        CHECK_SAY(fits && judged == ROWS && quiet, "kind %d: %zu judged, %d", kind, judged, quiet);
    }
}

TEST(an_hour_set_back_once_costs_a_warm_up_and_nothing_else)
{
    struct plant *p = plant_new(3);
    for (size_t i = 4000; i < ROWS; i++) p->ts_ns[i] -= 3600 * (int64_t)1000000000;
    fit_with(p, NULL, 0);
    score(p, NULL, NULL);
    CHECK(p->verdict[3999].state == ANDON_NORMAL);
    CHECK(p->verdict[4000].state == ANDON_UNKNOWN && p->verdict[4000].reason == ANDON_WARMING_UP);
    CHECK(p->verdict[4025].reason != ANDON_WARMING_UP);
    plant_free(p);
}

TEST(regimes_that_training_never_saw_are_judged_by_the_figures_of_all)
{
    static const char *const names[2] = {"slow", "fast"};
    static const int32_t strange[] = {ANDON_REGIME_UNKNOWN, 2, 63, INT32_MAX, INT32_MIN};
    struct plant *p = plant_new(4);
    for (size_t i = 0; i < ROWS; i++) p->value[i][0] += 10.0 * p->regime[i];
    struct andon_training t = training_of(p, "ensemble");
    t.schema.regimes = 2;
    t.schema.regime = names;
    t.series.regime = p->regime;
    CHECK_SAY(fit(p, &t) == ANDON_OK, "%s", p->err.text);
    for (size_t i = 3000; i < ROWS; i++) p->regime[i] = strange[i % 5];
    score(p, NULL, p->regime);
    bool fits = answers_fit(p), quiet = is_quiet(p, 2000, 3000);
    size_t judged = 0;
    for (size_t i = 3000; i < ROWS; i++) judged += isfinite(p->verdict[i].score) != 0;
    plant_free(p);
    CHECK_SAY(fits && judged == ROWS - 3000 && quiet, "%zu judged, %d", judged, quiet);
}

TEST(a_machine_of_which_nobody_says_whether_it_runs_is_taken_to_run)
{
    struct plant *p = plant_new(5);
    struct andon_verdict *said = malloc(sizeof p->verdict);
    fit_with(p, NULL, 0);
    score(p, NULL, NULL);
    memcpy(said, p->verdict, sizeof p->verdict);
    for (size_t i = 0; i < ROWS; i++) p->running[i] = ANDON_RUNNING_UNKNOWN;
    fit_with(p, NULL, 0);
    score(p, p->running, NULL);
    for (size_t i = 0; i < ROWS; i++)
        CHECK_SAY(memcmp(&said[i].score, &p->verdict[i].score, sizeof(double)) == 0 &&
                      said[i].state == p->verdict[i].state,
                  "row %zu", i);
    free(said);
    plant_free(p);
}

TEST(values_at_the_ends_of_double_are_far_out_and_still_numbers)
{
    static const char *const detectors[] = {"ensemble", "iforest", "lof", "knn", "autoencoder",
                                            "pca", "mahalanobis", "limits", "level"};
    static const double ends[] = {1e12, 1e38, 1e100, 1e200, DBL_MAX};
    static const struct andon_setting settings[2][3] = {
        {{"derive", "heat=temperature*flow;rate=flow/vibration;sum=flow+temperature"}},
        {{"recipe.compress", "0"}, {"recipe.features", "value,mean,sd,trend"},
         {"recipe.window", "5,300"}}};
    for (size_t k = 0; k < 2 * sizeof detectors / sizeof *detectors; k++) {
        struct plant *p = plant_new(6);
        struct andon_training t = training_of(p, detectors[k / 2]);
        t.setting = settings[k % 2];
        t.settings = k % 2 ? 3 : 1;
        CHECK_SAY(fit(p, &t) == ANDON_OK, "%s: %s", detectors[k / 2], p->err.text);
        for (size_t i = 3000; i < 3020; i++) {
            p->value[i][i % CHANNELS] = (i % 2 ? -1.0 : 1.0) * ends[i / 2 % 5];
            p->value[i][(i + 1) % CHANNELS] = (i % 4 < 2 ? 1.0 : -1.0) * ends[i % 5];
        }
        score(p, NULL, NULL);
        for (size_t i = 2990; i < 3030; i++)
            CHECK_SAY(isfinite(p->verdict[i].score) && p->verdict[i].p_value > 0.0,
                      "%s %zu: row %zu scores %g", detectors[k / 2], k % 2, i, p->verdict[i].score);
        CHECK(answers_fit(p));
        size_t judged = 0;
        for (size_t i = 4000; i < ROWS; i++) judged += isfinite(p->verdict[i].score) != 0;
        plant_free(p);
        CHECK_SAY(judged == ROWS - 4000, "%s: %zu judged", detectors[k / 2], judged);
    }
}

TEST(a_channel_that_is_mostly_missing_in_training_lowers_coverage_alone)
{
    struct plant *p = plant_new(7);
    for (size_t i = 0; i < ROWS; i++)
        if (i % 25 != 0) p->value[i][1] = NAN;
    fit_with(p, NULL, 0);
    score(p, NULL, NULL);
    bool fits = answers_fit(p);
    size_t unknown = 0, normal = 0;
    for (size_t i = 2000; i < ROWS; i++) {
        unknown += p->verdict[i].state == ANDON_UNKNOWN &&
                   p->verdict[i].reason == ANDON_BAD_QUALITY && p->verdict[i].coverage < 0.7f;
        normal += p->verdict[i].state == ANDON_NORMAL;
    }
    plant_free(p);
    CHECK(fits);
    CHECK_SAY(unknown > 3700 && normal > 130, "%zu unknown, %zu normal", unknown, normal);
}

TEST(every_budget_interval_and_held_out_part_gives_a_level)
{
    static const struct {
        double budget, interval_s;
        const char *held_out;
        size_t rows;
    } cases[] = {{1e6, 60.0, "0.3", TRAIN},    {1e-4, 60.0, "0.3", TRAIN},
                 {3.0, 0.0, "0.3", TRAIN},     {3.0, 1e-6, "0.3", TRAIN},
                 {3.0, 86400.0, "0.3", TRAIN}, {DBL_TRUE_MIN, 60.0, "0.3", TRAIN},
                 {3.0, 60.0, "0.05", 20},      {3.0, 60.0, "0.9", 20},
                 {3.0, 60.0, "0.9", TRAIN}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int level = 0; level < 2; level++) {
            struct plant *p = plant_new(8);
            const struct andon_setting held_out = {"held_out", cases[k].held_out};
            struct andon_training t = training_of(p, level ? "level" : "ensemble");
            t.setting = &held_out;
            t.settings = 1;
            t.budget_per_day = cases[k].budget;
            t.interval_s = cases[k].interval_s;
            t.series.n = cases[k].rows;
            andon_status st = fit(p, &t);
            if (st == ANDON_OK) score(p, NULL, NULL);
            bool fits = st == ANDON_OK && answers_fit(p);
            CHECK_SAY(fits || (level && st == ANDON_EDATA), "case %zu %d: %s", k, level, p->err.text);
            plant_free(p);
        }
}

TEST(budgets_and_intervals_that_are_no_rates_are_refused)
{
    static const double wrong[] = {0.0, -1.0, NAN, INFINITY};
    struct plant *p = plant_new(9);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct andon_training t = training_of(p, "ensemble");
        t.budget_per_day = wrong[i];
        CHECK(fit(p, &t) == ANDON_EINVAL && strstr(p->err.text, "budget") != NULL);
        if (!(wrong[i] < 0.0 || wrong[i] > 0.0) && !isnan(wrong[i])) continue; /* 0: unknown */
        t = training_of(p, "ensemble");
        t.interval_s = wrong[i];
        CHECK(fit(p, &t) == ANDON_EINVAL && strstr(p->err.text, "interval") != NULL);
    }
    plant_free(p);
}

TEST(confirm_waits_for_so_many_of_the_last_rows_and_hold_for_calm)
{
    static const struct andon_setting settings[] = {
        {"confirm", "3"}, {"of", "5"}, {"hold", "4"}, {"follow", "no"}, {"recipe.features", "value"}};
    struct plant *p = plant_new(10);
    for (size_t i = 3000; i < 3002; i++) p->value[i][1] += 9.0;           /* two of five */
    for (size_t i = 3100; i < 3110; i++) p->value[i][1] += i % 2 ? 9.0 : 0.0; /* three of five */
    fit_with(p, settings, 5);
    score(p, NULL, NULL);
    size_t two = anomalies(p, 2998, 3010), first = 3100, last;
    while (first < 3120 && !p->verdict[first].is_anomaly) first++;
    last = first;
    while (last < 3150 && p->verdict[last].is_anomaly) last++;
    plant_free(p);
    CHECK_SAY(two == 0, "%zu rows", two);
    CHECK_SAY(first == 3105, "began in row %zu", first); /* 3101, 3103, 3105 */
    /* Rows up to 3111 have three of five above 1; four calm ones end it. */
    CHECK_SAY(last >= 3113 && last <= 3125, "ended in row %zu", last);
}

TEST(smooth_trades_single_rows_for_stretches)
{
    static const struct andon_setting settings[] = {
        {"smooth", "20"}, {"recipe.features", "value"}, {"follow", "no"}};
    struct plant *p = plant_new(11);
    p->value[3000][1] += 0.9;
    for (size_t i = 4000; i < 4100; i++) p->value[i][1] += 0.9;
    fit_with(p, settings + 1, 2);
    score(p, NULL, NULL);
    size_t row = anomalies(p, 3000, 3010);
    fit_with(p, settings, 3);
    score(p, NULL, NULL);
    size_t smooth_row = anomalies(p, 3000, 3010), stretch = anomalies(p, 4020, 4100);
    bool fits = answers_fit(p);
    plant_free(p);
    CHECK_SAY(fits && row > 0 && smooth_row == 0 && stretch == 80, "%zu, %zu, %zu", row, smooth_row,
              stretch);
}

TEST(every_answer_and_reason_has_its_name)
{
    static const char *const reason[] = {"",       "machine_off", "warming_up",    "stale",
                                         "frozen", "bad_quality", "out_of_regime", "no_model"};
    CHECK(strcmp(andon_state_name(ANDON_NORMAL), "NORMAL") == 0);
    CHECK(strcmp(andon_state_name(ANDON_ANOMALY), "ANOMALY") == 0);
    CHECK(strcmp(andon_state_name(ANDON_UNKNOWN), "UNKNOWN") == 0);
    CHECK(strcmp(andon_state_name((enum andon_state)9), "UNKNOWN") == 0);
    for (int i = ANDON_REASON_NONE; i <= ANDON_NO_MODEL; i++)
        CHECK(strcmp(andon_reason_name((enum andon_reason)i), reason[i]) == 0);
    CHECK(strcmp(andon_reason_name((enum andon_reason)99), "") == 0);
}

TEST(a_channel_that_rests_in_one_regime_is_judged_there_without_a_floor_too)
{
    static const char *const names[2] = {"slow", "fast"};
    static const struct andon_setting floor = {"floor", "0"};
    struct plant *p = plant_new(12);
    for (size_t i = 0; i < ROWS; i++)
        if (p->regime[i] == 0) p->value[i][1] = 1.0;
    struct andon_training t = training_of(p, "ensemble");
    t.schema.regimes = 2;
    t.schema.regime = names;
    t.series.regime = p->regime;
    t.setting = &floor;
    t.settings = 1;
    CHECK_SAY(fit(p, &t) == ANDON_OK, "%s", p->err.text);
    for (size_t i = 4000; i < 4020; i++) p->value[i][1] += 1.0; /* slow: rows 4000 to 4049 */
    score(p, NULL, p->regime);
    bool fits = answers_fit(p);
    size_t judged = 0;
    for (size_t i = 0; i < ROWS; i++) judged += isfinite(p->verdict[i].score) != 0;
    plant_free(p);
    CHECK_SAY(fits && judged == ROWS, "%zu judged", judged);
}

/* The even and the odd rows as two machines of one model, moved through one scorer as copied bytes,
 * and what each says when it has a scorer to itself. */
TEST(a_scorer_moved_between_machines_says_what_each_machines_own_scorer_says)
{
    static const struct andon_setting settings[] = {{"members", "mahalanobis,limits"}, {"smooth", "3"}};
    struct plant *p = plant_new(9);
    fit_with(p, settings, 2);
    size_t bytes = andon_machine_bytes(p->model), wrong = 0;
    void *memory[3], *machine[2];
    struct andon_scorer *scorer[3];
    for (int k = 0; k < 3; k++) {
        memory[k] = aligned_alloc(64, andon_scorer_bytes(p->model, 1));
        scorer[k] = andon_scorer_init(p->model, 1, andon_kernel_best(), memory[k]);
    }
    for (int k = 0; k < 2; k++) {
        machine[k] = aligned_alloc(64, bytes);
        andon_machine_init(p->model, machine[k]);
    }
    for (size_t i = 0; i < ROWS; i++) {
        struct andon_series one = {1, CHANNELS, p->value[i], p->ts_ns + i, NULL, NULL};
        struct andon_verdict own, moved;
        float own_share[CHANNELS], moved_share[CHANNELS];
        void *copy = aligned_alloc(64, bytes); /* as a checkpoint brings it back */
        memcpy(copy, machine[i % 2], bytes);
        free(machine[i % 2]);
        machine[i % 2] = copy;
        andon_scorer_run(scorer[i % 2], &one, ANDON_EXPLAIN_ALL, &own, own_share);
        andon_scorer_attach(scorer[2], copy);
        andon_scorer_run(scorer[2], &one, ANDON_EXPLAIN_ALL, &moved, moved_share);
        wrong += memcmp(&own, &moved, offsetof(struct andon_verdict, kind) + 1) != 0 ||
                 memcmp(own_share, moved_share, sizeof own_share) != 0;
    }
    for (int k = 0; k < 3; k++) free(memory[k]);
    for (int k = 0; k < 2; k++) free(machine[k]);
    plant_free(p);
    CHECK_SAY(wrong == 0, "%zu rows differ", wrong);
}

static void run_machines(const char *members)
{
    const struct andon_setting settings[] = {{"members", members}, {"smooth", "3"}};
    enum { MACHINES = 7, BATCH = 100 };
    struct plant *p = plant_new(10);
    fit_with(p, settings, 2);
    void *memory[MACHINES + 1], *machine[MACHINES], *of[BATCH];
    struct andon_scorer *scorer[MACHINES + 1];
    size_t wrong = 0;
    for (int k = 0; k <= MACHINES; k++) {
        memory[k] = aligned_alloc(64, andon_scorer_bytes(p->model, BATCH));
        scorer[k] = andon_scorer_init(p->model, BATCH, andon_kernel_best(), memory[k]);
    }
    for (int k = 0; k < MACHINES; k++) {
        machine[k] = aligned_alloc(64, (andon_machine_bytes(p->model) + 63) & ~(size_t)63);
        andon_machine_init(p->model, machine[k]);
    }
    for (size_t at = 0; at < ROWS; at += BATCH) {
        struct andon_series part = {BATCH, CHANNELS, p->value[at], p->ts_ns + at, NULL, NULL};
        for (size_t i = 0; i < BATCH; i++) of[i] = machine[(at + i) * (at + i) % MACHINES];
        andon_scorer_run_machines(scorer[MACHINES], of, &part, ANDON_EXPLAIN_ALL, p->verdict + at,
                                  p->share[at]);
        for (size_t i = 0; i < BATCH; i++) {
            struct andon_series one = {1, CHANNELS, p->value[at + i], p->ts_ns + at + i, NULL, NULL};
            struct andon_verdict own;
            float share[CHANNELS];
            andon_scorer_run(scorer[(at + i) * (at + i) % MACHINES], &one, ANDON_EXPLAIN_ALL, &own, share);
            wrong += memcmp(&own, &p->verdict[at + i], offsetof(struct andon_verdict, kind) + 1) != 0 ||
                     memcmp(share, p->share[at + i], sizeof share) != 0;
        }
    }
    for (int k = 0; k <= MACHINES; k++) free(memory[k]);
    for (int k = 0; k < MACHINES; k++) free(machine[k]);
    plant_free(p);
    CHECK_SAY(wrong == 0, "%s: %zu rows differ", members, wrong);
}

TEST(rows_of_many_machines_in_one_batch_are_judged_like_each_machines_own)
{
    run_machines("mahalanobis,iforest");
    run_machines("mahalanobis,limits");
}
