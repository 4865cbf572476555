/* An alarm in words: what is known of its cause, and what newer rows change of that. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "alarm/inner.h"

/* How much surer a fault has to be to take the place of another, or for how many rows the likelier. */
static const float surer = 0.15f, likely = 0.5f;
enum { AGREE_ROWS = 5 };
/* How much higher a score has to be to bring its own diagnostics. */
static const double higher = 1.25;

void alarm_draft(struct point *p, const struct story *s)
{
    struct draft *d = &p->draft;
    alarm_copy(d->channel, sizeof d->channel, s->channel);
    alarm_copy(d->text, sizeof d->text, s->text);
    alarm_copy(d->advice, sizeof d->advice, s->advice);
    alarm_copy(d->fault, sizeof d->fault, s->fault);
    d->score = s->score;
    d->value = s->value;
    d->limit = s->limit;
    d->cost = s->cost;
    d->confidence = (float)s->confidence;
    d->respond_ns = s->respond_ns;
    d->parts = s->shares < ALARM_DIAGNOSTICS_MAX ? s->shares : ALARM_DIAGNOSTICS_MAX;
    for (uint32_t i = 0; i < d->parts; i++) {
        alarm_copy(d->part[i].channel, sizeof d->part[i].channel, s->share[i].channel);
        d->part[i].part = s->share[i].part;
    }
}

/* A line that is put together piece by piece and cut where its room ends. */
struct line {
    char text[1024];
    size_t used;
};

static void add(struct line *line, const char *format, ...) ANDON_PRINTF(2, 3);
static void add(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->text + line->used, sizeof line->text - line->used, format, args);
    va_end(args);
    if (n < 0) return;
    line->used += (size_t)n;
    if (line->used >= sizeof line->text) line->used = sizeof line->text - 1;
}

static void say_anomaly(struct line *line, const struct alarm_record *r, const struct draft *d)
{
    bool named = r->fault[0] != 0 && strcmp(r->fault, "unknown") != 0;
    if (named)
        add(line, "%s, likely (%.0f %%)", d->text[0] != 0 ? d->text : r->fault,
            100.0 * (double)r->confidence);
    else
        add(line, "%s", r->fault[0] != 0 ? "unknown pattern" : "unlike what was learned");
    for (uint32_t i = 0; i < r->parts && i < 3; i++)
        add(line, "%s%s %.0f %%", i == 0 ? ": " : ", ", r->part[i].channel,
            100.0 * (double)r->part[i].part);
    if (r->parts == 0 && r->channel[0] != 0) add(line, ": %s", r->channel);
}

static void say_limit(struct line *line, const struct alarm_record *r, const struct draft *d)
{
    bool above = r->value > r->limit;
    add(line, "%s %.6g%s%s, %s %.6g", r->channel, r->value, d->text[0] != 0 ? " " : "", d->text,
        above ? "above" : "below", r->limit);
}

static void say_sensor(struct line *line, const struct alarm_record *r, const struct draft *d)
{
    const char *who = r->channel[0] != 0 ? r->channel : d->text[0] != 0 ? d->text : "the asset";
    if (r->type == ALARM_NO_DATA)
        add(line, "no data from %s", who);
    else if (r->type == ALARM_FROZEN)
        add(line, "%s: the same value again and again", who);
    else
        add(line, "%s: bad quality, says the source", who);
}

static void say(struct alarms *a, struct line *line, const struct alarm_record *r,
                const struct draft *d)
{
    switch ((enum alarm_type)r->type) {
    case ALARM_ANOMALY: say_anomaly(line, r, d); break;
    case ALARM_NO_DATA:
    case ALARM_FROZEN:
    case ALARM_BAD_QUALITY: say_sensor(line, r, d); break;
    case ALARM_OUT_OF_RANGE: say_limit(line, r, d); break;
    case ALARM_FLOOD:
        add(line, "more than %u alarms in %.0f min: those below %s are held back",
            (unsigned)a->options.flood_alarms,
            (double)a->options.flood_ns / (double)NS_PER_MINUTE,
            alarm_priority_name((enum alarm_priority)a->options.flood_pass));
        break;
    default: add(line, "%s", d->text[0] != 0 ? d->text : r->name); break;
    }
}

