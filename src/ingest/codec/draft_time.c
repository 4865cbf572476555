/* The times of a draft. */
#include <math.h>
#include <stdio.h>

#include "base/zone.h"
#include "ingest/codec/draft.h"
#include "ingest/timestamp.h"

#define SECOND_NS INT64_C(1000000000)
#define TIME_TEXT_MAX 128u /* characters of a written time, escapes as written */
/* A number under a key such as "time" is a time from March 1973 on, else a value like others. */
#define CLOCK_EPOCH_MIN_NS (100000000 * SECOND_NS)

/* A time without a zone is the plant's. */
static int64_t from_local(const struct intake *in, int64_t local_ns)
{
    const struct codec_rules *rules = in->rules;
    if (rules->zone == NULL) return local_ns - rules->zone_s * SECOND_NS;
    int64_t local_s = local_ns / SECOND_NS, rest_ns = local_ns % SECOND_NS;
    if (rest_ns < 0) {
        rest_ns += SECOND_NS;
        local_s--;
    }
    return zone_utc_s(rules->zone, local_s, in->message->received_ns / SECOND_NS) * SECOND_NS +
           rest_ns;
}

static bool written_time(const struct intake *in, struct text text, int64_t unit_ns, int64_t *ts_ns)
{
    bool local = false;
    if (unit_ns != 0 && timestamp_read_epoch(text.at, text.length, unit_ns, ts_ns)) return true;
    if (!timestamp_read_local(text.at, text.length, ts_ns, &local)) return false;
    if (local) *ts_ns = from_local(in, *ts_ns);
    return true;
}

/* An epoch with an exponent: 1.717158615e9. */
static bool rounded_time(double epoch, int64_t unit_ns, int64_t *ts_ns)
{
    char digits[64];
    if (!(fabs(epoch) < 9.2e18)) return false;
    int n = snprintf(digits, sizeof digits, "%.6f", epoch);
    return timestamp_read_epoch(digits, (size_t)n, unit_ns, ts_ns);
}

static bool time_of(const struct intake *in, const struct value *value, int64_t unit_ns,
                    int64_t *ts_ns)
{
    char room[TIME_TEXT_MAX];
    struct text text = value->text;
    if (value->kind == VALUE_NUMBER && value->exact && value->whole)
        return timestamp_of_epoch((int64_t)value->number, unit_ns, ts_ns);
    if (value->kind == VALUE_NUMBER)
        return timestamp_read_epoch(text.at, text.length, unit_ns, ts_ns) ||
               rounded_time(value->number, unit_ns, ts_ns);
    if (value->kind != VALUE_STRING || text.length > TIME_TEXT_MAX) return false;
    if (!value->plain) text = (struct text){room, pull_unescape(text, room)};
    return written_time(in, text, unit_ns, ts_ns);
}

enum draft_time_kind draft_read_time(const struct intake *in, const struct value *value,
                                     int64_t unit_ns, int64_t *ts_ns)
{
    if (value->kind == VALUE_NULL || (value->kind == VALUE_STRING && value->text.length == 0))
        return DRAFT_TIME_NONE;
    return time_of(in, value, unit_ns, ts_ns) ? DRAFT_TIME_READ : DRAFT_TIME_WRONG;
}

bool draft_refuse_time(struct intake *in, const struct value *key, const struct value *value)
{
    return intake_refuse(in, "key '%s': '%s' is no time, expected " TIMESTAMP_EXPECTED,
                         SHOW(key->text), SHOW(value->text));
}

bool draft_time(struct draft *d, const struct value *key, const struct value *value, uint8_t rank,
                int64_t unit_ns, bool must)
{
    int64_t ts_ns;
    enum draft_time_kind kind = draft_read_time(d->in, value, unit_ns, &ts_ns);
    if (kind == DRAFT_TIME_NONE) return must;
    if (kind == DRAFT_TIME_WRONG && must) d->refused = true;
    if (kind == DRAFT_TIME_WRONG) return must && draft_refuse_time(d->in, key, value);
    if (!must && value->kind == VALUE_NUMBER && ts_ns < CLOCK_EPOCH_MIN_NS) return false;
    struct draft_time before = d->time;
    if (rank == before.rank && text_is(before.key.text, key->text)) {
        d->in->out->repeated++;
        before.rank = KEY_RANK_NONE;
    } else if (rank >= before.rank) {
        return draft_channel(d, key, value);
    }
    d->time = (struct draft_time){ts_ns, rank, *key, *value};
    return before.rank >= DRAFT_TIME_OUTER || draft_channel(d, &before.key, &before.value);
}

/* Date and Time side by side, once both are there. */
bool draft_join_halves(struct draft *d)
{
    bool both = d->date_key.text.length > 0 && d->clock_key.text.length > 0;
    char room[2 * TIME_TEXT_MAX + 1];
    if (both && d->time.rank >= DRAFT_TIME_OUTER && d->date.plain && d->clock.plain &&
        d->date.text.length <= TIME_TEXT_MAX && d->clock.text.length <= TIME_TEXT_MAX) {
        uint32_t n = d->date.text.length, m = d->clock.text.length;
        int64_t ts_ns;
        memcpy(room, d->date.text.at, n);
        room[n] = ' ';
        memcpy(room + n + 1, d->clock.text.at, m);
        if (written_time(d->in, (struct text){room, n + 1 + m}, 0, &ts_ns)) {
            d->time.ts_ns = ts_ns;
            d->time.rank = 0;
            return true;
        }
    }
    if (d->date_key.text.length > 0 && !draft_channel(d, &d->date_key, &d->date)) return false;
    return d->clock_key.text.length == 0 || draft_channel(d, &d->clock_key, &d->clock);
}
