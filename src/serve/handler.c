/* What libmicrohttpd calls. It calls the same function for a request's head, for each part of its
 * body and for its end; answers may be queued at the end alone (at the head, the connection is
 * closed behind them), so a refusal waits for the end of a short body and is sent by hand into a
 * long one. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "serve/inner.h"
#include "serve/taking.h"

enum {
    DISCARD_BYTES_MAX =
        256 * 1024, /* of a body that is not wanted, before it is answered in the middle */
    LINGER_BYTES_MAX = 64 << 20, /* behind such an answer, before the connection is closed */
    CONNECTION_BYTES = 16 * 1024 /* the library's pool: line, headers, and what is read at a time */
};

/* ---- the head ---- */

static bool has_media_type(struct text type, const char *wanted)
{
    size_t n = strlen(wanted);
    return type.length >= n && strncasecmp(type.at, wanted, n) == 0 &&
           (type.length == n || type.at[n] == ';' || type.at[n] == ' ');
}

/* What people send JSON as; curl -d says it is a form. */
static bool takes_type(struct text type)
{
    static const char *const taken[] = {"application/json",
                                        "application/x-ndjson",
                                        "application/ndjson",
                                        "application/jsonl",
                                        "application/x-jsonlines",
                                        "application/json-seq",
                                        "application/cloudevents+json",
                                        "application/cloudevents-batch+json",
                                        "application/x-www-form-urlencoded",
                                        "application/octet-stream",
                                        "text/plain",
                                        "text/json"};
    if (type.length == 0) return true;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (has_media_type(type, taken[i])) return true;
    return false;
}

static bool is_gzip(struct text coding)
{
    return (coding.length == 4 && strncasecmp(coding.at, "gzip", 4) == 0) ||
           (coding.length == 6 && strncasecmp(coding.at, "x-gzip", 6) == 0);
}

static bool takes_body(struct client *c, uint64_t declared)
{
    const struct server_options *o = &c->worker->server->options;
    if (c->route->body == ROUTE_NO_BODY) return true;
    uint64_t most = c->route->body == ROUTE_SMALL_BODY ? BODY_SMALL_BYTES : o->body_bytes_max;
    struct text type = client_header(c, "Content-Type");
    struct text coding = client_header(c, "Content-Encoding");
    if (declared > most)
        client_refuse(c, REFUSED_SIZE, 413, "the body has %llu bytes, expected at most %llu",
                      (unsigned long long)declared, (unsigned long long)most);
    else if (c->listener == LISTENER_API && c->route->body == ROUTE_READINGS && !takes_type(type))
        client_refuse(c, REFUSED_TYPE, 415,
                      "the Content-Type is \"%.*s\", expected application/json "
                      "or application/x-ndjson",
                      type.length < 80 ? (int)type.length : 80, type.at);
    else if (coding.length > 0 && !is_gzip(coding) &&
             !(coding.length == 8 && strncasecmp(coding.at, "identity", 8) == 0))
        client_refuse(c, REFUSED_TYPE, 415,
                      "the Content-Encoding is \"%.*s\", expected gzip or none",
                      coding.length < 80 ? (int)coding.length : 80, coding.at);
    return !c->ready;
}

static struct text path_of(const char *url)
{
    struct text path = text_of(url), authority = query_host_of(path);
    if (authority.length == 0) return path;
    uint32_t skip = (uint32_t)(authority.at - url) + authority.length;
    return skip == path.length ? TEXT("/") : (struct text){url + skip, path.length - skip};
}

static bool find_route(struct client *c, const char *url, const char *method)
{
    const char *allow;
    struct text path = path_of(url);
    c->route = route_find(c->listener == LISTENER_API ? route_api : route_influx, text_of(method),
                          path, &c->tail, &allow);
    if (c->route != NULL) return true;
    if (allow == NULL) {
        client_refuse(c, REFUSED_PATH, 404, "there is nothing at %.*s",
                      path.length < 200 ? (int)path.length : 200, path.at);
    } else {
        client_refuse(c, REFUSED_METHOD, 405, "%.20s is not answered here, but %s", method, allow);
        c->reply.allow = allow;
    }
    return false;
}

/* Whether a body comes, and how long it says it is. */
static bool body_comes(struct client *c, uint64_t *declared)
{
    struct text length = client_header(c, "Content-Length");
    *declared = 0;
    if (client_header(c, "Transfer-Encoding").length > 0) return true;
    if (length.length == 0) return false;
    if (!query_whole(length, UINT64_MAX, declared)) *declared = UINT64_MAX;
    return *declared > 0;
}

