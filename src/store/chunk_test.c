#include "store/chunk.h"

#include "store_case.h"

static uint8_t bytes[1 << 20];
static andon_error err;

/* A sheet of one asset's rows in order of time, as a seed decides. */
static uint32_t fill(struct sheet *s, uint32_t seed, uint32_t rows, struct case_turn *t)
{
    struct store_case c = {.seed = seed, .assets = 1, .rows = rows, .step_ns = 1000000007,
                           .judged = seed & 1, .holes = seed & 2};
    case_make(&c, seed % 5, t);
    sheet_clear(s);
    for (uint32_t i = 0; i < t->rows; i++)
        if (sheet_add(s, &t->row[i], &err) != ANDON_OK) return 0;
    sheet_sort(s);
    return t->rows;
}

static bool same(const struct sheet *s, uint32_t r, const struct store_row *expected)
{
    struct store_field field[CASE_CHANNELS];
    struct store_row row;
    sheet_row(s, r, 0, field, &row);
    return case_same_row(&row, expected);
}

TEST(a_chunk_gives_its_rows_back_bit_for_bit)
{
    static struct case_turn t;
    struct sheet in, out;
    struct chunk chunk;
    CHECK(sheet_open(&in, 120, &err) == ANDON_OK && sheet_open(&out, 120, &err) == ANDON_OK);
    for (uint32_t seed = 0; seed < 300; seed++) {
        uint32_t n = fill(&in, seed, 1 + seed * 7 % 120, &t);
        CHECK(n > 0 && chunk_bytes_max(&in) <= sizeof bytes);
        size_t size = chunk_put(&in, NULL, n, bytes);
        CHECK(size <= chunk_bytes_max(&in));
        CHECK_SAY(chunk_open(&chunk, bytes, size), "SEED=%u", seed);
        CHECK_SAY(chunk_sheet(&chunk, &out, &err) == ANDON_OK, "SEED=%u: %s", seed, err.text);
        CHECK(out.rows == n);
        for (uint32_t r = 0; r < n; r++) CHECK_SAY(same(&out, r, &t.row[r]), "SEED=%u row %u", seed, r);
    }
    sheet_close(&in);
    sheet_close(&out);
}

TEST(a_chunk_holds_the_rows_that_are_chosen_in_their_order)
{
    static struct case_turn t;
    struct sheet in, out;
    struct chunk chunk;
    uint32_t order[120];
    CHECK(sheet_open(&in, 120, &err) == ANDON_OK && sheet_open(&out, 120, &err) == ANDON_OK);
    for (uint32_t seed = 0; seed < 60; seed++) {
        uint32_t n = fill(&in, seed, 40, &t), m = 0;
        for (uint32_t i = seed % 3; i < n; i += 3) order[m++] = i;
        size_t size = chunk_put(&in, order, m, bytes);
        CHECK(chunk_open(&chunk, bytes, size) && chunk_sheet(&chunk, &out, &err) == ANDON_OK);
        CHECK(out.rows == m);
        for (uint32_t r = 0; r < m; r++)
            CHECK_SAY(same(&out, r, &t.row[order[r]]), "SEED=%u row %u", seed, r);
    }
    sheet_close(&in);
    sheet_close(&out);
}

TEST(a_column_alone_is_the_same_as_in_the_sheet)
{
    static struct case_turn t;
    struct sheet in, out;
    struct chunk chunk;
    CHECK(sheet_open(&in, 120, &err) == ANDON_OK && sheet_open(&out, 120, &err) == ANDON_OK);
    for (uint32_t seed = 0; seed < 60; seed++) {
        uint32_t n = fill(&in, seed, 100, &t), columns = 0;
        CHECK(chunk_open(&chunk, bytes, chunk_put(&in, NULL, n, bytes)));
        CHECK(chunk_sheet(&chunk, &out, &err) == ANDON_OK);
        struct chunk_heads heads = {0};
        struct chunk_head head;
        while (chunk_next_head(&chunk, &heads, &head)) {
            struct chunk_column column;
            struct number_column form;
            int64_t x[120];
            double v[120];
            const struct sheet_column *whole = &out.column[out.order[columns++]];
            if (head.kind == STORE_TEXT) continue;
            CHECK(chunk_column(&chunk, &head, &column) && column.count == whole->count);
            CHECK(number_column_get(&column.body, column.count, &form, x));
            number_column_values(&form, x, column.count, v);
            for (uint32_t r = 0, i = 0; r < n; r++) {
                bool there = (column.present[r / 64] >> (r % 64) & 1) != 0;
                CHECK(there == sheet_has(whole, r));
                if (there) CHECK(wire_bits(v[i++]) == wire_bits(whole->number[r]));
            }
        }
        CHECK(columns == out.columns);
    }
    sheet_close(&in);
    sheet_close(&out);
}

