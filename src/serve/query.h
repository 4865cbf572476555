/* What stands in a request's line: paths, parameters, times, durations. Pure functions over the
 * caller's bytes; every byte from outside is hostile. */
#ifndef SERVE_QUERY_H
#define SERVE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/text.h"

#define QUERY_PARAMS_MAX 96u

struct query_param {
    struct text name, value;
};

struct query {
    uint32_t params;
    struct query_param param[QUERY_PARAMS_MAX];
};

/* query_unescape takes %XX out of text[length] in place and returns the new length, or -1: a %
 * without two hexadecimal digits, or a byte 0. */
int64_t query_unescape(char *text, size_t length);

/* query_add unescapes one parameter in place and keeps it; both end in a 0. value may be NULL:
 * empty. False: a wrong escape, or more than QUERY_PARAMS_MAX. */
bool query_add(struct query *query, char *name, char *value);

/* query_split is query_add for a whole string "a=1&b=2", as in a body of
 * application/x-www-form-urlencoded; '+' is a blank. string[length] is changed. */
bool query_split(struct query *query, char *string, size_t length);

/* query_find gives the first value of name, or NULL; query_next the one behind *at (0 at first). */
const struct text *query_find(const struct query *query, const char *name);
const struct text *query_next(const struct query *query, const char *name, uint32_t *at);

/* query_time reads what timestamp_read reads, "now", and "now-15m" (any duration). A blank in front
 * of a zone stands for the '+' that somebody forgot to escape. */
bool query_time(struct text text, int64_t now_ns, int64_t *ts_ns);

/* query_duration reads "500ms", "60s", "5m", "1h", "7d", "1w" or a number of seconds; more than 0
 * and at most 100 years. */
bool query_duration(struct text text, int64_t *duration_ns);

/* query_whole reads a decimal number up to max. */
bool query_whole(struct text text, uint64_t max, uint64_t *value);

/* query_page reads what query_page_write wrote: where the next page of rows begins, the time of its
 * first row and how many rows of that time came already. */
#define QUERY_PAGE_ROOM 48
bool query_page(struct text text, int64_t *ts_ns, uint32_t *skip);
void query_page_write(char room[QUERY_PAGE_ROOM], int64_t ts_ns, uint32_t skip);

/* Figures of a bucket, in the order in which they were asked for. */
enum query_figure {
    QUERY_MEAN,
    QUERY_MIN,
    QUERY_MAX,
    QUERY_COUNT,
    QUERY_SUM,
    QUERY_LAST,
    QUERY_FIGURES
};
struct query_figures {
    uint32_t count;
    uint8_t figure[QUERY_FIGURES];
};
bool query_figures(struct text text, struct query_figures *figures); /* "mean,max" */
const char *query_figure_name(enum query_figure figure);

/* query_host_is_local tells whether a Host header (or the host of an Origin) names this machine
 * itself: localhost, 127.0.0.0/8 or ::1, with or without a port. */
bool query_host_is_local(struct text host);

/* query_host_of gives "host:port" of "http://host:port/..."; empty: it is none. */
struct text query_host_of(struct text url);

#endif
