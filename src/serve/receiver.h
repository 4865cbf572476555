/* Readings from a request's body into the journal: cut into records, decoded once to know what
 * would be refused, appended all or none. One per event loop; its room is taken at the start. */
#ifndef SERVE_RECEIVER_H
#define SERVE_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/json.h"
#include "ingest/codec/codec.h"
#include "ingest/message.h"
#include "journal/journal.h"
#include "serve/pieces.h"

#define RECEIVER_REJECTED_TOLD 256u /* of one request */

struct receiver {
    struct decoded decoded;
    const struct codec_rules *rules;
    uint32_t piece_bytes_max, piece_bytes; /* the latter is what fits lately */
    struct journal_entry *entry;           /* entry[entries_max] */
    uint32_t entries_max;
    uint8_t
        head[MESSAGE_HEAD_MAX + 1]; /* of every record; behind it a '[' for those that want one */
    size_t head_size;
    struct rejected {
        uint32_t index;
        char reason[160];
    } rejected[RECEIVER_REJECTED_TOLD];
};

enum receiver_result {
    RECEIVER_TAKEN,      /* appended; some elements may be rejected            */
    RECEIVER_UNREADABLE, /* nothing in it could be read: err                   */
    RECEIVER_TOO_LARGE,  /* an element does not fit a record: err              */
    RECEIVER_FULL,       /* the disk is full: err                              */
    RECEIVER_FAILED      /* the journal failed: err                            */
};

struct receiver_outcome {
    uint64_t accepted, rejected; /* elements                               */
    uint32_t told;               /* of the rejected: receiver.rejected[told] */
    uint64_t end;                /* journal offset to settle               */
};

struct receiver_limits {
    uint32_t piece_bytes_max, samples_max, readings_max;
    uint64_t body_bytes_max;
};

ANDON_MUST_CHECK andon_status receiver_open(struct receiver *receiver,
                                            const struct receiver_limits *limits,
                                            const struct codec_rules *rules, andon_error *err);
void receiver_close(struct receiver *receiver); /* safe on a zeroed one */

/* receiver_take reads message, whose payload is body[length] with BODY_SLACK readable bytes behind
 * it, and appends it to the journal. It does not settle. Body is changed where arrays are cut.
 * Allocates nothing. What cannot be read at all is appended, too, when it is small: the engine
 * keeps it as a dead letter. */
enum receiver_result receiver_take(struct receiver *receiver, struct journal *journal,
                                   const struct message *message, enum pieces_shape shape,
                                   char *body, size_t length, struct receiver_outcome *outcome,
                                   andon_error *err);

#endif
