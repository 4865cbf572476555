/* Three files at once, each written beside its place and renamed when all are complete. */
#include "csv_writer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define PATH_ROOM 4096
#define EVENTS_MAX 65536u

struct out {
    FILE *file;
    char path[PATH_ROOM], part[PATH_ROOM + 8];
};

/* A stretch of rows in one state, or with one fault. */
struct stretch {
    uint64_t first, last;
    int64_t ts_ns;
    int32_t kind;
};

struct stretches {
    struct stretch *at;
    uint32_t n, room;
};

struct writer {
    struct sim *sim;
    const struct sim_csv *how;
    struct sim_csv_result *result;
    struct out data, labels, meta;
    struct stretches states, faults;
};

static andon_status out_open(struct out *out, andon_error *err)
{
    snprintf(out->part, sizeof out->part, "%s.part", out->path);
    out->file = fopen(out->part, "w");
    if (out->file == NULL) {
        return andon_fail(err, ANDON_EIO, "%s: cannot write: %s", out->path, strerror(errno));
    }
    return ANDON_OK;
}

/* Closes the file; what the system could not write is known now at the latest. */
static andon_status out_close(struct out *out, andon_error *err)
{
    bool bad = fflush(out->file) != 0 || ferror(out->file) != 0;
    int why = errno;
    if (fclose(out->file) != 0 && !bad) bad = true, why = errno;
    out->file = NULL;
    if (bad) return andon_fail(err, ANDON_EIO, "%s: cannot write: %s", out->path, strerror(why));
    return ANDON_OK;
}

static andon_status out_commit(struct out *out, andon_error *err)
{
    if (rename(out->part, out->path) != 0) {
        return andon_fail(err, ANDON_EIO, "%s: cannot write: %s", out->path, strerror(errno));
    }
    out->part[0] = '\0';
    return ANDON_OK;
}

static void out_drop(struct out *out)
{
    if (out->file != NULL) fclose(out->file);
    if (out->part[0] != '\0') unlink(out->part);
}

static andon_status name_files(struct writer *w, andon_error *err)
{
    const char *path = w->how->path;
    size_t length = strlen(path);
    if (length + 16 > PATH_ROOM) return andon_fail(err, ANDON_EINVAL, "the path is too long");
    size_t stem = length;
    if (length > 4 && strcmp(path + length - 4, ".csv") == 0) stem = length - 4;
    snprintf(w->data.path, PATH_ROOM, "%s", path);
    snprintf(w->labels.path, PATH_ROOM, "%.*s.labels.csv", (int)stem, path);
    snprintf(w->meta.path, PATH_ROOM, "%.*s.json", (int)stem, path);
    return ANDON_OK;
}

static void put_time(FILE *f, int64_t ts_ns, char between)
{
    time_t s = (time_t)(ts_ns / NS_PER_S);
    int64_t ms = ts_ns % NS_PER_S / 1000000;
    struct tm t;
    gmtime_r(&s, &t);
    fprintf(f, "%04d-%02d-%02d%c%02d:%02d:%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, between,
            t.tm_hour, t.tm_min, t.tm_sec);
    if (ms != 0) fprintf(f, ".%03d", (int)ms);
}

static bool is_written(const struct writer *w, const struct sim_channel *c)
{
    if (c->kind == SIM_TIME && strcmp(c->name, "Timestamp") == 0) return false; /* is there */
    return w->how->with_text || (c->kind != SIM_TEXT && c->kind != SIM_TIME);
}

/* A text with a comma, quote or blank at an end goes between quotes. */
static void put_text(FILE *f, const char *text, size_t length)
{
    bool quote = memchr(text, ',', length) != NULL || memchr(text, '"', length) != NULL ||
                 (length > 0 && (text[0] == ' ' || text[length - 1] == ' '));
    if (quote) fputc('"', f);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') fputc('"', f);
        fputc(text[i], f);
    }
    if (quote) fputc('"', f);
}

static void put_choice(FILE *f, const char *choices, int index)
{
    for (; index > 0 && *choices != '\0'; index--) {
        choices += strcspn(choices, "|");
        if (*choices == '|') choices++;
    }
    put_text(f, choices, strcspn(choices, "|"));
}

