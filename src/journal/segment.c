#include "journal/segment.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/checksum.h"
#include "journal/little.h"

static const char magic[8] = "andonjnl";

enum {
    VERSION = 1,
    AT_VERSION = 8,
    AT_SALT = 12,
    AT_FIRST = 16,
    AT_BEFORE = 24,
    AT_SUM = SEGMENT_HEAD - 4,
    DIGITS = 16
};

void segment_name(char name[SEGMENT_NAME_ROOM], uint64_t first)
{
    snprintf(name, SEGMENT_NAME_ROOM, "%016" PRIx64 ".journal", first);
}

bool segment_name_read(const char *name, uint64_t *first)
{
    uint64_t v = 0;
    for (int i = 0; i < DIGITS; i++) {
        char c = name[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
        v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *first = v;
    return strcmp(name + DIGITS, ".journal") == 0 && v % 8 == 0 && v <= SEGMENT_FIRST_MAX;
}

void segment_head_write(uint8_t bytes[SEGMENT_HEAD], const struct segment_head *head)
{
    memset(bytes, 0, SEGMENT_HEAD);
    memcpy(bytes, magic, sizeof magic);
    little_put32(bytes + AT_VERSION, VERSION);
    little_put32(bytes + AT_SALT, head->salt);
    little_put64(bytes + AT_FIRST, head->first);
    little_put64(bytes + AT_BEFORE, (uint64_t)head->before_ns);
    little_put32(bytes + AT_SUM, checksum_crc32c(0, bytes, AT_SUM));
}

enum segment_head_state segment_head_read(int fd, struct segment_head *head)
{
    uint8_t bytes[SEGMENT_HEAD];
    errno = 0;
    if (pread(fd, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return SEGMENT_HEAD_NONE;
    if (memcmp(bytes, magic, sizeof magic) != 0 ||
        little_get32(bytes + AT_SUM) != checksum_crc32c(0, bytes, AT_SUM))
        return SEGMENT_HEAD_NONE;
    if (little_get32(bytes + AT_VERSION) != VERSION) return SEGMENT_HEAD_NEWER;
    *head = (struct segment_head){.first = little_get64(bytes + AT_FIRST),
                                  .before_ns = (int64_t)little_get64(bytes + AT_BEFORE),
                                  .salt = little_get32(bytes + AT_SALT)};
    return SEGMENT_HEAD_WHOLE;
}

bool segment_physical_end(int fd, uint64_t first, uint64_t *end)
{
    struct stat file;
    if (fstat(fd, &file) != 0) return false;
    uint64_t size = file.st_size < 0 ? 0 : (uint64_t)file.st_size;
    *end = first + (size < SEGMENT_HEAD ? 0 : size - SEGMENT_HEAD);
    return true;
}

/* Calls visit with every name in the directory until it returns false. */
static bool each_name(int dir_fd, bool (*visit)(void *context, const char *name), void *context)
{
    alignas(struct dirent64) char room[8192];
    ssize_t n;
    if (lseek(dir_fd, 0, SEEK_SET) < 0) return false;
    while ((n = getdents64(dir_fd, room, sizeof room)) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(room + at);
            at += entry->d_reclen;
            if (visit(context, entry->d_name)) continue;
            errno = 0;
            return false;
        }
    }
    return n == 0;
}

struct visitor {
    bool (*visit)(void *context, uint64_t first);
    void *context;
};

static bool visit_segment(void *context, const char *name)
{
    const struct visitor *v = context;
    uint64_t first;
    return !segment_name_read(name, &first) || v->visit(v->context, first);
}

bool segment_each(int dir_fd, bool (*visit)(void *context, uint64_t first), void *context)
{
    return each_name(dir_fd, visit_segment, &(struct visitor){visit, context});
}

static bool remove_unfinished(void *context, const char *name)
{
    uint64_t first;
    const char *end = strstr(name, SEGMENT_UNFINISHED);
    char segment[SEGMENT_NAME_ROOM];
    if (end == NULL || strcmp(end, SEGMENT_UNFINISHED) != 0 || end - name >= SEGMENT_NAME_ROOM)
        return true;
    memcpy(segment, name, (size_t)(end - name));
    segment[end - name] = 0;
    if (segment_name_read(segment, &first)) unlinkat(*(int *)context, name, 0);
    return true;
}

void segment_remove_unfinished(int dir_fd)
{
    (void)each_name(dir_fd, remove_unfinished, &dir_fd);
}
