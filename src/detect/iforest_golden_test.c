/* The forest against scikit-learn: scores of imported trees, and how well training ranks anomalies.
 * The values come from tests/golden/iforest.py, which makes the same rows. */
#include "detect/registry.h"
#include "detector_case.h"
#include "golden/iforest.h"

enum { SET_ROWS = 1000, SET_OFF = 30 };

/* splitmix64 as a counter; tests/golden/iforest.py makes the same numbers. */
struct numbers {
    uint64_t at;
};

static double uniform(struct numbers *g)
{
    uint64_t z = ++g->at * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double normal(struct numbers *g)
{
    double sum = 0.0;
    for (int k = 0; k < 12; k++) sum += uniform(g);
    return sum - 6.0;
}

static void draw(struct numbers *g, double (*one)(struct numbers *), double *v, int count)
{
    for (int k = 0; k < count; k++) v[k] = one(g);
}

static void blob(struct numbers *g, bool off, double *x)
{
    draw(g, normal, x, 4);
    for (int k = 0; off && k < 4; k++) x[k] = uniform(g) * 8.0 - 4.0;
}

static void clusters(struct numbers *g, bool off, double *x)
{
    draw(g, normal, x, 2);
    double which = uniform(g);
    for (int k = 0; k < 2; k++) {
        if (off)
            x[k] = uniform(g) * 12.0 - 3.0;
        else
            x[k] = which < 0.3 ? x[k] * 0.3 : x[k] + 5.0;
    }
}

static void parabola(struct numbers *g, bool off, double *x)
{
    double t = uniform(g) * 4.0 - 2.0, e[2];
    draw(g, normal, e, 2);
    x[0] = t;
    x[1] = off ? 4.0 - t * t + 0.2 * e[0] : t * t + 0.2 * e[0];
    x[2] = 0.3 * e[1];
}

static void signals(struct numbers *g, bool off, double *x)
{
    double s[6], e[27];
    draw(g, normal, s, 6);
    draw(g, normal, e, 27);
    for (int f = 0; f < 27; f++) x[f] = s[f % 6] + 0.5 * e[f];
    x[4] += off ? 4.0 : 0.0;
    x[10] += off ? 3.0 : 0.0;
}

static void steps(struct numbers *g, bool off, double *x)
{
    double u[3], e;
    draw(g, uniform, u, 3);
    e = normal(g);
    x[0] = off ? 5.0 + floor(u[0] * 3.0) : floor(u[0] * 5.0);
    x[1] = floor(u[1] * u[1] * 20.0);
    x[2] = 1.0;
    x[3] = e / (0.05 + u[2]);
    if (off) x[3] *= 3.0;
}

static const struct {
    const char *name;
    void (*row)(struct numbers *, bool, double *);
    uint32_t d;
} sets[5] = {{"blob", blob, 4},
             {"clusters", clusters, 2},
             {"parabola", parabola, 3},
             {"signals", signals, 27},
             {"steps", steps, 4}};

/* SET_ROWS rows, the first SET_OFF anomalous. */
static float *set_rows(size_t set)
{
    struct numbers g = {(uint64_t)(set + 1) << 32};
    uint32_t d = sets[set].d;
    float *x = malloc(SET_ROWS * d * sizeof x[0]);
    if (x == NULL) abort();
    for (size_t i = 0; i < SET_ROWS; i++) {
        double row[27];
        sets[set].row(&g, i < SET_OFF, row);
        for (uint32_t f = 0; f < d; f++) x[i * d + f] = (float)row[f];
    }
    return x;
}

static double auc(const double *score)
{
    double wins = 0.0;
    for (size_t i = 0; i < SET_OFF; i++)
        for (size_t j = SET_OFF; j < SET_ROWS; j++)
            wins += score[i] > score[j] ? 1.0 : score[i] == score[j] ? 0.5 : 0.0;
    return wins / (SET_OFF * (double)(SET_ROWS - SET_OFF));
}

static void imported(const uint32_t *word, size_t words, size_t set, const double *expected,
                     size_t count)
{
    struct detector_case c;
    float *x = set_rows(set);
    double score[60];
    uint32_t d = sets[set].d;
    case_open(&c, &andon_iforest);
    struct andon_writer w;
    andon_writer_init(&w, &c.scratch);
    andon_put_u32s(&w, word, words);
    CHECK(!w.full && case_load(&c, w.data, w.size, d, &c.arena, &c.model) == ANDON_OK);
    for (int k = 0; k < ANDON_KERNELS; k++) {
        if (!andon_kernel_usable((enum andon_kernel)k)) continue;
        void *room = case_room(&c, count);
        c.detector->score(c.model, NULL, (struct andon_rows){x, count, d}, score, NULL, room,
                          (enum andon_kernel)k);
        free(room);
        for (size_t i = 0; i < count; i++) CHECK_NEAR(score[i], expected[i], 1e-6);
    }
    case_close(&c);
    free(x);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TEST(trees_imported_from_scikit_learn_score_as_there)
{
    imported(blob_forest, COUNT(blob_forest), 0, blob_score, COUNT(blob_score));
    imported(steps_forest, COUNT(steps_forest), 4, steps_score, COUNT(steps_score));
}

TEST(training_ranks_anomalies_as_well_as_scikit_learn_over_twenty_seeds)
{
    enum { SEEDS = 20 };
    for (size_t set = 0; set < 5; set++) {
        float *x = set_rows(set);
        struct andon_rows rows = {x, SET_ROWS, sets[set].d};
        double sum = 0.0, square = 0.0, check = 0.0, score[SET_ROWS];
        for (size_t i = 0; i < SET_ROWS * rows.d; i++) check += (double)x[i];
        CHECK_NEAR(check, set_sum[set], 1e-3);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct detector_case c;
            case_open(&c, &andon_iforest);
            CHECK(case_fit(&c, rows, NULL, 0, seed) == ANDON_OK);
            case_score(&c, rows, score, NULL);
            double a = auc(score);
            sum += a;
            square += a * a;
            case_close(&c);
        }
        double mean = sum / SEEDS, var = (square - sum * mean) / (SEEDS - 1);
        double error = sqrt((var + set_auc_sd[set] * set_auc_sd[set]) / SEEDS);
        double most = 3.0 * error > 0.005 ? 3.0 * error : 0.005;
        printf("# %s: AUC %.4f here, %.4f there, at most %.4f apart\n", sets[set].name, mean,
               set_auc_mean[set], most);
        CHECK_NEAR(mean, set_auc_mean[set], most);
        free(x);
    }
}
