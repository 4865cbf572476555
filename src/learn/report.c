/* Puts the sections on a page and the page in its place. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "page.h"
#include "sections.h"

#define PATH_ROOM 4096

static void write_report(struct page *page, const struct report *r, struct andon_arena *scratch)
{
    section_head(page, r);
    section_tiles(page, r);
    section_comparison(page, r);
    section_score(page, r);
    section_sensors(page, r);
    section_examples(page, r);
    section_events(page, r);
    section_false_alarms(page, r);
    section_contributions(page, r);
    section_curves(page, r, scratch);
    section_matrix(page, r);
    section_money(page, r);
    section_regimes(page, r);
    section_rows(page, r);
    section_card(page, r);
    section_rules(page, r);
}

static void write_comparison(struct page *page, const struct report *r, struct andon_arena *scratch)
{
    (void)scratch;
    struct report alone = *r;
    alone.metrics = NULL; /* no verdict on one of several */
    section_head(page, &alone);
    section_comparison(page, &alone);
    section_comparison_bars(page, &alone);
}

/* Money is written as markup: a currency is a sign or letters, nothing else. */
static const char *currency_of(const struct report *r)
{
    if (r->currency == NULL || strpbrk(r->currency, "<>&\"'") != NULL) return "";
    return r->currency;
}

/* Writes beside the place and renames, so that a page is whole or not there. */
static andon_status write_page(const struct report *r, const char *path,
                               void (*write)(struct page *, const struct report *,
                                             struct andon_arena *),
                               struct andon_arena *scratch, andon_error *err)
{
    char part[PATH_ROOM];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) {
        return andon_fail(err, ANDON_EINVAL, "the report's path is too long");
    }
    FILE *out = fopen(part, "w");
    if (out == NULL) {
        return andon_fail(err, ANDON_EIO, "%s: cannot write: %s", path, strerror(errno));
    }
    struct page page = {.out = out, .currency = currency_of(r)};
    struct andon_arena_mark mark = andon_arena_mark(scratch);
    page_begin(&page, r->title != NULL ? r->title : "report");
    write(&page, r, scratch);
    page_end(&page);
    andon_arena_rewind(scratch, mark);
    bool bad = fflush(out) != 0 || ferror(out) != 0;
    int why = errno;
    if (fclose(out) != 0 && !bad) bad = true, why = errno;
    if (!bad && rename(part, path) != 0) bad = true, why = errno;
    if (!bad) return ANDON_OK;
    unlink(part);
    return andon_fail(err, ANDON_EIO, "%s: cannot write: %s", path, strerror(why));
}

andon_status report_write(const struct report *report, const char *path,
                          struct andon_arena *scratch, andon_error *err)
{
    if (report->input == NULL || report->metrics == NULL || report->input->n == 0) {
        return andon_fail(err, ANDON_EINVAL, "a report needs rows and their metrics");
    }
    return write_page(report, path, write_report, scratch, err);
}

andon_status report_compare(const struct report *report, const char *path,
                            struct andon_arena *scratch, andon_error *err)
{
    if (report->entries == 0) {
        return andon_fail(err, ANDON_EINVAL, "a comparison needs detectors");
    }
    return write_page(report, path, write_comparison, scratch, err);
}
