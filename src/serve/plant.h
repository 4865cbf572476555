/* What the server asks the running program for: a table of callbacks, filled in by whoever puts
 * engine and server together. The server knows nothing of the engine, the engine nothing of the
 * server. */
#ifndef SERVE_PLANT_H
#define SERVE_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/feed.h"

/* A part of the program that can be well or not: "journal", "store", "engine", "mqtt". */
enum plant_state { PLANT_OK, PLANT_DEGRADED, PLANT_DOWN };
struct plant_component {
    const char *name;
    enum plant_state state;
    int64_t since_ns; /* wall clock: in this state since then; 0: unknown */
    const char *text; /* one line; NULL or "": nothing to say             */
};

/* A figure for /metrics. Figures of one name come one after the other. */
enum plant_kind { PLANT_COUNTER, PLANT_GAUGE, PLANT_HISTOGRAM };
struct plant_label {
    const char *name, *value;
};
struct plant_figure {
    const char *name; /* a counter's ends in _total */
    const char *help; /* one line                   */
    enum plant_kind kind;
    uint32_t labels;
    const struct plant_label *label; /* label[labels] */
    double value;
    /* PLANT_HISTOGRAM: count[i] values up to bound[i], each in one bucket alone; count[bounds]
     * above the last; value is their sum. */
    uint32_t bounds;
    const double *bound;   /* bound[bounds]     */
    const uint64_t *count; /* count[bounds + 1] */
};

struct server_plant {
    void *context;
    /* Both call each(to, ...) any number of times. Any thread of the server, several at once;
     * quick: they are called in the thread that serves. NULL: there is nothing to say. */
    void (*health)(void *context, void (*each)(void *to, const struct plant_component *component),
                   void *to);
    void (*figures)(void *context, void (*each)(void *to, const struct plant_figure *figure),
                    void *to);
    /* Seconds for which senders should wait before they send more, 0: none. NULL: never. */
    uint32_t (*busy_s)(void *context);
    struct feed *feed; /* live events; NULL: GET stream says 503 */
};

#endif
