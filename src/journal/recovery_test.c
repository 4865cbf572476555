/* Journals that were cut, damaged, mixed up: what comes back is what was there, or is counted. */
#include <sys/stat.h>

#include "andon/bytes.h"
#include "journal/journal.h"
#include "journal/record.h"
#include "journal/segment.h"
#include "journal_case.h"
#include "test.h"

enum { RECORDS = 7, FILE_MAX = 1 << 16 };

/* One segment as it stands in its file, and where its records do. */
struct image {
    uint8_t bytes[FILE_MAX];
    size_t size;
    uint64_t offset[RECORDS + 1]; /* of each record; the end behind the last */
};

static void path_of(const struct journal_case *c, uint64_t first, char path[256])
{
    char name[SEGMENT_NAME_ROOM];
    segment_name(name, first);
    snprintf(path, 256, "%s/%s", c->dir, name);
}

static bool load(const struct journal_case *c, uint64_t first, struct image *image)
{
    char path[256];
    path_of(c, first, path);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, image->bytes, sizeof image->bytes);
    if (fd >= 0) close(fd);
    image->size = n < 0 ? 0 : (size_t)n;
    return n > 0;
}

/* The folder holds this one segment and its lock file, and nothing else. */
static bool place(const struct journal_case *c, const uint8_t *bytes, size_t size, bool with_lock)
{
    char path[256], lock[256], line[64] = {0};
    snprintf(lock, sizeof lock, "%s/lock", c->dir);
    int fd = open(lock, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof line);
    if (fd >= 0) close(fd);
    case_remove_files(c->dir);
    path_of(c, 0, path);
    fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    bool written = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
    if (fd >= 0) close(fd);
    if (!with_lock) return written;
    fd = open(lock, O_CREAT | O_WRONLY, 0600);
    written = written && fd >= 0 && write(fd, line, (size_t)n) == n;
    if (fd >= 0) close(fd);
    return written;
}

/* Makes a journal of RECORDS records in one segment and closes it. */
static bool make_image(struct journal_case *c, struct image *image)
{
    if (!case_make(c, false) || case_open(c) != ANDON_OK) return false;
    for (uint64_t i = 0; i < RECORDS; i++)
        if (case_append(c, i, 1, &image->offset[i + 1]) != ANDON_OK) return false;
    case_close(c);
    return load(c, 0, image) && image->size == SEGMENT_HEAD + image->offset[RECORDS];
}

/* What a reader finds: which of the records, each at its place; false: one that never was. */
static bool read_found(const struct journal_case *c, const struct image *image, bool found[RECORDS],
                       uint64_t *damaged)
{
    struct journal_cursor *cursor;
    struct journal_record r;
    andon_error err;
    bool right = true;
    memset(found, 0, RECORDS);
    if (journal_cursor_open(c->journal, c->dir, 0, &cursor, &err) != ANDON_OK) return false;
    while (right && journal_next(cursor, &r, &err) == 1) {
        uint64_t i = case_number(&r);
        right = i < RECORDS && r.offset == image->offset[i] && !found[i];
        if (right) found[i] = true;
    }
    *damaged = journal_cursor_damaged(cursor);
    journal_cursor_close(cursor);
    return right;
}

TEST(a_journal_cut_at_any_byte_comes_back_as_a_prefix_and_goes_on)
{
    struct journal_case c;
    static struct image image;
    CHECK(make_image(&c, &image));
    for (size_t size = 0; size <= image.size; size++) {
        uint64_t whole = 0, torn, end;
        while (whole < RECORDS && SEGMENT_HEAD + image.offset[whole + 1] <= size) whole++;
        torn = size < SEGMENT_HEAD ? 0 : size - SEGMENT_HEAD - image.offset[whole];
        CHECK(place(&c, image.bytes, size, true));
        CHECK_SAY(case_open(&c) == ANDON_OK, "cut at %zu: %s", size, c.err.text);
        struct journal_figures f;
        journal_figures(c.journal, &f);
        CHECK_SAY(f.end == image.offset[whole] && f.torn_bytes == torn && f.damaged_bytes == 0,
                  "cut at %zu: end %llu, torn %llu", size, (unsigned long long)f.end,
                  (unsigned long long)f.torn_bytes);
        CHECK(case_read(c.journal, NULL, 0, 0, NULL) == (int64_t)whole);
        CHECK(case_append(&c, whole, 1, &end) == ANDON_OK);
        /* No offset that the cut bytes had is given out again. */
        CHECK(end - record_bytes(case_body(whole, image.bytes + FILE_MAX - CASE_BODY_MAX)) >=
              (size < SEGMENT_HEAD ? 0 : size - SEGMENT_HEAD));
        CHECK(case_read(c.journal, NULL, 0, 0, NULL) == (int64_t)whole + 1);
        case_close(&c);
        uint64_t damaged = 0;
        CHECK(case_read(NULL, c.dir, 0, 0, &damaged) == (int64_t)whole + 1 && damaged == 0);
        CHECK(case_open(&c) == ANDON_OK && journal_end(c.journal) == end);
        case_close(&c);
    }
    case_end(&c);
}

