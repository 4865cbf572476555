/* One table of sessions, found by client identifier. Those without a connection stand in a list by
 * when they went, so that the oldest is at hand when there are too many. */
#include "ingest/mqtt/session.h"

#include <assert.h>
#include <stdlib.h>

#include "ingest/mqtt/delivery.h"
#include "ingest/mqtt/subscription.h"
#include "ingest/mqtt/will.h"

enum { RECEIVED_BYTES = 65536 / 8, SWEEP_ROWS = 8192, EVICTED_AT_ONCE = 64 };

andon_status sessions_open(struct endpoint *e, andon_error *err)
{
    struct sessions *t = &e->sessions;
    t->rows_max = e->options.sessions_max + e->options.connections_max;
    t->row = calloc(t->rows_max, sizeof *t->row);
    t->next_number = (uint64_t)clock_wall_ns(); /* never one that an earlier run has given */
    if (t->row == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for %u sessions", t->rows_max);
    return index_open(&t->index, t->rows_max, err);
}

void sessions_close(struct endpoint *e)
{
    index_close(&e->sessions.index);
    free(e->sessions.row);
}

struct session *session_find(struct endpoint *e, struct text client)
{
    struct sessions *t = &e->sessions;
    uint32_t hash = index_hash(&t->index, 0, client), at = UINT32_MAX, i;
    while ((i = index_find(&t->index, hash, &at)) != INDEX_NONE)
        if (text_is(t->row[i].client, client)) return &t->row[i];
    return NULL;
}

static void put_absent(struct sessions *t, struct session *s)
{
    s->older = t->newest;
    s->newer = NULL;
    if (t->newest != NULL)
        t->newest->newer = s;
    else
        t->oldest = s;
    t->newest = s;
    t->absent_count++;
}

static void take_absent(struct sessions *t, struct session *s)
{
    if (s->older != NULL)
        s->older->newer = s->newer;
    else
        t->oldest = s->newer;
    if (s->newer != NULL)
        s->newer->older = s->older;
    else
        t->newest = s->older;
    s->older = s->newer = NULL;
    t->absent_count--;
}

static struct session *take_row(struct sessions *t)
{
    struct session *s = t->free;
    if (s != NULL)
        t->free = s->newer;
    else if (t->high < t->rows_max)
        s = &t->row[t->high++];
    return s;
}

/* Gives up some of those that have been away longest: their room is free after this turn. */
static void evict(struct endpoint *e)
{
    for (uint32_t i = 0; i < EVICTED_AT_ONCE && e->sessions.oldest != NULL; i++) {
        count_one(&e->counters.sessions_evicted);
        session_end(e, e->sessions.oldest);
    }
}

static char *copy(struct pool *pool, struct text text)
{
    char *at = pool_take(pool, text.length + 1u, NULL);
    if (at != NULL && text.length > 0) memcpy(at, text.at, text.length);
    return at;
}

struct session *session_begin(struct endpoint *e, struct text client, struct text user)
{
    struct sessions *t = &e->sessions;
    char *own_client = copy(e->kept, client), *own_user = copy(e->kept, user);
    struct session *s = own_client == NULL || own_user == NULL ? NULL : take_row(t);
    if (s == NULL) {
        pool_give(e->kept, own_client);
        pool_give(e->kept, own_user);
        evict(e); /* for those who come next */
        return NULL;
    }
    *s = (struct session){.number = t->next_number++,
                          .client = {own_client, client.length},
                          .user = {own_user, user.length},
                          .hash = index_hash(&t->index, 0, client),
                          .subscriptions = SUBSCRIPTION_NONE,
                          .next_packet = 1};
    index_put(&t->index, s->hash, (uint32_t)(s - t->row));
    t->count++;
    count_one(&e->counters.sessions);
    return s;
}

bool session_use(struct endpoint *e, struct session *s, struct text user)
{
    if (text_is(s->user, user)) return true;
    char *own = copy(e->kept, user);
    if (own == NULL) return false;
    pool_give(e->kept, (void *)(uintptr_t)s->user.at);
    s->user = (struct text){own, user.length};
    return true;
}

void session_end(struct endpoint *e, struct session *s)
{
    struct sessions *t = &e->sessions;
    assert(!s->ended);
    if (s->connection == NULL && s->gone_ns != 0) take_absent(t, s);
    index_drop(&t->index, s->hash, (uint32_t)(s - t->row));
    subscription_drop_all(e, s);
    delivery_drop_all(e, s);
    if (s->will != NULL) will_now(e, s);
    s->ended = true;
    s->newer = t->ended;
    t->ended = s;
    t->count--;
    count_add(&e->counters.sessions, (uint64_t)-1);
}

void session_bury(struct endpoint *e)
{
    struct sessions *t = &e->sessions;
    for (struct session *s = t->ended, *next; s != NULL; s = next) {
        next = s->newer;
        pool_give(e->kept, (void *)(uintptr_t)s->client.at);
        pool_give(e->kept, (void *)(uintptr_t)s->user.at);
        pool_give(e->kept, s->received);
        *s = (struct session){.ended = true, .newer = t->free};
        t->free = s;
    }
    t->ended = NULL;
}

void session_leave(struct endpoint *e, struct session *s, bool speak)
{
    struct sessions *t = &e->sessions;
    s->connection = NULL;
    s->gone_ns = 0;
    if (s->received_count == 0) {
        pool_give(e->kept, s->received);
        s->received = NULL;
    }
    if (s->will != NULL && speak)
        will_count_down(e, s);
    else if (s->will != NULL)
        will_drop(e, s);
    if (s->expiry_s == 0) {
        session_end(e, s);
        return;
    }
    s->gone_ns = e->now_ns;
    put_absent(t, s);
    if (t->absent_count <= e->options.sessions_max) return;
    count_one(&e->counters.sessions_evicted);
    session_end(e, t->oldest);
}

void session_return(struct endpoint *e, struct session *s, struct connection *c)
{
    assert(s->connection == NULL && !s->ended);
    if (s->gone_ns != 0) take_absent(&e->sessions, s);
    s->gone_ns = 0;
    if (s->will != NULL) will_drop(e, s);
    s->connection = c;
    c->session = s;
}

void session_tick(struct endpoint *e)
{
    struct sessions *t = &e->sessions;
    for (uint32_t n = 0; n < SWEEP_ROWS && n < t->high; n++) {
        struct session *s = &t->row[t->sweep++ % t->high];
        if (s->ended || s->connection != NULL || s->gone_ns == 0) continue;
        if (e->now_ns - s->gone_ns < s->expiry_s * NS_PER_S) continue;
        count_one(&e->counters.sessions_expired);
        session_end(e, s);
    }
}

bool session_received(const struct session *s, uint16_t packet)
{
    return s->received != NULL && (s->received[packet / 64] >> packet % 64 & 1) != 0;
}

int session_receive(struct endpoint *e, struct session *s, uint16_t packet)
{
    if (session_received(s, packet)) return 0;
    if (s->received == NULL) {
        s->received = pool_take(e->kept, RECEIVED_BYTES, NULL);
        if (s->received == NULL) return -1;
        memset(s->received, 0, RECEIVED_BYTES);
    }
    s->received[packet / 64] |= UINT64_C(1) << packet % 64;
    s->received_count++;
    return 1;
}

bool session_release(struct endpoint *e, struct session *s, uint16_t packet)
{
    (void)e;
    if (!session_received(s, packet)) return false;
    s->received[packet / 64] &= ~(UINT64_C(1) << packet % 64);
    s->received_count--;
    return true;
}
