#include "ingest/mqtt/topic.h"

#include "base/utf8.h"
#include "ingest/message.h"

/* Eight bytes of ASCII without 0 at a time. */
static uint32_t plain_run(struct text text, uint32_t at)
{
    for (; at + 8 <= text.length; at += 8) {
        uint64_t word;
        memcpy(&word, text.at + at, 8);
        uint64_t zero = (word - UINT64_C(0x0101010101010101)) & ~word;
        if (((word | zero) & UINT64_C(0x8080808080808080)) != 0) break;
    }
    return at;
}

bool text_well_formed(struct text text)
{
    uint32_t at = plain_run(text, 0);
    while (at < text.length) {
        uint32_t code;
        size_t n = utf8_next(text.at + at, text.length - at, &code);
        if (n == 0 || code == 0) return false;
        at = plain_run(text, at + (uint32_t)n);
    }
    return true;
}

bool topic_name_ok(struct text name)
{
    uint32_t levels = 1;
    if (name.length == 0 || name.length > MESSAGE_TOPIC_MAX) return false;
    for (uint32_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        if (c == '+' || c == '#') return false;
        levels += c == '/';
    }
    return levels <= TOPIC_LEVELS_MAX;
}

bool topic_level(struct text *rest, struct text *level)
{
    if (rest->at == NULL) return false;
    const char *slash = memchr(rest->at, '/', rest->length);
    if (slash == NULL) {
        *level = *rest;
        *rest = (struct text){NULL, 0};
        return true;
    }
    uint32_t length = (uint32_t)(slash - rest->at);
    *level = (struct text){rest->at, length};
    *rest = (struct text){slash + 1, rest->length - length - 1};
    return true;
}

bool topic_filter_ok(struct text filter)
{
    struct text level;
    uint32_t levels = 0;
    if (filter.length == 0 || filter.length > MESSAGE_TOPIC_MAX) return false;
    while (topic_level(&filter, &level)) {
        if (++levels > TOPIC_LEVELS_MAX) return false;
        if (level.length == 0) continue;
        bool plus = memchr(level.at, '+', level.length) != NULL;
        bool hash = memchr(level.at, '#', level.length) != NULL;
        if ((plus || hash) && level.length != 1) return false;
        if (hash && filter.at != NULL) return false;
    }
    return true;
}

bool topic_filter_shared(struct text filter)
{
    return text_starts(filter, TEXT("$share/"));
}

bool topic_filter_has_wildcard(struct text filter)
{
    return filter.length > 0 && (memchr(filter.at, '+', filter.length) != NULL ||
                                 memchr(filter.at, '#', filter.length) != NULL);
}

bool topic_matches(struct text filter, struct text name)
{
    struct text want, is;
    bool first = true;
    while (topic_level(&filter, &want)) {
        bool wild = text_is(want, TEXT("#")) || text_is(want, TEXT("+"));
        if (first && wild && text_starts(name, TEXT("$"))) return false;
        first = false;
        if (text_is(want, TEXT("#"))) return true; /* "a/#" matches "a", too */
        if (!topic_level(&name, &is)) return false;
        if (!text_is(want, TEXT("+")) && !text_is(want, is)) return false;
    }
    return name.at == NULL;
}
