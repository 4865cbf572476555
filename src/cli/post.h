/* Readings on their way into andon's HTTP door, in batches that are sent until they are taken.
 * Owned by one thread. */
#ifndef CLI_POST_H
#define CLI_POST_H

#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"

#define POST_REASON_ROOM 200

struct post;

struct post_answer {
    uint64_t accepted, rejected;
    uint64_t retries;              /* how often it was sent again          */
    char reason[POST_REASON_ROOM]; /* of the first that was rejected, or "" */
};

/* post_open gets ready to send to the andon at url, "http://127.0.0.1:8000"; nothing is sent yet.
 * ANDON_EINVAL url is none; ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status post_open(const char *url, struct post **post, andon_error *err);
void post_close(struct post *post); /* NULL is fine */

/* post_readings sends lines of NDJSON and returns when they are acknowledged. It sends again, after
 * what Retry-After says, while the door is busy (429), stopping (503) or out of room (507), or
 * cannot be reached: for five minutes, or five seconds before the first answer. What was in fact
 * taken before an answer got lost is taken as a repeat by the door. ANDON_EIO    nobody there, or
 * not within that time; a status that is none of the above ANDON_EDATA  nothing of it can be read
 * (400, 413, 422): err has the door's own words */
ANDON_MUST_CHECK andon_status post_readings(struct post *post, const char *lines, size_t size,
                                            struct post_answer *answer, andon_error *err);

#endif
