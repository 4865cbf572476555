/* Threads that ask the store. A request waits in the list, suspended, for the next free one; beyond
 * a limit it is told to come again. Each thread has a reader of its own. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/inner.h"

andon_status query_pool_open(struct server *s, andon_error *err)
{
    struct query_pool *p = &s->queries;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    p->thread = calloc(s->options.query_threads, sizeof *p->thread);
    return p->thread != NULL ? ANDON_OK
                             : andon_fail(err, ANDON_ENOMEM, "no memory for %u query threads",
                                          (unsigned)s->options.query_threads);
}

static struct client *next(struct query_pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->first == NULL && !p->stop) pthread_cond_wait(&p->more, &p->lock);
    struct client *c = p->first;
    if (c != NULL) {
        p->first = c->waiting;
        if (p->first == NULL) p->last = NULL;
        p->waiting--;
    }
    pthread_mutex_unlock(&p->lock);
    return c;
}

static void answer(struct server *s, struct client *c, struct reader **reader)
{
    andon_error err = {""};
    int64_t begun_ns = clock_steady_ns();
    c->waiting = NULL;
    if (*reader == NULL && reader_open(s->store_path, reader, &err) != ANDON_OK) {
        *reader = NULL;
        client_refuse(c, REFUSED_FAILED, 503, "the store cannot be read: %s", err.text);
    } else {
        c->route->ask(c, *reader);
    }
    if (c->reply.status == 503) { /* perhaps another file stands there now */
        reader_close(*reader);
        *reader = NULL;
    }
    tally_add(&c->worker->tally.queries, 1);
    tally_add(&c->worker->tally.query_ns, (uint64_t)(clock_steady_ns() - begun_ns));
    worker_done(c->worker, c);
}

static void *serve_queries(void *context)
{
    struct server *s = context;
    struct reader *reader = NULL;
    struct client *c;
    while ((c = next(&s->queries)) != NULL) answer(s, c, &reader);
    reader_close(reader);
    return NULL;
}

andon_status query_pool_start(struct server *s, andon_error *err)
{
    struct query_pool *p = &s->queries;
    while (p->threads < s->options.query_threads) {
        int failed = pthread_create(&p->thread[p->threads], NULL, serve_queries, s);
        if (failed != 0)
            return andon_fail(err, ANDON_EIO, "cannot start a query thread: %s", strerror(failed));
        p->threads++;
    }
    return ANDON_OK;
}

void query_pool_stop(struct server *s)
{
    struct query_pool *p = &s->queries;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    while (p->threads > 0) pthread_join(p->thread[--p->threads], NULL);
}

void query_pool_close(struct server *s)
{
    struct query_pool *p = &s->queries;
    if (p->thread == NULL) return;
    free(p->thread);
    p->thread = NULL;
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->more);
}

void query_put(struct client *c)
{
    struct query_pool *p = &c->worker->server->queries;
    uint32_t most = c->worker->server->options.queries_max;
    client_phase(c, CLIENT_WORK);
    pthread_mutex_lock(&p->lock);
    bool room = p->waiting < most;
    if (room) {
        client_suspend(c); /* before a thread can be done with it */
        c->waiting = NULL;
        if (p->last != NULL) p->last->waiting = c;
        if (p->first == NULL) p->first = c;
        p->last = c;
        p->waiting++;
        pthread_cond_signal(&p->more);
    }
    pthread_mutex_unlock(&p->lock);
    if (!room)
        client_refuse(c, REFUSED_BUSY, 429, "%u queries are waiting already", (unsigned)most);
}