TEST(times_that_step_evenly_are_known_as_steps)
{
    struct sheet in;
    struct chunk chunk;
    int64_t first, step, ts[120];
    CHECK(sheet_open(&in, 120, &err) == ANDON_OK);
    for (uint32_t i = 0; i < 120; i++) {
        struct store_row row = {.ts_ns = CASE_START_NS + i * INT64_C(10000000000)};
        CHECK(sheet_add(&in, &row, &err) == ANDON_OK);
    }
    sheet_sort(&in);
    size_t size = chunk_put(&in, NULL, 120, bytes);
    CHECK_SAY(size < 40, "%zu bytes", size);
    CHECK(chunk_open(&chunk, bytes, size) && chunk_steps(&chunk, &first, &step));
    CHECK(first == CASE_START_NS && step == INT64_C(10000000000));
    CHECK(chunk_times(&chunk, ts, 120) && ts[119] == CASE_START_NS + 119 * step);
    sheet_close(&in);
}

TEST(what_sensors_send_takes_less_than_a_byte_a_sample)
{
    struct sheet in;
    struct andon_rng rng;
    andon_rng_seed(&rng, 5);
    CHECK(sheet_open(&in, 120, &err) == ANDON_OK);
    for (uint32_t i = 0; i < 120; i++) {
        struct store_field f[6];
        for (uint32_t c = 0; c < 6; c++)
            f[c] = (struct store_field){.channel = 1 + c,
                                        .number = rint(4500 + 8 * andon_rng_normal(&rng)) / 100};
        struct store_row row = {.ts_ns = CASE_START_NS + i * INT64_C(1000000000), .fields = 6,
                                .field = f};
        CHECK(sheet_add(&in, &row, &err) == ANDON_OK);
    }
    sheet_sort(&in);
    size_t size = chunk_put(&in, NULL, 120, bytes);
    CHECK_SAY(size < 720, "%zu bytes for 720 samples", size);
    sheet_close(&in);
}

/* Gives the check that belongs to the changed bytes, so that what is behind it is put to the test. */
static void sign(uint8_t *copy, size_t size)
{
    if (size >= 4) wire_put_u32(copy + size - 4, wire_check(copy, size - 4));
}

static void read_all(const uint8_t *at, size_t size, struct sheet *out)
{
    struct chunk chunk;
    int64_t ts[128];
    uint8_t state[RICE_MAX];
    if (!chunk_open(&chunk, at, size)) return;
    (void)chunk_times(&chunk, ts, 128);
    (void)chunk_states(&chunk, state);
    if (chunk_sheet(&chunk, out, NULL) == ANDON_OK) sheet_sort(out);
}

TEST(a_chunk_cut_or_changed_at_any_byte_is_refused)
{
    static struct case_turn t;
    struct sheet in, out;
    struct chunk chunk;
    CHECK(sheet_open(&in, 120, &err) == ANDON_OK && sheet_open(&out, 120, &err) == ANDON_OK);
    uint32_t n = fill(&in, 3, 60, &t);
    size_t size = chunk_put(&in, NULL, n, bytes);
    for (size_t at = 0; at < size; at++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, bytes, size);
        CHECK_SAY(!chunk_open(&chunk, copy, at), "cut at %zu of %zu", at, size);
        copy[at] ^= (uint8_t)(1u << (at % 8));
        CHECK_SAY(!chunk_open(&chunk, copy, size), "changed at %zu of %zu", at, size);
        free(copy);
    }
    sheet_close(&in);
    sheet_close(&out);
}

TEST(a_chunk_that_was_forged_at_any_byte_never_crashes)
{
    static struct case_turn t;
    struct sheet in, out;
    CHECK(sheet_open(&in, 120, &err) == ANDON_OK && sheet_open(&out, 120, &err) == ANDON_OK);
    for (uint32_t seed = 0; seed < 4; seed++) {
        uint32_t n = fill(&in, seed, 30, &t);
        size_t size = chunk_put(&in, NULL, n, bytes);
        struct andon_rng rng = andon_rng_fork(9, seed);
        for (size_t at = 0; at < 3 * size; at++) {
            size_t left = at < size && at > 4 ? at : size;
            uint8_t *copy = malloc(left);
            memcpy(copy, bytes, left);
            if (at >= 2 * size) copy[at % size] = (uint8_t)andon_rng_u64(&rng);
            else if (at >= size) copy[at % size] ^= (uint8_t)(1u << (at % 8));
            sign(copy, left);
            read_all(copy, left, &out);
            free(copy);
        }
    }
    sheet_close(&in);
    sheet_close(&out);
}
