#include "verdict/ensemble.h"

#include "andon/rng.h"
#include "test.h"

/* Three members whose raw scores look nothing alike. */
static struct andon_model three_members(void)
{
    struct andon_model m = {.members = 3};
    m.member[0] = (struct member){.weight = 1.0, .compression = {.typical = 1.0, .spread = 2.0}};
    m.member[1] = (struct member){.weight = 2.0, .compression = {.typical = 1e-6, .spread = 0.5}};
    m.member[2] = (struct member){.weight = 0.5, .compression = {.typical = 1e3, .spread = 0.02}};
    return m;
}

/* What member k says of a raw score that is `part` of its typical one. */
static double said_of(const struct andon_model *m, int k, double part)
{
    const struct compression *c = &m->member[k].compression;
    return compression_apply(c, part * c->typical);
}

TEST(one_member_passes_through_unchanged)
{
    struct andon_model m = three_members();
    m.members = 1;
    for (double said = -4.0; said < 700.0; said += 3.3) {
        CHECK_NEAR(ensemble_u(&m, &said), said, 0);
        CHECK_NEAR(ensemble_confidence(&m, &said, said > 2.0), 1.0, 0);
    }
}

TEST(members_that_agree_give_the_weighted_mean_of_their_tails)
{
    struct andon_model m = three_members();
    /* Every member at its own 99 % quantile: the joint score is one mean tail out. */
    double said[3], mean = (1.0 * 2.0 + 2.0 * 0.5 + 0.5 * 0.02) / 3.5;
    for (int k = 0; k < 3; k++) said[k] = m.member[k].compression.spread;
    CHECK_NEAR(ensemble_u(&m, said), mean, 1e-12);
    said[1] = 0.0;
    CHECK_NEAR(ensemble_u(&m, said), mean * 1.5 / 3.5, 1e-12);
}

TEST(the_joint_score_rises_strictly_with_every_member)
{
    struct andon_model m = three_members();
    for (int k = 0; k < 3; k++) {
        double said[3] = {0}, before = -INFINITY;
        for (double part = 1e-3; part < 1e200; part *= 3.0) {
            said[k] = said_of(&m, k, part);
            double u = ensemble_u(&m, said);
            CHECK_SAY(u > before && isfinite(u), "member %d at %g: %g", k, part, u);
            before = u;
        }
    }
}

TEST(the_unit_of_a_members_score_does_not_matter)
{
    struct andon_model m = three_members(), other = three_members();
    double said[3], scaled[3];
    other.member[1].compression.typical *= 1e9;
    for (int k = 0; k < 3; k++) {
        said[k] = said_of(&m, k, 5.0);
        scaled[k] = said_of(&other, k, 5.0);
    }
    CHECK_NEAR(ensemble_u(&other, scaled), ensemble_u(&m, said), 1e-12);
}

TEST(the_louder_a_member_the_more_of_the_score_is_its_doing)
{
    struct andon_model m = three_members();
    for (int k = 0; k < 3; k++) {
        double before = -1.0;
        for (double part = 1e-3; part < 1e300; part *= 10.0) {
            double voice = ensemble_voice(&m, (uint32_t)k, said_of(&m, k, part));
            CHECK_SAY(voice >= before && isfinite(voice), "member %d at %g", k, part);
            CHECK(voice > before || part < 1.0); /* far below its usual a voice may fade to 0 */
            before = voice;
        }
    }
    m.member[1].weight *= 2.0;
    struct andon_model half = three_members();
    CHECK_NEAR(ensemble_voice(&m, 1, 0.7), 2.0 * ensemble_voice(&half, 1, 0.7), 1e-12);
}

TEST(confidence_is_the_weight_on_the_side_of_the_verdict)
{
    struct andon_model m = three_members();
    double far[3] = {9.0, 9.0, 9.0}, near[3] = {0.02, 0.02, 0.01};
    double mixed[3] = {9.0, 0.02, 9.0}; /* the member of weight 2 hears nothing */
    CHECK_NEAR(ensemble_confidence(&m, far, true), 1.0, 0);
    CHECK_NEAR(ensemble_confidence(&m, near, false), 1.0, 0);
    CHECK_NEAR(ensemble_confidence(&m, near, true), 0.5, 0);
    CHECK_NEAR(ensemble_confidence(&m, mixed, false), 2.0 / 3.5, 1e-12);
    CHECK_NEAR(ensemble_confidence(&m, mixed, true), 0.5, 0); /* 1.5 of 3.5 would be less */
}

TEST(the_smoother_gives_the_mean_of_the_last_rows_and_of_those_alone)
{
    static const uint32_t lengths[] = {2, 3, 7, SMOOTH_ROWS_MAX};
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        static double u[1000];
        struct smoother s = {0}, late = {0};
        struct andon_rng rng;
        andon_rng_seed(&rng, k);
        for (size_t i = 0; i < 1000; i++) {
            u[i] = 1e3 * andon_rng_normal(&rng);
            size_t n = i + 1 < lengths[k] ? i + 1 : lengths[k];
            double mean = 0.0, got = smoother_push(&s, lengths[k], u[i]);
            for (size_t b = 0; b < n; b++) mean += u[i - b] / (double)n;
            CHECK_NEAR(got, mean, 1e-9);
            if (i < 500) continue;
            double fresh = smoother_push(&late, lengths[k], u[i]);
            CHECK(i + 1 < 500 + lengths[k] || memcmp(&fresh, &got, sizeof got) == 0);
        }
    }
}
