/* Clients for bench/mqtt.c: publishers that pipeline, and one subscriber. MQTT 3.1.1, QoS 1. */
#ifndef BENCH_MQTT_LOAD_H
#define BENCH_MQTT_LOAD_H

#include <stdint.h>

struct load {
    uint16_t port;
    uint32_t connections, window; /* messages sent and not yet acknowledged, per connection */
    uint64_t messages;            /* over all connections                                   */
    double rate;                  /* messages a second; 0: as fast as it goes               */
};

struct load_result {
    double seconds;        /* from the first PUBLISH to the last PUBACK */
    double p50_us, p99_us; /* from PUBLISH to PUBACK                    */
};

double load_now_s(void);

/* load_publish sends rows of six numbers as JSON, one topic per connection, and waits for all the
 * PUBACKs. Ends the program when a connection breaks. */
struct load_result load_publish(const struct load *load);

/* load_subscribe takes messages from everything below bench/ and acknowledges them; ready_fd hears
 * a byte when it is subscribed. Returns when messages have come: the seconds at that moment.
 *   p50_us, p99_us  out  from the time in the payload, for rates; may be NULL */
double load_subscribe(uint16_t port, uint64_t messages, int ready_fd, double *p50_us,
                      double *p99_us);

/* How long a packet with its row is. */
uint32_t load_packet_bytes(void);

#endif
