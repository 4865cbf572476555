#include "verdict/settings.h"

#include "andon/andon.h"
#include "test.h"

struct applied {
    struct andon_arena arena;
    struct andon_model model;
    struct andon_recipe_options recipe;
    andon_error err;
    andon_status status;
};

/* Applies "key=value key=value"; close with applied_close. */
static struct applied apply_to(struct andon_training t, const char *settings)
{
    static char text[512];
    struct andon_setting list[8];
    struct applied a = {0};
    snprintf(text, sizeof text, "%s", settings);
    t.setting = list;
    t.settings = 0;
    for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " ")) {
        char *equals = strchr(at, '=');
        *equals = 0;
        list[t.settings++] = (struct andon_setting){at, equals + 1};
    }
    andon_arena_init(&a.arena, andon_allocator_libc(), (size_t)1 << 20);
    a.status = settings_apply(&t, &a.arena, &a.model, &a.recipe, &a.err);
    return a;
}

static struct applied apply(const char *detector, const char *settings)
{
    return apply_to((struct andon_training){.detector = detector}, settings);
}

static void applied_close(struct applied *a)
{
    andon_arena_free(&a->arena);
}

/* The member's option of that name, as text. */
static const char *member_option(const struct applied *a, uint32_t k, const char *name)
{
    static char text[ANDON_OPTION_TEXT];
    const struct member *m = &a->model.member[k];
    andon_option_print(andon_option_find(m->detector->options, name), m->options, text, sizeof text);
    return text;
}

