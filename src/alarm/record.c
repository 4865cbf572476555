/* Records: occurrences of points, as people see them. A record that is over stays until newer ones
 * need its room, so that it can still be labelled. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alarm/inner.h"
#include "plant/pattern.h"

/* FNV-1a, then spread: ids look alike only by chance. */
static uint64_t mix(uint64_t hash, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t spread(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 32;
    return hash == 0 ? 1 : hash;
}

static uint64_t hash_of(const struct point *p)
{
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), p->path, strlen(p->path) + 1);
    hash = mix(hash, p->name, strlen(p->name) + 1);
    return mix(hash, &p->type, 1);
}

uint64_t alarm_hash(const char *text)
{
    return spread(mix(UINT64_C(0xcbf29ce484222325), text, strlen(text)));
}

uint64_t alarm_record_cause(const struct point *p)
{
    return spread(hash_of(p));
}

uint64_t alarm_record_id(const struct point *p, uint32_t salt)
{
    uint8_t tail[12];
    for (int i = 0; i < 8; i++) tail[i] = (uint8_t)((uint64_t)p->began_ts_ns >> (8 * i));
    for (int i = 0; i < 4; i++) tail[8 + i] = (uint8_t)(salt >> (8 * i));
    return spread(mix(hash_of(p), tail, sizeof tail));
}

void alarm_id_write(char out[ALARM_ID_ROOM], uint64_t id)
{
    snprintf(out, ALARM_ID_ROOM, "%016llx", (unsigned long long)id);
}

bool alarm_id_read(struct text text, uint64_t *id)
{
    uint64_t value = 0;
    if (text.length != ALARM_ID_ROOM - 1) return false;
    for (uint32_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c >= '0' && c <= '9') value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f') value = value << 4 | (uint64_t)(c - 'a' + 10);
        else return false;
    }
    *id = value;
    return value != 0;
}

struct alarm_record *alarm_record_of(struct alarms *a, const struct point *p)
{
    return p->record == NONE ? NULL : &a->record[p->record];
}

const struct alarm_record *alarms_find(const struct alarms *a, uint64_t id)
{
    for (uint32_t i = a->records; i > 0; i--)
        if (a->record[a->order[i - 1]].id == id) return &a->record[a->order[i - 1]];
    return NULL;
}

static void forget(struct alarms *a, uint32_t place)
{
    a->born[a->order[place]] = 0;
    a->records--;
    memmove(a->order + place, a->order + place + 1, (a->records - place) * sizeof *a->order);
}

/* Makes room: the oldest that is over goes, or else the oldest that only waits to be seen. */
static bool make_room(struct alarms *a)
{
    for (uint32_t i = 0; i < a->records; i++)
        if (a->owner[a->order[i]] == NONE) {
            forget(a, i);
            return true;
        }
    for (uint32_t i = 0; i < a->records; i++) {
        uint32_t owner = a->owner[a->order[i]];
        if (a->point[owner].state != ALARM_RETURNED) continue;
        alarm_close(a, &a->point[owner]);
        forget(a, i);
        return true;
    }
    return false;
}

struct alarm_record *alarm_record_new(struct alarms *a, struct point *p)
{
    uint32_t number = 0, salt = 0;
    if (a->records == a->options.records_max && !make_room(a)) {
        a->figures.refused_records++;
        return NULL;
    }
    while (a->born[number] != 0) number++;
    struct alarm_record *r = &a->record[number];
    *r = (struct alarm_record){.asset = p->asset, .type = p->type, .state = p->state,
                               .began_ns = p->began_ts_ns, .score = (double)NAN,
                               .value = (double)NAN, .limit = (double)NAN};
    do r->id = alarm_record_id(p, salt++);
    while (alarms_find(a, r->id) != NULL);
    memcpy(r->path, p->path, sizeof r->path);
    if (p->type == ALARM_FAULT || p->type == ALARM_SCHEDULE)
        memcpy(r->name, p->name, sizeof r->name);
    else
        memcpy(r->channel, p->name, sizeof r->channel);
    a->born[number] = ++a->births;
    a->cause[number] = alarm_record_cause(p);
    a->owner[number] = (uint32_t)(p - a->point);
    a->order[a->records++] = number;
    p->record = number;
    p->updates = 0;
    return r;
}

void alarm_record_over(struct alarms *a, struct point *p)
{
    if (p->record == NONE) return;
    a->owner[p->record] = NONE;
    p->record = NONE;
}

static bool passes(const struct alarm_filter *f, const struct alarm_record *r)
{
    if (f->states != 0 && (f->states >> r->state & 1) == 0) return false;
    if (f->types != 0 && (f->types >> r->type & 1) == 0) return false;
    if (f->from_ns != 0 && r->raised_ns < f->from_ns) return false;
    if (f->to_ns != 0 && r->raised_ns >= f->to_ns) return false;
    return f->match.length == 0 || pattern_matches(f->match, text_of(r->path));
}

void alarms_each(const struct alarms *a, const struct alarm_filter *filter,
                 bool (*each)(void *context, const struct alarm_record *record, uint64_t place),
                 void *context)
{
    for (uint32_t i = a->records; i > 0; i--) {
        uint32_t number = a->order[i - 1];
        if (filter->before != 0 && a->born[number] >= filter->before) continue;
        if (!passes(filter, &a->record[number])) continue;
        if (!each(context, &a->record[number], a->born[number])) return;
    }
}
