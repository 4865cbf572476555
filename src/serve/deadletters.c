/* GET deadletters, and POST deadletters/replay: what could not be read is put into the journal once
 * more, as a new message, with a record beside it that says so. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "serve/answers.h"
#include "serve/asking.h"

enum { LIMIT = 100, LIMIT_MAX = 1000, IDS_MAX = 100, BYTES_MAX = 24 << 20 };

/* ---- the list ---- */

struct list {
    struct json j;
    uint32_t limit, count;
    int64_t last;
    bool more;
};

static bool is_text(struct text t)
{
    struct json j;
    char *room = malloc(6 * (size_t)t.length + 16);
    bool same = false;
    if (room == NULL) return false;
    json_into(&j, room, 6 * (size_t)t.length + 16);
    json_text(&j, NULL, t);
    same = memmem(room, j.used, "\xef\xbf\xbd", 3) == NULL;
    free(room);
    return same;
}

static void put_base64(struct json *j, const char *name, struct text t)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = ((size_t)t.length + 2) / 3 * 4, used = 0;
    char *room = malloc(size + 1);
    if (room == NULL) {
        j->failed = true;
        return;
    }
    for (uint32_t i = 0; i < t.length; i += 3) {
        uint32_t left = t.length - i, group = 0;
        for (uint32_t k = 0; k < 3; k++)
            group = group << 8 | (k < left ? (uint8_t)t.at[i + k] : 0u);
        for (uint32_t k = 0; k < 4; k++)
            room[used++] = k <= left ? digit[group >> (18 - 6 * k) & 63] : '=';
    }
    json_text(j, name, (struct text){room, (uint32_t)used});
    free(room);
}

static bool put_letter(void *context, const struct reader_dead *d)
{
    struct list *l = context;
    struct json *j = &l->j;
    if (l->count == l->limit || j->used > BYTES_MAX) {
        l->more = true;
        return false;
    }
    l->count++;
    l->last = d->id;
    json_open(j, NULL, '{');
    json_whole(j, "id", d->id);
    json_time(j, "received", d->received_ns);
    if (d->replayed_ns != 0)
        json_time(j, "replayed", d->replayed_ns);
    else
        json_none(j, "replayed");
    json_text(j, "door", d->door);
    json_text(j, "client", d->client);
    json_text(j, "topic", d->topic);
    json_text(j, "reason", d->reason);
    json_whole(j, "index", d->index);
    json_whole(j, "offset", (long long)d->offset);
    if (is_text(d->payload))
        json_text(j, "payload", d->payload);
    else
        put_base64(j, "payload_base64", d->payload);
    json_close(j, '}');
    return true;
}

static bool read_list(struct client *c, struct list *l, int64_t *before)
{
    struct query q;
    uint64_t n = LIMIT, id = INT64_MAX;
    if (!client_query(c, &q)) return false;
    const struct text *limit = query_find(&q, "limit"), *next = query_find(&q, "next");
    if ((limit != NULL && (!query_whole(*limit, LIMIT_MAX, &n) || n == 0)) ||
        (next != NULL && next->length > 0 && !query_whole(*next, INT64_MAX, &id))) {
        client_refuse(c, REFUSED_PARAMETER, 400,
                      "limit or next is wrong, expected 1 to %d, and what the page before said",
                      LIMIT_MAX);
        return false;
    }
    l->limit = (uint32_t)n;
    *before = (int64_t)id;
    return true;
}

void answer_deadletters(struct client *c, struct reader *reader)
{
    struct list l = {0};
    int64_t before;
    andon_error err = {""};
    if (!read_list(c, &l, &before)) return;
    json_growing(&l.j, REPLY_BYTES_MAX);
    json_open(&l.j, NULL, '{');
    json_open(&l.j, "items", '[');
    andon_status st = reader_dead(reader, before, l.limit + 1, put_letter, &l, &err);
    if (st != ANDON_OK) {
        json_free(&l.j);
        asking_failed(c, st, &err);
        return;
    }
    json_close(&l.j, ']');
    if (l.more) {
        char next[24];
        snprintf(next, sizeof next, "%lld", (long long)l.last);
        json_cstring(&l.j, "next", next);
    } else {
        json_none(&l.j, "next");
    }
    json_close(&l.j, '}');
    reply_json(&c->reply, 200, &l.j);
    c->ready = true;
}

