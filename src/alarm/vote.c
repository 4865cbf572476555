/* From the votes of rows to a condition that stands: k of n, delays, deadband, and what happens when
 * nobody can tell.
 *
 *   votes --k of n--> present --on-delay--> active --(absent, off-delay)--> gone
 *
 * Invariants: 1. a row that cannot be judged moves nothing; 2. time alone ends a delay only while the
 * point is not blind. */
#include "alarm/inner.h"

static bool enough(const struct point *p)
{
    uint64_t window = p->terms.of == 64 ? UINT64_MAX : ((uint64_t)1 << p->terms.of) - 1;
    return __builtin_popcountll(p->votes & window) >= p->terms.confirm;
}

static void see_again(struct alarms *a, struct point *p)
{
    struct alarm_record *r = alarm_record_of(a, p);
    p->blind = 0;
    if (r == NULL || r->blind == 0) return;
    r->blind = 0;
    alarm_emit(a, r, ALARM_SIGHTED, (enum alarm_state)p->state, "");
}

void alarm_hold(struct alarms *a, struct point *p, uint8_t reason)
{
    struct alarm_record *r = alarm_record_of(a, p);
    p->seen = a->row;
    p->blind = reason;
    if (r == NULL || !r->active || r->blind == reason) return;
    r->blind = reason;
    alarm_emit(a, r, ALARM_BLINDED, (enum alarm_state)p->state, "");
}

void alarm_vote(struct alarms *a, struct point *p, enum vote vote, struct moment at)
{
    bool yes = vote == VOTE_YES || (vote == VOTE_BAND && (p->present || p->active));
    p->seen = a->row;
    if (p->blind != 0) see_again(a, p);
    if (yes && p->votes == 0 && !p->active) p->began_ts_ns = at.ts_ns;
    p->votes = p->votes << 1 | yes;
    if (p->terms.of < 64) p->votes &= ((uint64_t)1 << p->terms.of) - 1;
    bool present = enough(p);
    if (present != p->present) p->since = at;
    p->present = present;
    alarm_settle(a, p, at, false);
}

void alarm_settle(struct alarms *a, struct point *p, struct moment at, bool ticking)
{
    struct moment done = at;
    int64_t delay = p->present ? p->terms.on_delay_ns : p->terms.off_delay_ns;
    if (p->present == p->active || (p->terms.off && p->present)) return;
    if (p->active && p->chattering && delay < a->options.chatter_ns) delay = a->options.chatter_ns;
    int64_t gone = alarm_gap(p->since.now_ns, at.now_ns);
    if (ticking)
        done.ts_ns = alarm_later(p->since.ts_ns, delay);
    else if (alarm_gap(p->since.ts_ns, at.ts_ns) > gone)
        gone = alarm_gap(p->since.ts_ns, at.ts_ns);
    if (gone < delay) return;
    if (p->present)
        alarm_raise(a, p, done);
    else
        alarm_return(a, p, done);
}
