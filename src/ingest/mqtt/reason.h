/* Reason codes of MQTT 5 (2.4), those that this endpoint says or asks about, and the return codes
 * of 3.1.1's CONNACK (3.2.2.3) that stand for them. */
#ifndef INGEST_MQTT_REASON_H
#define INGEST_MQTT_REASON_H

#include <stdint.h>

enum reason {
    REASON_OK = 0x00,
    REASON_QOS_1 = 0x01,
    REASON_WITH_WILL = 0x04,
    REASON_NO_SUBSCRIPTION = 0x11,
    REASON_UNSPECIFIED = 0x80,
    REASON_MALFORMED = 0x81,
    REASON_PROTOCOL = 0x82,
    REASON_IMPLEMENTATION = 0x83,
    REASON_VERSION = 0x84,
    REASON_CLIENT_ID = 0x85,
    REASON_BAD_PASSWORD = 0x86,
    REASON_NOT_AUTHORIZED = 0x87,
    REASON_UNAVAILABLE = 0x88,
    REASON_SHUTTING_DOWN = 0x8B,
    REASON_AUTHENTICATION = 0x8C,
    REASON_KEEP_ALIVE = 0x8D,
    REASON_TAKEN_OVER = 0x8E,
    REASON_FILTER = 0x8F,
    REASON_TOPIC = 0x90,
    REASON_NO_PACKET_ID = 0x92,
    REASON_RECEIVE_MAX = 0x93,
    REASON_TOPIC_ALIAS = 0x94,
    REASON_TOO_LARGE = 0x95,
    REASON_QUOTA = 0x97,
    REASON_SHARED = 0x9E,
};

/* reason_return_code: what 3.1.1 says in a CONNACK; 0 where it closes without one. */
static inline uint8_t reason_return_code(uint8_t reason)
{
    switch (reason) {
    case REASON_VERSION: return 1;
    case REASON_CLIENT_ID: return 2;
    case REASON_QUOTA:
    case REASON_UNAVAILABLE: return 3;
    case REASON_BAD_PASSWORD: return 4;
    case REASON_NOT_AUTHORIZED: return 5;
    default: return 0;
    }
}

/* A line for the log and for the Reason String. */
const char *reason_text(uint8_t reason);

#endif
