#include "test.h"

#include "andon/rng.h"
#include "golden/metrics.h"
#include "metrics.h"

#define GOLDENS (sizeof golden / sizeof golden[0])
#define MINUTE INT64_C(60000000000)

static struct andon_arena arena;
static struct prices prices;
static andon_error err;

static void fresh(void)
{
    andon_arena_free(&arena);
    andon_arena_init(&arena, andon_allocator_libc(), 512u << 20);
    prices_default(&prices);
}

static struct metrics_input input_of(size_t n, const uint8_t *label, const double *score,
                                     const uint8_t *alarm)
{
    return (struct metrics_input){.n = n,
                                  .label = label,
                                  .score = score,
                                  .alarm = alarm,
                                  .interval_s = 60,
                                  .group_s = METRICS_GROUP_S,
                                  .renew_s = METRICS_RENEW_S,
                                  .grace_s = METRICS_GRACE_S};
}

/* Rows from text: '.' normal, '#' labelled, '!' alarmed normal, '*' alarmed labelled, 'u' UNKNOWN.
 */
struct drawn {
    uint8_t label[512], alarm[512], unknown[512];
    double score[512];
    struct metrics_input in;
    struct metrics out;
};

static bool draw(struct drawn *d, const char *rows)
{
    fresh();
    *d = (struct drawn){0};
    size_t n = strlen(rows);
    for (size_t i = 0; i < n; i++) {
        d->label[i] = rows[i] == '#' || rows[i] == '*';
        d->alarm[i] = rows[i] == '!' || rows[i] == '*';
        d->unknown[i] = rows[i] == 'u';
        d->score[i] = rows[i] == 'u' ? NAN : d->alarm[i] ? 2.0 : 0.5;
    }
    d->in = input_of(n, d->label, d->score, d->alarm);
    d->in.unknown = d->unknown;
    return metrics_measure(&d->in, &prices, &arena, &d->out, &err) == ANDON_OK;
}

TEST(figures_of_rows_equal_scikit_learn)
{
    for (size_t g = 0; g < GOLDENS; g++) {
        fresh();
        struct metrics_input in =
            input_of(golden[g].n, golden[g].label, golden[g].score, golden[g].alarm);
        in.vus_window = GOLDEN_WINDOW;
        struct metrics m;
        CHECK(metrics_measure(&in, &prices, &arena, &m, &err) == ANDON_OK);
        /* 1e-12: the sums are taken in another order. */
        CHECK_NEAR(m.roc_auc, golden[g].roc_auc, 1e-12);
        CHECK_NEAR(m.average_precision, golden[g].average_precision, 1e-12);
        CHECK_NEAR(m.pr_auc, golden[g].pr_auc, 1e-12);
        CHECK_NEAR(m.best_f1, golden[g].best_f1, 1e-12);
        CHECK_NEAR(m.precision, golden[g].precision, 1e-12);
        CHECK_NEAR(m.recall, golden[g].recall, 1e-12);
        CHECK_NEAR(m.f1, golden[g].f1, 1e-12);
        CHECK_NEAR(m.accuracy, golden[g].accuracy, 1e-12);
        CHECK_NEAR(m.specificity, golden[g].specificity, 1e-12);
        CHECK_NEAR(m.vus_pr, golden[g].vus_pr, 1e-12);
        CHECK_NEAR(m.vus_roc, golden[g].vus_roc, 1e-12);
    }
}

TEST(the_best_threshold_gives_the_best_f1)
{
    for (size_t g = 0; g < GOLDENS; g++) {
        fresh();
        struct metrics_input in =
            input_of(golden[g].n, golden[g].label, golden[g].score, golden[g].alarm);
        struct metrics m;
        CHECK(metrics_measure(&in, &prices, &arena, &m, &err) == ANDON_OK);
        uint8_t alarm[400];
        for (size_t i = 0; i < in.n; i++) alarm[i] = in.score[i] >= m.best_threshold;
        CHECK_NEAR(counts_f1(counts_rows(in.label, alarm, in.n)), m.best_f1, 1e-15);
    }
}

TEST(poisson_bounds_equal_the_chi_square_quantile)
{
    for (size_t i = 0; i < sizeof golden_poisson / sizeof golden_poisson[0]; i++) {
        double upper = poisson_upper(golden_poisson[i].count, 0.95);
        CHECK_NEAR(upper / golden_poisson[i].upper, 1.0, 1e-9);
    }
}

