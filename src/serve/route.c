#include "serve/route.h"

#include <string.h>

/* Whether path is what pattern says; *tail is what its last {…} stands for. */
static bool fits(const char *pattern, struct text path, struct text *tail)
{
    uint32_t at = 0;
    *tail = (struct text){NULL, 0};
    while (*pattern != 0) {
        if (*pattern != '{') {
            if (at == path.length || path.at[at] != *pattern) return false;
            at++;
            pattern++;
            continue;
        }
        const char *end = strchr(pattern, '}');
        bool rest = end - pattern > 3 && strncmp(end - 3, "...", 3) == 0;
        uint32_t from = at;
        while (at < path.length && (rest || path.at[at] != '/')) at++;
        if (at == from) return false;
        *tail = (struct text){path.at + from, at - from};
        pattern = end + 1;
    }
    return at == path.length;
}

static bool answers(const struct route *r, struct text method)
{
    return text_is(text_of(r->method), method) ||
           (text_is(method, TEXT("HEAD")) && strcmp(r->method, "GET") == 0);
}

static const char *allowed(bool get, bool post)
{
    if (get && post) return "GET, HEAD, POST";
    if (get) return "GET, HEAD";
    return post ? "POST" : NULL;
}

const struct route *route_find(const struct route *table, struct text method, struct text path,
                               struct text *tail, const char **allow)
{
    bool get = false, post = false;
    *allow = NULL;
    for (const struct route *r = table; r->method != NULL; r++) {
        if (!fits(r->pattern, path, tail)) continue;
        if (answers(r, method)) return r;
        get |= strcmp(r->method, "GET") == 0;
        post |= strcmp(r->method, "POST") == 0;
    }
    *allow = allowed(get, post);
    return NULL;
}
