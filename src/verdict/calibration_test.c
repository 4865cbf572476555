#include "verdict/calibration.h"

#include <float.h>

#include "andon/andon.h"
#include "test.h"

enum { DAY = 1440 };

static const struct calibration_rule usual = {.budget_per_day = 3.0,
                                              .interval_s = 60.0,
                                              .interval_known = true,
                                              .gap_s = 300.0,
                                              .tail_from = 0.9,
                                              .rare = 2e-3};

/* Normal time: the mean square of four AR(1) series, what a distance from the centre looks like.
 * Deterministic in seed. */
static void normal_time(uint64_t seed, double memory, double *raw, size_t n)
{
    struct andon_rng rng;
    double z[4] = {0};
    andon_rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++) {
        raw[i] = 0.0;
        for (int k = 0; k < 4; k++) {
            z[k] = memory * z[k] + sqrt(1.0 - memory * memory) * andon_rng_normal(&rng);
            raw[i] += z[k] * z[k] / 4.0;
        }
    }
}

static double *normal_u(uint64_t seed, double memory, size_t n)
{
    double *u = malloc(n * sizeof *u);
    const struct compression c = {.typical = 1.0, .spread = 1.0};
    normal_time(seed, memory, u, n);
    for (size_t i = 0; i < n; i++) u[i] = compression_apply(&c, u[i]);
    return u;
}

static struct calibration fit(const double *u, size_t n, const struct calibration_rule *rule)
{
    double *sorted = malloc(n * sizeof *sorted);
    struct calibration c = calibration_fit(u, sorted, n, rule);
    free(sorted);
    return c;
}

static struct calibration usual_calibration(void)
{
    double *u = normal_u(1, 0.9, 3 * DAY);
    struct calibration c = fit(u, 3 * DAY, &usual);
    free(u);
    return c;
}

TEST(the_poisson_bound_is_the_exact_one_within_a_thousandth)
{
    /* scipy 1.17: chi2.ppf(0.95, 2 (k + 1)) / 2 */
    static const struct {
        uint64_t events;
        double bound;
    } exact[] = {{0, 2.9957322735539895}, {1, 4.743864518390577},  {2, 6.295793621871988},
                 {3, 7.753656527932725},  {4, 9.153519026637573},  {5, 10.513034908741535},
                 {10, 16.962219235721903}, {30, 40.69050759444955}, {100, 118.07927278209706},
                 {1000, 1053.6031221333008}, {10000, 10166.060136127071}};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        double bound = calibration_poisson_bound(exact[i].events);
        CHECK_SAY(fabs(bound / exact[i].bound - 1.0) < 1e-3, "%llu events: %.9g, expected %.9g",
                  (unsigned long long)exact[i].events, bound, exact[i].bound);
    }
    for (uint64_t k = 0; k < 1000; k++)
        CHECK(calibration_poisson_bound(k + 1) > calibration_poisson_bound(k));
}

TEST(u_rises_strictly_with_the_raw_score_and_is_finite_for_every_finite_one)
{
    static const double typical[] = {DBL_MIN, 1e-12, 1.0, 1e12};
    for (size_t k = 0; k < sizeof typical / sizeof *typical; k++) {
        struct compression c = {.typical = typical[k], .spread = 1.0};
        double before = compression_apply(&c, 0.0);
        CHECK_NEAR(before, log(COMPRESSION_OFFSET), 1e-12);
        for (double raw = 1e-3 * typical[k]; raw < DBL_MAX / 2.0; raw *= 1.5) {
            double u = compression_apply(&c, raw);
            CHECK_SAY(u > before && isfinite(u), "raw %g of typical %g: %.17g", raw, typical[k], u);
            before = u;
        }
        CHECK(isfinite(compression_apply(&c, DBL_MAX)));
    }
}

TEST(compression_measures_the_median_and_the_tail_of_raw_scores)
{
    double raw[1000];
    for (int i = 0; i < 1000; i++) raw[i] = (double)((i * 617) % 1000) / 999.0;
    struct compression c = compression_fit(raw, 1000);
    CHECK_NEAR(c.typical, 0.5, 1e-12);
    CHECK_NEAR(c.spread, log((0.99 / 0.5 + COMPRESSION_OFFSET) / (1.0 + COMPRESSION_OFFSET)), 1e-12);
}

TEST(scores_that_are_0_on_most_or_all_normal_rows_still_have_a_scale)
{
    double raw[1000] = {0};
    struct compression none = compression_fit(raw, 1000);
    CHECK(compression_sound(&none));
    CHECK_NEAR(none.typical, 1.0, 0);
    for (int i = 0; i < 1000; i++) raw[i] = i % 10 == 0 ? 4.0 : 0.0;
    struct compression some = compression_fit(raw, 1000);
    CHECK(compression_sound(&some));
    CHECK_NEAR(some.typical, 4.0, 0);
    double one = 7.0;
    struct compression single = compression_fit(&one, 1);
    CHECK(compression_sound(&single));
    CHECK_NEAR(single.typical, 7.0, 0);
}