static void take_fault(struct alarm_record *r, const struct draft *d)
{
    memcpy(r->fault, d->fault, sizeof r->fault);
    r->confidence = d->confidence;
    r->cost = d->cost;
}

static void take_parts(struct alarm_record *r, const struct draft *d)
{
    if (d->channel[0] != 0) memcpy(r->channel, d->channel, sizeof r->channel);
    r->parts = d->parts;
    memcpy(r->part, d->part, sizeof r->part);
}

static void put_words(struct alarms *a, const struct point *p, struct alarm_record *r)
{
    struct line line = {.used = 0};
    r->priority = alarm_point_priority(a, p, r->cost, p->draft.respond_ns);
    say(a, &line, r, &p->draft);
    alarm_copy(r->text, sizeof r->text, (struct text){line.text, (uint32_t)line.used});
    const char *advice = p->draft.advice[0] != 0 ? p->draft.advice : p->advice;
    alarm_copy(r->advice, sizeof r->advice, alarm_text(advice));
}

/* Whether what the newest row looks like takes the place of what was said. */
static bool better_fault(const struct alarm_record *r, const struct point *p)
{
    const struct draft *d = &p->draft;
    bool named = strcmp(d->fault, "unknown") != 0;
    if (d->fault[0] == 0 || strcmp(d->fault, r->fault) == 0) return false;
    if (r->fault[0] == 0) return true;
    if (strcmp(r->fault, "unknown") == 0) return named;
    if (!named) return false;
    return d->confidence > r->confidence + surer ||
           (p->agree >= AGREE_ROWS && d->confidence >= likely);
}

void alarm_tell(struct alarms *a, struct point *p, struct alarm_record *r)
{
    const struct draft *d = &p->draft;
    if (p->type == ALARM_ANOMALY) {
        if (r->raises == 1 || better_fault(r, p)) take_fault(r, d);
        take_parts(r, d);
        alarm_point_terms(a, p, r->fault);
    } else {
        r->cost = d->cost;
        if (p->type == ALARM_FAULT || p->type == ALARM_SCHEDULE)
            memcpy(r->channel, d->channel, sizeof r->channel);
    }
    if (!(r->score >= d->score)) r->score = d->score;
    r->value = d->value;
    r->limit = d->limit;
    put_words(a, p, r);
}

static void count_agreement(const struct alarm_record *r, struct point *p)
{
    uint64_t name = alarm_hash(p->draft.fault);
    bool other = p->draft.fault[0] != 0 && strcmp(p->draft.fault, r->fault) != 0;
    p->agree = !other ? 0 : name != p->other ? 1 : p->agree < AGREE_ROWS ? p->agree + 1 : AGREE_ROWS;
    p->other = name;
}

void alarm_update(struct alarms *a, struct point *p)
{
    struct alarm_record *r = alarm_record_of(a, p);
    const struct draft *d = &p->draft;
    if (p->type == ALARM_OUT_OF_RANGE && fabs(d->value - d->limit) > fabs(r->value - r->limit)) {
        r->value = d->value;
        r->limit = d->limit;
    }
    if (p->type != ALARM_ANOMALY) return;
    bool far = d->score > higher * r->score;
    if (!(r->score >= d->score)) r->score = d->score;
    if (strcmp(d->fault, r->fault) == 0) r->confidence = d->confidence;
    count_agreement(r, p);
    bool better = better_fault(r, p) && p->updates < UPDATES_MAX;
    if (far || better) take_parts(r, d);
    if (!better) return;
    p->updates++;
    p->agree = 0;
    take_fault(r, d);
    alarm_point_terms(a, p, r->fault);
    put_words(a, p, r);
    alarm_emit(a, r, ALARM_UPDATED, (enum alarm_state)p->state, "");
}
