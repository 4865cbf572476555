/* What is removed, when, and what never is. */
#include "journal/journal.h"

#include "journal/record.h"
#include "journal/segment.h"
#include "journal_case.h"
#include "test.h"

#define SECOND INT64_C(1000000000)

/* n records a second apart, a segment each; end[i] is behind record i. */
static bool fill(struct journal_case *c, int64_t keep_ns, uint64_t keep_bytes, uint64_t n,
                 uint64_t *end)
{
    if (!case_make(c, false)) return false;
    c->options.segment_bytes = 1;
    c->options.keep_ns = keep_ns;
    c->options.keep_bytes = keep_bytes;
    if (case_open(c) != ANDON_OK) return false;
    for (uint64_t i = 0; i < n; i++)
        if (case_append(c, i, 1, &end[i]) != ANDON_OK) return false;
    return journal_sync_up_to(c->journal, end[n - 1], &c->err) == ANDON_OK;
}

static struct journal_figures figures_of(struct journal_case *c)
{
    struct journal_figures f;
    journal_figures(c->journal, &f);
    return f;
}

TEST(without_limits_nothing_is_removed)
{
    struct journal_case c;
    uint64_t end[20];
    CHECK(fill(&c, 0, 0, 20, end));
    journal_release(c.journal, end[19]);
    CHECK(figures_of(&c).begin == 0 && figures_of(&c).segments == 20);
    case_end(&c);
}

TEST(segments_go_when_their_last_record_is_older_than_the_limit)
{
    struct journal_case c;
    uint64_t end[20];
    CHECK(fill(&c, 5 * SECOND, 0, 20, end));
    CHECK(figures_of(&c).segments == 20); /* nobody has released anything */
    journal_release(c.journal, end[19]);
    struct journal_figures f = figures_of(&c);
    CHECK_SAY(f.begin == end[13] && f.segments == 6, "begins at %llu, %llu segments",
              (unsigned long long)f.begin, (unsigned long long)f.segments); /* 14 .. 19 */
    CHECK(case_read(c.journal, NULL, 0, 14, NULL) == 6);
    uint64_t bytes = SEGMENT_HEAD * f.segments + f.end - f.begin;
    CHECK(f.bytes == bytes);
    case_end(&c);
}

TEST(the_oldest_go_until_all_together_are_small_enough)
{
    struct journal_case c;
    uint64_t end[20];
    CHECK(fill(&c, 0, 1500, 20, end));
    journal_release(c.journal, end[19]);
    struct journal_figures f = figures_of(&c);
    CHECK(f.bytes <= 1500 && f.segments >= 2);
    uint64_t first = 0;
    while (end[first] != f.begin) first++;
    CHECK(f.bytes + SEGMENT_HEAD + (end[first] - end[first - 1]) > 1500);
    CHECK(case_read(c.journal, NULL, 0, first + 1, NULL) == 19 - (int64_t)first);
    case_end(&c);
}

TEST(nothing_goes_that_was_not_released)
{
    struct journal_case c;
    uint64_t end[20];
    CHECK(fill(&c, SECOND, 1, 20, end));
    for (uint64_t i = 0; i < 20; i++) {
        journal_release(c.journal, end[i] - 1);
        CHECK(figures_of(&c).begin == (i == 0 ? 0 : end[i - 1]));
        journal_release(c.journal, end[i]);
        /* The last segment stays, whatever its age and size. */
        CHECK(figures_of(&c).begin == (i == 19 ? end[18] : end[i]));
        journal_release(c.journal, 0); /* what is released stays so */
    }
    CHECK(case_read(c.journal, NULL, 0, 19, NULL) == 1);
    case_end(&c);
}

TEST(ages_and_sizes_are_known_after_a_restart)
{
    struct journal_case c;
    uint64_t end[20], more;
    CHECK(fill(&c, 100 * SECOND, 0, 20, end));
    uint64_t bytes = figures_of(&c).bytes;
    case_close(&c);
    c.options.keep_ns = 5 * SECOND;
    CHECK(case_open(&c) == ANDON_OK);
    CHECK(figures_of(&c).bytes == bytes && figures_of(&c).segments == 20);
    journal_release(c.journal, end[19]);
    CHECK(figures_of(&c).begin == end[13]);
    CHECK(case_append(&c, 20, 1, &more) == ANDON_OK);
    journal_release(c.journal, more);
    CHECK(figures_of(&c).begin == end[14]);
    case_end(&c);
}

TEST(what_is_not_durable_is_not_removed)
{
    struct journal_case c;
    uint64_t end[20], more;
    CHECK(fill(&c, 0, 1, 20, end));
    CHECK(case_append(&c, 20, 1, &more) == ANDON_OK);
    journal_release(c.journal, more);
    CHECK(figures_of(&c).begin >= end[18]);
    CHECK(case_read(c.journal, NULL, end[19], 20, NULL) == 1);
    case_end(&c);
}

TEST(a_segment_without_a_record_goes_with_the_others)
{
    struct journal_case c;
    char path[256];
    uint64_t end[3], more = 0;
    CHECK(fill(&c, 5 * SECOND, 0, 3, end));
    case_close(&c);
    for (int i = 0; i < 3; i++) { /* each time the torn end makes a new segment */
        char name[SEGMENT_NAME_ROOM];
        CHECK(case_open(&c) == ANDON_OK);
        segment_name(name, figures_of(&c).end);
        case_close(&c);
        DIR *folder = opendir(c.dir);
        char last[64] = "";
        for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;)
            if (strcmp(e->d_name, "lock") < 0 && strcmp(e->d_name, last) > 0)
                snprintf(last, sizeof last, "%.60s", e->d_name);
        closedir(folder);
        snprintf(path, sizeof path, "%s/%s", c.dir, last);
        int fd = open(path, O_WRONLY | O_APPEND);
        CHECK(fd >= 0 && write(fd, "torn", 4) == 4);
        close(fd);
    }
    CHECK(case_open(&c) == ANDON_OK);
    CHECK(figures_of(&c).segments == 6);
    CHECK(case_append(&c, 100, 1, &more) == ANDON_OK && case_append(&c, 101, 1, &more) == ANDON_OK);
    CHECK(journal_sync_up_to(c.journal, more, &c.err) == ANDON_OK);
    journal_release(c.journal, more);
    CHECK_SAY(figures_of(&c).segments == 2, "%llu", (unsigned long long)figures_of(&c).segments);
    CHECK(case_read(c.journal, NULL, 0, 100, NULL) == 2);
    case_end(&c);
}
