/* GET verdicts: what andon said of an asset, a record for each judged row. */
#include "serve/verdicts.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "andon/model.h"
#include "serve/answers.h"
#include "serve/asking.h"

enum { LIMIT = 1000, LIMIT_MAX = 10000 };

static void put_reason(struct json *j, const struct store_verdict *v)
{
    char text[32];
    const char *reason = andon_reason_name((enum andon_reason)v->reason);
    size_t n = 0;
    if (v->state == ANDON_ANOMALY) {
        json_cstring(j, "prediction_reason", "ANOMALY_DETECTED");
    } else if (v->state == ANDON_NORMAL) {
        json_cstring(j, "prediction_reason", "NO_ANOMALY_DETECTED");
    } else if (reason[0] != 0) {
        for (; reason[n] != 0 && n < sizeof text - 1; n++)
            text[n] = (char)toupper((unsigned char)reason[n]);
        text[n] = 0;
        json_cstring(j, "prediction_reason", text);
    }
}

static void put_part(struct json *j, const struct channels *channels, uint32_t channel, double part)
{
    const struct channel *known = channels_find(channels, channel);
    if (known == NULL) return;
    json_open(j, NULL, '{');
    json_text(j, "name", known->name);
    json_number(j, "value", part);
    json_close(j, '}');
}

static void put_diagnostics(struct json *j, const struct channels *channels,
                            const struct store_verdict *v)
{
    if (v->shares == 0 && v->channel == STORE_NO_CHANNEL) return;
    json_open(j, "diagnostics", '[');
    for (uint32_t i = 0; i < v->shares && i < STORE_SHARES_MAX; i++)
        put_part(j, channels, v->share_channel[i], (double)v->share_part[i]);
    if (v->shares == 0) put_part(j, channels, v->channel, (double)v->share);
    json_close(j, ']');
}

/* A float has fewer digits than a double would show. */
static double rounded(float value)
{
    return isfinite(value) ? round((double)value * 1e6) / 1e6 : (double)value;
}

void verdicts_put(struct json *j, struct reader *reader, const struct channels *channels,
                  const struct store_verdict *v)
{
    struct text model;
    uint32_t version;
    if (v->model != 0 && reader_model_name(reader, v->model, &model, &version)) {
        char text[16];
        json_text(j, "model", model);
        snprintf(text, sizeof text, "%u", (unsigned)version);
        json_cstring(j, "model_version", text);
    }
    json_cstring(j, "state", andon_state_name((enum andon_state)v->state));
    json_bool(j, "is_anomaly", v->is_anomaly);
    if (v->state == ANDON_UNKNOWN)
        json_none(j, "prediction");
    else
        json_whole(j, "prediction", v->is_anomaly);
    put_reason(j, v);
    json_number(j, "anomaly_score", v->score);
    json_number(j, "p_value", v->p_value);
    if (v->model != 0) {
        json_number(j, "confidence", rounded(v->confidence));
        json_number(j, "threshold", 1.0);
        json_number(j, "coverage", rounded(v->coverage));
    }
    put_diagnostics(j, channels, v);
}

struct judged {
    int64_t ts_ns;
    struct store_verdict verdict;
};

struct question {
    struct client *c;
    struct range range;
    struct paging paging;
    struct judged *judged; /* judged[room] */
    uint32_t count, room;
    bool failed;
};

static bool keep(void *context, const struct reader_row *row)
{
    struct question *q = context;
    if (!row->judged) return true;
    enum asking_step step = asking_row(&q->paging, row->ts_ns);
    if (step != ASKING_GIVE) return step == ASKING_PASS;
    if (q->count == q->room) {
        uint32_t room = q->room == 0 ? 256 : 2 * q->room;
        struct judged *more = realloc(q->judged, room * sizeof *more);
        q->failed |= more == NULL;
        if (more == NULL) return false;
        q->judged = more;
        q->room = room;
    }
    q->judged[q->count++] = (struct judged){row->ts_ns, row->verdict};
    return !atomic_load(&q->c->worker->server->stopping);
}

static void put_all(struct question *q, struct reader *reader, struct text path,
                    const struct channels *channels)
{
    struct json j;
    json_growing(&j, REPLY_BYTES_MAX);
    json_open(&j, NULL, '{');
    json_open(&j, "items", '[');
    for (uint32_t i = 0; i < q->count; i++) {
        json_open(&j, NULL, '{');
        json_time(&j, "timestamp", q->judged[i].ts_ns);
        json_text(&j, "asset", path);
        verdicts_put(&j, reader, channels, &q->judged[i].verdict);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    asking_next(&q->paging, &j);
    json_close(&j, '}');
    reply_json(&q->c->reply, 200, &j);
    q->c->ready = true;
}

void answer_verdicts(struct client *c, struct reader *reader)
{
    struct query query;
    struct question q = {.c = c};
    struct text path;
    struct channels channels;
    uint32_t asset;
    andon_error err = {""};
    if (!client_query(c, &query) || !asking_range(c, &query, LIMIT, &q.range) ||
        !asking_asset(c, reader, &query, &asset, &path) ||
        !channels_load(c, reader, asset, &channels))
        return;
    if (q.range.limit > LIMIT_MAX) q.range.limit = LIMIT_MAX;
    q.paging.range = &q.range;
    andon_status st = reader_rows(reader, asset, q.range.from_ns, q.range.to_ns, keep, &q, &err);
    if (st == ANDON_OK && q.failed)
        st = andon_fail(&err, ANDON_ENOMEM, "no memory for the verdicts");
    if (st == ANDON_OK)
        put_all(&q, reader, path, &channels);
    else
        asking_failed(c, st, &err);
    free(q.judged);
    channels_free(&channels);
}
