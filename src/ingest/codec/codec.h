/* From a message's bytes to readings. One file per shape of payload behind one table; codec_decode
 * finds the shape (INTERFACES of the project: docs/payloads.md).
 *
 * A codec is a pure function of (message, rules): no clock, no state, no allocation. The door and
 * the engine call the same one, so what the door accepted the engine accepts. */
#ifndef INGEST_CODEC_CODEC_H
#define INGEST_CODEC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/text.h"
#include "ingest/message.h"

#define CODEC_DEPTH_MAX 32u      /* nested objects and arrays                         */
#define CODEC_CHANNELS_MAX 1024u /* of one sample                                     */
#define CODEC_PATH_MAX 512u      /* bytes of an asset path                            */
#define CODEC_CHANNEL_MAX 256u   /* bytes of a channel's name, a text value: 1024      */
#define CODEC_TEXT_MAX 1024u

enum reading_kind { READING_NUMBER, READING_FLAG, READING_TEXT };

/* Bits of quality; 0 is good. */
enum reading_quality {
    QUALITY_GOOD = 0,
    QUALITY_UNCERTAIN = 1, /* the source says so, or the time is andon's, not the source's      */
    QUALITY_BAD = 2,       /* the source says that the value is bad                             */
    QUALITY_STALE = 4      /* the source has gone (will, DEATH)                                 */
};

struct reading { /* one channel's value */
    struct text channel;
    struct text text; /* READING_TEXT: the value, trailing blanks cut                        */
    double number;    /* READING_NUMBER, READING_FLAG (0 or 1); always finite                */
    uint8_t kind;     /* enum reading_kind                                                   */
    uint8_t quality;
};

struct sample { /* what one asset said at one time: reading[first .. first + count) */
    struct text
        asset; /* "site/line/pump1": no leading or trailing '/', no '+', '#', control bytes */
    struct text item;  /* id of the made item, if the message names one                      */
    int64_t ts_ns;     /* event time, UTC                                                    */
    bool ts_given;     /* false: the message has no time; ts_ns is when it was received      */
    uint64_t sequence; /* source sequence (messageCount, messageId, seq), 0 when none        */
    bool sequence_given;
    uint32_t first, count; /* count 0: it spoke, but every value was null                     */
    uint32_t index;        /* which element of a batch it came from, 0-based                     */
};

struct refusal { /* an element, or one of its values, that could not be read */
    uint32_t index;
    char reason[160]; /* one line: what, where, expected */
};

#define CODEC_REFUSALS_MAX 64u

/* Where decoded readings go. The caller gives the room once and uses it again and again. Text
 * points into the payload, or into room where it had to be unescaped or put together. */
struct decoded {
    struct reading *reading; /* reading[readings_max] */
    struct sample *sample;   /* sample[samples_max]   */
    char *room;              /* room[room_max]        */
    uint32_t readings_max, samples_max, room_max;

    uint32_t readings, samples, room_used; /* out */
    uint32_t refusals;                     /* how many there were; the first ...MAX of them:    */
    struct refusal refusal[CODEC_REFUSALS_MAX];
    uint32_t nulls;    /* values that were null or NaN: no reading           */
    uint32_t repeated; /* keys that an object had before: the last one counts */
};

struct zone;

/* Names of ours for keys of others, and what the configuration says. */
struct codec_rules {
    int32_t zone_s;          /* a time without a zone is this far east of UTC, in seconds; used when
                                zone is NULL                                                    */
    const struct zone *zone; /* base/zone.h: opened once at the start, by its IANA name; or NULL */
    bool aliases;            /* temp -> temperature, hum -> humidity, sound -> sound_volume       */
};

/* codec_decode reads message. ANDON_OK: out holds at least one sample or only refusals (batch).
 * ANDON_EDATA  nothing can be read; err says what, where, expected, and goes to the dead letters
 * ANDON_ELIMIT more readings, samples or text than out has room for */
ANDON_MUST_CHECK andon_status codec_decode(const struct message *message,
                                           const struct codec_rules *rules, struct decoded *out,
                                           andon_error *err);

#endif
