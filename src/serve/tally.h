/* What the server counts: one of these per event loop, summed up for /metrics. */
#ifndef SERVE_TALLY_H
#define SERVE_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

/* Why a request or a connection was refused or cut. */
enum refusal_reason {
    REFUSED_CONNECTIONS, /* connections_max is reached                              */
    REFUSED_HOST,        /* Host names another machine (DNS rebinding)              */
    REFUSED_ORIGIN,      /* a page of another site sent it                          */
    REFUSED_FRAMING,     /* lengths that contradict each other, unknown encodings   */
    REFUSED_MALFORMED,   /* no HTTP, wrong escapes, headers that are too large      */
    REFUSED_PATH,        /* 404                                                     */
    REFUSED_METHOD,      /* 405                                                     */
    REFUSED_PARAMETER,   /* a parameter is missing or wrong                         */
    REFUSED_TYPE,        /* 415                                                     */
    REFUSED_SIZE,        /* 413                                                     */
    REFUSED_UNREADABLE,  /* nothing in the body can be read                         */
    REFUSED_BUSY,        /* no buffer, no place among the queries, or the plant asks for patience */
    REFUSED_FULL,        /* the disk is full                                        */
    REFUSED_FAILED,      /* journal or store failed                                 */
    REFUSED_SLOW,        /* the request did not come in time                        */
    REFUSED_STALLED,     /* the answer was not read in time                         */
    REFUSED_ABORTED,     /* the client went away in the middle                      */
    REFUSED_STOPPING,    /* the server is being stopped                             */
    REFUSED_REASONS
};
const char *refusal_reason_name(enum refusal_reason reason);

#define TALLY_CODES 24u

struct tally {
    _Atomic uint64_t connections, accepted; /* now; since the start        */
    _Atomic uint64_t requests;
    _Atomic uint64_t code[TALLY_CODES]; /* see tally_code_at           */
    _Atomic uint64_t refused[REFUSED_REASONS];
    _Atomic uint64_t readings[2]; /* elements accepted: native, influx */
    _Atomic uint64_t rejected;    /* elements                     */
    _Atomic uint64_t body_bytes, answer_bytes;
    _Atomic uint64_t streams, events, events_lost;
    _Atomic uint64_t queries, query_ns;
};

/* The place of a status code in tally.code; the last is for all others. tally_code gives it back,
 * 0. */
uint32_t tally_place(unsigned code);
unsigned tally_code(uint32_t place);

static inline void tally_add(_Atomic uint64_t *figure, uint64_t n)
{
    atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

static inline void tally_take(_Atomic uint64_t *figure, uint64_t n)
{
    atomic_fetch_sub_explicit(figure, n, memory_order_relaxed);
}

static inline uint64_t tally_of(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

#endif
