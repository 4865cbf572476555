/* A point's way through the states, and the events that tell of it.
 *
 * Invariants: 1. a record's state is its point's while the point holds it; 2. every change of a record
 * is one event with the next sequence number; 3. receivers are told of an alarm when it becomes
 * unacknowledged, unless a flood holds it back, and then of everything that follows. */
#include "alarm/inner.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static struct alarm_facts facts_of(const struct point *p)
{
    return (struct alarm_facts){.active = p->active, .latch = p->terms.latch,
                                .latched = p->latched, .ack_needed = p->terms.ack_needed,
                                .shelved = p->shelved_until_ns != 0,
                                .suppressed = p->suppressed || p->window, .out = p->out};
}

/* An alarm that people have to look at now. */
static void annunciate(struct alarms *a, struct alarm_record *r)
{
    bool first = r->said_ns == 0;
    r->held = alarm_flood_holds(a, r);
    if (!r->held) r->told = true;
    r->said_ns = a->now_ns;
    r->acked_ns = 0;
    r->acked_by[0] = 0;
    alarm_count_raise(a, r);
    if (first && r->type == ALARM_ANOMALY) alarm_spend(a, r);
}

void alarm_emit(struct alarms *a, struct alarm_record *r, enum alarm_change change,
                enum alarm_state before, const char *by)
{
    bool about_people = change == ALARM_WAS_LABELLED || change == ALARM_COMMENTED;
    if (r->state == ALARM_UNACK && before != ALARM_UNACK) annunciate(a, r);
    if (r->state != before) a->figures.transitions[r->state]++;
    r->sequence++;
    assert(a->events < a->options.events_max); /* alarms_room comes before every call */
    struct alarm_event *e = &a->event[a->events++];
    *e = (struct alarm_event){.change = (uint8_t)change, .before = (uint8_t)before,
                              .after = r->state, .at_ns = a->now_ns,
                              .notify = r->told && !r->held && !about_people &&
                                        change != ALARM_BLINDED && change != ALARM_SIGHTED};
    alarm_copy(e->by, sizeof e->by, text_of(by));
    e->record = *r;
}

const char *alarm_move(struct alarms *a, struct point *p, enum alarm_input input,
                       enum alarm_change change, const char *by)
{
    struct alarm_facts facts = facts_of(p);
    enum alarm_state before = (enum alarm_state)p->state, after = before;
    const char *why = NULL;
    if (input == ALARM_UNSHELVE) facts.shelved = false;
    if (input == ALARM_UNSUPPRESS) facts.suppressed = false;
    if (input == ALARM_PUT_BACK) facts.out = false;
    if (!alarm_step(before, input, &facts, &after, &why)) return why;
    if (!alarm_state_hidden(before)) {
        p->latched = before == ALARM_LATCHED_UNACK || before == ALARM_LATCHED_ACKED;
        if (!alarm_state_hidden(after)) p->latched = false;
    }
    p->state = (uint8_t)after;
    if (after == ALARM_UNACK && before != after) p->escalated_ns = a->now_ns;
    struct alarm_record *r = alarm_record_of(a, p);
    if (r == NULL) return NULL;
    r->state = (uint8_t)after;
    r->shelved_until_ns = p->shelved_until_ns;
    if (alarm_state_hidden(after)) {
        r->hidden = true;
        if (by[0] != 0) alarm_copy(r->hidden_by, sizeof r->hidden_by, text_of(by));
    }
    if (change == ALARM_ACKNOWLEDGED) {
        r->acked_ns = a->now_ns;
        alarm_copy(r->acked_by, sizeof r->acked_by, text_of(by));
    }
    alarm_emit(a, r, change, before, by);
    return NULL;
}

void alarm_close(struct alarms *a, struct point *p)
{
    struct alarm_record *r = alarm_record_of(a, p);
    enum alarm_state before = (enum alarm_state)p->state;
    r->state = ALARM_NORMAL;
    if (!alarm_state_hidden(before)) p->state = ALARM_NORMAL;
    alarm_emit(a, r, ALARM_CLOSED, before, "");
    alarm_record_over(a, p);
}

static void enter_window(struct alarms *a, struct point *p)
{
    const struct alarm_window *w = alarm_window_of(a, text_of(p->path), a->now_ns);
    if (w == NULL || p->window) return;
    p->window = true;
    alarm_move(a, p, ALARM_SUPPRESS, ALARM_WAS_SUPPRESSED, w->text[0] != 0 ? w->text : "window");
}

static void leave_window(struct alarms *a, struct point *p)
{
    if (!p->window || alarm_window_of(a, text_of(p->path), a->now_ns) != NULL) return;
    p->window = false;
    if (!p->suppressed) alarm_move(a, p, ALARM_UNSUPPRESS, ALARM_UNSUPPRESSED, "");
}

/* Whether the occurrence that begins now goes on with the record that the point holds. */
static bool goes_on(const struct point *p, struct moment at)
{
    if (p->record == NONE) return false;
    if (p->state == ALARM_LATCHED_UNACK || p->state == ALARM_LATCHED_ACKED || p->latched) return true;
    return alarm_near(p->ended, at, p->terms.group_ns);
}