/* One damaged byte in the file: all records but the one it stands in are found, and it is counted.
 */
static bool check_flip(struct journal_case *c, struct image *image, size_t at, uint8_t mask)
{
    bool found[RECORDS];
    uint64_t damaged, hit = 0;
    image->bytes[at] ^= mask;
    bool placed = place(c, image->bytes, image->size, true);
    image->bytes[at] ^= mask;
    while (at >= SEGMENT_HEAD && SEGMENT_HEAD + image->offset[hit + 1] <= at) hit++;
    if (!placed || case_open(c) != ANDON_OK) return false;
    struct journal_figures f;
    journal_figures(c->journal, &f);
    bool right = read_found(c, image, found, &damaged);
    for (uint64_t i = 0; i < RECORDS; i++)
        right = right && found[i] == (at < SEGMENT_HEAD || i != hit);
    uint64_t lost = at < SEGMENT_HEAD ? 0 : image->offset[hit + 1] - image->offset[hit];
    bool last = at >= SEGMENT_HEAD && hit == RECORDS - 1;
    right = right && f.torn_bytes == (last ? lost : 0);
    right = right && f.damaged_bytes == (last ? 0 : lost) && damaged == (last ? 0 : lost);
    struct journal_figures after; /* what recovery has counted is not counted again by a reader */
    journal_figures(c->journal, &after);
    right = right && after.damaged_bytes == f.damaged_bytes;
    case_close(c);
    return right;
}

TEST(a_byte_flipped_anywhere_costs_the_record_that_it_stands_in_and_is_counted)
{
    struct journal_case c;
    static struct image image;
    CHECK(make_image(&c, &image));
    for (size_t at = 0; at < image.size; at++) {
        CHECK_SAY(check_flip(&c, &image, at, 0x01), "bit 0 of byte %zu: %s", at, c.err.text);
        CHECK_SAY(check_flip(&c, &image, at, 0xff), "all of byte %zu: %s", at, c.err.text);
    }
    case_end(&c);
}

TEST(a_stretch_of_zeros_or_noise_anywhere_costs_what_it_covers_and_nothing_is_invented)
{
    struct journal_case c;
    static struct image image;
    static uint8_t bytes[FILE_MAX];
    CHECK(make_image(&c, &image));
    for (uint32_t seed = 0; seed < 500; seed++) {
        struct andon_rng rng = andon_rng_fork(11, seed);
        bool found[RECORDS];
        uint64_t damaged = 0;
        size_t from = SEGMENT_HEAD + andon_rng_below(&rng, (uint32_t)(image.size - SEGMENT_HEAD));
        size_t to = from + 1 + andon_rng_below(&rng, 700), copy = andon_rng_below(&rng, 3);
        if (to > image.size) to = image.size;
        memcpy(bytes, image.bytes, image.size);
        size_t source = andon_rng_below(&rng, (uint32_t)image.size);
        for (size_t i = from; i < to; i++)
            bytes[i] = copy == 0   ? 0
                       : copy == 1 ? (uint8_t)andon_rng_below(&rng, 256)
                                   : image.bytes[(source + i) % image.size];
        CHECK(place(&c, bytes, image.size, true));
        CHECK_SAY(case_open(&c) == ANDON_OK, "SEED=%u: %s", seed, c.err.text);
        CHECK_SAY(read_found(&c, &image, found, &damaged), "SEED=%u", seed);
        for (uint64_t i = 0; i < RECORDS; i++) {
            size_t begin = SEGMENT_HEAD + image.offset[i], end = SEGMENT_HEAD + image.offset[i + 1];
            bool same = memcmp(bytes + begin, image.bytes + begin, end - begin) == 0;
            CHECK_SAY(found[i] == same, "SEED=%u, record %llu", seed, (unsigned long long)i);
        }
        case_close(&c);
    }
    case_end(&c);
}

