#include "plant/regime.h"

enum { PLAIN_ROOM = 48 };

uint32_t regime_rank(struct text channel)
{
    static const struct {
        const char *name;
        uint32_t rank;
    } names[] = {{"regime", 100},        {"operatingmode", 95},
                 {"operationmode", 95},  {"operationalstate", 90},
                 {"operatingstate", 90}, {"operationstate", 90},
                 {"mode", 85},           {"machinemode", 85},
                 {"loadstate", 80},      {"program", 75},
                 {"recipe", 75},         {"product", 70},
                 {"process", 60},        {"phase", 60},
                 {"machinestate", 50},   {"state", 50}};
    char name[PLAIN_ROOM];
    uint32_t n = 0;
    for (uint32_t i = 0; i < channel.length && n + 1 < PLAIN_ROOM; i++) {
        char c = channel.at[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) name[n++] = c;
    }
    name[n] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0) return names[i].rank;
    return 0;
}

bool regime_guess(struct text channel, const struct kind_state *state)
{
    enum kind kind = kind_of(state);
    if (regime_rank(channel) == 0 || state->words > KIND_WORDS) return false;
    if (state->numbers + state->flags + state->texts < REGIME_SEEN) return false;
    return kind == KIND_TEXT ? state->texts >= state->numbers : state->fractions == 0;
}
