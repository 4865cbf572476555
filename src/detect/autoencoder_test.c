/* The autoencoder's scores against a network written here in double without any cleverness; its
 * options, stopping rules and bytes. How it learns: autoencoder_trainer_test.c. */
#include "detect/autoencoder.h"

#include "detect/registry.h"
#include "detector_case.h"

enum { ROWS = 203, WIDE = 64 };

/* Correlated rows: d features of three causes. */
static float *make_rows(size_t n, uint32_t d, uint64_t seed)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    float *x = malloc(n * d * sizeof x[0]);
    if (x == NULL) abort();
    for (size_t i = 0; i < n; i++) {
        double s[3];
        for (int k = 0; k < 3; k++) s[k] = andon_rng_normal(&rng);
        for (uint32_t j = 0; j < d; j++)
            x[i * d + j] = (float)(s[j % 3] + 0.5 * s[(j / 3) % 3] + 0.2 * andon_rng_normal(&rng));
    }
    return x;
}

/* ---- scores ---- */

static const struct dense_network *net_of(const struct detector_case *c)
{
    return &((const struct autoencoder *)c->model)->net;
}

/* One row's score with the model's weights, in double. */
static double reference_score(const struct dense_network *net, const float *x)
{
    double from[WIDE] = {0}, to[WIDE] = {0}, sum = 0.0;
    const uint32_t d = net->layer[0].in;
    for (uint32_t j = 0; j < d; j++) from[j] = (double)x[j];
    for (uint32_t l = 0; l < net->layers; l++) {
        const struct dense_layer *layer = &net->layer[l];
        for (uint32_t o = 0; o < layer->out; o++) {
            to[o] = (double)layer->bias[o];
            for (uint32_t i = 0; i < layer->in; i++)
                to[o] += (double)layer->weight[autoencoder_at(layer->in, i, o)] * from[i];
            if (l + 1 < net->layers)
                to[o] = net->activation == DENSE_RELU ? fmax(to[o], 0.0) : tanh(to[o]);
        }
        memcpy(from, to, sizeof from);
    }
    for (uint32_t j = 0; j < d; j++) sum += ((double)x[j] - from[j]) * ((double)x[j] - from[j]);
    return sum / d;
}

/* A short fit of the first 200 rows. */
static void fit_short(struct detector_case *c, const float *x, uint32_t d)
{
    case_set(c, "epochs", "5");
    case_set(c, "steps", "0");
    if (case_fit(c, (struct andon_rows){x, 200, d}, NULL, 0, 1) != ANDON_OK) abort();
}

static void score_with(const struct detector_case *c, struct andon_rows x, double *score,
                       float *share, enum andon_kernel kernel)
{
    void *room = case_room(c, x.n);
    c->detector->score(c->model, NULL, x, score, share, room, kernel);
    free(room);
}

TEST(every_kernel_scores_like_the_network_in_double)
{
    const char *activations[] = {"relu", "tanh"};
    for (int a = 0; a < 2; a++)
        for (uint32_t d = 1; d <= 40; d += 13 - d % 3) {
            struct detector_case c;
            double score[ROWS];
            float *x = make_rows(ROWS, d, d);
            case_open(&c, &andon_autoencoder);
            case_set(&c, "activation", activations[a]);
            fit_short(&c, x, d);
            for (int k = 0; k < ANDON_KERNELS; k++) {
                if (!andon_kernel_usable((enum andon_kernel)k)) continue;
                score_with(&c, (struct andon_rows){x, ROWS, d}, score, NULL, (enum andon_kernel)k);
                for (size_t i = 0; i < ROWS; i++)
                    CHECK_NEAR(score[i], reference_score(net_of(&c), x + i * d),
                               1e-6 * (1.0 + score[i]));
            }
            case_close(&c);
            free(x);
        }
}

TEST(a_row_alone_and_in_a_batch_of_any_size_scores_the_same_bits)
{
    const char *layers[] = {"auto", "33,7,16", "8"};
    for (int k = 0; k < ANDON_KERNELS; k++)
        for (int a = 0; a < 3; a++) {
            if (!andon_kernel_usable((enum andon_kernel)k)) continue;
            struct detector_case c;
            double whole[ROWS], part[ROWS];
            float share[ROWS * 27], part_share[ROWS * 27];
            float *x = make_rows(ROWS, 27, 2);
            case_open(&c, &andon_autoencoder);
            case_set(&c, "layers", layers[a]);
            fit_short(&c, x, 27);
            score_with(&c, (struct andon_rows){x, ROWS, 27}, whole, share, (enum andon_kernel)k);
            for (size_t size = 1; size <= 31; size++) {
                for (size_t at = 0; at < ROWS; at += size)
                    score_with(&c, (struct andon_rows){x + at * 27,
                                                       ROWS - at < size ? ROWS - at : size, 27},
                               part + at, part_share + at * 27, (enum andon_kernel)k);
                CHECK_SAY(memcmp(whole, part, sizeof whole) == 0, "batches of %zu", size);
                CHECK_SAY(memcmp(share, part_share, sizeof share) == 0, "batches of %zu", size);
            }
            case_close(&c);
            free(x);
        }
}

