#include "journal/record.h"

#include <string.h>

#include "journal/checksum.h"
#include "journal/little.h"

enum { AT_SIZE = 4, AT_TIME = 8, AT_TYPE = 16, AT_CHECK = 17, SUMMED_HEAD = AT_CHECK - AT_SIZE };

/* The sum over salt, offset, size, time and type. */
static uint32_t head_sum(uint32_t salt, uint64_t offset, const uint8_t *head)
{
    uint8_t place[8];
    little_put64(place, offset);
    return checksum_crc32c(checksum_crc32c(salt, place, sizeof place), head + AT_SIZE, SUMMED_HEAD);
}

/* All of a head but the sum over everything, and the sum up to the body. */
static uint32_t put_head(uint32_t salt, uint64_t offset, const struct journal_entry *entry,
                         uint8_t *head)
{
    little_put32(head + AT_SIZE, entry->size[0] + entry->size[1]);
    little_put64(head + AT_TIME, (uint64_t)entry->received_ns);
    head[AT_TYPE] = (uint8_t)entry->type;
    uint32_t sum = head_sum(salt, offset, head);
    for (int i = 0; i < 3; i++) head[AT_CHECK + i] = (uint8_t)(sum >> (8 * i));
    return sum;
}

void record_write(uint32_t salt, uint64_t offset, const struct journal_entry *entry, uint8_t *at)
{
    uint8_t *body = at + RECORD_HEAD;
    size_t bytes = (size_t)record_bytes(entry->size[0] + entry->size[1]);
    for (int i = 0; i < 2; i++) {
        if (entry->size[i] > 0) memcpy(body, entry->part[i], entry->size[i]);
        body += entry->size[i];
    }
    memset(body, 0, bytes - (size_t)(body - at));
    uint32_t sum = put_head(salt, offset, entry, at);
    little_put32(at, checksum_crc32c(sum, at + AT_CHECK, bytes - AT_CHECK));
}

void record_write_head(uint32_t salt, uint64_t offset, const struct journal_entry *entry,
                       uint8_t *head)
{
    static const uint8_t zero[8];
    uint32_t size = entry->size[0] + entry->size[1];
    uint32_t sum = put_head(salt, offset, entry, head);
    sum = checksum_crc32c(sum, head + AT_CHECK, RECORD_HEAD - AT_CHECK);
    for (int i = 0; i < 2; i++)
        if (entry->size[i] > 0) sum = checksum_crc32c(sum, entry->part[i], entry->size[i]);
    sum = checksum_crc32c(sum, zero, (size_t)(record_bytes(size) - RECORD_HEAD - size));
    little_put32(head, sum);
}

enum record_state record_read(uint32_t salt, uint64_t offset, const uint8_t *at, size_t have,
                              struct journal_record *record)
{
    if (have < RECORD_HEAD) return RECORD_NONE;
    uint32_t size = little_get32(at + AT_SIZE);
    if (size > JOURNAL_RECORD_MAX || at[AT_TYPE] == 0) return RECORD_NONE;
    uint32_t sum = head_sum(salt, offset, at);
    for (int i = 0; i < 3; i++)
        if (at[AT_CHECK + i] != (uint8_t)(sum >> (8 * i))) return RECORD_NONE;
    uint64_t bytes = record_bytes(size);
    *record = (struct journal_record){.offset = offset,
                                      .next = offset + bytes,
                                      .received_ns = (int64_t)little_get64(at + AT_TIME),
                                      .type = (enum journal_type)at[AT_TYPE],
                                      .size = size};
    if (have < bytes) return RECORD_CUT;
    sum = checksum_crc32c(sum, at + AT_CHECK, (size_t)bytes - AT_CHECK);
    if (sum != little_get32(at)) return RECORD_TORN;
    record->body = at + RECORD_HEAD;
    return RECORD_WHOLE;
}
