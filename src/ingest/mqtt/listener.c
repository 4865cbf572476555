#include "ingest/mqtt/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/note.h"

enum { OTHER_FILES = 256, BACKLOG = 4096 };

/* As many open files as connections need, where the system lets us. */
static void raise_files(uint32_t connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted)
        log_line(LOG_WARN, "mqtt", "few open files", "limit=%llu wanted=%llu",
                 (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
}

/* "host:port" or "[host]:port" in two parts. */
static bool split_address(const char *listen, char host[256], char port[16])
{
    const char *colon = strrchr(listen, ':');
    if (colon == NULL || colon[1] == 0 || strlen(colon + 1) >= 16) return false;
    size_t length = (size_t)(colon - listen);
    if (length >= 2 && listen[0] == '[' && colon[-1] == ']') {
        listen++;
        length -= 2;
    }
    if (length == 0 || length >= 256) return false;
    memcpy(host, listen, length);
    host[length] = 0;
    strcpy(port, colon + 1);
    return true;
}

static int listen_at(const struct addrinfo *a)
{
    int on = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.any, &size) != 0) return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static andon_status open_address(struct endpoint *e, andon_error *err)
{
    char host[256], port[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    const char *listen = e->options.listen;
    if (listen == NULL || !split_address(listen, host, port))
        return andon_fail(err, ANDON_EINVAL, "mqtt: \"%s\" is no address, expected HOST:PORT",
                          listen == NULL ? "" : listen);
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed != 0)
        return andon_fail(err, ANDON_EIO, "mqtt: cannot listen at %s: %s", listen,
                          gai_strerror(failed));
    for (const struct addrinfo *a = found; a != NULL && e->listener < 0; a = a->ai_next)
        e->listener = listen_at(a);
    int why = errno;
    freeaddrinfo(found);
    if (e->listener < 0)
        return andon_fail(err, ANDON_EIO, "mqtt: cannot listen at %s: %s", listen, strerror(why));
    e->port = port_of(e->listener);
    return ANDON_OK;
}

static bool watch(struct endpoint *e, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
    return epoll_ctl(e->poll, EPOLL_CTL_ADD, *fd, &event) == 0;
}

andon_status listener_open(struct endpoint *e, andon_error *err)
{
    e->listener = e->wake = e->poll = e->spare = -1;
    raise_files(e->options.connections_max);
    andon_status st = open_address(e, err);
    if (st != ANDON_OK) return st;
    e->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    e->poll = epoll_create1(EPOLL_CLOEXEC);
    e->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (e->wake < 0 || e->poll < 0 || !watch(e, &e->listener) || !watch(e, &e->wake))
        return andon_fail(err, ANDON_EIO, "mqtt: no event queue: %s", strerror(errno));
    return ANDON_OK;
}

void listener_close(struct endpoint *e)
{
    if (e->listener >= 0) close(e->listener);
    if (e->wake >= 0) close(e->wake);
    if (e->poll >= 0) close(e->poll);
    if (e->spare >= 0) close(e->spare);
}

void listener_pause(struct endpoint *e)
{
    epoll_ctl(e->poll, EPOLL_CTL_DEL, e->listener, NULL);
}

/* Files have run out: the spare one is given up for a moment to take a connection and close it,
 * which would stay in the queue otherwise and keep the loop awake. */
static bool refuse_one(struct endpoint *e)
{
    if (e->spare < 0) return false;
    close(e->spare);
    int fd = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    e->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false; /* accept asks for a file before it looks whether anybody is there */
    count_one(&e->counters.connections_refused);
    note_client(e, LOG_WARN, "connection refused", "open files", NULL);
    return true;
}

void listener_accept(struct endpoint *e)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int on = 1, room = SEND_BUFFER_BYTES;
        int fd = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE) && refuse_one(e)) continue;
        if (fd < 0) return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        connection_open(e, fd);
    }
}
