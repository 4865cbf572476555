#include "andon/bytes.h"
#include "test.h"

/* Check values of RFC 3720, appendix B.4, and of the catalogue of parametrised CRCs. */
TEST(published_check_values_come_out)
{
    uint8_t zeros[32] = {0}, ones[32], up[32], down[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) {
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    CHECK(andon_crc32c(0, zeros, 32) == 0x8A9136AAu);
    CHECK(andon_crc32c(0, ones, 32) == 0x62A8AB43u);
    CHECK(andon_crc32c(0, up, 32) == 0x46DD794Eu);
    CHECK(andon_crc32c(0, down, 32) == 0x113FDB5Cu);
    CHECK(andon_crc32c(0, "123456789", 9) == 0xE3069283u);
    CHECK(andon_crc32c(0, "", 0) == 0);
}

TEST(pieces_give_the_crc_of_the_whole)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    uint32_t whole = andon_crc32c(0, text, sizeof text);
    for (size_t cut = 0; cut <= sizeof text; cut++)
        CHECK(andon_crc32c(andon_crc32c(0, text, cut), text + cut, sizeof text - cut) == whole);
}

TEST(every_flipped_bit_changes_it)
{
    uint8_t data[64];
    for (int i = 0; i < 64; i++) data[i] = (uint8_t)(i * 37);
    uint32_t whole = andon_crc32c(0, data, sizeof data);
    for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_SAY(andon_crc32c(0, data, sizeof data) != whole, "bit %zu", bit);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
