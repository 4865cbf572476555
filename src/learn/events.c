/* Matching by rows: an event is found by an alarmed row inside it, an alarm is cut into what lies
 * in events and the stretches outside. */
#include "events.h"

#include <math.h>

double events_time_s(const struct metrics_input *in, double interval_s, size_t row)
{
    if (in->ts_ns == NULL) return (double)row * interval_s;
    return (double)(in->ts_ns[row] - in->ts_ns[0]) * 1e-9;
}

static bool is_alarmed(const struct metrics_input *in, size_t row)
{
    return in->alarm[row] != 0 && (in->unknown == NULL || in->unknown[row] == 0);
}

static struct metrics_event event_of(const struct metrics_input *in, double interval_s,
                                     size_t first, size_t last)
{
    struct metrics_event e = {
        .first = first, .last = last, .count = 1, .delay_s = NAN, .lead_s = NAN};
    for (size_t i = first; i <= last; i++) {
        if (in->unknown == NULL || in->unknown[i] == 0) e.judged = true;
        if (e.found || !is_alarmed(in, i)) continue;
        e.found = true;
        e.alarm_row = i;
        e.delay_s = events_time_s(in, interval_s, i) - events_time_s(in, interval_s, first);
        e.lead_s =
            events_time_s(in, interval_s, last) + interval_s - events_time_s(in, interval_s, i);
    }
    return e;
}

static bool find_events(const struct metrics_input *in, double interval_s,
                        struct andon_arena *arena, struct metrics *out)
{
    size_t events = 0;
    for (size_t i = 0; i < in->n; i++) {
        events += in->label[i] != 0 && (i == 0 || in->label[i - 1] == 0);
    }
    out->event = andon_arena_array(arena, events, sizeof *out->event);
    if (out->event == NULL) return false;
    for (size_t i = 0; i < in->n; i++) {
        if (in->label[i] == 0) continue;
        size_t first = i;
        while (i + 1 < in->n && in->label[i + 1] != 0) i++;
        struct metrics_event e = event_of(in, interval_s, first, i);
        out->found += e.found;
        out->events_unknown += !e.judged;
        out->event[out->events++] = e;
    }
    out->missed = out->events - out->found;
    return true;
}

/* The row after the last of the alarm that begins at first. */
static size_t alarm_end(const struct metrics_input *in, double interval_s, size_t first)
{
    size_t last = first;
    for (size_t i = first + 1; i < in->n; i++) {
        double apart = events_time_s(in, interval_s, i) - events_time_s(in, interval_s, last);
        if (i > last + 1 && apart >= in->group_s) break;
        if (is_alarmed(in, i)) last = i;
    }
    return last + 1;
}

/* Whether the event that holds row was found. */
static bool is_found(const struct metrics *out, size_t row)
{
    size_t low = 0, high = out->events;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (out->event[middle].first <= row)
            low = middle;
        else
            high = middle;
    }
    return out->event[low].found;
}

/* How many false alarms a stretch is that stands for that long. */
static uint32_t count_of(const struct metrics_input *in, double stands_s, bool adjoins)
{
    if (adjoins) {
        if (stands_s <= in->grace_s) return 0;
        stands_s -= in->grace_s;
    }
    if (!(in->renew_s > 0.0)) return 1;
    double count = ceil(stands_s / in->renew_s - 1e-9);
    return count < 1.0 ? 1 : count > 1e9 ? 1000000000u : (uint32_t)count;
}

/* A stretch of normal rows first..end-1 of one alarm; what is alarmed in it is false. */
static void add_stretch(const struct metrics_input *in, double interval_s, size_t first, size_t end,
                        struct metrics *out)
{
    size_t a = first, b = end;
    while (a < end && !is_alarmed(in, a)) a++;
    if (a == end) return;
    while (!is_alarmed(in, b - 1)) b--;
    bool adjoins = (first > 0 && in->label[first - 1] != 0 && is_found(out, first - 1)) ||
                   (end < in->n && in->label[end] != 0 && is_found(out, end));
    double stands_s =
        events_time_s(in, interval_s, b - 1) - events_time_s(in, interval_s, a) + interval_s;
    uint32_t count = count_of(in, stands_s, adjoins);
    if (count == 0) return;
    out->false_alarms += count;
    if (out->false_alarm != NULL) {
        out->false_alarm[out->false_stretches] = (struct metrics_event){.first = a,
                                                                        .last = b - 1,
                                                                        .count = count,
                                                                        .judged = true,
                                                                        .delay_s = NAN,
                                                                        .lead_s = NAN};
    }
    out->false_stretches++;
}

static void walk_alarms(const struct metrics_input *in, double interval_s, struct metrics *out)
{
    out->alarms = out->false_alarms = out->false_stretches = 0;
    for (size_t i = 0; i < in->n; i++) {
        if (!is_alarmed(in, i)) continue;
        size_t end = alarm_end(in, interval_s, i);
        out->alarms++;
        while (i < end) {
            size_t first = i;
            bool normal = in->label[i] == 0;
            while (i < end && (in->label[i] == 0) == normal) i++;
            if (normal) add_stretch(in, interval_s, first, i, out);
        }
        i--;
    }
}

bool events_match(const struct metrics_input *in, double interval_s, struct andon_arena *arena,
                  struct metrics *out)
{
    if (!find_events(in, interval_s, arena, out)) return false;
    walk_alarms(in, interval_s, out); /* how many, then which */
    struct metrics_event *list =
        andon_arena_array(arena, out->false_stretches, sizeof *out->false_alarm);
    if (list == NULL) return false;
    out->false_alarm = list;
    walk_alarms(in, interval_s, out);
    return true;
}
