/* InfluxDB's line protocol: measurement,tag=value field=value,field="text" 1717158615000000000
 *
 * The measurement is the asset's path, and the values of the tags, in the order of their keys, are
 * its further levels; every field is a channel. */
#include "ingest/codec/shapes.h"
#include "ingest/number.h"
#include "ingest/timestamp.h"

#define TAGS_MAX 32u

struct tag {
    struct text key, value;
};

/* A place in a line, and why it ends there. */
struct scan {
    struct intake *in;
    const char *begin, *at, *end;
    const char *expected; /* a fault: what had to stand at `at` */
};

static bool expect(struct scan *s, const char *expected)
{
    if (s->expected == NULL) s->expected = expected;
    return false;
}

/* Characters with a meaning. A name ends at those of its kind, unless a backslash stands in front.
 */
enum { COMMA = 1, BLANK = 2, EQUALS = 4, BACKSLASH = 8 };
static const uint8_t meaning[256] = {
    [','] = COMMA, [' '] = BLANK, ['='] = EQUALS, ['\\'] = BACKSLASH};

static uint8_t meaning_of(char c)
{
    return meaning[(unsigned char)c];
}

static bool unescaped(struct scan *s, const char *start, uint8_t escaped, struct text *name)
{
    char *room = intake_room(s->in, name->length), *to = room;
    if (room == NULL) return false;
    for (const char *at = start; at < s->at; at++) {
        if (*at == '\\' && s->at - at > 1 && (meaning_of(at[1]) & escaped) != 0) at++;
        *to++ = *at;
    }
    *name = (struct text){room, (uint32_t)(to - room)};
    return true;
}

/* A name up to a character in stops; those in escaped belong to it behind a backslash. */
static bool take_name(struct scan *s, uint8_t stops, uint8_t escaped, struct text *name)
{
    const char *start = s->at, *at = s->at;
    bool escapes = false;
    for (; at < s->end && (meaning_of(*at) & stops) == 0; at++) {
        if (*at != '\\' || s->end - at < 2 || (meaning_of(at[1]) & escaped) == 0) continue;
        escapes = true;
        at++;
    }
    s->at = at;
    *name = (struct text){start, (uint32_t)(at - start)};
    return !escapes || unescaped(s, start, escaped, name);
}

static bool take_tags(struct scan *s, struct tag *tag, uint32_t *count)
{
    for (*count = 0; s->at < s->end && *s->at == ',';) {
        struct tag t;
        s->at++;
        if (*count == TAGS_MAX) return expect(s, "at most 32 tags");
        if (!take_name(s, EQUALS | COMMA | BLANK, EQUALS | COMMA | BLANK, &t.key)) return false;
        if (t.key.length == 0) return expect(s, "a tag's key");
        if (s->at == s->end || *s->at != '=') return expect(s, "'=' behind a tag's key");
        s->at++;
        if (!take_name(s, COMMA | BLANK, EQUALS | COMMA | BLANK, &t.value)) return false;
        if (t.value.length == 0) return expect(s, "a tag's value");
        tag[(*count)++] = t;
    }
    return true;
}

static bool comes_first(const struct tag *a, const struct tag *b)
{
    uint32_t n = a->key.length < b->key.length ? a->key.length : b->key.length;
    int order = memcmp(a->key.at, b->key.at, n);
    return order != 0 ? order < 0 : a->key.length < b->key.length;
}

/* Senders write their tags in any order; the asset is the same. */
static void sort_tags(struct tag *tag, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct tag t = tag[i];
        uint32_t k = i;
        for (; k > 0 && comes_first(&t, &tag[k - 1]); k--) tag[k] = tag[k - 1];
        tag[k] = t;
    }
}

/* measurement[,tags] and the blank behind it */
static bool take_asset(struct scan *s, struct text *asset)
{
    struct tag tag[TAGS_MAX];
    uint32_t count;
    if (!take_name(s, COMMA | BLANK, COMMA | BLANK, asset)) return false;
    if (asset->length == 0) return expect(s, "a measurement");
    *asset = topic_asset(*asset);
    if (!take_tags(s, tag, &count)) return false;
    if (s->at == s->end || *s->at != ' ') return expect(s, "a blank and fields");
    sort_tags(tag, count);
    for (uint32_t i = 0; i < count; i++)
        if (!intake_joined(s->in, *asset, '/', tag[i].value, asset)) return false;
    while (s->at < s->end && *s->at == ' ') s->at++;
    return true;
}

