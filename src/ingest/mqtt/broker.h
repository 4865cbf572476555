/* andon as a client of an existing broker: what comes is appended to the journal and only then
 * acknowledged, in groups. One thread of its own runs each (broker_run); several may run at once.
 *
 * What a broker has acknowledged to a device and lost before andon got it is out of andon's hands. */
#ifndef INGEST_MQTT_BROKER_H
#define INGEST_MQTT_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/status.h"
#include "journal/journal.h"

struct broker_options {
    const char *url;           /* mqtt://[USER@]HOST[:PORT], mqtts://...; no password in it         */
    const char *const *topic;  /* topic[topics], filters; $share/GROUP/FILTER where the broker can  */
    uint32_t topics;           /* 0: "#"                                                            */
    int qos;                   /* 0 or 1                                                            */
    const char *client;        /* client identifier; NULL: "andon-" and the host's name             */
    bool clean;                /* true: nothing is kept for andon while it is away                  */
    const char *ca_file;       /* mqtts: NULL: the system's certificates                            */
    const char *cert_file, *key_file; /* mqtts: andon's own; both or none                           */
    const char *user;          /* instead of the address's; NULL: that                              */
    const char *password;      /* read already, by a configuration; NULL: one of the two below      */
    const char *password_file; /* its first line; NULL: none                                        */
    const char *password_variable; /* ... or the environment variable of that name; NULL: none      */
};

struct broker_figures {
    uint64_t received;     /* messages from the broker                                    */
    uint64_t acknowledged; /* of them with QoS 1: journaled, and their PUBACK was written */
    uint64_t refused_full; /* attempts that the journal refused; the group is held        */
    uint64_t refused_large; /* messages that no record can hold: acknowledged and dropped  */
    uint64_t connects, losses; /* CONNACKs; connections that ended or never came about    */
    uint64_t subscriptions_refused;
    bool connected;
};

struct broker;

/* broker_open checks the options and reads the password; it does not connect.
 * ANDON_EINVAL an option is wrong (err; never a secret in it); ANDON_EIO the password file */
ANDON_MUST_CHECK andon_status broker_open(const struct broker_options *options,
                                          struct journal *journal, struct broker **broker,
                                          andon_error *err);

/* broker_run connects, and again after every loss (after 0.5 s, doubling to 30 s, with jitter),
 * subscribes and takes messages until broker_stop (any thread, signal-safe). While the journal refuses,
 * what came is held, nothing is acknowledged, and it goes on by itself. */
void broker_run(struct broker *broker);
void broker_stop(struct broker *broker);
void broker_close(struct broker *broker); /* after broker_run has returned; NULL is allowed */

void broker_figures(struct broker *broker, struct broker_figures *figures);

#endif
