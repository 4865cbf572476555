#include "plant/running.h"

#include <strings.h>

#include "andon/recipe.h"
#include "base/quantity.h"

enum { PLAIN_ROOM = 48 };

/* Small letters and digits alone, so that Machine-Status, machine_status and MachineStatus are one.
 */
static uint32_t plain(struct text name, char out[PLAIN_ROOM])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (kept && n + 1 == PLAIN_ROOM) return 0; /* no such long name is one of ours */
        if (kept) out[n++] = c;
    }
    out[n] = 0;
    return n;
}

/* What a machine's own signal may be preceded by; of a part of it (fan_on) it would say nothing. */
static const char *without_owner(const char *name)
{
    static const char *const owner[] = {
        "connecteddevice", "machine", "device", "motor", "pump", "conveyor", "line",
        "equipment",       "asset",   "unit",   "is"};
    for (size_t i = 0; i < sizeof owner / sizeof *owner; i++) {
        size_t n = strlen(owner[i]);
        if (strncmp(name, owner[i], n) == 0 && name[n] != 0) return name + n;
    }
    return name;
}

uint32_t running_rank(struct text channel)
{
    static const struct {
        const char *name;
        uint32_t rank;
    } names[] = {{"running", 100},        {"runstate", 95},
                 {"runningstate", 95},    {"runstatus", 95},
                 {"runningstatus", 95},   {"run", 90},
                 {"active", 80},          {"on", 80},
                 {"enabled", 60},         {"status", 70},
                 {"state", 65},           {"operationalstate", 65},
                 {"operatingstate", 65},  {"operationalstatus", 65},
                 {"operatingstatus", 65}, {"operationstate", 65},
                 {"power", 30},           {"powered", 50}};
    char name[PLAIN_ROOM];
    if (plain(channel, name) == 0) return 0;
    const char *bare = without_owner(name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(bare, names[i].name) == 0) return names[i].rank;
    return 0;
}

bool running_guess(struct text channel, const struct kind_state *state)
{
    uint64_t seen = state->numbers + state->flags + state->texts;
    /* A word that nobody knows may mean "stopped" as well as "running", and so may a 2. */
    if (running_rank(channel) == 0 || seen == 0 || state->understood != seen) return false;
    /* Nothing but 0 may be a code that says "all is well". */
    return state->numbers < seen || state->most == 1.0;
}

static struct text trimmed(struct text t)
{
    while (t.length > 0 && t.at[0] == ' ') {
        t.at++;
        t.length--;
    }
    while (t.length > 0 && t.at[t.length - 1] == ' ') t.length--;
    return t;
}

static bool keep(struct text text, char *out, size_t room)
{
    if (text.length == 0 || text.length >= room) return false;
    memcpy(out, text.at, text.length);
    out[text.length] = 0;
    return true;
}

/* The operator in text: where it begins and ends. Longer ones come first in the list. */
static bool find_test(struct text text, uint32_t *from, uint32_t *behind, enum running_test *test)
{
    static const struct {
        const char *sign;
        enum running_test test;
    } signs[] = {{">=", RUNNING_MORE_OR_EQUAL}, {"<=", RUNNING_LESS_OR_EQUAL},
                 {"==", RUNNING_EQUAL},         {"!=", RUNNING_UNEQUAL},
                 {">", RUNNING_MORE},           {"<", RUNNING_LESS},
                 {"=", RUNNING_EQUAL}};
    for (*from = 0; *from < text.length; ++*from)
        for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
            uint32_t n = (uint32_t)strlen(signs[i].sign);
            if (text.length - *from < n || memcmp(text.at + *from, signs[i].sign, n) != 0) continue;
            *behind = *from + n;
            *test = signs[i].test;
            return true;
        }
    return false;
}

bool running_rule_read(struct text text, struct running_rule *rule)
{
    uint32_t from, behind;
    text = trimmed(text);
    memset(rule, 0, sizeof *rule);
    if (text_is(text, TEXT("always"))) {
        rule->test = RUNNING_ALWAYS;
        return true;
    }
    if (!find_test(text, &from, &behind, &rule->test))
        return keep(text, rule->channel, sizeof rule->channel);
    struct text value = trimmed((struct text){text.at + behind, text.length - behind});
    rule->is_number = real_read(value, &rule->number);
    bool equality = rule->test == RUNNING_EQUAL || rule->test == RUNNING_UNEQUAL;
    bool sign = value.length > 0 && memchr("<>=!", value.at[0], 4) != NULL;
    if (sign || (!rule->is_number && !equality)) return false;
    return keep(trimmed((struct text){text.at, from}), rule->channel, sizeof rule->channel) &&
           keep(value, rule->word, sizeof rule->word);
}

int running_rule_number(const struct running_rule *rule, double number)
{
    if (rule->test == RUNNING_ALWAYS) return 1;
    if (number != number) return ANDON_RUNNING_UNKNOWN;
    if (rule->test == RUNNING_SAYS_SO) return number > 0.5;
    if (!rule->is_number) return ANDON_RUNNING_UNKNOWN;
    switch (rule->test) {
    case RUNNING_MORE: return number > rule->number;
    case RUNNING_MORE_OR_EQUAL: return number >= rule->number;
    case RUNNING_LESS: return number < rule->number;
    case RUNNING_LESS_OR_EQUAL: return number <= rule->number;
    case RUNNING_EQUAL: return number == rule->number;
    default: return number != rule->number;
    }
}

int running_rule_text(const struct running_rule *rule, struct text text)
{
    double number;
    text = trimmed(text);
    if (rule->test == RUNNING_ALWAYS) return 1;
    if (rule->test == RUNNING_SAYS_SO)
        return text.length == 0 ? ANDON_RUNNING_UNKNOWN : andon_running(text.at, text.length);
    if (rule->is_number)
        return real_read(text, &number) ? running_rule_number(rule, number) : ANDON_RUNNING_UNKNOWN;
    bool same =
        strlen(rule->word) == text.length && strncasecmp(rule->word, text.at, text.length) == 0;
    return same == (rule->test == RUNNING_EQUAL);
}
