/* What the files of this room share of an open journal.
 *
 * Locks. `append` serialises what writes: appends, new segments, writing again after a failed sync.
 * It is held during writes. `state` guards the list of segments and the turns of syncing, and is
 * never held during a call that waits for the disk; journal_figures takes it alone. append comes
 * before state. Whoever has set `syncing` is the leader: no other thread syncs, or closes a
 * segment's file, until it clears that.
 *
 * Invariants
 * 1. Below `end` every byte is written whole; `end` grows only behind a whole write.
 * 2. Below `synced` every byte, and the name of its file, is durable.
 * 3. An offset that a reader may have seen is never given out again: where recovery cuts bytes off,
 *    the next segment begins behind them. */
#ifndef JOURNAL_INNER_H
#define JOURNAL_INNER_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "journal/journal.h"
#include "journal/segment.h"
#include "journal/space.h"

#define JOURNAL_SEGMENTS_MAX 65536u /* 4 TiB in segments of 64 MiB */
#define JOURNAL_RETIRED_MAX 4u      /* full segments that are not synced yet */
#define JOURNAL_STAGE_BYTES ((size_t)1 << 20)
#define JOURNAL_PARTS 256
/* Between attempts to make a failed sync good: the first pause, twice as long each time, the
 * longest. */
#define JOURNAL_RETRY_NS (INT64_C(20) * 1000000)
#define JOURNAL_RETRY_MAX_NS (INT64_C(2000) * 1000000)

struct segment {
    uint64_t first, end;
    int64_t newest_ns; /* of the last record up to its end; INT64_MIN: there is none */
};

/* A segment whose file is open: the one that is written, or a full one that waits for its sync. */
struct segment_file {
    int fd;
    uint64_t first, end; /* of a full one; the end of the one that is written is `at` */
};

struct journal {
    struct journal_options options;
    char dir[PATH_MAX];
    int dir_fd, lock_fd;
    uint32_t salt;

    /* append */
    pthread_mutex_t append;
    struct segment_file current; /* fd -1: none yet                                        */
    bool headless;               /* its head goes in with the first batch                  */
    bool uncut;                  /* a failed write could not be taken back yet             */
    uint64_t at;                 /* where the next record goes                             */
    uint64_t turn;               /* the next record goes to a new segment here; 0: no need */
    struct space space;
    uint8_t *stage; /* JOURNAL_STAGE_BYTES */
    struct iovec part[JOURNAL_PARTS];

    /* state */
    pthread_mutex_t state;
    pthread_cond_t synced_more, work;
    struct segment *segment; /* ring of JOURNAL_SEGMENTS_MAX */
    uint32_t oldest, segments;
    struct segment_file retired[JOURNAL_RETIRED_MAX];
    uint32_t retireds;
    bool unnamed; /* a segment's name is not durable yet                              */
    bool syncing; /* there is a leader                                                */
    bool closing;
    int64_t retry_ns; /* pause before the next attempt; 0: it has not stopped         */
    char why[sizeof((andon_error *)0)->text]; /* it has stopped */
    uint64_t damaged_to;                      /* damage below was counted ...           */
    uint64_t recovered_from, recovered_to;    /* ... and what recovery has read through */

    /* waiting for records */
    pthread_mutex_t wait;
    pthread_cond_t grown;
    bool woken;
    _Atomic uint32_t waiting;

    pthread_t keeper; /* syncs in the background */
    bool has_keeper;

    _Atomic uint64_t end, synced, released, bytes, appended, refused, syncs, sync_failures, damaged;
    uint64_t torn_bytes;
    _Atomic int64_t now_ns;      /* the last record's time; INT64_MIN: there is none      */
    _Atomic uint32_t generation; /* grows when a segment's file is replaced               */
    _Atomic bool stopped;        /* a sync failed and could not be made good yet          */
    _Atomic bool full;
};

/* The i-th oldest segment; state is held. */
static inline struct segment *segment_at(struct journal *j, uint32_t i)
{
    return &j->segment[(j->oldest + i) % JOURNAL_SEGMENTS_MAX];
}

/* append.c; append is held. */

/* append_turn makes turn, when it is not 0, the beginning of a durable, empty segment, and cuts the
 * one before it at its last whole record. ANDON_ELIMIT, ANDON_EIO: nothing has changed. */
ANDON_MUST_CHECK andon_status append_turn(struct journal *j, andon_error *err);

/* recovery.c: fills the list of segments, the current one and the offsets, none below floor. */
ANDON_MUST_CHECK andon_status recovery_run(struct journal *j, uint64_t floor, andon_error *err);

/* sync.c */
ANDON_MUST_CHECK andon_status sync_start(struct journal *j, andon_error *err);
void sync_stop(struct journal *j);

/* sync_soon asks the keeper to sync; any lock may be held but state. */
void sync_soon(struct journal *j);

/* repair.c: the leader writes what is not durable into new files. append is held. */
ANDON_MUST_CHECK andon_status repair_unsynced(struct journal *j, andon_error *err);

/* journal.c: damage that a cursor over this journal met, counted once for each place. */
void journal_count_damage(struct journal *j, uint64_t from, uint64_t to);

#endif
