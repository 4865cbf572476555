/* What operators do. Every refusal is one line that says what was wanted, of what, and why not. */
#include <string.h>

#include "alarm/inner.h"

/* What the action is done to: a point, and the record that was named (or the point's). */
struct target {
    struct point *point;
    struct alarm_record *record;
    char name[ALARM_ID_ROOM + 8]; /* for errors */
};

static andon_status refuse(andon_error *err, const struct alarm_action *action,
                           const struct target *t, const char *why)
{
    return andon_fail(err, ANDON_EINVAL, "%s: %s %s",
                      alarm_verb_name((enum alarm_verb)action->verb), t->name, why);
}

/* Labels and comments need the record alone; everything else its point, which may have been given up
 * since. */
static bool needs_point(const struct alarm_action *action)
{
    return action->verb != ALARM_DO_LABEL && action->verb != ALARM_DO_COMMENT;
}

static andon_status target_by_id(struct alarms *a, const struct alarm_action *action,
                                 struct target *t, andon_error *err)
{
    char id[ALARM_ID_ROOM];
    alarm_id_write(id, action->id);
    t->record = (struct alarm_record *)(uintptr_t)alarms_find(a, action->id);
    if (t->record == NULL) return andon_fail(err, ANDON_EDATA, "alarm %s: there is none", id);
    struct alarm_record *r = t->record;
    const char *name = r->type == ALARM_FAULT || r->type == ALARM_SCHEDULE ? r->name
                       : r->type == ALARM_ANOMALY || r->type == ALARM_FLOOD ? ""
                                                                            : r->channel;
    if (!needs_point(action)) return ANDON_OK;
    t->point = alarm_point_get(a, r->asset, text_of(r->path), r->type, text_of(name));
    if (t->point == NULL)
        return andon_fail(err, ANDON_ELIMIT, "alarms.points: there are %u already",
                          (unsigned)a->points);
    bool newest = alarm_record_of(a, t->point) == r;
    bool about_now = action->verb == ALARM_DO_ACK || action->verb == ALARM_DO_RESET;
    if (!newest && about_now)
        return andon_fail(err, ANDON_EINVAL, "%s: alarm %s is over",
                          alarm_verb_name((enum alarm_verb)action->verb), id);
    return ANDON_OK;
}

static andon_status target_by_cause(struct alarms *a, const struct alarm_action *action,
                                    struct target *t, andon_error *err)
{
    if (action->type >= ALARM_TYPES)
        return andon_fail(err, ANDON_EINVAL, "type: there is none of that number");
    if (action->asset != ALARM_SITE && action->asset >= a->options.assets_max)
        return andon_fail(err, ANDON_EDATA, "asset %.*s: there is none", (int)action->path.length,
                          action->path.at);
    bool ahead = action->verb == ALARM_DO_SHELVE || action->verb == ALARM_DO_SUPPRESS ||
                 action->verb == ALARM_DO_TAKE_OUT;
    t->point = ahead ? alarm_point_get(a, action->asset, action->path, action->type, action->name)
                     : alarm_point_find(a, action->asset, action->type, action->name);
    if (t->point == NULL && ahead)
        return andon_fail(err, ANDON_ELIMIT, "alarms.points: there are %u already",
                          (unsigned)a->points);
    if (t->point != NULL) t->record = alarm_record_of(a, t->point);
    bool found = needs_point(action) ? t->point != NULL : t->record != NULL;
    if (!found)
        return andon_fail(err, ANDON_EDATA, "%.*s: there is no %s alarm", (int)action->path.length,
                          action->path.at, alarm_type_name((enum alarm_type)action->type));
    return ANDON_OK;
}

static andon_status shelve(struct alarms *a, const struct alarm_action *action,
                           const struct target *t, const char *by, andon_error *err)
{
    struct point *p = t->point;
    int64_t before = p->shelved_until_ns;
    if (action->until_ns <= a->now_ns)
        return refuse(err, action, t, "cannot be shelved until a time that is past");
    if (alarm_gap(a->now_ns, action->until_ns) > a->options.shelve_ns_max)
        return refuse(err, action, t, "cannot be shelved for longer than alarms.shelve_max");
    p->shelved_until_ns = action->until_ns;
    const char *why = alarm_move(a, p, ALARM_SHELVE, ALARM_WAS_SHELVED, by);
    if (why == NULL) return ANDON_OK;
    p->shelved_until_ns = before;
    return refuse(err, action, t, why);
}

