#include "nab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAMP = 20 }; /* "2014-04-10 07:15:00" and its 0 */

static void *must(void *p)
{
    if (p == NULL) abort();
    return p;
}

/* -- reading ------------------------------------------------------------------------------------ */

static char *file_text(const char *dir, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) return NULL;
    size_t size = 0, room = 1 << 16;
    char *text = must(malloc(room));
    for (size_t got; (got = fread(text + size, 1, room - size - 1, f)) > 0;) {
        size += got;
        if (size + 1 == room) text = must(realloc(text, room *= 2));
    }
    fclose(f);
    text[size] = 0;
    return text;
}

/* "timestamp,value" lines into value and stamp[n][STAMP]. */
static bool series_rows(const char *text, struct nab_series *s, char (**stamp)[STAMP])
{
    size_t room = 0;
    const char *line = strchr(text, '\n');
    while (line != NULL && line[1] != 0) {
        const char *comma = strchr(++line, ',');
        if (comma == NULL || comma - line < STAMP - 1) return false;
        if (s->n == room) {
            room = room * 2 + 4096;
            s->value = must(realloc(s->value, room * sizeof *s->value));
            *stamp = must(realloc(*stamp, room * sizeof **stamp));
        }
        char *end;
        s->value[s->n] = strtod(comma + 1, &end);
        if (end == comma + 1) return false;
        memcpy((*stamp)[s->n], line, STAMP - 1);
        (*stamp)[s->n++][STAMP - 1] = 0;
        line = strchr(end, '\n');
    }
    size_t part = s->n * 15 / 100;
    s->probation = part < 750 ? part : 750;
    return s->n > 0;
}

static bool row_of(const struct nab_series *s, char (*stamp)[STAMP], const char *time, size_t *row)
{
    for (*row = 0; *row < s->n; (*row)++)
        if (strncmp(stamp[*row], time, STAMP - 1) == 0) return true;
    return false;
}

/* The [["first", "last"], ...] that stands at json, into rows. */
static bool series_windows(const char *json, struct nab_series *s, char (*stamp)[STAMP])
{
    int depth = 0;
    size_t edges = 0;
    for (; *json != 0; json++) {
        if (*json == '[') depth++;
        if (*json == ']' && --depth == 0) return edges % 2 == 0;
        if (*json != '"') continue;
        size_t row;
        if (edges / 2 == NAB_WINDOWS_MAX || !row_of(s, stamp, json + 1, &row)) return false;
        if (edges % 2 == 0)
            s->window[edges / 2].first = row;
        else
            s->window[edges / 2].last = row;
        s->windows = ++edges / 2;
        json = strchr(json + 1, '"');
        if (json == NULL) return false;
    }
    return false;
}

/* One entry of the windows file: "name": [...]. False when the series is there but cannot be read. */
static bool series_open(const char *dir, const char *name, const char *json, struct nab_corpus *c)
{
    struct nab_series *s = &c->series[c->count];
    char (*stamp)[STAMP] = NULL;
    char *text = file_text(dir, name);
    if (text == NULL) return true;
    c->count++;
    snprintf(s->name, sizeof s->name, "%s", name);
    bool ok = series_rows(text, s, &stamp) && series_windows(json, s, stamp);
    if (!ok) fprintf(stderr, "%s/%s: not a series with known windows\n", dir, name);
    free(text);
    free(stamp);
    return ok;
}

static bool series_open_all(const char *dir, const char *json, struct nab_corpus *c)
{
    for (const char *at = json; (at = strstr(at, ".csv\"")) != NULL;) {
        const char *from = at;
        char name[128];
        while (from > json && from[-1] != '"') from--;
        at += 5;
        snprintf(name, sizeof name, "%.*s", (int)(at - 1 - from), from);
        if (c->count == NAB_SERIES_MAX || !series_open(dir, name, at, c)) return false;
    }
    return true;
}

static bool weight_of(const char *profile, const char *name, double *weight)
{
    const char *at = strstr(profile, name);
    if (at != NULL) at = strchr(at, ':');
    return at != NULL && sscanf(at + 1, "%lf", weight) == 1;
}

static bool profiles_open(const char *json, struct nab_corpus *c)
{
    static const char *const names[NAB_PROFILES] = {"standard", "reward_low_FP_rate",
                                                    "reward_low_FN_rate"};
    for (int i = 0; i < NAB_PROFILES; i++) {
        struct nab_profile *p = &c->profile[i];
        char quoted[40];
        snprintf(quoted, sizeof quoted, "\"%s\"", names[i]);
        snprintf(p->name, sizeof p->name, "%s", names[i]);
        const char *at = strstr(json, quoted);
        if (at == NULL || !weight_of(at, "tpWeight", &p->tp) || !weight_of(at, "fnWeight", &p->fn) ||
            !weight_of(at, "fpWeight", &p->fp))
            return false;
    }
    return true;
}

