/* Writes, syncs and the faults that tests put into them. */
#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static char folder[] = "/tmp/andon_disk_test_XXXXXX";

/* An empty file that is gone when it is closed. */
static int scratch(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/andon_disk_test_XXXXXX");
    int fd = mkstemp(path);
    if (fd >= 0) unlink(path);
    return fd;
}

static size_t length_of(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);
    return end < 0 ? SIZE_MAX : (size_t)end;
}

TEST(parts_stand_one_behind_the_other_from_the_offset_on)
{
    int fd = scratch();
    char found[16] = {0};
    struct iovec part[4] = {{"abc", 3}, {NULL, 0}, {"d", 1}, {"efg", 3}};
    CHECK(fd >= 0);
    CHECK(disk_write(fd, part, 4, 5, "scratch", NULL) == ANDON_OK);
    CHECK(length_of(fd) == 12);
    CHECK(pread(fd, found, 7, 5) == 7 && memcmp(found, "abcdefg", 7) == 0);
    close(fd);
}

TEST(more_parts_than_one_call_takes_are_written_all_the_same)
{
    enum { PARTS = IOV_MAX * 2 + 7 };
    int fd = scratch();
    static struct iovec part[PARTS];
    static char byte[PARTS], found[PARTS];
    CHECK(fd >= 0);
    for (int i = 0; i < PARTS; i++) {
        byte[i] = (char)('a' + i % 26);
        part[i] = (struct iovec){&byte[i], 1};
    }
    CHECK(disk_write(fd, part, PARTS, 0, "scratch", NULL) == ANDON_OK);
    CHECK(length_of(fd) == PARTS && pread(fd, found, PARTS, 0) == PARTS);
    CHECK(memcmp(found, byte, PARTS) == 0);
    close(fd);
}

TEST(a_pipe_is_no_file_and_the_error_names_the_path)
{
    int fds[2];
    andon_error err = {{0}};
    CHECK(pipe(fds) == 0);
    CHECK(disk_write(fds[1], &(struct iovec){"x", 1}, 1, 0, "some/path", &err) == ANDON_EIO);
    CHECK_SAY(strstr(err.text, "some/path: cannot write: ") == err.text, "%s", err.text);
    CHECK(disk_sync(fds[1], "some/path", &err) == ANDON_EIO);
    CHECK_SAY(strstr(err.text, "some/path: cannot sync: ") == err.text, "%s", err.text);
    close(fds[0]);
    close(fds[1]);
}

TEST(a_full_device_is_a_limit)
{
    int fd = open("/dev/full", O_WRONLY);
    andon_error err = {{0}};
    if (fd < 0) SKIP("there is no /dev/full");
    CHECK(disk_write(fd, &(struct iovec){"x", 1}, 1, 0, "/dev/full", &err) == ANDON_ELIMIT);
    close(fd);
}

/* A file size limit of the process breaks a write off in the middle of a part; what is behind it is
 * refused. Run by a child, since the limit stays. */
static int write_beyond_the_limit(void)
{
    int fd = scratch();
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {10, 10};
    if (fd < 0 || setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    struct iovec part[3] = {{"01234", 5}, {"56789AB", 7}, {"C", 1}};
    if (disk_write(fd, part, 3, 0, "scratch", NULL) != ANDON_ELIMIT) return 3;
    return length_of(fd) == 10 ? 0 : 4;
}

TEST(a_short_write_goes_on_until_it_is_refused)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) _exit(write_beyond_the_limit());
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_SAY(status == 0, "status %x", (unsigned)status);
}

