/* Sending. One clock for all targets: a sample leaves when its simulated time has come. */
#include "cli/simulate_send.h"

#include <curl/curl.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ingest/timestamp.h"
#include "sim/payload.h"

#define NS_PER_S INT64_C(1000000000)
enum { HOST_ROOM = 256, BATCH_BYTES = 256 << 10, INFLIGHT_MAX = 512, PATIENCE_S = 30 };

struct sender {
    const struct simulate_target *target;
    struct simulate_sent *sent;
    char host[HOST_ROOM];
    int port;
    bool http;
    struct mosquitto *mqtt;
    uint64_t acknowledged; /* written by mosquitto's callback in this thread */
    bool connected;
    CURL *curl;
    char *batch;
    size_t batch_bytes;
    uint64_t batch_rows;
    struct sim_message *message;
    andon_error *err;
};

static andon_status read_url(struct sender *s)
{
    const char *url = s->target->url;
    s->http = strncmp(url, "http://", 7) == 0;
    if (!s->http && strncmp(url, "mqtt://", 7) != 0)
        return andon_fail(s->err, ANDON_EINVAL,
                          "--to %s: expected a file, mqtt://HOST:PORT or http://HOST:PORT", url);
    const char *host = url + 7;
    size_t length = strcspn(host, ":/");
    s->port = s->http ? 8000 : 1883;
    if (host[length] == ':') s->port = atoi(host + length + 1);
    if (length == 0 || length >= sizeof s->host || s->port <= 0 || s->port > 65535)
        return andon_fail(s->err, ANDON_EINVAL, "--to %s: no host and port in it", url);
    memcpy(s->host, host, length);
    return ANDON_OK;
}

/* ---- MQTT ---- */

static void on_publish(struct mosquitto *mqtt, void *context, int id)
{
    (void)mqtt;
    (void)id;
    ((struct sender *)context)->acknowledged++;
}

static void on_connect(struct mosquitto *mqtt, void *context, int code)
{
    (void)mqtt;
    ((struct sender *)context)->connected = code == 0;
}

static andon_status mqtt_turn(struct sender *s, int wait_ms)
{
    int rc = mosquitto_loop(s->mqtt, wait_ms, 1);
    if (rc == MOSQ_ERR_SUCCESS) return ANDON_OK;
    s->connected = false;
    int64_t until = clock_steady_ns() + PATIENCE_S * NS_PER_S;
    while (mosquitto_reconnect(s->mqtt) != MOSQ_ERR_SUCCESS) {
        if (clock_steady_ns() > until)
            return andon_fail(s->err, ANDON_EIO, "%s: %s", s->target->url, mosquitto_strerror(rc));
        nanosleep(&(struct timespec){0, 200000000}, NULL);
    }
    return ANDON_OK;
}

static andon_status mqtt_open(struct sender *s)
{
    char id[64];
    mosquitto_lib_init();
    snprintf(id, sizeof id, "andon-simulate-%lld", (long long)clock_steady_ns());
    s->mqtt = mosquitto_new(id, false, s);
    if (s->mqtt == NULL) return andon_fail(s->err, ANDON_ENOMEM, "no memory for an MQTT client");
    mosquitto_publish_callback_set(s->mqtt, on_publish);
    mosquitto_connect_callback_set(s->mqtt, on_connect);
    mosquitto_max_inflight_messages_set(s->mqtt, INFLIGHT_MAX);
    int rc = mosquitto_connect(s->mqtt, s->host, s->port, 60);
    if (rc != MOSQ_ERR_SUCCESS)
        return andon_fail(s->err, ANDON_EIO, "%s: cannot connect: %s", s->target->url,
                          mosquitto_strerror(rc));
    andon_status st = ANDON_OK;
    int64_t until = clock_steady_ns() + PATIENCE_S * NS_PER_S;
    while (st == ANDON_OK && !s->connected && clock_steady_ns() < until) st = mqtt_turn(s, 50);
    if (st == ANDON_OK && !s->connected)
        st = andon_fail(s->err, ANDON_EIO, "%s: no answer to CONNECT", s->target->url);
    return st;
}

