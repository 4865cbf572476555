#include "cli/arguments.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

int argument_wrong(const struct command_line *line, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "andon %s: ", line->command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return CLI_USAGE;
}

static void print_option(const struct argument *a)
{
    char left[64];
    snprintf(left, sizeof left, "%s%s%s", a->name, a->value != NULL && *a->name == '-' ? " " : "",
             a->value != NULL && *a->name == '-' ? a->value : "");
    const char *help = a->help;
    for (bool first = true; help != NULL; first = false) {
        int length = (int)strcspn(help, "\n");
        printf("  %-22s %.*s\n", first ? left : "", length, help);
        help = help[length] == '\n' ? help + length + 1 : NULL;
    }
}

static void print_help(const struct command_line *line)
{
    printf("usage: andon %s %s\n\n%s\n\n", line->command, line->usage, line->summary);
    for (const struct argument *a = line->argument; a->name != NULL; a++) print_option(a);
    printf("  %-22s %s\n", "--help", "this text");
    if (line->more != NULL) printf("\n%s", line->more);
}

/* Levenshtein distance of short words, for "did you mean". */
static size_t distance(const char *a, const char *b)
{
    size_t row[33], n = strlen(b);
    if (n > 32) return n;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 1; a[i - 1] != 0; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

static enum arguments_result unknown(const struct command_line *line, const char *name)
{
    const struct argument *nearest = NULL;
    size_t least = 3;
    for (const struct argument *a = line->argument; a->name != NULL; a++) {
        size_t d = distance(name, a->name);
        if (*a->name == '-' && d < least) {
            least = d;
            nearest = a;
        }
    }
    if (nearest != NULL)
        argument_wrong(line, "%s: there is no such option; did you mean %s?", name, nearest->name);
    else
        argument_wrong(line, "%s: there is no such option; andon %s --help lists them", name,
                       line->command);
    return ARGUMENTS_WRONG;
}

static void *field(const struct argument *a, void *options)
{
    return (char *)options + a->offset;
}

static bool parse_count(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *value = v;
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0;
}

static bool add_value(struct argument_values *values, const char *value)
{
    if (values->count == ARGUMENT_VALUES_MAX) return false;
    values->value[values->count++] = value;
    return true;
}

static enum arguments_result set(const struct command_line *line, const struct argument *a,
                                 void *options, const char *value)
{
    void *at = field(a, options);
    switch (a->type) {
    case ARGUMENT_FLAG: *(bool *)at = true; return ARGUMENTS_RUN;
    case ARGUMENT_COUNT:
        if (parse_count(value, at)) return ARGUMENTS_RUN;
        argument_wrong(line, "%s %s: expected a whole number, 0 or more", a->name, value);
        return ARGUMENTS_WRONG;
    case ARGUMENT_TEXT:
    case ARGUMENT_PLACE: *(const char **)at = value; return ARGUMENTS_RUN;
    case ARGUMENT_EACH:
    case ARGUMENT_LIST:
        if (add_value(at, value)) return ARGUMENTS_RUN;
        argument_wrong(line, "%s: expected at most %u values", a->name, ARGUMENT_VALUES_MAX);
        return ARGUMENTS_WRONG;
    }
    assert(false);
    return ARGUMENTS_WRONG;
}

/* The words being read. */
struct words {
    int at, count;
    char **word;
    uint64_t given; /* bit i: argument i of the table was there */
};

static const struct argument *named(const struct command_line *line, const char *word, size_t n)
{
    for (const struct argument *a = line->argument; a->name != NULL; a++)
        if (strncmp(a->name, word, n) == 0 && a->name[n] == 0) return a;
    return NULL;
}

/* --name or -c; a '-' alone is a file, and -1 is a number. */
static bool is_option(const char *word)
{
    if (word[0] != '-') return false;
    bool letter = word[1] >= 'a' && word[1] <= 'z' && (word[2] == 0 || word[2] == '=');
    return letter || word[1] == '-';
}

static enum arguments_result take_option(const struct command_line *line, struct words *w,
                                         void *options)
{
    const char *word = w->word[w->at++];
    size_t n = strcspn(word, "=");
    const struct argument *a = named(line, word, n);
    if (a == NULL) return unknown(line, word);
    uint64_t bit = (uint64_t)1 << (a - line->argument);
    bool again = a->type != ARGUMENT_EACH && a->type != ARGUMENT_LIST && a->type != ARGUMENT_FLAG;
    if (again && (w->given & bit) != 0) {
        argument_wrong(line, "%s: given twice, expected once", a->name);
        return ARGUMENTS_WRONG;
    }
    w->given |= bit;
    if (a->type == ARGUMENT_FLAG) {
        if (word[n] == 0) return set(line, a, options, NULL);
        argument_wrong(line, "%s: takes no value", a->name);
        return ARGUMENTS_WRONG;
    }
    if (word[n] == '=') return set(line, a, options, word + n + 1);
    if (w->at == w->count || is_option(w->word[w->at])) {
        argument_wrong(line, "%s: expected %s behind it", a->name, a->value);
        return ARGUMENTS_WRONG;
    }
    enum arguments_result result;
    do result = set(line, a, options, w->word[w->at++]);
    while (result == ARGUMENTS_RUN && a->type == ARGUMENT_LIST && w->at < w->count &&
           !is_option(w->word[w->at]));
    return result;
}

static enum arguments_result take_place(const struct command_line *line, struct words *w,
                                        void *options)
{
    for (const struct argument *a = line->argument; a->name != NULL; a++) {
        uint64_t bit = (uint64_t)1 << (a - line->argument);
        if (a->type != ARGUMENT_PLACE || (w->given & bit) != 0) continue;
        w->given |= bit;
        return set(line, a, options, w->word[w->at++]);
    }
    argument_wrong(line, "found %s, expected an option; andon %s --help lists them", w->word[w->at],
                   line->command);
    return ARGUMENTS_WRONG;
}

enum arguments_result arguments_parse(const struct command_line *line, int argc, char **argv,
                                      void *options)
{
    struct words w = {1, argc, argv, 0};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(line);
            return ARGUMENTS_HELPED;
        }
    while (w.at < w.count) {
        enum arguments_result result = is_option(w.word[w.at]) ? take_option(line, &w, options)
                                                               : take_place(line, &w, options);
        if (result != ARGUMENTS_RUN) return result;
    }
    for (const struct argument *a = line->argument; a->name != NULL; a++) {
        if (!a->required || (w.given >> (a - line->argument) & 1) != 0) continue;
        argument_wrong(line, "expected %s%s%s; andon %s --help tells more", a->name,
                       a->type == ARGUMENT_PLACE ? "" : " ",
                       a->type == ARGUMENT_PLACE ? "" : a->value, line->command);
        return ARGUMENTS_WRONG;
    }
    return ARGUMENTS_RUN;
}

