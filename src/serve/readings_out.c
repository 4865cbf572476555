/* GET readings: rows as they came, or figures per bucket, as {"columns":[...],"rows":[[...],...]}.
 */
#include <stdlib.h>
#include <string.h>

#include "serve/answers.h"
#include "serve/asking.h"

enum { RAW_LIMIT = 10000, BUCKET_LIMIT = 10000, BYTES_MAX = 24 << 20 };

struct question {
    struct client *c;
    struct query q;
    struct range range;
    struct paging paging;
    uint32_t asset;
    struct channels channels; /* of the asset            */
    uint32_t columns;
    const struct channel **column; /* column[columns]: chosen */
    struct json j;
};

/* All channels, or those named. */
static bool choose(struct question *q)
{
    const struct text *name;
    uint32_t at = 0, most = q->channels.count + QUERY_PARAMS_MAX;
    q->column = calloc(most, sizeof *q->column);
    if (q->column == NULL) {
        client_refuse(q->c, REFUSED_FAILED, 503, "no memory for %u columns", (unsigned)most);
        return false;
    }
    while ((name = query_next(&q->q, "channel", &at)) != NULL) {
        q->column[q->columns] = channels_named(&q->channels, *name);
        if (q->column[q->columns++] != NULL) continue;
        client_refuse(q->c, REFUSED_PATH, 404, "the asset has no channel \"%.*s\"",
                      name->length < 200 ? (int)name->length : 200, name->at);
        return false;
    }
    if (q->columns > 0 || query_find(&q->q, "channel") != NULL) return true;
    for (uint32_t i = 0; i < q->channels.count; i++)
        q->column[q->columns++] = &q->channels.channel[i];
    return true;
}

/* ---- rows ---- */

static void put_field(struct json *j, const struct store_field *f)
{
    if (f == NULL)
        json_none(j, NULL);
    else if (f->kind == STORE_TEXT)
        json_text(j, NULL, f->text);
    else if (f->kind == STORE_FLAG)
        json_bool(j, NULL, f->number != 0.0);
    else
        json_number(j, NULL, f->number);
}

static const struct store_field *field_of(const struct reader_row *row, uint32_t channel)
{
    for (uint32_t i = 0; i < row->fields; i++)
        if (row->field[i].channel == channel) return &row->field[i];
    return NULL;
}

static bool put_row(void *context, const struct reader_row *row)
{
    struct question *q = context;
    bool any = false;
    for (uint32_t i = 0; i < q->columns && !any; i++) any = field_of(row, q->column[i]->id) != NULL;
    if (!any) return true;
    enum asking_step step = asking_row(&q->paging, row->ts_ns);
    if (step != ASKING_GIVE) return step == ASKING_PASS;
    if (q->j.used > BYTES_MAX) {
        asking_full(&q->paging);
        return false;
    }
    json_open(&q->j, NULL, '[');
    json_time(&q->j, NULL, row->ts_ns);
    for (uint32_t i = 0; i < q->columns; i++) put_field(&q->j, field_of(row, q->column[i]->id));
    json_close(&q->j, ']');
    return !atomic_load(&q->c->worker->server->stopping);
}

static andon_status put_rows(struct question *q, struct reader *reader, andon_error *err)
{
    json_open(&q->j, "columns", '[');
    json_cstring(&q->j, NULL, "ts");
    for (uint32_t i = 0; i < q->columns; i++) json_text(&q->j, NULL, q->column[i]->name);
    json_close(&q->j, ']');
    json_open(&q->j, "rows", '[');
    return reader_rows(reader, q->asset, q->range.from_ns, q->range.to_ns, put_row, q, err);
}

/* ---- buckets ---- */

struct buckets { /* of one channel */
    struct reader_bucket *bucket;
    uint32_t count, room, most, at;
    bool failed;
};

static bool add_bucket(void *context, const struct reader_bucket *bucket)
{
    struct buckets *b = context;
    if (b->count == b->most) return false;
    if (b->count == b->room) {
        uint32_t room = b->room == 0 ? 256 : 2 * b->room;
        struct reader_bucket *more = realloc(b->bucket, room * sizeof *more);
        b->failed |= more == NULL;
        if (more == NULL) return false;
        b->bucket = more;
        b->room = room;
    }
    b->bucket[b->count++] = *bucket;
    return true;
}

static double figure_of(const struct reader_bucket *b, uint8_t figure)
{
    switch ((enum query_figure)figure) {
    case QUERY_MEAN: return b->mean;
    case QUERY_MIN: return b->min;
    case QUERY_MAX: return b->max;
    case QUERY_COUNT: return (double)b->count;
    case QUERY_SUM: return b->sum;
    case QUERY_LAST: return b->last;
    case QUERY_FIGURES: break;
    }
    return 0.0;
}

/* The earliest start that some channel still has; false: none. */
static bool earliest(const struct buckets *all, uint32_t n, int64_t *start_ns)
{
    bool any = false;
    for (uint32_t i = 0; i < n; i++) {
        if (all[i].at == all[i].count) continue;
        int64_t start = all[i].bucket[all[i].at].start_ns;
        if (!any || start < *start_ns) *start_ns = start;
        any = true;
    }
    return any;
}

