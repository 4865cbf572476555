/* GET assets and GET assets/{path}. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "andon/model.h"
#include "serve/answers.h"
#include "serve/asking.h"
#include "serve/verdicts.h"

enum { LIMIT = 1000 };

struct known { /* an asset, copied: what the reader lends is gone with its next call */
    struct reader_asset asset;
    char *text;
};

struct question {
    struct client *c;
    const struct text *q, *state;
    struct text path; /* of the one wanted; length 0: all */
    uint32_t limit, behind;
    struct known *known;
    uint32_t count, room;
    bool more, failed;
};

static bool contains(struct text text, struct text part)
{
    for (uint32_t i = 0; i + part.length <= text.length; i++)
        if (strncasecmp(text.at + i, part.at, part.length) == 0) return true;
    return false;
}

static bool is_wanted(const struct question *q, const struct reader_asset *a)
{
    if (a->asset <= q->behind) return false;
    if (q->path.length > 0) return text_is(q->path, a->path);
    if (q->q != NULL && !contains(a->path, *q->q)) return false;
    if (q->state == NULL) return true;
    const char *state =
        andon_state_name(a->judged ? (enum andon_state)a->last.state : ANDON_UNKNOWN);
    return q->state->length == strlen(state) &&
           strncasecmp(q->state->at, state, strlen(state)) == 0;
}

static bool copy(struct known *k, const struct reader_asset *a)
{
    k->asset = *a;
    k->text = malloc((size_t)a->path.length + a->description.length + 1);
    if (k->text == NULL) return false;
    if (a->path.length > 0) memcpy(k->text, a->path.at, a->path.length);
    if (a->description.length > 0)
        memcpy(k->text + a->path.length, a->description.at, a->description.length);
    k->asset.path.at = k->text;
    k->asset.description.at = k->text + a->path.length;
    return true;
}

static bool keep(void *context, const struct reader_asset *a)
{
    struct question *q = context;
    if (!is_wanted(q, a)) return true;
    if (q->count == q->limit) {
        q->more = true;
        return false;
    }
    if (q->count == q->room) {
        uint32_t room = q->room == 0 ? 64 : 2 * q->room;
        struct known *more = realloc(q->known, room * sizeof *more);
        q->failed |= more == NULL;
        if (more == NULL) return false;
        q->known = more;
        q->room = room;
    }
    q->failed |= !copy(&q->known[q->count], a);
    q->count += !q->failed;
    return !q->failed;
}

/* ---- writing ---- */

static void put_channels(struct json *j, const struct channels *channels)
{
    static const char *const kind[] = {"number", "flag", "text"};
    json_open(j, "channels", '[');
    for (uint32_t i = 0; i < channels->count; i++) {
        json_open(j, NULL, '{');
        json_text(j, "name", channels->channel[i].name);
        json_cstring(j, "kind",
                     channels->channel[i].kind < 3 ? kind[channels->channel[i].kind] : NULL);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/* What the engine knows beside: its members, but for those that stand here already. True:
 * "channels" is among them. */
static bool put_description(struct json *j, struct text description)
{
    static const char *const ours[] = {"asset", "rows", "first", "last", "model", "model_version"};
    json_t *all = description.length == 0 ? NULL
                                          : json_loadb(description.at, description.length, 0, NULL),
           *value;
    const char *key;
    bool channels = false;
    json_object_foreach(all, key, value)
    {
        bool is_ours = false;
        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
            is_ours |= strcmp(key, ours[i]) == 0;
        char *text = is_ours ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text != NULL) json_raw(j, key, text_of(text));
        channels |= text != NULL && strcmp(key, "channels") == 0;
        free(text);
    }
    json_decref(all);
    return channels;
}

static bool has_member(struct text description, const char *name)
{
    json_t *all =
        description.length == 0 ? NULL : json_loadb(description.at, description.length, 0, NULL);
    bool has = json_object_get(all, name) != NULL;
    json_decref(all);
    return has;
}

static void put_state(struct json *j, struct reader *reader, const struct reader_asset *a,
                      const struct channels *channels)
{
    const struct store_verdict *v = &a->last;
    struct text model;
    uint32_t version;
    if (!has_member(a->description, "state")) {
        json_cstring(j, "state",
                     andon_state_name(a->judged ? (enum andon_state)v->state : ANDON_UNKNOWN));
        json_cstring(j, "reason",
                     a->judged ? andon_reason_name((enum andon_reason)v->reason) : "no_model");
    }
    if (!a->judged) return;
    json_bool(j, "is_anomaly", v->is_anomaly);
    json_number(j, "anomaly_score", v->score);
    json_number(j, "p_value", v->p_value);
    const struct channel *leads = channels_find(channels, v->channel);
    if (leads != NULL) json_text(j, "channel", leads->name);
    if (v->model != 0 && reader_model_name(reader, v->model, &model, &version)) {
        char text[16];
        json_text(j, "model", model);
        snprintf(text, sizeof text, "%u", (unsigned)version);
        json_cstring(j, "model_version", text);
    }
}

static void put_asset(struct json *j, struct reader *reader, const struct reader_asset *a,
                      const struct channels *channels)
{
    json_text(j, "asset", a->path);
    put_state(j, reader, a, channels);
    json_whole(j, "rows", (long long)a->rows);
    if (a->rows > 0) {
        json_time(j, "first", a->first_ts_ns);
        json_time(j, "last", a->last_ts_ns);
    }
    if (!put_description(j, a->description)) put_channels(j, channels);
}

/* ---- the newest reading of each channel ---- */

struct newest {
    struct json *j;
    const struct channels *channels;
};

static bool put_values(void *context, const struct reader_row *row)
{
    struct newest *n = context;
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        const struct channel *channel = channels_find(n->channels, f->channel);
        if (channel == NULL) continue;
        json_name(n->j, channel->name);
        if (f->kind == STORE_TEXT)
            json_text(n->j, NULL, f->text);
        else if (f->kind == STORE_FLAG)
            json_bool(n->j, NULL, f->number != 0.0);
        else
            json_number(n->j, NULL, f->number);
    }
    return false; /* one row: keys come once */
}

