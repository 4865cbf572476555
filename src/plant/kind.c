#include "plant/kind.h"

#include <math.h>

#include "andon/recipe.h"

/* FNV-1a: words are few and short, and nobody gains by making two meet. */
static uint64_t hash(const void *bytes, size_t size, uint64_t h)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) h = (h ^ byte[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void see_word(struct kind_state *s, uint64_t h)
{
    for (uint32_t i = 0; i < s->words && i < KIND_WORDS; i++)
        if (s->word[i] == h) return;
    if (s->words < KIND_WORDS) s->word[s->words] = h;
    if (s->words <= KIND_WORDS) s->words++;
}

static uint64_t seen(const struct kind_state *s)
{
    return s->numbers + s->flags + s->texts;
}

void kind_see_number(struct kind_state *s, double number)
{
    double value = number == 0.0 ? 0.0 : number; /* -0 is 0 */
    if (s->numbers == 0) {
        s->first = s->least = s->most = value;
    } else if (value > s->last) {
        s->rises++;
    } else if (value < s->last) {
        s->falls++;
        s->resets += value < s->last * 0.5 && value >= 0.0;
    }
    s->last = value;
    s->least = value < s->least ? value : s->least;
    s->most = value > s->most ? value : s->most;
    if (value != floor(value)) s->fractions = 1;
    s->understood += value == 0.0 || value == 1.0;
    s->numbers++;
    see_word(s, hash(&value, sizeof value, UINT64_C(0xcbf29ce484222325)));
}

void kind_see_flag(struct kind_state *s, bool flag)
{
    s->flags++;
    s->understood++;
    see_word(s, hash(&flag, sizeof flag, 1));
}

void kind_see_text(struct kind_state *s, struct text text)
{
    s->texts++;
    if (text.length > 0)
        s->understood += andon_running(text.at, text.length) != ANDON_RUNNING_UNKNOWN;
    see_word(s, hash(text.at, text.length, 2));
}

static bool is_counter(const struct kind_state *s)
{
    return s->rises >= KIND_RISES && s->falls == s->resets && s->resets * KIND_RISES <= s->rises &&
           s->least >= 0.0;
}

enum kind kind_of(const struct kind_state *s)
{
    if (seen(s) == 0) return KIND_UNKNOWN;
    if (s->texts > 0) return KIND_TEXT;
    if (s->flags > 0 && s->numbers == 0) return KIND_FLAG;
    bool both = s->words == 2 && s->least == 0.0 && s->most == 1.0;
    if (both || (s->flags > 0 && s->understood == seen(s))) return KIND_FLAG;
    if (s->numbers >= KIND_CONSTANT && s->least == s->most) return KIND_CONSTANT_VALUE;
    return is_counter(s) ? KIND_COUNTER : KIND_GAUGE;
}

const char *kind_name(enum kind kind)
{
    static const char *const name[] = {"unknown", "gauge", "counter", "flag", "text", "constant"};
    return name[kind];
}

bool kind_good(const struct kind_state *s)
{
    if (s->words > KIND_WORDS + 1 || s->fractions > 1) return false;
    if (s->numbers > UINT64_MAX / 4 || s->flags > UINT64_MAX / 4 || s->texts > UINT64_MAX / 4)
        return false;
    if (s->understood > seen(s) || s->words > seen(s) || (s->words == 0) != (seen(s) == 0))
        return false;
    if (s->resets > s->falls || s->rises > s->numbers || s->falls > s->numbers - s->rises)
        return false;
    if (!isfinite(s->first) || !isfinite(s->last)) return false;
    return s->least <= s->last && s->last <= s->most && s->least <= s->first &&
           s->first <= s->most && isfinite(s->least) && isfinite(s->most);
}