/* ---- once more ---- */

struct letter { /* copied */
    int64_t id, replayed_ns;
    uint64_t offset;
    uint32_t index;
    struct text door, client, topic, payload;
    char *room;
    bool found;
};

static struct text keep(char *room, size_t *used, struct text t)
{
    struct text kept = {room + *used, t.length};
    if (t.length > 0) memcpy(room + *used, t.at, t.length);
    *used += t.length;
    return kept;
}

static bool copy_letter(void *context, const struct reader_dead *d)
{
    struct letter *l = context;
    size_t used = 0;
    if (d->id != l->id) return false;
    l->room =
        malloc((size_t)d->door.length + d->client.length + d->topic.length + d->payload.length + 1);
    if (l->room == NULL) return false;
    l->replayed_ns = d->replayed_ns;
    l->offset = d->offset;
    l->index = d->index;
    l->door = keep(l->room, &used, d->door);
    l->client = keep(l->room, &used, d->client);
    l->topic = keep(l->room, &used, d->topic);
    l->payload = keep(l->room, &used, d->payload);
    l->found = true;
    return false;
}

static uint8_t door_of(struct text name)
{
    static const struct {
        const char *name;
        uint8_t door;
    } known[] = {
        {"mqtt", MESSAGE_MQTT}, {"broker", MESSAGE_BROKER},           {"http", MESSAGE_NATIVE},
        {"line", MESSAGE_LINE}, {"thingsboard", MESSAGE_THINGSBOARD}, {"file", MESSAGE_FILE}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (text_is(name, text_of(known[i].name))) return known[i].door;
    return MESSAGE_NATIVE;
}

static enum pieces_shape shape_of(const struct message *m)
{
    return m->door == MESSAGE_LINE ? PIECES_LINES : pieces_shape(m->payload.at, m->payload.length);
}

/* The element alone, where the letter names one. The first one's number is also that of a whole
 * message, so then all of it comes again; what was taken before is recognised as a repeat. */
static void narrow(struct message *m, uint32_t index)
{
    struct text element;
    if (index > 0 && pieces_element(shape_of(m), m->payload, index, &element)) m->payload = element;
}

static bool append_again(struct client *c, struct message *m, const struct letter *l, uint64_t *end,
                         andon_error *err)
{
    uint8_t head[MESSAGE_HEAD_MAX];
    char action[64];
    int64_t now_ns = clock_wall_ns();
    narrow(m, l->index);
    m->flags = 0;
    m->packet = 0;
    m->session = 0;
    int n =
        snprintf(action, sizeof action, "{\"action\":\"replayed\",\"id\":%lld}", (long long)l->id);
    const struct journal_entry entry[2] = {
        {.type = JOURNAL_MESSAGE,
         .received_ns = now_ns,
         .part = {head, m->payload.at},
         .size = {(uint32_t)message_pack(m, head), m->payload.length}},
        {.type = JOURNAL_ACTION,
         .received_ns = now_ns,
         .part = {action, NULL},
         .size = {(uint32_t)n, 0}}};
    andon_status st = journal_append(c->worker->server->journal, entry, 2, end, err);
    if (st == ANDON_OK) return true;
    if (st == ANDON_ELIMIT)
        client_refuse(c, REFUSED_FULL, 507, "not kept: %s", err->text);
    else
        client_refuse(c, REFUSED_FAILED, 503, "not kept: %s", err->text);
    return false;
}

/* As it stands in the journal, or else as the store remembers it (without the user). */
static bool replay(struct client *c, const struct letter *l, uint64_t *end)
{
    andon_error err = {""};
    struct journal_cursor *cursor = NULL;
    struct journal_record record;
    struct message m = {0};
    bool found = journal_cursor_open(c->worker->server->journal, NULL, l->offset, &cursor, &err) ==
                     ANDON_OK &&
                 journal_next(cursor, &record, &err) == 1 && record.offset == l->offset &&
                 record.type == JOURNAL_MESSAGE &&
                 message_unpack(record.body, record.size, record.received_ns, &m);
    if (!found)
        m = (struct message){.door = door_of(l->door),
                             .client = l->client,
                             .topic = l->topic,
                             .payload = l->payload};
    bool done = append_again(c, &m, l, end, &err);
    journal_cursor_close(cursor);
    return done;
}

struct wish {
    int64_t id[IDS_MAX];
    uint32_t ids;
    bool again;
};

static bool add_id(struct wish *w, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) <= 0 || w->ids == IDS_MAX)
        return false;
    w->id[w->ids++] = json_integer_value(value);
    return true;
}

