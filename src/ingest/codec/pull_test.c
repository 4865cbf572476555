#include "ingest/codec/pull.h"

#include "andon/rng.h"
#include "ingest/codec/pull_case.h"
#include "test.h"

/* A copy without a byte behind it, so that a sanitizer sees every byte too far. */
static char *exact_copy(struct text text)
{
    char *copy = malloc(text.length + (text.length == 0));
    if (copy == NULL) abort();
    if (text.length > 0) memcpy(copy, text.at, text.length);
    return copy;
}

/* Whether text is one JSON value, by walking and by skipping it: both must say the same. */
static bool accepted(struct text text)
{
    char *copy = exact_copy(text);
    struct agreement a = {false, false};
    struct pull walk, skip;
    struct value value;
    text.at = copy;
    pull_begin(&walk, text);
    bool walked =
        pull_read(&walk, &value) && pull_case_walk(&walk, &value, NULL, &a) && pull_done(&walk);
    pull_begin(&skip, text);
    bool skipped = pull_read(&skip, &value) && pull_skip(&skip, &value) && pull_done(&skip);
    bool same = walked == skipped &&
                (walked || (walk.fault == skip.fault && walk.fault_at == skip.fault_at));
    if (!same) test_fail(__FILE__, __LINE__, "%.*s", (int)text.length, text.at);
    free(copy);
    return walked;
}

TEST(json_is_accepted)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "0",
        "-0",
        "1.5e3",
        "-1E-2",
        "\"\"",
        "null",
        "true",
        "false",
        " [ ] ",
        "\t{\r\n}",
        "[1,2]",
        "{\"a\":{\"b\":[{}]}}",
        "\"\\u0000\\uD834\\uDd1e\"",
        "\"\xF0\x9F\x98\x80\xC3\xA4\x7f\"",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        "1.7976931348623157e308",
        "123456789012345678901234567890",
        "{\"\":0}",
        "{\"a\":1,\"a\":2}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "[NaN,Infinity,-Infinity]",
        "\"a\nb\tc\""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_SAY(accepted(text_of(good[i])), "%s", good[i]);
}

TEST(what_is_no_json_is_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[,1]",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{'a':1}",
        "01",
        "-",
        "+1",
        ".5",
        "5.",
        "1e",
        "1e+",
        "0x1",
        "1_0",
        "nul",
        "True",
        "nulls",
        "\"",
        "\"\\",
        "\"\\a\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\x01\"",
        "\"\x80\"",
        "\"\xC0\x80\"",
        "\"\xED\xA0\x80\"",
        "\"\xF5\x80\x80\x80\"",
        "\"\xE2\x82\"",
        "1 2",
        "{} {}",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "[1}",
        "{\"a\":1]",
        "[[[]",
        "-Inf",
        "Infinit",
        "- 1",
        "1.e5",
        "[\"a\",\n4\n,1,",
        "{\"a\":1]}",
        "[12345678.                        ]",
        "[123456789012.                        ]",
        "[1234567.                        ]",
        "[0012345678                        ]",
        "[12345678e                        ]",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!accepted(text_of(bad[i])), "%s", bad[i]);
    CHECK(!accepted((struct text){"[1]\0", 4}) && !accepted((struct text){"\"\0\"", 3}));
}

