/* Appending, offsets, segments, the lock, waiting. */
#include "journal/journal.h"

#include "journal_case.h"
#include "test.h"

TEST(what_is_appended_is_read_in_order_while_open_and_after_a_restart)
{
    struct journal_case c;
    uint64_t end = 0;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(journal_end(c.journal) == 0);
    for (uint64_t i = 0; i < 200; i += 8) CHECK(case_append(&c, i, 8, &end) == ANDON_OK);
    CHECK(end == journal_end(c.journal));
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 200);
    case_close(&c);
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == 200);
    CHECK(case_open(&c) == ANDON_OK && journal_end(c.journal) == end);
    CHECK(case_append(&c, 200, 1, &end) == ANDON_OK);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 201);
    case_end(&c);
}
