#include "verdict/settings.h"

#include <stdlib.h>
#include <string.h>

#define FIELD(name) offsetof(struct verdict_options, name)

const struct andon_option andon_verdict_table[] = {
    {"members", ANDON_OPTION_LINE, FIELD(members), 0, 0, "mahalanobis,knn=2", NULL,
     "detectors of the ensemble, with weights if wanted: mahalanobis=2,knn=1"},
    {"held_out", ANDON_OPTION_REAL, FIELD(held_out), 0.05, 0.9, "0.3", NULL,
     "last part of the training time that sets the level instead of teaching the detectors"},
    {"refit", ANDON_OPTION_BOOL, FIELD(refit), 0, 0, "yes", NULL,
     "learn once more from all of the training time when the level is set"},
    {"gap", ANDON_OPTION_REAL, FIELD(gap_s), 0, 1e9, "300", NULL,
     "seconds; anomalies closer than this are one false alarm event"},
    {"tail_from", ANDON_OPTION_REAL, FIELD(tail_from), 0.5, 0.999, "0.9", NULL,
     "quantile of the held-out scores beyond which the tail is exponential"},
    {"rare", ANDON_OPTION_REAL, FIELD(rare), 1e-9, 1, "2e-3", NULL,
     "false alarm events a row at most, even where the budget would allow more"},
    {"confirm", ANDON_OPTION_INT, FIELD(confirm), 1, 64, "1", NULL,
     "a row is an anomaly when so many of the last `of` rows score above 1"},
    {"of", ANDON_OPTION_INT, FIELD(of), 1, 64, "1", NULL, "see confirm: confirm=3 of=5"},
    {"contamination", ANDON_OPTION_REAL, FIELD(contamination), 0, 0.5, "0", NULL,
     "put the level at this part of the training rows, as scikit-learn does; 0: by the budget"},
    {"hold", ANDON_OPTION_INT, FIELD(hold), 1, 1000000, "3", NULL,
     "rows in succession at a low score that end an anomaly"},
    {"off", ANDON_OPTION_REAL, FIELD(off), 0, 10, "0.1", NULL,
     "how low: a score of exp(-off) or less"},
    {"smooth", ANDON_OPTION_INT, FIELD(smooth), 1, 256, "1", NULL,
     "rows over which the logarithm of the score is averaged"},
    {"follow", ANDON_OPTION_BOOL, FIELD(follow.on), 0, 0, "yes", NULL,
     "compare rows with the machine's present normal: levels followed, old normals remembered"},
    {"tau", ANDON_OPTION_REAL, FIELD(follow.tau), 1, 1e9, "240", NULL,
     "rows in which a level is followed, about"},
    {"slower", ANDON_OPTION_REAL, FIELD(follow.slower), 1, 1e9, "10", NULL,
     "how much slower while something is wrong"},
    {"accept", ANDON_OPTION_INT, FIELD(follow.accept), 0, 1e9, "1440", NULL,
     "steady rows after which a new level is a new normal; 0: never"},
    {"ridge", ANDON_OPTION_REAL, FIELD(follow.ridge), 0, 1e3, "0.2", NULL,
     "part of the mean variance added to every direction of deviation"},
    {"width_min", ANDON_OPTION_REAL, FIELD(follow.width_min), FOLLOW_WIDTH_MIN, 1e3, "0.1", NULL,
     "least usual deviation of a feature, in spreads"},
    {"far", ANDON_OPTION_REAL, FIELD(follow.compress), 1, 1e6, "12", NULL,
     "usual deviations beyond which a deviation grows logarithmically"},
    {"moving", ANDON_OPTION_REAL, FIELD(follow.moving), 0, 1, "0.2", NULL,
     "part of the features that may move in a steady row"},
    {.name = NULL}};

static bool has_both_kinds(const struct andon_training *t)
{
    bool normal = false, fault = false;
    for (size_t i = 0; t->label != NULL && i < t->series.n; i++) {
        normal = normal || t->label[i] == 0;
        fault = fault || t->label[i] > 0;
    }
    return normal && fault;
}