static bool take_text(struct scan *s, struct value *value)
{
    const char *start = ++s->at;
    bool escapes = false;
    while (s->at < s->end && *s->at != '"') {
        bool escape = *s->at == '\\' && s->end - s->at > 1 && (s->at[1] == '"' || s->at[1] == '\\');
        escapes |= escape;
        s->at += 1 + escape;
    }
    if (s->at == s->end) return expect(s, "the text's closing quote");
    value->text = (struct text){start, (uint32_t)(s->at - start)};
    s->at++;
    if (!escapes) return true;
    char *room = intake_room(s->in, value->text.length), *to = room;
    if (room == NULL) return false;
    for (const char *at = start; at < s->at - 1; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) at++;
        *to++ = *at;
    }
    value->text = (struct text){room, (uint32_t)(to - room)};
    return true;
}

static bool is_flag(struct text word, double *number)
{
    static const char *const words[2][5] = {{"f", "F", "false", "False", "FALSE"},
                                            {"t", "T", "true", "True", "TRUE"}};
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 5; i++)
            if (text_is(word, text_of(words[v][i]))) {
                *number = v;
                return true;
            }
    return false;
}

/* 5i, 5u: the digits are those of the number that is kept, or the value is refused. */
static bool is_whole(struct text word, struct value *value)
{
    char last = word.at[word.length - 1];
    if (word.length < 2 || (last != 'i' && last != 'u')) return false;
    word.length--;
    uint32_t i = *word.at == '-' && last == 'i';
    if (i == word.length) return false;
    for (; i < word.length; i++)
        if (word.at[i] < '0' || word.at[i] > '9') return false;
    value->text = word;
    value->whole = true;
    return number_read(word.at, word.length, &value->number);
}

/* A field's value. Its digits alone are a float: whole numbers are written 5i. */
static bool take_value(struct scan *s, struct value *value)
{
    const char *start = s->at;
    *value = (struct value){.kind = VALUE_STRING, .plain = true};
    if (s->at < s->end && *s->at == '"') return take_text(s, value);
    if (s->end - start >= PULL_QUICK_MIN) {
        const char *stop = pull_number_quick(start, s->end, value);
        if (stop != NULL && (meaning_of(*stop) & (COMMA | BLANK)) != 0) {
            value->whole = false;
            s->at = stop;
            return true;
        }
        *value = (struct value){.kind = VALUE_STRING, .plain = true};
    }
    while (s->at < s->end && (meaning_of(*s->at) & (COMMA | BLANK)) == 0) s->at++;
    struct text word = {start, (uint32_t)(s->at - start)};
    value->text = word;
    value->kind = VALUE_NUMBER;
    if (word.length > 0) {
        if (number_read(start, word.length, &value->number) || is_whole(word, value)) return true;
        value->kind = VALUE_FLAG;
        if (is_flag(word, &value->number)) return true;
        value->kind = VALUE_NULL;
        if (number_missing(start, word.length)) return true;
    }
    s->at = start;
    return expect(s, "a number, 5i, 5u, true, false or a text in quotes");
}

static bool take_fields(struct scan *s, struct draft *d)
{
    for (;;) {
        struct value key = {.kind = VALUE_STRING, .plain = true}, value;
        if (!take_name(s, EQUALS | COMMA | BLANK, EQUALS | COMMA | BLANK, &key.text)) return false;
        if (key.text.length == 0) return expect(s, "a field's name");
        if (s->at == s->end || *s->at != '=') return expect(s, "'=' behind a field's name");
        s->at++;
        if (!take_value(s, &value) || !draft_channel(d, &key, &value)) return false;
        if (s->at == s->end || *s->at != ',') return true;
        s->at++;
    }
}

