/* Every limit of the endpoint that is not an option, in one place; docs/mqtt.md lists them. */
#ifndef INGEST_MQTT_LIMITS_H
#define INGEST_MQTT_LIMITS_H

#include "base/clock.h"

/* clang-format off */
enum {
    CONNECTIONS_DEFAULT = 8192,
    PACKET_BYTES_DEFAULT = 1 << 20,
    PACKET_BYTES_MOST = 15 << 20, /* with its head it has to fit into a record of the journal */
    SESSIONS_DEFAULT = 65536,
    TOPICS_RETAINED_DEFAULT = 65536,

    READ_BYTES = 128 << 10,       /* from one connection in one turn                          */
    BATCH_MESSAGES = 8192,        /* in one append                                            */
    HEADS_BYTES = 2 << 20,        /* of their heads                                           */
    ACCEPTS_PER_TURN = 256,       /* so that a storm of them starves nobody                   */
    EVENTS_PER_TURN = 1024,

    OUT_SOFT_BYTES = 256 << 10,   /* waiting for a client: beyond, QoS 0 is dropped and the client
                                   * is not read from; all PUBACKs it can have due fit          */
    OUT_TIGHT_BYTES = 16 << 10,   /* the same when a quarter of the pool is in use           */
    SEND_BUFFER_BYTES = 128 << 10, /* what the system may hold for a client that does not read */
    QUEUE_MESSAGES = 4096,        /* QoS 1 for one session                                    */
    QUEUE_BYTES = 1 << 20,
    WINDOW_MAX = 512,             /* of them sent and not yet acknowledged                    */
    RECEIVE_MAX = 1024,           /* QoS 1 and 2 from a client of MQTT 5 at once              */
    ALIAS_MAX = 64,
    PACKET_MAX_LEAST = 64,        /* a client that takes less cannot be greeted               */

    SUBSCRIPTIONS_PER_CLIENT = 1024,
    SUBSCRIPTIONS_MAX = 1 << 18,
    TREE_NODES_MAX = 1 << 19,

    INPUT_POOL_BYTES = 64 << 20,  /* halves of packets                                        */
    OUTPUT_POOL_BYTES = 256 << 20, /* what waits for clients                                  */
    QUEUED_POOL_BYTES = 64 << 20, /* queues of QoS 1                                          */
    KEPT_POOL_BYTES = 128 << 20,  /* sessions' names, wills, subscriptions                    */
    RETAINED_POOL_BYTES = 128 << 20,
    RETAINED_OWN_MAX = 65536,     /* topics of andon's own, beside those of devices           */

    SESSION_EXPIRY_MAX_S = 7 * 86400,
    KEEP_ALIVE_MAX_S = 1200,      /* asked of clients of MQTT 5 that want none or more        */
};
/* clang-format on */

#define NS_PER_S (1000 * NS_PER_MS)
#define GREETING_NS (10 * NS_PER_S)  /* from the connection to a whole CONNECT              */
#define FAREWELL_NS (2 * NS_PER_S)   /* for a client to read why it is closed               */
#define STALL_NS (30 * NS_PER_S)     /* a full buffer of which nothing could be written     */
#define WILL_RETRY_NS (1 * NS_PER_S) /* after the journal refused one                       */
#define DRAIN_NS (2 * NS_PER_S)      /* at the end, for what waits to be written            */
#define TICK_MS 250                  /* timers                                              */

#endif
