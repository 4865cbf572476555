/* Limits and policies: repeated keys, times, numbers, nulls. */
#include "ingest/codec/codec_case.h"

#include "andon/rng.h"
#include "test.h"

/* Limits: what fits, and one more. */
static char *repeated(const char *front, char c, size_t n, const char *end)
{
    char *text = malloc(strlen(front) + n + strlen(end) + 1);
    if (text == NULL) abort();
    strcpy(text, front);
    memset(text + strlen(front), c, n);
    strcpy(text + strlen(front) + n, end);
    return text;
}

static bool takes(struct bench *b, const char *topic, char *payload)
{
    bool taken = decode(b, topic, text_of(payload)) == ANDON_OK && b->out.refusals == 0;
    free(payload);
    return taken;
}

TEST(names_and_texts_reach_their_limits_and_no_further)
{
    struct bench *b = bench_new();
    char *path = repeated("", 'p', CODEC_PATH_MAX + 1, "");
    bool good = takes(b, "a", repeated("{\"", 'k', CODEC_CHANNEL_MAX, "\":1}"));
    good = good && !takes(b, "a", repeated("{\"", 'k', CODEC_CHANNEL_MAX + 1, "\":1}"));
    good = good && strstr(b->err.text, "a name of more than 256 bytes") != NULL;
    good = good && takes(b, "a", repeated("{\"x\":{\"", 'k', CODEC_CHANNEL_MAX - 2, "\":1}}"));
    good = good && !takes(b, "a", repeated("{\"x\":{\"", 'k', CODEC_CHANNEL_MAX - 1, "\":1}}"));
    good = good && takes(b, "a", repeated("{\"k\":\"", 'v', CODEC_TEXT_MAX, "\"}"));
    good = good && !takes(b, "a", repeated("{\"k\":\"", 'v', CODEC_TEXT_MAX + 1, "\"}"));
    good = good && takes(b, path + 1, repeated("{\"k\":1}", ' ', 1, ""));
    good = good && !takes(b, path, repeated("{\"k\":1}", ' ', 1, ""));
    good = good && strstr(b->err.text, "has 513 bytes, at most 512 are kept") != NULL;
    good = good && takes(b, "a", repeated("{\"k\":", '0', 1, "}"));
    good = good && takes(b, "a", repeated("{\"k\":0.", '1', 1024 - 2, "}"));
    good = good && !takes(b, "a", repeated("{\"k\":0.", '1', 1024 - 1, "}"));
    CHECK_SAY(good, "%s", b->err.text);
    free(path);
    bench_free(b);
}

static char *nested_arrays(uint32_t depth)
{
    char *open = repeated("{\"a\":", '[', depth - 1, "1");
    char *text = repeated(open, ']', depth - 1, "}");
    free(open);
    return text;
}

TEST(nesting_reaches_its_limit_and_no_further)
{
    struct bench *b = bench_new();
    bool at = takes(b, "a", nested_arrays(CODEC_DEPTH_MAX));
    bool beyond = takes(b, "a", nested_arrays(CODEC_DEPTH_MAX + 1));
    bool far = takes(b, "a", nested_arrays(30000));
    bench_free(b);
    CHECK(at && !beyond && !far);
}

static char *many_keys(uint32_t n)
{
    char *text = malloc(16 * (size_t)n + 16), *to = text;
    if (text == NULL) abort();
    *to++ = '{';
    for (uint32_t i = 0; i < n; i++) to += sprintf(to, "%s\"k%u\":%u", i > 0 ? "," : "", i, i);
    strcpy(to, "}");
    return text;
}

TEST(a_sample_has_at_most_1024_channels_each_once)
{
    struct bench *b = bench_new();
    bool good = takes(b, "a", many_keys(CODEC_CHANNELS_MAX));
    good = good && b->out.readings == CODEC_CHANNELS_MAX && b->out.repeated == 0;
    for (uint32_t i = 0; good && i < b->out.readings; i++) good = b->out.reading[i].number == i;
    good = good && !takes(b, "a", many_keys(CODEC_CHANNELS_MAX + 1));
    good = good && strcmp(b->err.text, "a sample with more than 1024 channels") == 0;
    bench_free(b);
    CHECK(good);
}

