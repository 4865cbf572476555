/* A store's file that was cut or changed: opened or refused, read or refused, never a crash, and never
 * other values than those that were written. */
#include <fcntl.h>
#include <sys/stat.h>

#include "store_case.h"

enum { TURNS = 12, CUTS = 400, CHANGES = 400 };

static char path[128];
static andon_error err;

static const struct store_case plan = {.seed = 51, .assets = 3, .rows = 120, .judged = true,
                                       .step_ns = INT64_C(10000000000)};

static size_t load(uint8_t **bytes)
{
    struct stat about;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &about) != 0) return 0;
    *bytes = malloc((size_t)about.st_size);
    ssize_t got = read(fd, *bytes, (size_t)about.st_size);
    close(fd);
    return got == about.st_size ? (size_t)got : 0;
}

static bool save(const uint8_t *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool good = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
    close(fd);
    return good;
}

/* Reads what can be read; false: rows came that nobody wrote. */
static bool read_all(struct store_case *c)
{
    struct reader *r;
    bool good = true;
    if (reader_open(path, &r, &err) != ANDON_OK) return err.text[0] != 0;
    for (uint32_t a = 0; a < c->assets && good; a++) {
        struct case_rows expected;
        case_expect(c, a, TURNS, &expected);
        struct case_check check = {.expected = &expected};
        andon_status st =
            reader_rows(r, c->asset[a], INT64_MIN, INT64_MAX, case_check_row, &check, &err);
        good = st != ANDON_OK || check.at <= expected.rows;
        case_rows_free(&expected);
    }
    reader_close(r);
    return good;
}

static bool write_one(struct store_case *c)
{
    struct store *s = NULL;
    struct store_options o = {.path = path};
    if (store_open(&o, &s, &err) != ANDON_OK) return s == NULL && err.text[0] != 0;
    if (case_write(c, s, TURNS, &err) != ANDON_OK) store_roll_back(s);
    store_close(s);
    return true;
}

static size_t make(struct store_case *c, const char *dir, uint8_t **bytes)
{
    struct store *s;
    struct store_options o = {.path = path};
    *c = plan;
    snprintf(path, sizeof path, "%s/andon.db", dir);
    if (store_open(&o, &s, &err) != ANDON_OK) return 0;
    for (uint64_t t = 0; t < TURNS; t++)
        if (case_write(c, s, t, &err) != ANDON_OK) return 0;
    store_close(s);
    return load(bytes);
}

TEST(a_store_that_was_cut_anywhere_never_crashes)
{
    struct store_case c;
    uint8_t *bytes = NULL;
    const char *dir = case_dir();
    size_t size = make(&c, dir, &bytes);
    CHECK(size > 0);
    for (size_t cut = 0; cut < CUTS; cut++) {
        size_t left = cut < 100 ? cut : cut < 200 ? size - 1 - (cut - 100) : size * (cut - 200) / 200;
        CHECK(save(bytes, left));
        CHECK_SAY(read_all(&c), "cut at %zu of %zu", left, size);
        CHECK_SAY(write_one(&c), "cut at %zu of %zu", left, size);
    }
    free(bytes);
    case_remove(dir);
}

TEST(a_store_that_was_changed_anywhere_never_crashes_and_never_makes_values_up)
{
    struct store_case c;
    uint8_t *bytes = NULL;
    const char *dir = case_dir();
    size_t size = make(&c, dir, &bytes);
    struct andon_rng rng;
    andon_rng_seed(&rng, 6);
    CHECK(size > 0);
    for (size_t i = 0; i < CHANGES; i++) {
        size_t at = i < 100 ? i : andon_rng_below(&rng, (uint32_t)size);
        uint8_t was = bytes[at];
        bytes[at] ^= (uint8_t)(1u << andon_rng_below(&rng, 8));
        CHECK(save(bytes, size));
        CHECK_SAY(read_all(&c), "changed at %zu", at);
        CHECK_SAY(write_one(&c), "changed at %zu", at);
        bytes[at] = was;
    }
    free(bytes);
    case_remove(dir);
}
