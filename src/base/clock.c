/* Invariants:
 *   1. without ANDON_CLOCK_STEP a call asks the operating system once and nothing else.
 *   2. with it, one thread at a time reads the file again; the others use the step read last. */
#include "base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define REREAD_NS (50 * NS_PER_MS)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *step_path; /* NULL: nobody steps the clock */
static _Atomic int64_t step_ns, reread_ns;

static int64_t now_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void start(void)
{
    step_path = getenv("ANDON_CLOCK_STEP");
    if (step_path != NULL && step_path[0] == 0) step_path = NULL;
    atomic_store(&reread_ns, INT64_MIN);
}

/* The seconds in the file as nanoseconds; 0 when there is no such file or no number in it. */
static int64_t step_read(void)
{
    char text[64];
    int fd = open(step_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0) return 0;
    text[size] = 0;
    double seconds = strtod(text, NULL);
    return seconds > -4e9 && seconds < 4e9 ? (int64_t)(seconds * (double)NS_PER_S) : 0;
}

int64_t clock_steady_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
    pthread_once(&once, start);
    if (step_path != NULL) {
        int64_t now = clock_steady_ns(), due = atomic_load(&reread_ns);
        if (now >= due && atomic_compare_exchange_strong(&reread_ns, &due, now + REREAD_NS))
            atomic_store(&step_ns, step_read());
    }
    return now_ns(CLOCK_REALTIME) + atomic_load(&step_ns);
}
