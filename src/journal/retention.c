/* Removing what nobody needs: whole segments, the oldest first, so that what stays has no hole. */
#include <unistd.h>

#include "base/disk.h"
#include "journal/inner.h"

/* state is held. The last segment stays: its name is what keeps offsets from beginning again. */
static bool oldest_may_go(struct journal *j)
{
    if (j->segments < 2) return false;
    const struct segment *s = segment_at(j, 0);
    uint64_t behind = segment_at(j, 1)->first;
    if (behind > atomic_load(&j->released) || behind > atomic_load(&j->synced)) return false;
    if (j->retireds > 0 && j->retired[0].first <= s->first) return false;
    int64_t now_ns = atomic_load(&j->now_ns), age_ns;
    bool old = j->options.keep_ns > 0 && !__builtin_sub_overflow(now_ns, s->newest_ns, &age_ns) &&
               age_ns > j->options.keep_ns;
    bool large = j->options.keep_bytes > 0 && atomic_load(&j->bytes) > j->options.keep_bytes;
    return old || large || (s->newest_ns == INT64_MIN && j->options.keep_ns > 0);
}

/* Takes the oldest segment off the list, if it may go. */
static bool take_oldest(struct journal *j, struct segment *taken)
{
    pthread_mutex_lock(&j->state);
    bool goes = oldest_may_go(j);
    if (goes) {
        *taken = *segment_at(j, 0);
        j->oldest = (j->oldest + 1) % JOURNAL_SEGMENTS_MAX;
        j->segments--;
        atomic_fetch_sub(&j->bytes, SEGMENT_HEAD + (taken->end - taken->first));
    }
    pthread_mutex_unlock(&j->state);
    return goes;
}

void journal_release(struct journal *j, uint64_t offset)
{
    struct segment oldest;
    andon_error unheard;
    bool any = false;
    uint64_t before = atomic_load(&j->released);
    while (offset > before && !atomic_compare_exchange_weak(&j->released, &before, offset))
        continue;
    while (take_oldest(j, &oldest)) {
        char name[SEGMENT_NAME_ROOM];
        segment_name(name, oldest.first);
        /* One that stays is found again at the next start. */
        any = unlinkat(j->dir_fd, name, 0) == 0 || any;
    }
    /* A name that comes back after a power cut is removed again. */
    if (any && disk_sync_directory(j->dir, &unheard) != ANDON_OK) return;
}