static andon_status unsuppress(struct alarms *a, const struct alarm_action *action,
                               const struct target *t, const char *by, andon_error *err)
{
    struct point *p = t->point;
    if (p->window)
        return refuse(err, action, t, "is suppressed by a planned stop: end that");
    if (!p->suppressed) return refuse(err, action, t, "is not suppressed");
    p->suppressed = false;
    const char *why = alarm_move(a, p, ALARM_UNSUPPRESS, ALARM_UNSUPPRESSED, by);
    return why == NULL ? ANDON_OK : refuse(err, action, t, why);
}

/* Inputs that only ask the table. */
static andon_status move(struct alarms *a, const struct alarm_action *action,
                         const struct target *t, enum alarm_input input, enum alarm_change change,
                         const char *by, andon_error *err)
{
    const char *why = alarm_move(a, t->point, input, change, by);
    return why == NULL ? ANDON_OK : refuse(err, action, t, why);
}

static andon_status act_on_point(struct alarms *a, const struct alarm_action *action,
                                 const struct target *t, const char *by, andon_error *err)
{
    struct point *p = t->point;
    andon_status st;
    switch ((enum alarm_verb)action->verb) {
    case ALARM_DO_ACK: return move(a, action, t, ALARM_ACK, ALARM_ACKNOWLEDGED, by, err);
    case ALARM_DO_RESET: return move(a, action, t, ALARM_RESET, ALARM_WAS_RESET, by, err);
    case ALARM_DO_SHELVE: return shelve(a, action, t, by, err);
    case ALARM_DO_UNSHELVE:
        st = move(a, action, t, ALARM_UNSHELVE, ALARM_UNSHELVED, by, err);
        if (st == ANDON_OK) p->shelved_until_ns = 0;
        return st;
    case ALARM_DO_SUPPRESS:
        st = move(a, action, t, ALARM_SUPPRESS, ALARM_WAS_SUPPRESSED, by, err);
        if (st == ANDON_OK) p->suppressed = true;
        return st;
    case ALARM_DO_UNSUPPRESS: return unsuppress(a, action, t, by, err);
    case ALARM_DO_TAKE_OUT:
        st = move(a, action, t, ALARM_TAKE_OUT, ALARM_OUT, by, err);
        if (st == ANDON_OK) p->out = true;
        return st;
    default:
        st = move(a, action, t, ALARM_PUT_BACK, ALARM_BACK, by, err);
        if (st == ANDON_OK) p->out = false;
        return st;
    }
}

static andon_status label(struct alarms *a, const struct alarm_action *action,
                          const struct target *t, const char *by, andon_error *err)
{
    struct alarm_record *r = t->record;
    if (action->label >= ALARM_LABELS)
        return refuse(err, action, t, "cannot have that label: expected true, false or planned");
    if (action->label == ALARM_UNLABELLED && action->text.length == 0)
        return refuse(err, action, t, "needs a label: true, false, planned or a text");
    if (r->type == ALARM_ANOMALY && r->said_ns != 0) alarm_relabel(a, r, action->label);
    r->label = action->label;
    alarm_copy(r->label_text, sizeof r->label_text, action->text);
    alarm_copy(r->labelled_by, sizeof r->labelled_by, text_of(by));
    alarm_emit(a, r, ALARM_WAS_LABELLED, (enum alarm_state)r->state, by);
    return ANDON_OK;
}

static andon_status comment(struct alarms *a, const struct alarm_action *action,
                            const struct target *t, const char *by, andon_error *err)
{
    if (action->text.length == 0) return refuse(err, action, t, "needs a text");
    alarm_copy(t->record->comment, sizeof t->record->comment, action->text);
    alarm_emit(a, t->record, ALARM_COMMENTED, (enum alarm_state)t->record->state, by);
    return ANDON_OK;
}

andon_status alarms_act(struct alarms *a, const struct alarm_action *action, int64_t now_ns,
                        andon_error *err)
{
    struct target t = {.name = "the alarm"};
    char by[ALARM_WORD_ROOM];
    if (!alarms_room(a)) return andon_fail(err, ANDON_ELIMIT, "alarms.events: no room this turn");
    alarm_advance(a, now_ns);
    if (action->verb >= ALARM_VERBS)
        return andon_fail(err, ANDON_EINVAL, "there is no such action");
    alarm_copy(by, sizeof by, action->by);
    andon_status st = action->id != 0 ? target_by_id(a, action, &t, err)
                                      : target_by_cause(a, action, &t, err);
    if (st != ANDON_OK) return st;
    if (t.record != NULL) {
        memcpy(t.name, "alarm ", 6);
        alarm_id_write(t.name + 6, t.record->id);
    }
    if (action->verb == ALARM_DO_LABEL) return label(a, action, &t, by, err);
    if (action->verb == ALARM_DO_COMMENT) return comment(a, action, &t, by, err);
    return act_on_point(a, action, &t, by, err);
}