TEST(auto_is_a_forest_where_labels_show_both_kinds_and_else_the_ensemble)
{
    static const int32_t both[4] = {0, 1, 0, 2}, normal[4] = {0, 0, 0, 0}, unknown[4] = {-1, 0, -1, 0};
    static const struct {
        const int32_t *label;
        const char *want;
    } cases[] = {{both, "forest"}, {normal, "ensemble"}, {unknown, "ensemble"}, {NULL, "ensemble"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct andon_training t = {.detector = "auto", .label = cases[i].label, .series.n = 4};
        struct applied a = apply_to(t, "");
        CHECK_SAY(a.status == ANDON_OK && strcmp(a.model.detector, cases[i].want) == 0,
                  "case %zu: %s %s", i, a.model.detector, a.err.text);
        applied_close(&a);
    }
}

TEST(members_are_taken_in_order_with_their_weights)
{
    struct applied a = apply("ensemble", "members=pca=0.5,knn,lof=3");
    CHECK(a.status == ANDON_OK && a.model.members == 3);
    static const char *const name[3] = {"pca", "knn", "lof"};
    static const double weight[3] = {0.5, 1.0, 3.0};
    for (uint32_t k = 0; k < 3; k++) {
        CHECK(strcmp(a.model.member[k].detector->name, name[k]) == 0);
        CHECK_NEAR(a.model.member[k].weight, weight[k], 0);
    }
    applied_close(&a);
}

TEST(wrong_members_are_refused_and_named)
{
    static const struct {
        const char *settings, *said;
    } cases[] = {{"members=oracle", "oracle"},       {"members=knn=0", "knn=0"},
                 {"members=knn=-1", "knn=-1"},       {"members=knn=nan", "knn=nan"},
                 {"members=knn=2x", "knn=2x"},       {"members=knn=", "knn="},
                 {"members=knn=1e9", "1e9"},         {"members=", "at least one"},
                 {"members=knn,,lof", "\"\""},       {"members=knn,knn=2", "knn is named twice"},
                 {"members=forest", "forest"},       {"verdict.members=nothing", "nothing"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct applied a = apply("ensemble", cases[i].settings);
        CHECK_SAY(a.status == ANDON_EINVAL && strstr(a.err.text, cases[i].said) != NULL, "%s: %s",
                  cases[i].settings, a.err.text);
        applied_close(&a);
    }
}

TEST(a_key_goes_to_the_detector_then_the_recipe_then_the_verdict)
{
    struct applied a = apply("mahalanobis", "ridge=0.7 verdict.ridge=0.3 window=7 accept=9");
    CHECK_SAY(a.status == ANDON_OK, "%s", a.err.text);
    CHECK_NEAR(strtod(member_option(&a, 0, "ridge"), NULL), 0.7, 0);
    CHECK_NEAR(a.model.options.follow.ridge, 0.3, 0);
    CHECK(strcmp(a.recipe.window, "7") == 0 && a.model.options.follow.accept == 9);
    applied_close(&a);
    a = apply("ensemble", "ridge=0.7 mahalanobis.ridge=0.4 recipe.window=11 knn.k=9");
    CHECK_SAY(a.status == ANDON_OK, "%s", a.err.text);
    CHECK_NEAR(a.model.options.follow.ridge, 0.7, 0);
    CHECK_NEAR(strtod(member_option(&a, 0, "ridge"), NULL), 0.4, 0);
    CHECK(strcmp(member_option(&a, 1, "k"), "9") == 0 && strcmp(a.recipe.window, "11") == 0);
    applied_close(&a);
}

TEST(a_key_that_recipe_and_verdict_share_is_taken_with_its_room_alone)
{
    struct applied a = apply("ensemble", "gap=600");
    CHECK(a.status == ANDON_EINVAL && strstr(a.err.text, "recipe.gap or verdict.gap") != NULL);
    applied_close(&a);
    a = apply("ensemble", "recipe.gap=20 verdict.gap=600");
    CHECK(a.status == ANDON_OK);
    CHECK_NEAR(a.recipe.gap, 20.0, 0);
    CHECK_NEAR(a.model.options.gap_s, 600.0, 0);
    applied_close(&a);
}

TEST(wrong_keys_and_values_are_refused_and_named)
{
    static const struct {
        const char *detector, *settings, *said;
    } cases[] = {{"ensemble", "iforest.trees=5", "iforest.trees"}, /* not a member */
                 {"ensemble", "k=5", "k"},                         /* whose k? */
                 {"knn", "knn.tree=5", "tree"},
                 {"knn", "held_out=2", "held_out"},
                 {"knn", "verdict.nothing=2", "nothing"},
                 {"knn", "recipe.k=2", "k"},
                 {"knn", "confirm=3", "confirm=3 of=1"},
                 {"knn", "confirm=6 of=5", "confirm=6 of=5"},
                 {"nothing", "", "nothing"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct applied a = apply(cases[i].detector, cases[i].settings);
        CHECK_SAY(a.status == ANDON_EINVAL && strstr(a.err.text, cases[i].said) != NULL,
                  "%s %s: %s", cases[i].detector, cases[i].settings, a.err.text);
        applied_close(&a);
    }
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    struct applied a = apply(name, "");
    CHECK(a.status == ANDON_EINVAL);
    applied_close(&a);
}

TEST(traits_give_defaults_that_settings_change)
{
    struct applied a = apply("knn", "");
    CHECK(a.model.options.follow.on && strcmp(a.recipe.features, "value") != 0);
    applied_close(&a);
    for (size_t i = 0; i < andon_detector_count(); i++) {
        const struct andon_detector *d = andon_detector_at(i);
        bool plain = (d->traits & (ANDON_WANTS_PLAIN | ANDON_SUPERVISED)) != 0;
        a = apply(d->name, "");
        CHECK_SAY(a.status == ANDON_OK && (strcmp(a.recipe.features, "value") == 0) == plain, "%s",
                  d->name);
        CHECK(a.model.options.follow.on == !(plain || (d->traits & ANDON_ONE_FEATURE)));
        CHECK((a.model.options.hold == 1) == ((d->traits & ANDON_SUPERVISED) != 0));
        applied_close(&a);
        a = apply(d->name, "recipe.features=value,diff hold=5 follow=yes confirm=2 of=3");
        CHECK_SAY(a.status == ANDON_OK && strcmp(a.recipe.features, "value,diff") == 0 &&
                      a.model.options.hold == 5 && a.model.options.follow.on,
                  "%s: %s", d->name, a.err.text);
        applied_close(&a);
    }
}
