#include "ingest/mqtt/say.h"

#include <pthread.h>
#include <stdlib.h>

#include "ingest/mqtt/delivery.h"
#include "ingest/mqtt/retained.h"

enum { SAY_BYTES = 1 << 20 };

struct said { /* before the topic and the payload */
    uint32_t topic, payload;
    uint8_t qos;
    bool retain;
};

struct say {
    pthread_mutex_t lock; /* guards full and filled */
    uint8_t *filling, *emptying;
    uint32_t filled;
};

andon_status say_open(struct endpoint *e, andon_error *err)
{
    struct say *s = e->say = calloc(1, sizeof *s);
    if (s != NULL) {
        pthread_mutex_init(&s->lock, NULL);
        s->filling = malloc(SAY_BYTES);
        s->emptying = malloc(SAY_BYTES);
    }
    if (s == NULL || s->filling == NULL || s->emptying == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for what is to be said");
    return ANDON_OK;
}

void say_close(struct endpoint *e)
{
    if (e->say == NULL) return;
    pthread_mutex_destroy(&e->say->lock);
    free(e->say->filling);
    free(e->say->emptying);
    free(e->say);
}

bool say_put(struct endpoint *e, const struct mail *mail, bool *wake)
{
    struct say *s = e->say;
    struct said said = {mail->topic.length, mail->payload.length, mail->qos, mail->retain};
    uint64_t size = sizeof said + (uint64_t)mail->topic.length + mail->payload.length;
    pthread_mutex_lock(&s->lock);
    bool fits = size <= SAY_BYTES - s->filled;
    *wake = fits && s->filled == 0;
    if (fits) {
        uint8_t *at = s->filling + s->filled;
        memcpy(at, &said, sizeof said);
        put_bytes(put_bytes(at + sizeof said, mail->topic), mail->payload);
        s->filled += (uint32_t)size;
    }
    pthread_mutex_unlock(&s->lock);
    return fits;
}

void say_deliver(struct endpoint *e)
{
    struct say *s = e->say;
    pthread_mutex_lock(&s->lock);
    uint8_t *from = s->filling, *end = from + s->filled;
    s->filling = s->emptying;
    s->emptying = from;
    s->filled = 0;
    pthread_mutex_unlock(&s->lock);
    while (from < end) {
        struct said said;
        memcpy(&said, from, sizeof said);
        const char *topic = (const char *)from + sizeof said;
        struct mail mail = {.topic = {topic, said.topic},
                            .payload = {topic + said.topic, said.payload},
                            .qos = said.qos > 1 ? 1 : said.qos,
                            .retain = said.retain,
                            .since_ns = e->now_ns};
        from += sizeof said + said.topic + said.payload;
        count_one(&e->counters.said);
        if (said.retain) retained_set(e, &mail, true);
        delivery_publish(e, &mail);
    }
}
