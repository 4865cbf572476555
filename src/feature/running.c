#include "andon/recipe.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char on_words[][12] = {"on", "run", "running", "active", "true", "yes", "operational",
                                    "normal", "started", "start", "startup", "high_load", "up"};
static const char off_words[][12] = {"off", "stop", "stopped", "inactive", "false", "no", "idle",
                                     "shutdown", "down", "maintenance", "standby", "paused"};

static int among(const char words[][12], size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == length && strncasecmp(words[i], text, length) == 0) return 1;
    return 0;
}

int andon_running(const char *text, size_t length)
{
    while (length > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
    if (length == 0 || length >= 32) return ANDON_RUNNING_UNKNOWN;
    if (among(on_words, sizeof on_words / sizeof *on_words, text, length)) return 1;
    if (among(off_words, sizeof off_words / sizeof *off_words, text, length)) return 0;
    char number[32];
    memcpy(number, text, length);
    number[length] = 0;
    char *end;
    double v = strtod(number, &end);
    if (end == number || *end != 0 || v != v) return ANDON_RUNNING_UNKNOWN;
    return v > 0.5;
}