bool nab_open(const char *dir, struct nab_corpus *corpus)
{
    memset(corpus, 0, sizeof *corpus);
    char *windows = file_text(dir, "labels/combined_windows.json");
    char *profiles = file_text(dir, "config/profiles.json");
    bool ok = windows == NULL || (profiles != NULL && profiles_open(profiles, corpus));
    if (!ok) fprintf(stderr, "%s/config/profiles.json: no weights of three profiles\n", dir);
    if (ok && windows != NULL) ok = series_open_all(dir, windows, corpus);
    free(windows);
    free(profiles);
    return ok;
}

void nab_close(struct nab_corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) free(corpus->series[i].value);
    memset(corpus, 0, sizeof *corpus);
}

/* -- scoring ------------------------------------------------------------------------------------ */

/* A row that is judged: its score, the window it lies in (-1: none), and what alarming on it earns. */
struct point {
    double score, worth;
    long window;
};

/* 1 far before position 0, 0 there, -1 far after it. */
static double sigmoid(double position)
{
    return position > 3.0 ? -1.0 : 2.0 / (1.0 + exp(5.0 * position)) - 1.0;
}

/* What an alarm at row i is worth: the earlier in its window the more; outside of all windows the
 * farther behind the last one the less. inside: the window's index or -1. */
static double worth(const struct nab_series *s, const struct nab_profile *p, size_t i, long *inside)
{
    const struct nab_window *before = NULL;
    *inside = -1;
    for (size_t w = 0; w < s->windows; w++) {
        const struct nab_window *at = &s->window[w];
        double width = (double)(at->last - at->first + 1);
        if (i >= at->first && i <= at->last) {
            *inside = (long)w;
            return p->tp * sigmoid(-((double)(at->last - i) + 1.0) / width) / sigmoid(-1.0);
        }
        if (i > at->last) before = at;
    }
    if (before == NULL) return -p->fp;
    double width = (double)(before->last - before->first);
    return p->fp * sigmoid((double)(i - before->last) / width);
}

static int falling(const void *a, const void *b)
{
    double x = ((const struct point *)a)->score, y = ((const struct point *)b)->score;
    return (x < y) - (x > y);
}

/* All judged rows, highest score first; windows numbered over the corpus. */
static struct point *points_of(const struct nab_corpus *c, double *const *score,
                               const struct nab_profile *p, size_t *count)
{
    size_t rows = 0, n = 0;
    long windows = 0;
    for (size_t k = 0; k < c->count; k++) rows += c->series[k].n;
    struct point *point = must(calloc(rows + 1, sizeof *point));
    for (size_t k = 0; k < c->count; k++) {
        const struct nab_series *s = &c->series[k];
        for (size_t i = s->probation; i < s->n; i++) {
            long inside;
            point[n].worth = worth(s, p, i, &inside);
            point[n].window = inside < 0 ? -1 : windows + inside;
            point[n++].score = isnan(score[k][i]) ? -HUGE_VAL : score[k][i];
        }
        windows += (long)s->windows;
    }
    qsort(point, n, sizeof *point, falling);
    *count = n;
    return point;
}

double nab_score(const struct nab_corpus *corpus, double *const *score,
                 const struct nab_profile *profile, double *threshold)
{
    double earned[NAB_SERIES_MAX * NAB_WINDOWS_MAX], silent = 0.0;
    bool seen[NAB_SERIES_MAX * NAB_WINDOWS_MAX] = {false};
    size_t count, windows = 0;
    struct point *point = points_of(corpus, score, profile, &count);
    for (size_t k = 0; k < corpus->count; k++) windows += corpus->series[k].windows;
    for (size_t i = 0; i < count; i++) /* a window within the probation cannot be missed */
        if (point[i].window >= 0 && !seen[point[i].window]) {
            seen[point[i].window] = true;
            earned[point[i].window] = -profile->fn;
            silent -= profile->fn;
        }
    double sum = silent, best = silent, best_at = HUGE_VAL;
    for (size_t i = 0; i < count; i++) {
        const struct point *at = &point[i];
        if (at->window < 0) {
            sum += at->worth;
        } else if (at->worth > earned[at->window]) {
            sum += at->worth - earned[at->window];
            earned[at->window] = at->worth;
        }
        /* Rows of one score are alarmed together. */
        if (i + 1 < count && point[i + 1].score == at->score) continue;
        if (sum > best) {
            best = sum;
            best_at = at->score;
        }
    }
    free(point);
    if (threshold != NULL) *threshold = best_at;
    double perfect = (double)windows * profile->tp;
    return perfect > silent ? 100.0 * (best - silent) / (perfect - silent) : 0.0;
}
