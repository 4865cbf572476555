/* What the tests of the codecs share: a decoder with all it needs. */
#ifndef INGEST_CODEC_CODEC_CASE_H
#define INGEST_CODEC_CODEC_CASE_H

#include <stdlib.h>
#include <string.h>

#include "ingest/codec/codec.h"

enum { CASE_READINGS = 4096, CASE_SAMPLES = 256, CASE_ROOM = 1 << 16 };
#define ARRIVAL INT64_C(1717200000000000000)

struct bench { /* a decoder with all it needs */
    struct message message;
    struct codec_rules rules;
    struct decoded out;
    andon_status status;
    andon_error err;
};

static inline struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);
    if (b == NULL) abort();
    b->out = (struct decoded){.reading = calloc(CASE_READINGS, sizeof(struct reading)),
                              .sample = calloc(CASE_SAMPLES, sizeof(struct sample)),
                              .room = calloc(CASE_ROOM, 1),
                              .readings_max = CASE_READINGS,
                              .samples_max = CASE_SAMPLES,
                              .room_max = CASE_ROOM};
    b->message = (struct message){.door = MESSAGE_MQTT, .received_ns = ARRIVAL};
    b->rules.aliases = true;
    if (b->out.reading == NULL || b->out.sample == NULL || b->out.room == NULL) abort();
    return b;
}

static inline void bench_free(struct bench *b)
{
    free(b->out.reading);
    free(b->out.sample);
    free(b->out.room);
    free(b);
}

static inline andon_status decode(struct bench *b, const char *topic, struct text payload)
{
    b->message.topic = text_of(topic);
    b->message.payload = payload;
    b->status = codec_decode(&b->message, &b->rules, &b->out, &b->err);
    return b->status;
}

/* A copy without a byte behind it. */
static inline char *exact_copy(const char *text, uint32_t length)
{
    char *copy = malloc(length + (length == 0));
    if (copy == NULL) abort();
    memcpy(copy, text, length);
    return copy;
}

#endif
