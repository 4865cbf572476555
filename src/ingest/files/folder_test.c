#include "ingest/files/folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

TEST(dates_are_read_as_files_carry_them)
{
    static const struct {
        const char *text, *date;
    } good[] = {{"2024-05-31", "2024-05-31"},
                {"20240531", "2024-05-31"},
                {"2024.05.31", "2024-05-31"},
                {"2024-05-31T12-30-15", "2024-05-31T12:30:15"},
                {"2024-05-31_1230", "2024-05-31T12:30:00"},
                {"20240531_123015", "2024-05-31T12:30:15"},
                {"20240531T123015", "2024-05-31T12:30:15"},
                {"2024-05-31 12:30", "2024-05-31T12:30:00"},
                {"2024-02-29", "2024-02-29"}};
    static const char *const bad[] = {"", "2024", "2024-5-31", "2024-13-01", "2024-04-31x", "2024-05-32",
                                      "2024-0531", "20240531_24", "20240531_12", "20240531_126000",
                                      "20240531_1230155", "1969-12-31", "pump_1", "2024-05-31T"};
    char date[24];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_SAY(folder_date(text_of(good[i].text), date), "%s", good[i].text);
        CHECK_SAY(strcmp(date, good[i].date) == 0, "%s: %s", good[i].text, date);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!folder_date(text_of(bad[i]), date), "%s: %s", bad[i], date);
}

TEST(any_name_becomes_a_files_name_and_comes_back)
{
    static const char *const name[] = {"pumps/p07", "a_b/c_d", "a__b", "_a", "a_", "a/_b", ".hidden", "..",
                                       "50%", "x:y*?\"<>|\\", "\xc3\x96l temp", "Flow [m3/h]", "a\tb",
                                       "site/line 1/pump#1"};
    char file[FOLDER_NAME_MAX + 1], again[1024];
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        CHECK_SAY(folder_name(text_of(name[i]), file), "%s", name[i]);
        CHECK_SAY(strpbrk(file, "/\\:*?\"<>|") == NULL && file[0] != '.', "%s", file);
        CHECK_SAY(folder_unname(text_of(file), again, sizeof again), "%s", file);
        CHECK_SAY(strcmp(again, name[i]) == 0, "%s: %s: %s", name[i], file, again);
    }
    CHECK(folder_name(TEXT("pumps/p07"), file) && strcmp(file, "pumps__p07") == 0);
    char wide[300];
    memset(wide, 'a', sizeof wide);
    CHECK(!folder_name((struct text){wide, 256}, file) && folder_name((struct text){wide, 255}, file));
    CHECK(!folder_name(TEXT(""), file) && !folder_unname(TEXT("%00"), again, sizeof again));
}

/* A folder of its own with empty files in it, taken away by rm. */
struct shelf {
    char root[64];
    struct andon_arena arena;
    struct folder folder;
    andon_error err;
};

static void put(struct shelf *s, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", s->root, name);
    for (char *c = path + strlen(s->root) + 1; (c = strchr(c, '/')) != NULL; c++) {
        *c = 0;
        mkdir(path, 0700);
        *c = '/';
    }
    FILE *f = fopen(path, "w");
    if (f == NULL) abort();
    fclose(f);
}

static void open_shelf(struct shelf *s, const char *const *name, size_t names)
{
    memset(s, 0, sizeof *s);
    snprintf(s->root, sizeof s->root, "/tmp/andon-folder-XXXXXX");
    if (mkdtemp(s->root) == NULL) abort();
    for (size_t i = 0; i < names; i++) put(s, name[i]);
    andon_arena_init(&s->arena, andon_allocator_libc(), (size_t)16 << 20);
}

static void close_shelf(struct shelf *s)
{
    char command[96];
    andon_arena_free(&s->arena);
    snprintf(command, sizeof command, "rm -r %s", s->root);
    if (system(command) != 0) abort();
}

