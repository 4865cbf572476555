/* Watches from outside how many rows have arrived: in andon's store (committed, with their verdicts), or at
 * a subscriber of a broker. One watcher, a thread of its own. */
#ifndef BENCH_SPINE_WATCH_H
#define BENCH_SPINE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
    const char *store;     /* andon.db, or NULL ...           */
    uint16_t port;         /* ... for a subscriber of bench/# */
    uint32_t poll_us;      /* of the store                    */
    uint64_t rows;         /* that are waited for             */
    double *seen_s;        /* seen_s[rows] out: when; or NULL */
    double end_s;          /* out: when the last one was seen */
    double patience_s;     /* without anything new            */
};

/* watch_start returns when the watcher is ready: what arrives from here on counts. */
void watch_start(struct watch *watch);
void watch_join(void);

int watch_connect(uint16_t port); /* on the loopback */

/* A connection to an MQTT server, greeted. */
int watch_dial(uint16_t port, const char *client);

#endif