/* What a power cut may leave of a file: all that was synced, and of the rest any sectors, to any
 * length, or not even the name. */
enum { SECTOR = 512, CUT_RECORDS = 40 };

static bool copy_after_power_cut(struct andon_rng *rng, const char *from, const char *to,
                                 uint64_t first, uint64_t synced)
{
    static uint8_t bytes[FILE_MAX];
    int fd = open(from, O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (fd >= 0) close(fd);
    if (size < 0) return false;
    size_t durable = synced <= first ? 0 : SEGMENT_HEAD + (size_t)(synced - first);
    if (durable > (size_t)size) durable = (size_t)size;
    if (durable == 0 && andon_rng_below(rng, 3) == 0) return true;
    size_t left = durable + andon_rng_below(rng, (uint32_t)((size_t)size - durable + 1));
    for (size_t at = durable; at < left; at++)
        if ((at == durable || at % SECTOR == 0) && andon_rng_below(rng, 2) == 0)
            memset(bytes + at, 0, at / SECTOR * SECTOR + SECTOR - at);
    fd = open(to, O_CREAT | O_WRONLY, 0600);
    bool written = fd >= 0 && write(fd, bytes, left) == (ssize_t)left;
    if (fd >= 0) close(fd);
    return written;
}

static bool cut_power(struct andon_rng *rng, const struct journal_case *c,
                      const struct journal_case *after, uint64_t synced)
{
    char from[512], to[512];
    DIR *folder = opendir(c->dir);
    bool right = folder != NULL;
    for (struct dirent *e; right && (e = readdir(folder)) != NULL;) {
        uint64_t first = 0;
        if (e->d_name[0] == '.') continue;
        bool segment = segment_name_read(e->d_name, &first);
        snprintf(from, sizeof from, "%s/%s", c->dir, e->d_name);
        snprintf(to, sizeof to, "%s/%s", after->dir, e->d_name);
        right = copy_after_power_cut(rng, from, to, first, segment ? synced : UINT64_MAX / 2);
    }
    if (folder != NULL) closedir(folder);
    return right;
}

TEST(a_power_cut_takes_nothing_that_was_synced_and_invents_nothing)
{
    for (uint32_t seed = 0; seed < 300; seed++) {
        struct andon_rng rng = andon_rng_fork(13, seed);
        struct journal_case c, after;
        struct journal_cursor *cursor;
        struct journal_record r;
        uint64_t offset[CUT_RECORDS + 1] = {0}, end;
        CHECK(case_make(&c, false) && case_make(&after, false));
        c.options.segment_bytes = 1 + andon_rng_below(&rng, 4000);
        CHECK(case_open(&c) == ANDON_OK);
        uint64_t n = 1 + andon_rng_below(&rng, CUT_RECORDS);
        for (uint64_t i = 0; i < n; i++) {
            CHECK(case_append(&c, i, 1, &offset[i + 1]) == ANDON_OK);
            if (andon_rng_below(&rng, 12) == 0)
                CHECK(journal_sync_up_to(c.journal, offset[i + 1], &c.err) == ANDON_OK);
        }
        struct journal_figures f;
        journal_figures(c.journal, &f);
        CHECK(cut_power(&rng, &c, &after, f.synced));
        CHECK_SAY(case_open(&after) == ANDON_OK, "SEED=%u: %s", seed, after.err.text);
        CHECK(case_append(&after, n, 1, &end) == ANDON_OK);
        CHECK(journal_cursor_open(after.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
        uint64_t next = 0;
        for (bool last = false; !last && journal_next(cursor, &r, &c.err) == 1; next++) {
            uint64_t i = case_number(&r);
            last = i == n;
            CHECK_SAY(last || (i < n && r.offset == offset[i]), "SEED=%u: invented", seed);
            CHECK_SAY(i >= next && (i == next || offset[next + 1] > f.synced),
                      "SEED=%u: record %llu was synced and is gone", seed,
                      (unsigned long long)next);
            CHECK(!last || r.offset >= f.synced);
            next = i;
        }
        CHECK_SAY(next == n + 1, "SEED=%u: the new record is not found", seed);
        journal_cursor_close(cursor);
        case_end(&c);
        case_end(&after);
    }
}

TEST(without_a_lock_file_the_segments_themselves_tell_how_they_are_read)
{
    struct journal_case c;
    static struct image image;
    CHECK(make_image(&c, &image));
    CHECK(place(&c, image.bytes, image.size, false));
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == RECORDS);
    CHECK(case_open(&c) == ANDON_OK);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == RECORDS);
    case_end(&c);
}

/* A body that holds the bytes of a whole record, made for the very place where they stand: even
 * then nothing looks into it, as long as the head around it is right. */
TEST(a_record_inside_a_damaged_body_is_not_taken_for_one)
{
    struct journal_case c;
    uint8_t body[256] = {0};
    struct image *image = calloc(1, sizeof *image);
    struct segment_head head;
    CHECK(image != NULL && case_make(&c, false) && case_open(&c) == ANDON_OK);
    struct journal_entry e = {.type = JOURNAL_MESSAGE, .part = {body}, .size = {sizeof body}};
    uint64_t end;
    CHECK(journal_append(c.journal, &e, 1, &end, &c.err) == ANDON_OK);
    CHECK(case_append(&c, 1, 1, &end) == ANDON_OK);
    case_close(&c);
    CHECK(load(&c, 0, image));
    char path[256];
    path_of(&c, 0, path);
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && segment_head_read(fd, &head) == SEGMENT_HEAD_WHOLE);
    /* An inner one at offset 24, which is 4 bytes into the body. */
    struct journal_entry inner = {.type = JOURNAL_ACTION, .part = {"forged"}, .size = {6}};
    record_write(head.salt, 24, &inner, body + 4);
    for (int last = 0; last < 2; last++) { /* with a record behind, and as the torn end */
        size_t size = last == 1 ? SEGMENT_HEAD + record_bytes(sizeof body) : image->size;
        memcpy(image->bytes + SEGMENT_HEAD + RECORD_HEAD, body, sizeof body);
        CHECK(place(&c, image->bytes, size, true));
        CHECK(case_open(&c) == ANDON_OK);
        struct journal_figures f;
        journal_figures(c.journal, &f);
        CHECK(f.torn_bytes == (last == 1 ? record_bytes(sizeof body) : 0));
        CHECK(f.damaged_bytes == (last == 1 ? 0 : record_bytes(sizeof body)));
        CHECK(case_read(c.journal, NULL, 0, 1, NULL) == 1 - last);
        case_close(&c);
    }
    close(fd);
    free(image);
    case_end(&c);
}

