/* A turn: what became of a batch of journal records. Filled by the floor, scored by the shards, committed
 * by the store; then used again. Its room is taken once; what does not fit waits for the next turn. */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/model.h"
#include "base/text.h"

#define TURN_ROWS_MAX 8192u
#define TURN_FIELDS_MAX (TURN_ROWS_MAX * 16u)
#define TURN_VALUES_MAX (TURN_ROWS_MAX * 128u)
#define TURN_TEXT_MAX (32u << 20)
#define TURN_DEAD_MAX 1024u
#define TURN_NONE UINT32_MAX

struct field { /* one channel's value in a row */
    uint32_t channel; /* the asset's own number of the channel */
    uint8_t kind;     /* enum reading_kind    */
    uint8_t quality;  /* enum reading_quality */
    uint32_t text, text_bytes; /* READING_TEXT: in turn->text */
    double number;
};

struct row {
    uint64_t offset;            /* of the record that completed it        */
    int64_t ts_ns, received_ns;
    uint32_t asset;             /* the floor's number                     */
    uint32_t field, fields;     /* turn->field[field .. field + fields)   */
    uint32_t value;             /* turn->value[value]: one per channel of the model; TURN_NONE: the
                                   verdict is settled already             */
    int32_t regime;
    int8_t running;
    uint8_t quality;            /* of the row's time                      */
    struct andon_verdict verdict;
    uint32_t share;             /* turn->share[share], like value         */
};

struct dead { /* what could not be read */
    uint64_t offset;
    int64_t received_ns;
    uint32_t index;
    uint8_t door;
    uint32_t client, client_bytes, topic, topic_bytes, payload, payload_bytes; /* in turn->text */
    char reason[200];
};

struct turn {
    uint64_t from, next; /* offsets: the first record, behind the last   */
    int64_t now_ns;      /* journal time at its end                      */
    uint32_t records, rows, fields, values, deads, text_used;
    struct row *row;     /* row[TURN_ROWS_MAX]                           */
    struct field *field; /* field[TURN_FIELDS_MAX]                       */
    double *value;       /* value[TURN_VALUES_MAX]                       */
    float *share;        /* share[TURN_VALUES_MAX]                       */
    struct dead *dead;   /* dead[TURN_DEAD_MAX]                          */
    char *text;          /* text[TURN_TEXT_MAX]                          */
    uint64_t dead_dropped; /* letters that found no room                 */
};

/* turn_open takes the room of a turn, about 50 MiB of addresses of which only what is used is
 * resident. False: no memory. */
bool turn_open(struct turn *turn);
void turn_close(struct turn *turn); /* safe on a zeroed one */

/* turn_begin empties it. */
void turn_begin(struct turn *turn, uint64_t from);

/* turn_keep copies text into the turn; TURN_NONE when there is no room. */
uint32_t turn_keep(struct turn *turn, struct text text);

static inline struct text turn_text(const struct turn *turn, uint32_t at, uint32_t bytes)
{
    return (struct text){turn->text + at, bytes};
}

#endif
