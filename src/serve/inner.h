/* What the files of this room share: the server, its event loops, its connections. */
#ifndef SERVE_INNER_H
#define SERVE_INNER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "serve/body.h"
#include "serve/query.h"
#include "serve/receiver.h"
#include "serve/reply.h"
#include "serve/route.h"
#include "serve/server.h"
#include "serve/tally.h"
#include "store/reader.h"

enum listener { LISTENER_API, LISTENER_INFLUX, LISTENERS };

enum client_phase {
    CLIENT_IDLE,    /* between requests                                                        */
    CLIENT_HEADERS, /* the request's first line has come                                       */
    CLIENT_BODY,    /* its body is coming                                                      */
    CLIENT_DISCARD, /* ... is not wanted: thrown away, then the answer in reply goes out       */
    CLIENT_LINGER,  /* answered by hand; what still comes is thrown away, then it is closed    */
    CLIENT_WORK,    /* suspended: a query thread, or the journal's sync                        */
    CLIENT_ANSWER,  /* the answer is on its way                                                */
    CLIENT_STREAM   /* a live stream                                                           */
};

/* A connection and the request that it is at. Owned by its event loop; by a query thread from
 * query_put until worker_done. */
struct client {
    struct client *next, *before; /* among the loop's live ones, or the free ones */
    struct worker *worker;
    struct MHD_Connection *connection;
    int fd;
    enum listener listener;
    enum client_phase phase;
    bool suspended;
    bool ready;         /* reply holds the answer                                   */
    bool counted;       /* a refusal of this request was counted                    */
    bool cut;           /* the socket was shut down                                  */
    bool ended;         /* the client sends no more                                  */
    int64_t since_ns;   /* in this phase; clock_steady_ns                           */
    uint64_t received;  /* bytes of the body so far, thrown away ones too           */
    uint64_t tcp_bytes; /* that the connection had received when it became idle     */
    uint64_t answer_bytes;
    uint32_t requests;           /* that came on this connection                            */
    struct MHD_Response *answer; /* instead of what is in reply                            */
    bool answer_mine;            /* ... and nobody else's                                   */
    struct thanks *thanks;       /* whose response it is                                    */
    const struct route *route;
    struct text tail; /* what the route's {…} stands for; raw, of the connection  */
    const char *method;
    struct body *body;
    struct reply reply;
    uint64_t settle;        /* journal offset that the answer waits for                 */
    struct client *waiting; /* list of those that wait for a sync, a query or its end   */
    struct stream *stream;
    char peer[48];
};

#define WORKER_EVENTS 64u /* of the epoll at a time */

/* {"accepted":n,"rejected":[]}: made once, and used again with another n of as many digits. */
#define THANKS_DIGITS 10u
struct thanks {
    struct MHD_Response *response;
    struct thanks *next;
    uint32_t digits;
    char text[48];
};

struct worker {
    struct server *server;
    uint32_t number;
    pthread_t thread;
    struct MHD_Daemon *daemon[LISTENERS];
    struct worker_door { /* what libmicrohttpd hands back to the callbacks */
        struct worker *worker;
        enum listener listener;
    } door[LISTENERS];
    int epoll, wake;
    int watcher;            /* of the feed; -1: none                                  */
    struct client *clients; /* client[connections_max / threads + ...]                */
    struct client *free, *live;
    struct body_pool bodies;
    struct body_unpacker *unpacker;
    struct receiver receiver;
    struct client *ended[WORKER_EVENTS]; /* of this turn                                      */
    uint32_t endeds;
    struct client *unsettled; /* wait for the journal's sync                             */
    uint64_t unsettled_end;
    int64_t swept_ns, tidied_ns, trimmed_ns;
    uint32_t streams;
    bool sweep_due;
    bool
        due[LISTENERS]; /* the library has something to do: a socket, a new or resumed connection */
    char *event_room;   /* FEED_EVENT_MAX */
    struct thanks *thanks[THANKS_DIGITS]; /* free ones, by the digits of their number          */
    struct MHD_Response *no_content;
    pthread_mutex_t lock; /* of what follows: other threads put it there             */
    struct client *done;  /* answered by a query thread                              */
    struct arrival {
        int fd;
        enum listener listener;
        struct sockaddr_storage address;
        socklen_t length;
    } arrival[64]; /* accepted by another loop                                */
    uint32_t arrivals;
    _Atomic uint32_t load; /* connections                                             */
    struct tally tally;
};

struct query_pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct client *first, *last;
    uint32_t waiting;
    bool stop;
    pthread_t *thread; /* thread[options.query_threads] */
    uint32_t threads;
};

struct server {
    struct server_options options;
    struct server_plant plant;
    struct journal *journal;
    char *store_path;
    int listen[LISTENERS]; /* -1: none */
    uint16_t port[LISTENERS];
    bool loopback[LISTENERS];
    int spare; /* a descriptor to give up when there are no more */
    struct worker *worker;
    struct query_pool queries;
    _Atomic bool stopping;
    _Atomic uint32_t connections;
    int64_t started_ns; /* wall clock */
};

/* ---- worker.c ---- */
ANDON_MUST_CHECK andon_status worker_open(struct worker *w, struct server *server, uint32_t number,
                                          andon_error *err);
void worker_close(struct worker *w);
void *worker_run(void *worker);
void worker_wake(struct worker *w);                   /* any thread, signal-safe */
void worker_done(struct worker *w, struct client *c); /* from a query thread */

/* ---- accept.c ---- */
void accept_some(struct worker *w, enum listener listener);
void accept_arrivals(struct worker *w);

/* ---- handler.c: what libmicrohttpd calls ---- */
struct MHD_Daemon *handler_daemon(struct worker *w, enum listener listener);

/* ---- client.c ---- */
void client_phase(struct client *c, enum client_phase phase);
void client_suspend(struct client *c);
void client_resume(struct client *c);
void client_cut(struct client *c, enum refusal_reason reason);
void client_idle(struct client *c);
void client_tidy(struct client *c, int64_t now_ns); /* deadlines */
void client_ended(struct client *c);                /* the client has closed its side */
enum MHD_Result client_answer(struct client *c);    /* sends reply */
/* client_refuse puts the error into reply and counts it. It goes out when the request is whole; see
 * client_refuse_now. */
void client_refuse(struct client *c, enum refusal_reason reason, unsigned status,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
/* client_refuse_now sends what client_refuse put into reply at once, by hand, while the body still
 * comes. */
void client_refuse_now(struct client *c);
bool client_query(struct client *c, struct query *query); /* false: refused */
struct text client_header(struct client *c, const char *name);

/* ---- framing.c: is this a request that can be understood in one way alone, and from whom? ---- */
bool framing_check(struct client *c, const char *url);

/* ---- query_pool.c ---- */
ANDON_MUST_CHECK andon_status query_pool_open(struct server *server, andon_error *err);
ANDON_MUST_CHECK andon_status query_pool_start(struct server *server, andon_error *err);
void query_pool_stop(struct server *server);
void query_pool_close(struct server *server);
void query_put(struct client *c); /* suspends it; refuses when there are too many */

/* ---- stream.c ---- */
void stream_begin(struct client *c);
void stream_end(struct client *c);
void stream_sweep(struct worker *w, int64_t now_ns);

#endif