static andon_status mqtt_send(struct sender *s, const struct sim_message *m)
{
    int rc = mosquitto_publish(s->mqtt, NULL, m->topic, (int)m->size, m->payload, 1, false);
    if (rc != MOSQ_ERR_SUCCESS && rc != MOSQ_ERR_NO_CONN)
        return andon_fail(s->err, ANDON_EIO, "%s: %s", s->target->url, mosquitto_strerror(rc));
    s->sent->messages++;
    andon_status st = ANDON_OK;
    while (st == ANDON_OK && s->sent->messages - s->acknowledged >= INFLIGHT_MAX) st = mqtt_turn(s, 10);
    return st;
}

/* ---- HTTP ---- */

static size_t swallow(char *data, size_t size, size_t n, void *context)
{
    (void)data;
    (void)context;
    return size * n;
}

static andon_status http_open(struct sender *s)
{
    char url[HOST_ROOM + 64];
    curl_global_init(CURL_GLOBAL_DEFAULT);
    s->curl = curl_easy_init();
    s->batch = malloc(BATCH_BYTES + SIM_PAYLOAD_MAX + SIM_TOPIC_MAX + 64);
    if (s->curl == NULL || s->batch == NULL)
        return andon_fail(s->err, ANDON_ENOMEM, "no memory for an HTTP client");
    snprintf(url, sizeof url, "http://%s:%d/api/andon/v1/readings", s->host, s->port);
    curl_easy_setopt(s->curl, CURLOPT_URL, url);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    return ANDON_OK;
}

/* Posts the batch until it is taken; what the door says it is too full for is sent again. */
static andon_status http_flush(struct sender *s)
{
    struct curl_slist *kind = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
    int64_t until = clock_steady_ns() + PATIENCE_S * NS_PER_S;
    long status = 0;
    CURLcode rc = CURLE_OK;
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, kind);
    curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, s->batch);
    curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE, (long)s->batch_bytes);
    while (s->batch_rows > 0 && clock_steady_ns() < until) {
        rc = curl_easy_perform(s->curl);
        curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
        if (rc == CURLE_OK && (status < 429 || status == 501)) break;
        nanosleep(&(struct timespec){0, 200000000}, NULL);
    }
    curl_slist_free_all(kind);
    if (s->batch_rows > 0 && (rc != CURLE_OK || status != 200))
        return andon_fail(s->err, ANDON_EIO, "%s: %s %ld", s->target->url,
                          rc != CURLE_OK ? curl_easy_strerror(rc) : "answered", status);
    s->acknowledged += s->batch_rows;
    s->batch_rows = 0;
    s->batch_bytes = 0;
    return ANDON_OK;
}

/* One line of NDJSON: the flat object becomes the values of a native reading. */
static andon_status http_send(struct sender *s, const struct sim_message *m, int64_t ts_ns)
{
    char ts[TIMESTAMP_ROOM];
    timestamp_write(ts, ts_ns);
    int n = sprintf(s->batch + s->batch_bytes, "{\"asset\":\"%s\",\"ts\":\"%s\",\"values\":%.*s}\n",
                    m->topic, ts, (int)m->size, m->payload);
    s->batch_bytes += (size_t)n;
    s->batch_rows++;
    s->sent->messages++;
    bool due = s->batch_bytes >= BATCH_BYTES || s->target->speed > 0;
    return due ? http_flush(s) : ANDON_OK;
}

/* ---- the run ---- */

