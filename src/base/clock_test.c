#include "base/clock.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static void step_write(const char *path, const char *seconds)
{
    FILE *f = fopen(path, "w");
    if (f == NULL) _exit(9);
    fputs(seconds, f);
    fclose(f);
}

/* Whether the clock comes to stand offset_s from the operating system's within five seconds. */
static bool stands_at(double offset_s)
{
    int64_t until = clock_steady_ns() + INT64_C(5000000000);
    while (clock_steady_ns() < until) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        double real = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
        if (fabs((double)clock_wall_ns() / 1e9 - real - offset_s) < 0.5) return true;
    }
    return false;
}

/* In a process that has ANDON_CLOCK_STEP. */
static void follow(const char *path)
{
    step_write(path, "3600\n");
    CHECK(stands_at(3600.0));
    step_write(path, "-3600");
    CHECK(stands_at(-3600.0));
    step_write(path, "2.5");
    CHECK(stands_at(2.5));
    unlink(path);
    CHECK(stands_at(0.0));
}

/* The environment is looked at once, at the first question, so the steps are made in a process of
 * their own, by the first of these tests. */
TEST(a_file_steps_the_clock_both_ways)
{
    char path[] = "/tmp/andon-clock-XXXXXX";
    int fd = mkstemp(path), status = -1;
    CHECK(fd >= 0);
    close(fd);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setenv("ANDON_CLOCK_STEP", path, 1);
        follow(path);
        fflush(stdout);
        _exit(test_run.failures > 0);
    }
    waitpid(child, &status, 0);
    unlink(path);
    CHECK_SAY(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

TEST(wall_time_is_what_the_operating_system_says)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t before = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
    int64_t said = clock_wall_ns();
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t after = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
    CHECK(before <= said && said <= after);
}

TEST(steady_time_never_goes_back)
{
    int64_t last = clock_steady_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_steady_ns();
        CHECK(now >= last);
        last = now;
    }
}
