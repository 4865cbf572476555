/* A rig for tests of the MQTT endpoint: a real one with a real journal in a thread, and raw sockets
 * that speak in scripts. A script is bytes as hexadecimals, with
 *
 *     'text'   these bytes             <text>   a string: length in two bytes, and the text
 *     *        a length in one to four bytes, of all that follows up to | or the end
 *     { ... }  a block with such a length in front (properties)
 *     ..       any byte (what is expected only)          |   the end of a packet
 *
 * "30 * <a/b> 'hello'" is a PUBLISH of QoS 0. */
#ifndef TESTS_MQTT_RIG_H
#define TESTS_MQTT_RIG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/message.h"
#include "ingest/mqtt/endpoint.h"

enum { RIG_MESSAGES_MAX = 1 << 18 };

struct rig {
    struct endpoint *endpoint;
    struct journal *journal;
    pthread_t thread;
    bool running;
    char dir[64];
    struct message *message; /* message[count]: rig_read */
    uint32_t count;
    uint8_t **body;
};

/* rig_open ends the program when it cannot. options NULL: the defaults, on a free port. */
void rig_open(struct rig *rig, const struct endpoint_options *options);
void rig_open_synced(struct rig *rig, const struct endpoint_options *options,
                     enum journal_sync sync);
void rig_stop(struct rig *rig);  /* endpoint_stop, and waits */
void rig_close(struct rig *rig); /* stops, closes, removes */

/* rig_read reads the journal's messages from its beginning. */
uint32_t rig_read(struct rig *rig);
uint32_t rig_count(struct rig *rig, const char *topic); /* of them; rig_read before */

int rig_dial(const struct rig *rig);
/* rig_connect dials and is greeted; version 4 or 5; clean as the flag says (5: with a session that
 * lives an hour where it is not clean). */
int rig_connect(const struct rig *rig, int version, const char *client, bool clean);

size_t script_bytes(const char *script, uint8_t *bytes, bool *any, size_t room);
bool rig_say(int fd, const char *script, ...) __attribute__((format(printf, 2, 3)));
bool rig_send(int fd, const void *bytes, size_t size);

/* rig_hears reads as many bytes as the script has, in time, and compares. */
bool rig_hears(int fd, const char *script, ...) __attribute__((format(printf, 2, 3)));

/* rig_reads reads exactly size bytes. */
bool rig_reads(int fd, void *bytes, size_t size);

/* rig_closed: the next thing that comes is the end, within seconds. */
bool rig_closed(int fd, double seconds);

/* rig_quiet: nothing has been said to the client: the next thing is the answer to a PINGREQ. */
bool rig_quiet(int fd);

/* rig_becomes asks again and again until holds(context) is true; false when it takes too long. */
bool rig_becomes(bool (*holds)(void *context), void *context);

/* rig_figure_is waits until a figure of the endpoint has that value. */
bool rig_figure_is(struct rig *rig, size_t offset, uint64_t value);
#define RIG_FIGURE_IS(rig, name, value)                                                            \
    rig_figure_is(rig, offsetof(struct endpoint_figures, name), value)

double rig_now_s(void);

#endif
