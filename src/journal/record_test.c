/* The layout of records and the sums that prove them. */
#include "journal/record.h"

#include "andon/bytes.h"
#include "andon/rng.h"
#include "journal/checksum.h"
#include "test.h"

enum { ROOM = 256 };

/* A record of so many bytes of body at offset 4096, as it stands in a file. */
static size_t make(uint32_t salt, uint32_t size, uint8_t at[ROOM])
{
    uint8_t body[ROOM], head[RECORD_HEAD];
    struct journal_entry e = {.type = JOURNAL_MESSAGE,
                              .received_ns = -5,
                              .size = {size / 2},
                              .part = {body, body + size / 2}};
    for (uint32_t i = 0; i < size; i++) body[i] = (uint8_t)(i * 31 + 1);
    e.size[1] = size - e.size[0];
    memset(at, 0xee, ROOM);
    record_write(salt, 4096, &e, at);
    record_write_head(salt, 4096, &e, head);
    return memcmp(head, at, RECORD_HEAD) == 0 ? (size_t)record_bytes(size) : 0;
}

TEST(the_fast_sum_equals_the_plain_one_at_every_length_and_alignment)
{
    uint8_t bytes[320];
    struct andon_rng rng;
    andon_rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)andon_rng_below(&rng, 256);
    for (size_t at = 0; at < 9; at++)
        for (size_t size = 0; size < 300; size++) {
            uint32_t seed = andon_rng_below(&rng, UINT32_MAX);
            CHECK(checksum_crc32c(seed, bytes + at, size) == andon_crc32c(seed, bytes + at, size));
        }
    CHECK(checksum_crc32c(0, "123456789", 9) == 0xE3069283u); /* RFC 3720's check value */
}

TEST(records_of_every_small_size_are_read_as_they_were_written)
{
    uint8_t at[ROOM];
    struct journal_record r;
    for (uint32_t size = 0; size < 200; size++) {
        size_t bytes = make(99, size, at);
        CHECK(bytes % 8 == 0 && bytes >= RECORD_HEAD + size && bytes < RECORD_HEAD + size + 8);
        CHECK(record_read(99, 4096, at, bytes, &r) == RECORD_WHOLE);
        CHECK(r.offset == 4096 && r.next == 4096 + bytes && r.size == size);
        CHECK(r.received_ns == -5 && r.type == JOURNAL_MESSAGE && r.body == at + RECORD_HEAD);
    }
}

TEST(a_record_that_is_cut_anywhere_is_not_whole)
{
    uint8_t at[ROOM];
    struct journal_record r;
    size_t bytes = make(99, 45, at);
    for (size_t have = 0; have < bytes; have++) {
        enum record_state state = record_read(99, 4096, at, have, &r);
        CHECK_SAY(state == (have < RECORD_HEAD ? RECORD_NONE : RECORD_CUT), "%zu bytes", have);
    }
}

TEST(every_flipped_bit_is_seen_and_in_a_body_the_size_still_stands)
{
    uint8_t at[ROOM];
    struct journal_record r;
    size_t bytes = make(99, 45, at);
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum record_state state = record_read(99, 4096, at, bytes, &r);
        CHECK_SAY(state == RECORD_NONE || state == RECORD_TORN, "bit %zu", bit);
        CHECK(bit / 8 < RECORD_HEAD || (state == RECORD_TORN && r.next == 4096 + bytes));
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

TEST(a_record_of_another_place_or_another_journal_is_none)
{
    uint8_t at[ROOM];
    struct journal_record r;
    size_t bytes = make(99, 45, at);
    CHECK(record_read(99, 4104, at, bytes, &r) == RECORD_NONE);
    CHECK(record_read(98, 4096, at, bytes, &r) == RECORD_NONE);
    CHECK(record_read(99, 4096, at, bytes, &r) == RECORD_WHOLE);
}

TEST(zero_bytes_and_sizes_beyond_the_limit_are_no_heads)
{
    uint8_t at[ROOM] = {0};
    struct journal_record r;
    CHECK(record_read(0, 0, at, sizeof at, &r) == RECORD_NONE);
    struct journal_entry e = {.type = JOURNAL_TICK, .part = {at}, .size = {0}};
    record_write(0, 0, &e, at);
    CHECK(record_read(0, 0, at, sizeof at, &r) == RECORD_WHOLE);
    at[7] = 2; /* 32 MiB */
    CHECK(record_read(0, 0, at, sizeof at, &r) == RECORD_NONE);
}
