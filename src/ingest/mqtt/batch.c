/* The order that the whole endpoint is about:
 *
 *     collect -> journal_append -> journal_settle -> answers -> subscribers
 *
 * Append refused: nothing of the batch is in the journal; the senders hear so (MQTT 5) or are
 * closed. Settle failed: the batch is in the journal, but nobody knows whether it is durable; the
 * senders are closed without an answer and send again, and QoS 2 remembers that it has been there.
 */
#include "ingest/mqtt/batch.h"

#include <stdlib.h>

#include "base/log.h"
#include "ingest/message.h"
#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/delivery.h"
#include "ingest/mqtt/retained.h"
#include "ingest/mqtt/session.h"
#include "ingest/mqtt/will.h"

struct arrival {
    struct connection *connection; /* NULL: a will                                */
    struct session *session;
    struct will *will;
    struct text topic, properties, payload;
    uint32_t expiry_s;
    uint16_t packet;
    uint8_t qos;
    bool retain, expires, fresh;
};

struct batch {
    struct arrival *arrival;     /* arrival[BATCH_MESSAGES] */
    struct journal_entry *entry; /* entry[BATCH_MESSAGES]   */
    uint8_t *heads;              /* heads[HEADS_BYTES]      */
    uint32_t arrivals, entries, heads_used;
    bool answers; /* whether anybody waits for durability */
};

