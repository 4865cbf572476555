#include "sets.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/csv.h"

/* Reads the numeric columns of a file; skip names columns that are no channels, label the label. */
struct table {
    size_t n;
    uint32_t channels;
    char channel[RUN_CHANNELS_MAX][64];
    double *value;
    double *label;
};

static bool is_among(const char *name, const char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        if (strcmp(name, *list) == 0) return true;
    return false;
}

static bool table_read(struct table *t, const char *path, const char *const *skip,
                       const char *label)
{
    struct csv *csv = NULL;
    andon_error err;
    *t = (struct table){0};
    if (csv_open(&csv, path, true, &err) != ANDON_OK) return false;
    uint32_t labels = CSV_NONE;
    for (uint32_t c = 0; c < csv_columns(csv) && t->channels < RUN_CHANNELS_MAX; c++) {
        const char *name = csv_name(csv, c);
        if (label != NULL && strcmp(name, label) == 0) {
            labels = c;
            continue;
        }
        if (is_among(name, skip)) continue;
        snprintf(t->channel[t->channels], sizeof t->channel[0], "%s", name);
        csv_take(csv, c, CSV_NUMBER, t->channels++);
    }
    uint32_t width = t->channels;
    if (labels != CSV_NONE) csv_take(csv, labels, CSV_NUMBER, width++);
    struct csv_batch batch;
    andon_status st;
    while ((st = csv_read(csv, 1024, &batch, &err)) == ANDON_OK && batch.rows > 0) {
        t->value = realloc(t->value, (t->n + batch.rows) * t->channels * sizeof *t->value);
        t->label = realloc(t->label, (t->n + batch.rows) * sizeof *t->label);
        for (size_t i = 0; i < batch.rows; i++, t->n++) {
            const double *row = batch.value + i * width;
            memcpy(t->value + t->n * t->channels, row, t->channels * sizeof *row);
            t->label[t->n] = labels != CSV_NONE ? row[t->channels] : 0.0;
        }
    }
    csv_close(csv);
    if (st != ANDON_OK) fprintf(stderr, "%s\n", err.text);
    return st == ANDON_OK;
}

static void table_free(struct table *t)
{
    free(t->value);
    free(t->label);
}

/* A run of one table; takes over its values. */
static struct run run_of(struct table *t, const char *name, size_t train, double interval_s)
{
    struct run r = {.n = t->n, .train = train, .channels = t->channels, .value = t->value,
                    .interval_s = interval_s, .label = malloc(t->n + 1)};
    snprintf(r.name, sizeof r.name, "%s", name);
    memcpy(r.channel, t->channel, sizeof r.channel);
    for (size_t i = 0; i < t->n; i++) r.label[i] = t->label[i] > 0.5;
    free(t->label);
    return r;
}

static void set_add(struct set *set, struct run run)
{
    set->run = realloc(set->run, (set->runs + 1) * sizeof run);
    set->run[set->runs++] = run;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct run *)a)->name, ((const struct run *)b)->name);
}

static void skab_group(struct set *set, const char *dir, const char *group)
{
    static const char *const skip[] = {"datetime", "changepoint", NULL};
    char folder[512], path[1024], name[64];
    snprintf(folder, sizeof folder, "%s/skab/%s", dir, group);
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        struct table t;
        size_t length = strlen(e->d_name);
        if (length < 5 || strcmp(e->d_name + length - 4, ".csv") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        snprintf(name, sizeof name, "%s/%.40s", group, e->d_name);
        if (table_read(&t, path, skip, "anomaly")) set_add(set, run_of(&t, name, 400, 1.0));
    }
    if (d != NULL) closedir(d);
}

struct set set_skab(const char *dir)
{
    struct set set = {0};
    skab_group(&set, dir, "valve1");
    skab_group(&set, dir, "valve2");
    skab_group(&set, dir, "other");
    if (set.runs > 0) qsort(set.run, set.runs, sizeof *set.run, by_name);
    return set;
}

