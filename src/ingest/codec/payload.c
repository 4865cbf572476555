/* What a payload is, by its first bytes. */
#include <stdio.h>

#include "ingest/codec/object.h"
#include "ingest/codec/shapes.h"

/* Elements of one message are counted; those of a message within another one are its element. */
static void next_element(struct intake *in)
{
    if (in->wraps == 0) in->index++;
}

static bool fault(struct intake *in, const struct pull *p)
{
    char line[128];
    if (in->status != ANDON_OK) return false;
    pull_explain(p, line, sizeof line);
    return intake_broken(in, "JSON, %s", line);
}

/* [1, 2.5, "on"]: channels c0, c1, ... of one sample. p stands behind the first value. */
static bool values_read(struct intake *in, const struct place *place, struct pull *p,
                        struct value *value)
{
    struct draft d;
    bool more = true;
    draft_begin(&d, in, place);
    for (uint32_t i = 0; more; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "c%u", i);
        char *room = intake_room(in, (size_t)n);
        if (room == NULL) return false;
        memcpy(room, name, (size_t)n);
        struct value key = {.kind = VALUE_STRING, .plain = true, .text = {room, (uint32_t)n}};
        if (value->kind >= VALUE_OBJECT)
            return intake_broken(
                in, "element %u of an array of values: expected no array or object", i);
        if (!draft_channel(&d, &key, value)) break;
        more = pull_item(p, value);
    }
    if (p->fault != NULL || in->status != ANDON_OK || !draft_end(&d)) draft_drop(&d);
    return p->fault == NULL && in->status == ANDON_OK;
}

static bool element_read(struct intake *in, const struct place *place, struct pull *p,
                         struct value *value)
{
    if (value->kind == VALUE_OBJECT) return object_read(in, p, place);
    intake_refuse(in, "element %u: expected an object", in->index);
    return pull_skip(p, value);
}

static bool array_read(struct intake *in, const struct place *place, struct text text)
{
    struct pull p;
    struct value value;
    pull_begin(&p, text);
    if (!pull_read(&p, &value)) return fault(in, &p);
    bool first = pull_item(&p, &value);
    if (first && value.kind < VALUE_OBJECT && !place->objects) {
        bool good = values_read(in, place, &p, &value) && pull_done(&p);
        return good || fault(in, &p);
    }
    if (!first && p.fault == NULL)
        return intake_broken(in, "an empty array: expected an array of objects");
    in->batch = true;
    while (first || pull_item(&p, &value)) {
        first = false;
        if (!element_read(in, place, &p, &value)) return fault(in, &p);
        next_element(in);
    }
    return pull_done(&p) || fault(in, &p);
}

/* One line of several: what is wrong in it stays in it. */
static bool line_of_json(struct intake *in, const struct place *place, struct text line,
                         uint32_t number)
{
    struct intake_mark mark = intake_mark(in);
    struct pull p;
    struct value value;
    char what[112];
    pull_begin(&p, line);
    bool good = pull_read(&p, &value);
    if (good && value.kind != VALUE_OBJECT)
        good = pull_fail(&p, "an object in every line", line.at);
    if (good && object_read(in, &p, place) && pull_done(&p)) return true;
    if (in->status != ANDON_OK) return false;
    pull_explain(&p, what, sizeof what);
    intake_back(in, mark);
    intake_refuse(in, "line %u, %s", number, what);
    return true;
}

static bool lines_read(struct intake *in, const struct place *place, struct text text)
{
    struct text line;
    in->batch = true;
    for (uint32_t number = 1; text_line(&text, &line); number++) {
        line = text_trimmed(line);
        if (line.length == 0) continue;
        if (!line_of_json(in, place, line, number)) return false;
        next_element(in);
    }
    return true;
}

/* Whether an object's text is one of several lines: its first line is closed, or the next one
 * begins with an object of its own. */
static bool in_lines(struct text text)
{
    struct text line, next = {0};
    if (memchr(text.at, '\n', text.length) == NULL) return false;
    text_line(&text, &line);
    line = text_trimmed(line);
    while (next.length == 0)
        if (!text_line(&text, &next))
            return false;
        else
            next = text_trimmed(next);
    char last = line.at[line.length - 1];
    return last == '}' ? next.at[0] != ',' : next.at[0] == '{' && last != ':';
}

/* One object, or several, a line each. */
static bool objects_read(struct intake *in, const struct place *place, struct text text)
{
    struct intake_mark mark = intake_mark(in);
    struct pull p;
    struct value value;
    pull_begin(&p, text);
    if (pull_read(&p, &value) && object_read(in, &p, place) && pull_done(&p)) return true;
    if (in->status != ANDON_OK || !in_lines(text)) return fault(in, &p);
    intake_back(in, mark);
    return lines_read(in, place, text);
}

bool payload_read(struct intake *in, const struct place *place)
{
    struct text text = text_trimmed(in->message->payload);
    if (text_starts(text, TEXT("\xEF\xBB\xBF"))) {
        text.at += 3;
        text.length -= 3;
        text = text_trimmed(text);
    }
    if (text.length == 0) return intake_broken(in, "an empty payload: expected readings");
    if (text.at[0] == '[') return array_read(in, place, text);
    if (text.at[0] == '{') return objects_read(in, place, text);
    if (!place->objects) return bare_read(in, place, text);
    return intake_broken(in, "'%s': expected a JSON object or an array of objects", SHOW(text));
}
