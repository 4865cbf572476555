/* A sample while it is put together: one asset at one time. Its readings are the newest of the
 * intake's; a draft that is dropped takes them away again.
 *
 * Keys of the table (keys.h) become time, sequence and item; every other key a channel. Of two
 * times the one that ranks first is the time and the other one a channel. A channel that comes
 * twice has its last value. */
#ifndef INGEST_CODEC_DRAFT_H
#define INGEST_CODEC_DRAFT_H

#include "ingest/codec/intake.h"
#include "ingest/codec/keys.h"
#include "ingest/codec/pull.h"

#define DRAFT_LINEAR 24u  /* up to so many channels a repeat is looked for one by one */
#define DRAFT_SLOTS 2048u /* then in a table                                          */
_Static_assert(DRAFT_SLOTS >= 2 * CODEC_CHANNELS_MAX, "the table is at most half full");

struct draft_time {
    int64_t ts_ns;
    uint8_t rank; /* of the key; DRAFT_TIME_OUTER: of what is around; KEY_RANK_NONE: no time yet */
    struct value key, value; /* as they stood, should a better one come                     */
};
#define DRAFT_TIME_OUTER (KEY_RANK_NONE - 1)

/* What is known of readings before their payload is looked at: from the topic, or from around them.
 */
struct place {
    struct text asset; /* of readings that name none; may be empty                              */
    struct text group; /* in front of every channel's name, with a point; or nothing            */
    int64_t time_ns;   /* of readings without a time, when time_given                           */
    int64_t unit_ns;   /* of times that are epoch numbers; 0: their magnitude tells             */
    struct text properties; /* "a=1&b=2" of the topic: channels of every sample                 */
    bool time_given;
    bool aliases; /* other people's names of channels become ours, if the rules say so     */
    bool objects; /* nothing but JSON objects and arrays of them                           */
    bool native;  /* elements name their asset and hold "values"                           */
};

struct draft {
    struct intake *in;
    struct text asset;
    struct text group; /* in front of every channel's name, with a point; or nothing */
    struct text item;
    struct text properties; /* see struct place                                      */
    struct draft_time time;
    struct value date_key, date, clock_key, clock; /* halves of a time */
    uint64_t sequence;
    int64_t unit_ns;    /* see struct place                               */
    uint32_t first;     /* of its readings                                */
    uint8_t quality;    /* of all of them                                 */
    uint8_t rank_shift; /* what is added to the rank of times: an envelope's come first */
    bool aliases, sequence_given;
    bool heard;                 /* there was a null                               */
    bool wrong;                 /* there was a value that had to be refused       */
    bool refused;               /* the element cannot be read: a refusal is kept  */
    bool hashed;                /* slot[] is in use                               */
    uint64_t seen[2];           /* one bit per name's hash                        */
    uint16_t slot[DRAFT_SLOTS]; /* reading's number + 1, 0: free          */
};

void draft_begin(struct draft *d, struct intake *in, const struct place *place);

/* draft_drop takes its readings away; refusals stay. */
void draft_drop(struct draft *d);

/* draft_group puts a key in front of the names of the channels to come; group has what it was
 * before. False: the key is no name (the message goes on) or the message ends. */
bool draft_group(struct draft *d, const struct value *key, struct text *before);

/* draft_channel is draft_put for a key that is a channel whatever it is called. */
bool draft_channel(struct draft *d, const struct value *key, const struct value *value);

/* draft_read_time reads a time; a zone-less one is the plant's. unit_ns as in timestamp_read_epoch.
 */
enum draft_time_kind { DRAFT_TIME_NONE, DRAFT_TIME_READ, DRAFT_TIME_WRONG };
enum draft_time_kind draft_read_time(const struct intake *in, const struct value *value,
                                     int64_t unit_ns, int64_t *ts_ns);

/* draft_refuse_time refuses the draft for a time that is none. False. */
bool draft_refuse_time(struct intake *in, const struct value *key, const struct value *value);

/* The parts of draft_put, for shapes whose keys are known. draft_time: false when value is no time
 * (the element is refused when must is set). unit_ns as in timestamp_read_epoch. */
bool draft_time(struct draft *d, const struct value *key, const struct value *value, uint8_t rank,
                int64_t unit_ns, bool must);
bool draft_sequence(struct draft *d, const struct value *value);
bool draft_item(struct draft *d, const struct value *value);

/* draft_place is where what is inside the draft's object belongs: its asset, its time. */
struct place draft_place(const struct draft *d);

/* draft_pairs takes keys and numbers from p as long as they stand there the way devices write them,
 * one behind the other. False: as draft_put. */
bool draft_pairs(struct draft *d, struct pull *p);

/* draft_join_halves makes a time of Date and Time, once both are there, or channels. False: as
 * draft_put. */
bool draft_join_halves(struct draft *d);

/* draft_end makes it a sample. False: it has none to make (a refusal says why) or the message ends.
 */
bool draft_end(struct draft *d);

/* The long ways of draft_put: a key that may mean something, a value that is no plain number; a
 * name that may have come before, or no room. */
bool draft_put_rest(struct draft *d, const struct value *key, const struct value *value,
                    struct key_words words, uint64_t hash);
struct reading *draft_reading_rest(struct draft *d, struct text name, uint64_t hash);

/* The place for a channel's value; NULL: it has none or the message ends. */
static inline struct reading *draft_reading(struct draft *d, struct text name, uint64_t hash)
{
    struct decoded *out = d->in->out;
    uint64_t bit = (uint64_t)1 << (hash >> 52 & 63), *seen = &d->seen[hash >> 51 & 1];
    if (out->readings - d->first >= DRAFT_LINEAR || out->readings == out->readings_max ||
        (*seen & bit) != 0)
        return draft_reading_rest(d, name, hash);
    *seen |= bit;
    struct reading *r = &out->reading[out->readings++];
    r->channel = name;
    return r;
}

static inline bool draft_put_number(struct draft *d, struct text name, uint64_t hash, double number)
{
    struct reading *r = draft_reading(d, name, hash);
    if (r == NULL) return false;
    r->number = number;
    r->text.length = 0;
    r->kind = READING_NUMBER;
    return true;
}

/* draft_put gives a key and its scalar value to the draft. False: the element is refused or the
 * message ends. */
static inline bool draft_put(struct draft *d, const struct value *key, const struct value *value)
{
    struct key_words words = key_words(key->text);
    uint64_t hash = key_hash(key->text, words);
    uint32_t n = key->text.length;
    if (value->kind != VALUE_NUMBER || !value->exact || !key->plain || n - 1 >= CODEC_CHANNEL_MAX ||
        d->group.length > 0 || key_may_mean(n, hash))
        return draft_put_rest(d, key, value, words, hash);
    return draft_put_number(d, key->text, hash, value->number);
}

/* What a string stands for: its own text, or unescaped into the intake's room. */
bool draft_text(struct intake *in, const struct value *value, struct text *text);

#endif
