/* A message that outlives its turn: retained, queued for a subscriber, or a will. One copy in a
 * pool, shared by counting; never changed after it is made. */
#ifndef INGEST_MQTT_LETTER_H
#define INGEST_MQTT_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "ingest/mqtt/pool.h"

struct session;

/* What goes to subscribers; borrowed. */
struct mail {
    struct text topic, passed, payload; /* passed: a block of properties that go on unaltered */
    uint8_t qos;
    bool retain, expires;
    uint32_t expiry_s;          /* counted from since_ns */
    int64_t since_ns;           /* steady */
    const struct session *from; /* who published it; NULL: andon              */
};

struct letter {
    struct pool *pool;
    uint32_t references;
    uint32_t topic, passed, payload; /* bytes */
    uint32_t expiry_s;
    int64_t since_ns;
    uint8_t qos;
    bool expires;
    char bytes[];
};

/* letter_make copies; one reference belongs to the caller. NULL: the pool is full. */
struct letter *letter_make(struct pool *pool, const struct mail *mail);
struct letter *letter_hold(struct letter *letter);
void letter_drop(struct letter *letter); /* NULL is allowed */

/* letter_read points mail into the letter. */
void letter_read(const struct letter *letter, struct mail *mail);

static inline uint32_t letter_size(const struct letter *letter)
{
    return (uint32_t)sizeof *letter + letter->topic + letter->passed + letter->payload;
}

/* mail_left: seconds until it expires at now_ns, at least 1; 0: it has. */
static inline uint32_t mail_left(const struct mail *mail, int64_t now_ns)
{
    if (!mail->expires) return UINT32_MAX;
    int64_t gone = (now_ns - mail->since_ns) / 1000000000;
    return gone >= mail->expiry_s ? 0 : mail->expiry_s - (uint32_t)gone;
}

#endif