static bool read_labels(const char *path, uint8_t *label, size_t n)
{
    FILE *f = fopen(path, "r");
    if (f == NULL) return false;
    size_t i = 0;
    for (double v; i < n && fscanf(f, "%lf", &v) == 1; i++) label[i] = v > 0.5;
    fclose(f);
    return i == n;
}

static void machine_add(struct set *set, const char *folder, const char *base, double interval_s)
{
    char path[1024];
    struct table train, test;
    snprintf(path, sizeof path, "%s/%s_train.csv.gz", folder, base);
    if (!table_read(&train, path, NULL, NULL)) return;
    snprintf(path, sizeof path, "%s/%s_test.csv.gz", folder, base);
    if (!table_read(&test, path, NULL, NULL)) {
        table_free(&train);
        return;
    }
    size_t n = train.n, width = train.channels;
    train.value = realloc(train.value, (n + test.n) * width * sizeof(double));
    train.label = realloc(train.label, (n + test.n) * sizeof(double));
    memcpy(train.value + n * width, test.value, test.n * width * sizeof(double));
    memset(train.label + n, 0, test.n * sizeof(double));
    train.n += test.n;
    table_free(&test);
    struct run r = run_of(&train, base, n, interval_s);
    snprintf(path, sizeof path, "%s/%s_test_label.txt", folder, base);
    if (read_labels(path, r.label + n, r.n - n)) set_add(set, r);
    else run_free(&r);
}

struct set set_machines(const char *dir, const char *name, double interval_s)
{
    static const char ending[] = "_test.csv.gz";
    struct set set = {0};
    char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", dir, name);
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        size_t length = strlen(e->d_name), cut = sizeof ending - 1;
        if (length <= cut || strcmp(e->d_name + length - cut, ending) != 0) continue;
        e->d_name[length - cut] = 0;
        machine_add(&set, folder, e->d_name, interval_s);
    }
    if (d != NULL) closedir(d);
    if (set.runs > 0) qsort(set.run, set.runs, sizeof *set.run, by_name);
    return set;
}

struct set set_ims(const char *dir)
{
    struct set set = {0};
    struct table t;
    char path[512];
    static const char *const skip[] = {"", "c0", "Datetime", "timestamp", "datetime", "date",
                                       "time", "index", NULL};
    snprintf(path, sizeof path, "%s/ims/2nd_test_resmaple_10minutes.csv", dir);
    if (table_read(&t, path, skip, NULL)) {
        size_t train = t.n / 5;
        set_add(&set, run_of(&t, "ims 2", train, 600.0));
    }
    return set;
}

struct set set_ai4i(const char *dir)
{
    struct set set = {0};
    struct table t;
    char path[512];
    static const char *const skip[] = {"UID", "UDI", "Product ID", "Type", "TWF", "HDF", "PWF", "OSF",
                                       "RNF", NULL};
    snprintf(path, sizeof path, "%s/ai4i/ai4i2020.csv", dir);
    if (table_read(&t, path, skip, "Machine failure"))
        set_add(&set, run_of(&t, "ai4i", 0, 60.0));
    return set;
}

struct run run_copy(const struct run *run, size_t from, size_t to, const double *gain,
                    const double *offset)
{
    struct run r = *run;
    r.n = to - from;
    r.value = malloc(r.n * r.channels * sizeof *r.value);
    r.label = malloc(r.n);
    memcpy(r.label, run->label + from, r.n);
    for (size_t i = 0; i < r.n; i++)
        for (uint32_t c = 0; c < r.channels; c++) {
            double v = run->value[(from + i) * r.channels + c];
            r.value[i * r.channels + c] = gain == NULL ? v : gain[c] * v + offset[c];
        }
    return r;
}

void run_free(struct run *run)
{
    free(run->value);
    free(run->label);
}

void set_free(struct set *set)
{
    for (size_t i = 0; i < set->runs; i++) run_free(&set->run[i]);
    free(set->run);
}
