/* Fuzzes the journal's reader. What the fuzzer gives is taken twice: as the bytes of a segment
 * file, where nothing may crash, loop or come back with a wrong sum; and as a list of damages to a
 * segment that was written properly, where only records that were written may come back, each at
 * its place. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "journal/reader.h"
#include "journal/record.h"
#include "journal/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 24, FILE_MAX = 1 << 16 };
static const uint32_t salt = 0x5a17;
static const uint64_t first = 4096;

static void must(bool holds)
{
    if (!holds) abort();
}

/* A file in memory that holds these bytes behind an empty head. */
static int file_of(const uint8_t *bytes, size_t size)
{
    static int fd = -1;
    if (fd < 0) fd = memfd_create("journal", MFD_CLOEXEC);
    must(fd >= 0 && ftruncate(fd, 0) == 0);
    must(pwrite(fd, bytes, size, SEGMENT_HEAD) == (ssize_t)size);
    return fd;
}

static struct reader *reader_of(int fd)
{
    static struct reader reader;
    andon_error err;
    if (reader.room == NULL) must(reader_init(&reader, &err) == ANDON_OK);
    reader_enter(&reader, fd, first, salt, first);
    return &reader;
}

/* Reads to the limit; calls back with every record. Offsets only grow, and it ends. */
static void read_all(int fd, uint64_t limit, void (*see)(const struct journal_record *record))
{
    struct reader *reader = reader_of(fd);
    struct journal_record record;
    uint64_t at = first;
    for (;;) {
        enum reader_result got = reader_next(reader, limit, &record);
        if (got == READER_END || got == READER_TORN) break;
        must(got == READER_RECORD || got == READER_DAMAGE);
        must(reader->offset > at && reader->offset <= limit);
        if (got == READER_RECORD) {
            must(record.offset == at && record.next == reader->offset);
            must(record.next == at + record_bytes(record.size));
            see(&record);
        }
        at = reader->offset;
    }
    must(reader->offset == at && at <= limit);
}

static void see_sum(const struct journal_record *record)
{
    struct journal_record again;
    size_t bytes = (size_t)record_bytes(record->size);
    must(record_read(salt, record->offset, record->body - RECORD_HEAD, bytes, &again) ==
         RECORD_WHOLE);
}

/* A segment of records whose bodies follow from their number. */
static uint8_t written[FILE_MAX];
static size_t written_bytes;
static uint64_t place[RECORDS + 1];

static void write_segment(void)
{
    size_t at = 0;
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint8_t body[1024];
        struct journal_entry e = {.type = (enum journal_type)(1 + i % 5),
                                  .received_ns = i,
                                  .part = {body},
                                  .size = {i * i * 5 % 900}};
        for (uint32_t k = 0; k < e.size[0]; k++) body[k] = (uint8_t)(i + k * 7);
        record_write(salt, first + at, &e, written + at);
        place[i] = first + at;
        at += (size_t)record_bytes(e.size[0]);
    }
    place[RECORDS] = first + at;
    written_bytes = at;
}

static void see_written(const struct journal_record *record)
{
    uint32_t i = (uint32_t)record->received_ns;
    must(record->received_ns >= 0 && record->received_ns < RECORDS && record->offset == place[i]);
    must(record->next == place[i + 1] && (uint32_t)record->type == 1 + i % 5);
    must(memcmp(record->body, written + (place[i] - first) + RECORD_HEAD, record->size) == 0);
}

/* Six bytes of input are one damage: where, how long, what. */
static void read_damaged(const uint8_t *data, size_t size)
{
    static uint8_t damaged[FILE_MAX];
    if (written_bytes == 0) write_segment();
    memcpy(damaged, written, written_bytes);
    uint64_t limit = first + written_bytes;
    for (; size >= 6; data += 6, size -= 6) {
        size_t at = ((size_t)data[0] << 8 | data[1]) % written_bytes;
        size_t from = ((size_t)data[2] << 8 | data[3]) % written_bytes, n = data[4];
        if (n > written_bytes - at) n = written_bytes - at;
        if (n > written_bytes - from) n = written_bytes - from;
        switch (data[5] % 4) {
        case 0: damaged[at] ^= (uint8_t)(1u << data[4] % 8); break;
        case 1: memset(damaged + at, data[5], n); break;
        case 2: memmove(damaged + at, written + from, n); break;
        default: limit = first + at; break;
        }
    }
    read_all(file_of(damaged, (size_t)(limit - first)), limit, see_written);
}

/* ... and the head of a segment, and its name. */
static void read_head(const uint8_t *data, size_t size)
{
    char name[SEGMENT_NAME_ROOM] = {0}, again[SEGMENT_NAME_ROOM];
    struct segment_head head;
    uint64_t offset;
    int fd = file_of(data, size);
    must(pwrite(fd, data, size, 0) == (ssize_t)size);
    if (segment_head_read(fd, &head) == SEGMENT_HEAD_WHOLE) {
        uint8_t bytes[SEGMENT_HEAD];
        segment_head_write(bytes, &head);
        must(memcmp(bytes, data, 32) == 0);
    }
    memcpy(name, data, size < sizeof name ? size : sizeof name - 1);
    if (!segment_name_read(name, &offset)) return;
    segment_name(again, offset);
    must(strcmp(name, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all(file_of(data, size), first + size, see_sum);
    read_damaged(data, size);
    read_head(data, size);
    return 0;
}
