/* Paths of assets: "enterprise/site/area/line/cell/asset", as many levels as the plant has. */
#ifndef PLANT_PATH_H
#define PLANT_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define PATH_BYTES_MAX 512u
#define PATH_LEVELS_MAX 32u

/* path_wrong says what is wrong with a path, in a few words, or NULL: empty, too long, a level that
 * is empty, '+' or '#', control bytes, no UTF-8. */
const char *path_wrong(struct text path);

/* The names of the equipment hierarchy (ISA-95). Levels that a path does not have are empty. */
struct path_place {
    struct text enterprise, site, area, line, cell; /* cell keeps the '/' of all deeper levels */
    struct text asset;                              /* the last level, always there            */
};

/* path_place puts a whole path's levels in their places, from the enterprise down; the last one is
 * the asset. Text points into path. */
struct path_place path_place(struct text path);

/* path_below gives what stands behind "top/", or an empty text when path is not below top. */
struct text path_below(struct text path, struct text top);

#endif
