#include "detect/forest.h"

#include "andon/rng.h"
#include "detect/registry.h"
#include "detector_case.h"

enum { N = 600, D = 4 };

/* Faults where the first two features agree in sign and are large: no line parts them. Kind
 * 1 up, kind 2 down; one label in forty is wrong. */
static void make_rows(uint64_t seed, float *x, int32_t *two, int32_t *three)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    for (int i = 0; i < N; i++) {
        float *row = x + i * D;
        for (int j = 0; j < D; j++) row[j] = (float)andon_rng_normal(&rng);
        three[i] = row[0] > 0.5f && row[1] > 0.5f ? 1 : row[0] < -0.5f && row[1] < -0.5f ? 2 : 0;
        if (andon_rng_below(&rng, 40) == 0) three[i] = three[i] > 0 ? 0 : 1;
        two[i] = three[i] > 0;
    }
}

struct field {
    float x[N * D], fresh[N * D];
    int32_t two[N], three[N], fresh_two[N], fresh_three[N];
};

static void field_make(struct field *f)
{
    make_rows(1, f->x, f->two, f->three);
    make_rows(2, f->fresh, f->fresh_two, f->fresh_three);
}

static struct andon_rows rows_of(const float *x)
{
    return (struct andon_rows){x, N, D};
}

static void fit_forest(struct detector_case *c, const float *x, const int32_t *label,
                       uint32_t classes, uint64_t seed)
{
    case_open(c, &andon_forest);
    case_set(c, "trees", "60");
    if (case_fit(c, rows_of(x), label, classes, seed) != ANDON_OK) abort();
}

static double f1_of(const double *score, const int32_t *label, size_t n, double threshold)
{
    double hit = 0, alarm = 0, fault = 0;
    for (size_t i = 0; i < n; i++) {
        hit += score[i] >= threshold && label[i] > 0;
        alarm += score[i] >= threshold;
        fault += label[i] > 0;
    }
    return hit > 0 ? 2 * hit / (alarm + fault) : 0;
}

TEST(faults_that_no_line_parts_are_found_in_fresh_rows)
{
    static struct field f;
    struct detector_case c;
    double score[N];
    field_make(&f);
    fit_forest(&c, f.x, f.two, 2, 1);
    case_score(&c, rows_of(f.fresh), score, NULL);
    case_close(&c);
    double f1 = f1_of(score, f.fresh_two, N, 1);
    CHECK_SAY(f1 > 0.8, "F1 %g", f1);
}

TEST(kinds_are_told_apart_and_probabilities_sum_to_1)
{
    static struct field f;
    static float p[N * 3];
    struct detector_case c;
    int right = 0;
    field_make(&f);
    fit_forest(&c, f.x, f.three, 3, 1);
    case_classify(&c, rows_of(f.fresh), p);
    case_close(&c);
    for (int i = 0; i < N; i++) {
        const float *q = p + 3 * i;
        int best = q[1] > q[0] ? (q[2] > q[1] ? 2 : 1) : (q[2] > q[0] ? 2 : 0);
        right += best == f.fresh_three[i];
        CHECK_NEAR(q[0] + q[1] + q[2], 1, 1e-5);
        CHECK(q[0] > 0 && q[0] < 1);
    }
    CHECK_SAY(right > N * 92 / 100, "%d of %d", right, N);
}

/* Rows of the same probability are faults as often as it says. */
TEST(probabilities_are_calibrated_also_with_balanced_weights)
{
    static struct field f;
    static float p[N * 2];
    for (int balanced = 0; balanced < 2; balanced++) {
        struct detector_case c;
        double said = 0, were = 0, brier = 0;
        field_make(&f);
        case_open(&c, &andon_forest);
        case_set(&c, "balanced", balanced ? "yes" : "no");
        CHECK(case_fit(&c, rows_of(f.x), f.two, 2, 1) == ANDON_OK);
        case_classify(&c, rows_of(f.fresh), p);
        case_close(&c);
        for (int i = 0; i < N; i++) {
            said += (double)p[2 * i + 1];
            were += f.fresh_two[i];
            brier += pow((double)p[2 * i + 1] - f.fresh_two[i], 2) / N;
        }
        CHECK_SAY(fabs(said - were) < 0.2 * were, "said %g, were %g", said, were);
        CHECK_SAY(brier < 0.05, "Brier score %g", brier); /* the wrong labels alone cost 0.025 */
    }
}