TEST(the_score_is_1_at_the_level_and_rises_strictly_without_end)
{
    struct calibration c = usual_calibration();
    CHECK_NEAR(calibration_score(&c, c.level, 0.0), 1.0, 0);
    CHECK_NEAR(calibration_score(&c, c.level + 1.0, 0.0), exp(1.0), 1e-12);
    double before = 0.0;
    for (double u = -600.0; u < 1e9; u += 0.3 + 1e-3 * fabs(u)) {
        double score = calibration_score(&c, u, 0.0);
        CHECK_SAY(score > before && isfinite(score), "u %g: %g after %g", u, score, before);
        before = score;
    }
}

TEST(an_accepted_new_normal_ranks_above_familiar_rows_and_stays_below_1)
{
    struct calibration c = usual_calibration();
    double familiar = calibration_score(&c, c.level - 0.5, 0.0);
    double accepted = calibration_score(&c, c.level - 2.0, 6.0);
    CHECK_SAY(accepted > familiar && accepted < 1.0, "%g and %g", accepted, familiar);
    /* An anomaly beside an accepted normal is as far out as it is from the learned one. */
    CHECK_NEAR(calibration_score(&c, c.level + 0.5, 2.0), exp(2.5), 1e-9);
    /* Being nearer to the learned normal, or a distance that is no number, changes nothing. */
    CHECK_NEAR(calibration_score(&c, c.level - 0.5, -3.0), familiar, 0);
    CHECK_NEAR(calibration_score(&c, c.level - 0.5, NAN), familiar, 0);
    static const double excess[] = {0.1, 1.0, 10.0, 1e3, 1e6};
    for (size_t k = 0; k < sizeof excess / sizeof *excess; k++) {
        double before = 0.0;
        for (double u = c.level - 20.0; u < c.level + 20.0; u += 0.37) {
            double score = calibration_score(&c, u, excess[k]);
            CHECK_SAY(score >= before && isfinite(score), "excess %g, u %g", excess[k], u);
            CHECK((score > 1.0) == (u > c.level));
            before = score;
        }
    }
}

TEST(p_values_fall_strictly_and_never_reach_0)
{
    struct calibration c = usual_calibration();
    double before = calibration_p_value(&c, c.quantile[0]);
    CHECK_NEAR(before, 1.0, 0);
    CHECK_NEAR(calibration_p_value(&c, -1e9), 1.0, 0);
    for (double u = c.quantile[0] + 0.01; u < 1e9; u += 0.01 + 1e-2 * fabs(u)) {
        double p = calibration_p_value(&c, u);
        CHECK_SAY(p < before && p > 0.0, "u %g: %g after %g", u, p, before);
        before = p;
    }
}

TEST(p_values_are_the_part_of_held_out_rows_at_least_so_far_out)
{
    double *u = normal_u(1, 0.9, 3 * DAY);
    struct calibration c = fit(u, 3 * DAY, &usual);
    for (double at = c.quantile[1]; at < c.quantile[63]; at += 0.05) {
        size_t beyond = 0;
        for (size_t i = 0; i < 3 * DAY; i++) beyond += u[i] >= at;
        CHECK_NEAR(calibration_p_value(&c, at), (double)beyond / (3.0 * DAY), 0.01);
    }
    free(u);
}

TEST(a_score_that_most_normal_rows_share_is_not_rare)
{
    double u[1000];
    for (int i = 0; i < 1000; i++) u[i] = -3.9;
    struct calibration same = fit(u, 1000, &usual);
    CHECK_NEAR(calibration_p_value(&same, -3.9), 1.0, 0);
    CHECK(calibration_p_value(&same, -3.8) > 0.0 && calibration_p_value(&same, -3.8) < 0.02);
    CHECK(calibration_p_value(&same, 1000.0) > 0.0);
    for (int i = 0; i < 1000; i += 4) u[i] = -5.0 - i * 1e-3;
    struct calibration most = fit(u, 1000, &usual);
    CHECK_NEAR(calibration_p_value(&most, -3.9), 0.75, 0.02);
}

/* Events beyond level in u, joined as the rule says. */
static double events_per_day(const struct calibration *c, const double *u, size_t n)
{
    struct calibration seen = *c;
    calibration_move(&seen, u, n, &usual, c->level);
    return (double)seen.events / seen.days;
}

/* Noise with a memory of fifty rows (0.98) is another matter: excursions fall into pieces whose
 * peaks say too little of the tail, and the level spends 1.2 times this budget on average. */
