/* libmosquitto with a loop of our own, because its own acknowledges before the message is handled.
 * In threaded mode its answers are only queued; they leave in mosquitto_loop_write. So one round is
 *
 *     mosquitto_loop_read until nothing is left -> journal_append -> journal_settle ->
 * mosquitto_loop_write
 *
 * which is how libmosquitto 2.0 happens to work, not what it promises: broker_test pins it.
 *
 * Invariants
 * 1. mosquitto_loop_write is called only when nothing is held that is not journaled and settled.
 * 2. A connection that must not acknowledge what it has read is destroyed: what it had queued goes
 * with it, and the broker sends it again. */
#include "ingest/mqtt/broker.h"

#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "andon/rng.h"
#include "base/clock.h"
#include "base/log.h"
#include "ingest/message.h"
#include "ingest/mqtt/broker_address.h"

enum {
    GROUP_MESSAGES = 4096,
    GROUP_BYTES = 4 << 20, /* heads and payloads of one group */
    FILTERS_MAX = 64,
    KEEP_ALIVE_S = 60,
    RESUMED_MESSAGES = 1024, /* of a session that went on: perhaps sent before */
    PAYLOAD_MAX = (16 << 20) - 65536
};
#define RETRY_NS (500 * NS_PER_MS)
#define RETRY_MAX_NS (30000 * NS_PER_MS)
#define REFUSED_NS (100 * NS_PER_MS) /* between attempts while the journal refuses */
#define ROUND_MS 1000                /* for keep alive */

struct broker {
    struct broker_address address;
    struct journal *journal;
    char *topic[FILTERS_MAX], *client, *ca_file, *cert_file, *key_file;
    uint32_t topics;
    int qos;
    bool clean;
    uint64_t session; /* message.session: the same as long as broker and client name are */

    int wake;
    _Atomic bool stop;
    struct mosquitto *link;
    bool reached, greeted, broken; /* by TCP; CONNACK; it must not acknowledge any more */
    uint32_t resumed;              /* messages that may have come before, still to come */
    struct andon_rng rng;
    int64_t retry_ns;

    uint8_t *bytes; /* bytes[GROUP_BYTES] */
    struct journal_entry *entry;
    uint32_t used, entries, owed; /* owed: PUBACKs that libmosquitto has queued */

    struct {
        _Atomic uint64_t received, acknowledged, refused_full, refused_large, connects, losses,
            subscriptions_refused;
        _Atomic bool connected;
    } figures;
};

