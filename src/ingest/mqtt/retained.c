#include "ingest/mqtt/retained.h"

#include <stdlib.h>

#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/delivery.h"
#include "ingest/mqtt/topic.h"

enum { SCAN_ROWS = 4096, SWEEP_ROWS = 4096 };

struct row {
    struct letter *letter; /* NULL: free */
    uint64_t stamp;        /* when it was set */
    uint32_t hash, next_free;
    bool own;
};

struct retained {
    struct row *row; /* row[rows_max] */
    uint32_t rows_max, high, free, sweep;
    uint64_t devices, own; /* topics */
    uint64_t stamp;
    struct index index;
    struct pool *pool;
};

andon_status retained_open(struct endpoint *e, andon_error *err)
{
    struct retained *r = e->retained = calloc(1, sizeof *r);
    if (r == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for retained topics");
    r->rows_max = (uint32_t)e->options.topics_retained_max + RETAINED_OWN_MAX;
    r->free = INDEX_NONE;
    r->row = calloc(r->rows_max, sizeof *r->row);
    if (r->row == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for %u retained topics", r->rows_max);
    andon_status st = index_open(&r->index, r->rows_max, err);
    return st == ANDON_OK ? pool_open(RETAINED_POOL_BYTES, &r->pool, err) : st;
}

void retained_close(struct endpoint *e)
{
    struct retained *r = e->retained;
    if (r == NULL) return;
    index_close(&r->index);
    free(r->row);
    pool_close(r->pool);
    free(r);
}

static struct text name_of(const struct letter *letter)
{
    return (struct text){letter->bytes, letter->topic};
}

static uint32_t find(const struct retained *r, uint32_t hash, struct text topic)
{
    uint32_t at = UINT32_MAX, i;
    while ((i = index_find(&r->index, hash, &at)) != INDEX_NONE)
        if (text_is(name_of(r->row[i].letter), topic)) break;
    return i;
}

static void take_away(struct endpoint *e, uint32_t i)
{
    struct retained *r = e->retained;
    struct row *row = &r->row[i];
    index_drop(&r->index, row->hash, i);
    letter_drop(row->letter);
    if (row->own)
        r->own--;
    else
        r->devices--;
    *row = (struct row){.next_free = r->free};
    r->free = i;
    count_add(&e->counters.retained, (uint64_t)-1);
}

static uint32_t take_row(struct endpoint *e, bool own)
{
    struct retained *r = e->retained;
    if (own ? r->own >= RETAINED_OWN_MAX : r->devices >= e->options.topics_retained_max)
        return INDEX_NONE;
    uint32_t i = r->free;
    if (i != INDEX_NONE)
        r->free = r->row[i].next_free;
    else
        i = r->high++;
    if (own)
        r->own++;
    else
        r->devices++;
    count_one(&e->counters.retained);
    return i;
}

/* A topic that andon speaks to is andon's. False: it is, and a device would change it. */
static bool make_own(struct endpoint *e, uint32_t i, bool own)
{
    struct retained *r = e->retained;
    if (r->row[i].own == own) return true;
    if (!own) {
        count_one(&e->counters.retained_refused);
        return false;
    }
    r->row[i].own = true;
    r->devices--;
    r->own++;
    return true;
}

void retained_set(struct endpoint *e, const struct mail *mail, bool own)
{
    struct retained *r = e->retained;
    uint32_t hash = index_hash(&r->index, 0, mail->topic), i = find(r, hash, mail->topic);
    if (mail->payload.length == 0) {
        if (i != INDEX_NONE && make_own(e, i, own)) take_away(e, i);
        return;
    }
    bool fresh = i == INDEX_NONE;
    if (!fresh && !make_own(e, i, own)) return;
    struct letter *letter = letter_make(r->pool, mail);
    if (letter != NULL && fresh) i = take_row(e, own);
    if (letter == NULL || i == INDEX_NONE) {
        letter_drop(letter);
        if (!fresh) take_away(e, i);
        count_one(&e->counters.retained_refused);
        return;
    }
    struct row *row = &r->row[i];
    if (fresh) {
        *row = (struct row){.hash = hash, .own = own};
        index_put(&r->index, hash, i);
    }
    letter_drop(row->letter);
    row->letter = letter;
    row->stamp = ++r->stamp;
}

void retained_begin(struct endpoint *e, struct connection *c, uint32_t subscription)
{
    struct subscription *sub = subscription_at(e, subscription);
    if (!sub->scanning && c->scans++ == 0) e->scanning++;
    sub->scanning = true;
    sub->scan_at = 0;
    sub->scan_stamp = e->retained->stamp;
}

void retained_forget(struct endpoint *e, struct connection *c)
{
    if (c->scans == 0) return;
    for (uint32_t i = c->session->subscriptions; i != SUBSCRIPTION_NONE;) {
        subscription_at(e, i)->scanning = false;
        i = subscription_at(e, i)->next_own;
    }
    c->scans = 0;
    e->scanning--;
}

static void offer(struct endpoint *e, struct connection *c, struct subscription *sub, uint32_t i)
{
    const struct row *row = &e->retained->row[i];
    if (row->letter == NULL || row->stamp > sub->scan_stamp) return;
    if (!topic_matches(sub->filter, name_of(row->letter))) return;
    delivery_retained(e, c, sub, row->letter);
}

static bool takes_more(const struct endpoint *e, const struct connection *c)
{
    return c->state == CONNECTION_OPEN && connection_waiting(c) < connection_soft_limit(e) / 2 &&
           c->session->queue_count < WINDOW_MAX;
}

/* Returns whether the subscription has had all. */
static bool scan(struct endpoint *e, struct connection *c, struct subscription *sub,
                 uint32_t *budget)
{
    const struct retained *r = e->retained;
    if (!topic_filter_has_wildcard(sub->filter)) {
        uint32_t i = find(r, index_hash(&r->index, 0, sub->filter), sub->filter);
        if (i != INDEX_NONE) offer(e, c, sub, i);
        return true;
    }
    while (sub->scan_at<r->high && * budget> 0 && takes_more(e, c)) {
        offer(e, c, sub, sub->scan_at++);
        --*budget;
    }
    return sub->scan_at >= r->high;
}

static bool scan_all(struct endpoint *e, struct connection *c)
{
    uint32_t budget = SCAN_ROWS;
    for (uint32_t i = c->session->subscriptions; i != SUBSCRIPTION_NONE && takes_more(e, c);) {
        struct subscription *sub = subscription_at(e, i);
        i = sub->next_own;
        if (!sub->scanning || !scan(e, c, sub, &budget)) continue;
        if (c->state != CONNECTION_OPEN) return false;
        sub->scanning = false;
        if (--c->scans == 0) e->scanning--;
    }
    return c->scans > 0 && takes_more(e, c);
}

bool retained_go(struct endpoint *e)
{
    bool more = false;
    uint32_t left = e->scanning;
    for (uint32_t i = 0; left > 0 && i < e->connections_high; i++) {
        struct connection *c = &e->connections[i];
        if (c->state != CONNECTION_OPEN || c->scans == 0) continue;
        left--;
        more |= scan_all(e, c);
    }
    return more;
}

void retained_tick(struct endpoint *e)
{
    struct retained *r = e->retained;
    for (uint32_t n = 0; n < SWEEP_ROWS && n < r->high; n++) {
        uint32_t i = r->sweep++ % r->high;
        struct mail mail;
        if (r->row[i].letter == NULL || !r->row[i].letter->expires) continue;
        letter_read(r->row[i].letter, &mail);
        if (mail_left(&mail, e->now_ns) == 0) take_away(e, i);
    }
}
