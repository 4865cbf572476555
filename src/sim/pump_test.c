#include "test.h"

#include "pump.h"

/* A run of the pump, held in memory. */
struct pumped {
    struct andon_arena arena;
    size_t n;
    double *value; /* value[n][PUMP_CHANNELS] */
    uint8_t *state, *running;
    int32_t *fault;
};

static bool pump_run(struct pumped *r, const struct sim_options *options)
{
    andon_error err;
    struct sim *sim;
    andon_arena_init(&r->arena, andon_allocator_libc(), 256u << 20);
    if (sim_open(sim_plant_named("pump"), options, &r->arena, &sim, &err) != ANDON_OK) return false;
    r->n = sim_rows(sim);
    r->value = andon_arena_array(&r->arena, r->n * PUMP_CHANNELS, sizeof *r->value);
    r->state = andon_arena_array(&r->arena, r->n, 1);
    r->running = andon_arena_array(&r->arena, r->n, 1);
    r->fault = andon_arena_array(&r->arena, r->n, sizeof *r->fault);
    struct sim_sample s;
    for (size_t i = 0; sim_next(sim, &s); i++) {
        memcpy(&r->value[i * PUMP_CHANNELS], s.value, PUMP_CHANNELS * sizeof *s.value);
        r->state[i] = (uint8_t)s.state;
        r->running[i] = s.running;
        r->fault[i] = s.fault;
    }
    return true;
}

static struct sim_options preset(void)
{
    struct sim_options o;
    sim_options_default(sim_plant_named("pump"), &o);
    return o;
}

static bool is_healthy(const struct pumped *r, size_t i)
{
    return r->state[i] == PUMP_NORMAL && r->fault[i] < 0;
}

struct moments {
    double n, mean, sd;
};

static struct moments moments_of(const struct pumped *r, int channel)
{
    double n = 0.0, sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        if (!is_healthy(r, i)) continue;
        double v = r->value[i * PUMP_CHANNELS + (size_t)channel];
        n++, sum += v, squares += v * v;
    }
    double mean = sum / n;
    return (struct moments){n, mean, sqrt(squares / n - mean * mean)};
}

static double correlation(const struct pumped *r, int a, int b)
{
    struct moments ma = moments_of(r, a), mb = moments_of(r, b);
    double sum = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        const double *v = &r->value[i * PUMP_CHANNELS];
        if (is_healthy(r, i)) sum += (v[a] - ma.mean) * (v[b] - mb.mean);
    }
    return sum / ma.n / ma.sd / mb.sd;
}

static double mean_where(const struct pumped *r, int channel, int state, int fault)
{
    double n = 0.0, sum = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->state[i] != state || r->fault[i] != fault) continue;
        n++, sum += r->value[i * PUMP_CHANNELS + (size_t)channel];
    }
    return sum / n;
}

TEST(a_month_has_43200_rows_and_two_percent_of_them_are_anomalous)
{
    struct sim_options o = preset();
    for (o.seed = 1; o.seed <= 8; o.seed++) {
        struct pumped r;
        CHECK(pump_run(&r, &o));
        CHECK(r.n == 43200);
        size_t anomalous = 0;
        for (size_t i = 0; i < r.n; i++) anomalous += r.fault[i] >= 0;
        CHECK_SAY(anomalous >= 849 && anomalous <= 879, "seed %d: %zu", (int)o.seed, anomalous);
        andon_arena_free(&r.arena);
    }
}

TEST(a_month_shows_all_five_faults_and_all_five_states)
{
    struct sim_options o = preset();
    for (o.seed = 1; o.seed <= 8; o.seed++) {
        struct pumped r;
        CHECK(pump_run(&r, &o));
        unsigned faults = 0, states = 0;
        for (size_t i = 0; i < r.n; i++) {
            if (r.fault[i] >= 0) faults |= 1u << r.fault[i];
            states |= 1u << r.state[i];
            CHECK(r.running[i] == (r.state[i] != PUMP_SHUTDOWN));
        }
        CHECK_SAY(faults == 31, "seed %d: faults %x", (int)o.seed, faults);
        CHECK_SAY(states == 31, "seed %d: states %x", (int)o.seed, states);
        andon_arena_free(&r.arena);
    }
}