static void put_last(struct json *j, struct reader *reader, const struct reader_asset *a,
                     const struct channels *channels)
{
    struct newest n = {j, channels};
    andon_error err;
    if (a->rows == 0 || a->last_ts_ns == INT64_MAX) return;
    json_open(j, "values", '{');
    if (reader_rows(reader, a->asset, a->last_ts_ns, a->last_ts_ns + 1, put_values, &n, &err) !=
        ANDON_OK)
        j->failed = true;
    json_close(j, '}');
}

/* ---- answers ---- */

static bool gather(struct question *q, struct reader *reader)
{
    andon_error err = {""};
    andon_status st = reader_assets(reader, keep, q, &err);
    if (st == ANDON_OK && q->failed)
        st = andon_fail(&err, ANDON_ENOMEM, "no memory for the assets");
    if (st != ANDON_OK) asking_failed(q->c, st, &err);
    return st == ANDON_OK;
}

static void release(struct question *q)
{
    for (uint32_t i = 0; i < q->count; i++) free(q->known[i].text);
    free(q->known);
}

static bool put_list(struct question *q, struct reader *reader, struct json *j)
{
    json_open(j, NULL, '{');
    json_open(j, "items", '[');
    for (uint32_t i = 0; i < q->count; i++) {
        struct channels channels;
        if (!channels_load(q->c, reader, q->known[i].asset.asset, &channels)) return false;
        json_open(j, NULL, '{');
        put_asset(j, reader, &q->known[i].asset, &channels);
        json_close(j, '}');
        channels_free(&channels);
    }
    json_close(j, ']');
    if (q->more) {
        char next[16];
        snprintf(next, sizeof next, "%u", (unsigned)q->known[q->count - 1].asset.asset);
        json_cstring(j, "next", next);
    } else {
        json_none(j, "next");
    }
    json_close(j, '}');
    return true;
}

static bool read_list(struct question *q, const struct query *query)
{
    const struct text *limit = query_find(query, "limit"), *next = query_find(query, "next");
    uint64_t n = LIMIT, behind = 0;
    q->q = query_find(query, "q");
    q->state = query_find(query, "state");
    if ((limit != NULL && (!query_whole(*limit, ASKING_LIMIT_MAX, &n) || n == 0)) ||
        (next != NULL && next->length > 0 && !query_whole(*next, UINT32_MAX, &behind))) {
        client_refuse(q->c, REFUSED_PARAMETER, 400,
                      "limit or next is wrong, expected 1 to %u, and what the page before said",
                      ASKING_LIMIT_MAX);
        return false;
    }
    q->limit = (uint32_t)n;
    q->behind = (uint32_t)behind;
    return true;
}

void answer_assets(struct client *c, struct reader *reader)
{
    struct query query;
    struct question q = {.c = c};
    struct json j;
    if (!client_query(c, &query) || !read_list(&q, &query)) return;
    json_growing(&j, REPLY_BYTES_MAX);
    if (gather(&q, reader) && put_list(&q, reader, &j)) {
        reply_json(&c->reply, 200, &j);
        c->ready = true;
    }
    json_free(&j);
    release(&q);
}

static bool read_path(struct client *c, char *room, size_t bytes, struct text *path)
{
    int64_t length = -1;
    if (c->tail.length < bytes) {
        memcpy(room, c->tail.at, c->tail.length);
        length = query_unescape(room, c->tail.length);
    }
    if (length <= 0) {
        client_refuse(c, REFUSED_MALFORMED, 400, "the path has a wrong %%XX or is too long");
        return false;
    }
    *path = (struct text){room, (uint32_t)length};
    return true;
}

void answer_asset(struct client *c, struct reader *reader)
{
    char room[3 * CODEC_PATH_MAX + 1];
    struct question q = {.c = c, .limit = 1};
    struct channels channels;
    struct json j;
    if (!read_path(c, room, sizeof room, &q.path)) return;
    if (reader_asset_find(reader, q.path) == 0) {
        client_refuse(c, REFUSED_PATH, 404, "there is no asset \"%.*s\"",
                      q.path.length < 200 ? (int)q.path.length : 200, q.path.at);
        return;
    }
    if (gather(&q, reader) && q.count == 1 &&
        channels_load(c, reader, q.known[0].asset.asset, &channels)) {
        json_growing(&j, REPLY_BYTES_MAX);
        json_open(&j, NULL, '{');
        put_asset(&j, reader, &q.known[0].asset, &channels);
        put_last(&j, reader, &q.known[0].asset, &channels);
        json_close(&j, '}');
        reply_json(&c->reply, 200, &j);
        c->ready = true;
        channels_free(&channels);
    } else if (!c->ready) {
        client_refuse(c, REFUSED_PATH, 404, "the asset is gone");
    }
    release(&q);
}