/* Waits until the sample's time has come; MQTT is served meanwhile. */
static andon_status wait_for(struct sender *s, int64_t due_ns)
{
    andon_status st = ANDON_OK;
    for (int64_t left; st == ANDON_OK && (left = due_ns - clock_steady_ns()) > 0;) {
        int64_t ms = left / NS_PER_MS + 1 < 100 ? left / NS_PER_MS + 1 : 100;
        if (s->mqtt != NULL) st = mqtt_turn(s, (int)ms);
        else nanosleep(&(struct timespec){0, (long)(ms * NS_PER_MS)}, NULL);
        if (s->target->tell != NULL && s->target->tell(s->target->context, -1.0))
            return andon_fail(s->err, ANDON_ESTOP, "stopped");
    }
    return st;
}

static andon_status send_sample(struct sender *s, const struct sim_plant *plant,
                                const struct sim_sample *sample)
{
    const char *part[SIM_PARTS_MAX];
    uint32_t parts = sim_parts(plant, part);
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; i < parts && st == ANDON_OK; i++) {
        if (!sim_message(plant, sample, part[i], s->target->asset, s->message))
            return andon_fail(s->err, ANDON_ELIMIT, "a message does not fit %u bytes",
                              SIM_PAYLOAD_MAX);
        st = s->http ? http_send(s, s->message, sample->ts_ns) : mqtt_send(s, s->message);
    }
    return st;
}

static andon_status run(struct sender *s, struct sim *sim)
{
    const struct sim_plant *plant = sim_plant_of(sim);
    struct sim_sample sample;
    andon_status st = ANDON_OK;
    int64_t began = clock_steady_ns(), first = 0, shift = 0;
    uint64_t rows = sim_rows(sim);
    while (st == ANDON_OK && sim_next(sim, &sample)) {
        if (s->sent->rows == 0) {
            first = sample.ts_ns;
            shift = s->target->endless_now ? clock_wall_ns() - first : 0;
        }
        if (s->target->speed > 0)
            st = wait_for(s, began + (int64_t)((double)(sample.ts_ns - first) / s->target->speed));
        sample.ts_ns += shift;
        if (st == ANDON_OK) st = send_sample(s, plant, &sample);
        s->sent->rows++;
        if (s->sent->rows % 256 == 0 && s->target->tell != NULL &&
            s->target->tell(s->target->context, (double)s->sent->rows / (double)rows))
            st = andon_fail(s->err, ANDON_ESTOP, "stopped");
    }
    return st;
}

/* Everything that was sent is acknowledged, or it takes too long. */
static andon_status settle(struct sender *s)
{
    if (s->http) return http_flush(s);
    andon_status st = ANDON_OK;
    int64_t until = clock_steady_ns() + PATIENCE_S * NS_PER_S;
    while (st == ANDON_OK && s->acknowledged < s->sent->messages && clock_steady_ns() < until)
        st = mqtt_turn(s, 20);
    if (st == ANDON_OK && s->acknowledged < s->sent->messages)
        st = andon_fail(s->err, ANDON_EIO, "%s: %llu of %llu messages not acknowledged within %d s",
                        s->target->url, (unsigned long long)(s->sent->messages - s->acknowledged),
                        (unsigned long long)s->sent->messages, PATIENCE_S);
    return st;
}

static void close_sender(struct sender *s)
{
    if (s->mqtt != NULL) {
        mosquitto_disconnect(s->mqtt);
        mosquitto_destroy(s->mqtt);
        mosquitto_lib_cleanup();
    }
    if (s->curl != NULL) curl_easy_cleanup(s->curl);
    free(s->batch);
    free(s->message);
}

andon_status simulate_send(struct sim *sim, const struct simulate_target *target,
                           struct simulate_sent *sent, andon_error *err)
{
    struct sender s = {.target = target, .sent = sent, .err = err,
                       .message = malloc(sizeof *s.message)};
    *sent = (struct simulate_sent){0};
    if (s.message == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a message");
    andon_status st = read_url(&s);
    if (st == ANDON_OK) st = s.http ? http_open(&s) : mqtt_open(&s);
    if (st == ANDON_OK) st = run(&s, sim);
    if (st == ANDON_OK) st = settle(&s);
    sent->acknowledged = s.acknowledged;
    close_sender(&s);
    return st;
}
