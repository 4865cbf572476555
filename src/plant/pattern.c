/* Patterns: two places to come back to, one per kind of star, so no recursion. */
#include "plant/pattern.h"

struct back { /* where the last star stood and how far it reached */
    uint32_t pattern, path;
    bool set;
};

static bool matches(struct text p, struct text s)
{
    uint32_t i = 0, k = 0;
    struct back one = {0}, two = {0};
    while (k < s.length || i < p.length) {
        if (i + 1 < p.length && p.at[i] == '*' && p.at[i + 1] == '*') {
            two = (struct back){i + 2, k, true};
            one.set = false;
            i += 2;
        } else if (i < p.length && p.at[i] == '*') {
            one = (struct back){i + 1, k, true};
            i++;
        } else if (i < p.length && k < s.length &&
                   (p.at[i] == s.at[k] || (p.at[i] == '?' && s.at[k] != '/'))) {
            i++;
            k++;
        } else if (one.set && one.path < s.length && s.at[one.path] != '/') {
            i = one.pattern;
            k = ++one.path;
        } else if (two.set && two.path < s.length) {
            i = two.pattern;
            k = ++two.path;
            one.set = false;
        } else {
            return false;
        }
    }
    return true;
}

bool pattern_matches(struct text pattern, struct text path)
{
    if (matches(pattern, path)) return true;
    if (memchr(pattern.at, '/', pattern.length) != NULL) return false;
    const char *last = path.length == 0 ? NULL : memrchr(path.at, '/', path.length);
    if (last == NULL) return false;
    uint32_t from = (uint32_t)(last + 1 - path.at);
    return matches(pattern, (struct text){path.at + from, path.length - from});
}
