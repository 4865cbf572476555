/* POST readings and ThingsBoard's telemetry: a body becomes records of the journal, and only then
 * an answer. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "serve/answers.h"
#include "serve/inner.h"
#include "serve/taking.h"

/* Seconds for which the plant asks senders to wait. */
static bool plant_is_busy(struct client *c)
{
    const struct server_plant *plant = &c->worker->server->plant;
    uint32_t wait_s = plant->busy_s == NULL ? 0 : plant->busy_s(plant->context);
    if (wait_s == 0) return false;
    client_refuse(c, REFUSED_BUSY, 429, "more comes in than is worked off: come again in %u s",
                  (unsigned)wait_s);
    c->reply.retry_after_s = wait_s;
    return true;
}

static void refuse(struct client *c, enum receiver_result result, const andon_error *err)
{
    switch (result) {
    case RECEIVER_TAKEN: break;
    case RECEIVER_UNREADABLE: client_refuse(c, REFUSED_UNREADABLE, 400, "%s", err->text); break;
    case RECEIVER_TOO_LARGE: client_refuse(c, REFUSED_SIZE, 413, "%s", err->text); break;
    case RECEIVER_FULL:
        client_refuse(c, REFUSED_FULL, 507, "not kept: %s", err->text);
        c->reply.retry_after_s = 10;
        break;
    case RECEIVER_FAILED: client_refuse(c, REFUSED_FAILED, 503, "not kept: %s", err->text); break;
    }
}

/* Acknowledged when it is as durable as the policy promises: at once, or behind the turn's one
 * sync. */
void acknowledge_readings(struct client *c, const struct receiver_outcome *outcome)
{
    struct worker *w = c->worker;
    andon_error err = {""};
    c->ready = true;
    if (w->server->options.settle_waits) {
        c->waiting = w->unsettled;
        w->unsettled = c;
        if (outcome->end > w->unsettled_end) w->unsettled_end = outcome->end;
        client_phase(c, CLIENT_WORK);
        client_suspend(c);
    } else if (journal_settle(w->server->journal, outcome->end, &err) != ANDON_OK) {
        c->answer = NULL;
        client_refuse(c, REFUSED_FAILED, 503, "not kept: %s", err.text);
    }
}

bool take_readings(struct client *c, const struct message *message, enum pieces_shape shape,
                   struct receiver_outcome *outcome)
{
    struct worker *w = c->worker;
    andon_error err = {""};
    struct message m = *message;
    if (plant_is_busy(c)) return false;
    m.received_ns = clock_wall_ns();
    m.client = text_of(c->peer);
    enum receiver_result result = receiver_take(&w->receiver, w->server->journal, &m, shape,
                                                c->body->at, c->body->used, outcome, &err);
    tally_add(&w->tally.rejected, outcome->rejected);
    if (result != RECEIVER_TAKEN) {
        refuse(c, result, &err);
        return false;
    }
    tally_add(&w->tally.readings[c->listener], outcome->accepted);
    return true;
}

static void say_taken(struct client *c, const struct receiver_outcome *outcome)
{
    const struct receiver *r = &c->worker->receiver;
    struct json j;
    c->reply.status = 200;
    bool stopping = atomic_load(&c->worker->server->stopping); /* then the connection is closed */
    if (outcome->rejected == 0 && !stopping && thanks_take(c, outcome->accepted)) return;
    json_growing(&j, REPLY_BYTES_MAX);
    json_open(&j, NULL, '{');
    json_whole(&j, "accepted", (long long)outcome->accepted);
    json_open(&j, "rejected", '[');
    for (uint32_t i = 0; i < outcome->told; i++) {
        json_open(&j, NULL, '{');
        json_whole(&j, "index", r->rejected[i].index);
        json_cstring(&j, "reason", r->rejected[i].reason);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    if (outcome->rejected > outcome->told)
        json_whole(&j, "rejected_count", (long long)outcome->rejected);
    json_close(&j, '}');
    reply_json(&c->reply, 200, &j);
}

static bool has_body(struct client *c)
{
    if (c->body != NULL && c->body->used > 0) return true;
    client_refuse(c, REFUSED_UNREADABLE, 400, "the body is empty, expected readings as JSON");
    return false;
}

void answer_readings_post(struct client *c)
{
    struct receiver_outcome outcome;
    const struct message message = {.door = MESSAGE_NATIVE};
    if (!has_body(c)) return;
    if (!take_readings(c, &message, pieces_shape(c->body->at, c->body->used), &outcome)) return;
    say_taken(c, &outcome);
    acknowledge_readings(c, &outcome);
}

void answer_thingsboard(struct client *c)
{
    struct receiver_outcome outcome;
    char token[MESSAGE_NAME_MAX];
    if (!has_body(c)) return;
    int64_t length = -1;
    if (c->tail.length <= sizeof token) {
        memcpy(token, c->tail.at, c->tail.length);
        length = query_unescape(token, c->tail.length);
    }
    if (length < 0) {
        client_refuse(c, REFUSED_MALFORMED, 400, "the token has a wrong %%XX or more than %u bytes",
                      MESSAGE_NAME_MAX);
        return;
    }
    const struct message message = {.door = MESSAGE_THINGSBOARD, .user = {token, (uint32_t)length}};
    if (!take_readings(c, &message, pieces_shape(c->body->at, c->body->used), &outcome)) return;
    if (outcome.rejected > 0)
        say_taken(c, &outcome);
    else
        reply_constant(&c->reply, 200, NULL, "", 0);
    acknowledge_readings(c, &outcome);
}
