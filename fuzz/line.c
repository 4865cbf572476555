/* Fuzzes line protocol: what is read is written as a line again, and that reads as the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { READINGS = 1024, SAMPLES = 64, ROOM = 1 << 14, LINE = 1 << 18 };

static void must(bool holds)
{
    if (!holds) abort();
}

struct room {
    struct reading reading[READINGS];
    struct sample sample[SAMPLES];
    char text[ROOM];
    struct decoded out;
};

static andon_status decode(struct room *r, struct text payload)
{
    const struct codec_rules rules = {.zone_s = 0};
    struct message m = {.door = MESSAGE_LINE, .topic = TEXT("ns"), .payload = payload};
    andon_error err;
    r->out.reading = r->reading;
    r->out.sample = r->sample;
    r->out.room = r->text;
    r->out.readings_max = READINGS;
    r->out.samples_max = SAMPLES;
    r->out.room_max = ROOM;
    return codec_decode(&m, &rules, &r->out, &err);
}

static size_t put_escaped(char *to, struct text text, const char *special)
{
    size_t n = 0;
    for (uint32_t i = 0; i < text.length; i++) {
        if (strchr(special, text.at[i]) != NULL) to[n++] = '\\';
        to[n++] = text.at[i];
    }
    return n;
}

static size_t put_field(char *to, const struct reading *r)
{
    size_t n = put_escaped(to, r->channel, ",= ");
    to[n++] = '=';
    if (r->kind == READING_NUMBER) return n + (size_t)sprintf(to + n, "%.17g", r->number);
    if (r->kind == READING_FLAG)
        return n + (size_t)sprintf(to + n, "%s", r->number != 0 ? "true" : "F");
    to[n++] = '"';
    n += put_escaped(to + n, r->text, "\"\\");
    to[n++] = '"';
    return n;
}

/* A name that ends in a backslash cannot be written: it would escape what follows. */
static bool writable(const struct room *r, const struct sample *s)
{
    if (s->count == 0 || s->asset.at[s->asset.length - 1] == '\\') return false;
    if (text_starts(s->asset, TEXT("topic/"))) return false; /* would lose its first level */
    for (uint32_t i = s->first; i < s->first + s->count; i++) {
        struct text name = r->reading[i].channel;
        if (name.at[name.length - 1] == '\\') return false;
    }
    return true;
}

static size_t put_line(char *to, const struct room *r, const struct sample *s)
{
    size_t n = put_escaped(to, s->asset, ", ");
    for (uint32_t i = 0; i < s->count; i++) {
        to[n++] = i == 0 ? ' ' : ',';
        n += put_field(to + n, &r->reading[s->first + i]);
    }
    if (s->ts_given) n += (size_t)sprintf(to + n, " %lld", (long long)s->ts_ns);
    return n;
}

static void check_again(const struct room *r, const struct sample *s, char *line)
{
    static struct room again;
    size_t n = put_line(line, r, s);
    must(decode(&again, (struct text){line, (uint32_t)n}) == ANDON_OK);
    must(again.out.samples == 1 && again.out.refusals == 0 && again.out.nulls == 0);
    const struct sample *t = &again.sample[0];
    must(text_is(s->asset, t->asset) && s->count == t->count);
    must(s->ts_given == t->ts_given && s->ts_ns == t->ts_ns);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct reading *a = &r->reading[s->first + i], *b = &again.reading[t->first + i];
        must(text_is(a->channel, b->channel) && text_is(a->text, b->text) && a->kind == b->kind);
        must(memcmp(&a->number, &b->number, sizeof a->number) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct room room;
    char *text = malloc(size + (size == 0)), *line = malloc(LINE);
    must(text != NULL && line != NULL);
    if (size > 0) memcpy(text, data, size);
    if (size < LINE / 8 && decode(&room, (struct text){text, (uint32_t)size}) == ANDON_OK)
        for (uint32_t i = 0; i < room.out.samples; i++)
            if (writable(&room, &room.sample[i])) check_again(&room, &room.sample[i], line);
    free(text);
    free(line);
    return 0;
}