andon_status batch_open(struct endpoint *e, andon_error *err)
{
    struct batch *b = e->batch = calloc(1, sizeof *b);
    if (b != NULL) {
        b->arrival = calloc(BATCH_MESSAGES, sizeof *b->arrival);
        b->entry = calloc(BATCH_MESSAGES, sizeof *b->entry);
        b->heads = malloc(HEADS_BYTES);
    }
    e->arena_size = 2 * (size_t)e->options.packet_bytes_max + 8 * (size_t)READ_BYTES;
    e->arena = malloc(e->arena_size + READ_BYTES);
    if (b == NULL || b->arrival == NULL || b->entry == NULL || b->heads == NULL || e->arena == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for the endpoint's batch");
    return ANDON_OK;
}

void batch_close(struct endpoint *e)
{
    if (e->batch != NULL) {
        free(e->batch->arrival);
        free(e->batch->entry);
        free(e->batch->heads);
    }
    free(e->batch);
    free(e->arena);
}

static struct arrival *next_arrival(struct endpoint *e)
{
    struct batch *b = e->batch;
    if (b->arrivals == BATCH_MESSAGES || HEADS_BYTES - b->heads_used < MESSAGE_HEAD_MAX)
        batch_commit(e);
    return &b->arrival[b->arrivals++];
}

/* Writes the head; the arrival's topic is read from there from now on. */
static void enter(struct endpoint *e, struct arrival *a, const struct message *m)
{
    struct batch *b = e->batch;
    uint8_t *head = b->heads + b->heads_used;
    uint32_t size = (uint32_t)message_pack(m, head);
    b->heads_used += size;
    a->topic = (struct text){(const char *)head + size - m->topic.length, m->topic.length};
    b->entry[b->entries++] = (struct journal_entry){.type = JOURNAL_MESSAGE,
                                                    .received_ns = e->wall_ns,
                                                    .part = {head, m->payload.at},
                                                    .size = {size, m->payload.length}};
}

void batch_add(struct endpoint *e, struct connection *c, const struct publish *p, bool fresh)
{
    struct arrival *a = next_arrival(e);
    struct session *s = c->session;
    *a = (struct arrival){.connection = c,
                          .session = s,
                          .properties = p->properties,
                          .payload = p->payload,
                          .expiry_s = p->expiry_s,
                          .packet = p->packet,
                          .qos = p->qos,
                          .retain = p->retain,
                          .expires = p->expires,
                          .fresh = fresh};
    e->batch->answers |= p->qos > 0;
    if (!fresh) return;
    uint32_t flags = (p->dup ? MESSAGE_DUPLICATE : 0u) | (p->retain ? MESSAGE_RETAINED : 0u);
    struct message m = {.door = MESSAGE_MQTT,
                        .qos = p->qos,
                        .flags = (uint8_t)flags,
                        .packet = p->packet,
                        .session = s->number,
                        .client = s->client,
                        .user = s->user,
                        .topic = p->topic,
                        .payload = p->payload};
    enter(e, a, &m);
}

void batch_add_will(struct endpoint *e, struct will *w)
{
    struct arrival *a = next_arrival(e);
    struct mail mail;
    letter_read(w->letter, &mail);
    *a = (struct arrival){.will = w,
                          .properties = mail.passed,
                          .payload = mail.payload,
                          .expiry_s = mail.expiry_s,
                          .qos = mail.qos,
                          .retain = w->retain,
                          .expires = mail.expires,
                          .fresh = true};
    struct message m = {.door = MESSAGE_MQTT,
                        .qos = mail.qos,
                        .flags = (uint8_t)(MESSAGE_WILL | (w->retain ? MESSAGE_RETAINED : 0u)),
                        .session = w->session_number,
                        .client = w->client,
                        .user = w->user,
                        .topic = mail.topic,
                        .payload = mail.payload};
    enter(e, a, &m);
}

/* To subscribers, once it is in the journal. What begins with $ is kept, and passed on to nobody.
 */
static void deliver(struct endpoint *e, const struct arrival *a)
{
    if (text_starts(a->topic, TEXT("$"))) return;
    if (!a->retain && !delivery_wanted(e)) return;
    struct mail mail = {.topic = a->topic,
                        .passed = a->properties,
                        .payload = a->payload,
                        .qos = a->qos,
                        .retain = a->retain,
                        .expires = a->expires,
                        .expiry_s = a->expiry_s,
                        .since_ns = e->now_ns,
                        .from = a->session};
    if (a->will == NULL && a->properties.length > 0) { /* in place: the arena is ours */
        uint8_t *block = (uint8_t *)(uintptr_t)a->properties.at;
        mail.passed.length = (uint32_t)(properties_passed_on(a->properties, block) - block);
    }
    if (a->retain) retained_set(e, &mail, false);
    delivery_publish(e, &mail);
}

static void accept_one(struct endpoint *e, const struct arrival *a)
{
    struct connection *c = a->connection;
    if (c != NULL && a->qos > 0 && c->state == CONNECTION_OPEN) {
        answer_say(e, c, a->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, a->packet, REASON_OK);
        if (a->qos == 1) c->unanswered--;
    }
    if (a->fresh) deliver(e, a);
    if (a->will != NULL) will_spoken(e, a->will);
}

/* The journal has none of it. */
static void refuse_one(struct endpoint *e, const struct arrival *a)
{
    struct connection *c = a->connection;
    if (a->will != NULL) will_again(e, a->will);
    if (c == NULL) return;
    if (a->qos == 2 && a->fresh) session_release(e, a->session, a->packet);
    if (a->qos == 0 || c->state != CONNECTION_OPEN) return;
    if (c->version == VERSION_5 && a->fresh) {
        answer_say(e, c, a->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, a->packet, REASON_QUOTA);
        c->unanswered--;
    } else {
        connection_end(e, c, true);
    }
}

/* The journal has it, perhaps not for long: it has to be sent again. */
static void doubt_one(struct endpoint *e, const struct arrival *a)
{
    if (a->will != NULL) will_again(e, a->will);
    if (a->connection != NULL && a->qos > 0)
        connection_refuse(e, a->connection, REASON_IMPLEMENTATION);
}

static andon_status write_down(struct endpoint *e, bool *appended, andon_error *err)
{
    struct batch *b = e->batch;
    uint64_t end = 0;
    andon_status st = ANDON_OK;
    if (b->entries > 0)
        st = journal_append(e->journal, b->entry, b->entries, &end, err);
    else
        end = journal_end(e->journal);
    *appended = st == ANDON_OK;
    if (st == ANDON_OK && b->answers) st = journal_settle(e->journal, end, err);
    return st;
}

void batch_commit(struct endpoint *e)
{
    struct batch *b = e->batch;
    e->arena_used = 0;
    if (b->arrivals == 0) return;
    bool appended = false;
    andon_error err = {{0}};
    andon_status st = write_down(e, &appended, &err);
    if (st != ANDON_OK) {
        log_line(LOG_ERROR, "mqtt", "not journaled", "reason=\"%s\"", err.text);
        count_add(&e->counters.refused_full, b->arrivals);
    }
    for (uint32_t i = 0; i < b->arrivals; i++) {
        const struct arrival *a = &b->arrival[i];
        if (st == ANDON_OK)
            accept_one(e, a);
        else if (appended)
            doubt_one(e, a);
        else
            refuse_one(e, a);
    }
    b->arrivals = b->entries = b->heads_used = 0;
    b->answers = false;
}