/* A refusal is in reply; how it gets out depends on what still comes. */
static enum MHD_Result refuse_head(struct client *c, bool comes, uint64_t declared, bool framing)
{
    if (framing) c->reply.close = true;
    if (framing || (comes && declared > DISCARD_BYTES_MAX)) {
        if (client_header(c, "Expect").length > 0 && !framing) return client_answer(c);
        client_refuse_now(c);
    } else {
        client_phase(c, CLIENT_DISCARD);
    }
    return MHD_YES;
}

static enum MHD_Result head(struct client *c, const char *url, const char *method)
{
    struct server *s = c->worker->server;
    uint64_t declared;
    bool comes = body_comes(c, &declared), framing = !framing_check(c, url);
    bool contradictory = framing && c->reply.status == 400;
    c->method = method;
    if (atomic_load_explicit(&s->stopping, memory_order_relaxed) && !c->ready)
        client_refuse(c, REFUSED_STOPPING, 503, "the server is being stopped");
    if (!c->ready && find_route(c, url, method)) (void)takes_body(c, declared);
    if (c->ready) return refuse_head(c, comes, declared, contradictory);
    client_phase(c, CLIENT_BODY);
    if (!comes || c->route->body == ROUTE_NO_BODY) return MHD_YES;
    c->body = body_take(&c->worker->bodies, declared);
    if (c->body != NULL) return MHD_YES;
    client_refuse(c, REFUSED_BUSY, 429, "all buffers for bodies are in use");
    return refuse_head(c, comes, declared, false);
}

/* ---- the body ---- */

static enum MHD_Result discard(struct client *c)
{
    if (c->received > DISCARD_BYTES_MAX) client_refuse_now(c);
    return MHD_YES;
}

static enum MHD_Result part(struct client *c, const char *data, size_t bytes)
{
    bool too_large;
    c->received += bytes;
    tally_add(&c->worker->tally.body_bytes, bytes);
    if (c->phase == CLIENT_LINGER) return c->received <= LINGER_BYTES_MAX ? MHD_YES : MHD_NO;
    if (c->phase == CLIENT_DISCARD) return discard(c);
    if (c->body == NULL) { /* a body where none belongs */
        if (c->received <= DISCARD_BYTES_MAX) return MHD_YES;
        client_refuse(c, REFUSED_SIZE, 413, "no body belongs to this request");
        client_refuse_now(c);
        return MHD_YES;
    }
    bool small = c->route->body == ROUTE_SMALL_BODY;
    if (!(small && c->received > BODY_SMALL_BYTES) &&
        body_append(&c->worker->bodies, &c->body, data, bytes, &too_large))
        return MHD_YES;
    if (small || too_large)
        client_refuse(c, REFUSED_SIZE, 413, "the body has more than %llu bytes",
                      (unsigned long long)(small ? BODY_SMALL_BYTES
                                                 : c->worker->server->options.body_bytes_max));
    else
        client_refuse(c, REFUSED_BUSY, 429, "all buffers for large bodies are in use");
    client_refuse_now(c);
    return MHD_YES;
}

/* ---- the end ---- */

static bool unpack(struct client *c)
{
    struct worker *w = c->worker;
    if (c->body == NULL || !is_gzip(client_header(c, "Content-Encoding"))) return true;
    int done = body_unpack(w->unpacker, &w->bodies, &c->body, c->since_ns);
    if (done == 0)
        client_refuse(c, REFUSED_SIZE, 413, "the body has more than %llu bytes when it is unpacked",
                      (unsigned long long)w->server->options.body_bytes_max);
    else if (done == -1)
        client_refuse(c, REFUSED_UNREADABLE, 400, "the body is no whole gzip data");
    else if (done == -2)
        client_refuse(c, REFUSED_BUSY, 429, "all buffers for large bodies are in use");
    return done == 1;
}

static enum MHD_Result end(struct client *c)
{
    if (c->phase == CLIENT_LINGER) return MHD_NO; /* it is answered: close */
    if (c->phase == CLIENT_BODY && !c->ready && unpack(c)) {
        if (c->body != NULL) memset(c->body->at + c->body->used, 0, BODY_SLACK);
        if (c->route->live != NULL)
            c->route->live(c);
        else
            query_put(c);
    }
    if (c->suspended || !c->ready) return MHD_YES;
    return client_answer(c);
}