TEST(shares_are_the_squared_residuals)
{
    struct detector_case c;
    double score;
    float share[27], *x = make_rows(ROWS, 27, 3);
    case_open(&c, &andon_autoencoder);
    fit_short(&c, x, 27);
    x[202 * 27 + 5] += 40.0f;
    case_score(&c, (struct andon_rows){x + 202 * 27, 1, 27}, &score, share);
    double sum = 0.0;
    for (int j = 0; j < 27; j++) sum += (double)share[j];
    CHECK_NEAR(sum, 1.0, 1e-6);
    CHECK(share[5] > 0.5f);
    CHECK(score > 10.0);
    case_close(&c);
    free(x);
}

/* With relu, what a hidden unit gives overflows float, too; tanh holds it within 1. */
static void far_out(const char *activation)
{
    struct detector_case c;
    double score, before = 0.0;
    float share[9], row[9] = {0}, *x = make_rows(ROWS, 9, 3);
    case_open(&c, &andon_autoencoder);
    case_set(&c, "activation", activation);
    fit_short(&c, x, 9);
    for (int e = 0; e < 39; e++) {
        for (int j = 0; j < 9; j++) row[j] = (float)pow(10.0, e) * (j % 2 == 0 ? 3.0f : -3.0f);
        case_score(&c, (struct andon_rows){row, 1, 9}, &score, share);
        double sum = 0.0;
        for (int j = 0; j < 9; j++) sum += (double)share[j];
        CHECK_SAY(isfinite(score) && score > before, "%s: 1e%d scores %g after %g", activation, e,
                  score, before);
        CHECK_NEAR(sum, 1.0, 1e-5);
        before = score;
    }
    row[4] = NAN;
    case_score(&c, (struct andon_rows){row, 1, 9}, &score, share);
    CHECK(isnan(score) && isnan(share[0]) && isnan(share[8]));
    case_close(&c);
    free(x);
}

TEST(rows_beyond_the_range_of_float_score_finite_and_ever_higher)
{
    far_out("tanh");
    far_out("relu");
}

TEST(tanh_is_within_4e_7_of_the_library)
{
    struct dense_network net = {.layers = 2, .activation = DENSE_TANH};
    /* x -> tanh(x) -> 0 * tanh(x): the hidden value is read through an identity of weight 1. */
    _Alignas(64) float one[16] = {1.0f}, bias[16] = {0}, scratch[2 * DENSE_BLOCK * 16];
    net.layer[0] = (struct dense_layer){one, bias, 1, 1};
    net.layer[1] = (struct dense_layer){one, bias, 1, 1};
    for (int k = 0; k < ANDON_KERNELS; k++) {
        if (!andon_kernel_usable((enum andon_kernel)k)) continue;
        for (int i = -12000; i <= 12000; i++) {
            float x = (float)i / 1000.0f;
            double score;
            dense_kernel((enum andon_kernel)k)->score(&net, &x, 1, &score, NULL, scratch);
            double y = fabs((double)x) - sqrt(score); /* score = (x - tanh x)^2, |x| > |tanh x| */
            CHECK_NEAR(y, tanh(fabs((double)x)), 4e-7 + 1e-7 * fabs((double)x));
        }
    }
}

/* ---- learning ---- */

TEST(the_default_layers_of_27_features_are_the_references)
{
    const uint32_t want[] = {27, 16, 12, 8, 12, 16, 27};
    uint32_t width[DENSE_LAYERS_MAX + 1], count;
    CHECK(autoencoder_plan("auto", 27, width, &count, NULL) == ANDON_OK);
    CHECK(count == 6 && memcmp(width, want, sizeof want) == 0);
    CHECK(autoencoder_plan("auto", 1, width, &count, NULL) == ANDON_OK);
    CHECK(count == 6 && width[1] == 1 && width[3] == 1);
    CHECK(autoencoder_plan("auto", ANDON_FEATURES_MAX, width, &count, NULL) == ANDON_OK);
    CHECK(width[1] == 256 && width[3] == 128);
}

TEST(a_layer_list_is_widths_with_commas_and_nothing_else)
{
    const char *bad[] = {"", ",", "3,", ",3", "3,,3", "0", "4097", "-1", "3 4", "3,x", "1e3", "+3",
                         "99999999999999999999", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"};
    uint32_t width[DENSE_LAYERS_MAX + 1], count;
    andon_error err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_SAY(autoencoder_plan(bad[i], 5, width, &count, &err) == ANDON_EINVAL, "%s", bad[i]);
        CHECK(err.text[0] != 0);
    }
    CHECK(autoencoder_plan("4096,1,7", 5, width, &count, &err) == ANDON_OK);
    CHECK(count == 4 && width[0] == 5 && width[1] == 4096 && width[3] == 7 && width[4] == 5);
}

