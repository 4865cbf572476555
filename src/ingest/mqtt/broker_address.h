/* Where a broker is and who andon is to it: URL and password. */
#ifndef INGEST_MQTT_BROKER_ADDRESS_H
#define INGEST_MQTT_BROKER_ADDRESS_H

#include "ingest/mqtt/broker.h"

struct broker_address {
    bool tls;
    uint16_t port; /* 1883, 8883 unless the URL names one */
    bool has_user, has_password;
    char host[256], user[256], password[1024];
    char name[272]; /* host:port: the client of messages */
};

ANDON_MUST_CHECK andon_status broker_address_read(const struct broker_options *options,
                                                  struct broker_address *address, andon_error *err);

#endif