bool argument_rows(const char *text, uint64_t *first, uint64_t *end)
{
    char *at;
    *first = 0;
    *end = UINT64_MAX;
    errno = 0;
    if (*text >= '0' && *text <= '9') {
        *first = strtoull(text, &at, 10);
        text = at;
    }
    if (*text++ != ':') return false;
    if (*text >= '0' && *text <= '9') {
        *end = strtoull(text, &at, 10);
        text = at;
    }
    return *text == 0 && errno == 0 && *first < *end;
}

bool argument_budget(const char *text, double *per_day)
{
    static const struct {
        const char *unit;
        double days;
    } units[] = {{"/day", 1.0},  {"/d", 1.0}, {"/hour", 1.0 / 24.0}, {"/h", 1.0 / 24.0},
                 {"/week", 7.0}, {"/w", 7.0}, {"/month", 30.0},      {"/year", 365.0}};
    char *end;
    double count = strtod(text, &end);
    if (end == text || !(count > 0.0) || !isfinite(count)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0) {
            *per_day = count / units[i].days;
            return true;
        }
    return false;
}

bool argument_split(char *text, struct argument_values *values)
{
    for (char *at = text; at != NULL;) {
        char *comma = strchr(at, ',');
        if (comma != NULL) *comma = 0;
        if (*at != 0 && !add_value(values, at)) return false;
        at = comma != NULL ? comma + 1 : NULL;
    }
    return true;
}
