/* GET /metrics: Prometheus' text, OpenMetrics when it is asked for, or a few figures as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ingest/number.h"
#include "serve/answers.h"
#include "serve/inner.h"

#define METRICS_BYTES_MAX ((size_t)16 << 20)

struct exposition {
    struct json out; /* used for its bytes alone */
    bool open;       /* OpenMetrics */
    char family[128];
};

static void put(struct exposition *x, const char *text)
{
    json_bytes(&x->out, text, strlen(text));
}

static void put_escaped(struct exposition *x, const char *text, bool quotes)
{
    for (; *text != 0; text++) {
        if (*text == '\\')
            put(x, "\\\\");
        else if (*text == '\n')
            put(x, "\\n");
        else if (quotes && *text == '"')
            put(x, "\\\"");
        else
            json_bytes(&x->out, text, 1);
    }
}

static void put_number(struct exposition *x, double value)
{
    char text[NUMBER_ROOM];
    if (isnan(value))
        put(x, "NaN");
    else if (isinf(value))
        put(x, value > 0 ? "+Inf" : "-Inf");
    else
        json_bytes(&x->out, text, number_write(text, value, 17));
}

/* OpenMetrics' counters are families without _total, samples with it. */
static size_t family_length(const struct exposition *x, const struct plant_figure *f)
{
    size_t n = strlen(f->name);
    bool total = n > 6 && strcmp(f->name + n - 6, "_total") == 0;
    return x->open && f->kind == PLANT_COUNTER && total ? n - 6 : n;
}

static void put_family(struct exposition *x, const struct plant_figure *f)
{
    static const char *const kind[] = {"counter", "gauge", "histogram"};
    char line[256];
    if (strcmp(x->family, f->name) == 0) return;
    snprintf(x->family, sizeof x->family, "%s", f->name);
    int n = (int)family_length(x, f);
    snprintf(line, sizeof line, "# HELP %.*s ", n, f->name);
    put(x, line);
    put_escaped(x, f->help == NULL ? "" : f->help, x->open);
    snprintf(line, sizeof line, "\n# TYPE %.*s %s\n", n, f->name, kind[f->kind]);
    put(x, line);
}

static void put_sample(struct exposition *x, const struct plant_figure *f, const char *suffix,
                       const char *bound, double value)
{
    put(x, f->name);
    put(x, suffix);
    if (f->labels > 0 || bound != NULL) {
        for (uint32_t i = 0; i < f->labels; i++) {
            put(x, i == 0 ? "{" : ",");
            put(x, f->label[i].name);
            put(x, "=\"");
            put_escaped(x, f->label[i].value, true);
            put(x, "\"");
        }
        if (bound != NULL) {
            put(x, f->labels == 0 ? "{le=\"" : ",le=\"");
            put(x, bound);
            put(x, "\"");
        }
        put(x, "}");
    }
    put(x, " ");
    put_number(x, value);
    put(x, "\n");
}

static void put_histogram(struct exposition *x, const struct plant_figure *f)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < f->bounds; i++) {
        char bound[NUMBER_ROOM + 3];
        sum += f->count[i];
        size_t n = number_write(bound, f->bound[i], 17);
        bound[n] = 0;
        if (strpbrk(bound, ".e") == NULL) memcpy(bound + n, ".0", 3); /* OpenMetrics wants floats */
        put_sample(x, f, "_bucket", bound, (double)sum);
    }
    sum += f->count[f->bounds];
    put_sample(x, f, "_bucket", "+Inf", (double)sum);
    put_sample(x, f, "_sum", NULL, f->value);
    put_sample(x, f, "_count", NULL, (double)sum);
}

static void expose(void *to, const struct plant_figure *f)
{
    struct exposition *x = to;
    put_family(x, f);
    if (f->kind == PLANT_HISTOGRAM)
        put_histogram(x, f);
    else
        put_sample(x, f, "", NULL, f->value);
}

/* ---- the server's own ---- */

struct telling {
    void (*each)(void *to, const struct plant_figure *figure);
    void *to;
};

static void tell(const struct telling *t, enum plant_kind kind, const char *name, const char *help,
                 double value)
{
    t->each(t->to,
            &(struct plant_figure){.name = name, .help = help, .kind = kind, .value = value});
}

static void tell_labelled(const struct telling *t, const char *name, const char *help,
                          const char *label, const char *text, double value)
{
    const struct plant_label one = {label, text};
    t->each(t->to, &(struct plant_figure){.name = name,
                                          .help = help,
                                          .kind = PLANT_COUNTER,
                                          .labels = 1,
                                          .label = &one,
                                          .value = value});
}

/* Sums over the loops. figure is a place in the struct of the first. */
static double sum(const struct server *s, const _Atomic uint64_t *figure)
{
    uint64_t total = 0;
    ptrdiff_t at = (const char *)figure - (const char *)&s->worker[0].tally;
    for (uint32_t i = 0; i < s->options.threads; i++)
        total += tally_of((const _Atomic uint64_t *)((const char *)&s->worker[i].tally + at));
    return (double)total;
}

static void tell_requests(const struct telling *t, const struct server *s, const struct tally *y)
{
    tell(t, PLANT_COUNTER, "andon_http_requests_total", "Requests that began.",
         sum(s, &y->requests));
    for (uint32_t i = 0; i < TALLY_CODES; i++) {
        char code[12];
        double value = sum(s, &y->code[i]);
        snprintf(code, sizeof code, "%u", tally_code(i));
        if (value > 0)
            tell_labelled(t, "andon_http_answers_total", "Answers, by status.", "code",
                          tally_code(i) == 0 ? "other" : code, value);
    }
    for (uint32_t i = 0; i < REFUSED_REASONS; i++)
        tell_labelled(t, "andon_http_refused_total", "Requests and connections refused, by reason.",
                      "reason", refusal_reason_name((enum refusal_reason)i),
                      sum(s, &y->refused[i]));
}

