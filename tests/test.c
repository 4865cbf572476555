#include "test.h"

#include <stdarg.h>

struct test_run test_run;

void test_add(struct test_case *test)
{
    if (test_run.last == NULL) test_run.last = &test_run.first;
    *test_run.last = test;
    test_run.last = &test->next;
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    printf("# %s:%d: ", file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    test_run.failures++;
}

/* The names in TEST_SKIP, between blanks, are left out and say so. */
static bool left_out(const char *name)
{
    const char *at = getenv("TEST_SKIP");
    size_t length = strlen(name);
    while (at != NULL && *at != 0) {
        size_t word = strcspn(at, " ");
        if (word == length && memcmp(at, name, length) == 0) return true;
        at += word + (at[word] == ' ');
    }
    return false;
}

/* Without arguments every test runs; arguments name the tests to run. */
int main(int argc, char **argv)
{
    int number = 0, failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct test_case *test = test_run.first; test != NULL; test = test->next) {
        bool wanted = argc < 2;
        for (int i = 1; i < argc; i++) wanted = wanted || strcmp(argv[i], test->name) == 0;
        if (!wanted) continue;
        test_run.failures = 0;
        test_run.skip = NULL;
        if (left_out(test->name))
            test_run.skip = "left out by TEST_SKIP";
        else
            test->run();
        number++;
        failed += test_run.failures > 0;
        printf("%s %d - %s", test_run.failures > 0 ? "not ok" : "ok", number, test->name);
        if (test_run.skip != NULL && test_run.failures == 0) printf(" # SKIP %s", test_run.skip);
        printf("\n");
    }
    printf("1..%d\n", number);
    return failed > 0;
}
