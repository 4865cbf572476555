/* An answer before it goes out. */
#ifndef SERVE_REPLY_H
#define SERVE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "serve/tally.h"

#define REPLY_JSON "application/json"
#define REPLY_PROBLEM "application/problem+json"
#define REPLY_TEXT "text/plain; charset=utf-8"
#define REPLY_HTML "text/html; charset=utf-8"

#define REPLY_BYTES_MAX ((size_t)32 << 20)

struct reply {
    unsigned status;
    const char *type; /* of the body; NULL: none                             */
    char *bytes;      /* malloc's, or constant when not owned                */
    size_t size;
    bool owned;
    bool close;             /* the connection is closed behind it                  */
    uint32_t retry_after_s; /* 0: no such header                                   */
    const char *allow;      /* for 405                                             */
};

void reply_clear(struct reply *reply);

/* reply_json takes over what was written; a writer that has failed becomes a 500. */
void reply_json(struct reply *reply, unsigned status, struct json *j);
void reply_taken(struct reply *reply, unsigned status, const char *type, struct json *j);
void reply_constant(struct reply *reply, unsigned status, const char *type, const char *bytes,
                    size_t size);

/* reply_problem is an error as RFC 9457 wants it; its detail is FastAPI's key, too. */
void reply_problem(struct reply *reply, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* reply_influx is an error as InfluxDB 1 and 2 say it. */
void reply_influx(struct reply *reply, unsigned status, const char *detail);

const char *reply_title(unsigned status); /* "Bad Request" */

#endif
