/* What an event is worth, as settings. The presets are those of the published pump study, by event.
 */
#include <stddef.h>

#include "metrics.h"

#define FIELD(field) offsetof(struct prices, field)

const struct andon_option prices_table[] = {
    {"fp", ANDON_OPTION_REAL, FIELD(fp), 0, 1e12, "500", NULL, "cost of a false alarm"},
    {"fn", ANDON_OPTION_REAL, FIELD(fn), 0, 1e12, "10000", NULL, "cost of a missed event"},
    {"tp", ANDON_OPTION_REAL, FIELD(tp), 0, 1e12, "8000", NULL, "benefit of a found event"},
    {"downtime_h", ANDON_OPTION_REAL, FIELD(downtime_h), 0, 8760, "2", NULL,
     "hours that an event nobody saw coming stops the machine"},
    {0},
};

void prices_default(struct prices *prices)
{
    *prices = (struct prices){0};
    andon_options_default(prices_table, prices);
}