static double mean_score(struct detector_case *c, const float *x, size_t n, uint32_t d)
{
    double *score = malloc(n * sizeof score[0]), sum = 0.0;
    if (score == NULL) abort();
    case_score(c, (struct andon_rows){x, n, d}, score, NULL);
    for (size_t i = 0; i < n; i++) sum += score[i];
    free(score);
    return sum / (double)n;
}

TEST(batch_norm_and_dropout_learn_and_fold_into_plain_layers)
{
    const char *set[][2] = {{"batch_norm", "yes"}, {"dropout", "0.1"}, {"activation", "tanh"}};
    float *x = make_rows(2000, 9, 4);
    double spread = 0.0;
    for (size_t i = 0; i < 2000 * 9; i++) spread += (double)x[i] * (double)x[i] / (2000 * 9);
    for (int i = 0; i < 3; i++) {
        struct detector_case c;
        case_open(&c, &andon_autoencoder);
        case_set(&c, "layers", "12,4,12");
        case_set(&c, "epochs", "100");
        case_set(&c, set[i][0], set[i][1]);
        CHECK(case_fit(&c, (struct andon_rows){x, 1600, 9}, NULL, 0, 1) == ANDON_OK);
        double loss = mean_score(&c, x + 1600 * 9, 400, 9);
        CHECK_SAY(loss < 0.15 * spread, "%s: loss %g of %g", set[i][0], loss, spread);
        case_close(&c);
    }
    free(x);
}

TEST(few_rows_and_mad_values_are_refused_and_a_diverging_rate_never_gives_nan)
{
    struct detector_case c;
    float *x = make_rows(ROWS, 5, 4);
    case_open(&c, &andon_autoencoder);
    CHECK(case_fit(&c, (struct andon_rows){x, 3, 5}, NULL, 0, 1) == ANDON_EDATA);
    CHECK(case_fit(&c, (struct andon_rows){x, 4, 5}, NULL, 0, 1) == ANDON_OK);
    case_set(&c, "rate", "1");
    andon_status st = case_fit(&c, (struct andon_rows){x, ROWS, 5}, NULL, 0, 1);
    CHECK(st == ANDON_EDATA || (st == ANDON_OK && isfinite(mean_score(&c, x, ROWS, 5))));
    x[7] = 1e20f;
    CHECK(case_fit(&c, (struct andon_rows){x, ROWS, 5}, NULL, 0, 1) == ANDON_EDATA);
    case_close(&c);
    free(x);
}

static bool stop_after_ten(void *context, double part)
{
    (void)part;
    return ++*(int *)context > 10;
}

TEST(a_fit_stops_when_it_is_told_and_gives_its_scratch_back)
{
    struct detector_case c;
    int calls = 0;
    float *x = make_rows(ROWS, 5, 4);
    case_open(&c, &andon_autoencoder);
    struct andon_fit in = {.x = {x, ROWS, 5}, .options = c.options, .scratch = &c.scratch,
                           .progress = {stop_after_ten, &calls}};
    CHECK(andon_autoencoder.fit(&in, &c.arena, &c.model, &c.err) == ANDON_ESTOP);
    CHECK(calls == 11);
    CHECK(c.scratch.used == 0);
    case_close(&c);
    free(x);
}

static bool count_calls(void *context, double part)
{
    (void)part;
    ++*(int *)context;
    return false;
}

/* The loss of the last 100 of 1000 rows after at most 300 epochs over the first 900; calls says how
 * many epochs were run. */
static double long_fit(const float *x, size_t n, const char *validation, const char *patience,
                       const char *plateau, int *calls)
{
    struct detector_case c;
    case_open(&c, &andon_autoencoder);
    case_set(&c, "layers", "24,3,24");
    case_set(&c, "epochs", "300");
    case_set(&c, "rate", "0.03");
    case_set(&c, "plateau", plateau);
    case_set(&c, "validation", validation);
    case_set(&c, "patience", patience);
    *calls = 0;
    struct andon_fit in = {.x = {x, n, 6}, .options = c.options, .kernel = andon_kernel_best(),
                           .progress = {count_calls, calls}, .scratch = &c.scratch};
    if (andon_autoencoder.fit(&in, &c.arena, &c.model, &c.err) != ANDON_OK) abort();
    double loss = mean_score(&c, x + 900 * 6, 100, 6);
    case_close(&c);
    return loss;
}

