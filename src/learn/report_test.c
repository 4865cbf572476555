#include "test.h"

#include <unistd.h>

#include "andon/rng.h"
#include "report.h"

#define CHANNELS 6u
#define ROWS 43200u
#define MINUTE INT64_C(60000000000)

static struct andon_arena arena;
static andon_error err;

/* Everything that a report is made of. */
struct made {
    uint8_t label[ROWS], alarm[ROWS], unknown[ROWS];
    double score[ROWS], value[ROWS * CHANNELS];
    float share[ROWS * CHANNELS];
    int64_t ts_ns[ROWS];
    int32_t regime[ROWS];
    const char *kind[64];
    struct prices prices;
    struct metrics_input in;
    struct metrics m, always;
    struct report_entry entry[2];
    struct report r;
};

static const char *const names[CHANNELS] = {"temperature", "vibration", "<b>&\"hostile\"</b>",
                                            "flow",        "current",   "duty"};
static const char *const regimes[2] = {"normal", "high_load"};

static void fill(struct made *d, size_t n)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 3);
    for (size_t i = 0; i < n; i++) {
        d->label[i] = i % 5000 > 4900;
        d->score[i] = exp(0.4 * andon_rng_normal(&rng) - 2.0 + 4.0 * d->label[i]);
        d->alarm[i] = d->score[i] > 1.0;
        d->unknown[i] = i % 7000 < 20;
        if (d->unknown[i]) d->score[i] = NAN;
        d->ts_ns[i] = INT64_C(1704067200000000000) + (int64_t)i * MINUTE;
        d->regime[i] = i % 1440 > 1000;
        for (uint32_t c = 0; c < CHANNELS; c++) {
            d->value[i * CHANNELS + c] = andon_rng_normal(&rng) + 5.0 * d->label[i];
            d->share[i * CHANNELS + c] = d->unknown[i] ? NAN : c == 2 ? 0.5f : 0.1f;
        }
    }
}

static bool make(struct made *d, size_t n)
{
    andon_arena_free(&arena);
    andon_arena_init(&arena, andon_allocator_libc(), 256u << 20);
    *d = (struct made){0};
    fill(d, n);
    prices_default(&d->prices);
    d->in = (struct metrics_input){.n = n,
                                   .label = d->label,
                                   .score = d->score,
                                   .alarm = d->alarm,
                                   .unknown = d->unknown,
                                   .ts_ns = d->ts_ns,
                                   .regime = d->regime,
                                   .regimes = 2,
                                   .group_s = METRICS_GROUP_S,
                                   .renew_s = METRICS_RENEW_S,
                                   .grace_s = METRICS_GRACE_S};
    if (metrics_measure(&d->in, &d->prices, &arena, &d->m, &err) != ANDON_OK) return false;
    if (metrics_always(&d->in, &d->prices, &arena, &d->always, &err) != ANDON_OK) return false;
    for (size_t k = 0; k < 64; k++) d->kind[k] = k % 2 == 0 ? "Cavitation" : "Seal leak";
    d->entry[0] = (struct report_entry){"ensemble", &d->m, false};
    d->entry[1] = (struct report_entry){"always alarm", &d->always, true};
    d->r = (struct report){.title = "Pump & station",
                           .data = "pump.csv",
                           .model = "ensemble",
                           .card = "detector: <ensemble>\nrows: 5\nno colon here\n",
                           .currency = "$",
                           .budget_per_day = 3,
                           .input = &d->in,
                           .metrics = &d->m,
                           .channels = CHANNELS,
                           .channel = names,
                           .value = d->value,
                           .share = d->share,
                           .regime = regimes,
                           .kind = d->kind,
                           .entry = d->entry,
                           .entries = 2};
    return true;
}

static char *write_and_read(const struct made *d, bool compare, size_t *size)
{
    char path[] = "/tmp/andon-report-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) return NULL;
    close(fd);
    andon_status st = compare ? report_compare(&d->r, path, &arena, &err)
                              : report_write(&d->r, path, &arena, &err);
    FILE *f = st == ANDON_OK ? fopen(path, "r") : NULL;
    char *text = f != NULL ? calloc(1, 4u << 20) : NULL;
    *size = text != NULL ? fread(text, 1, (4u << 20) - 1, f) : 0;
    if (f != NULL) fclose(f);
    unlink(path);
    return text;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what)) n++;
    return n;
}

/* Opened as often as closed, and no figure that is none. */
static const char *what_is_wrong(const char *text)
{
    static const char *const pairs[][2] = {
        {"<svg", "</svg>"}, {"<table", "</table>"}, {"<tr", "</tr>"}, {"<section", "</section>"},
        {"<div", "</div>"}, {"<td", "</td>"},       {"<dl", "</dl>"}, {"<p>", "</p>"},
        {"<dd", "</dd>"},   {"<text", "</text>"}};
    static const char *const never[] = {"http:", "https:", "<script", "src=", "@import",
                                        "url(",  "nan",    "inf ",    "-inf", "(null)"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (strstr(text, never[i]) != NULL) return never[i];
    }
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        size_t opened = count(text, pairs[i][0]);
        if (i == 7) opened += count(text, "<p class"); /* paragraphs come in two forms */
        if (opened != count(text, pairs[i][1])) return pairs[i][1];
    }
    return NULL;
}