TEST(the_nth_write_and_all_behind_it_fail_until_the_fault_is_cleared)
{
    int fd = scratch();
    struct iovec part = {"12345678", 8};
    CHECK(fd >= 0);
    uint64_t before = disk_operations(DISK_WRITE);
    disk_fault(DISK_WRITE, 2, EIO);
    CHECK(disk_write(fd, &part, 1, 0, "scratch", NULL) == ANDON_OK);
    CHECK(disk_write(fd, &part, 1, 8, "scratch", NULL) == ANDON_EIO);
    CHECK(disk_write(fd, &part, 1, 8, "scratch", NULL) == ANDON_EIO);
    CHECK(disk_sync(fd, "scratch", NULL) == ANDON_OK);
    disk_fault_clear();
    CHECK_SAY(length_of(fd) == 12, "half of a failed write stays, found %zu", length_of(fd));
    CHECK(disk_write(fd, &part, 1, 8, "scratch", NULL) == ANDON_OK);
    CHECK(disk_operations(DISK_WRITE) == before + 4);
    close(fd);
}

TEST(a_fault_of_no_space_is_a_limit_and_one_of_syncing_meets_directories_too)
{
    int fd = scratch();
    CHECK(fd >= 0);
    disk_fault(DISK_WRITE, 1, ENOSPC);
    CHECK(disk_write(fd, &(struct iovec){"x", 1}, 1, 0, "scratch", NULL) == ANDON_ELIMIT);
    disk_fault(DISK_SYNC, 1, EIO);
    CHECK(disk_sync_directory("/tmp", NULL) == ANDON_EIO);
    CHECK(disk_sync(fd, "scratch", NULL) == ANDON_EIO);
    disk_fault_clear();
    CHECK(disk_sync(fd, "scratch", NULL) == ANDON_OK);
    CHECK(disk_sync_directory("/tmp", NULL) == ANDON_OK);
    CHECK(disk_sync_directory("/tmp/there is no such folder", NULL) == ANDON_EIO);
    close(fd);
}

/* The environment is read once for each process: this program starts itself again. */
static int run_with(const char *setting, const char *mode)
{
    int status = -1;
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return -1;
    self[n] = 0;
    pid_t child = fork();
    if (child == 0) {
        setenv("ANDON_DISK_FAULT", setting, 1);
        setenv("DISK_TEST_CHILD", mode, 1);
        execl(self, self, (char *)NULL);
        _exit(99);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int full_while_the_file_exists(void)
{
    const char *file = getenv("ANDON_DISK_FAULT") + 5;
    int fd = scratch(), flag = open(file, O_CREAT | O_WRONLY, 0600);
    struct iovec part = {"x", 1};
    if (fd < 0 || flag < 0) return 2;
    close(flag);
    if (disk_write(fd, &part, 1, 0, "scratch", NULL) != ANDON_ELIMIT) return 3;
    if (disk_free_bytes("/tmp") != 0) return 4;
    unlink(file);
    if (disk_write(fd, &part, 1, 0, "scratch", NULL) != ANDON_OK) return 5;
    return disk_free_bytes("/tmp") > 0 ? 0 : 6;
}

static int third_sync_fails(void)
{
    int fd = scratch();
    for (int i = 1; i <= 4; i++)
        if ((disk_sync(fd, "scratch", NULL) == ANDON_OK) != (i < 3)) return 10 + i;
    return 0;
}

__attribute__((constructor)) static void be_the_child(void)
{
    const char *mode = getenv("DISK_TEST_CHILD");
    if (mode != NULL) _exit(*mode == 'f' ? full_while_the_file_exists() : third_sync_fails());
}

TEST(the_environment_puts_faults_in)
{
    char setting[128];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(setting, sizeof setting, "full:%s/full", folder);
    int full = run_with(setting, "full"), sync = run_with("sync:3", "sync");
    rmdir(folder);
    CHECK_SAY(full == 0, "full:FILE ended with %d", full);
    CHECK_SAY(sync == 0, "sync:3 ended with %d", sync);
}

TEST(free_room_is_known_of_folders_and_unknown_of_what_is_not_there)
{
    CHECK(disk_free_bytes("/tmp") < UINT64_MAX);
    CHECK(disk_free_bytes("/tmp/there is no such folder") == UINT64_MAX);
}
