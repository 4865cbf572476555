/* The HTTP face of `andon serve`, on libmicrohttpd: the native API, metrics, health and the live
 * stream on one address, and an InfluxDB-compatible door on another.
 *
 * Threads: `threads` event loops, of which one runs in server_run's thread; each has its
 * connections, its room for decoding and its buffers, all taken at the start. Readings are decoded
 * and appended to the journal in the loop, and acknowledged only then. Questions to the store are
 * answered by `query_threads` threads with a reader each, so that a slow one holds up nobody's
 * readings.
 *
 * 1. A 2xx to readings leaves after journal_append and journal_settle.
 * 2. Every buffer and queue has a limit from its start; what it refuses is counted by reason.
 * 3. A request, from its first byte to the last of its answer, ends within a deadline that its size
 * earns. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"
#include "ingest/codec/codec.h"
#include "journal/journal.h"
#include "serve/plant.h"

struct server_options {
    const char *listen; /* "127.0.0.1:8000", "[::1]:8000", "localhost:0"; port 0: any free one */
    const char *influx_listen; /* "127.0.0.1:8086", or NULL                                  */
    bool insecure;             /* allow addresses other than loopback, without tokens        */
    uint32_t threads;          /* event loops; 0: 2                                          */
    uint32_t query_threads;    /* 0: 2                                                       */
    uint32_t queries_max;      /* that wait for a thread; 0: 64; beyond: 429                 */
    uint32_t connections_max;  /* 0: 8192                                                    */
    uint64_t body_bytes_max;   /* of a request, unpacked; 0: 32 MiB; beyond: 413             */
    uint32_t piece_bytes_max;  /* larger bodies become several records; 0: 128 KiB           */
    uint32_t samples_max,
        readings_max;         /* of one record; 0: 1024, 32768. The engine's room must hold them */
    uint32_t header_ms;       /* for a request's line and headers; 0: 10 s                  */
    uint32_t request_ms;      /* for its body, and then for its answer, each and             */
    uint32_t bytes_per_s_min; /* ... a second more for so many bytes; 0: 30 s, 16 KiB       */
    uint32_t idle_ms;         /* a connection without a request is closed; 0: 75 s          */
    uint32_t heartbeat_ms;    /* of a live stream; 0: 15 s                                  */
    uint32_t drain_ms;        /* after server_stop; 0: 3 s                                  */
    int64_t sql_timeout_ns;   /* 0: 5 s                                                     */
    bool settle_waits;        /* journal.sync is `every`: requests of a turn share one sync */
    const char *version;      /* for /health and the pages; NULL: "unknown"                 */
    struct codec_rules codec;
};

struct server;

/* server_open takes its room and its ports; nobody is served yet. store_path is the store's file:
 * it need not exist yet. The journal, the plant's context and feed outlive the server. ANDON_EINVAL
 * an address is none, or not loopback without insecure ANDON_EIO     an address cannot be used;
 * ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status server_open(const struct server_options *options,
                                          struct journal *journal, const char *store_path,
                                          const struct server_plant *plant, struct server **server,
                                          andon_error *err);

/* server_run serves until server_stop: then requests that have begun are finished, for at most
 * drain_ms, and everything is closed. */
void server_run(struct server *server);
void server_stop(struct server *server); /* any thread, signal-safe */
void server_close(
    struct server *server); /* NULL is allowed; server_run has returned or never began */

uint16_t server_port(const struct server *server);
uint16_t server_influx_port(const struct server *server); /* 0: there is none */

#endif
