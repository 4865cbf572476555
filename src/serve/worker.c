/* An event loop: its sockets (libmicrohttpd's own epolls, one per listener, inside ours), what
 * other threads have for it, the journal's sync for all requests of a turn, deadlines, live
 * streams. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/inner.h"
#include "serve/taking.h"

enum {
    TIDY_MS = 250,
    TRIM_MS = 5000,
    SWEEP_MS = 20, /* live streams get what has come in between together */
    TURNS_MAX = 64 /* of the library before other things have their turn  */
};

/* What our epoll says: one of these, or a client whose other side has closed. */
enum {
    SEEN_LISTENER,
    SEEN_DAEMON = SEEN_LISTENER + LISTENERS,
    SEEN_WAKE = SEEN_DAEMON + LISTENERS,
    SEEN_ALL
};

static bool watch(struct worker *w, int fd, uint32_t seen, uint32_t how)
{
    struct epoll_event event = {.events = EPOLLIN | how, .data.u64 = seen};
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_daemons(struct worker *w)
{
    for (int l = 0; l < LISTENERS; l++) {
        if (w->server->listen[l] < 0) continue;
        w->daemon[l] = handler_daemon(w, (enum listener)l);
        if (w->daemon[l] == NULL) return false;
        const union MHD_DaemonInfo *info =
            MHD_get_daemon_info(w->daemon[l], MHD_DAEMON_INFO_EPOLL_FD);
        if (info == NULL || !watch(w, info->epoll_fd, SEEN_DAEMON + (uint32_t)l, 0) ||
            !watch(w, w->server->listen[l], SEEN_LISTENER + (uint32_t)l, EPOLLEXCLUSIVE))
            return false;
    }
    return true;
}

static bool open_clients(struct worker *w)
{
    /* All of them may come to one loop. */
    uint32_t n = w->server->options.connections_max + 16;
    w->clients = calloc(n, sizeof *w->clients);
    if (w->clients == NULL) return false;
    for (uint32_t i = n; i-- > 0;) {
        w->clients[i].next = w->free;
        w->free = &w->clients[i];
    }
    return true;
}

static bool make_answers(struct worker *w)
{
    w->no_content = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    return w->no_content != NULL &&
           MHD_add_response_header(w->no_content, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
               MHD_YES;
}

andon_status worker_open(struct worker *w, struct server *server, uint32_t number, andon_error *err)
{
    const struct server_options *o = &server->options;
    w->server = server;
    w->number = number;
    w->watcher = -1;
    pthread_mutex_init(&w->lock, NULL);
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->epoll < 0 || w->wake < 0)
        return andon_fail(err, ANDON_EIO, "cannot make an event loop: %s", strerror(errno));
    const struct receiver_limits limits = {o->piece_bytes_max, o->samples_max, o->readings_max,
                                           o->body_bytes_max};
    andon_status st = receiver_open(&w->receiver, &limits, &o->codec, err);
    if (st == ANDON_OK) st = body_pool_open(&w->bodies, o->body_bytes_max, err);
    if (st != ANDON_OK) return st;
    w->unpacker = body_unpacker_new();
    w->event_room = malloc(FEED_EVENT_MAX);
    if (w->unpacker == NULL || w->event_room == NULL || !open_clients(w) || !make_answers(w))
        return andon_fail(err, ANDON_ENOMEM, "no memory for an event loop of %u connections",
                          (unsigned)o->connections_max);
    if (!watch(w, w->wake, SEEN_WAKE, 0) || !open_daemons(w))
        return andon_fail(err, ANDON_EIO, "cannot start an HTTP loop: %s", strerror(errno));
    if (server->plant.feed != NULL) w->watcher = feed_watch(server->plant.feed, w->wake);
    return ANDON_OK;
}

void worker_close(struct worker *w)
{
    if (w->server == NULL) return;
    for (int l = 0; l < LISTENERS; l++)
        if (w->daemon[l] != NULL) MHD_stop_daemon(w->daemon[l]);
    thanks_close(w);
    if (w->no_content != NULL) MHD_destroy_response(w->no_content);
    if (w->server->plant.feed != NULL) feed_unwatch(w->server->plant.feed, w->watcher);
    receiver_close(&w->receiver);
    body_pool_close(&w->bodies);
    body_unpacker_free(w->unpacker);
    free(w->event_room);
    free(w->clients);
    if (w->epoll >= 0) close(w->epoll);
    if (w->wake >= 0) close(w->wake);
    pthread_mutex_destroy(&w->lock);
}

void worker_wake(struct worker *w)
{
    const uint64_t one = 1;
    ssize_t written = write(w->wake, &one, sizeof one);
    (void)written; /* full: it is awake */
}

void worker_done(struct worker *w, struct client *c)
{
    pthread_mutex_lock(&w->lock);
    c->waiting = w->done;
    w->done = c;
    pthread_mutex_unlock(&w->lock);
    worker_wake(w);
}

/* ---- a turn ---- */

static void take_done(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct client *c = w->done;
    w->done = NULL;
    pthread_mutex_unlock(&w->lock);
    while (c != NULL) {
        struct client *next = c->waiting;
        c->waiting = NULL;
        client_resume(c);
        c = next;
    }
}

/* Whether the library has something to do without waiting. */
static bool is_due(struct worker *w, int l)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (w->daemon[l] == NULL) return false;
    return w->due[l] || (MHD_get_timeout(w->daemon[l], &wait_ms) == MHD_YES && wait_ms == 0);
}

