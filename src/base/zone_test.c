#include "base/zone.h"

#include <dirent.h>
#include <time.h>

#include "test.h"

#define HOUR INT64_C(3600)

static struct zone *opened(const char *name)
{
    struct zone *zone = NULL;
    andon_error err;
    return zone_open(name, &zone, &err) == ANDON_OK ? zone : NULL;
}

static bool zones_here(void)
{
    struct zone *zone = opened("America/Los_Angeles");
    zone_close(zone);
    return zone != NULL;
}

/* Seconds of a civil time as if it were UTC. */
static int64_t civil(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute};
    return (int64_t)timegm(&tm);
}

TEST(los_angeles_is_eight_hours_west_and_seven_in_summer)
{
    if (!zones_here()) SKIP("no zone files here");
    struct zone *z = opened("America/Los_Angeles");
    int64_t winter = civil(2024, 1, 15, 12, 0), summer = civil(2024, 7, 15, 12, 0);
    int64_t far = civil(2200, 7, 15, 12, 0);
    int32_t east[3] = {zone_east_s(z, winter), zone_east_s(z, summer), zone_east_s(z, far)};
    int64_t back[3] = {zone_utc_s(z, winter, 0), zone_utc_s(z, summer, 0), zone_utc_s(z, far, 0)};
    zone_close(z);
    CHECK(east[0] == -8 * HOUR && east[1] == -7 * HOUR && east[2] == -7 * HOUR);
    CHECK(back[0] == winter + 8 * HOUR && back[1] == summer + 7 * HOUR);
    CHECK(back[2] == far + 7 * HOUR);
}

TEST(a_time_that_is_skipped_counts_on_from_before)
{
    if (!zones_here()) SKIP("no zone files here");
    struct zone *z = opened("America/Los_Angeles");
    /* 2024-03-10: 02:00 PST is 03:00 PDT, 10:00 UTC */
    int64_t skipped = zone_utc_s(z, civil(2024, 3, 10, 2, 30), 0);
    int64_t before = zone_utc_s(z, civil(2024, 3, 10, 1, 59), 0);
    int64_t after = zone_utc_s(z, civil(2024, 3, 10, 3, 0), 0);
    zone_close(z);
    CHECK(skipped == civil(2024, 3, 10, 10, 30));
    CHECK(before == civil(2024, 3, 10, 9, 59));
    CHECK(after == civil(2024, 3, 10, 10, 0));
}

TEST(a_time_that_comes_twice_is_the_first_unless_it_just_came_in_as_the_second)
{
    if (!zones_here()) SKIP("no zone files here");
    struct zone *z = opened("America/Los_Angeles");
    int64_t local = civil(2024, 11, 3, 1, 30); /* 08:30 and 09:30 UTC */
    int64_t first = civil(2024, 11, 3, 8, 30), second = civil(2024, 11, 3, 9, 30);
    int64_t old = zone_utc_s(z, local, first + 1000 * HOUR), live = zone_utc_s(z, local, first + 5);
    int64_t again = zone_utc_s(z, local, second + 5), never = zone_utc_s(z, local, 0);
    int64_t edge = zone_utc_s(z, civil(2024, 11, 3, 2, 0), 0);
    zone_close(z);
    CHECK(old == first && live == first && never == first);
    CHECK(again == second);
    CHECK(edge == civil(2024, 11, 3, 10, 0));
}

static bool like_the_library(const char *name, int64_t from, int64_t to, int64_t step)
{
    struct zone *z = opened(name);
    if (z == NULL) {
        test_fail(__FILE__, __LINE__, "%s cannot be read", name);
        return false;
    }
    setenv("TZ", name, 1);
    tzset();
    for (int64_t at = from; at < to; at += step) {
        time_t t = (time_t)at;
        struct tm tm;
        localtime_r(&t, &tm);
        if (zone_east_s(z, at) == tm.tm_gmtoff) continue;
        test_fail(__FILE__, __LINE__, "%s at %lld: %d, expected %ld", name, (long long)at,
                  zone_east_s(z, at), tm.tm_gmtoff);
        zone_close(z);
        return false;
    }
    zone_close(z);
    return true;
}

TEST(zones_agree_with_the_c_library_over_two_centuries)
{
    static const char *const names[] = {
        "America/Los_Angeles", "Europe/Berlin",       "Europe/Dublin",    "Asia/Kolkata",
        "America/Sao_Paulo",   "Australia/Lord_Howe", "Asia/Tehran",      "America/Mexico_City",
        "Africa/Casablanca",   "America/Nuuk",        "Pacific/Chatham",  "Asia/Gaza",
        "Pacific/Apia",        "Antarctica/Troll",    "America/New_York", "Etc/GMT+5"};
    if (!zones_here()) SKIP("no zone files here");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!like_the_library(names[i], civil(1950, 1, 1, 0, 0), civil(2120, 1, 1, 0, 0),
                              5 * 36889))
            return;
}

TEST(every_instant_comes_back_from_its_local_time)
{
    if (!zones_here()) SKIP("no zone files here");
    struct zone *z = opened("Europe/Berlin");
    bool good = true;
    int64_t at = civil(2020, 1, 1, 0, 0);
    for (; good && at < civil(2030, 1, 1, 0, 0); at += 1801)
        good = zone_utc_s(z, at + zone_east_s(z, at), at) == at;
    zone_close(z);
    CHECK_SAY(good, "%lld does not come back", (long long)at);
}

TEST(names_that_are_none_are_refused_and_utc_needs_no_file)
{
    static const char *const bad[] = {
        "",        "Mars/Olympus",    "../../etc/passwd", "/etc/localtime",
        "America", "Europe/Ber\nlin", "posixrules2"};
    struct zone *z = NULL;
    andon_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_SAY(zone_open(bad[i], &z, &err) != ANDON_OK, "%s was taken", bad[i]);
        CHECK(z == NULL);
    }
    CHECK(zone_open("UTC", &z, &err) == ANDON_OK);
    int64_t same = zone_utc_s(z, 12345, 0);
    zone_close(z);
    CHECK(same == 12345);
}

static size_t file_bytes(const char *name, uint8_t *bytes)
{
    char path[256];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) return 0;
    size_t size = fread(bytes, 1, ZONE_FILE_MAX, f);
    fclose(f);
    return size;
}

TEST(a_file_that_is_cut_or_damaged_gives_a_zone_or_an_error)
{
    static uint8_t bytes[ZONE_FILE_MAX];
    size_t size = file_bytes("Europe/Berlin", bytes);
    if (size == 0) SKIP("no zone files here");
    struct zone *z = NULL;
    andon_error err;
    size_t taken = 0;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut + (cut == 0));
        CHECK(exact != NULL);
        memcpy(exact, bytes, cut);
        taken += zone_read(exact, cut, &z, &err) == ANDON_OK;
        zone_close(z);
        free(exact);
    }
    CHECK_SAY(taken == 0, "%zu cut files were taken", taken);
    for (size_t at = 0; at < size; at++) {
        uint8_t was = bytes[at];
        bytes[at] ^= (uint8_t)(1u << at % 8);
        if (zone_read(bytes, size, &z, &err) == ANDON_OK)
            (void)zone_utc_s(z, zone_east_s(z, 1700000000) + 1700000000, 0);
        zone_close(z);
        bytes[at] = was;
    }
}