/* The score is increasing in the mean fault of the leaves, walked here row by row. */
TEST(the_score_follows_from_the_trees_by_definition)
{
    static struct field f;
    struct detector_case c;
    double score[N];
    field_make(&f);
    fit_forest(&c, f.x, f.two, 2, 1);
    case_score(&c, rows_of(f.fresh), score, NULL);
    const struct forest *m = c.model;
    for (int i = 0; i < N; i++) {
        double p = 0;
        for (uint32_t t = 0; t < m->trees; t++) {
            const struct forest_node *node = m->tree[t].node;
            uint32_t at = 0;
            while (node[at].child != at)
                at = node[at].child + !(f.fresh[i * D + (int)node[at].feature] <=
                                        node[at].threshold);
            p += (double)node[at].fault;
        }
        p /= m->trees;
        const struct forest_calibration *k = &m->calibration;
        double logit = k->a * log(p) - k->b * log(1 - p) + k->c;
        CHECK_NEAR(score[i], log(1 + exp(logit)) / k->level, 1e-9 * (1 + score[i]));
    }
    case_close(&c);
}

/* Root plus the changes along the path is the leaf; shares are the positive changes by feature. */
TEST(shares_are_the_changes_along_the_paths)
{
    static struct field f;
    static float share[N * D];
    static double score[N];
    struct detector_case c;
    field_make(&f);
    fit_forest(&c, f.x, f.two, 2, 1);
    case_score(&c, rows_of(f.fresh), score, share);
    const struct forest *m = c.model;
    for (int i = 0; i < N; i++) {
        double part[D] = {0}, gap = 0, sum = 0, total = 0;
        for (uint32_t t = 0; t < m->trees; t++) {
            const struct forest_node *node = m->tree[t].node;
            uint32_t at = 0, next;
            for (; node[at].child != at; at = next) {
                uint32_t j = node[at].feature;
                bool left = f.fresh[i * D + (int)j] <= node[at].threshold;
                next = left ? node[at].child : node[at].child + 1;
                part[j] += (double)node[next].fault - (double)node[at].fault;
            }
            gap += (double)node[at].fault - (double)node[0].fault;
        }
        for (int j = 0; j < D; j++) sum += part[j];
        CHECK_NEAR(sum, gap, 1e-9);
        for (int j = 0; j < D; j++) total += fmax(part[j], 0);
        for (int j = 0; j < D; j++)
            CHECK_NEAR(share[i * D + j], total > 0 ? fmax(part[j], 0) / total : 0, 1e-5);
    }
    case_close(&c);
}

TEST(the_features_that_made_the_fault_have_the_largest_shares)
{
    static struct field f;
    const float up[D] = {1.5f, 1.5f, 0, 0};
    struct detector_case c;
    double score;
    float share[D];
    field_make(&f);
    fit_forest(&c, f.x, f.two, 2, 1);
    case_score(&c, (struct andon_rows){up, 1, D}, &score, share);
    case_close(&c);
    CHECK(score > 1);
    CHECK(share[0] + share[1] > 0.8f);
}