/* Keys k0..k(n-1) in any order and number, and the last value of each. */
static bool last_value_counts(struct bench *b, struct andon_rng *rng, uint32_t names, uint32_t n)
{
    static char text[1 << 16];
    double last[512] = {0};
    bool seen[512] = {false};
    uint32_t distinct = 0;
    char *to = text + sprintf(text, "{");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = andon_rng_below(rng, names);
        to += sprintf(to, "%s\"%s%u\":%u", i > 0 ? "," : "",
                      k % 3 == 0 ? "a_longer_name_of_k" : "k", k, i);
        distinct += !seen[k];
        seen[k] = true;
        last[k] = i;
    }
    strcpy(to, "}");
    if (decode(b, "a", text_of(text)) != ANDON_OK || b->out.readings != distinct ||
        b->out.repeated != n - distinct)
        return false;
    for (uint32_t i = 0; i < distinct; i++) {
        struct text name = b->out.reading[i].channel;
        const char *digits = memchr(name.at, 'k', name.length);
        if (b->out.reading[i].number != last[strtoul(digits + 1, NULL, 10)]) return false;
    }
    return true;
}

TEST(of_a_key_that_comes_again_the_last_value_counts)
{
    struct bench *b = bench_new();
    for (uint32_t i = 0; i < 400; i++) {
        struct andon_rng rng = andon_rng_fork(3, i);
        uint32_t names = 1 + andon_rng_below(&rng, i < 200 ? 30 : 500);
        bool good = last_value_counts(b, &rng, names, 1 + andon_rng_below(&rng, 600));
        if (!good) bench_free(b);
        CHECK_SAY(good, "SEED=%u", i);
    }
    bench_free(b);
}

TEST(a_full_room_ends_the_message_and_says_its_size)
{
    static const char payload[] = "[{\"a\":1,\"b\":\"\\u0041\"},{\"a\":2,\"b\":\"\\u0042\"}]";
    static const struct {
        uint32_t readings, samples, room;
        const char *says;
    } rooms[] = {{3, 2, 64, "a message with more than 3 readings"},
                 {4, 1, 64, "a message with more than 1 samples"},
                 {4, 2, 6, "a message with more than 6 bytes of unescaped text"},
                 {4, 2, 12, ""}};
    struct bench *b = bench_new();
    bool good = true;
    for (size_t i = 0; good && i < sizeof rooms / sizeof *rooms; i++) {
        b->out.readings_max = rooms[i].readings;
        b->out.samples_max = rooms[i].samples;
        b->out.room_max = rooms[i].room;
        decode(b, "a", text_of(payload));
        good = strcmp(b->err.text, rooms[i].says) == 0;
        good = good && b->status == (*rooms[i].says != 0 ? ANDON_ELIMIT : ANDON_OK);
        good = good && (b->status == ANDON_OK) == (b->out.samples == 2);
        if (!good) test_fail(__FILE__, __LINE__, "%s", b->err.text);
    }
    bench_free(b);
}

TEST(events_inside_events_are_read_four_deep)
{
    struct bench *b = bench_new();
    char text[1024], inner[1024] = "{\"v\":1}";
    bool good = true;
    for (int depth = 1; good && depth <= 5; depth++) {
        snprintf(text, sizeof text, "{\"specversion\":\"1.0\",\"subject\":\"s%d\",\"data\":%s}",
                 depth, inner);
        strcpy(inner, text);
        decode(b, "t", text_of(text));
        good = (b->status == ANDON_OK) == (depth <= 4);
        good = good && (depth > 4 || text_is(b->out.sample[0].asset, TEXT("s1")));
    }
    bench_free(b);
    CHECK(good);
}

TEST(numbers_come_back_bit_for_bit)
{
    struct bench *b = bench_new();
    struct andon_rng rng;
    andon_rng_seed(&rng, 11);
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t bits = andon_rng_u64(&rng);
        double v;
        char text[64];
        memcpy(&v, &bits, sizeof v);
        if (i % 2 == 1) v = (double)(int64_t)(bits >> (1 + i % 60)) / pow(10, i % 9);
        if (!isfinite(v)) continue;
        snprintf(text, sizeof text, "{\"v\":%.17g%s}", v, i % 3 == 0 ? ",\"w\":1" : "");
        bool whole = strpbrk(text, ".e") == NULL;
        decode(b, "a", text_of(text));
        bool same = b->status == ANDON_OK && memcmp(&b->out.reading[0].number, &v, sizeof v) == 0;
        if (!same && !(whole && fabs(v) > 9007199254740992.0)) {
            bench_free(b);
            CHECK_SAY(false, "%s", text);
        }
    }
    bench_free(b);
}

TEST(a_zone_less_time_is_the_plants)
{
    struct bench *b = bench_new();
    b->rules.zone_s = 7200;
    decode(b, "a", TEXT("{\"ts\":\"2024-05-31 12:00:00\",\"v\":1}"));
    int64_t east = b->out.sample[0].ts_ns;
    decode(b, "a", TEXT("{\"ts\":\"2024-05-31 12:00:00Z\",\"v\":1}"));
    int64_t utc = b->out.sample[0].ts_ns;
    decode(b, "a", TEXT("{\"ts\":1717156800,\"v\":1}"));
    int64_t epoch = b->out.sample[0].ts_ns;
    bench_free(b);
    CHECK(utc == INT64_C(1717156800000000000) && epoch == utc);
    CHECK(east == utc - INT64_C(7200000000000));
}