TEST(a_month_becomes_one_page_of_less_than_a_megabyte_that_needs_nothing_else)
{
    static struct made d;
    CHECK(make(&d, ROWS));
    size_t size;
    char *text = write_and_read(&d, false, &size);
    CHECK(text != NULL);
    CHECK_SAY(size > 50000 && size < 1000000, "%zu bytes", size);
    const char *wrong = what_is_wrong(text);
    CHECK_SAY(wrong == NULL, "%s", wrong);
    CHECK(strstr(text, "prefers-color-scheme:dark") != NULL);
    CHECK(strstr(text, "Finds 8 of 8 events") != NULL);
    /* score, sensors, examples, curves, contributions of true and of false alarms */
    CHECK(count(text, "<svg role=\"img\"") == 1 + 6 + 6 + 2 + 1 + (d.m.row.fp > 0));
    CHECK(count(text, "<title id=") == count(text, "<svg role"));
    free(text);
}

TEST(names_from_outside_cannot_become_markup)
{
    static struct made d;
    CHECK(make(&d, 10000));
    d.r.currency = "<i>";
    d.r.title = "</title><script>alert(1)</script>";
    size_t size;
    char *text = write_and_read(&d, false, &size);
    CHECK(text != NULL);
    CHECK(strstr(text, "<b>&\"hostile") == NULL && strstr(text, "<script") == NULL);
    CHECK(strstr(text, "&lt;b&gt;&amp;&quot;hostile&quot;&lt;/b&gt;") != NULL);
    CHECK(strstr(text, "&lt;ensemble&gt;") != NULL && strstr(text, "<i>") == NULL);
    free(text);
}

TEST(a_report_shows_what_there_is_when_things_are_missing)
{
    static struct made d;
    CHECK(make(&d, 3000)); /* no event at all */
    CHECK(d.m.events == 0);
    d.r.value = NULL;
    d.r.share = NULL;
    d.r.card = NULL;
    d.r.kind = NULL;
    d.r.regime = NULL;
    d.r.entries = 0;
    d.r.currency = NULL;
    d.r.budget_per_day = 0;
    d.in.ts_ns = NULL;
    size_t size;
    char *text = write_and_read(&d, false, &size);
    CHECK(text != NULL);
    const char *wrong = what_is_wrong(text);
    CHECK_SAY(wrong == NULL, "%s", wrong);
    CHECK(strstr(text, "There is no labelled event to find.") != NULL);
    CHECK(strstr(text, "Sensor profiles") == NULL && strstr(text, "Comparison") == NULL);
    free(text);
}

TEST(one_row_and_values_that_are_all_missing_are_drawn_without_harm)
{
    static struct made d;
    CHECK(make(&d, 1));
    size_t size;
    char *text = write_and_read(&d, false, &size);
    CHECK(text != NULL && what_is_wrong(text) == NULL);
    free(text);
    CHECK(make(&d, 12000));
    for (size_t i = 0; i < 12000 * CHANNELS; i++) d.value[i] = i % CHANNELS == 0 ? NAN : 1e300;
    for (size_t i = 0; i < 12000; i++) d.score[i] = i % 3 == 0 ? 0.0 : 1e290;
    text = write_and_read(&d, false, &size);
    CHECK(text != NULL);
    const char *wrong = what_is_wrong(text);
    CHECK_SAY(wrong == NULL, "%s", wrong);
    free(text);
}

TEST(a_missed_budget_is_said_in_the_headline)
{
    static struct made d;
    CHECK(make(&d, ROWS));
    d.r.budget_per_day = 0.001;
    for (size_t i = 0; i < ROWS; i += 700) d.alarm[i] = 1;
    CHECK(metrics_measure(&d.in, &d.prices, &arena, &d.m, &err) == ANDON_OK);
    size_t size;
    char *text = write_and_read(&d, false, &size);
    CHECK(text != NULL);
    CHECK(strstr(text, "class=\"verdict bad\"") != NULL);
    CHECK(strstr(text, "more than the budget of 0.001 a day") != NULL);
    free(text);
}

TEST(a_comparison_marks_the_best_detector_and_no_baseline)
{
    static struct made d;
    CHECK(make(&d, ROWS));
    struct metrics worse = d.m;
    worse.event_f1 = 0.1;
    struct report_entry entry[3] = {{"good", &d.m, false}, {"worse", &worse, false}, d.entry[1]};
    d.r.entry = entry;
    d.r.entries = 3;
    size_t size;
    char *text = write_and_read(&d, true, &size);
    CHECK(text != NULL && what_is_wrong(text) == NULL);
    const char *base = strstr(text, "<tr class=\"base\">");
    CHECK(base != NULL);
    size_t best = count(text, "<td class=\"best\">");
    CHECK(best > 12 && count(base, "<td class=\"best\">") == 0);
    CHECK(strstr(text, "<td>0.100</td>") != NULL);
    free(text);
}

TEST(a_page_that_cannot_be_written_is_an_error_and_no_half_file)
{
    static struct made d;
    CHECK(make(&d, 5000));
    CHECK(report_write(&d.r, "/nonexistent/report.html", &arena, &err) == ANDON_EIO);
    CHECK(strstr(err.text, "/nonexistent/report.html") != NULL);
    d.r.entries = 0;
    CHECK(report_compare(&d.r, "/tmp/andon-never.html", &arena, &err) == ANDON_EINVAL);
    CHECK(access("/tmp/andon-never.html", F_OK) != 0);
    d.r.metrics = NULL;
    CHECK(report_write(&d.r, "/tmp/andon-never.html", &arena, &err) == ANDON_EINVAL);
}
