/* andon: learn what a machine's normal is, and say row by row whether it still is.
 *
 * The library has no threads, sockets, files, clock or globals. docs/ARCHITECTURE.md shows the way of
 * a reading; examples/first_model.c trains and scores in sixty lines. */
#ifndef ANDON_H
#define ANDON_H

#include "arena.h"
#include "bytes.h"
#include "detector.h"
#include "kernel.h"
#include "model.h"
#include "option.h"
#include "recipe.h"
#include "rng.h"
#include "series.h"
#include "status.h"

#endif