static void add(_Atomic uint64_t *figure, uint64_t n)
{
    atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

static bool stopping(struct broker *b)
{
    return atomic_load_explicit(&b->stop, memory_order_acquire);
}

/* Waits until the time is over or broker_stop is called. */
static void pause_for(struct broker *b, int64_t ns)
{
    struct pollfd p = {.fd = b->wake, .events = POLLIN};
    if (!stopping(b)) poll(&p, 1, (int)(ns / NS_PER_MS));
}

/* Puts the group into the journal, however long that takes; false: it is not there, and broker_stop
 * was called. Nothing is acknowledged meanwhile, and nothing more is read. */
static bool settle_group(struct broker *b)
{
    uint64_t end = 0;
    bool appended = b->entries == 0;
    andon_error err = {{0}};
    while (b->entries > 0) {
        andon_status st = ANDON_OK;
        if (!appended) st = journal_append(b->journal, b->entry, b->entries, &end, &err);
        appended = appended || st == ANDON_OK;
        if (st == ANDON_OK) st = journal_settle(b->journal, end, &err);
        if (st == ANDON_OK) break;
        add(&b->figures.refused_full, 1);
        log_line(LOG_ERROR, "broker", "not journaled", "broker=%s reason=\"%s\"", b->address.name,
                 err.text);
        if (stopping(b)) return false;
        pause_for(b, REFUSED_NS);
    }
    b->entries = b->used = 0;
    return true;
}

static void enter(struct broker *b, const struct message *m, bool copied)
{
    uint8_t *head = b->bytes + b->used;
    uint32_t size = (uint32_t)message_pack(m, head);
    const void *payload = m->payload.at;
    b->used += size;
    if (copied && m->payload.length > 0) {
        payload = memcpy(b->bytes + b->used, m->payload.at, m->payload.length);
        b->used += m->payload.length;
    }
    b->entry[b->entries++] = (struct journal_entry){.type = JOURNAL_MESSAGE,
                                                    .received_ns = clock_wall_ns(),
                                                    .part = {head, payload},
                                                    .size = {size, m->payload.length}};
}

/* A message that came: into the group; one that is larger than the group has room for goes at once.
 */
static void take(struct broker *b, const struct message *m)
{
    if (m->payload.length > PAYLOAD_MAX || m->topic.length > MESSAGE_TOPIC_MAX) {
        add(&b->figures.refused_large, 1);
        log_line(LOG_WARN, "broker", "message dropped",
                 "broker=%s reason=size topic_bytes=%u bytes=%u", b->address.name, m->topic.length,
                 m->payload.length);
        return;
    }
    uint64_t bytes = MESSAGE_HEAD_MAX + (uint64_t)m->payload.length;
    bool full = b->entries == GROUP_MESSAGES || bytes > GROUP_BYTES - b->used;
    if (full && !settle_group(b)) b->broken = true;
    if (b->broken) return;
    bool copied = bytes <= GROUP_BYTES;
    enter(b, m, copied);
    if (!copied && !settle_group(b))
        b->broken = true; /* its bytes are there only until we return */
}

static void on_message(struct mosquitto *link, void *context, const struct mosquitto_message *came)
{
    struct broker *b = context;
    (void)link;
    if (b->broken) return;
    add(&b->figures.received, 1);
    b->owed += came->qos > 0;
    uint32_t flags = came->retain ? MESSAGE_RETAINED : 0u;
    if (came->qos > 0 && b->resumed > 0) {
        b->resumed--;
        flags |= MESSAGE_DUPLICATE; /* libmosquitto does not tell */
    }
    struct message m = {.door = MESSAGE_BROKER,
                        .qos = (uint8_t)came->qos,
                        .flags = (uint8_t)flags,
                        .packet = (uint16_t)came->mid,
                        .session = b->session,
                        .client = text_of(b->address.name),
                        .user = {b->address.user, (uint32_t)strlen(b->address.user)},
                        .topic = text_of(came->topic),
                        .payload = {came->payload, (uint32_t)came->payloadlen}};
    take(b, &m);
}

static void on_connect(struct mosquitto *link, void *context, int code, int flags)
{
    struct broker *b = context;
    if (code != 0) {
        log_line(LOG_ERROR, "broker", "refused", "broker=%s reason=\"%s\"", b->address.name,
                 mosquitto_connack_string(code));
        return;
    }
    b->greeted = true;
    b->retry_ns = RETRY_NS;
    b->resumed = (flags & 1) != 0 ? RESUMED_MESSAGES : 0;
    add(&b->figures.connects, 1);
    atomic_store(&b->figures.connected, true);
    log_line(LOG_INFO, "broker", "connected", "broker=%s resumed=%d", b->address.name, flags & 1);
    for (uint32_t i = 0; i < b->topics; i++)
        if (mosquitto_subscribe(link, NULL, b->topic[i], b->qos) != MOSQ_ERR_SUCCESS)
            add(&b->figures.subscriptions_refused, 1);
}

static void on_subscribe(struct mosquitto *link, void *context, int id, int count,
                         const int *granted)
{
    struct broker *b = context;
    (void)link;
    (void)id;
    for (int i = 0; i < count; i++) {
        if (granted[i] < 128) continue;
        add(&b->figures.subscriptions_refused, 1);
        log_line(LOG_ERROR, "broker", "subscription refused", "broker=%s", b->address.name);
    }
}

/* A key that asks for a password is not asked for one at a terminal. */
static int no_key_password(char *room, int size, int rwflag, void *context)
{
    (void)size;
    (void)rwflag;
    (void)context;
    room[0] = 0;
    return 0;
}

static int set_tls(struct broker *b)
{
    int rc = MOSQ_ERR_SUCCESS;
    if (b->ca_file == NULL) rc = mosquitto_int_option(b->link, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    if (rc == MOSQ_ERR_SUCCESS && (b->ca_file != NULL || b->cert_file != NULL))
        rc = mosquitto_tls_set(b->link, b->ca_file, b->ca_file == NULL ? "/etc/ssl/certs" : NULL,
                               b->cert_file, b->key_file, no_key_password);
    return rc;
}

/* A new connection is on its way; false: it cannot even begin. */
static bool dial(struct broker *b)
{
    b->reached = b->greeted = b->broken = false;
    b->owed = b->entries = b->used = 0;
    b->link = mosquitto_new(b->client, b->clean, b);
    if (b->link == NULL) return false;
    mosquitto_threaded_set(b->link, true); /* answers are queued */
    mosquitto_message_callback_set(b->link, on_message);
    mosquitto_connect_with_flags_callback_set(b->link, on_connect);
    mosquitto_subscribe_callback_set(b->link, on_subscribe);
    mosquitto_int_option(b->link, MOSQ_OPT_TCP_NODELAY, 1);
    int rc = MOSQ_ERR_SUCCESS;
    if (b->address.has_user)
        rc = mosquitto_username_pw_set(b->link, b->address.user,
                                       b->address.has_password ? b->address.password : NULL);
    if (rc == MOSQ_ERR_SUCCESS && b->address.tls) rc = set_tls(b);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_connect_async(b->link, b->address.host, b->address.port, KEEP_ALIVE_S);
    if (rc == MOSQ_ERR_SUCCESS) return true;
    log_line(LOG_WARN, "broker", "no connection", "broker=%s reason=\"%s\"", b->address.name,
             rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
    return false;
}

/* Reads what is there, at most a group; libmosquitto says so with errno, with TLS, too, whose
 * buffer poll knows nothing of. *came: whether a message did: then there may be more, whatever
 * errno says. False: the connection is lost. */
static bool read_some(struct broker *b, bool *came)
{
    uint64_t before = atomic_load(&b->figures.received);
    uint64_t enough = before + GROUP_MESSAGES;
    int rc = MOSQ_ERR_SUCCESS;
    do {
        errno = 0;
        rc = mosquitto_loop_read(b->link, 1);
    } while (rc == MOSQ_ERR_SUCCESS && errno != EAGAIN && errno != EWOULDBLOCK &&
             atomic_load(&b->figures.received) < enough && !b->broken && !stopping(b));
    *came = atomic_load(&b->figures.received) != before;
    if (rc != MOSQ_ERR_SUCCESS)
        log_line(LOG_WARN, "broker", "connection lost", "broker=%s reason=\"%s\"", b->address.name,
                 rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
    return rc == MOSQ_ERR_SUCCESS;
}

/* The group is journaled: now its PUBACKs may go. */
static bool write_answers(struct broker *b)
{
    int rc = mosquitto_loop_write(b->link, 1);
    if (rc == MOSQ_ERR_SUCCESS) add(&b->figures.acknowledged, b->owed);
    b->owed = 0;
    return rc == MOSQ_ERR_SUCCESS;
}

static void wait_for_events(struct broker *b)
{
    struct pollfd p[2] = {{.fd = mosquitto_socket(b->link), .events = POLLIN},
                          {.fd = b->wake, .events = POLLIN}};
    if (mosquitto_want_write(b->link) || !b->reached) p[0].events |= POLLOUT;
    poll(p, 2, ROUND_MS);
    if ((p[0].revents & POLLOUT) != 0) b->reached = true;
}

static void serve(struct broker *b)
{
    bool alive = true, came = false;
    int64_t begun_ns = clock_steady_ns();
    while (alive && !stopping(b)) {
        if (!came) wait_for_events(b);
        alive = read_some(b, &came);
        if (!settle_group(b) || b->broken) return; /* invariant 2 */
        if (alive) alive = write_answers(b) && mosquitto_loop_misc(b->link) == MOSQ_ERR_SUCCESS;
        if (!b->greeted && clock_steady_ns() - begun_ns > RETRY_MAX_NS) alive = false;
    }
    if (alive) mosquitto_disconnect(b->link); /* stopping: a goodbye */
    if (alive) mosquitto_loop_write(b->link, 1);
}

/* 0.5 s, doubling to 30 s, each between half and the whole of it. */
static void wait_before_next(struct broker *b)
{
    int64_t half = b->retry_ns / 2;
    pause_for(b, half + (int64_t)((double)half * andon_rng_real(&b->rng)));
    b->retry_ns = 2 * b->retry_ns < RETRY_MAX_NS ? 2 * b->retry_ns : RETRY_MAX_NS;
}

void broker_run(struct broker *broker)
{
    while (!stopping(broker)) {
        if (dial(broker)) serve(broker);
        atomic_store(&broker->figures.connected, false);
        mosquitto_destroy(broker->link);
        broker->link = NULL;
        if (stopping(broker)) break;
        add(&broker->figures.losses, 1);
        wait_before_next(broker);
    }
}

void broker_stop(struct broker *broker)
{
    int why = errno;
    uint64_t one = 1;
    atomic_store_explicit(&broker->stop, true, memory_order_release);
    (void)!write(broker->wake, &one, sizeof one);
    errno = why;
}

static pthread_once_t library_ready = PTHREAD_ONCE_INIT;

static void ready_library(void)
{
    mosquitto_lib_init();
}

static uint64_t name_number(const char *a, const char *b)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *a != 0; a++) hash = (hash ^ (uint8_t)*a) * UINT64_C(0x100000001b3);
    for (; *b != 0; b++) hash = (hash ^ (uint8_t)*b) * UINT64_C(0x100000001b3);
    return hash | 1;
}

static andon_status check_options(const struct broker_options *o, andon_error *err)
{
    if (o->qos < 0 || o->qos > 1)
        return andon_fail(err, ANDON_EINVAL, "broker: qos %d, expected 0 or 1", o->qos);
    if (o->topics > FILTERS_MAX)
        return andon_fail(err, ANDON_EINVAL, "broker: %u topics, at most %d", o->topics,
                          FILTERS_MAX);
    for (uint32_t i = 0; i < o->topics; i++)
        if (mosquitto_sub_topic_check(o->topic[i]) != MOSQ_ERR_SUCCESS)
            return andon_fail(err, ANDON_EINVAL, "broker: \"%.200s\" is no topic filter",
                              o->topic[i]);
    if ((o->cert_file == NULL) != (o->key_file == NULL))
        return andon_fail(err, ANDON_EINVAL,
                          "broker: a certificate needs its key, and a key its "
                          "certificate");
    const char *const files[] = {o->ca_file, o->cert_file, o->key_file};
    for (int i = 0; i < 3; i++)
        if (files[i] != NULL && access(files[i], R_OK) != 0)
            return andon_fail(err, ANDON_EIO, "broker: %s: %s", files[i], strerror(errno));
    return ANDON_OK;
}

static bool keep(char **to, const char *from)
{
    *to = from == NULL ? NULL : strdup(from);
    return from == NULL || *to != NULL;
}

/* Copies and buffers; false: no memory. */
static bool fill(struct broker *b, const struct broker_options *o)
{
    char host[200] = "", client[256];
    gethostname(host, sizeof host - 1);
    snprintf(client, sizeof client, "andon-%s", host);
    bool there = keep(&b->client, o->client != NULL ? o->client : client);
    there = there && keep(&b->ca_file, o->ca_file) && keep(&b->cert_file, o->cert_file);
    there = there && keep(&b->key_file, o->key_file);
    b->topics = o->topics == 0 ? 1 : o->topics;
    for (uint32_t i = 0; there && i < b->topics; i++)
        there = keep(&b->topic[i], o->topics == 0 ? "#" : o->topic[i]);
    b->bytes = malloc(GROUP_BYTES + MESSAGE_HEAD_MAX);
    b->entry = calloc(GROUP_MESSAGES, sizeof *b->entry);
    return there && b->bytes != NULL && b->entry != NULL;
}

andon_status broker_open(const struct broker_options *options, struct journal *journal,
                         struct broker **broker, andon_error *err)
{
    pthread_once(&library_ready, ready_library);
    struct broker *b = calloc(1, sizeof *b);
    if (b == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a broker");
    b->wake = -1;
    b->journal = journal;
    b->qos = options->qos;
    b->clean = options->clean;
    b->retry_ns = RETRY_NS;
    andon_status st = broker_address_read(options, &b->address, err);
    if (st == ANDON_OK) st = check_options(options, err);
    if (st == ANDON_OK && !fill(b, options))
        st = andon_fail(err, ANDON_ENOMEM, "no memory for a broker");
    if (st == ANDON_OK && (b->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
        st = andon_fail(err, ANDON_EIO, "broker: no event: %s", strerror(errno));
    if (st != ANDON_OK) {
        broker_close(b);
        return st;
    }
    b->session = name_number(b->client, b->address.name);
    andon_rng_seed(&b->rng, (uint64_t)clock_wall_ns() ^ b->session);
    *broker = b;
    return ANDON_OK;
}

void broker_close(struct broker *broker)
{
    struct broker *b = broker;
    if (b == NULL) return;
    for (uint32_t i = 0; i < FILTERS_MAX; i++) free(b->topic[i]);
    free(b->client);
    free(b->ca_file);
    free(b->cert_file);
    free(b->key_file);
    free(b->bytes);
    free(b->entry);
    if (b->wake >= 0) close(b->wake);
    explicit_bzero(&b->address, sizeof b->address);
    free(b);
}

void broker_figures(struct broker *broker, struct broker_figures *figures)
{
    *figures = (struct broker_figures){.received = atomic_load(&broker->figures.received),
                                       .acknowledged = atomic_load(&broker->figures.acknowledged),
                                       .refused_full = atomic_load(&broker->figures.refused_full),
                                       .refused_large = atomic_load(&broker->figures.refused_large),
                                       .connects = atomic_load(&broker->figures.connects),
                                       .losses = atomic_load(&broker->figures.losses),
                                       .subscriptions_refused =
                                           atomic_load(&broker->figures.subscriptions_refused),
                                       .connected = atomic_load(&broker->figures.connected)};
}
