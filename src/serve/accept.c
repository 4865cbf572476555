/* New connections: taken by whichever loop wakes first, served by the one that has fewest. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/inner.h"

enum { AT_ONCE = 64, SEND_BUFFER_BYTES = 256 * 1024 };

static void turn_away(int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 33\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
                               "there are too many connections.\r\n";
    ssize_t sent = send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
    close(fd);
}

static struct worker *least_loaded(struct server *s, struct worker *here)
{
    struct worker *best = here;
    for (uint32_t i = 0; i < s->options.threads; i++)
        if (atomic_load(&s->worker[i].load) + 1 < atomic_load(&best->load)) best = &s->worker[i];
    return best;
}

static void serve_it(struct worker *w, const struct arrival *a)
{
    /* It is closed, and the loop told so, whatever happens. */
    w->due[a->listener] = true;
    if (MHD_add_connection(w->daemon[a->listener], a->fd, (const struct sockaddr *)&a->address,
                           a->length) == MHD_YES)
        return;
    tally_add(&w->tally.refused[REFUSED_CONNECTIONS], 1);
    atomic_fetch_sub(&w->load, 1);
    atomic_fetch_sub(&w->server->connections, 1);
}

static bool hand_over(struct worker *w, const struct arrival *a)
{
    pthread_mutex_lock(&w->lock);
    bool room = w->arrivals < sizeof w->arrival / sizeof w->arrival[0];
    if (room) w->arrival[w->arrivals++] = *a;
    pthread_mutex_unlock(&w->lock);
    if (room) worker_wake(w);
    return room;
}

void accept_arrivals(struct worker *w)
{
    struct arrival a[sizeof w->arrival / sizeof w->arrival[0]];
    pthread_mutex_lock(&w->lock);
    uint32_t n = w->arrivals;
    memcpy(a, w->arrival, n * sizeof a[0]);
    w->arrivals = 0;
    pthread_mutex_unlock(&w->lock);
    for (uint32_t i = 0; i < n; i++) serve_it(w, &a[i]);
}

static void take(struct worker *w, const struct arrival *a)
{
    struct server *s = w->server;
    const int on = 1, bytes = SEND_BUFFER_BYTES;
    tally_add(&w->tally.accepted, 1);
    if (atomic_fetch_add(&s->connections, 1) >= s->options.connections_max) {
        atomic_fetch_sub(&s->connections, 1);
        tally_add(&w->tally.refused[REFUSED_CONNECTIONS], 1);
        turn_away(a->fd);
        return;
    }
    setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(a->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    struct worker *to = least_loaded(s, w);
    atomic_fetch_add(&to->load, 1);
    if (to != w && hand_over(to, a)) return;
    if (to != w) {
        atomic_fetch_sub(&to->load, 1);
        atomic_fetch_add(&w->load, 1);
    }
    serve_it(w, a);
}

/* No descriptors: the connection would wait in the listening socket for ever and wake us for ever.
 * The spare one is given up for a moment to say no. */
static void no_descriptors(struct worker *w, int listen_fd)
{
    struct server *s = w->server;
    if (s->spare < 0) return;
    close(s->spare);
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        tally_add(&w->tally.refused[REFUSED_CONNECTIONS], 1);
        turn_away(fd);
    }
    s->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void accept_some(struct worker *w, enum listener listener)
{
    struct server *s = w->server;
    for (int i = 0; i < AT_ONCE; i++) {
        struct arrival a = {.listener = listener, .length = sizeof a.address};
        a.fd = accept4(s->listen[listener], (struct sockaddr *)&a.address, &a.length,
                       SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (a.fd >= 0) {
            take(w, &a);
        } else if (errno == EMFILE || errno == ENFILE) {
            pthread_mutex_lock(&s->queries.lock); /* the spare one is shared */
            no_descriptors(w, s->listen[listener]);
            pthread_mutex_unlock(&s->queries.lock);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}
