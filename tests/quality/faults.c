/* How often faults are found and called by their right name: a simulated plant, a model trained on its
 * healthy time alone, alarms with a preset's signatures.
 *
 *     faults PLANT [SEED [INJECTIONS [PART]]]
 *
 * PART: "fryer" or "productionline" of the bakery. Prints a confusion matrix: what was injected against
 * what its alarm said when it was raised, and what it said in the end. The training run has another seed
 * than the test runs, which are as many as give INJECTIONS of each fault. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alarm/alarms.h"
#include "andon/andon.h"
#include "plant/preset.h"
#include "sim/sim.h"
#include "verdict/diagnosis.h"

enum { FAULTS_MAX = 16, NAMES_MAX = FAULTS_MAX + 2, CHANNELS_MAX = 64 };
#define TRAIN_DAYS 14.0
#define TEST_DAYS 30.0
#define FAULT_RATE 0.1

struct event { /* the injection that is under way */
    int32_t fault;
    uint64_t first_row;
    bool raised;
    int32_t named_first, named_last; /* index into the preset's faults, -1 unknown */
    double delay_s, confidence;
};

struct bench {
    const struct sim_plant *plant;
    const struct preset *preset;
    const char *part;
    uint32_t channel[CHANNELS_MAX], channels; /* of the plant */
    const char *name[CHANNELS_MAX];
    struct andon_arena arena, scratch;
    struct andon_model *model;
    struct andon_scorer *scorer;
    void *symptoms;
    struct alarms *alarms;
    struct event event;
    uint32_t injected[FAULTS_MAX], found[FAULTS_MAX];
    uint32_t first[FAULTS_MAX][NAMES_MAX], last[FAULTS_MAX][NAMES_MAX];
    uint32_t false_alarms, false_named;
    double healthy_days, delay_s[FAULTS_MAX];
};

static void stop(const char *what, const andon_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err != NULL ? err->text : "no memory");
    exit(1);
}

static void choose_channels(struct bench *b)
{
    for (uint32_t c = 0; c < b->plant->channels; c++) {
        const struct preset_channel *ch =
            preset_channel_named(b->preset, text_of(b->plant->channel[c].name));
        if (ch == NULL || ch->use > PRESET_REFERENCE || b->channels == CHANNELS_MAX) continue;
        if (b->part != NULL && (ch->part == NULL || strcmp(ch->part, b->part) != 0)) continue;
        b->name[b->channels] = ch->name;
        b->channel[b->channels++] = c;
    }
}

static struct sim *run(struct bench *b, struct andon_arena *arena, int64_t seed, double days,
                       double rate)
{
    struct sim_options o;
    struct sim *sim;
    andon_error err;
    sim_options_default(b->plant, &o);
    o.seed = seed;
    o.days = days;
    o.anomaly_rate = rate;
    if (sim_open(b->plant, &o, arena, &sim, &err) != ANDON_OK) stop("simulate", &err);
    return sim;
}

static void train(struct bench *b, int64_t seed)
{
    struct sim *sim = run(b, &b->scratch, seed, TRAIN_DAYS, 0.0);
    size_t n = (size_t)sim_rows(sim), at = 0;
    struct sim_sample s;
    andon_error err;
    double *value = andon_arena_array(&b->scratch, n * b->channels, sizeof *value);
    int64_t *ts = andon_arena_array(&b->scratch, n, sizeof *ts);
    int8_t *running = andon_arena_take(&b->scratch, n);
    int32_t *regime = andon_arena_array(&b->scratch, n, sizeof *regime);
    if (regime == NULL) stop("train", NULL);
    for (; sim_next(sim, &s); at++) {
        for (uint32_t c = 0; c < b->channels; c++)
            value[at * b->channels + c] = s.value[b->channel[c]];
        ts[at] = s.ts_ns;
        running[at] = s.running;
        regime[at] = (int32_t)s.state;
    }
    struct andon_training t = {
        .schema = {b->channels, b->name, b->plant->states, b->plant->state},
        .series = {at, b->channels, value, ts, running, regime},
        .detector = "ensemble", .budget_per_day = 0.25, .interval_s = b->plant->interval_s,
        .setting = b->preset->setting, .settings = b->preset->settings,
        .kernel = andon_kernel_best()};
    if (andon_model_fit(&t, &b->scratch, &b->arena, &b->model, &err) != ANDON_OK) stop("train", &err);
}