TEST(the_floor_keeps_offsets_that_were_given_out_from_being_used_again)
{
    struct journal_case c;
    uint64_t end, before;
    CHECK(case_make(&c, false));
    c.options.floor = 1000; /* a store that has outlived its journal */
    CHECK(case_open(&c) == ANDON_OK && journal_end(c.journal) == 1000);
    CHECK(case_append(&c, 0, 1, &end) == ANDON_OK && end > 1000);
    before = end;
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 1);
    case_close(&c);
    c.options.floor = before; /* nothing is missing: nothing moves */
    CHECK(case_open(&c) == ANDON_OK && journal_end(c.journal) == before);
    CHECK(case_append(&c, 1, 1, &end) == ANDON_OK);
    CHECK(end == before + record_bytes(case_body(1, (uint8_t[CASE_BODY_MAX]){0})));
    case_close(&c);
    c.options.floor = end + 5000;
    CHECK(case_open(&c) == ANDON_OK && journal_end(c.journal) == end);
    CHECK(case_append(&c, 2, 1, &before) == ANDON_OK && before > end + 5000);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 3);
    case_close(&c);
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == 3);
    case_end(&c);
}

TEST(damage_in_an_older_segment_is_met_by_readers_and_counted_once)
{
    struct journal_case c;
    static struct image image;
    uint64_t end, damaged = 0, offset[30];
    CHECK(case_make(&c, false));
    c.options.segment_bytes = 1000;
    CHECK(case_open(&c) == ANDON_OK);
    for (uint64_t i = 0; i < 30; i++) CHECK(case_append(&c, i, 1, &offset[i]) == ANDON_OK);
    case_close(&c);
    char path[256];
    path_of(&c, 0, path);
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && pwrite(fd, "x", 1, (off_t)(SEGMENT_HEAD + offset[0] + 2)) == 1);
    close(fd);
    uint64_t lost = offset[1] - offset[0];
    CHECK(case_open(&c) == ANDON_OK);
    struct journal_figures f;
    for (int reader = 0; reader < 2; reader++) {
        bool found[RECORDS];
        for (int i = 0; i < RECORDS; i++) image.offset[i] = i == 0 ? 0 : offset[i - 1];
        (void)read_found(&c, &image, found, &damaged);
        CHECK(found[0] && !found[1] && found[2] && damaged == lost);
        journal_figures(c.journal, &f);
        CHECK(f.damaged_bytes == lost && f.torn_bytes == 0);
    }
    CHECK(case_append(&c, 30, 1, &end) == ANDON_OK && end > offset[29]);
    case_end(&c);
}

