#include "base/log.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"

#include "test.h"

/* Standard error goes into a pipe while a test runs. */
struct caught {
    int before, end;
    char text[65536];
};

static bool catch_begin(struct caught *c)
{
    int pipes[2];
    if (pipe(pipes) != 0) return false;
    c->before = dup(STDERR_FILENO);
    c->end = pipes[0];
    dup2(pipes[1], STDERR_FILENO);
    close(pipes[1]);
    return true;
}

static size_t catch_end(struct caught *c)
{
    size_t lines = 0, used = 0;
    ssize_t n;
    dup2(c->before, STDERR_FILENO);
    close(c->before);
    while ((n = read(c->end, c->text + used, sizeof c->text - 1 - used)) > 0) used += (size_t)n;
    close(c->end);
    c->text[used] = 0;
    for (size_t i = 0; i < used; i++) lines += c->text[i] == '\n';
    return lines;
}

TEST(a_line_has_time_level_room_event_and_text)
{
    static struct caught c;
    int year, ms;
    char rest[256];
    CHECK(catch_begin(&c));
    log_line(LOG_WARN, "journal", "disk full", "dir=%s free=%d", "/var/lib/andon", 0);
    CHECK(catch_end(&c) == 1);
    CHECK(sscanf(c.text, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%3dZ %255[^\n]", &year, &ms, rest) == 3);
    CHECK(year >= 2024);
    CHECK_SAY(strcmp(rest, "warn journal disk full dir=/var/lib/andon free=0") == 0, "%s", rest);
}

TEST(lines_below_the_level_are_dropped)
{
    static struct caught c;
    CHECK(catch_begin(&c));
    log_settings(LOG_WARN, false);
    log_line(LOG_INFO, "test", "level info", "%s", "");
    log_line(LOG_ERROR, "test", "level error", "%s", "");
    log_settings(LOG_INFO, false);
    CHECK(catch_end(&c) == 1);
    CHECK(strstr(c.text, "error test level error\n") != NULL);
}

TEST(json_takes_the_pairs_apart)
{
    static struct caught c;
    CHECK(catch_begin(&c));
    log_settings(LOG_INFO, true);
    log_line(LOG_INFO, "mqtt", "refused", "client=%s reason=\"%s\" and more \"x\"", "p\\1",
             "too long");
    log_settings(LOG_INFO, false);
    CHECK(catch_end(&c) == 1);
    CHECK(strncmp(c.text, "{\"ts\":\"2", 8) == 0);
    CHECK_SAY(strstr(c.text, "Z\",\"level\":\"info\",\"room\":\"mqtt\",\"event\":\"refused\","
                             "\"client\":\"p\\\\1\",\"reason\":\"too long\","
                             "\"text\":\"and more \\\"x\\\"\"}\n") != NULL,
              "%s", c.text);
}

TEST(what_devices_send_cannot_begin_a_line_or_break_its_text)
{
    static struct caught c;
    CHECK(catch_begin(&c));
    log_line(LOG_INFO, "test", "bytes", "topic=%s",
             "a\n2026 error\x1b[0m \xff\xc3\xa4 \xed\xa0\x80");
    log_settings(LOG_INFO, true);
    log_line(LOG_INFO, "test", "bytes json", "topic=%s", "a\nb\xff\xc3\xa4");
    log_settings(LOG_INFO, false);
    CHECK(catch_end(&c) == 2);
    CHECK_SAY(strstr(c.text, "topic=a\\x0a2026 error\\x1b[0m \\xff\xc3\xa4 \\xed\\xa0\\x80\n") !=
                  NULL,
              "%s", c.text);
    CHECK_SAY(strstr(c.text, "\"topic\":\"a\\u000ab\\ufffd\xc3\xa4\"") != NULL, "%s", c.text);
}

TEST(a_line_that_is_too_long_is_cut_and_still_ends)
{
    static struct caught c;
    static char wide[5000];
    memset(wide, 1, sizeof wide - 1);
    CHECK(catch_begin(&c));
    log_settings(LOG_INFO, true);
    log_line(LOG_INFO, "test", "long", "v=%s", wide);
    log_settings(LOG_INFO, false);
    CHECK(catch_end(&c) == 1);
    CHECK(strlen(c.text) < 8192);
    CHECK(strcmp(c.text + strlen(c.text) - 9, "\\u0001\"}\n") == 0);
}

static void wait_a_second(void)
{
    int64_t until = clock_steady_ns() + INT64_C(1050000000);
    while (clock_steady_ns() < until) usleep(10000);
}

TEST(a_flood_is_counted_instead_of_printed)
{
    static struct caught c;
    CHECK(catch_begin(&c));
    for (int i = 0; i < 1000; i++) log_line(LOG_WARN, "test", "same", "x=1");
    for (int i = 0; i < 1000; i++) log_line(LOG_WARN, "test", "other each time", "x=%d", i);
    wait_a_second();
    log_line(LOG_WARN, "test", "same", "x=1");
    log_line(LOG_WARN, "test", "other each time", "x=1");
    size_t lines = catch_end(&c);
    CHECK_SAY(lines == 1 + 20 + 2, "%zu lines", lines);
    CHECK(strstr(c.text, "same x=1 held_back=999\n") != NULL);
    CHECK(strstr(c.text, "other each time x=1 held_back=980\n") != NULL);
}

static void *speak(void *name)
{
    for (int i = 0; i < 15; i++) log_line(LOG_INFO, "thread", name, "line=%d end", i);
    return NULL;
}

TEST(lines_of_several_threads_do_not_mix)
{
    static struct caught c;
    static char name[4][2] = {"a", "b", "c", "d"};
    pthread_t thread[4];
    CHECK(catch_begin(&c));
    for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, speak, name[i]);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    CHECK(catch_end(&c) == 60);
    char *rest = NULL;
    for (char *line = strtok_r(c.text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        CHECK_SAY(strcmp(line + strlen(line) - 4, " end") == 0, "%s", line);
}