TEST(normal_running_has_the_described_means_and_deviations)
{
    struct sim_options o = preset();
    o.days = 90;
    struct pumped r;
    CHECK(pump_run(&r, &o));
    for (int c = 0; c < PUMP_CHANNELS; c++) {
        struct moments m = moments_of(&r, c);
        CHECK_SAY(fabs(m.mean - pump_mean[c]) < 0.15 * pump_sd[c], "channel %d: mean %g", c,
                  m.mean);
        CHECK_SAY(fabs(m.sd / pump_sd[c] - 1.0) < 0.15, "channel %d: sd %g", c, m.sd);
    }
    andon_arena_free(&r.arena);
}

TEST(physics_couples_the_channels_and_the_published_way_does_not)
{
    struct sim_options o = preset();
    struct pumped r;
    CHECK(pump_run(&r, &o));
    CHECK(correlation(&r, PUMP_PRESSURE, PUMP_DUTY) > 0.5);
    CHECK(correlation(&r, PUMP_FLOW, PUMP_CURRENT) > 0.4);
    CHECK(correlation(&r, PUMP_CURRENT, PUMP_DUTY) > 0.5);
    andon_arena_free(&r.arena);
    o.as_published = true;
    CHECK(pump_run(&r, &o));
    CHECK(fabs(correlation(&r, PUMP_PRESSURE, PUMP_DUTY)) < 0.05);
    CHECK(fabs(correlation(&r, PUMP_CURRENT, PUMP_DUTY)) < 0.05);
    andon_arena_free(&r.arena);
}

TEST(every_value_is_inside_its_range_in_states_and_faults_alike)
{
    struct sim_options o = preset();
    o.anomaly_rate = 0.3;
    struct pumped r;
    CHECK(pump_run(&r, &o));
    const struct sim_channel *ch = sim_plant_named("pump")->channel;
    for (size_t i = 0; i < r.n * PUMP_CHANNELS; i++) {
        int c = (int)(i % PUMP_CHANNELS);
        CHECK_SAY(r.value[i] >= ch[c].min && r.value[i] <= ch[c].max, "%s = %g", ch[c].name,
                  r.value[i]);
    }
    andon_arena_free(&r.arena);
}

TEST(faults_leave_the_signatures_described)
{
    struct sim_options o = preset();
    o.days = 365;
    struct pumped r;
    CHECK(pump_run(&r, &o));
    double p = mean_where(&r, PUMP_PRESSURE, PUMP_NORMAL, -1);
    double v = mean_where(&r, PUMP_VIBRATION, PUMP_NORMAL, -1);
    double t = mean_where(&r, PUMP_TEMPERATURE, PUMP_NORMAL, -1);
    double q = mean_where(&r, PUMP_FLOW, PUMP_NORMAL, -1);
    double i = mean_where(&r, PUMP_CURRENT, PUMP_NORMAL, -1);
    CHECK_NEAR(mean_where(&r, PUMP_PRESSURE, PUMP_NORMAL, PUMP_CAVITATION) / p, 0.60, 0.02);
    CHECK_NEAR(mean_where(&r, PUMP_VIBRATION, PUMP_NORMAL, PUMP_CAVITATION) / v, 2.5, 0.06);
    CHECK_NEAR(mean_where(&r, PUMP_VIBRATION, PUMP_NORMAL, PUMP_BEARING_WEAR) / v, 1.9, 0.1);
    CHECK_NEAR(mean_where(&r, PUMP_PRESSURE, PUMP_NORMAL, PUMP_SEAL_LEAK) / p, 0.75, 0.02);
    CHECK_NEAR(mean_where(&r, PUMP_CURRENT, PUMP_NORMAL, PUMP_ELECTRICAL_FAULT) / i, 1.35, 0.02);
    CHECK_NEAR(mean_where(&r, PUMP_TEMPERATURE, PUMP_NORMAL, PUMP_ELECTRICAL_FAULT) - t, 14.3, 1.5);
    CHECK_NEAR(mean_where(&r, PUMP_PRESSURE, PUMP_NORMAL, PUMP_PARTIAL_BLOCKAGE) / p, 1.40, 0.03);
    CHECK_NEAR(mean_where(&r, PUMP_FLOW, PUMP_NORMAL, PUMP_PARTIAL_BLOCKAGE) / q, 0.65, 0.02);
    andon_arena_free(&r.arena);
}