TEST(strings_stand_for_what_their_escapes_say)
{
    static const struct {
        const char *text, *means;
        bool plain;
    } cases[] = {
        {"\"plain\"", "plain", true},
        {"\"\"", "", true},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", false},
        {"\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\"", "A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", false},
        {"\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", true},
        {"\"2024-05-31\n12:00:00\"", "2024-05-31\n12:00:00", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pull p;
        struct value v;
        char room[64];
        pull_begin(&p, text_of(cases[i].text));
        CHECK(pull_read(&p, &v) && v.kind == VALUE_STRING && pull_done(&p));
        uint32_t n = pull_unescape(v.text, room);
        CHECK_SAY(n == strlen(cases[i].means) && memcmp(room, cases[i].means, n) == 0, "%s",
                  cases[i].text);
        CHECK_SAY(v.plain == cases[i].plain, "%s", cases[i].text);
    }
}

/* Digits, a point and an exponent as they may come. */
static size_t random_number(char *text, struct andon_rng *rng)
{
    size_t n = 0;
    uint32_t most = andon_rng_below(rng, 10) == 0 ? 30 : 9;
    if (andon_rng_below(rng, 4) == 0) text[n++] = '-';
    uint32_t whole = 1 + andon_rng_below(rng, most), behind = andon_rng_below(rng, most + 9);
    for (uint32_t i = 0; i < whole; i++)
        text[n++] =
            (char)('0' + (int)(i == 0 && whole > 1) + (int)andon_rng_below(rng, i == 0 ? 9 : 10));
    if (andon_rng_below(rng, 3) > 0 && behind > 0) {
        text[n++] = '.';
        for (uint32_t i = 0; i < behind; i++) text[n++] = (char)('0' + andon_rng_below(rng, 10));
    }
    if (andon_rng_below(rng, 8) == 0)
        n += (size_t)sprintf(text + n, "%c%s%u", andon_rng_below(rng, 2) ? 'e' : 'E',
                             andon_rng_below(rng, 2) ? "-" : "", andon_rng_below(rng, 400));
    text[n] = 0;
    return n;
}

TEST(numbers_are_the_nearest_doubles_wherever_they_stand)
{
    static const char *const around[][2] = {{"", ""},
                                            {"[", "]"},
                                            {" ", " "},
                                            {"[", ",1234567890]"},
                                            {"[", "                                ]"}};
    for (uint32_t i = 0; i < 60000; i++) {
        struct andon_rng rng = andon_rng_fork(5, i);
        char digits[128], text[256];
        size_t n = random_number(digits, &rng);
        uint32_t k = i % 5;
        double expected = strtod(digits, NULL);
        struct pull p;
        struct value v;
        snprintf(text, sizeof text, "%s%s%s", around[k][0], digits, around[k][1]);
        char *copy = exact_copy(text_of(text));
        pull_begin(&p, (struct text){copy, (uint32_t)strlen(text)});
        bool good = pull_read(&p, &v) && (v.kind != VALUE_ARRAY || pull_item(&p, &v));
        good = good && v.kind == VALUE_NUMBER && memcmp(&v.number, &expected, sizeof expected) == 0;
        good = good && v.text.length == n && memcmp(v.text.at, digits, n) == 0;
        good = good && v.whole == (strpbrk(digits, ".eE") == NULL);
        good = good && (!v.exact || (isfinite(expected) && (!v.whole || n <= 16)));
        free(copy);
        CHECK_SAY(good, "SEED=%u %s", i, text);
    }
}

TEST(a_fault_says_where_what_was_expected_and_what_is_there)
{
    static const struct {
        const char *text, *says;
    } cases[] = {{"[1 2]", "byte 4: expected ',' or ']', found '2'"},
                 {"[1,", "byte 4: expected a value, found the end"},
                 {"{\"a\"\n1}", "byte 6: expected ':' behind the key, found '1'"},
                 {"[1]\x02", "byte 4: expected nothing more, found byte 0x02"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pull p;
        struct value v;
        char line[128];
        pull_begin(&p, text_of(cases[i].text));
        CHECK(!(pull_read(&p, &v) && pull_skip(&p, &v) && pull_done(&p)));
        pull_explain(&p, line, sizeof line);
        CHECK_SAY(strcmp(line, cases[i].says) == 0, "%s", line);
    }
}

TEST(what_was_skipped_is_the_whole_of_it)
{
    static const char text[] = " {\"a\":[1,{\"b\":\"]}\"},[]],\"c\":{}} ";
    struct pull p;
    struct value v;
    pull_begin(&p, TEXT(text));
    CHECK(pull_read(&p, &v) && pull_skip(&p, &v) && p.depth == 0);
    CHECK(v.text.length == strlen(text) - 2 && v.text.at == text + 1);
}

static json_t *random_text(struct andon_rng *rng)
{
    char text[64];
    size_t n = 0;
    uint32_t length = andon_rng_below(rng, 12);
    static const char *const pieces[] = {
        "a",  "key",        "\"",       "\\",           "/",
        "\n", "\x1f",       "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        " ",  "temperature"};
    for (uint32_t i = 0; i < length && n < 48; i++) {
        const char *piece = pieces[andon_rng_below(rng, 12)];
        memcpy(text + n, piece, strlen(piece));
        n += strlen(piece);
    }
    return json_stringn(text, n);
}

static json_t *random_value(struct andon_rng *rng, int depth)
{
    uint32_t kind = andon_rng_below(rng, depth > 0 ? 8 : 6);
    uint64_t bits = andon_rng_u64(rng);
    double real;
    json_t *made;
    memcpy(&real, &bits, sizeof real);
    switch (kind) {
    case 0: return json_null();
    case 1: return json_boolean(bits & 1);
    case 2: return json_integer((json_int_t)bits >> (bits & 63));
    case 3: return json_real(isfinite(real) ? real : 1.5);
    case 4: return json_real((double)(int64_t)(bits >> 40) / 1000);
    case 5: return random_text(rng);
    case 6:
        made = json_array();
        for (uint32_t i = andon_rng_below(rng, 6); i > 0; i--)
            json_array_append_new(made, random_value(rng, depth - 1));
        return made;
    default:
        made = json_object();
        for (uint32_t i = andon_rng_below(rng, 8); i > 0; i--) {
            json_t *key = random_text(rng);
            json_object_set_new(made, json_string_value(key), random_value(rng, depth - 1));
            json_decref(key);
        }
        return made;
    }
}

TEST(what_jansson_prints_is_read_as_it_was)
{
    static const size_t styles[] = {JSON_COMPACT, 0, JSON_INDENT(2), JSON_ENSURE_ASCII,
                                    JSON_ESCAPE_SLASH | JSON_INDENT(1)};
    for (uint32_t i = 0; i < 4000; i++) {
        struct andon_rng rng = andon_rng_fork(9, i);
        json_t *tree = random_value(&rng, 5);
        char *printed = json_dumps(tree, styles[i % 5] | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
        CHECK(printed != NULL);
        char *copy = exact_copy(text_of(printed));
        struct agreement a = {false, false};
        struct pull p;
        struct value v;
        pull_begin(&p, (struct text){copy, (uint32_t)strlen(printed)});
        bool good = pull_read(&p, &v) && pull_case_walk(&p, &v, tree, &a) && pull_done(&p);
        good = good && !a.differs && !a.infinite && !p.lax;
        if (!good) test_fail(__FILE__, __LINE__, "SEED=%u %s", i, printed);
        free(copy);
        free(printed);
        json_decref(tree);
        if (!good) return;
    }
}
