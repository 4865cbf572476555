#include "base/utf8.h"

#include "test.h"

/* The bytes of a character as the standard's table of forms gives them. */
static size_t encode(uint32_t code, char out[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned first[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(first[n] | code);
    return n;
}

TEST(every_character_is_read_and_surrogates_are_not)
{
    char text[4];
    uint32_t code;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        size_t n = encode(c, text);
        bool good = c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
        CHECK_SAY(utf8_next(text, n, &code) == (good ? n : 0), "U+%04X", c);
        CHECK_SAY(!good || code == c, "U+%04X", c);
        CHECK_SAY(n == 1 || utf8_next(text, n - 1, &code) == 0, "U+%04X cut", c);
    }
}

TEST(longer_forms_and_stray_bytes_are_refused)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff",
                                      "\xc3(",
                                      "a\xe2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!utf8_valid(bad[i], strlen(bad[i])), "%zu", i);
    CHECK(utf8_valid("", 0) && utf8_valid("\xc3\xb6l \xf0\x9f\x8d\xa9", 8));
}