static void tell_own(const struct telling *t, const struct server *s)
{
    const struct tally *y = &s->worker[0].tally;
    tell_requests(t, s, y);
    tell_labelled(t, "andon_http_readings_total", "Elements acknowledged, by door.", "door",
                  "native", sum(s, &y->readings[LISTENER_API]));
    tell_labelled(t, "andon_http_readings_total", "Elements acknowledged, by door.", "door",
                  "influx", sum(s, &y->readings[LISTENER_INFLUX]));
    tell(t, PLANT_COUNTER, "andon_http_rejected_total", "Elements that could not be read.",
         sum(s, &y->rejected));
    tell(t, PLANT_COUNTER, "andon_http_received_bytes_total", "Bytes of bodies.",
         sum(s, &y->body_bytes));
    tell(t, PLANT_COUNTER, "andon_http_sent_bytes_total", "Bytes of answers' bodies.",
         sum(s, &y->answer_bytes));
    tell(t, PLANT_GAUGE, "andon_http_connections", "Connections now.", sum(s, &y->connections));
    tell(t, PLANT_COUNTER, "andon_http_accepted_total", "Connections accepted.",
         sum(s, &y->accepted));
    tell(t, PLANT_GAUGE, "andon_http_streams", "Live streams now.", sum(s, &y->streams));
    tell(t, PLANT_COUNTER, "andon_http_stream_events_total", "Events sent to streams.",
         sum(s, &y->events));
    tell(t, PLANT_COUNTER, "andon_http_stream_lost_total", "Events that streams were too slow for.",
         sum(s, &y->events_lost));
    tell(t, PLANT_COUNTER, "andon_http_queries_total", "Questions to the store.",
         sum(s, &y->queries));
    tell(t, PLANT_COUNTER, "andon_http_query_seconds_total", "Time that they took.",
         sum(s, &y->query_ns) / 1e9);
}

static void tell_process(const struct telling *t)
{
    unsigned long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f != NULL) {
        if (fscanf(f, "%lu %lu", &pages, &resident) == 2)
            tell(t, PLANT_GAUGE, "process_resident_memory_bytes", "Resident memory.",
                 (double)resident * (double)sysconf(_SC_PAGESIZE));
        fclose(f);
    }
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
        tell(t, PLANT_COUNTER, "process_cpu_seconds_total", "Processor time.",
             (double)used.tv_sec + (double)used.tv_nsec / 1e9);
}

static void tell_all(const struct server *s, void (*each)(void *, const struct plant_figure *),
                     void *to)
{
    const struct telling t = {each, to};
    if (s->plant.figures != NULL) s->plant.figures(s->plant.context, each, to);
    tell_own(&t, s);
    tell_process(&t);
}

/* ---- JSON for those who count predictions ---- */

struct counts {
    double verdicts, anomalies, normals, seconds, judged;
    bool model;
};

static void count(void *to, const struct plant_figure *f)
{
    struct counts *n = to;
    if (strcmp(f->name, "andon_verdicts_total") == 0) {
        n->verdicts += f->value;
        for (uint32_t i = 0; i < f->labels; i++) {
            if (strcmp(f->label[i].name, "state") != 0) continue;
            if (strcmp(f->label[i].value, "ANOMALY") == 0) n->anomalies += f->value;
            if (strcmp(f->label[i].value, "NORMAL") == 0) n->normals += f->value;
        }
    } else if (strcmp(f->name, "andon_score_seconds") == 0 && f->kind == PLANT_HISTOGRAM) {
        n->seconds += f->value;
        for (uint32_t i = 0; i <= f->bounds; i++) n->judged += (double)f->count[i];
    } else if (strcmp(f->name, "andon_model_info") == 0) {
        n->model = true;
    }
}

static void answer_counts(struct client *c)
{
    struct counts n = {0};
    struct json j;
    const struct server *s = c->worker->server;
    if (s->plant.figures != NULL) s->plant.figures(s->plant.context, count, &n);
    json_growing(&j, 4096);
    json_open(&j, NULL, '{');
    json_whole(&j, "request_count", (long long)sum(s, &s->worker[0].tally.requests));
    json_whole(&j, "prediction_count", (long long)n.verdicts);
    json_whole(&j, "anomaly_count", (long long)n.anomalies);
    json_whole(&j, "normal_count", (long long)n.normals);
    json_number(&j, "average_latency_ms", n.judged > 0 ? 1e3 * n.seconds / n.judged : 0.0);
    json_bool(&j, "model_loaded", n.model);
    json_close(&j, '}');
    reply_json(&c->reply, 200, &j);
    c->ready = true;
}

static bool accepts(struct text accept, const char *type)
{
    size_t n = strlen(type);
    for (uint32_t i = 0; i + n <= accept.length; i++)
        if (strncasecmp(accept.at + i, type, n) == 0) return true;
    return false;
}

void answer_metrics(struct client *c)
{
    struct text accept = client_header(c, "Accept");
    if (accepts(accept, "application/json")) {
        answer_counts(c);
        return;
    }
    struct exposition x = {.open = accepts(accept, "application/openmetrics-text")};
    json_growing(&x.out, METRICS_BYTES_MAX);
    tell_all(c->worker->server, expose, &x);
    if (x.open) put(&x, "# EOF\n");
    reply_taken(&c->reply, 200,
                x.open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8",
                &x.out);
    c->ready = true;
}
