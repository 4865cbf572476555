/* A first model: a week of a motor, one reading a minute; then an hour in which its bearing runs warm.
 *
 *   cc first_model.c $(pkg-config --cflags --libs andon) -lm -o first_model && ./first_model */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <andon/andon.h>

enum { WEEK = 7 * 24 * 60, HOUR = 60, CHANNELS = 3 };

/* The load swings with the day; current follows it, and the temperature follows the current. */
static void measure(double *value, size_t n, double fault_c)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 1 + (uint64_t)n);
    for (size_t i = 0; i < n; i++) {
        double load = 0.7 + 0.2 * sin((double)i * 6.283 / (24 * 60)) + 0.02 * andon_rng_normal(&rng);
        double part = i < n / 2 ? 0.0 : (double)(i - n / 2) / (double)(n - n / 2);
        value[i * CHANNELS] = 2.5 + 0.1 * andon_rng_normal(&rng);           /* vibration, mm/s */
        value[i * CHANNELS + 1] = 85.0 * load;                              /* current, A      */
        value[i * CHANNELS + 2] = 20.0 + 40.0 * load + 0.3 * andon_rng_normal(&rng) +
                                  part * fault_c;                           /* temperature, C  */
    }
}

int main(void)
{
    static const char *const channel[CHANNELS] = {"vibration", "current", "temperature"};
    static double week[WEEK * CHANNELS], hour[HOUR * CHANNELS];
    static struct andon_verdict verdict[HOUR];
    struct andon_arena arena, scratch; /* the model; what its training needs */
    struct andon_model *model = NULL;
    andon_error err = {{0}};

    measure(week, WEEK, 0.0);
    measure(hour, HOUR, 12.0);
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
    andon_arena_init(&scratch, andon_allocator_libc(), (size_t)256 << 20);
    struct andon_training training = {.schema = {.channels = CHANNELS, .channel = channel},
                                      .series = {.n = WEEK, .channels = CHANNELS, .value = week},
                                      .detector = "ensemble",
                                      .budget_per_day = 1.0,
                                      .interval_s = 60.0,
                                      .kernel = andon_kernel_best()};
    if (andon_model_fit(&training, &scratch, &arena, &model, &err) != ANDON_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    fputs(andon_model_card(model), stdout);

    void *memory = andon_arena_take(&arena, andon_scorer_bytes(model, HOUR));
    if (memory == NULL) return 1;
    struct andon_scorer *scorer = andon_scorer_init(model, HOUR, andon_kernel_best(), memory);
    struct andon_series series = {.n = HOUR, .channels = CHANNELS, .value = hour};
    andon_scorer_run(scorer, &series, ANDON_EXPLAIN_ALL, verdict, NULL);
    for (size_t i = 0; i < HOUR; i += 5)
        printf("minute %2zu  score %6.2f  %-8s %-11s %s\n", i, verdict[i].score,
               andon_state_name(verdict[i].state), andon_reason_name(verdict[i].reason),
               verdict[i].channel == ANDON_CHANNEL_NONE ? "" : channel[verdict[i].channel]);
    andon_arena_free(&scratch);
    andon_arena_free(&arena);
    return verdict[HOUR - 1].is_anomaly ? 0 : 1; /* the fault was found */
}
