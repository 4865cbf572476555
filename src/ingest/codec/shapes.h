/* The shapes of messages: one file each, one table (codec.c). */
#ifndef INGEST_CODEC_SHAPES_H
#define INGEST_CODEC_SHAPES_H

#include "ingest/codec/draft.h"

struct shape {
    const char *name;
    bool (*takes)(const struct message *message);
    /* read makes samples of in->message. around: what is known from an envelope. False: the message
     * ends (in->status). */
    bool (*read)(struct intake *in, const struct place *around);
};

extern const struct shape shape_native, shape_line, shape_thingsboard, shape_gateway,
    shape_historian, shape_hub, shape_bakery, shape_foreign, shape_topic;

/* shape_read finds the shape of in->message and reads it. */
bool shape_read(struct intake *in, const struct place *around);

/* payload_read reads in->message's payload, whatever it is: JSON object, array or lines of objects,
 * a number, true or false, a text, CSV, line protocol. False: the message ends. */
bool payload_read(struct intake *in, const struct place *place);

/* Payloads that are no JSON object or array. */
bool bare_read(struct intake *in, const struct place *place, struct text text);

/* Line protocol. unit_ns: of its times; 0: their magnitude tells. */
bool line_looks(struct text text);
bool line_read(struct intake *in, const struct place *place, struct text text, int64_t unit_ns);

/* topic_asset is the asset that a topic, or a measurement called like one, speaks of. */
struct text topic_asset(struct text topic);

/* The next line of text, without its end; false: there is none. */
static inline bool text_line(struct text *text, struct text *line)
{
    if (text->length == 0) return false;
    const char *stop = memchr(text->at, '\n', text->length);
    uint32_t n = stop != NULL ? (uint32_t)(stop - text->at) : text->length;
    uint32_t taken = n + (stop != NULL);
    *line = (struct text){text->at, n};
    if (n > 0 && line->at[n - 1] == '\r') line->length--;
    text->at += taken;
    text->length -= taken;
    return true;
}

/* Blanks at both ends cut. */
static inline struct text text_trimmed(struct text text)
{
    while (text.length > 0 && pull_is_blank(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && pull_is_blank(text.at[text.length - 1])) text.length--;
    return text;
}

#endif