static int32_t named(const struct bench *b, const struct alarm_record *r)
{
    return preset_fault_named(b->preset, text_of(r->fault));
}

static void finish(struct bench *b)
{
    struct event *e = &b->event;
    if (e->fault < 0) return;
    b->injected[e->fault]++;
    if (e->raised) {
        b->found[e->fault]++;
        b->first[e->fault][e->named_first + 1]++;
        b->last[e->fault][e->named_last + 1]++;
        b->delay_s[e->fault] += e->delay_s;
    }
    e->fault = -1;
}

/* Alarms that are raised or renamed belong to the injection under way, if there is one. */
static void listen(struct bench *b, uint64_t row)
{
    uint32_t count;
    const struct alarm_event *a = alarms_events(b->alarms, &count);
    struct event *e = &b->event;
    for (uint32_t i = 0; i < count; i++) {
        if (a[i].record.type != ALARM_ANOMALY) continue;
        if (a[i].change != ALARM_RAISED && a[i].change != ALARM_UPDATED) continue;
        int32_t name = named(b, &a[i].record);
        if (e->fault < 0) {
            bool fresh = a[i].change == ALARM_RAISED && a[i].record.raises == 1;
            b->false_alarms += fresh;
            b->false_named += fresh && name >= 0;
            continue;
        }
        if (!e->raised) {
            e->named_first = name;
            e->delay_s = (double)(row - e->first_row) * b->plant->interval_s;
        }
        e->raised = true;
        e->named_last = name;
    }
    alarms_taken(b->alarms);
}

static void say(struct bench *b, const struct sim_sample *s, const struct andon_verdict *v)
{
    struct diagnosis d = {.fault = DIAGNOSIS_UNKNOWN};
    struct alarm_verdict out = {.path = TEXT("site/machine"), .ts_ns = s->ts_ns, .now_ns = s->ts_ns,
                                .state = v->state, .reason = v->reason, .score = v->score};
    if (v->state == ANDON_ANOMALY) {
        d = diagnose(b->symptoms, andon_model_recipe(b->model), (int32_t)s->state,
                     b->preset->signature, b->preset->faults);
        out.fault.name = d.fault < 0 ? TEXT("unknown") : text_of(b->preset->signature[d.fault].name);
        out.fault.confidence = d.confidence;
    }
    if (!alarms_verdict(b->alarms, &out) || !alarms_tick(b->alarms, s->ts_ns)) stop("alarms", NULL);
}

static void judge(struct bench *b, const struct sim_sample *s)
{
    double value[CHANNELS_MAX];
    int8_t running = s->running;
    int32_t regime = (int32_t)s->state;
    struct andon_verdict v;
    for (uint32_t c = 0; c < b->channels; c++) value[c] = s->value[b->channel[c]];
    struct andon_series one = {1, b->channels, value, &s->ts_ns, &running, &regime};
    andon_scorer_run(b->scorer, &one, ANDON_EXPLAIN_NONE, &v, NULL);
    symptoms_see(b->symptoms, andon_model_recipe(b->model), value, regime, s->running,
                 v.state == ANDON_ANOMALY);
    say(b, s, &v);
}

static int32_t preset_fault_of(const struct bench *b, int32_t fault)
{
    return fault < 0 ? -1 : preset_fault_named(b->preset, text_of(b->plant->fault[fault].name));
}

/* Whether the fault moves a channel that is looked at. */
static bool concerns(const struct bench *b, int32_t fault)
{
    const struct andon_signature *s = &b->preset->signature[fault];
    for (uint32_t i = 0; i < s->effects; i++)
        for (uint32_t c = 0; c < b->channels; c++)
            if (strcmp(s->effect[i].channel, b->name[c]) == 0) return true;
    return false;
}