static void put_value(const struct writer *w, const struct sim_channel *c, double v)
{
    FILE *f = w->data.file;
    switch (c->kind) {
    case SIM_TEXT: put_choice(f, c->choices, (int)v); break;
    case SIM_TIME: put_time(f, (int64_t)v, 'T'); break;
    case SIM_ID: fprintf(f, "C%07.0f", v); break;
    case SIM_FLAG: fputc(v > 0.5 ? '1' : '0', f); break;
    default: fprintf(f, "%.*f", sim_options_of(w->sim)->as_published ? 6 : c->decimals, v); break;
    }
}

static void put_header(const struct writer *w)
{
    const struct sim_plant *plant = sim_plant_of(w->sim);
    FILE *f = w->data.file;
    fputs("timestamp", f);
    for (uint32_t c = 0; c < plant->channels; c++) {
        if (is_written(w, &plant->channel[c])) fprintf(f, ",%s", plant->channel[c].name);
    }
    fputs(",operational_state,status", f);
    if (!w->how->no_labels_in_data) fputs(",anomaly,fault", f);
    fputc('\n', f);
    fputs("row,timestamp,anomaly,fault\n", w->labels.file);
}

static void put_row(const struct writer *w, const struct sim_sample *s)
{
    const struct sim_plant *plant = sim_plant_of(w->sim);
    FILE *f = w->data.file;
    const char *fault = s->fault >= 0 ? plant->fault[s->fault].name : "";
    put_time(f, s->ts_ns, ' ');
    for (uint32_t c = 0; c < plant->channels; c++) {
        if (!is_written(w, &plant->channel[c])) continue;
        fputc(',', f);
        put_value(w, &plant->channel[c], s->value[c]);
    }
    fprintf(f, ",%s,%d", plant->state[s->state], s->running);
    if (!w->how->no_labels_in_data) fprintf(f, ",%d,%s", s->fault >= 0, fault);
    fputc('\n', f);
    fprintf(w->labels.file, "%llu,", (unsigned long long)s->row);
    put_time(w->labels.file, s->ts_ns, ' ');
    fprintf(w->labels.file, ",%d,%s\n", s->fault >= 0, fault);
}

static andon_status extend(struct stretches *s, const struct sim_sample *sample, int32_t kind,
                           andon_error *err)
{
    struct stretch *last = s->n > 0 ? &s->at[s->n - 1] : NULL;
    if (last != NULL && last->kind == kind && last->last + 1 == sample->row) {
        last->last = sample->row;
        return ANDON_OK;
    }
    if (s->n == s->room) {
        uint32_t room = s->room == 0 ? 256 : 2 * s->room;
        struct stretch *more = room > EVENTS_MAX ? NULL : realloc(s->at, room * sizeof *more);
        if (more == NULL) {
            return andon_fail(err, ANDON_ENOMEM, "more than %u events in one run", s->room);
        }
        s->at = more;
        s->room = room;
    }
    s->at[s->n++] = (struct stretch){sample->row, sample->row, sample->ts_ns, kind};
    return ANDON_OK;
}

static void put_events(const struct writer *w, const char *title, const struct stretches *s,
                       bool states)
{
    const struct sim_plant *plant = sim_plant_of(w->sim);
    FILE *f = w->meta.file;
    fprintf(f, "  \"%s\": [", title);
    for (uint32_t i = 0; i < s->n; i++) {
        const struct stretch *e = &s->at[i];
        double minutes =
            (double)(e->last - e->first + 1) * sim_options_of(w->sim)->interval_s / 60.0;
        fprintf(f, "%s\n    {\"timestamp\": \"", i > 0 ? "," : "");
        put_time(f, e->ts_ns, 'T');
        fprintf(f,
                "\", \"type\": \"%s\", \"duration_min\": %.6g, \"start_idx\": %llu, "
                "\"end_idx\": %llu}",
                states ? plant->state[e->kind] : plant->fault[e->kind].name, minutes,
                (unsigned long long)e->first, (unsigned long long)e->last + 1);
    }
    fprintf(f, "%s],\n", s->n > 0 ? "\n  " : "");
}

static void put_channels(const struct writer *w)
{
    const struct sim_plant *plant = sim_plant_of(w->sim);
    FILE *f = w->meta.file;
    const char *comma = "";
    fputs("  \"sensor_parameters\": {", f);
    for (uint32_t c = 0; c < plant->channels; c++) {
        const struct sim_channel *ch = &plant->channel[c];
        if (ch->kind == SIM_TEXT || ch->kind == SIM_TIME || ch->kind == SIM_ID) continue;
        fprintf(f,
                "%s\n    \"%s\": {\"unit\": \"%s\", \"min\": %.10g, \"max\": %.10g, "
                "\"usual_low\": %.10g, \"usual_high\": %.10g}",
                comma, ch->name, ch->unit, ch->min, ch->max, ch->low, ch->high);
        comma = ",";
    }
    fputs("\n  },\n", f);
}

