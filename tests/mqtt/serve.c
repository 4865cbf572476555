/* The endpoint or a broker's client as a program, for tests with real peers:
 *
 *   mqtt_serve DIR listen                      prints "port N"; until SIGTERM
 *   mqtt_serve DIR broker URL [KEY=VALUE...]   client, topic, qos, ca, cert, key, password
 *   mqtt_serve DIR print                       the journal: door qos flags packet client topic
 * payload */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/message.h"
#include "ingest/mqtt/broker.h"
#include "ingest/mqtt/endpoint.h"

static struct endpoint *endpoint;
static struct broker *broker;

static void stop(int number)
{
    (void)number;
    if (endpoint != NULL) endpoint_stop(endpoint);
    if (broker != NULL) broker_stop(broker);
}

static int fail(const andon_error *err)
{
    fprintf(stderr, "%s\n", err->text);
    return 1;
}

static int print(const char *dir)
{
    struct journal_cursor *cursor = NULL;
    struct journal_record r;
    struct message m;
    andon_error err = {{0}};
    if (journal_cursor_open(NULL, dir, 0, &cursor, &err) != ANDON_OK) return fail(&err);
    while (journal_next(cursor, &r, &err) == 1) {
        if (r.type != JOURNAL_MESSAGE || !message_unpack(r.body, r.size, r.received_ns, &m))
            continue;
        printf("%u\t%u\t%u\t%u\t%.*s\t%.*s\t%.*s\n", m.door, m.qos, m.flags, m.packet,
               (int)m.client.length, m.client.at, (int)m.topic.length, m.topic.at,
               (int)m.payload.length, m.payload.at);
    }
    journal_cursor_close(cursor);
    return 0;
}

static int listen_here(struct journal *journal)
{
    andon_error err = {{0}};
    struct endpoint_options options = {.listen = "127.0.0.1:0"};
    if (endpoint_open(&options, journal, &endpoint, &err) != ANDON_OK) return fail(&err);
    printf("port %u\n", endpoint_port(endpoint));
    fflush(stdout);
    endpoint_run(endpoint);
    endpoint_close(endpoint);
    return 0;
}

static void set_option(struct broker_options *o, char *word, const char **topic)
{
    char *value = strchr(word, '=');
    if (value == NULL) return;
    *value++ = 0;
    if (strcmp(word, "client") == 0) o->client = value;
    if (strcmp(word, "topic") == 0) topic[o->topics++] = value;
    if (strcmp(word, "qos") == 0) o->qos = atoi(value);
    if (strcmp(word, "ca") == 0) o->ca_file = value;
    if (strcmp(word, "cert") == 0) o->cert_file = value;
    if (strcmp(word, "key") == 0) o->key_file = value;
    if (strcmp(word, "password") == 0) o->password_file = value;
}

static int follow(struct journal *journal, char **word, int words)
{
    const char *topic[16];
    andon_error err = {{0}};
    struct broker_options options = {.url = word[0], .topic = topic, .qos = 1};
    for (int i = 1; i < words && options.topics < 16; i++) set_option(&options, word[i], topic);
    if (broker_open(&options, journal, &broker, &err) != ANDON_OK) return fail(&err);
    broker_run(broker);
    broker_close(broker);
    return 0;
}

int main(int argc, char **argv)
{
    struct journal *journal = NULL;
    andon_error err = {{0}};
    if (argc < 3) return 2;
    if (strcmp(argv[2], "print") == 0) return print(argv[1]);
    struct journal_options options = {.dir = argv[1], .sync = JOURNAL_SYNC_OS};
    if (journal_open(&options, &journal, &err) != ANDON_OK) return fail(&err);
    signal(SIGTERM, stop);
    bool client = strcmp(argv[2], "broker") == 0 && argc > 3;
    int status = client ? follow(journal, argv + 3, argc - 3) : listen_here(journal);
    journal_close(journal);
    return status;
}
