/* A connection's request from its first byte to the last of its answer: phases, refusals,
 * deadlines. */
#include <errno.h>
#include <linux/tcp.h> /* netinet/tcp.h has a shorter struct tcp_info */
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/inner.h"

enum { LINGER_MS = 2000, IDLE_LOOK_MS = 2000 };

void client_phase(struct client *c, enum client_phase phase)
{
    c->phase = phase;
    c->since_ns = clock_steady_ns();
}

void client_suspend(struct client *c)
{
    if (c->suspended) return;
    c->suspended = true;
    MHD_suspend_connection(c->connection);
}

void client_resume(struct client *c)
{
    if (!c->suspended) return;
    c->suspended = false;
    c->worker->due[c->listener] = true; /* the library does not wake itself for it */
    MHD_resume_connection(c->connection);
}

static void count_refusal(struct client *c, enum refusal_reason reason)
{
    if (c->counted) return;
    c->counted = true;
    tally_add(&c->worker->tally.refused[reason], 1);
}

/* The library sees the end of the stream and closes. */
void client_cut(struct client *c, enum refusal_reason reason)
{
    if (c->cut) return;
    if (reason < REFUSED_REASONS) count_refusal(c, reason);
    c->cut = true;
    shutdown(c->fd, SHUT_RDWR);
}

/* ---- what comes with the request ---- */

struct text client_header(struct client *c, const char *name)
{
    const char *value = NULL;
    size_t length = 0;
    if (MHD_lookup_connection_value_n(c->connection, MHD_HEADER_KIND, name, strlen(name), &value,
                                      &length) == MHD_NO ||
        value == NULL)
        return (struct text){NULL, 0};
    return (struct text){value, (uint32_t)length};
}

struct gathering {
    struct query *query;
    bool failed;
};

/* The library has split the line and left the escapes to us (handler.c); its memory may be written.
 */
static enum MHD_Result gather(void *context, enum MHD_ValueKind kind, const char *name,
                              const char *value)
{
    struct gathering *g = context;
    (void)kind;
    g->failed = !query_add(g->query, (char *)(uintptr_t)name, (char *)(uintptr_t)value);
    return g->failed ? MHD_NO : MHD_YES;
}

bool client_query(struct client *c, struct query *query)
{
    struct gathering g = {query, false};
    query->params = 0;
    MHD_get_connection_values(c->connection, MHD_GET_ARGUMENT_KIND, gather, &g);
    if (g.failed)
        client_refuse(c, REFUSED_MALFORMED, 400,
                      "the query has a wrong %%XX, or more than %u parameters", QUERY_PARAMS_MAX);
    return !g.failed;
}

/* ---- answers ---- */

static void add_headers(struct MHD_Response *response, const struct reply *r)
{
    char number[16];
    if (r->type != NULL) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
    if (r->allow != NULL) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
    if (r->close) MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (r->retry_after_s > 0) {
        snprintf(number, sizeof number, "%u", (unsigned)r->retry_after_s);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, number);
    }
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

static struct MHD_Response *response_of(struct reply *r)
{
    struct MHD_Response *response;
    if (r->owned && r->size > 0) {
        response = MHD_create_response_from_buffer_with_free_callback(r->size, r->bytes, free);
        if (response != NULL) r->owned = false;
    } else {
        response = MHD_create_response_from_buffer(r->size, r->bytes, MHD_RESPMEM_PERSISTENT);
    }
    if (response != NULL) add_headers(response, r);
    return response;
}

/* An answer that was made at the start and is used again and again. */
static struct MHD_Response *kept(struct client *c)
{
    return c->reply.status == 204 && !c->reply.close ? c->worker->no_content : NULL;
}

enum MHD_Result client_answer(struct client *c)
{
    struct worker *w = c->worker;
    struct reply *r = &c->reply;
    if (atomic_load_explicit(&w->server->stopping, memory_order_relaxed)) r->close = true;
    struct MHD_Response *response = c->answer != NULL ? c->answer : kept(c);
    bool mine = response == NULL || c->answer_mine;
    if (response == NULL) response = response_of(r);
    if (response == NULL) return MHD_NO;
    unsigned status = r->status;
    tally_add(&w->tally.code[tally_place(status)], 1);
    tally_add(&w->tally.answer_bytes, r->size);
    c->answer_bytes = r->size;
    c->answer = NULL;
    c->answer_mine = false;
    reply_clear(r);
    if (c->phase != CLIENT_STREAM) client_phase(c, CLIENT_ANSWER);
    enum MHD_Result queued = MHD_queue_response(c->connection, status, response);
    if (mine) MHD_destroy_response(response);
    return queued;
}