TEST(states_hold_the_pump_where_they_were_described)
{
    struct sim_options o = preset();
    o.days = 120;
    struct pumped r;
    CHECK(pump_run(&r, &o));
    CHECK_NEAR(mean_where(&r, PUMP_DUTY, PUMP_HIGH_LOAD, -1) / 75.0, 1.15, 0.02);
    CHECK_NEAR(mean_where(&r, PUMP_FLOW, PUMP_HIGH_LOAD, -1) / 150.0, 1.20, 0.02);
    CHECK_NEAR(mean_where(&r, PUMP_CURRENT, PUMP_HIGH_LOAD, -1) / 85.0, 1.18, 0.02);
    CHECK_NEAR(mean_where(&r, PUMP_TEMPERATURE, PUMP_HIGH_LOAD, -1) - 45.0, 4.5, 1.0);
    CHECK_NEAR(mean_where(&r, PUMP_FLOW, PUMP_MAINTENANCE, -1) / 150.0, 0.4, 0.02);
    CHECK(mean_where(&r, PUMP_FLOW, PUMP_SHUTDOWN, -1) == 0.0);
    CHECK(mean_where(&r, PUMP_CURRENT, PUMP_SHUTDOWN, -1) == 0.0);
    andon_arena_free(&r.arena);
}

TEST(the_published_arithmetic_smooths_the_noise_to_0_42_of_its_deviation)
{
    struct sim_options o = preset();
    o.as_published = true;
    struct pumped r;
    CHECK(pump_run(&r, &o));
    double season = 0.5 * 0.1 * 0.1 + 0.5 * 0.05 * 0.05; /* variance of the two sines */
    for (int c = 0; c < PUMP_CHANNELS; c++) {
        struct moments m = moments_of(&r, c);
        CHECK_NEAR(m.mean / pump_mean[c], 1.0, 0.005);
        CHECK_NEAR(m.sd / pump_sd[c], sqrt(0.09 / 0.51 + season), 0.015);
    }
    for (size_t i = 0; i < r.n; i++) CHECK(r.running[i] && r.state[i] != PUMP_SHUTDOWN);
    CHECK_NEAR(mean_where(&r, PUMP_TEMPERATURE, PUMP_HIGH_LOAD, -1), 50.0, 0.4);
    andon_arena_free(&r.arena);
}

TEST(faults_do_not_change_the_signal_around_them)
{
    struct sim_options o = preset();
    o.days = 10;
    struct pumped with, without;
    CHECK(pump_run(&with, &o));
    o.anomaly_rate = 0.0;
    CHECK(pump_run(&without, &o));
    for (size_t i = 0; i < with.n; i++) {
        if (with.fault[i] >= 0) continue;
        CHECK_SAY(memcmp(&with.value[i * PUMP_CHANNELS], &without.value[i * PUMP_CHANNELS],
                         PUMP_CHANNELS * sizeof(double)) == 0,
                  "row %zu", i);
    }
    andon_arena_free(&with.arena);
    andon_arena_free(&without.arena);
}