static enum MHD_Result request(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *bytes, void **request_context)
{
    struct client *c = *request_context;
    (void)context;
    (void)connection;
    (void)version;
    if (c == NULL) return MHD_NO;
    if (c->phase == CLIENT_HEADERS) return head(c, url, method);
    if (*bytes == 0) return end(c);
    enum MHD_Result more = part(c, data, *bytes);
    *bytes = 0;
    return more;
}

/* ---- around requests ---- */

static void *first_line(void *context, const char *uri, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *c = info == NULL ? NULL : info->socket_context;
    (void)context;
    (void)uri;
    if (c == NULL) return NULL;
    c->requests++;
    c->received = c->answer_bytes = 0;
    c->ready = c->counted = false;
    c->route = NULL;
    tally_add(&c->worker->tally.requests, 1);
    client_phase(c, CLIENT_HEADERS);
    return c;
}

static void completed(void *context, struct MHD_Connection *connection, void **request_context,
                      enum MHD_RequestTerminationCode code)
{
    struct client *c = *request_context;
    (void)context;
    (void)connection;
    if (c == NULL) return;
    *request_context = NULL;
    bool answered = c->phase == CLIENT_LINGER || c->phase == CLIENT_STREAM;
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && !answered && !c->cut && !c->counted)
        tally_add(&c->worker->tally.refused[REFUSED_ABORTED], 1);
    if (c->stream != NULL) stream_end(c);
    body_give(&c->worker->bodies, c->body, c->since_ns);
    c->body = NULL;
    c->answer = NULL;
    thanks_give(c);
    reply_clear(&c->reply);
    client_idle(c);
}

static void say_peer(struct client *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    c->peer[0] = 0;
    if (info == NULL || info->client_addr == NULL) return;
    socklen_t length = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                : sizeof(struct sockaddr_in);
    if (getnameinfo(info->client_addr, length, c->peer, sizeof c->peer, NULL, 0, NI_NUMERICHOST) !=
        0)
        c->peer[0] = 0;
}

static void begin(struct worker_door *door, struct client *c, struct MHD_Connection *connection)
{
    struct worker *w = door->worker;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    w->free = c->next;
    *c = (struct client){.worker = w,
                         .connection = connection,
                         .listener = door->listener,
                         .fd = info == NULL ? -1 : info->connect_fd,
                         .next = w->live};
    if (w->live != NULL) w->live->before = c;
    w->live = c;
    say_peer(c);
    client_idle(c);
    struct epoll_event end = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = c};
    (void)epoll_ctl(w->epoll, EPOLL_CTL_ADD, c->fd, &end); /* or its deadlines see to it */
    tally_add(&w->tally.connections, 1);
}

static void finish(struct worker *w, struct client *c)
{
    if (c->before != NULL) c->before->next = c->next;
    if (c->before == NULL) w->live = c->next;
    if (c->next != NULL) c->next->before = c->before;
    c->connection = NULL;
    c->next = w->free;
    w->free = c;
    tally_take(&w->tally.connections, 1);
    atomic_fetch_sub(&w->load, 1);
    atomic_fetch_sub(&w->server->connections, 1);
}

static void connection_changed(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    struct worker_door *door = context;
    struct client *c = code == MHD_CONNECTION_NOTIFY_STARTED ? door->worker->free : *socket_context;
    if (c == NULL) return;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        begin(door, c, connection);
        *socket_context = c;
    } else {
        finish(door->worker, c);
        *socket_context = NULL;
    }
}

/* Escapes stay for us: the library takes wrong ones as they are, and cannot say so. */
static size_t leave_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* The library answers what is no HTTP by itself; here it says so. */
static void overhear(void *context, const char *format, va_list args)
{
    struct worker_door *door = context;
    char line[256];
    unsigned code;
    vsnprintf(line, sizeof line, format, args);
    const char *said = strstr(line, "HTTP response code is ");
    if (said == NULL || sscanf(said + 22, "%u", &code) != 1) return;
    tally_add(&door->worker->tally.refused[REFUSED_MALFORMED], 1);
    tally_add(&door->worker->tally.code[tally_place(code)], 1);
}

struct MHD_Daemon *handler_daemon(struct worker *w, enum listener listener)
{
    struct worker_door *door = &w->door[listener];
    *door = (struct worker_door){w, listener};
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, request, door, MHD_OPTION_EXTERNAL_LOGGER, overhear, door,
        MHD_OPTION_URI_LOG_CALLBACK, first_line, door, MHD_OPTION_NOTIFY_COMPLETED, completed, door,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, door, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escapes, door, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)w->server->options.connections_max + 16,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}