TEST(a_segment_under_a_wrong_name_is_refused_and_left_alone)
{
    struct journal_case c;
    static struct image image;
    char from[256], to[256];
    struct stat before, after;
    CHECK(make_image(&c, &image));
    path_of(&c, 0, from);
    path_of(&c, 4096, to);
    CHECK(rename(from, to) == 0 && stat(to, &before) == 0);
    CHECK(case_open(&c) == ANDON_EFORMAT);
    CHECK_SAY(strstr(c.err.text, "0000000000001000.journal") != NULL, "%s", c.err.text);
    CHECK(stat(to, &after) == 0 && after.st_size == before.st_size);
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == -1);
    case_end(&c);
}

TEST(a_newer_format_is_refused_and_left_alone)
{
    struct journal_case c;
    static struct image image;
    CHECK(make_image(&c, &image));
    image.bytes[8] = 2;
    uint32_t sum = andon_crc32c(0, image.bytes, SEGMENT_HEAD - 4);
    for (int i = 0; i < 4; i++) image.bytes[(int)SEGMENT_HEAD - 4 + i] = (uint8_t)(sum >> (8 * i));
    CHECK(place(&c, image.bytes, image.size, true));
    CHECK(case_open(&c) == ANDON_EFORMAT);
    CHECK_SAY(strstr(c.err.text, "newer format") != NULL, "%s", c.err.text);
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == -1);
    static struct image again;
    CHECK(load(&c, 0, &again) && again.size == image.size);
    case_end(&c);
}

TEST(what_a_killed_repair_has_left_is_removed)
{
    struct journal_case c;
    static struct image image;
    char path[256];
    CHECK(make_image(&c, &image));
    snprintf(path, sizeof path, "%s/0000000000000040.journal.new", c.dir);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    close(fd);
    CHECK(case_open(&c) == ANDON_OK && access(path, F_OK) != 0);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == RECORDS);
    case_end(&c);
}

TEST(other_files_in_the_folder_are_neither_read_nor_touched)
{
    static const char *const name[] = {"x.journal.new", "notes.txt", "000000000000000G.journal",
                                       "0000000000000003.journal", "ffffffffffffffff.journal"};
    struct journal_case c;
    static struct image image;
    char path[256];
    CHECK(make_image(&c, &image));
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        snprintf(path, sizeof path, "%s/%s", c.dir, name[i]);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        CHECK(fd >= 0 && write(fd, "mine", 4) == 4);
        close(fd);
    }
    CHECK(case_open(&c) == ANDON_OK);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == RECORDS);
    case_close(&c);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        snprintf(path, sizeof path, "%s/%s", c.dir, name[i]);
        CHECK_SAY(access(path, F_OK) == 0, "%s", name[i]);
    }
    case_end(&c);
}
