#include "alarm/print.h"

#include <math.h>

#include "andon/model.h"

static void print_time(struct json *j, const char *name, int64_t ts_ns)
{
    if (ts_ns == 0)
        json_none(j, name);
    else
        json_time(j, name, ts_ns);
}

static void print_word(struct json *j, const char *name, const char *word)
{
    json_cstring(j, name, word[0] != 0 ? word : NULL);
}

static void print_flag(struct json *j, const char *name, bool set)
{
    if (set) json_bool(j, name, true);
}

static void print_cause(struct json *j, const struct alarm_record *r)
{
    json_cstring(j, "asset", r->path);
    print_word(j, "channel", r->channel);
    json_cstring(j, "type", alarm_type_name((enum alarm_type)r->type));
    if (r->name[0] != 0) json_cstring(j, "name", r->name);
    print_word(j, "fault", r->fault);
    if (r->fault[0] != 0) json_number(j, "confidence", (double)r->confidence);
    if (r->cost > 0.0) json_number(j, "cost", r->cost);
}

static void print_state(struct json *j, const struct alarm_record *r)
{
    json_cstring(j, "priority", alarm_priority_name((enum alarm_priority)r->priority));
    json_cstring(j, "state", alarm_state_name((enum alarm_state)r->state));
    json_bool(j, "active", r->active);
    json_bool(j, "acknowledged", r->acked_ns != 0);
    if (r->blind != 0)
        json_cstring(j, "blind", andon_reason_name((enum andon_reason)r->blind));
    print_flag(j, "held", r->held);
    print_flag(j, "chattering", r->chattering);
    print_flag(j, "stale", r->stale);
    print_flag(j, "hidden", r->hidden);
    if (r->hidden_by[0] != 0) json_cstring(j, "hidden_by", r->hidden_by);
    if (r->escalation > 0) json_whole(j, "escalation", r->escalation);
    json_whole(j, "raises", r->raises);
}

static void print_times(struct json *j, const struct alarm_record *r)
{
    print_time(j, "began", r->began_ns);
    print_time(j, "raised", r->raised_ns);
    print_time(j, "cleared", r->cleared_ns);
    print_time(j, "told", r->said_ns);
    print_time(j, "acknowledged_at", r->acked_ns);
    print_word(j, "acknowledged_by", r->acked_by);
    print_time(j, "shelved_until", r->shelved_until_ns);
}

static void print_words(struct json *j, const struct alarm_record *r)
{
    json_cstring(j, "text", r->text);
    print_word(j, "advice", r->advice);
    json_open(j, "diagnostics", '[');
    for (uint32_t i = 0; i < r->parts; i++) {
        json_open(j, NULL, '{');
        json_cstring(j, "name", r->part[i].channel);
        json_number(j, "value", (double)r->part[i].part);
        json_close(j, '}');
    }
    json_close(j, ']');
    print_word(j, "label", alarm_label_name((enum alarm_label)r->label));
    if (r->label_text[0] != 0) json_cstring(j, "label_text", r->label_text);
    if (r->labelled_by[0] != 0) json_cstring(j, "labelled_by", r->labelled_by);
    if (r->comment[0] != 0) json_cstring(j, "comment", r->comment);
}

void alarm_print(struct json *j, const char *name, const struct alarm_record *r)
{
    char id[ALARM_ID_ROOM];
    alarm_id_write(id, r->id);
    json_open(j, name, '{');
    json_cstring(j, "id", id);
    json_whole(j, "sequence", r->sequence);
    print_cause(j, r);
    print_state(j, r);
    print_times(j, r);
    json_number(j, "score", r->score);
    if (r->type == ALARM_OUT_OF_RANGE) {
        json_number(j, "value", r->value);
        json_number(j, "limit", r->limit);
    }
    print_words(j, r);
    json_close(j, '}');
}

void alarm_event_print(struct json *j, const char *name, const struct alarm_event *e)
{
    json_open(j, name, '{');
    json_cstring(j, "change", alarm_change_name((enum alarm_change)e->change));
    json_cstring(j, "before", alarm_state_name((enum alarm_state)e->before));
    json_cstring(j, "after", alarm_state_name((enum alarm_state)e->after));
    json_time(j, "at", e->at_ns);
    print_word(j, "by", e->by);
    json_bool(j, "notify", e->notify);
    alarm_print(j, "alarm", &e->record);
    json_close(j, '}');
}

void alarm_window_print(struct json *j, const char *name, const struct alarm_window *w)
{
    json_open(j, name, '{');
    json_whole(j, "id", (long long)w->id);
    json_cstring(j, "match", w->match);
    json_time(j, "from", w->from_ns);
    json_time(j, "to", w->to_ns);
    print_word(j, "text", w->text);
    print_word(j, "by", w->by);
    json_close(j, '}');
}

void alarm_budget_print(struct json *j, const char *name, const struct alarm_budget *b)
{
    json_open(j, name, '{');
    json_number(j, "per_day", b->per_day);
    json_number(j, "days", b->days);
    json_whole(j, "events", (long long)b->events);
    json_open(j, "labelled", '{');
    json_whole(j, "true", (long long)b->labelled_true);
    json_whole(j, "false", (long long)b->labelled_false);
    json_whole(j, "planned", (long long)b->labelled_planned);
    json_close(j, '}');
    json_number(j, "spent_per_day", b->spent_per_day);
    json_number(j, "spent_upper95_per_day", b->spent_upper95_per_day);
    json_number(j, "false_per_day", b->false_per_day);
    json_number(j, "false_upper95_per_day", b->false_upper95_per_day);
    json_close(j, '}');
}

static void print_priorities(struct json *j, const char *name, const uint64_t *count)
{
    json_open(j, name, '{');
    for (int p = 0; p < ALARM_PRIORITIES; p++)
        json_whole(j, alarm_priority_name((enum alarm_priority)p), (long long)count[p]);
    json_close(j, '}');
}

void alarm_figures_print(struct json *j, const char *name, const struct alarms_figures *f)
{
    uint64_t standing[ALARM_PRIORITIES];
    for (int p = 0; p < ALARM_PRIORITIES; p++) standing[p] = f->standing[p];
    json_open(j, name, '{');
    print_priorities(j, "annunciated", f->annunciated);
    print_priorities(j, "standing", standing);
    json_open(j, "by_type", '{');
    for (int t = 0; t < ALARM_TYPES; t++)
        json_whole(j, alarm_type_name((enum alarm_type)t), (long long)f->by_type[t]);
    json_close(j, '}');
    json_whole(j, "last_10_min", f->last_10_min);
    json_number(j, "mean_10_min", f->mean_10_min);
    json_number(j, "max_10_min", f->max_10_min);
    json_number(j, "over_10_part", f->over_10_part);
    json_bool(j, "flooding", f->flooding);
    json_whole(j, "floods", (long long)f->floods);
    json_number(j, "flood_part",
              f->watched_ns > 0 ? (double)f->flood_ns / (double)f->watched_ns : (double)NAN);
    json_number(j, "top_10_part", f->top_10_part);
    json_whole(j, "chattering", f->chattering);
    json_whole(j, "chattered", (long long)f->chattered);
    json_whole(j, "fleeting", (long long)f->fleeting);
    json_whole(j, "stale", f->stale);
    json_whole(j, "shelved", f->shelved);
    json_whole(j, "suppressed", f->suppressed);
    json_whole(j, "out_of_service", f->out_of_service);
    json_whole(j, "refused", (long long)(f->refused_points + f->refused_records + f->refused_limits));
    json_whole(j, "points", f->points);
    json_whole(j, "records", f->records);
    json_close(j, '}');
}