TEST(curves_begin_and_end_where_they_must_and_hold_the_area)
{
    enum { ROOM = 64 };
    struct metrics_point point[ROOM];
    for (size_t g = 0; g < GOLDENS; g++) {
        fresh();
        struct metrics_input in =
            input_of(golden[g].n, golden[g].label, golden[g].score, golden[g].alarm);
        size_t n = metrics_roc(&in, &arena, point, ROOM);
        CHECK(n > 8 && n <= ROOM);
        CHECK(point[0].x == 0.0 && point[0].y == 0.0);
        CHECK(point[n - 1].x == 1.0 && point[n - 1].y == 1.0);
        double area = 0.0;
        for (size_t i = 1; i < n; i++) {
            CHECK(point[i].x >= point[i - 1].x && point[i].y >= point[i - 1].y);
            area += (point[i].x - point[i - 1].x) * (point[i].y + point[i - 1].y) / 2.0;
        }
        CHECK_NEAR(area, golden[g].roc_auc, 0.02);
        n = metrics_pr(&in, &arena, point, ROOM);
        CHECK(n > 8 && n <= ROOM);
        CHECK(point[0].x == 0.0 && point[0].y == 1.0 && point[n - 1].x == 1.0);
    }
}

TEST(an_event_is_found_by_one_alarmed_row_and_delay_counts_from_its_start)
{
    static struct drawn d;
    CHECK(draw(&d, "............###*##........................"));
    CHECK(d.out.events == 1 && d.out.found == 1 && d.out.missed == 0);
    CHECK(d.out.false_alarms == 0 && d.out.alarms == 1);
    CHECK_NEAR(d.out.delay_median_s, 180, 1e-9);
    CHECK_NEAR(d.out.lead_median_s, 180, 1e-9);
    CHECK(d.out.event[0].first == 12 && d.out.event[0].last == 17 &&
          d.out.event[0].alarm_row == 15);
    /* Point-wise nothing is given away: one of six rows. */
    CHECK(d.out.row.tp == 1 && d.out.row.fn == 5);
}

TEST(alarms_closer_than_five_minutes_are_one_and_apart_are_two)
{
    static struct drawn d;
    CHECK(draw(&d, "....!...!........................"));
    CHECK(d.out.alarms == 1 && d.out.false_alarms == 1 && d.out.events == 0);
    CHECK(draw(&d, "....!....!......................."));
    CHECK(d.out.alarms == 2 && d.out.false_alarms == 2);
    CHECK(isnan(d.out.event_recall) && isnan(d.out.delay_median_s) && isnan(d.out.mtbf_h));
    CHECK(d.out.event_precision == 0.0);
}

TEST(an_alarm_that_outlives_its_event_is_forgiven_for_half_an_hour_only)
{
    static struct drawn d;
    char rows[400];
    memset(rows, '.', sizeof rows);
    rows[399] = '\0';
    memset(rows + 100, '*', 10);
    memset(rows + 110, '!', 30);
    CHECK(draw(&d, rows));
    CHECK(d.out.found == 1 && d.out.false_alarms == 0);
    memset(rows + 110, '!', 31);
    CHECK(draw(&d, rows));
    CHECK(d.out.found == 1 && d.out.false_alarms == 1);
    memset(rows + 110, '!', 30 + 61); /* and it counts anew every hour */
    CHECK(draw(&d, rows));
    CHECK(d.out.false_alarms == 2 && d.out.false_stretches == 1);
    CHECK(d.out.false_alarm[0].first == 110 && d.out.false_alarm[0].last == 200);
}

TEST(an_alarm_beside_an_event_that_it_missed_is_false)
{
    static struct drawn d;
    CHECK(draw(&d, "......!!####.............."));
    CHECK(d.out.found == 0 && d.out.missed == 1 && d.out.false_alarms == 1);
}