static bool take_time(struct scan *s, struct draft *d, int64_t unit_ns)
{
    while (s->at < s->end && *s->at == ' ') s->at++;
    if (s->at == s->end) return true;
    const char *start = s->at;
    while (s->at < s->end && *s->at != ' ') s->at++;
    size_t n = (size_t)(s->at - start);
    if (memchr(start, '.', n) != NULL || !timestamp_read_epoch(start, n, unit_ns, &d->time.ts_ns)) {
        s->at = start;
        return expect(s, "a time as a whole number");
    }
    d->time.rank = 0;
    while (s->at < s->end && *s->at == ' ') s->at++;
    return s->at == s->end || expect(s, "the end of the line");
}

static bool one_line(struct intake *in, const struct place *place, struct text line,
                     uint32_t number, int64_t unit_ns)
{
    struct scan s = {in, line.at, line.at, line.at + line.length, NULL};
    struct draft d;
    draft_begin(&d, in, place);
    bool good = intake_readable(line, false) ||
                intake_refuse(in, "line %u: expected UTF-8 without control bytes", number);
    good = good && take_asset(&s, &d.asset) && take_fields(&s, &d) && take_time(&s, &d, unit_ns);
    if (s.expected != NULL)
        intake_refuse(in, "line %u, byte %zu: expected %s, found '%s'", number,
                      (size_t)(s.at - s.begin) + 1, s.expected,
                      SHOW(((struct text){s.at, (uint32_t)(s.end - s.at)})));
    if (!good || !draft_end(&d)) draft_drop(&d);
    return in->status == ANDON_OK;
}

bool line_read(struct intake *in, const struct place *place, struct text text, int64_t unit_ns)
{
    struct text line;
    in->batch = true;
    for (uint32_t number = 1; text_line(&text, &line); number++) {
        line = text_trimmed(line);
        if (line.length == 0 || *line.at == '#') continue;
        if (!one_line(in, place, line, number, unit_ns)) return false;
        in->index += in->wraps == 0;
    }
    return true;
}

/* The first line that is no comment. */
static bool first_line(struct text text, struct text *line)
{
    while (text_line(&text, line)) {
        *line = text_trimmed(*line);
        if (line->length > 0 && *line->at != '#') return true;
    }
    return false;
}

static const char *name_end(const char *at, const char *end, uint8_t stops)
{
    while (at < end && (meaning_of(*at) & stops) == 0) at += 1 + (*at == '\\' && end - at > 1);
    return at < end ? at : end;
}

/* measurement, tags with '=' in each, a blank, a name and '='. */
bool line_looks(struct text text)
{
    struct text line;
    if (!first_line(text, &line)) return false;
    const char *end = line.at + line.length, *at = name_end(line.at, end, COMMA | BLANK);
    if (at == line.at) return false;
    while (at < end && *at == ',') {
        const char *is = name_end(at + 1, end, EQUALS | COMMA | BLANK);
        if (is == end || *is != '=' || is == at + 1) return false;
        at = name_end(is, end, COMMA | BLANK);
    }
    if (at == end) return false;
    const char *is = name_end(at + 1, end, EQUALS | COMMA | BLANK);
    return is < end && *is == '=' && is > at + 1;
}

static bool line_takes(const struct message *m)
{
    return m->door == MESSAGE_LINE;
}

/* The door's topic is the unit of its times. */
static bool line_shape_read(struct intake *in, const struct place *around)
{
    static const struct {
        struct text name;
        int64_t ns;
    } units[] = {{{"", 0}, 1},     {{"ns", 2}, 1},       {{"n", 1}, 1},         {{"us", 2}, 1000},
                 {{"u", 1}, 1000}, {{"ms", 2}, 1000000}, {{"s", 1}, 1000000000}};
    struct text text = in->message->payload;
    (void)around;
    struct place place = {.time_given = false};
    struct text line;
    if (!first_line(text, &line))
        return intake_broken(in, "no line: expected measurement field=value");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text_is(in->message->topic, units[i].name))
            return line_read(in, &place, text, units[i].ns);
    return intake_broken(in, "precision '%s': expected ns, us, ms or s", SHOW(in->message->topic));
}

const struct shape shape_line = {"line", line_takes, line_shape_read};