/* With every feature tried, one tree's first cut is the best of all cuts of the bag. */
TEST(a_cut_is_the_one_of_least_gini_impurity)
{
    static struct field f;
    struct detector_case c;
    field_make(&f);
    case_open(&c, &andon_forest);
    case_set(&c, "trees", "1");
    case_set(&c, "features", "4");
    case_set(&c, "depth", "1");
    CHECK(case_fit(&c, rows_of(f.x), f.two, 2, 7) == ANDON_OK);
    const struct forest *m = c.model;
    struct andon_rng rng = andon_rng_fork(7, 0);
    double drawn[N] = {0}, best = -1, got = -1;
    for (int i = 0; i < N; i++) drawn[andon_rng_below(&rng, N)]++;
    for (int j = 0; j < D; j++)
        for (int cut = 0; cut <= N; cut++) {
            float at = cut < N ? f.x[cut * D + j] : m->tree[0].node[0].threshold;
            double n[2][2] = {{0}}, purity = 0;
            for (int i = 0; i < N; i++)
                if (drawn[i] > 0) n[f.x[i * D + j] <= at][f.two[i]] += drawn[i];
            for (int s = 0; s < 2; s++)
                if (n[s][0] + n[s][1] > 0)
                    purity += (n[s][0] * n[s][0] + n[s][1] * n[s][1]) / (n[s][0] + n[s][1]);
            best = fmax(best, purity);
            if (cut == N && (uint32_t)j == m->tree[0].node[0].feature) got = purity;
        }
    CHECK(m->tree[0].nodes == 3);
    CHECK_NEAR(got, best, 1e-9);
    case_close(&c);
}

TEST(leaves_and_depth_keep_their_limits)
{
    static struct field f;
    struct detector_case c;
    field_make(&f);
    case_open(&c, &andon_forest);
    case_set(&c, "trees", "10");
    case_set(&c, "leaf", "20");
    case_set(&c, "depth", "3");
    CHECK(case_fit(&c, rows_of(f.x), f.two, 2, 3) == ANDON_OK);
    const struct forest *m = c.model;
    for (uint32_t t = 0; t < m->trees; t++) {
        uint32_t seen[15] = {0}, nodes = m->tree[t].nodes;
        struct andon_rng rng = andon_rng_fork(3, t);
        CHECK(nodes <= 15);
        for (int i = 0; i < N; i++)
            seen[forest_leaf(m->tree[t].node, f.x + andon_rng_below(&rng, N) * D)]++;
        for (uint32_t k = 0; k < nodes; k++)
            CHECK(m->tree[t].node[k].child != k || seen[k] >= 20);
    }
    case_close(&c);
}

TEST(the_same_seed_gives_the_same_bytes_and_another_gives_others)
{
    static struct field f;
    struct detector_case a, b, other;
    field_make(&f);
    fit_forest(&a, f.x, f.three, 3, 5);
    fit_forest(&b, f.x, f.three, 3, 5);
    fit_forest(&other, f.x, f.three, 3, 6);
    struct andon_writer wa = case_save(&a), wb = case_save(&b), wo = case_save(&other);
    CHECK(wa.size == wb.size && memcmp(wa.data, wb.data, wa.size) == 0);
    CHECK(wa.size != wo.size || memcmp(wa.data, wo.data, wa.size) != 0);
    case_close(&a);
    case_close(&b);
    case_close(&other);
}

TEST(a_row_scores_the_same_bits_alone_and_in_any_batch)
{
    static struct field f;
    static double batch[N], part[N];
    static float p[N * 3], one[3];
    struct detector_case c;
    field_make(&f);
    fit_forest(&c, f.x, f.three, 3, 1);
    case_score(&c, rows_of(f.fresh), batch, NULL);
    case_classify(&c, rows_of(f.fresh), p);
    for (size_t from = 0, n = 1; from + n <= N; from += n, n = n % 13 + 1) {
        case_score(&c, (struct andon_rows){f.fresh + from * D, n, D}, part, NULL);
        CHECK(memcmp(part, batch + from, n * sizeof *part) == 0);
        case_classify(&c, (struct andon_rows){f.fresh + from * D, 1, D}, one);
        CHECK(memcmp(one, p + from * 3, sizeof one) == 0);
    }
    case_close(&c);
}

TEST(a_row_with_a_gap_scores_nan)
{
    static struct field f;
    struct detector_case c;
    float x[2 * D] = {0, NAN, 0, 0, 0, 0, 0, 0}, share[2 * D], p[6];
    double score[2];
    field_make(&f);
    fit_forest(&c, f.x, f.three, 3, 1);
    case_score(&c, (struct andon_rows){x, 2, D}, score, share);
    case_classify(&c, (struct andon_rows){x, 2, D}, p);
    case_close(&c);
    CHECK(isnan(score[0]) && isnan(share[0]) && isnan(share[3]) && isnan(p[0]) && isnan(p[2]));
    CHECK(isfinite(score[1]) && isfinite(share[4]) && isfinite(p[3]));
}