static void remember_raise(struct alarms *a, struct point *p, struct alarm_record *r,
                           struct moment at)
{
    const struct alarms_options *o = &a->options;
    memmove(p->raised + 1, p->raised, (CHATTER_MAX - 1) * sizeof *p->raised);
    p->raised[0] = at;
    if (p->raises < CHATTER_MAX) p->raises++;
    if (p->chattering || p->raises < o->chatter_raises) return;
    if (!alarm_near(p->raised[o->chatter_raises - 1], at, o->chatter_ns)) return;
    p->chattering = r->chattering = true;
    a->figures.chattered++;
    alarm_emit(a, r, ALARM_CHATTERS, (enum alarm_state)p->state, "");
}

bool alarm_raise(struct alarms *a, struct point *p, struct moment at)
{
    enter_window(a, p);
    bool again = goes_on(p, at);
    if (!again && p->record != NONE) alarm_close(a, p);
    struct alarm_record *r = again ? alarm_record_of(a, p) : alarm_record_new(a, p);
    if (r == NULL) return false;
    struct alarm_facts facts = facts_of(p);
    enum alarm_state before = (enum alarm_state)p->state, after = before;
    const char *why = NULL;
    p->active = facts.active = true;
    if (!alarm_step(before, ALARM_RAISE, &facts, &after, &why)) return false;
    p->state = (uint8_t)after;
    p->escalated_ns = a->now_ns;
    if (!alarm_state_hidden(after)) p->latched = false;
    r->active = true;
    r->state = (uint8_t)after;
    r->raises++;
    if (r->raised_ns == 0) r->raised_ns = at.ts_ns;
    r->cleared_ns = 0;
    if (alarm_state_hidden(after)) r->hidden = true;
    if (p->window && r->hidden_by[0] == 0) {
        const struct alarm_window *w = alarm_window_of(a, text_of(p->path), a->now_ns);
        if (w != NULL) alarm_copy(r->hidden_by, sizeof r->hidden_by, text_of(w->text));
    }
    r->shelved_until_ns = p->shelved_until_ns;
    alarm_tell(a, p, r);
    alarm_emit(a, r, ALARM_RAISED, before, "");
    remember_raise(a, p, r, at);
    alarm_flood_check(a);
    return true;
}

void alarm_return(struct alarms *a, struct point *p, struct moment at)
{
    struct alarm_record *r = alarm_record_of(a, p);
    struct alarm_facts facts = facts_of(p);
    enum alarm_state before = (enum alarm_state)p->state, after = before;
    const char *why = NULL;
    p->active = facts.active = false;
    p->votes = 0; /* the next occurrence begins with its own first row */
    p->ended = at;
    alarm_step(before, ALARM_RETURN, &facts, &after, &why);
    p->state = (uint8_t)after;
    r->active = r->stale = false;
    r->state = (uint8_t)after;
    r->cleared_ns = at.ts_ns;
    int64_t stood = alarm_gap(p->raised[0].ts_ns, at.ts_ns);
    if (before == ALARM_UNACK && stood <= a->options.fleeting_ns) a->figures.fleeting++;
    alarm_emit(a, r, ALARM_CLEARED, before, "");
    if (!p->chattering) return;
    p->chattering = r->chattering = false;
    alarm_emit(a, r, ALARM_CALMED, after, "");
}

static void end_shelving(struct alarms *a, struct point *p)
{
    if (p->shelved_until_ns == 0 || a->now_ns < p->shelved_until_ns) return;
    p->shelved_until_ns = 0;
    if (p->state == ALARM_SHELVED) alarm_move(a, p, ALARM_UNSHELVE, ALARM_UNSHELVED, "");
}

static void grow_old(struct alarms *a, struct point *p, struct alarm_record *r)
{
    enum alarm_state state = (enum alarm_state)p->state;
    if (r->held && !a->flooding) {
        r->held = false;
        if (alarm_state_stands(state) && r->active) {
            r->told = true;
            alarm_emit(a, r, ALARM_RELEASED, state, "");
        }
    }
    int64_t quiet = alarm_gap(p->escalated_ns, a->now_ns);
    if (state == ALARM_UNACK && !r->held && p->terms.escalate_ns > 0 &&
        quiet >= p->terms.escalate_ns && r->escalation < a->options.escalations_max) {
        r->escalation++;
        p->escalated_ns = a->now_ns;
        alarm_emit(a, r, ALARM_ESCALATED, state, "");
    }
    if ((state == ALARM_UNACK || state == ALARM_ACKED) && !r->stale &&
        alarm_gap(r->said_ns, a->now_ns) >= a->options.stale_ns) {
        r->stale = true;
        alarm_emit(a, r, ALARM_BECAME_STALE, state, "");
    }
}

void alarm_pass(struct alarms *a, struct point *p)
{
    struct moment now = {INT64_MIN, a->now_ns};
    enter_window(a, p);
    leave_window(a, p);
    end_shelving(a, p);
    if (p->blind == 0) alarm_settle(a, p, now, true);
    struct alarm_record *r = alarm_record_of(a, p);
    if (r != NULL) {
        grow_old(a, p, r);
        bool settled = p->state == ALARM_NORMAL || alarm_state_hidden((enum alarm_state)p->state);
        if (settled && !p->active && !p->latched && !alarm_near(p->ended, now, p->terms.group_ns)) {
            if (p->state != ALARM_NORMAL) alarm_close(a, p);
            alarm_record_over(a, p);
        }
    }
    alarm_point_drop_idle(a, p);
}
