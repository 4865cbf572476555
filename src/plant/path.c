#include "plant/path.h"

#include "base/utf8.h"

const char *path_wrong(struct text path)
{
    uint32_t levels = 1, level_bytes = 0;
    if (path.length == 0) return "it is empty";
    if (path.length > PATH_BYTES_MAX) return "it is longer than 512 bytes";
    if (!utf8_valid(path.at, path.length)) return "it is no UTF-8";
    for (uint32_t i = 0; i < path.length; i++) {
        unsigned char c = (unsigned char)path.at[i];
        if (c < 0x20 || c == 0x7f) return "it has a control character";
        if (c == '+' || c == '#') return "it has a '+' or '#'";
        if (c == '/' && level_bytes == 0) return "a level is empty";
        level_bytes = c == '/' ? 0 : level_bytes + 1;
        levels += c == '/';
    }
    if (level_bytes == 0) return "a level is empty";
    return levels > PATH_LEVELS_MAX ? "it has more than 32 levels" : NULL;
}

static struct text cut_level(struct text *path)
{
    const char *slash = path->length == 0 ? NULL : memchr(path->at, '/', path->length);
    struct text level = {path->at, slash == NULL ? path->length : (uint32_t)(slash - path->at)};
    uint32_t used = slash == NULL ? path->length : level.length + 1;
    *path = (struct text){path->at + used, path->length - used};
    return level;
}

struct path_place path_place(struct text path)
{
    struct path_place place = {.asset = path};
    const char *last = path.length == 0 ? NULL : memrchr(path.at, '/', path.length);
    if (last == NULL) return place;
    uint32_t from = (uint32_t)(last + 1 - path.at);
    struct text above = {path.at, from - 1};
    place.asset = (struct text){path.at + from, path.length - from};
    place.enterprise = cut_level(&above);
    place.site = cut_level(&above);
    place.area = cut_level(&above);
    place.line = cut_level(&above);
    place.cell = above;
    return place;
}

struct text path_below(struct text path, struct text top)
{
    if (top.length == 0 || path.length < top.length + 2 || !text_starts(path, top) ||
        path.at[top.length] != '/')
        return (struct text){path.at, 0};
    return (struct text){path.at + top.length + 1, path.length - top.length - 1};
}