TEST(unknown_rows_do_not_alarm_and_are_counted_apart)
{
    static struct drawn d;
    CHECK(draw(&d, "....uu!!..##..uuuu"));
    CHECK(d.out.unknown_rows == 6 && d.out.alarmed_rows == 2);
    /* An alarm flag on a row that was not judged counts for nothing. */
    d.alarm[4] = 1;
    struct metrics m;
    CHECK(metrics_measure(&d.in, &prices, &arena, &m, &err) == ANDON_OK);
    CHECK(m.alarmed_rows == 2 && m.row.fp == 2);
    /* An event of nothing but UNKNOWN is missed and named. */
    d.unknown[10] = d.unknown[11] = 1;
    CHECK(metrics_measure(&d.in, &prices, &arena, &m, &err) == ANDON_OK);
    CHECK(m.events_unknown == 1 && m.missed == 1 && !m.event[0].judged);
    /* They rank lowest: a NaN never beats a number. */
    CHECK(m.roc_auc < 0.5);
}

TEST(money_is_counted_by_event)
{
    static struct drawn d;
    CHECK(draw(&d, "..***.........!.........##........"));
    CHECK(d.out.found == 1 && d.out.missed == 1 && d.out.false_alarms == 1);
    CHECK_NEAR(d.out.net_value, 8000 - 10000 - 500, 1e-9);
    CHECK_NEAR(d.out.roi, -2500.0 / 501.0, 1e-12);
    CHECK_NEAR(d.out.prevented_downtime_h, 2.0, 1e-12);
    CHECK_NEAR(d.out.mtbf_h, 34.0 / 60.0 / 2.0, 1e-12);
    CHECK(andon_option_set(prices_table, &prices, "fp", "50", &err) == ANDON_OK);
    CHECK(andon_option_set(prices_table, &prices, "downtime_h", "100", &err) == ANDON_OK);
    CHECK(andon_option_set(prices_table, &prices, "fp", "-1", &err) == ANDON_EINVAL);
    struct metrics m;
    CHECK(metrics_measure(&d.in, &prices, &arena, &m, &err) == ANDON_OK);
    CHECK_NEAR(m.net_value, -2050.0, 1e-9);
    CHECK(m.availability_without == 0.0 && m.availability_improvement >= 0.0 &&
          m.availability_improvement <= 100.0);
}

TEST(false_alarms_are_counted_by_regime_and_by_day)
{
    static struct drawn d;
    CHECK(draw(&d, "!..........!!.........!......................"));
    int32_t regime[64] = {0};
    for (int i = 11; i < 64; i++) regime[i] = 1;
    regime[40] = -1;
    d.in.regime = regime;
    d.in.regimes = 2;
    struct metrics m;
    CHECK(metrics_measure(&d.in, &prices, &arena, &m, &err) == ANDON_OK);
    CHECK(m.regime[0].false_alarms == 1 && m.regime[0].fp_rows == 1 && m.regime[0].rows == 11);
    CHECK(m.regime[1].false_alarms == 2 && m.regime[1].fp_rows == 3 && m.regime[1].rows == 33);
    CHECK_NEAR(m.false_alarms_per_day, 3.0 / (45.0 / 1440.0), 1e-9);
    CHECK_NEAR(m.false_alarms_per_day_upper95, 7.753656527 / (45.0 / 1440.0), 1e-5);
    int64_t ts_ns[64];
    for (int i = 0; i < 64; i++) ts_ns[i] = i * 60 * MINUTE; /* hours, not minutes */
    d.in.ts_ns = ts_ns;
    d.in.interval_s = 0;
    CHECK(metrics_measure(&d.in, &prices, &arena, &m, &err) == ANDON_OK);
    CHECK_NEAR(m.days, 45.0 / 24.0, 1e-9);
    CHECK(m.fp_rows_per_day_max == 4.0);
    ts_ns[7] = 0;
    CHECK(metrics_measure(&d.in, &prices, &arena, &m, &err) == ANDON_EDATA);
    CHECK(strstr(err.text, "row 7") != NULL);
}

/* Thirty days a minute apart with nine events, and a score that knows something. */
struct month {
    uint8_t label[43200], alarm[43200];
    double score[43200];
};

static void make_month(struct month *m)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 5);
    memset(m->label, 0, sizeof m->label);
    for (size_t e = 0; e < 9; e++) memset(m->label + 2000 + e * 4500, 1, 96);
    for (size_t i = 0; i < 43200; i++) {
        m->score[i] = andon_rng_normal(&rng) + 4.0 * m->label[i];
        m->alarm[i] = m->score[i] > 4.0;
    }
}

