#include "ingest/codec/keys.h"

#include "test.h"

static const struct key *found(const char *name)
{
    struct text text = text_of(name);
    return key_find(text.length, key_words(text));
}

TEST(the_table_is_ordered_by_length_and_every_key_in_it_is_found)
{
    CHECK(keys_from[0] == 0 && keys_from[1] == 0);
    for (unsigned n = 1; n <= KEY_NAME_MAX; n++)
        for (unsigned i = keys_from[n]; i < keys_from[n + 1]; i++) {
            char name[KEY_NAME_MAX + 1] = {0};
            memcpy(name, keys[i].name, KEY_NAME_MAX);
            CHECK_SAY(keys[i].length == n && strlen(name) == n, "%s stands at length %u", name, n);
            CHECK_SAY(found(name) == &keys[i], "%s is not found", name);
        }
    CHECK(keys_from[KEY_NAME_MAX + 1] == 39);
}

TEST(a_name_is_found_whatever_stands_behind_it)
{
    const char text[] = "timestamp\":123,\"x\":456,\"y\":1";
    struct text name = {text, 9};
    CHECK(found("timestamp") != NULL);
    CHECK(key_find(9, key_words_open(name.at, 9)) == found("timestamp"));
    CHECK(key_find(9, key_words(name)) == found("timestamp"));
}

TEST(words_hold_the_name_and_zeros_whatever_its_length)
{
    const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (uint32_t n = 0; n <= 20; n++) {
        char padded[16] = {0};
        memcpy(padded, text, n < 16 ? n : 16);
        struct key_words words = key_words((struct text){text, n});
        CHECK_SAY(memcmp(&words, padded, 16) == 0, "length %u", n);
        if (n > 16) continue;
        words = key_words_open(text, n);
        CHECK_SAY(memcmp(&words, padded, 16) == 0, "open, length %u", n);
    }
}

TEST(names_next_to_those_in_the_table_are_ordinary)
{
    static const char *const ordinary[] = {
        "",         "t",           "tS",           "timestamps",
        "Timestam", "temperature", "sound_volume", "timestamp_ms_more_bytes",
        "IDs"};
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
        CHECK_SAY(found(ordinary[i]) == NULL, "%s is in the table", ordinary[i]);
}

TEST(what_names_a_machine_is_known)
{
    CHECK(key_names_machine(TEXT("equipment_id")) && key_names_machine(TEXT("id")));
    CHECK(!key_names_machine(TEXT("identity")) && !key_names_machine(TEXT("name")));
}

TEST(every_key_has_its_bit_and_usual_channels_have_none)
{
    static const char *const usual[] = {
        "temperature", "humidity", "vibration",  "pressure", "flow",       "flow_rate", "current",
        "duty",        "speed",    "duty_cycle", "state",    "motor_temp", "voltage",   "rpm",
        "status",      "torque",   "power",      "level",    "mode",       "running",   "value"};
    uint64_t bits[KEY_NAME_MAX + 1] = {0};
    for (unsigned n = 1; n <= KEY_NAME_MAX; n++)
        for (unsigned i = keys_from[n]; i < keys_from[n + 1]; i++) {
            struct text name = {keys[i].name, n};
            bits[n] |= (uint64_t)1 << (key_hash(name, key_words(name)) >> 58);
        }
    for (unsigned n = 0; n <= KEY_NAME_MAX; n++)
        CHECK_SAY(bits[n] == keys_bits[n], "length %u: 0x%016llx", n, (unsigned long long)bits[n]);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        struct text name = text_of(usual[i]);
        CHECK_SAY(!key_may_mean(name.length, key_hash(name, key_words(name))), "%s", usual[i]);
    }
}
