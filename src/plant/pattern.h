/* Patterns of asset paths, as the configuration and publications use them. */
#ifndef PLANT_PATTERN_H
#define PLANT_PATTERN_H

#include <stdbool.h>

#include "base/text.h"

/* pattern_matches: '?' stands for one byte but '/', '*' for any number of bytes but '/', a double
 * star for any number of any bytes; everything else for itself. A pattern without '/' also matches
 * the path's last level. Time O(pattern * path) at worst, no recursion. */
bool pattern_matches(struct text pattern, struct text path);

#endif
