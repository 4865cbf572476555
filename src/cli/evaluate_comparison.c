/* The comparison of detectors as a table on standard output: coloured on a terminal, plain in a pipe. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/evaluate_print.h"

enum { COLUMNS = 8, NAME_WIDTH = 14, CELL = 32 };

/* A column: where its figure is and which way is better (+1, -1; 0: neither). */
struct column {
    const char *head, *below;
    int width, better;
    double (*figure)(const struct metrics *m);
};

static double event_precision(const struct metrics *m)
{
    return m->event_precision;
}

static double event_recall(const struct metrics *m)
{
    return m->event_recall;
}

static double event_f1(const struct metrics *m)
{
    return m->event_f1;
}

static double roc_auc(const struct metrics *m)
{
    return m->roc_auc;
}

static double delay_min(const struct metrics *m)
{
    return m->delay_median_s / 60.0;
}

static double false_a_day(const struct metrics *m)
{
    return m->false_alarms_per_day;
}

static double net_value(const struct metrics *m)
{
    return m->net_value;
}

static double row_f1(const struct metrics *m)
{
    return m->f1;
}

static const struct column column[COLUMNS] = {
    {"precision", "events", 10, 1, event_precision}, {"recall", "events", 8, 1, event_recall},
    {"F1", "events", 8, 1, event_f1},                {"F1", "rows", 8, 1, row_f1},
    {"AUC", "rows", 8, 1, roc_auc},                  {"delay", "min", 8, -1, delay_min},
    {"FP/day", "alarms", 8, -1, false_a_day},        {"net value", "events", 12, 1, net_value}};

/* 12345.6 -> "12,346" */
static void whole_with_commas(double v, char text[CELL])
{
    char digits[CELL];
    size_t at = 0, n = (size_t)snprintf(digits, sizeof digits, "%.0f", fabs(v));
    if (v < -0.5) text[at++] = '-';
    for (size_t i = 0; i < n && at + 2 < CELL; i++) {
        if (i > 0 && (n - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
}

static void cell_text(int k, const struct metrics *m, char text[CELL])
{
    double v = column[k].figure(m);
    if (isnan(v))
        snprintf(text, CELL, "-");
    else if (column[k].figure == net_value)
        whole_with_commas(v, text);
    else
        snprintf(text, CELL, column[k].better > 0 ? "%.3f" : "%.1f", v);
}

/* What the best model reaches in a column, as it is printed: equal cells are equally good. */
static void best_text(const struct evaluation *e, int k, char text[CELL])
{
    double best = -INFINITY;
    text[0] = 0;
    for (uint32_t i = 0; i < e->entries; i++) {
        double v = column[k].figure(e->entry[i].metrics) * column[k].better;
        if (e->entry[i].baseline || isnan(v) || v <= best) continue;
        best = v;
        cell_text(k, e->entry[i].metrics, text);
    }
}

static bool wants_colour(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL && term != NULL &&
           strcmp(term, "dumb") != 0;
}

static void print_head(bool colour)
{
    int width = NAME_WIDTH + 8;
    printf("%s%-*s %7s", colour ? "\033[1m" : "", NAME_WIDTH, "detector", "found");
    for (int k = 0; k < COLUMNS; k++) printf("%*s", column[k].width, column[k].head);
    printf("%s\n%s%*s", colour ? "\033[0m" : "", colour ? "\033[2m" : "", NAME_WIDTH + 8, "events");
    for (int k = 0; k < COLUMNS; k++) {
        printf("%*s", column[k].width, column[k].below);
        width += column[k].width;
    }
    putchar('\n');
    for (int i = 0; i < width; i++) fputs(colour ? "\u2500" : "-", stdout);
    puts(colour ? "\033[0m" : "");
}

static void print_entry(const struct report_entry *entry, char best[COLUMNS][CELL], bool colour)
{
    const struct metrics *m = entry->metrics;
    char text[CELL];
    if (colour && entry->baseline) fputs("\033[2m", stdout);
    snprintf(text, sizeof text, "%zu/%zu", m->found, m->events);
    printf("%-*.*s %7s", NAME_WIDTH, NAME_WIDTH, entry->name, text);
    for (int k = 0; k < COLUMNS; k++) {
        cell_text(k, m, text);
        bool wins = colour && !entry->baseline && strcmp(text, best[k]) == 0;
        printf("%s%*s%s", wins ? "\033[1;32m" : "", column[k].width, text, wins ? "\033[0m" : "");
    }
    puts(colour && entry->baseline ? "\033[0m" : "");
}

void evaluate_print_comparison(const struct evaluation *e)
{
    char best[COLUMNS][CELL];
    bool colour = wants_colour();
    for (int k = 0; k < COLUMNS; k++) best_text(e, k, best[k]);
    print_head(colour);
    for (uint32_t i = 0; i < e->entries; i++) print_entry(&e->entry[i], best, colour);
}