static void run_daemons(struct worker *w)
{
    for (int l = 0; l < LISTENERS; l++) {
        for (int i = 0; i < TURNS_MAX && is_due(w, l); i++) {
            w->due[l] = false;
            MHD_run(w->daemon[l]);
        }
    }
}

static bool work_waits(struct worker *w)
{
    for (int l = 0; l < LISTENERS; l++)
        if (is_due(w, l)) return true;
    return false;
}

/* One sync for all that were appended in this turn. */
static void settle(struct worker *w)
{
    andon_error err = {""};
    struct client *c = w->unsettled;
    if (c == NULL) return;
    w->unsettled = NULL;
    andon_status st = journal_settle(w->server->journal, w->unsettled_end, &err);
    while (c != NULL) {
        struct client *next = c->waiting;
        c->waiting = NULL;
        if (st != ANDON_OK) {
            c->answer = NULL;
            client_refuse(c, REFUSED_FAILED, 503, "not kept: %s", err.text);
        }
        client_resume(c);
        c = next;
    }
    run_daemons(w);
}

static void tidy(struct worker *w, int64_t now_ns)
{
    if (now_ns - w->tidied_ns < TIDY_MS * NS_PER_MS) return;
    w->tidied_ns = now_ns;
    for (struct client *c = w->live; c != NULL; c = c->next) client_tidy(c, now_ns);
    if (now_ns - w->trimmed_ns < TRIM_MS * NS_PER_MS) return;
    w->trimmed_ns = now_ns;
    body_trim(&w->bodies, now_ns - TRIM_MS * NS_PER_MS);
}

static int wait_ms(struct worker *w, int64_t now_ns)
{
    if (work_waits(w)) return 0;
    int64_t until_ns = w->tidied_ns + TIDY_MS * NS_PER_MS - now_ns;
    if (w->streams > 0 && w->sweep_due) {
        int64_t sweep_ns = w->swept_ns + SWEEP_MS * NS_PER_MS - now_ns;
        if (sweep_ns < until_ns) until_ns = sweep_ns;
    }
    return until_ns <= 0 ? 0 : (int)((until_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void see(struct worker *w, epoll_data_t data)
{
    uint64_t count, seen = data.u64;
    if (seen < SEEN_DAEMON) {
        accept_some(w, (enum listener)(seen - SEEN_LISTENER));
    } else if (seen < SEEN_WAKE) {
        w->due[seen - SEEN_DAEMON] = true;
    } else if (seen == SEEN_WAKE) {
        ssize_t got = read(w->wake, &count, sizeof count);
        (void)got;
        accept_arrivals(w);
        take_done(w);
        w->sweep_due = true;
    } else if (seen >= SEEN_ALL) {
        w->ended[w->endeds++] = data.ptr;
    }
}

/* What the library has not noticed by itself. A client that is gone by now has no connection; its
 * place is not taken by another one before the next turn. */
static void see_ends(struct worker *w)
{
    for (uint32_t i = 0; i < w->endeds; i++)
        if (w->ended[i]->connection != NULL) client_ended(w->ended[i]);
    w->endeds = 0;
}

static void sweep(struct worker *w, int64_t now_ns)
{
    if (w->streams == 0 || now_ns - w->swept_ns < SWEEP_MS * NS_PER_MS) return;
    w->swept_ns = now_ns;
    w->sweep_due = false;
    stream_sweep(w, now_ns);
}

static void turn(struct worker *w)
{
    struct epoll_event event[WORKER_EVENTS];
    int n = epoll_wait(w->epoll, event, WORKER_EVENTS, wait_ms(w, clock_steady_ns()));
    for (int i = 0; i < n; i++) see(w, event[i].data);
    run_daemons(w);
    settle(w);
    see_ends(w);
    int64_t now_ns = clock_steady_ns();
    sweep(w, now_ns);
    tidy(w, now_ns);
}

/* ---- the end ---- */

/* Idle ones and streams go at once; requests that have begun are finished. */
static void part_with(struct worker *w)
{
    for (struct client *c = w->live; c != NULL; c = c->next) {
        if (c->phase == CLIENT_IDLE || c->phase == CLIENT_LINGER) client_cut(c, REFUSED_REASONS);
        if (c->phase == CLIENT_STREAM) client_resume(c);
    }
}

static bool any_suspended(const struct worker *w)
{
    for (const struct client *c = w->live; c != NULL; c = c->next)
        if (c->suspended) return true;
    return false;
}

static void drain(struct worker *w)
{
    int64_t until_ns = clock_steady_ns() + (int64_t)w->server->options.drain_ms * NS_PER_MS;
    for (int l = 0; l < LISTENERS; l++)
        if (w->daemon[l] != NULL) epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->server->listen[l], NULL);
    accept_arrivals(w);
    while (w->live != NULL && clock_steady_ns() < until_ns) {
        part_with(w);
        w->tidied_ns = clock_steady_ns() - (TIDY_MS - SWEEP_MS) * NS_PER_MS; /* look again soon */
        turn(w);
    }
    for (struct client *c = w->live; c != NULL; c = c->next)
        if (c->phase != CLIENT_WORK) client_cut(c, REFUSED_STOPPING);
    while (any_suspended(w)) turn(w); /* query threads have limits of their own, and stop soon */
    run_daemons(w);
}

void *worker_run(void *context)
{
    struct worker *w = context;
    w->tidied_ns = w->trimmed_ns = clock_steady_ns();
    while (!atomic_load(&w->server->stopping)) turn(w);
    drain(w);
    return NULL;
}
