#include "serve/receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES_MIN = 4096,
    DEAD_BYTES_MAX = 65536, /* of what is kept although nothing in it could be read */
    ROOM_BYTES = 1 << 20
};

andon_status receiver_open(struct receiver *r, const struct receiver_limits *limits,
                           const struct codec_rules *rules, andon_error *err)
{
    *r =
        (struct receiver){.rules = rules,
                          .piece_bytes_max = limits->piece_bytes_max,
                          .piece_bytes = limits->piece_bytes_max,
                          .entries_max = (uint32_t)(limits->body_bytes_max / PIECE_BYTES_MIN) + 16};
    struct decoded *d = &r->decoded;
    *d = (struct decoded){.reading = calloc(limits->readings_max, sizeof *d->reading),
                          .sample = calloc(limits->samples_max, sizeof *d->sample),
                          .room = malloc(ROOM_BYTES),
                          .readings_max = limits->readings_max,
                          .samples_max = limits->samples_max,
                          .room_max = ROOM_BYTES};
    r->entry = calloc(r->entries_max, sizeof *r->entry);
    if (d->reading != NULL && d->sample != NULL && d->room != NULL && r->entry != NULL)
        return ANDON_OK;
    receiver_close(r);
    return andon_fail(err, ANDON_ENOMEM, "no memory to decode %u readings of a request at a time",
                      (unsigned)limits->readings_max);
}

void receiver_close(struct receiver *r)
{
    free(r->decoded.reading);
    free(r->decoded.sample);
    free(r->decoded.room);
    free(r->entry);
    *r = (struct receiver){0};
}

/* One body on its way. */
struct take {
    struct receiver *r;
    const struct message *message;
    struct pieces pieces;
    uint32_t entries;
    uint64_t base;  /* elements in the pieces before */
    size_t target;  /* bytes of a piece */
    bool too_large; /* an element was */
    struct receiver_outcome *outcome;
};

static void reject(struct take *t, uint64_t index, const char *reason)
{
    if (t->outcome->rejected++ >= RECEIVER_REJECTED_TOLD) return;
    struct rejected *rejected = &t->r->rejected[t->outcome->told++];
    rejected->index = (uint32_t)index;
    snprintf(rejected->reason, sizeof rejected->reason, "%.*s", (int)sizeof rejected->reason - 1,
             reason);
}

/* An array's piece has its '[' only for the time of decoding: there the one before ends. */
static andon_status decode(struct take *t, const struct piece *piece, andon_error *err)
{
    struct message m = *t->message;
    m.payload = piece->text;
    if (!piece->opened) return codec_decode(&m, t->r->rules, &t->r->decoded, err);
    char *front = t->pieces.body + (piece->text.at - t->pieces.body) - 1;
    char before = *front;
    *front = '[';
    m.payload = (struct text){front, piece->text.length + 1};
    andon_status st = codec_decode(&m, t->r->rules, &t->r->decoded, err);
    *front = before;
    return st;
}

static uint32_t elements_accepted(const struct decoded *d)
{
    uint32_t elements = 0;
    for (uint32_t i = 0; i < d->samples; i++)
        elements += i == 0 || d->sample[i].index != d->sample[i - 1].index;
    return elements;
}

static void count(struct take *t, const struct decoded *d)
{
    uint32_t told = d->refusals < CODEC_REFUSALS_MAX ? d->refusals : CODEC_REFUSALS_MAX;
    for (uint32_t i = 0; i < told; i++)
        reject(t, t->base + d->refusal[i].index, d->refusal[i].reason);
    t->outcome->rejected += d->refusals - told;
    t->outcome->accepted += elements_accepted(d);
}

static bool keep(struct take *t, const struct piece *piece)
{
    struct receiver *r = t->r;
    if (t->entries == r->entries_max) return false;
    r->entry[t->entries++] = (struct journal_entry){
        .type = JOURNAL_MESSAGE,
        .received_ns = t->message->received_ns,
        .part = {r->head, piece->text.at},
        .size = {(uint32_t)r->head_size + piece->opened, piece->text.length}};
    return true;
}

