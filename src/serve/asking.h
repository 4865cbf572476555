/* What questions to the store have in common: which asset, from when to when, how many, from where
 * on. */
#ifndef SERVE_ASKING_H
#define SERVE_ASKING_H

#include "serve/inner.h"

#define ASKING_LIMIT_MAX 100000u

struct range {
    int64_t from_ns, to_ns; /* half open                                        */
    uint32_t limit;         /* of a page                                        */
    int64_t page_ns;        /* the page begins at this time ...                 */
    uint32_t page_skip;     /* ... behind so many rows of it                    */
    bool paged;
};

/* Both leave a refusal in the client's reply and return false when something is missing or wrong.
 */
bool asking_range(struct client *c, const struct query *q, uint32_t limit, struct range *range);
/* 0 in *asset: the path is not known; that is refused, too. */
bool asking_asset(struct client *c, struct reader *reader, const struct query *q, uint32_t *asset,
                  struct text *path);

/* Rows of a page: asking_row says what to do with the next one. */
enum asking_step { ASKING_PASS, ASKING_GIVE, ASKING_STOP };
struct paging {
    const struct range *range;
    uint32_t given;
    int64_t ts_ns; /* of the last row seen */
    uint32_t same; /* rows of that time    */
    bool any, more;
};
enum asking_step asking_row(struct paging *p, int64_t ts_ns);
/* asking_full ends the page at the row that asking_row let through last, which is not given after
 * all. */
void asking_full(struct paging *p);
/* "next": where the following page begins, or null. */
void asking_next(const struct paging *p, struct json *j);

/* The names of an asset's channels. */
struct channels {
    uint32_t count, room;
    struct channel {
        uint32_t id;
        uint8_t kind;
        struct text name; /* malloc's */
    } * channel;          /* by id, ascending */
    bool failed;
};
bool channels_load(struct client *c, struct reader *reader, uint32_t asset,
                   struct channels *channels);
void channels_free(struct channels *channels);
const struct channel *channels_find(const struct channels *channels, uint32_t id);
const struct channel *channels_named(const struct channels *channels, struct text name);

/* A reader that failed: 400, 503 or 500. */
void asking_failed(struct client *c, andon_status status, const andon_error *err);

#endif
