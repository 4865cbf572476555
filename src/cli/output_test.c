#include "cli/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

/* A directory of one's own. */
static char home[64];

static const char *path_of(const char *name)
{
    static char path[128];
    if (home[0] == 0) {
        strcpy(home, "/tmp/andon_output_test_XXXXXX");
        if (mkdtemp(home) == NULL) test_fail(__FILE__, __LINE__, "no directory");
    }
    snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static bool exists(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static bool holds(const char *name, const char *text)
{
    char found[256] = {0};
    FILE *f = fopen(path_of(name), "rb");
    if (f == NULL) return false;
    size_t n = fread(found, 1, sizeof found - 1, f);
    fclose(f);
    return n == strlen(text) && memcmp(found, text, n) == 0;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "wb");
    if (f == NULL || fputs(text, f) < 0) test_fail(__FILE__, __LINE__, "no file");
    if (f != NULL) fclose(f);
}

TEST(a_file_appears_when_it_is_committed_and_not_before)
{
    struct output out;
    char path[128];
    strcpy(path, path_of("new"));
    CHECK(output_open(&out, path, NULL) == ANDON_OK);
    output_bytes(&out, "hello", 5);
    CHECK(!exists("new") && exists("new.tmp"));
    CHECK(output_commit(&out, true, NULL) == ANDON_OK);
    CHECK(holds("new", "hello") && !exists("new.tmp"));
    output_abandon(&out); /* does nothing any more */
    CHECK(holds("new", "hello"));
    unlink(path);
}

TEST(an_abandoned_file_leaves_the_old_one_alone)
{
    struct output out;
    char path[128];
    put("kept", "old");
    strcpy(path, path_of("kept"));
    CHECK(output_open(&out, path, NULL) == ANDON_OK);
    output_bytes(&out, "new", 3);
    output_abandon(&out);
    CHECK(holds("kept", "old") && !exists("kept.tmp"));
    unlink(path);
}

TEST(behind_a_symbolic_link_the_file_is_replaced_and_the_link_stays)
{
    struct output out;
    char path[128];
    struct stat status;
    put("real", "old");
    strcpy(path, path_of("link"));
    CHECK(symlink("real", path) == 0);
    CHECK(output_open(&out, path, NULL) == ANDON_OK);
    output_bytes(&out, "new", 3);
    CHECK(output_commit(&out, false, NULL) == ANDON_OK);
    CHECK(holds("real", "new") && lstat(path, &status) == 0 && S_ISLNK(status.st_mode));
    unlink(path);
    unlink(path_of("real"));
}

TEST(a_full_device_is_an_error_at_commit)
{
    struct output out;
    andon_error err = {{0}};
    if (access("/dev/full", W_OK) != 0) SKIP("there is no /dev/full");
    CHECK(output_open(&out, "/dev/full", &err) == ANDON_OK);
    for (int i = 0; i < 100; i++) {
        memset(output_room(&out, 65536), 'x', 65536);
        output_fill(&out, 65536);
    }
    CHECK(output_commit(&out, false, &err) == ANDON_EIO);
    CHECK(strcmp(err.text, "/dev/full: cannot write: No space left on device") == 0);
}

TEST(a_path_that_cannot_be_written_is_refused_at_once)
{
    struct output out;
    andon_error err = {{0}};
    CHECK(output_open(&out, "/nowhere/at/all", &err) == ANDON_EIO);
    CHECK(strstr(err.text, "/nowhere/at/all: cannot write: No such file") != NULL);
    CHECK(output_open(&out, "/tmp", &err) == ANDON_EIO);
    CHECK(strstr(err.text, "Is a directory") != NULL);
}

TEST(many_bytes_arrive_in_order)
{
    struct output out;
    char path[128];
    strcpy(path, path_of("long"));
    CHECK(output_open(&out, path, NULL) == ANDON_OK);
    for (unsigned i = 0; i < 300000; i++) {
        memcpy(output_room(&out, sizeof i), &i, sizeof i);
        output_fill(&out, sizeof i);
    }
    CHECK(output_commit(&out, false, NULL) == ANDON_OK);
    FILE *f = fopen(path, "rb");
    CHECK(f != NULL);
    unsigned v, good = 0;
    while (fread(&v, sizeof v, 1, f) == 1 && v == good) good++;
    fclose(f);
    unlink(path);
    CHECK_SAY(good == 300000, "%u", good);
    rmdir(home);
}
