#include "spine_watch.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "spine_rows.h"

enum { IN_BYTES = 256 << 10 };

static pthread_t thread;
static sem_t ready;

int watch_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) spine_fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int watch_dial(uint16_t port, const char *client)
{
    int fd = watch_connect(port);
    unsigned char hello[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0}, answer[4];
    size_t n = strlen(client);
    hello[1] = (unsigned char)(12 + n);
    hello[13] = (unsigned char)n;
    memcpy(hello + 14, client, n);
    if (write(fd, hello, 14 + n) != (ssize_t)(14 + n)) spine_fail("CONNECT");
    if (recv(fd, answer, 4, MSG_WAITALL) != 4 || answer[3] != 0) spine_fail("CONNACK");
    return fd;
}

/* Rows up to count have arrived by now. */
static void note(struct watch *w, uint64_t *seen, uint64_t count)
{
    double now = spine_now_s();
    if (count > w->rows) count = w->rows;
    for (; *seen < count; ++*seen)
        if (w->seen_s != NULL) w->seen_s[*seen] = now;
    w->end_s = now;
}

/* ---- the store ---- */

static uint64_t rows_of(sqlite3_stmt *ask)
{
    uint64_t rows = 0;
    if (sqlite3_step(ask) == SQLITE_ROW) rows = (uint64_t)sqlite3_column_int64(ask, 0);
    sqlite3_reset(ask);
    return rows;
}

static void watch_store(struct watch *w)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *ask = NULL;
    if (sqlite3_open_v2(w->store, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT rows FROM state", -1, &ask, NULL) != SQLITE_OK)
        spine_fail(w->store);
    uint64_t before = rows_of(ask), seen = 0;
    w->end_s = spine_now_s();
    sem_post(&ready);
    while (seen < w->rows) {
        uint64_t rows = rows_of(ask);
        if (rows - before > seen) note(w, &seen, rows - before);
        else if (spine_now_s() - w->end_s > w->patience_s) spine_fail("rows are missing in the store");
        nanosleep(&(struct timespec){0, w->poll_us * 1000L}, NULL);
    }
    sqlite3_finalize(ask);
    sqlite3_close(db);
}

/* ---- a subscriber ---- */

/* One PUBLISH at at[left]: its length, 0 when it is not all there. */
static size_t publish_length(const unsigned char *at, size_t left)
{
    if (left < 4) return 0;
    if ((at[0] & 0xF0) != 0x30) spine_fail("not a PUBLISH");
    size_t body = at[1] & 127u, head = 2;
    if (at[1] >= 128) {
        body += (size_t)(at[2] & 127u) << 7;
        head = 3;
    }
    return head + body <= left ? head + body : 0;
}

static void subscribe(struct watch *w)
{
    static unsigned char in[IN_BYTES], acks[IN_BYTES];
    static const unsigned char ask[] = {0x82, 12, 0, 1, 0, 7, 'b', 'e', 'n', 'c', 'h', '/', '#', 1};
    int fd = watch_dial(w->port, "subscriber");
    if (write(fd, ask, sizeof ask) != sizeof ask || recv(fd, in, 5, MSG_WAITALL) != 5)
        spine_fail("SUBACK");
    sem_post(&ready);
    uint64_t seen = 0;
    for (size_t size = 0; seen < w->rows;) {
        ssize_t got = recv(fd, in + size, sizeof in - size, 0);
        if (got <= 0) spine_fail("subscriber");
        size += (size_t)got;
        size_t at = 0, n = 0, length;
        for (; (length = publish_length(in + at, size - at)) > 0; at += length, n += 4) {
            const unsigned char *topic = in + at + (in[at + 1] >= 128 ? 3 : 2);
            const unsigned char *id = topic + 2 + topic[1];
            memcpy(acks + n, (const unsigned char[]){0x40, 2, id[0], id[1]}, 4);
        }
        note(w, &seen, seen + n / 4);
        if (n > 0 && send(fd, acks, n, MSG_NOSIGNAL) != (ssize_t)n) spine_fail("PUBACK");
        memmove(in, in + at, size - at);
        size -= at;
    }
    close(fd);
}

static void *run(void *context)
{
    struct watch *w = context;
    if (w->store != NULL) watch_store(w);
    else subscribe(w);
    return NULL;
}

void watch_start(struct watch *w)
{
    sem_init(&ready, 0, 0);
    if (pthread_create(&thread, NULL, run, w) != 0) spine_fail("thread");
    sem_wait(&ready);
}

void watch_join(void)
{
    pthread_join(thread, NULL);
}