TEST(a_detector_beats_the_alarm_that_never_ends_and_dice)
{
    static struct month month;
    make_month(&month);
    fresh();
    struct metrics_input in = input_of(43200, month.label, month.score, month.alarm);
    in.vus_window = METRICS_VUS_WINDOW;
    struct metrics m, always, dice;
    CHECK(metrics_measure(&in, &prices, &arena, &m, &err) == ANDON_OK);
    CHECK(metrics_always(&in, &prices, &arena, &always, &err) == ANDON_OK);
    CHECK(metrics_random(&in, &prices, 1, &arena, &dice, &err) == ANDON_OK);
    CHECK(m.found == 9 && m.false_alarms < 10);
    CHECK(always.found == 9 && always.recall == 1.0);
    CHECK_SAY(always.false_alarms > 690, "%zu", always.false_alarms); /* one an hour */
    CHECK(always.net_value < 0.0 && m.net_value > 60000.0);
    CHECK_NEAR(always.roc_auc, 0.5, 1e-12);
    CHECK_NEAR(always.average_precision, 0.02, 1e-12);
    CHECK_NEAR(dice.roc_auc, 0.5, 0.03);
    CHECK(dice.alarmed_rows == m.alarmed_rows);
    CHECK(dice.event_f1 < 0.5 * m.event_f1);
    CHECK(dice.vus_pr < 0.1 && m.vus_pr > 0.8);
}

TEST(p_values_of_normal_rows_are_held_against_their_own_claim)
{
    static struct month month;
    make_month(&month);
    static double p[43200];
    for (size_t i = 0; i < 43200; i++) p[i] = 0.5 * erfc(month.score[i] / sqrt(2.0));
    p[0] = NAN;
    fresh();
    struct metrics_input in = input_of(43200, month.label, month.score, month.alarm);
    in.p_value = p;
    struct metrics m;
    CHECK(metrics_measure(&in, &prices, &arena, &m, &err) == ANDON_OK);
    CHECK_NEAR(m.p_at_01, 0.01, 0.002);
    CHECK_NEAR(m.p_at_05, 0.05, 0.004);
}

TEST(files_are_pooled_by_adding_their_counts)
{
    struct metrics_counts a = {.tp = 3, .fp = 1, .tn = 5, .fn = 1};
    struct metrics_counts b = {.tp = 1, .fp = 2, .tn = 7, .fn = 4};
    struct metrics_counts c = counts_add(a, b);
    CHECK_NEAR(counts_f1(c), 8.0 / 16.0, 1e-15);
    CHECK_NEAR(counts_far(c), 3.0 / 15.0, 1e-15);
    CHECK_NEAR(counts_mar(c), 5.0 / 9.0, 1e-15);
    CHECK(isnan(counts_precision((struct metrics_counts){0})));
}

TEST(one_class_alone_gives_nan_and_never_a_made_up_figure)
{
    static struct drawn d;
    CHECK(draw(&d, "......!......"));
    CHECK(isnan(d.out.roc_auc) && isnan(d.out.average_precision) && isnan(d.out.recall));
    CHECK(draw(&d, "***"));
    CHECK(isnan(d.out.roc_auc) && isnan(d.out.specificity) && isnan(d.out.false_alarms_per_day));
    CHECK(d.out.average_precision == 1.0 && d.out.event_f1 == 1.0);
    d.in.n = 0;
    CHECK(metrics_measure(&d.in, &prices, &arena, &d.out, &err) == ANDON_EDATA);
}

TEST(a_full_arena_is_said_at_every_size)
{
    static struct drawn d;
    CHECK(draw(&d, "..***.........!.........##........"));
    d.in.vus_window = 10;
    struct metrics m;
    bool full = false, fits = false;
    for (size_t limit = 64; limit < (1u << 20) && !fits; limit += 1024) {
        struct andon_arena small;
        andon_arena_init(&small, andon_allocator_libc(), limit);
        andon_status st = metrics_measure(&d.in, &prices, &small, &m, &err);
        CHECK(st == ANDON_OK || st == ANDON_ENOMEM);
        full |= st == ANDON_ENOMEM;
        fits = st == ANDON_OK;
        andon_arena_free(&small);
    }
    CHECK(full && fits);
}