static void put_buckets(struct question *q, struct buckets *all,
                        const struct query_figures *figures)
{
    int64_t start_ns = 0;
    while (earliest(all, q->columns, &start_ns)) {
        if (asking_row(&q->paging, start_ns) == ASKING_STOP) return;
        if (q->j.used > BYTES_MAX) {
            asking_full(&q->paging);
            return;
        }
        json_open(&q->j, NULL, '[');
        json_time(&q->j, NULL, start_ns);
        for (uint32_t i = 0; i < q->columns; i++) {
            struct buckets *b = &all[i];
            bool has = b->at < b->count && b->bucket[b->at].start_ns == start_ns;
            for (uint32_t f = 0; f < figures->count; f++) {
                if (has)
                    json_number(&q->j, NULL, figure_of(&b->bucket[b->at], figures->figure[f]));
                else
                    json_none(&q->j, NULL);
            }
            b->at += has;
        }
        json_close(&q->j, ']');
    }
}

static void put_bucket_columns(struct question *q, const struct query_figures *figures)
{
    json_open(&q->j, "columns", '[');
    json_cstring(&q->j, NULL, "ts");
    for (uint32_t i = 0; i < q->columns; i++) {
        struct text name = q->column[i]->name;
        for (uint32_t f = 0; f < figures->count; f++) {
            char both[CODEC_CHANNEL_MAX + 16];
            uint32_t n = name.length < CODEC_CHANNEL_MAX ? name.length : CODEC_CHANNEL_MAX;
            memcpy(both, name.at, n);
            both[n] = 0;
            if (figures->count > 1) {
                strcat(both, ".");
                strcat(both, query_figure_name((enum query_figure)figures->figure[f]));
            }
            json_cstring(&q->j, NULL, both);
        }
    }
    json_close(&q->j, ']');
    json_open(&q->j, "rows", '[');
}

static andon_status gather_buckets(struct question *q, struct reader *reader, int64_t bucket_ns,
                                   const struct query_figures *figures, andon_error *err)
{
    andon_status st = ANDON_OK;
    struct buckets *all = calloc(q->columns + 1, sizeof *all);
    if (all == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for %u columns", (unsigned)q->columns);
    put_bucket_columns(q, figures);
    for (uint32_t i = 0; i < q->columns && st == ANDON_OK; i++) {
        all[i].most = q->range.limit + 1;
        st = reader_buckets(reader, q->asset, q->column[i]->id, q->range.from_ns, q->range.to_ns,
                            bucket_ns, add_bucket, &all[i], err);
        if (st == ANDON_OK && all[i].failed)
            st = andon_fail(err, ANDON_ENOMEM, "no memory for buckets");
    }
    if (st == ANDON_OK) put_buckets(q, all, figures);
    for (uint32_t i = 0; i < q->columns; i++) free(all[i].bucket);
    free(all);
    return st;
}

static bool read_buckets(struct question *q, int64_t *bucket_ns, struct query_figures *figures)
{
    const struct text *bucket = query_find(&q->q, "bucket"), *agg = query_find(&q->q, "agg");
    *bucket_ns = 0;
    if (bucket != NULL && !query_duration(*bucket, bucket_ns)) {
        client_refuse(q->c, REFUSED_PARAMETER, 400,
                      "bucket is \"%.*s\", expected a duration such as 60s, 5m, 1h",
                      bucket->length < 40 ? (int)bucket->length : 40, bucket->at);
        return false;
    }
    if (!query_figures(agg == NULL ? TEXT("mean") : *agg, figures)) {
        client_refuse(q->c, REFUSED_PARAMETER, 400,
                      "agg is \"%.*s\", expected some of mean,min,max,count,sum,last",
                      agg->length < 80 ? (int)agg->length : 80, agg->at);
        return false;
    }
    if (agg != NULL && bucket == NULL) {
        client_refuse(q->c, REFUSED_PARAMETER, 400, "agg needs a bucket");
        return false;
    }
    return true;
}

static void answer(struct question *q, struct reader *reader)
{
    struct text path;
    int64_t bucket_ns;
    struct query_figures figures;
    andon_error err = {""};
    if (!client_query(q->c, &q->q) || !asking_range(q->c, &q->q, RAW_LIMIT, &q->range) ||
        !read_buckets(q, &bucket_ns, &figures) ||
        !asking_asset(q->c, reader, &q->q, &q->asset, &path) ||
        !channels_load(q->c, reader, q->asset, &q->channels) || !choose(q))
        return;
    q->paging.range = &q->range;
    json_growing(&q->j, REPLY_BYTES_MAX);
    json_open(&q->j, NULL, '{');
    json_text(&q->j, "asset", path);
    andon_status st = bucket_ns > 0 ? gather_buckets(q, reader, bucket_ns, &figures, &err)
                                    : put_rows(q, reader, &err);
    if (st != ANDON_OK) {
        json_free(&q->j);
        asking_failed(q->c, st, &err);
        return;
    }
    json_close(&q->j, ']');
    asking_next(&q->paging, &q->j);
    json_close(&q->j, '}');
    reply_json(&q->c->reply, 200, &q->j);
    q->c->ready = true;
}

void answer_readings(struct client *c, struct reader *reader)
{
    struct question q = {.c = c};
    answer(&q, reader);
    free(q.column);
    channels_free(&q.channels);
}
