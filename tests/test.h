/* A test says in its name what must be true. Each test program prints TAP; tests/tally.py adds up. */
#ifndef TEST_H
#define TEST_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};

/* Owned by the one thread of a test program. */
struct test_run {
    struct test_case *first, **last;
    const char *skip; /* reason, when the running test was skipped */
    int failures;     /* of the running test                       */
};
extern struct test_run test_run;

void test_add(struct test_case *test);
void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define TEST(name)                                                                                 \
    static void name(void);                                                                        \
    __attribute__((constructor)) static void name##_add(void)                                      \
    {                                                                                              \
        static struct test_case test = {#name, name, NULL};                                        \
        test_add(&test);                                                                           \
    }                                                                                              \
    static void name(void)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_fail(__FILE__, __LINE__, "%s", #condition);                                       \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* CHECK that says more: CHECK_SAY(a == b, "seed %u: %g", seed, a). */
#define CHECK_SAY(condition, ...)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_fail(__FILE__, __LINE__, __VA_ARGS__);                                            \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_NEAR(a, b, tolerance)                                                                \
    do {                                                                                           \
        double a_ = (double)(a), b_ = (double)(b);                                                 \
        if (!(fabs(a_ - b_) <= (double)(tolerance))) {                                             \
            test_fail(__FILE__, __LINE__, "%s = %.17g, expected %.17g within %g", #a, a_, b_,      \
                      (double)(tolerance));                                                        \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define SKIP(reason)                                                                               \
    do {                                                                                           \
        test_run.skip = (reason);                                                                  \
        return;                                                                                    \
    } while (0)

#endif