TEST(learning_ends_early_and_keeps_the_network_of_the_least_validation_loss)
{
    /* The last rows follow another law, so that learning soon makes them worse. */
    float *x = make_rows(1000, 6, 4);
    struct andon_rng rng;
    int calls;
    andon_rng_seed(&rng, 9);
    for (size_t i = 900 * 6; i < 1000 * 6; i++) x[i] = (float)andon_rng_normal(&rng);
    double last = long_fit(x, 900, "0", "1000", "1000", &calls);
    CHECK(calls == 300);
    double least = long_fit(x, 1000, "0.1", "1000", "1000", &calls);
    CHECK(calls == 300);
    CHECK_SAY(least < last, "%g kept, %g at the end", least, last);
    double early = long_fit(x, 1000, "0.1", "10", "1000", &calls);
    CHECK(calls < 300);
    CHECK_SAY(early >= least, "%g after %d epochs, %g after all", early, calls, least);
    free(x);
}

TEST(a_rate_that_is_halved_on_a_plateau_ends_at_a_lower_loss)
{
    float *x = make_rows(1000, 6, 4);
    int calls;
    double constant = long_fit(x, 1000, "0.1", "1000", "1000", &calls);
    double halved = long_fit(x, 1000, "0.1", "1000", "10", &calls);
    free(x);
    CHECK_SAY(halved < 0.95 * constant, "%g halved, %g constant", halved, constant);
}

/* ---- bytes ---- */

TEST(a_loaded_model_has_the_saved_bytes_and_scores)
{
    struct detector_case c;
    double a[ROWS], b[ROWS];
    float *x = make_rows(ROWS, 11, 6);
    case_open(&c, &andon_autoencoder);
    fit_short(&c, x, 11);
    struct andon_writer w = case_save(&c);
    case_score(&c, (struct andon_rows){x, ROWS, 11}, a, NULL);
    struct andon_reader in;
    andon_reader_init(&in, w.data, w.size);
    CHECK(andon_autoencoder.load(&in, 11, &c.arena, &c.model, &c.err) == ANDON_OK);
    CHECK(andon_reader_left(&in) == 0);
    case_score(&c, (struct andon_rows){x, ROWS, 11}, b, NULL);
    CHECK(memcmp(a, b, sizeof a) == 0);
    case_close(&c);
    free(x);
}

/* Loads header words and then zeros, in room for 1 MiB. */
static andon_status load_words(const uint32_t *word, size_t words, size_t zeros, uint32_t d)
{
    struct andon_arena arena;
    struct andon_writer w;
    struct andon_reader in;
    void *model = NULL;
    andon_error err;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 20);
    andon_writer_init(&w, &arena);
    andon_put_u32s(&w, word, words);
    for (size_t i = 0; i < zeros; i++) andon_put_u32(&w, 0);
    andon_reader_init(&in, w.data, w.size);
    andon_status st = andon_autoencoder.load(&in, d, &arena, &model, &err);
    andon_arena_free(&arena);
    return st;
}

TEST(hostile_shapes_and_weights_are_refused)
{
    CHECK(load_words((uint32_t[]){1, 1, 2, 2}, 4, 6, 2) == ANDON_OK);
    CHECK(load_words((uint32_t[]){1, 1, 2, 2}, 4, 5, 2) == ANDON_EFORMAT); /* cut short     */
    CHECK(load_words((uint32_t[]){1, 1, 2, 2}, 4, 6, 3) == ANDON_EFORMAT); /* other rows    */
    CHECK(load_words((uint32_t[]){1, 0, 2, 2}, 4, 6, 2) == ANDON_EFORMAT); /* no activation */
    CHECK(load_words((uint32_t[]){0, 1, 2}, 3, 6, 2) == ANDON_EFORMAT);
    CHECK(load_words((uint32_t[]){17, 1, 2}, 3, 900, 2) == ANDON_EFORMAT);
    CHECK(load_words((uint32_t[]){0xFFFFFFFFu, 1, 2}, 3, 900, 2) == ANDON_EFORMAT);
    CHECK(load_words((uint32_t[]){2, 1, 2, 0, 2}, 5, 900, 2) == ANDON_EFORMAT);
    CHECK(load_words((uint32_t[]){2, 1, 2, 4097, 2}, 5, 20000, 2) == ANDON_EFORMAT);
    CHECK(load_words((uint32_t[]){3, 1, 2, 4096, 4096, 2}, 6, 900, 2) == ANDON_EFORMAT);
    const uint32_t bad[] = {0x7FC00000u, 0x7F800000u, 0xFF800000u, 0x60000000u};
    for (int i = 0; i < 4; i++)
        for (size_t at = 0; at < 6; at++) {
            uint32_t words[10] = {1, 1, 2, 2};
            words[4 + at] = bad[i];
            CHECK(load_words(words, 10, 0, 2) == ANDON_EFORMAT);
        }
}
