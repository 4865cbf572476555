/* How fast messages come in: andon's endpoint with its journal, beside one hop through a bare
 * Mosquitto with a subscriber, QoS 1, the same clients, alternating.
 *
 *   bench_mqtt [--messages N] [--connections N] [--window N] [--rounds N] [--rate N] [--dir DIR]
 *              [--broker PROGRAM]
 *
 * andon: a message counts when its PUBACK has come back, that is, when it is in the journal (sync
 * os, sync every). The hop: when the subscriber has it. Latency at --rate messages a second: andon
 * from PUBLISH to PUBACK, the hop from PUBLISH to the subscriber. Each server is a process of its
 * own; cpu is its processor time. Mosquitto keeps as much in flight and queued as it likes. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ingest/mqtt/endpoint.h"
#include "mqtt_load.h"

enum { ROUNDS_MAX = 99 };

struct settings {
    uint64_t messages;
    uint32_t connections, window, rounds;
    double rate;
    const char *dir, *broker;
};

struct server {
    pid_t pid;
    uint16_t port;
};

struct measure {
    double msg_s[ROUNDS_MAX], cpu_us[ROUNDS_MAX], p50_us[ROUNDS_MAX], p99_us[ROUNDS_MAX];
};

static struct endpoint *running; /* in the child */

static void fail(const char *what)
{
    fprintf(stderr, "bench_mqtt: %s\n", what);
    exit(1);
}

static void stop_running(int number)
{
    (void)number;
    endpoint_stop(running);
}

static void serve(const char *dir, enum journal_sync sync, int port_fd)
{
    andon_error err = {{0}};
    struct journal *journal = NULL;
    struct journal_options kept = {.dir = dir, .sync = sync, .keep_bytes = (uint64_t)1 << 30};
    struct endpoint_options options = {.listen = "127.0.0.1:0"};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (journal_open(&kept, &journal, &err) != ANDON_OK) fail(err.text);
    if (endpoint_open(&options, journal, &running, &err) != ANDON_OK) fail(err.text);
    uint16_t port = endpoint_port(running);
    signal(SIGTERM, stop_running);
    if (write(port_fd, &port, sizeof port) != sizeof port) fail("port");
    endpoint_run(running);
    endpoint_close(running);
    journal_close(journal);
    _exit(0);
}

static struct server start_andon(const struct settings *a, enum journal_sync sync)
{
    struct server s = {0};
    int pipe_fd[2];
    char dir[256];
    snprintf(dir, sizeof dir, "%s/journal-%d", a->dir, (int)sync);
    fflush(stdout);
    if (pipe(pipe_fd) != 0 || (s.pid = fork()) < 0) fail("fork");
    if (s.pid == 0) serve(dir, sync, pipe_fd[1]);
    if (read(pipe_fd[0], &s.port, sizeof s.port) != sizeof s.port)
        fail("the endpoint did not start");
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    return s;
}

static uint16_t free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&at, size) != 0) fail("no free port");
    if (getsockname(fd, (struct sockaddr *)&at, &size) != 0) fail("no free port");
    close(fd);
    return ntohs(at.sin_port);
}

static bool answers(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool yes = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return yes;
}

static struct server start_broker(const struct settings *a)
{
    struct server s = {.port = free_port()};
    char path[256];
    snprintf(path, sizeof path, "%s/broker.conf", a->dir);
    FILE *f = fopen(path, "w");
    if (f == NULL) fail("the broker's configuration");
    fprintf(f,
            "listener %u 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\n"
            "max_queued_messages 0\nset_tcp_nodelay true\nlog_type none\n",
            s.port);
    fclose(f);
    chmod(path, 0644);
    fflush(stdout);
    if ((s.pid = fork()) < 0) fail("fork");
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp(a->broker, a->broker, "-c", path, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !answers(s.port); i++) {
        if (waitpid(s.pid, NULL, WNOHANG) != 0) return (struct server){0};
        usleep(10000);
    }
    return s;
}

/* Ends it; its processor time in seconds. */
static double stop_server(struct server s)
{
    struct rusage used;
    kill(s.pid, SIGTERM);
    if (wait4(s.pid, NULL, 0, &used) != s.pid) fail("wait");
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void run_andon(const struct settings *a, enum journal_sync sync, struct measure *m,
                      uint32_t round)
{
    struct server s = start_andon(a, sync);
    struct load l = {s.port, a->connections, a->window, a->messages, 0.0};
    struct load_result r = load_publish(&l);
    m->msg_s[round] = (double)a->messages / r.seconds;
    m->cpu_us[round] = 1e6 * stop_server(s) / (double)a->messages;
    s = start_andon(a, sync);
    l = (struct load){s.port, 10, 1000, (uint64_t)(2 * a->rate), a->rate};
    r = load_publish(&l);
    stop_server(s);
    m->p50_us[round] = r.p50_us;
    m->p99_us[round] = r.p99_us;
}

/* One way through the broker: what the subscriber, a process of its own, says. */
struct hop {
    double end_s, p50_us, p99_us;
};

static struct hop run_hop(struct load *l, double *start_s)
{
    int ready[2], result[2];
    char byte;
    struct hop hop = {0};
    fflush(stdout);
    if (pipe(ready) != 0 || pipe(result) != 0) fail("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        bool timed = l->rate > 0.0;
        hop.end_s =
            load_subscribe(l->port, l->messages, ready[1], timed ? &hop.p50_us : NULL, &hop.p99_us);
        _exit(write(result[1], &hop, sizeof hop) != sizeof hop);
    }
    if (read(ready[0], &byte, 1) != 1) fail("the subscriber did not start");
    *start_s = load_now_s();
    load_publish(l);
    if (read(result[0], &hop, sizeof hop) != sizeof hop) fail("the subscriber failed");
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(result[i]);
    }
    return hop;
}

