/* What codec_decode works with while it reads one message. Lives on its stack. */
#ifndef INGEST_CODEC_INTAKE_H
#define INGEST_CODEC_INTAKE_H

#include "ingest/codec/codec.h"

#define INTAKE_WRAPS_MAX 4u /* CloudEvents inside each other */

struct intake {
    const struct message *message;
    const struct codec_rules *rules;
    struct decoded *out;
    andon_error *err;
    andon_status status; /* not OK: the whole message ends here, err says why */
    uint32_t index;      /* of the element that is read                      */
    uint32_t wraps;      /* envelopes of other messages that are open        */
    bool batch;          /* its elements stand for themselves                */
};

/* intake_room takes n bytes of out's room; NULL: there are none left, which ends the message. */
char *intake_room(struct intake *in, size_t n);

/* intake_full ends the message because out has no room for more of what. False. */
bool intake_full(struct intake *in, const char *what, uint32_t most);

/* intake_refuse counts an element or a value that cannot be read, and keeps why. False. */
bool intake_refuse(struct intake *in, const char *format, ...) ANDON_PRINTF(2, 3);

/* intake_broken ends the message: nothing in it can be read. False. */
bool intake_broken(struct intake *in, const char *format, ...) ANDON_PRINTF(2, 3);

/* A name in a line for people: printable, short. */
struct shown {
    char text[52];
};
struct shown intake_show(struct text text);
#define SHOW(name) (intake_show(name).text)

/* intake_path makes an asset's path of text: slashes at its ends are cut. False: it is none, and
 * why is refused. */
bool intake_path(struct intake *in, struct text text, struct text *path);

/* intake_readable says whether text is UTF-8 (RFC 3629) without control bytes, but for tabs and
 * line breaks when blanks is set. */
bool intake_readable(struct text text, bool blanks);

/* intake_joined puts a and b together with c between. False: no room. */
bool intake_joined(struct intake *in, struct text a, char c, struct text b, struct text *joined);

/* What out held at a moment, so that a reader can begin again. */
struct intake_mark {
    uint32_t readings, samples, room_used, refusals, nulls, repeated;
};
struct intake_mark intake_mark(const struct intake *in);
void intake_back(struct intake *in, struct intake_mark mark);

#endif