TEST(useless_features_and_a_lone_fault_still_teach_a_forest)
{
    float x[40];
    int32_t label[40] = {0};
    for (int i = 0; i < 40; i++) x[i] = 1;
    label[11] = 1;
    struct detector_case c;
    double score[40];
    case_open(&c, &andon_forest);
    case_set(&c, "trees", "3");
    CHECK(case_fit(&c, (struct andon_rows){x, 40, 1}, label, 2, 1) == ANDON_OK);
    case_score(&c, (struct andon_rows){x, 40, 1}, score, NULL);
    for (int i = 0; i < 40; i++) CHECK(isfinite(score[i]) && score[i] >= 0 && score[i] == score[0]);
    case_close(&c);
}

TEST(zeros_of_both_signs_and_neighbouring_floats_are_cut_cleanly)
{
    float x[8] = {-0.0f, 0.0f, -0.0f, 0.0f, 1.0f, 1.00000012f, 1.0f, 1.00000012f};
    int32_t label[8] = {0, 0, 0, 0, 0, 1, 0, 1};
    struct detector_case c;
    double score[8];
    case_open(&c, &andon_forest);
    CHECK(case_fit(&c, (struct andon_rows){x, 8, 1}, label, 2, 1) == ANDON_OK);
    case_score(&c, (struct andon_rows){x, 8, 1}, score, NULL);
    CHECK(score[0] == score[1] && score[5] > score[4]);
    case_close(&c);
}

TEST(labels_of_one_kind_or_out_of_range_are_refused)
{
    static struct field f;
    int32_t label[N] = {0};
    struct detector_case c;
    field_make(&f);
    case_open(&c, &andon_forest);
    CHECK(case_fit(&c, rows_of(f.x), label, 2, 1) == ANDON_EDATA);
    CHECK(case_fit(&c, rows_of(f.x), NULL, 2, 1) == ANDON_EINVAL);
    label[5] = 3;
    CHECK(case_fit(&c, rows_of(f.x), label, 3, 1) == ANDON_EINVAL);
    CHECK(strstr(c.err.text, "row 5") != NULL);
    case_close(&c);
}

TEST(a_loaded_model_scores_bit_for_bit_like_the_saved_one)
{
    static struct field f;
    static double before[N], after[N];
    static float share[N * D], again[N * D], p[N * 5], q[N * 5];
    struct detector_case c;
    field_make(&f);
    for (int i = 0; i < N; i++) f.three[i] *= 2; /* classes 0, 2, 4 of five */
    fit_forest(&c, f.x, f.three, 5, 1);
    case_score(&c, rows_of(f.fresh), before, share);
    case_classify(&c, rows_of(f.fresh), p);
    struct andon_writer w = case_save(&c);
    CHECK(case_load(&c, w.data, w.size, D, &c.arena, &c.model) == ANDON_OK);
    case_score(&c, rows_of(f.fresh), after, again);
    case_classify(&c, rows_of(f.fresh), q);
    CHECK(memcmp(before, after, sizeof before) == 0);
    CHECK(memcmp(share, again, sizeof share) == 0);
    CHECK(memcmp(p, q, sizeof p) == 0);
    CHECK(p[1] == 0 && p[3] == 0);
    CHECK(case_load(&c, w.data, w.size, D + 1, &c.arena, &c.model) == ANDON_EFORMAT);
    case_close(&c);
}

TEST(hostile_bytes_are_refused_or_score_finite)
{
    static struct field f;
    struct detector_case c;
    field_make(&f);
    case_open(&c, &andon_forest);
    case_set(&c, "trees", "3");
    case_set(&c, "leaf", "20");
    CHECK(case_fit(&c, rows_of(f.x), f.three, 3, 1) == ANDON_OK);
    CHECK(case_survives_hostile_bytes(&c, (struct andon_rows){f.fresh, 20, D}, 1));
    case_close(&c);
}