TEST(half_a_year_of_normal_time_stays_within_the_budget_set_on_three_days)
{
    static const double memory[] = {0.0, 0.9};
    enum { SEEDS = 6, LONG = 200 * DAY };
    for (size_t k = 0; k < sizeof memory / sizeof *memory; k++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            double *held_out = normal_u(seed, memory[k], 3 * DAY);
            double *fresh = normal_u(seed + 1000, memory[k], LONG);
            struct calibration c = fit(held_out, 3 * DAY, &usual);
            double spent = events_per_day(&c, fresh, LONG);
            CHECK_SAY(spent <= usual.budget_per_day, "memory %g, seed %llu: %g a day", memory[k],
                      (unsigned long long)seed, spent);
            CHECK_SAY(spent >= 0.01 * usual.budget_per_day, "memory %g, seed %llu: deaf, %g a day",
                      memory[k], (unsigned long long)seed, spent);
            free(held_out);
            free(fresh);
        }
}

TEST(a_smaller_budget_puts_the_level_higher_and_any_budget_gives_one)
{
    static const double budget[] = {1e6, 100.0, 3.0, 1.0, 0.1, 1e-4, 1e-300};
    double *u = normal_u(2, 0.9, 30 * DAY), before = -INFINITY;
    for (size_t k = 0; k < sizeof budget / sizeof *budget; k++) {
        struct calibration_rule rule = usual;
        rule.budget_per_day = budget[k];
        struct calibration c = fit(u, 30 * DAY, &rule);
        bool same = k == 1 || k == 2; /* `rare` allows 2.88 events a day at most */
        CHECK_SAY(isfinite(c.level) && (same ? c.level == before : c.level > before),
                  "budget %g: %g after %g", budget[k], c.level, before);
        before = c.level;
    }
    struct calibration_rule least = usual;
    least.budget_per_day = DBL_TRUE_MIN;
    CHECK(isfinite(fit(u, 100, &least).level) && isfinite(fit(u, 1, &usual).level));
    free(u);
}

TEST(events_are_exceedances_joined_within_the_gap)
{
    double u[1000] = {0};
    struct calibration c = usual_calibration();
    u[10] = u[12] = u[17] = 9.0; /* one event: five minutes are five rows */
    u[23] = 9.0;                 /* another */
    u[999] = 9.0;
    calibration_move(&c, u, 1000, &usual, 5.0);
    CHECK(c.events == 3);
    CHECK(c.rows == 1000);
    CHECK_NEAR(c.level, 5.0, 0);
    CHECK_NEAR(c.days, 1000.0 / 1440.0, 1e-12);
    CHECK_NEAR(calibration_bound_per_day(&c), 7.753657 / c.days, 1e-5);
}

static size_t save(const struct calibration *c, struct andon_arena *arena, uint8_t **bytes)
{
    struct andon_writer out;
    andon_writer_init(&out, arena);
    calibration_save(c, &out);
    *bytes = out.data;
    return out.full ? 0 : out.size;
}

TEST(a_loaded_calibration_is_the_saved_one)
{
    struct calibration c = usual_calibration(), again;
    struct andon_arena arena;
    struct andon_reader in;
    uint8_t *bytes;
    andon_arena_init(&arena, andon_allocator_libc(), 1 << 20);
    size_t size = save(&c, &arena, &bytes);
    andon_reader_init(&in, bytes, size);
    CHECK(calibration_load(&in, &again) && andon_reader_left(&in) == 0);
    for (double u = -5.0; u < 50.0; u += 0.7) {
        CHECK_NEAR(calibration_score(&again, u, 0.3), calibration_score(&c, u, 0.3), 0);
        CHECK_NEAR(calibration_p_value(&again, u), calibration_p_value(&c, u), 0);
    }
    CHECK_NEAR(calibration_bound_per_day(&again), calibration_bound_per_day(&c), 0);
    andon_arena_free(&arena);
}

TEST(hostile_calibrations_are_refused_or_give_numbers)
{
    struct calibration c = usual_calibration(), again;
    struct andon_arena arena;
    struct andon_reader in;
    uint8_t *bytes;
    size_t loaded = 0;
    andon_arena_init(&arena, andon_allocator_libc(), 1 << 20);
    size_t size = save(&c, &arena, &bytes);
    for (size_t cut = 0; cut < size; cut++) {
        andon_reader_init(&in, bytes, cut);
        CHECK(!calibration_load(&in, &again));
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        andon_reader_init(&in, bytes, size);
        if (calibration_load(&in, &again)) {
            loaded++;
            for (double u = -1e3; u <= 1e3; u += 250.0) {
                double score = calibration_score(&again, u, 1.0), p = calibration_p_value(&again, u);
                CHECK_SAY(score >= 0.0 && isfinite(score) && p > 0.0 && p <= 1.0,
                          "bit %zu: score %g, p %g", bit, score, p);
            }
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CHECK(loaded > 100 && loaded < 8 * size);
    andon_arena_free(&arena);
}