static andon_status add_member(struct andon_model *model, const char *name, double weight,
                               struct andon_arena *arena, andon_error *err)
{
    const struct andon_detector *detector = andon_detector_named(name);
    if (detector == NULL)
        return andon_fail(err, ANDON_EINVAL, "detector \"%s\": there is none of that name", name);
    if (model->members == ANDON_MEMBERS_MAX)
        return andon_fail(err, ANDON_ELIMIT, "members: expected at most %u", ANDON_MEMBERS_MAX);
    for (uint32_t k = 0; k < model->members; k++)
        if (model->member[k].detector == detector)
            return andon_fail(err, ANDON_EINVAL, "members: %s is named twice", name);
    struct member *m = &model->member[model->members];
    *m = (struct member){.detector = detector, .weight = weight};
    m->options = andon_arena_take(arena, detector->options_bytes);
    if (m->options == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no room for options", name);
    andon_options_default(detector->options, m->options);
    model->members++;
    return ANDON_OK;
}

/* What members are by default within an ensemble, where each has to answer in microseconds. */
static const struct {
    const char *detector, *option, *value;
} ensemble_preset[] = {{"knn", "rows_max", "1024"}, {"knn", "k", "3"}};

static andon_status preset_members(struct andon_model *model, andon_error *err)
{
    for (size_t i = 0; i < sizeof ensemble_preset / sizeof *ensemble_preset; i++)
        for (uint32_t k = 0; k < model->members; k++) {
            const struct andon_detector *d = model->member[k].detector;
            if (strcmp(d->name, ensemble_preset[i].detector) != 0) continue;
            andon_status st = andon_option_set(d->options, model->member[k].options,
                                               ensemble_preset[i].option, ensemble_preset[i].value,
                                               err);
            if (st != ANDON_OK) return st;
        }
    return ANDON_OK;
}

/* "mahalanobis=2,knn" */
static andon_status add_members(struct andon_model *model, struct andon_arena *arena,
                                andon_error *err)
{
    for (const char *at = model->options.members; *at != 0;) {
        char name[ANDON_NAME_MAX] = "", *end = NULL;
        size_t length = strcspn(at, ",");
        size_t name_length = strcspn(at, ",=");
        double weight = 1.0;
        if (name_length < sizeof name) memcpy(name, at, name_length);
        if (name_length < length) weight = strtod(at + name_length + 1, &end);
        if (!(weight >= 1.0 / MEMBER_WEIGHT_MAX && weight <= MEMBER_WEIGHT_MAX) ||
            (end != NULL && end != at + length))
            return andon_fail(err, ANDON_EINVAL,
                              "members=%s: expected name or name=weight, weights from 1e-6 to 1e6",
                              model->options.members);
        andon_status st = add_member(model, name, weight, arena, err);
        if (st != ANDON_OK) return st;
        if (model->member[model->members - 1].detector->traits & ANDON_SUPERVISED)
            return andon_fail(err, ANDON_EINVAL,
                              "members=%s: %s learns from labels, expected detectors that do not",
                              model->options.members, name);
        at += length;
        if (*at == ',') at++;
    }
    if (model->members == 0)
        return andon_fail(err, ANDON_EINVAL, "members: expected at least one detector");
    return preset_members(model, err);
}

/* Whether key is "room.name", and then the name. */
static const char *within(const char *key, const char *room)
{
    size_t length = strlen(room);
    return strncmp(key, room, length) == 0 && key[length] == '.' ? key + length + 1 : NULL;
}

static andon_status set_one(const struct andon_setting *s, struct andon_model *model,
                            struct andon_recipe_options *recipe, andon_error *err)
{
    const char *name;
    for (uint32_t k = 0; k < model->members; k++) {
        const struct andon_detector *d = model->member[k].detector;
        name = within(s->key, d->name);
        if (name == NULL && model->members == 1 &&
            andon_option_find(d->options, s->key) != NULL)
            name = s->key;
        if (name != NULL)
            return andon_option_set(d->options, model->member[k].options, name, s->value, err);
    }
    if (andon_option_find(andon_recipe_table, s->key) != NULL &&
        andon_option_find(andon_verdict_table, s->key) != NULL)
        return andon_fail(err, ANDON_EINVAL, "--set %s: expected recipe.%s or verdict.%s", s->key,
                          s->key, s->key);
    name = within(s->key, "recipe");
    if (name == NULL && andon_option_find(andon_recipe_table, s->key) != NULL) name = s->key;
    if (name != NULL) return andon_option_set(andon_recipe_table, recipe, name, s->value, err);
    name = within(s->key, "verdict");
    if (name == NULL && andon_option_find(andon_verdict_table, s->key) != NULL) name = s->key;
    if (name != NULL)
        return andon_option_set(andon_verdict_table, &model->options, name, s->value, err);
    return andon_fail(err, ANDON_EINVAL,
                      "--set %s: no option of the recipe, the verdict or a detector in use "
                      "(`andon detectors` lists them)",
                      s->key);
}

/* Members are chosen before anything else is set, because they decide which keys there are. */
static andon_status choose_members(const struct andon_training *t, struct andon_arena *arena,
                                   struct andon_model *model, andon_error *err)
{
    const char *detector = t->detector;
    andon_options_default(andon_verdict_table, &model->options);
    if (strcmp(detector, "auto") == 0) detector = has_both_kinds(t) ? "forest" : "ensemble";
    if (strlen(detector) >= sizeof model->detector)
        return andon_fail(err, ANDON_EINVAL, "detector \"%.40s\": there is none", detector);
    memcpy(model->detector, detector, strlen(detector) + 1);
    if (strcmp(detector, "ensemble") != 0) return add_member(model, detector, 1.0, arena, err);
    for (size_t i = 0; i < t->settings; i++) {
        const char *key = t->setting[i].key;
        if (strcmp(key, "members") == 0 || strcmp(key, "verdict.members") == 0) {
            andon_status st = andon_option_set(andon_verdict_table, &model->options, "members",
                                               t->setting[i].value, err);
            if (st != ANDON_OK) return st;
        }
    }
    return add_members(model, arena, err);
}

andon_status settings_apply(const struct andon_training *t, struct andon_arena *arena,
                            struct andon_model *model, struct andon_recipe_options *recipe,
                            andon_error *err)
{
    andon_options_default(andon_recipe_table, recipe);
    andon_status st = choose_members(t, arena, model, err);
    if (st != ANDON_OK) return st;
    uint32_t traits = model->members == 1 ? model->member[0].detector->traits : 0;
    if (traits & (ANDON_WANTS_PLAIN | ANDON_SUPERVISED))
        st = andon_option_set(andon_recipe_table, recipe, "features", "value", err);
    if (traits & (ANDON_WANTS_PLAIN | ANDON_SUPERVISED | ANDON_ONE_FEATURE))
        model->options.follow.on = false;
    if (traits & ANDON_SUPERVISED) { /* labelled rows need not follow one another in time */
        model->options.hold = 1;
        model->options.off = 0.0;
    }
    for (size_t i = 0; st == ANDON_OK && i < t->settings; i++)
        st = set_one(&t->setting[i], model, recipe, err);
    if (st == ANDON_OK && model->options.confirm > model->options.of)
        st = andon_fail(err, ANDON_EINVAL,
                        "confirm=%lld of=%lld: expected confirm to be at most of",
                        (long long)model->options.confirm, (long long)model->options.of);
    return st;
}
