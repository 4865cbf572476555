/* What InfluxDB's clients speak, on a listener of its own: its /health and /ping collide with
 * others'. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "serve/answers.h"
#include "serve/inner.h"
#include "serve/taking.h"

/* Both versions' names for the unit of a line's time; false: none that is taken here. */
static bool read_precision(const struct query *q, struct text *unit)
{
    static const struct {
        const char *said, *unit;
    } known[] = {{"", "ns"},   {"n", "ns"},        {"ns", "ns"}, {"u", "us"},
                 {"us", "us"}, {"\xc2\xb5", "us"}, {"ms", "ms"}, {"s", "s"}};
    const struct text *said = query_find(q, "precision");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!text_is(said == NULL ? TEXT("") : *said, text_of(known[i].said))) continue;
        *unit = text_of(known[i].unit);
        return true;
    }
    return false;
}

/* InfluxDB takes what it can and says how much it dropped, with status 400. */
static void say_partial(struct client *c, const struct receiver_outcome *outcome)
{
    char detail[320];
    const struct rejected *first = &c->worker->receiver.rejected[0];
    snprintf(detail, sizeof detail, "partial write: line %u: %s dropped=%llu",
             (unsigned)first->index + 1, first->reason, (unsigned long long)outcome->rejected);
    reply_influx(&c->reply, 400, detail);
}

void answer_influx_write(struct client *c)
{
    struct query q;
    struct receiver_outcome outcome;
    struct message message = {.door = MESSAGE_LINE};
    if (!client_query(c, &q)) return;
    if (!read_precision(&q, &message.topic)) {
        client_refuse(c, REFUSED_PARAMETER, 400, "invalid precision, expected ns, us, ms or s");
        return;
    }
    if (c->body == NULL || c->body->used == 0) {
        reply_constant(&c->reply, 204, NULL, "", 0); /* nothing to write is written */
        c->ready = true;
        return;
    }
    if (!take_readings(c, &message, PIECES_LINES, &outcome)) return;
    if (outcome.rejected > 0)
        say_partial(c, &outcome);
    else
        reply_constant(&c->reply, 204, NULL, "", 0);
    acknowledge_readings(c, &outcome);
}

void answer_influx_ping(struct client *c)
{
    reply_constant(&c->reply, 204, NULL, "", 0);
    c->ready = true;
}

void answer_influx_health(struct client *c)
{
    static const char text[] =
        "{\"name\":\"influxdb\",\"message\":\"ready for queries and writes\","
        "\"status\":\"pass\",\"checks\":[]}";
    reply_constant(&c->reply, 200, REPLY_JSON, text, sizeof text - 1);
    c->ready = true;
}

/* Telegraf and others create the database first; there is one, whatever its name. */
void answer_influx_query(struct client *c)
{
    static const char done[] = "{\"results\":[{\"statement_id\":0}]}\n";
    static const char wanted[] = "CREATE DATABASE";
    struct query q;
    if (!client_query(c, &q)) return;
    if (c->body != NULL && !query_split(&q, c->body->at, c->body->used)) q.params = 0;
    const struct text *said = query_find(&q, "q");
    if (said != NULL && said->length >= sizeof wanted - 1 &&
        strncasecmp(said->at, wanted, sizeof wanted - 1) == 0) {
        reply_constant(&c->reply, 200, REPLY_JSON, done, sizeof done - 1);
        c->ready = true;
        return;
    }
    client_refuse(c, REFUSED_PARAMETER, 400,
                  "only CREATE DATABASE is answered here; readings are asked for at "
                  "/api/andon/v1/readings on the other port");
}
