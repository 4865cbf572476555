#include "plant/regime.h"

#include "test.h"

static struct kind_state words(uint32_t distinct, uint32_t values)
{
    struct kind_state s = {0};
    char word[16];
    for (uint32_t i = 0; i < values; i++) {
        int n = snprintf(word, sizeof word, "state %u", i % distinct);
        kind_see_text(&s, (struct text){word, (uint32_t)n});
    }
    return s;
}

TEST(a_state_with_few_words_is_the_regime)
{
    struct kind_state few = words(4, 100), many = words(17, 100), young = words(2, 9);
    CHECK(regime_guess(TEXT("operational_state"), &few) && regime_guess(TEXT("Product"), &few));
    CHECK(!regime_guess(TEXT("operational_state"), &many));
    CHECK(!regime_guess(TEXT("operational_state"), &young));
    CHECK(!regime_guess(TEXT("WasteReason"), &few) && !regime_guess(TEXT("CurrentShift"), &few));
    CHECK(!regime_guess(TEXT(""), &few));
    CHECK(regime_rank(TEXT("operational_state")) > regime_rank(TEXT("product")));
}

TEST(whole_numbers_may_name_a_regime_and_measurements_may_not)
{
    struct kind_state codes = {0}, measured = {0}, counted = {0};
    for (int i = 0; i < 100; i++) {
        kind_see_number(&codes, i % 5);
        kind_see_number(&measured, 0.5 * (i % 5));
        kind_see_number(&counted, i);
    }
    CHECK(regime_guess(TEXT("mode"), &codes));
    CHECK(!regime_guess(TEXT("mode"), &measured) && !regime_guess(TEXT("mode"), &counted));
}
