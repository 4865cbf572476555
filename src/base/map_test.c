/* The map is built into this test, with memory that fails when told to. */
#include "base/map.h"

#include <stdlib.h>

static size_t calls, fail_at; /* the call from which on there is no memory; 0: never */

static void *test_calloc(size_t count, size_t size)
{
    return ++calls >= fail_at && fail_at > 0 ? NULL : calloc(count, size);
}

static void *test_realloc(void *old, size_t size)
{
    return ++calls >= fail_at && fail_at > 0 ? NULL : realloc(old, size);
}

#define calloc test_calloc
#define realloc test_realloc
#include "base/map.c"
#undef calloc
#undef realloc

#include "test.h"

static struct text numbered(char *room, size_t bytes, uint32_t i)
{
    int n = snprintf(room, bytes, "site/line%u/pump%u", i % 7, i);
    return (struct text){room, (uint32_t)n};
}

TEST(names_get_numbers_in_order_of_first_use_and_keep_them)
{
    enum { NAMES = 100000 };
    char room[64];
    struct map *map = NULL;
    uint32_t number = 0;
    CHECK(map_open(NAMES, UINT32_C(8) << 20, &map, NULL) == ANDON_OK);
    for (uint32_t i = 0; i < NAMES; i++) {
        CHECK(map_find(map, numbered(room, sizeof room, i)) == MAP_NONE);
        CHECK(map_put(map, numbered(room, sizeof room, i), &number, NULL) == ANDON_OK);
        CHECK_SAY(number == i, "%u: %u", i, number);
    }
    CHECK(map_count(map) == NAMES);
    for (uint32_t i = NAMES; i-- > 0;) {
        struct text name = numbered(room, sizeof room, i);
        CHECK(map_find(map, name) == i && text_is(map_name(map, i), name));
        CHECK(map_put(map, name, &number, NULL) == ANDON_OK && number == i);
    }
    map_close(map);
}

TEST(names_are_bytes_whatever_they_hold)
{
    static const struct {
        const char *at;
        uint32_t length;
    } name[] = {{"", 0},         {"\0", 1},        {"\0\0", 2},       {"a", 1},       {"a\0", 2},
                {"aaaaaaaa", 8}, {"aaaaaaaaa", 9}, {"aaaaaaaa\0", 9}, {"\xff\xfe", 2}};
    struct map *map = NULL;
    uint32_t number = 0;
    CHECK(map_open(100, 1000, &map, NULL) == ANDON_OK);
    for (uint32_t i = 0; i < sizeof name / sizeof *name; i++) {
        CHECK(map_put(map, (struct text){name[i].at, name[i].length}, &number, NULL) == ANDON_OK);
        CHECK_SAY(number == i, "%u", i);
    }
    CHECK(map_name(map, 0).length == 0);
    map_close(map);
}

TEST(a_full_map_says_which_limit_and_goes_on)
{
    andon_error err = {{0}};
    struct map *map = NULL;
    uint32_t number = 7;
    CHECK(map_open(2, 10, &map, &err) == ANDON_OK);
    CHECK(map_put(map, TEXT("12345678901"), &number, &err) == ANDON_ELIMIT);
    CHECK(strstr(err.text, "12345678901: more than 10 bytes") != NULL && map_count(map) == 0);
    CHECK(map_put(map, TEXT("one"), &number, &err) == ANDON_OK && number == 0);
    CHECK(map_put(map, TEXT("two"), &number, &err) == ANDON_OK && number == 1);
    CHECK(map_put(map, TEXT("3"), &number, &err) == ANDON_ELIMIT && number == 1);
    CHECK(strstr(err.text, "3: more than 2 names") != NULL);
    CHECK(map_put(map, TEXT("one"), &number, &err) == ANDON_OK && number == 0);
    CHECK(map_find(map, TEXT("3")) == MAP_NONE);
    map_close(map);
    map_close(NULL);
}

TEST(a_warm_map_allocates_nothing)
{
    char room[64];
    struct map *map = NULL;
    uint32_t number;
    CHECK(map_open(1000, 100000, &map, NULL) == ANDON_OK);
    for (uint32_t i = 0; i < 1000; i++)
        CHECK(map_put(map, numbered(room, sizeof room, i), &number, NULL) == ANDON_OK);
    size_t before = calls;
    for (uint32_t i = 0; i < 1000; i++)
        CHECK(map_put(map, numbered(room, sizeof room, i), &number, NULL) == ANDON_OK &&
              number == i);
    CHECK(calls == before);
    map_close(map);
}

/* Puts names while memory fails at the nth call, then goes on with memory. */
static void fail_once(size_t nth)
{
    enum { NAMES = 500 };
    char room[64];
    struct map *map = NULL;
    uint32_t number, there = 0;
    calls = 0;
    fail_at = nth;
    andon_status st = map_open(NAMES, 100000, &map, NULL);
    CHECK(st == ANDON_OK || (st == ANDON_ENOMEM && map == NULL));
    for (; st == ANDON_OK && there < NAMES; there++) {
        st = map_put(map, numbered(room, sizeof room, there), &number, NULL);
        if (st != ANDON_OK) break;
    }
    CHECK(st == ANDON_ENOMEM);
    fail_at = 0;
    if (map == NULL) return;
    CHECK(map_count(map) == there);
    for (uint32_t i = 0; i < NAMES; i++) {
        CHECK(map_put(map, numbered(room, sizeof room, i), &number, NULL) == ANDON_OK &&
              number == i);
        CHECK(text_is(map_name(map, i), numbered(room, sizeof room, i)));
    }
    map_close(map);
}

TEST(memory_that_fails_at_any_call_leaves_the_map_as_it_was)
{
    char room[64];
    struct map *map = NULL;
    uint32_t number;
    calls = fail_at = 0;
    CHECK(map_open(500, 100000, &map, NULL) == ANDON_OK);
    for (uint32_t i = 0; i < 500; i++)
        CHECK(map_put(map, numbered(room, sizeof room, i), &number, NULL) == ANDON_OK);
    map_close(map);
    size_t all = calls;
    CHECK(all > 10);
    for (size_t nth = 1; nth <= all && test_run.failures == 0; nth++) fail_once(nth);
    fail_at = 0;
}
