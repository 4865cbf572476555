#include "journal/space.h"

#include "base/clock.h"
#include "base/disk.h"

#define ASK_NS (100 * NS_PER_MS)
#define TRUSTED_BYTES ((uint64_t)4 << 20)

bool space_take(struct space *s, uint64_t bytes)
{
    int64_t now_ns = clock_steady_ns();
    bool known = s->asked_ns != 0 && now_ns - s->asked_ns < ASK_NS;
    if (known && s->full) return false;
    if (!known || bytes > s->trusted) {
        uint64_t free_bytes = disk_free_bytes(s->dir);
        uint64_t room = free_bytes > s->spare_bytes ? free_bytes - s->spare_bytes : 0;
        s->asked_ns = now_ns;
        s->full = bytes > room;
        s->trusted = room < TRUSTED_BYTES ? room : TRUSTED_BYTES;
        if (s->full) return false;
    }
    s->trusted -= bytes < s->trusted ? bytes : s->trusted;
    return true;
}

void space_refused(struct space *s)
{
    s->asked_ns = clock_steady_ns();
    s->full = true;
}