void client_refuse(struct client *c, enum refusal_reason reason, unsigned status,
                   const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    count_refusal(c, reason);
    if (status >= 500 && reason != REFUSED_STOPPING)
        log_line(LOG_WARN, "serve", "refused", "status=%u reason=%s path=\"%s\" detail=\"%s\"",
                 status, refusal_reason_name(reason), c->route == NULL ? "" : c->route->pattern,
                 detail);
    if (c->listener == LISTENER_INFLUX)
        reply_influx(&c->reply, status, detail);
    else
        reply_problem(&c->reply, status, "%s", detail);
    if (reason == REFUSED_BUSY && c->reply.retry_after_s == 0) c->reply.retry_after_s = 1;
    c->ready = true;
}

void client_refuse_now(struct client *c)
{
    char text[1024];
    struct reply *r = &c->reply;
    char retry[40] = "";
    if (r->retry_after_s > 0)
        snprintf(retry, sizeof retry, "Retry-After: %u\r\n", (unsigned)r->retry_after_s);
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
                     "Connection: close\r\n\r\n%.*s",
                     r->status, reply_title(r->status), r->type, r->size, retry, (int)r->size,
                     r->bytes);
    if (n > 0 && (size_t)n < sizeof text) {
        ssize_t sent = send(c->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent; /* who does not read it has the closed connection */
        shutdown(c->fd, SHUT_WR);
    }
    tally_add(&c->worker->tally.code[tally_place(r->status)], 1);
    reply_clear(r);
    c->ready = false;
    client_phase(c, CLIENT_LINGER);
}

/* ---- deadlines ---- */

static int64_t earned_ns(const struct server_options *o, uint64_t bytes)
{
    return (int64_t)o->request_ms * NS_PER_MS +
           (int64_t)(bytes / o->bytes_per_s_min) * INT64_C(1000) * NS_PER_MS;
}

/* Bytes that the kernel has received on the connection, 0 where it does not say. */
static uint64_t received_bytes(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
        length < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
        return 0;
    return info.tcpi_bytes_received;
}

void client_idle(struct client *c)
{
    c->tcp_bytes = UINT64_MAX; /* not known yet */
    client_phase(c, CLIENT_IDLE);
}

/* The first line of a request may drip, too; the library says nothing of it before it is whole. */
static void tidy_idle(struct client *c, int64_t now_ns, const struct server_options *o)
{
    int64_t age_ns = now_ns - c->since_ns;
    if (age_ns > (int64_t)o->idle_ms * NS_PER_MS) {
        client_cut(c, REFUSED_REASONS);
        return;
    }
    if (age_ns < IDLE_LOOK_MS * NS_PER_MS && age_ns < (int64_t)o->header_ms * NS_PER_MS) return;
    uint64_t bytes = received_bytes(c->fd);
    if (c->tcp_bytes == UINT64_MAX) c->tcp_bytes = c->requests == 0 ? 0 : bytes;
    if (bytes != c->tcp_bytes && age_ns > (int64_t)o->header_ms * NS_PER_MS)
        client_cut(c, REFUSED_SLOW);
}

/* The library reads until it gets less than it has room for, and then waits for the next event;
 * when the end of the stream came together with the last bytes there is none (0.9.75). So the end
 * is watched for here, and shutting down the direction that is closed already makes another event.
 */
void client_ended(struct client *c)
{
    char byte;
    c->ended = true;
    switch (c->phase) {
    case CLIENT_WORK:
    case CLIENT_ANSWER: break; /* seen to when it is done */
    case CLIENT_STREAM:
        c->cut = true;
        client_resume(c);
        break;
    default:
        if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) shutdown(c->fd, SHUT_RD);
    }
}

static void slow(struct client *c)
{
    if (c->cut) return;
    client_refuse(c, REFUSED_SLOW, 408, "the request did not come within its time");
    client_refuse_now(c);
}

void client_tidy(struct client *c, int64_t now_ns)
{
    const struct server_options *o = &c->worker->server->options;
    int64_t age_ns = now_ns - c->since_ns;
    if (c->ended) client_ended(c);
    switch (c->phase) {
    case CLIENT_IDLE: tidy_idle(c, now_ns, o); break;
    case CLIENT_HEADERS:
        if (age_ns > (int64_t)o->header_ms * NS_PER_MS) slow(c);
        break;
    case CLIENT_BODY:
    case CLIENT_DISCARD:
        if (age_ns > earned_ns(o, c->received)) slow(c);
        break;
    case CLIENT_LINGER:
        if (age_ns > LINGER_MS * NS_PER_MS) client_cut(c, REFUSED_REASONS);
        break;
    case CLIENT_ANSWER:
        if (age_ns > earned_ns(o, c->answer_bytes)) client_cut(c, REFUSED_STALLED);
        break;
    case CLIENT_STREAM:
        if (!c->suspended && age_ns > (int64_t)o->request_ms * NS_PER_MS)
            client_cut(c, REFUSED_STALLED);
        break;
    case CLIENT_WORK: break; /* has limits of its own */
    }
}