TEST(a_fit_without_room_says_so)
{
    static struct field f;
    struct detector_case c;
    field_make(&f);
    case_open(&c, &andon_forest);
    case_set(&c, "trees", "5");
    CHECK(case_survives_small_arenas(&c, rows_of(f.x), f.three, 3));
    case_close(&c);
}

/* -- AI4I 2020 (Matzka): 10,000 rows of a milling machine, 339 failures ---------------------- */

enum { AI4I_N = 10000, AI4I_D = 9, FOLDS = 5 };

/* Columns: UID, product, type, air K, process K, rpm, torque Nm, wear min, failure, five kinds. */
static bool read_ai4i(const char *path, float *x, int32_t *label)
{
    char line[512], type;
    FILE *in = fopen(path, "r");
    int n = 0;
    if (in == NULL) return false;
    bool good = fgets(line, sizeof line, in) != NULL;
    for (; good && n < AI4I_N && fgets(line, sizeof line, in) != NULL; n++) {
        double air, process, speed, torque, wear;
        int failure;
        good = sscanf(line, "%*d,%*[^,],%c,%lf,%lf,%lf,%lf,%lf,%d", &type, &air, &process, &speed,
                      &torque, &wear, &failure) == 7;
        double row[AI4I_D] = {air, process, speed, torque, wear,
                              type == 'L' ? 0 : type == 'M' ? 1 : 2,
                              torque * speed, process - air, wear * torque};
        for (int j = 0; j < AI4I_D; j++) x[n * AI4I_D + j] = (float)row[j];
        label[n] = failure;
    }
    fclose(in);
    return good && n == AI4I_N;
}

/* Every kind's rows are dealt out in random turn. */
static void deal_folds(uint64_t seed, const int32_t *label, int *fold)
{
    static uint32_t order[AI4I_N];
    struct andon_rng rng;
    int next[2] = {0};
    andon_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < AI4I_N; i++) order[i] = i;
    andon_rng_shuffle(&rng, order, AI4I_N);
    for (int i = 0; i < AI4I_N; i++) fold[order[i]] = next[label[order[i]]]++ % FOLDS;
}

/* F1 on one fold of a forest grown on the others; alarms at score 1, the best F1 out of bag. */
static double fold_f1(const float *x, const int32_t *label, const int *fold, int which)
{
    static float train[AI4I_N * AI4I_D], held[AI4I_N * AI4I_D];
    static int32_t train_label[AI4I_N], held_label[AI4I_N];
    static double score[AI4I_N];
    size_t n[2] = {0};
    struct detector_case c;
    for (int i = 0; i < AI4I_N; i++) {
        bool out = fold[i] == which;
        memcpy((out ? held : train) + n[out] * AI4I_D, x + i * AI4I_D, AI4I_D * sizeof *x);
        (out ? held_label : train_label)[n[out]++] = label[i];
    }
    case_open(&c, &andon_forest);
    if (case_fit(&c, (struct andon_rows){train, n[0], AI4I_D}, train_label, 2, 1) != ANDON_OK)
        abort();
    case_score(&c, (struct andon_rows){held, n[1], AI4I_D}, score, NULL);
    case_close(&c);
    return f1_of(score, held_label, n[1], 1);
}

TEST(ai4i_failures_are_found_with_f1_above_085_in_five_folds)
{
    static float x[AI4I_N * AI4I_D];
    static int32_t label[AI4I_N];
    static int fold[AI4I_N];
    const char *folder = getenv("ANDON_DATA");
    char path[512];
    double sum = 0;
    if (folder == NULL) SKIP("ANDON_DATA does not name a folder with ai4i/ai4i2020.csv");
    snprintf(path, sizeof path, "%s/ai4i/ai4i2020.csv", folder);
    if (!read_ai4i(path, x, label)) SKIP("no ai4i/ai4i2020.csv of 10,000 rows in ANDON_DATA");
    deal_folds(1, label, fold);
    for (int k = 0; k < FOLDS; k++) sum += fold_f1(x, label, fold, k) / FOLDS;
    printf("# AI4I 2020, five folds: mean F1 %.4f\n", sum);
    CHECK_SAY(sum > 0.85, "F1 %g", sum);
}
