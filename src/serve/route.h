/* The table of what the server answers: one entry per method and path. Documentation, 404, 405 and
 * /openapi.json follow from it. */
#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H

#include <stdbool.h>

#include "base/text.h"

struct client;
struct reader;
struct reply;

enum route_body {
    ROUTE_NO_BODY,    /* one that comes is thrown away                          */
    ROUTE_SMALL_BODY, /* up to 64 KiB                                           */
    ROUTE_READINGS    /* up to http.body_bytes_max; may be gzip                 */
};

struct route {
    const char *method;  /* "GET" answers HEAD, too */
    const char *pattern; /* "{name}" is one segment, "{name...}" the rest; both at least one byte */
    enum route_body body;
    /* One of them: live answers at once, in the event loop, into the client's reply (or goes on by
     * itself: a stream); ask answers from the store, in a query thread. */
    void (*live)(struct client *client);
    void (*ask)(struct client *client, struct reader *reader);
    const char *parameters; /* "asset from to limit next"; NULL: none */
    const char *help;
};

/* route_find gives the entry for method and raw path, and the text that {…} stands for (raw, too;
 * the last one's). NULL: no such path, or (*allow not NULL) another method of it, listed in *allow.
 */
const struct route *route_find(const struct route *table, struct text method, struct text path,
                               struct text *tail, const char **allow);

extern const struct route route_api[], route_influx[]; /* end in one without a method */

#endif