static void put_faults(const struct writer *w)
{
    const struct sim_plant *plant = sim_plant_of(w->sim);
    FILE *f = w->meta.file;
    fputs("  \"faults\": {", f);
    for (uint32_t i = 0; i < plant->faults; i++) {
        const struct sim_fault *fault = &plant->fault[i];
        fprintf(f,
                "%s\n    \"%s\": {\"title\": \"%s\", \"weight\": %g, \"downtime_h\": %g, "
                "\"cost\": %g}",
                i > 0 ? "," : "", fault->name, fault->title, fault->weight, fault->downtime_h,
                fault->cost);
    }
    fputs("\n  },\n", f);
}

static void put_meta(const struct writer *w)
{
    const struct sim_options *o = sim_options_of(w->sim);
    FILE *f = w->meta.file;
    fprintf(f, "{\n  \"plant\": \"%s\",\n", sim_plant_of(w->sim)->name);
    fprintf(f,
            "  \"options\": {\"days\": %.10g, \"interval_s\": %.10g, \"anomaly_rate\": %.10g, "
            "\"seed\": %lld, \"as_published\": %s},\n",
            o->days, o->interval_s, o->anomaly_rate, (long long)o->seed,
            o->as_published ? "true" : "false");
    put_events(w, "operational_events", &w->states, true);
    put_events(w, "anomaly_events", &w->faults, false);
    put_channels(w);
    put_faults(w);
    fprintf(f, "  \"rows\": %llu,\n  \"anomalous_rows\": %llu\n}\n",
            (unsigned long long)w->result->rows, (unsigned long long)w->result->anomalous_rows);
}

static andon_status put_rows(struct writer *w, andon_error *err)
{
    struct sim_sample s;
    andon_status st = ANDON_OK;
    while (st == ANDON_OK && sim_next(w->sim, &s)) {
        put_row(w, &s);
        w->result->rows++;
        /* State 0 is the usual one and no event. */
        if (s.state != 0) st = extend(&w->states, &s, (int32_t)s.state, err);
        if (s.fault >= 0) {
            w->result->anomalous_rows++;
            if (st == ANDON_OK) st = extend(&w->faults, &s, s.fault, err);
        }
        if (s.row % 4096 != 0 || st != ANDON_OK) continue;
        double part = (double)s.row / (double)sim_rows(w->sim);
        if (w->how->tell != NULL && w->how->tell(w->how->context, part)) {
            st = andon_fail(err, ANDON_ESTOP, "stopped");
        }
        if (ferror(w->data.file) != 0 || ferror(w->labels.file) != 0) break; /* close says why */
    }
    w->result->events = w->faults.n;
    return st;
}

static andon_status write_all(struct writer *w, andon_error *err)
{
    struct out *outs[] = {&w->data, &w->labels, &w->meta};
    andon_status st = name_files(w, err);
    for (int i = 0; i < 3 && st == ANDON_OK; i++) st = out_open(outs[i], err);
    if (st != ANDON_OK) return st;
    put_header(w);
    st = put_rows(w, err);
    if (st == ANDON_OK) put_meta(w);
    for (int i = 0; i < 3 && st == ANDON_OK; i++) st = out_close(outs[i], err);
    for (int i = 0; i < 3 && st == ANDON_OK; i++) st = out_commit(outs[i], err);
    return st;
}

andon_status sim_csv_write(struct sim *sim, const struct sim_csv *how,
                           struct sim_csv_result *result, andon_error *err)
{
    *result = (struct sim_csv_result){0};
    if (sim_rows(sim) == UINT64_MAX) {
        return andon_fail(err, ANDON_EINVAL, "an endless run (days 0) fits into no file");
    }
    struct writer w = {.sim = sim, .how = how, .result = result};
    andon_status st = write_all(&w, err);
    memcpy(result->labels_path, w.labels.path, sizeof result->labels_path);
    memcpy(result->json_path, w.meta.path, sizeof result->json_path);
    out_drop(&w.data);
    out_drop(&w.labels);
    out_drop(&w.meta);
    free(w.states.at);
    free(w.faults.at);
    return st;
}