/* What fits is known by trying: less after a failure, a little more after each success. */
static void adapt(struct take *t, const struct piece *piece)
{
    struct receiver *r = t->r;
    const struct decoded *d = &r->decoded;
    bool roomy = d->samples < d->samples_max / 4 * 3 && d->readings < d->readings_max / 4 * 3;
    if (roomy && piece->text.length > t->target / 2) t->target += t->target / 8;
    if (t->target > r->piece_bytes_max) t->target = r->piece_bytes_max;
    r->piece_bytes = (uint32_t)t->target;
}

/* False: nothing more can be kept. */
static bool take_piece(struct take *t, const struct piece *piece, andon_error *err)
{
    uint64_t most = JOURNAL_RECORD_MAX - sizeof t->r->head;
    if (piece->broken) {
        reject(t, t->base++, "JSON: the array ends without its ']'");
        return true;
    }
    andon_status st = piece->text.length <= most ? decode(t, piece, err) : ANDON_ELIMIT;
    if (st == ANDON_ELIMIT && piece->elements > 1 && t->target > 1) {
        pieces_back(&t->pieces, piece);
        t->target = piece->text.length / 2 < t->target ? piece->text.length / 2 : t->target / 2;
        t->r->piece_bytes = (uint32_t)(t->target < PIECE_BYTES_MIN ? PIECE_BYTES_MIN : t->target);
        return true;
    }
    if (piece->text.length > most)
        andon_fail(err, st, "an element of %u bytes, expected at most %u",
                   (unsigned)piece->text.length, (unsigned)most);
    bool kept = true;
    if (st != ANDON_OK) {
        t->too_large |= st == ANDON_ELIMIT;
        reject(t, t->base, err->text);
    } else {
        count(t, &t->r->decoded);
        adapt(t, piece);
        kept = keep(t, piece);
    }
    t->base += piece->elements;
    return kept;
}

/* A body that fits is one piece, as it is. */
static bool next_piece(struct take *t, struct piece *piece)
{
    struct pieces *p = &t->pieces;
    if (p->at > 0 || p->length > t->target || p->begun) return pieces_next(p, t->target, piece);
    *piece = (struct piece){.text = {p->body, (uint32_t)p->length}, .elements = UINT32_MAX};
    p->at = p->length;
    return p->length > 0;
}

static void pack(struct receiver *r, const struct message *message)
{
    struct message m = *message;
    m.flags |= MESSAGE_CHECKED;
    r->head_size = message_pack(&m, r->head);
    r->head[r->head_size] = '[';
}

static enum receiver_result append(struct take *t, struct journal *journal, andon_error *err)
{
    andon_status st = journal_append(journal, t->r->entry, t->entries, &t->outcome->end, err);
    if (st == ANDON_OK) return RECEIVER_TAKEN;
    return st == ANDON_ELIMIT ? RECEIVER_FULL : RECEIVER_FAILED;
}

static enum receiver_result refuse(struct take *t, struct journal *journal, size_t length,
                                   andon_error *err)
{
    if (t->outcome->told > 0)
        andon_fail(err, ANDON_EDATA, "%s", t->r->rejected[0].reason);
    else
        andon_fail(err, ANDON_EDATA, "there is no reading in it");
    if (t->too_large) return RECEIVER_TOO_LARGE;
    struct piece whole = {.text = {t->pieces.body, (uint32_t)length}};
    andon_error ignored;
    t->entries = 0;
    if (length > 0 && length <= DEAD_BYTES_MAX && keep(t, &whole))
        (void)append(t, journal, &ignored); /* nobody is told that it is kept */
    return RECEIVER_UNREADABLE;
}

enum receiver_result receiver_take(struct receiver *r, struct journal *journal,
                                   const struct message *message, enum pieces_shape shape,
                                   char *body, size_t length, struct receiver_outcome *outcome,
                                   andon_error *err)
{
    struct take t = {.r = r, .message = message, .target = r->piece_bytes, .outcome = outcome};
    struct piece piece;
    *outcome = (struct receiver_outcome){0};
    pack(r, message);
    pieces_begin(&t.pieces, shape, body, length);
    while (next_piece(&t, &piece)) {
        if (take_piece(&t, &piece, err)) continue;
        andon_fail(err, ANDON_ELIMIT,
                   "the body would become more than %u records: send less at a time",
                   (unsigned)r->entries_max);
        return RECEIVER_TOO_LARGE;
    }
    if (outcome->accepted == 0) return refuse(&t, journal, length, err);
    return append(&t, journal, err);
}