static bool run_broker(const struct settings *a, struct measure *m, uint32_t round)
{
    struct server s = start_broker(a);
    double start_s;
    if (s.pid == 0) return false;
    struct load l = {s.port, a->connections, a->window, a->messages / 8, 0.0};
    struct hop hop = run_hop(&l, &start_s);
    m->msg_s[round] = (double)l.messages / (hop.end_s - start_s);
    m->cpu_us[round] = 1e6 * stop_server(s) / (double)l.messages;
    s = start_broker(a);
    l = (struct load){s.port, 10, 1000, (uint64_t)(2 * a->rate), a->rate};
    hop = run_hop(&l, &start_s);
    stop_server(s);
    m->p50_us[round] = hop.p50_us;
    m->p99_us[round] = hop.p99_us;
    return true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *v, uint32_t n)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, v, n * sizeof *v);
    qsort(sorted, n, sizeof *sorted, compare);
    return sorted[n / 2];
}

static void say(const struct settings *a, const char *who, const struct measure *m, uint32_t rounds)
{
    printf(
        "bench=mqtt_qos1 %s connections=%u window=%u packet_bytes=%u msg_s=%.0f cpu_us_msg=%.3f\n",
        who, a->connections, a->window, load_packet_bytes(), median(m->msg_s, rounds),
        median(m->cpu_us, rounds));
    printf("bench=mqtt_latency %s rate=%.0f p50_us=%.0f p99_us=%.0f\n", who, a->rate,
           median(m->p50_us, rounds), median(m->p99_us, rounds));
    fflush(stdout);
}

static void compare_all(const struct settings *a)
{
    static struct measure os, every, hop;
    bool broker = true;
    for (uint32_t i = 0; i < a->rounds; i++) {
        run_andon(a, JOURNAL_SYNC_OS, &os, i);
        run_andon(a, JOURNAL_SYNC_EVERY, &every, i);
        broker = broker && run_broker(a, &hop, i);
    }
    say(a, "sync=os", &os, a->rounds);
    say(a, "sync=every", &every, a->rounds);
    if (!broker) {
        printf("bench=mqtt_ratio skipped: %s is not installed\n", a->broker);
        return;
    }
    say(a, "rival=mosquitto", &hop, a->rounds);
    double theirs = median(hop.msg_s, a->rounds);
    double cpu = median(hop.cpu_us, a->rounds), p99 = median(hop.p99_us, a->rounds);
    printf("bench=mqtt_ratio rounds=%u os=%.2f every=%.2f cpu_os=%.2f cpu_every=%.2f p99_os=%.2f "
           "p99_every=%.2f\n",
           a->rounds, median(os.msg_s, a->rounds) / theirs, median(every.msg_s, a->rounds) / theirs,
           cpu / median(os.cpu_us, a->rounds), cpu / median(every.cpu_us, a->rounds),
           median(os.p99_us, a->rounds) / p99, median(every.p99_us, a->rounds) / p99);
}

int main(int argc, char **argv)
{
    struct settings a = {800000, 50, 200, 5, 10000.0, NULL, "mosquitto"};
    char made[] = "/tmp/andon-bench-XXXXXX", command[300];
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--messages") == 0)
            a.messages = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--connections") == 0)
            a.connections = (uint32_t)atoi(value);
        else if (strcmp(argv[i], "--window") == 0)
            a.window = (uint32_t)atoi(value);
        else if (strcmp(argv[i], "--rounds") == 0)
            a.rounds = (uint32_t)atoi(value);
        else if (strcmp(argv[i], "--rate") == 0)
            a.rate = atof(value);
        else if (strcmp(argv[i], "--dir") == 0)
            a.dir = value;
        else if (strcmp(argv[i], "--broker") == 0)
            a.broker = value;
        else
            fail("--messages, --connections, --window, --rounds, --rate, --dir or --broker");
    }
    if (a.connections == 0 || a.window == 0 || a.window > 60000 || a.rounds == 0 ||
        a.rounds > ROUNDS_MAX)
        fail("out of range");
    bool own = a.dir == NULL;
    if (own && (a.dir = mkdtemp(made)) == NULL) fail("no directory");
    if (own) chmod(made, 0755);
    signal(SIGPIPE, SIG_IGN);
    setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", 1);
    compare_all(&a);
    snprintf(command, sizeof command, "rm -rf %s", made);
    return own && system(command) != 0;
}
