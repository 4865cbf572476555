/* The table of points. A point takes the lowest free number and an asset's chain ascends, so that a
 * table that was loaded goes on exactly like the one that was saved. */
#include <string.h>

#include "alarm/inner.h"

bool alarm_copy(char *to, size_t room, struct text from)
{
    size_t n = from.length;
    bool fits = n < room;
    if (!fits) {
        n = room - 1;
        while (n > 0 && ((unsigned char)from.at[n] & 0xc0) == 0x80) n--;
    }
    if (n > 0) memcpy(to, from.at, n);
    to[n] = 0;
    return fits;
}

struct slot *alarm_slot(struct alarms *a, uint32_t asset)
{
    return &a->slot[asset == ALARM_SITE ? a->options.assets_max : asset];
}

static bool is_named(const struct point *p, uint8_t type, struct text name)
{
    return p->type == type && strlen(p->name) == name.length &&
           (name.length == 0 || memcmp(p->name, name.at, name.length) == 0);
}

struct point *alarm_point_find(struct alarms *a, uint32_t asset, uint8_t type, struct text name)
{
    for (uint32_t at = alarm_slot(a, asset)->first; at != 0; at = a->point[at - 1].next)
        if (is_named(&a->point[at - 1], type, name)) return &a->point[at - 1];
    return NULL;
}

static uint32_t lowest_free(const struct alarms *a)
{
    for (uint32_t i = 0; i * 64 < a->options.points_max; i++) {
        uint64_t open = ~a->taken[i];
        if (open == 0) continue;
        uint32_t number = i * 64 + (uint32_t)__builtin_ctzll(open);
        return number < a->options.points_max ? number : NONE;
    }
    return NONE;
}

struct point *alarm_point_put(struct alarms *a, uint32_t number)
{
    struct point *p = &a->point[number];
    *p = (struct point){.used = true, .record = NONE};
    a->taken[number / 64] |= (uint64_t)1 << (number % 64);
    a->points++;
    return p;
}

void alarm_point_chain(struct alarms *a, uint32_t number)
{
    struct point *p = &a->point[number];
    uint32_t *at = &alarm_slot(a, p->asset)->first;
    while (*at != 0 && *at - 1 < number) at = &a->point[*at - 1].next;
    p->next = *at;
    *at = number + 1;
    alarm_slot(a, p->asset)->points++;
}

struct point *alarm_point_get(struct alarms *a, uint32_t asset, struct text path, uint8_t type,
                              struct text name)
{
    struct point *p = alarm_point_find(a, asset, type, name);
    if (p != NULL) return p;
    uint32_t number = lowest_free(a);
    if (alarm_slot(a, asset)->points == ALARM_ASSET_POINTS_MAX) number = NONE;
    if (number == NONE || path.length >= ALARM_PATH_ROOM || name.length >= ALARM_NAME_ROOM) {
        a->figures.refused_points++;
        return NULL;
    }
    p = alarm_point_put(a, number);
    p->asset = asset;
    p->type = type;
    alarm_copy(p->path, sizeof p->path, path);
    alarm_copy(p->name, sizeof p->name, name);
    alarm_point_chain(a, number);
    alarm_point_terms(a, p, "");
    return p;
}

/* Nothing would be lost with it. */
static bool is_idle(const struct alarms *a, const struct point *p)
{
    struct moment now = {INT64_MIN, a->now_ns};
    return p->state == ALARM_NORMAL && !p->active && !p->present && p->votes == 0 &&
           p->record == NONE && p->shelved_until_ns == 0 && !p->window &&
           (p->raises == 0 || !alarm_near(p->raised[0], now, a->options.chatter_ns));
}

void alarm_point_drop_idle(struct alarms *a, struct point *p)
{
    if (!is_idle(a, p)) return;
    uint32_t number = (uint32_t)(p - a->point);
    uint32_t *at = &alarm_slot(a, p->asset)->first;
    while (*at - 1 != number) at = &a->point[*at - 1].next;
    *at = p->next;
    alarm_slot(a, p->asset)->points--;
    a->taken[number / 64] &= ~((uint64_t)1 << (number % 64));
    a->points--;
    p->used = false;
}
