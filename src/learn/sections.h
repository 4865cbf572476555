/* The parts of a report, in the order of the page. Each leaves itself out when it has nothing to
 * show. */
#ifndef LEARN_SECTIONS_H
#define LEARN_SECTIONS_H

#include "page.h"
#include "report.h"

/* sections_summary.c: what an operator reads */
void section_head(struct page *page, const struct report *r);
void section_tiles(struct page *page, const struct report *r);
void section_comparison(struct page *page, const struct report *r);
void section_comparison_bars(struct page *page, const struct report *r);

/* sections_time.c: what happened when */
void section_score(struct page *page, const struct report *r);
void section_sensors(struct page *page, const struct report *r);
void section_examples(struct page *page, const struct report *r);
void section_events(struct page *page, const struct report *r);
void section_false_alarms(struct page *page, const struct report *r);

/* sections_figures.c: what an engineer asks next */
void section_curves(struct page *page, const struct report *r, struct andon_arena *scratch);
void section_matrix(struct page *page, const struct report *r);
void section_contributions(struct page *page, const struct report *r);
void section_money(struct page *page, const struct report *r);
void section_regimes(struct page *page, const struct report *r);
void section_rows(struct page *page, const struct report *r);
void section_card(struct page *page, const struct report *r);
void section_rules(struct page *page, const struct report *r);

/* The channel that led over the alarmed rows of first..last (over all rows when none is alarmed),
 * and its part of the score, NaN when unknown; -1: nothing led. */
int section_lead(const struct report *r, size_t first, size_t last, double *share);

#endif