static void test_run(struct bench *b, int64_t seed)
{
    struct alarms_options o;
    andon_error err;
    struct andon_arena_mark mark = andon_arena_mark(&b->scratch);
    struct sim *sim = run(b, &b->scratch, seed, TEST_DAYS, FAULT_RATE);
    struct sim_sample s;
    int32_t under_way = -1;
    alarms_options_default(&o);
    o.assets_max = 1;
    o.type[ALARM_ANOMALY].confirm = 3;
    o.type[ALARM_ANOMALY].of = 5;
    if (alarms_open(&o, &b->alarms, &err) != ANDON_OK) stop("alarms", &err);
    symptoms_init(b->symptoms, b->channels);
    while (sim_next(sim, &s)) {
        int32_t fault = preset_fault_of(b, s.fault);
        if (fault >= 0 && !concerns(b, fault)) fault = -1;
        if (fault != under_way) {
            finish(b);
            if (fault >= 0) b->event = (struct event){.fault = fault, .first_row = s.row};
        }
        under_way = fault;
        judge(b, &s);
        listen(b, s.row);
        if (s.fault < 0) b->healthy_days += b->plant->interval_s / 86400.0;
    }
    finish(b);
    alarms_close(b->alarms);
    andon_arena_rewind(&b->scratch, mark);
}

static void print_matrix(const struct bench *b, const char *title,
                         const uint32_t (*said)[NAMES_MAX])
{
    uint32_t right = 0, found = 0;
    printf("\n%-18s", title);
    for (uint32_t f = 0; f < b->preset->faults; f++) printf(" %8.8s", b->preset->signature[f].name);
    printf("  unknown    right\n");
    for (uint32_t f = 0; f < b->preset->faults; f++) {
        if (b->injected[f] == 0) continue;
        printf("%-18s", b->preset->signature[f].name);
        for (uint32_t k = 0; k < b->preset->faults; k++) printf(" %8u", said[f][k + 1]);
        printf(" %8u   %5.1f %%\n", said[f][0], 100.0 * said[f][f + 1] / (b->found[f] > 0 ? b->found[f] : 1));
        right += said[f][f + 1];
        found += b->found[f];
    }
    printf("%-18s %u of %u: %.1f %%\n", "all", right, found, 100.0 * right / (found > 0 ? found : 1));
}

static void print(const struct bench *b, uint32_t runs)
{
    printf("%s, %u runs of %.0f days\n\n%-18s %8s %8s %8s %s\n", b->plant->name, runs, TEST_DAYS, "",
           "injected", "found", "", "mean delay");
    for (uint32_t f = 0; f < b->preset->faults; f++) {
        if (b->injected[f] == 0) continue;
        printf("%-18s %8u %8u %6.1f %% %6.1f min\n", b->preset->signature[f].name, b->injected[f],
               b->found[f], 100.0 * b->found[f] / b->injected[f],
               b->delay_s[f] / 60.0 / (b->found[f] > 0 ? b->found[f] : 1));
    }
    printf("alarms without an injection: %u in %.0f days (%.2f a day), %u of them with a name\n",
           b->false_alarms, b->healthy_days, b->false_alarms / b->healthy_days, b->false_named);
    print_matrix(b, "named at first", b->first);
    print_matrix(b, "named in the end", b->last);
}

static bool enough(const struct bench *b, uint32_t injections)
{
    for (uint32_t f = 0; f < b->preset->faults; f++)
        if (b->injected[f] < injections && concerns(b, (int32_t)f)) return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct bench b;
    int64_t seed = argc > 2 ? atoll(argv[2]) : 1000;
    uint32_t injections = argc > 3 ? (uint32_t)atoi(argv[3]) : 200, runs = 0;
    b.plant = argc > 1 ? sim_plant_named(argv[1]) : NULL;
    b.preset = argc > 1 ? preset_named(text_of(argv[1])) : NULL;
    b.part = argc > 4 ? argv[4] : NULL;
    b.event.fault = -1;
    if (b.plant == NULL || b.preset == NULL) {
        fprintf(stderr, "usage: faults PLANT [SEED [INJECTIONS [PART]]]\n");
        return 2;
    }
    andon_arena_init(&b.arena, andon_allocator_libc(), (size_t)1 << 30);
    andon_arena_init(&b.scratch, andon_allocator_libc(), (size_t)2 << 30);
    choose_channels(&b);
    train(&b, seed);
    void *memory = andon_arena_take(&b.arena, andon_scorer_bytes(b.model, 1));
    b.symptoms = andon_arena_take(&b.arena, symptoms_bytes(b.channels));
    if (memory == NULL || b.symptoms == NULL) stop("score", NULL);
    for (; !enough(&b, injections) && runs < 200; runs++) {
        b.scorer = andon_scorer_init(b.model, 1, andon_kernel_best(), memory);
        test_run(&b, seed + 1 + runs);
    }
    print(&b, runs);
    andon_arena_free(&b.scratch);
    andon_arena_free(&b.arena);
    return 0;
}
