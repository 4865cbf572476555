#include "ingest/mqtt/reason.h"

const char *reason_text(uint8_t reason)
{
    switch (reason) {
    case REASON_OK: return "gone";
    case REASON_WITH_WILL: return "gone with a will";
    case REASON_MALFORMED: return "malformed packet";
    case REASON_PROTOCOL: return "protocol error";
    case REASON_IMPLEMENTATION: return "the journal could not be synced";
    case REASON_VERSION: return "only MQTT 3.1.1 and 5 are spoken here";
    case REASON_CLIENT_ID: return "client identifier not allowed (1024 bytes at most)";
    case REASON_BAD_PASSWORD: return "bad user name or password";
    case REASON_NOT_AUTHORIZED: return "not authorized";
    case REASON_UNAVAILABLE: return "server unavailable";
    case REASON_SHUTTING_DOWN: return "server shutting down";
    case REASON_AUTHENTICATION: return "no enhanced authentication here";
    case REASON_KEEP_ALIVE: return "keep alive timeout";
    case REASON_TAKEN_OVER: return "session taken over";
    case REASON_FILTER: return "topic filter invalid";
    case REASON_TOPIC: return "topic name invalid (4096 bytes and 128 levels at most)";
    case REASON_NO_PACKET_ID: return "packet identifier not found";
    case REASON_RECEIVE_MAX: return "receive maximum exceeded";
    case REASON_TOPIC_ALIAS: return "topic alias invalid";
    case REASON_TOO_LARGE: return "packet too large";
    case REASON_QUOTA: return "quota exceeded";
    case REASON_SHARED: return "shared subscriptions not supported";
    default: return "unspecified error";
    }
}
