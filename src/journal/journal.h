/* The one ordered record of everything that arrived: append-only segment files.
 *
 * Laws. Nothing is acknowledged before journal_append has returned OK (and, by policy, is synced).
 * Everything behind the journal is a function of its records, so all that changes a result is one:
 * messages, clock ticks, operator actions, config changes, model publications.
 *
 * An offset is a logical byte position: it starts at 0, never repeats and outlives segments. A
 * segment is a file named by its first offset in 16 hex digits, DIR/0000000000000000.journal. A
 * record is
 *
 *     u32 crc32c of all that follows   u32 size of the body   i64 received ns   u8 type
 *     u24 crc32c of size, time and type   body[size], zero bytes up to a multiple of 8
 *
 * little-endian; both sums are seeded with the journal's salt and the record's offset, so that
 * nothing a sender puts into a body can pass for a record (see journal/record.h). Recovery cuts a
 * torn tail (a record that is cut or whose check fails, with nothing valid behind it) and nothing
 * else: damage in the middle is reported, skipped over to the next valid record and counted, never
 * silently.
 *
 * Appending: any thread. A cursor: one thread each. Readers see only what is appended whole. */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"

#define JOURNAL_RECORD_MAX ((uint32_t)16 << 20) /* bytes of a body */

enum journal_type {
    JOURNAL_MESSAGE = 1, /* wire bytes: see ingest/message.h                      */
    JOURNAL_TICK,        /* time has passed, the record's; with a body: andon stops */
    JOURNAL_ACTION,      /* somebody acknowledged, shelved, labelled, ...: JSON   */
    JOURNAL_CONFIG,      /* the configuration from here on: its text              */
    JOURNAL_MODEL        /* a model published: name, version, its bytes' checksum */
};

enum journal_sync {
    JOURNAL_SYNC_EVERY,    /* fdatasync before every acknowledgement, shared by all that wait */
    JOURNAL_SYNC_INTERVAL, /* fdatasync in the background, every sync_interval_ns            */
    JOURNAL_SYNC_OS        /* when the operating system likes; survives kill -9, not power   */
};

struct journal_options {
    const char *dir; /* created when missing */
    enum journal_sync sync;
    int64_t sync_interval_ns; /* 100 ms by default */
    uint64_t segment_bytes;   /* a new segment from this size on; 0: 64 MiB        */
    int64_t keep_ns;          /* segments whose newest record is older may go; 0: no limit */
    uint64_t keep_bytes;      /* ... or when all together are larger; 0: no limit          */
    uint64_t spare_bytes;     /* refuse to append when the file system has less room; 0: 16 MiB */
    uint64_t floor;           /* no record is put below: the offset that the store knows; 0: none */
};

struct journal_entry { /* borrowed */
    enum journal_type type;
    int64_t received_ns;
    const void *part[2]; /* the body is part[0] followed by part[1] */
    uint32_t size[2];
};

struct journal_record {    /* borrowed from the cursor until its next call */
    uint64_t offset, next; /* where it stands, where the next one does */
    int64_t received_ns;
    enum journal_type type;
    uint32_t size;
    const uint8_t *body;
};

struct journal_figures {
    uint64_t begin, end, synced; /* offsets: the oldest kept, the end, what is durable */
    uint64_t bytes, segments;    /* on disk */
    uint64_t appended, refused;  /* records since the start                  */
    uint64_t syncs, sync_failures;
    uint64_t torn_bytes;    /* cut off by recovery at the start         */
    uint64_t damaged_bytes; /* skipped in the middle                    */
    bool full;              /* the last append was refused: disk full   */
    bool
        stopped; /* a sync failed: appends are refused until what is not durable is written again */
};

struct journal;

/* journal_open recovers what is in dir and gets ready to append. One process at a time (a lock
 * file). ANDON_EIO dir cannot be used, or another process has it (err says which) */
ANDON_MUST_CHECK andon_status journal_open(const struct journal_options *options,
                                           struct journal **journal, andon_error *err);

/* journal_close syncs and closes; NULL is allowed. */
void journal_close(struct journal *journal);

/* journal_append puts entry[n] in, all or none, in one write, and returns the offset behind the
 * last in *end. It does not sync. Room of a failed write is given back (the file is cut), so that
 * nothing half stays. Allocates nothing. ANDON_ELIMIT disk full, or a body larger than
 * JOURNAL_RECORD_MAX; ANDON_EIO the write failed */
ANDON_MUST_CHECK andon_status journal_append(struct journal *journal,
                                             const struct journal_entry *entry, size_t n,
                                             uint64_t *end, andon_error *err);

/* journal_settle returns when offset is as durable as the policy promises before an
 * acknowledgement: at once, or after one fdatasync that callers who wait at the same time share.
 * ANDON_EIO the sync failed: nothing up to offset may be acknowledged */
ANDON_MUST_CHECK andon_status journal_settle(struct journal *journal, uint64_t offset,
                                             andon_error *err);

/* journal_sync_up_to makes everything before offset durable whatever the policy is. The store calls
 * it before it durably commits that offset. */
ANDON_MUST_CHECK andon_status journal_sync_up_to(struct journal *journal, uint64_t offset,
                                                 andon_error *err);

/* journal_end is the offset behind the last whole record. Any thread, no lock. */
uint64_t journal_end(const struct journal *journal);

/* journal_wait returns when journal_end() > offset, the timeout is over or journal_wake was called.
 */
void journal_wait(struct journal *journal, uint64_t offset, int64_t timeout_ns);
void journal_wake(struct journal *journal);

/* journal_release says that nobody needs records before offset any more; retention removes whole
 * segments before it, by age and size. Called by the store's thread after a commit. */
void journal_release(struct journal *journal, uint64_t offset);

void journal_figures(struct journal *journal, struct journal_figures *figures);

/* A reader of a live journal (journal != NULL), or of a directory at rest (dir). */
struct journal_cursor;
ANDON_MUST_CHECK andon_status journal_cursor_open(struct journal *journal, const char *dir,
                                                  uint64_t offset, struct journal_cursor **cursor,
                                                  andon_error *err);
void journal_cursor_close(struct journal_cursor *cursor);

/* journal_next gives the record at the cursor and moves behind it.
 * 1: *record is one; 0: nothing more yet; -1: the file cannot be read (err). An offset older than
 * the oldest segment moves on to that. */
int journal_next(struct journal_cursor *cursor, struct journal_record *record, andon_error *err);

/* The offset behind everything that the cursor has given or skipped: what to journal_wait for. */
uint64_t journal_cursor_offset(const struct journal_cursor *cursor);

/* Bytes that the cursor had to skip because their check failed, since it was opened. */
uint64_t journal_cursor_damaged(const struct journal_cursor *cursor);

#endif
