/* Maintenance windows and planned stops. */
#include <string.h>

#include "alarm/inner.h"
#include "plant/pattern.h"

const struct alarm_window *alarm_window_of(const struct alarms *a, struct text path, int64_t now_ns)
{
    for (uint32_t i = 0; i < a->windows; i++) {
        const struct alarm_window *w = &a->window[i];
        if (now_ns >= w->from_ns && now_ns < w->to_ns && pattern_matches(text_of(w->match), path))
            return w;
    }
    return NULL;
}

bool alarms_planned(const struct alarms *a, struct text path, int64_t now_ns)
{
    return alarm_window_of(a, path, now_ns) != NULL;
}

const struct alarm_window *alarms_windows(const struct alarms *a, uint32_t *count)
{
    *count = a->windows;
    return a->window;
}

static void forget_past(struct alarms *a)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->windows; i++)
        if (a->window[i].to_ns > a->now_ns) a->window[kept++] = a->window[i];
    a->windows = kept;
}

static bool ended(const char *text, size_t room)
{
    return memchr(text, 0, room) != NULL;
}

andon_status alarms_plan(struct alarms *a, struct alarm_window *window, int64_t now_ns,
                         andon_error *err)
{
    alarm_advance(a, now_ns);
    if (!ended(window->match, sizeof window->match) || !ended(window->text, sizeof window->text) ||
        !ended(window->by, sizeof window->by))
        return andon_fail(err, ANDON_EINVAL, "window: a text is too long");
    if (window->match[0] == 0)
        return andon_fail(err, ANDON_EINVAL, "window: match is empty, expected a pattern of assets");
    if (window->to_ns <= window->from_ns)
        return andon_fail(err, ANDON_EINVAL, "window: it ends before it begins");
    if (window->to_ns <= a->now_ns)
        return andon_fail(err, ANDON_EINVAL, "window: it is over already");
    if (a->windows == a->options.windows_max) forget_past(a);
    if (a->windows == a->options.windows_max)
        return andon_fail(err, ANDON_ELIMIT, "alarms.windows: there are %u already",
                          (unsigned)a->windows);
    window->id = ++a->windows_made;
    a->window[a->windows++] = *window;
    return ANDON_OK;
}

andon_status alarms_unplan(struct alarms *a, uint64_t id, int64_t now_ns, andon_error *err)
{
    alarm_advance(a, now_ns);
    for (uint32_t i = 0; i < a->windows; i++) {
        if (a->window[i].id != id) continue;
        if (a->window[i].to_ns <= a->now_ns)
            return andon_fail(err, ANDON_EINVAL, "window %llu is over already",
                              (unsigned long long)id);
        a->windows--;
        memmove(a->window + i, a->window + i + 1, (a->windows - i) * sizeof *a->window);
        return ANDON_OK;
    }
    return andon_fail(err, ANDON_EDATA, "window %llu: there is none", (unsigned long long)id);
}
