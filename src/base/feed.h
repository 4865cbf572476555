/* What happens, for those who watch live: a bounded ring of events that one thread writes and any
 * number of threads read.
 *
 * 1. The writer never waits and allocates nothing: the oldest events give way to the newest.
 * 2. A reader copies an event and then looks whether it was still there; one that has fallen behind
 * is told so, with how many it missed, and goes on with the oldest that is left.
 * 3. An event is known by (offset, index): the journal offset that it comes of, and its place among
 * the events of that offset. So somebody who comes back can say where he was.
 *
 * Every word of the ring is atomic. The writer moves the tail before it writes over what was there
 * and the head behind what it has written, each word released; readers acquire each word and look
 * at the tail last: who has read a new word sees the new tail, too. */
#ifndef BASE_FEED_H
#define BASE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/text.h"

enum feed_kind { FEED_READING, FEED_VERDICT, FEED_ALARM, FEED_OEE, FEED_STATE, FEED_KINDS };

#define FEED_EVENT_MAX 65536u /* bytes of an event: its asset and its text together    */
#define FEED_ASSET_MAX 4096u
#define FEED_WATCHERS_MAX 64u

struct feed_event {
    uint64_t offset; /* of the journal; does not go back                       */
    uint32_t index;  /* the nth of that offset, set by feed_push               */
    uint8_t kind;    /* enum feed_kind                                         */
    struct text asset;
    struct text json; /* one object on one line                                 */
};

struct feed_cursor { /* of one reader */
    uint64_t at;     /* words since the feed was opened */
    uint64_t number; /* of the event there, where known */
};

struct feed;

/* feed_open makes a ring of at least bytes (rounded up to a power of two; 4 * FEED_EVENT_MAX at
 * least). ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status feed_open(size_t bytes, struct feed **feed, andon_error *err);
void feed_close(struct feed *feed); /* NULL is allowed; nobody reads or writes any more */

/* feed_push appends an event. One thread. False: it is longer than FEED_EVENT_MAX, and is left out.
 */
bool feed_push(struct feed *feed, const struct feed_event *event);

/* feed_tell wakes the watchers that asked for it: once behind a turn's events, from the writer's
 * thread. */
void feed_tell(struct feed *feed);

/* A cursor behind the newest event, and one at the first event behind (offset, index). The latter
 * says whether that event was still there, that is, whether nothing is missing in between. Any
 * thread. */
void feed_newest(const struct feed *feed, struct feed_cursor *cursor);
bool feed_behind(const struct feed *feed, uint64_t offset, uint32_t index,
                 struct feed_cursor *cursor);

/* feed_next copies the event at the cursor to room[FEED_EVENT_MAX] and moves behind it. Any thread.
 *   1  *event is one; its text is in room
 *   0  there is nothing newer
 *  -1  the cursor had fallen behind; it stands at the oldest event now, and *lost (if known, else
 * 0) events were missed */
int feed_next(const struct feed *feed, struct feed_cursor *cursor, char *room,
              struct feed_event *event, uint64_t *lost);

/* feed_has tells whether there is something newer than the cursor. */
bool feed_has(const struct feed *feed, const struct feed_cursor *cursor);

/* A watcher is an eventfd of a thread that sleeps. feed_watch gives its number or -1 (there are
 * FEED_WATCHERS_MAX); feed_arm asks for one write to it at the next feed_tell. */
int feed_watch(struct feed *feed, int eventfd);
void feed_unwatch(struct feed *feed, int watcher);
void feed_arm(struct feed *feed, int watcher);

/* Making text that nobody reads costs time. feed_want says until when somebody wants events of a
 * kind; feed_wanted is what the writer asks first. Any thread; times of clock_steady_ns. */
void feed_want(struct feed *feed, uint32_t kinds, int64_t until_ns); /* kinds: bits 1 << kind */
bool feed_wanted(const struct feed *feed, enum feed_kind kind, int64_t now_ns);

#endif