static bool is(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

TEST(names_say_asset_channel_and_date_and_files_come_in_order_of_date)
{
    static const char *const name[] = {"pumps__p07/vibration/2024-06-01.csv",
                                       "pumps__p07/vibration/2024-05-31.csv",
                                       "pumps__p07/motor__temp/20240531.csv.gz",
                                       "hall_2024-05-31.csv",
                                       "line1/oven_20240601_1200.tsv",
                                       "line1/mixer.csv",
                                       "fryer/2024-05-31.csv",
                                       "notes.txt",
                                       ".hidden.csv",
                                       ".git/x.csv"};
    static const struct folder_file expected[] = {
        {"/line1/mixer.csv", "line1/mixer", NULL, NULL},
        {"/fryer/2024-05-31.csv", "fryer", NULL, "2024-05-31"},
        {"/hall_2024-05-31.csv", "hall", NULL, "2024-05-31"},
        {"/pumps__p07/motor__temp/20240531.csv.gz", "pumps/p07", "motor/temp", "2024-05-31"},
        {"/pumps__p07/vibration/2024-05-31.csv", "pumps/p07", "vibration", "2024-05-31"},
        {"/pumps__p07/vibration/2024-06-01.csv", "pumps/p07", "vibration", "2024-06-01"},
        {"/line1/oven_20240601_1200.tsv", "line1/oven", NULL, "2024-06-01T12:00:00"}};
    struct shelf s;
    open_shelf(&s, name, sizeof name / sizeof *name);
    andon_status st = folder_list(s.root, NULL, &s.arena, &s.folder, &s.err);
    CHECK_SAY(st == ANDON_OK, "%s", s.err.text);
    CHECK_SAY(s.folder.files == 7 && s.folder.left_out == 1, "%u %u", s.folder.files, s.folder.left_out);
    for (uint32_t i = 0; i < 7; i++) {
        const struct folder_file *f = &s.folder.file[i];
        CHECK_SAY(is(f->path + strlen(s.root), expected[i].path), "%u: %s", i, f->path);
        CHECK_SAY(is(f->asset, expected[i].asset) && is(f->channel, expected[i].channel), "%u: %s %s", i,
                  f->asset, f->channel);
        CHECK_SAY(is(f->date, expected[i].date), "%u: %s", i, f->date);
    }
    CHECK(folder_list(s.root, "acme/seattle", &s.arena, &s.folder, &s.err) == ANDON_OK);
    CHECK(is(s.folder.file[0].asset, "acme/seattle/line1/mixer"));
    close_shelf(&s);
}

TEST(a_file_alone_is_the_asset_that_its_name_or_the_caller_says)
{
    static const char *const name[] = {"pump_2024-05-31.csv", "data"};
    char path[128];
    struct shelf s;
    open_shelf(&s, name, 2);
    snprintf(path, sizeof path, "%s/%s", s.root, name[0]);
    CHECK(folder_list(path, NULL, &s.arena, &s.folder, &s.err) == ANDON_OK && s.folder.files == 1);
    CHECK(is(s.folder.file[0].asset, "pump") && is(s.folder.file[0].date, "2024-05-31"));
    CHECK(folder_list(path, "a/b", &s.arena, &s.folder, &s.err) == ANDON_OK);
    CHECK(is(s.folder.file[0].asset, "a/b") && is(s.folder.file[0].date, "2024-05-31"));
    snprintf(path, sizeof path, "%s/%s", s.root, name[1]);
    CHECK(folder_list(path, NULL, &s.arena, &s.folder, &s.err) == ANDON_OK);
    CHECK(is(s.folder.file[0].asset, "data") && s.folder.file[0].date == NULL);
    close_shelf(&s);
}

TEST(what_cannot_be_listed_is_named)
{
    static const char *const empty[] = {"notes.txt"}, *const bad[] = {"a+b.csv"};
    static const char *const deep[] = {"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/x.csv"};
    struct shelf s;
    open_shelf(&s, empty, 1);
    CHECK(folder_list(s.root, NULL, &s.arena, &s.folder, &s.err) == ANDON_EDATA);
    CHECK_SAY(strstr(s.err.text, "no file ends in .csv") != NULL, "%s", s.err.text);
    close_shelf(&s);
    open_shelf(&s, bad, 1);
    CHECK(folder_list(s.root, NULL, &s.arena, &s.folder, &s.err) == ANDON_EDATA);
    CHECK_SAY(strstr(s.err.text, "a+b.csv: its name is no asset's path: it has a '+' or '#'") != NULL, "%s",
              s.err.text);
    CHECK(folder_list("/nowhere/at/all", NULL, &s.arena, &s.folder, &s.err) == ANDON_EIO);
    CHECK_SAY(strcmp(s.err.text, "/nowhere/at/all: No such file or directory") == 0, "%s", s.err.text);
    close_shelf(&s);
    open_shelf(&s, deep, 1);
    CHECK(folder_list(s.root, NULL, &s.arena, &s.folder, &s.err) == ANDON_ELIMIT);
    close_shelf(&s);
}

TEST(too_little_memory_is_said)
{
    static const char *const name[] = {"a/b/2024-05-31.csv", "c_2024-05-31.csv"};
    struct shelf s;
    open_shelf(&s, name, 2);
    andon_status st = ANDON_ENOMEM;
    for (size_t limit = 0; st != ANDON_OK; limit += 64) {
        struct andon_arena arena;
        andon_arena_init(&arena, andon_allocator_libc(), limit);
        st = folder_list(s.root, NULL, &arena, &s.folder, &s.err);
        CHECK_SAY(st == ANDON_OK || st == ANDON_ENOMEM, "%s", s.err.text);
        CHECK(limit < 1000000);
        andon_arena_free(&arena);
    }
    close_shelf(&s);
}
