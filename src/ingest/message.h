/* One message as it came in from outside, and as the journal keeps it. Written by the doors (MQTT,
 * HTTP, files), read by the engine. */
#ifndef INGEST_MESSAGE_H
#define INGEST_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum message_door {
    MESSAGE_MQTT = 1, /* topic is the MQTT topic; client the client id               */
    MESSAGE_BROKER,   /* the same, through a broker; client names the broker         */
    MESSAGE_NATIVE,   /* POST /api/andon/v1/readings: object, array or NDJSON        */
    MESSAGE_LINE,     /* InfluxDB line protocol; topic is "ns", "us", "ms" or "s"     */
    MESSAGE_THINGSBOARD, /* POST /api/v1/<token>/telemetry; user is the token        */
    MESSAGE_FILE,     /* a row of an imported file, as NATIVE; client names the file */
};

enum message_flag {
    MESSAGE_DUPLICATE = 1, /* the sender says it may have sent this before (MQTT DUP)  */
    MESSAGE_RETAINED = 2,
    MESSAGE_WILL = 4,      /* the endpoint speaks for a client that has gone          */
    MESSAGE_CHECKED = 8,   /* the door has decoded it once: what it refused stays refused */
};

#define MESSAGE_NAME_MAX 1024u /* bytes of client or user               */
#define MESSAGE_TOPIC_MAX 4096u

struct message {
    uint8_t door;       /* enum message_door              */
    uint8_t qos;        /* 0, 1, 2                        */
    uint8_t flags;      /* enum message_flag              */
    uint16_t packet;    /* MQTT packet id, 0 without one  */
    uint64_t session;   /* which connection or session of client it came by: packet ids mean something
                           within one; 0 without one      */
    struct text client; /* client id, broker or peer      */
    struct text user;   /* user name or access token      */
    struct text topic;
    struct text payload;
    int64_t received_ns; /* the record's time             */
};

/* message_pack writes everything but the payload (which follows it in the record as the second part)
 * into head and returns the size.
 *   head  out  MESSAGE_HEAD_MAX bytes; client, user and topic are within their limits */
#define MESSAGE_HEAD_MAX (32u + 2u * MESSAGE_NAME_MAX + MESSAGE_TOPIC_MAX)
size_t message_pack(const struct message *message, uint8_t *head);

/* message_unpack reads a record's body; what it points to is the body. False: no message. */
bool message_unpack(const uint8_t *body, uint32_t size, int64_t received_ns,
                    struct message *message);

#endif