TEST(an_epoch_is_told_by_its_magnitude_or_its_keys_unit)
{
    static const struct {
        const char *payload;
        int64_t ts_ns;
    } cases[] = {{"{\"ts\":1717156800,\"v\":1}", INT64_C(1717156800000000000)},
                 {"{\"ts\":1717156800.125,\"v\":1}", INT64_C(1717156800125000000)},
                 {"{\"ts\":1.7171568e9,\"v\":1}", INT64_C(1717156800000000000)},
                 {"{\"ts\":1717156800123,\"v\":1}", INT64_C(1717156800123000000)},
                 {"{\"ts\":1717156800123.5,\"v\":1}", INT64_C(1717156800123500000)},
                 {"{\"ts\":1717156800123456,\"v\":1}", INT64_C(1717156800123456000)},
                 {"{\"ts\":1717156800123456789,\"v\":1}", INT64_C(1717156800123456789)},
                 {"{\"ts\":\"1717156800123456789\",\"v\":1}", INT64_C(1717156800123456789)},
                 {"{\"timestamp_ms\":5,\"v\":1}", 5000000},
                 {"{\"timestamp_us\":5,\"v\":1}", 5000},
                 {"{\"timestamp_ns\":5,\"v\":1}", 5},
                 {"{\"timestamp_s\":5,\"v\":1}", INT64_C(5000000000)},
                 {"{\"ts\":-1,\"v\":1}", INT64_C(-1000000000)}};
    struct bench *b = bench_new();
    bool good = true;
    for (size_t i = 0; good && i < sizeof cases / sizeof *cases; i++) {
        decode(b, "a", text_of(cases[i].payload));
        good = b->status == ANDON_OK && b->out.sample[0].ts_ns == cases[i].ts_ns &&
               b->out.sample[0].ts_given && b->out.readings == 1;
        if (!good) test_fail(__FILE__, __LINE__, "%s: %s", cases[i].payload, b->err.text);
    }
    bench_free(b);
}

TEST(a_missing_time_is_the_arrivals_and_uncertain)
{
    static const char *const payloads[] = {"{\"v\":1}", "{\"ts\":null,\"v\":1}",
                                           "{\"ts\":\"\",\"v\":1}"};
    struct bench *b = bench_new();
    bool good = true;
    for (size_t i = 0; good && i < sizeof payloads / sizeof *payloads; i++) {
        decode(b, "a", text_of(payloads[i]));
        good = b->status == ANDON_OK && b->out.sample[0].ts_ns == ARRIVAL &&
               !b->out.sample[0].ts_given && b->out.reading[0].quality == QUALITY_UNCERTAIN;
    }
    bench_free(b);
    CHECK(good);
}

TEST(values_that_are_all_null_make_a_sample_without_readings)
{
    struct bench *b = bench_new();
    decode(b, "a", TEXT("{\"ts\":1717156800,\"v\":null,\"w\":NaN}"));
    bool good = b->status == ANDON_OK && b->out.samples == 1 && b->out.sample[0].count == 0 &&
                b->out.nulls == 2;
    bench_free(b);
    CHECK(good);
}

TEST(a_number_called_time_is_a_value_unless_it_can_be_a_time)
{
    struct bench *b = bench_new();
    decode(b, "a", TEXT("{\"time\":12.5,\"v\":1}"));
    bool value = b->status == ANDON_OK && b->out.readings == 2 && !b->out.sample[0].ts_given;
    decode(b, "a", TEXT("{\"time\":1717156800,\"v\":1}"));
    bool time = b->status == ANDON_OK && b->out.readings == 1 && b->out.sample[0].ts_given;
    bench_free(b);
    CHECK(value && time);
}

TEST(properties_of_a_topic_are_channels_whatever_bytes_they_hold)
{
    struct bench *b = bench_new();
    decode(b, "devices/d/messages/events/%61%5c=x%5Cu12&=1&b&%24c=1&e=%C3%28&f=TRUE",
           TEXT("{\"v\":1}"));
    bool good = b->status == ANDON_OK && b->out.readings == 4 && b->out.refusals == 1;
    good = good && text_is(b->out.reading[1].channel, TEXT("a\\"));
    good = good && text_is(b->out.reading[1].text, TEXT("x\\u12"));
    good =
        good && text_is(b->out.reading[2].channel, TEXT("b")) && b->out.reading[2].text.length == 0;
    good = good && b->out.reading[3].kind == READING_FLAG && b->out.reading[3].number == 1;
    bench_free(b);
    CHECK(good);
}
