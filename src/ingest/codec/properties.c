#include "ingest/codec/properties.h"

#include "ingest/codec/cell.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    char letter = (char)(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* %41 is A. */
static bool percent_decoded(struct intake *in, struct text from, struct text *text)
{
    *text = from;
    if (from.length == 0 || memchr(from.at, '%', from.length) == NULL) return true;
    char *room = intake_room(in, from.length), *to = room;
    if (room == NULL) return false;
    for (uint32_t i = 0; i < from.length; i++) {
        bool code = from.at[i] == '%' && from.length - i > 2 && hex_digit(from.at[i + 1]) >= 0 &&
                    hex_digit(from.at[i + 2]) >= 0;
        *to++ =
            code ? (char)(hex_digit(from.at[i + 1]) * 16 + hex_digit(from.at[i + 2])) : from.at[i];
        i += code ? 2 : 0;
    }
    *text = (struct text){room, (uint32_t)(to - room)};
    return true;
}

static bool put_property(struct draft *d, struct text name, struct text value)
{
    struct value key = {.kind = VALUE_STRING, .plain = true}, v;
    if (!percent_decoded(d->in, name, &key.text) || !percent_decoded(d->in, value, &value))
        return false;
    if (key.text.length == 0 || *key.text.at == '$') return true;
    if (!intake_readable(key.text, false) || !intake_readable(value, true)) {
        intake_refuse(d->in, "a property of the topic: expected UTF-8 without control bytes");
        return true;
    }
    v = cell_value(value);
    if (v.kind != VALUE_FLAG)
        v = (struct value){.kind = VALUE_STRING, .plain = true, .text = value};
    return draft_channel(d, &key, &v);
}

bool properties_put(struct draft *d)
{
    if (d->properties.length == 0) return true;
    const char *at = d->properties.at, *end = at + d->properties.length;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL) stop = end;
        const char *is = memchr(at, '=', (size_t)(stop - at));
        struct text name = {at, (uint32_t)((is != NULL ? is : stop) - at)};
        struct text value = {"", 0};
        if (is != NULL) value = (struct text){is + 1, (uint32_t)(stop - is - 1)};
        if (!put_property(d, name, value)) return false;
        at = stop + 1;
    }
    return true;
}
