/* Which channel of an asset names its operating state: what normal is differs from state to state.
 */
#ifndef PLANT_REGIME_H
#define PLANT_REGIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "plant/kind.h"

#define REGIME_SEEN 10u /* values before a channel may be one */

/* regime_rank says how much a channel's name sounds like an operating state: 0 not at all; of
 * several channels the one with the highest rank is it, of equals the first. */
uint32_t regime_rank(struct text channel);

/* regime_guess says whether a channel of that name and these values is the operating state: words,
 * or whole numbers, and few of them. */
bool regime_guess(struct text channel, const struct kind_state *state);

#endif