static bool read_wish(struct client *c, struct wish *w)
{
    json_t *body = c->body == NULL ? NULL : json_loadb(c->body->at, c->body->used, 0, NULL);
    const json_t *ids = json_object_get(body, "ids"), *id = json_object_get(body, "id");
    bool good = true;
    for (size_t i = 0; i < json_array_size(ids); i++) good &= add_id(w, json_array_get(ids, i));
    if (id != NULL) good &= add_id(w, id);
    w->again = json_is_true(json_object_get(body, "again"));
    json_decref(body);
    if (good && w->ids > 0) return true;
    client_refuse(
        c, REFUSED_PARAMETER, 400,
        "expected {\"id\":n} or {\"ids\":[n,...]} with at most %d numbers of dead letters",
        IDS_MAX);
    return false;
}

struct replayed {
    struct json done, left;
    uint64_t end;
    uint32_t count;
};

static void leave(struct json *j, int64_t id, const char *reason)
{
    json_open(j, NULL, '{');
    json_whole(j, "id", id);
    json_cstring(j, "reason", reason);
    json_close(j, '}');
}

static bool replay_one(struct client *c, struct reader *reader, const struct wish *w, int64_t id,
                       struct replayed *r)
{
    struct letter l = {.id = id};
    andon_error err = {""};
    bool going = true;
    andon_status st =
        id == INT64_MAX ? ANDON_OK : reader_dead(reader, id + 1, 1, copy_letter, &l, &err);
    if (st != ANDON_OK) {
        asking_failed(c, st, &err);
        going = false;
    } else if (!l.found) {
        leave(&r->left, id, "there is no such dead letter");
    } else if (l.replayed_ns != 0 && !w->again) {
        leave(&r->left, id, "it was replayed before: say \"again\":true");
    } else {
        going = replay(c, &l, &r->end);
        if (going) {
            json_whole(&r->done, NULL, id);
            r->count++;
        }
    }
    free(l.room);
    return going;
}

static void say_replayed(struct client *c, struct replayed *r)
{
    andon_error err = {""};
    struct json j;
    json_close(&r->done, ']');
    json_close(&r->left, ']');
    if (r->count > 0 && journal_settle(c->worker->server->journal, r->end, &err) != ANDON_OK) {
        client_refuse(c, REFUSED_FAILED, 503, "not kept: %s", err.text);
        return;
    }
    json_growing(&j, REPLY_BYTES_MAX);
    json_open(&j, NULL, '{');
    json_raw(&j, "replayed", (struct text){r->done.at, (uint32_t)r->done.used});
    json_raw(&j, "left", (struct text){r->left.at, (uint32_t)r->left.used});
    json_close(&j, '}');
    reply_json(&c->reply, 200, &j);
    c->ready = true;
}

void answer_replay(struct client *c, struct reader *reader)
{
    struct wish wish = {0};
    struct replayed r = {0};
    if (!read_wish(c, &wish)) return;
    json_growing(&r.done, 1 << 20);
    json_growing(&r.left, 1 << 20);
    json_open(&r.done, NULL, '[');
    json_open(&r.left, NULL, '[');
    bool going = true;
    for (uint32_t i = 0; i < wish.ids && going; i++)
        going = replay_one(c, reader, &wish, wish.id[i], &r);
    if (going) say_replayed(c, &r);
    json_free(&r.done);
    json_free(&r.left);
}
