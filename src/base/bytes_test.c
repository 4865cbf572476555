#include "andon/bytes.h"

#include "test.h"

static struct andon_arena arena_of(size_t limit)
{
    struct andon_arena arena;
    andon_arena_init(&arena, andon_allocator_libc(), limit);
    return arena;
}

TEST(numbers_stand_little_endian)
{
    static const uint8_t expected[] = {0x12, 0x78, 0x56, 0x34, 0x12, 0xef, 0xcd, 0xab, 0x89, 0x67,
                                       0x45, 0x23, 0x01, 0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00,
                                       0x00, 0x00, 0x00, 0xf0, 0xbf, 0x02, 0x00, 0x00, 0x00, 'h',
                                       'i',  0xfe, 0xff, 0xff, 0xff};
    struct andon_arena arena = arena_of(1 << 20);
    struct andon_writer w;
    const int32_t minus_two = -2;
    andon_writer_init(&w, &arena);
    andon_put_u8(&w, 0x12);
    andon_put_u32(&w, 0x12345678);
    andon_put_u64(&w, 0x0123456789abcdef);
    andon_put_f32(&w, 1.0f);
    andon_put_f64(&w, -1.0);
    andon_put_text(&w, "hi");
    andon_put_i32s(&w, &minus_two, 1);
    CHECK(!w.full && w.size == sizeof expected && memcmp(w.data, expected, w.size) == 0);
    andon_arena_free(&arena);
}

TEST(what_was_put_comes_back_bit_for_bit)
{
    static const float f32[4] = {0.1f, -0.0f, 3e38f, 1e-45f};
    static const double f64[3] = {0.1, -0.0, 5e-324};
    static const uint32_t u32[2] = {0, UINT32_MAX};
    static const int32_t i32[3] = {INT32_MIN, -1, INT32_MAX};
    struct andon_arena arena = arena_of(1 << 20);
    struct andon_writer w;
    andon_writer_init(&w, &arena);
    andon_put_f32s(&w, f32, 4);
    andon_put_f64s(&w, f64, 3);
    andon_put_u32s(&w, u32, 2);
    andon_put_i32s(&w, i32, 3);
    andon_put_f32(&w, NAN);
    andon_put_text(&w, "");
    andon_put_bytes(&w, NULL, 0);
    struct andon_reader r;
    float g32[4];
    double g64[3];
    uint32_t v32[2];
    int32_t j32[3];
    char text[4] = "old";
    andon_reader_init(&r, w.data, w.size);
    andon_get_f32s(&r, g32, 4);
    andon_get_f64s(&r, g64, 3);
    andon_get_u32s(&r, v32, 2);
    andon_get_i32s(&r, j32, 3);
    CHECK(memcmp(g32, f32, sizeof f32) == 0 && memcmp(g64, f64, sizeof f64) == 0);
    CHECK(memcmp(v32, u32, sizeof u32) == 0 && memcmp(j32, i32, sizeof i32) == 0);
    CHECK(isnan(andon_get_f32(&r)));
    andon_get_text(&r, text, sizeof text);
    CHECK(text[0] == 0 && !r.bad && andon_reader_left(&r) == 0);
    andon_arena_free(&arena);
}

TEST(a_million_bytes_put_one_by_one_stand_in_order)
{
    struct andon_arena arena = arena_of(64 << 20);
    struct andon_writer w;
    andon_writer_init(&w, &arena);
    for (uint32_t i = 0; i < 1000000; i++) andon_put_u8(&w, (uint8_t)(i * 7 >> 3));
    CHECK(!w.full && w.size == 1000000);
    for (uint32_t i = 0; i < 1000000; i++) CHECK(w.data[i] == (uint8_t)(i * 7 >> 3));
    andon_arena_free(&arena);
}

TEST(a_writer_without_room_is_full_and_stays_so)
{
    struct andon_arena arena = arena_of(8192);
    struct andon_writer w;
    andon_writer_init(&w, &arena);
    for (int i = 0; i < 10000; i++) andon_put_u32(&w, 1);
    CHECK(w.full);
    size_t size = w.size;
    andon_put_u8(&w, 1);
    andon_put_text(&w, "more");
    CHECK(w.full && w.size == size);
    andon_arena_free(&arena);
}

TEST(a_read_past_the_end_gives_zeros_from_then_on)
{
    static const uint8_t data[5] = {1, 2, 3, 4, 5};
    struct andon_reader r;
    uint8_t bytes[3] = {9, 9, 9};
    char text[8] = "old";
    andon_reader_init(&r, data, sizeof data);
    CHECK(andon_get_u32(&r) == 0x04030201 && andon_reader_left(&r) == 1);
    CHECK(andon_get_u64(&r) == 0 && r.bad && andon_reader_left(&r) == 0);
    CHECK(andon_get_u8(&r) == 0 && andon_get_u32(&r) == 0);
    CHECK(andon_get_f32(&r) == 0.0f && andon_get_f64(&r) == 0.0);
    andon_get_bytes(&r, bytes, 3);
    CHECK(bytes[0] == 0 && bytes[2] == 0);
    andon_get_text(&r, text, sizeof text);
    CHECK(text[0] == 0);
    CHECK(andon_reader_blame(&r) == ANDON_EFORMAT);
}

TEST(text_too_long_cut_or_with_a_0_inside_is_bad)
{
    static const uint8_t long_text[] = {4, 0, 0, 0, 'a', 'b', 'c', 'd'};
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a', 'b', 'c', 'd'};
    static const uint8_t zero[] = {2, 0, 0, 0, 'a', 0};
    static const struct {
        const uint8_t *data;
        size_t size, room;
        bool bad;
    } cases[] = {{long_text, 8, 5, false}, {long_text, 8, 4, true}, {long_text, 7, 5, true},
                 {long_text, 3, 5, true},  {huge, 8, 16, true},     {zero, 6, 5, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct andon_reader r;
        char text[16];
        andon_reader_init(&r, cases[i].data, cases[i].size);
        andon_get_text(&r, text, cases[i].room);
        CHECK_SAY(r.bad == cases[i].bad, "case %zu", i);
        CHECK(strlen(text) < cases[i].room);
    }
}

TEST(an_array_is_bounded_by_the_bytes_that_are_left)
{
    static const uint8_t data[64];
    struct andon_arena arena = arena_of(1 << 20);
    struct andon_reader r;
    andon_reader_init(&r, data, sizeof data);
    double *v = andon_get_array(&r, &arena, 8, sizeof *v, 8);
    CHECK(v != NULL && v[7] == 0.0 && !r.bad);
    size_t used = arena.used;
    CHECK(andon_get_array(&r, &arena, 9, sizeof *v, 8) == NULL && r.bad);
    CHECK(arena.used == used && andon_reader_blame(&r) == ANDON_EFORMAT);
    andon_reader_init(&r, data, sizeof data);
    CHECK(andon_get_array(&r, &arena, SIZE_MAX / 4, 8, 8) == NULL && r.bad);
    andon_reader_init(&r, data, sizeof data);
    CHECK(andon_get_array(&r, &arena, 1, 8, 0) == NULL && r.bad);
    andon_arena_free(&arena);
}

TEST(an_array_without_room_in_the_arena_is_no_fault_of_the_bytes)
{
    static const uint8_t data[64];
    struct andon_arena arena = arena_of(100);
    struct andon_reader r;
    andon_reader_init(&r, data, sizeof data);
    CHECK(andon_get_array(&r, &arena, 64, 4096, 1) == NULL);
    CHECK(r.bad && andon_reader_blame(&r) == ANDON_ENOMEM);
}
