/* Markup and figures. Numbers are written in the C locale, with commas between thousands. */
#include "page.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void page_put(struct page *page, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(page->out, format, args);
    va_end(args);
}

void page_text_n(struct page *page, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (text[i]) {
        case '&': fputs("&amp;", page->out); break;
        case '<': fputs("&lt;", page->out); break;
        case '>': fputs("&gt;", page->out); break;
        case '"': fputs("&quot;", page->out); break;
        case '\'': fputs("&#39;", page->out); break;
        default: fputc(text[i], page->out); break;
        }
    }
}

void page_text(struct page *page, const char *text)
{
    if (text != NULL) page_text_n(page, text, strlen(text));
}

void page_begin(struct page *page, const char *title)
{
    page_put(page, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    page_text(page, title);
    page_put(page, " - andon</title>\n<style>\n%s</style></head>\n<body><main>\n", page_style);
}

void page_end(struct page *page)
{
    page_put(page, "</main></body></html>\n");
}

const char *page_number(char *text, double v, int decimals)
{
    if (!isfinite(v))
        return strcpy(text, isnan(v) ? "\xe2\x80\x93" : v > 0 ? "\xe2\x88\x9e" : "-\xe2\x88\x9e");
    char plain[PAGE_FIGURE];
    if (fabs(v) >= 1e15) {
        snprintf(text, PAGE_FIGURE, "%.3g", v);
        return text;
    }
    snprintf(plain, sizeof plain, "%.*f", decimals, fabs(v));
    size_t whole = strcspn(plain, ".");
    size_t at = 0;
    if (v < 0 && strspn(plain, "0.") != strlen(plain)) text[at++] = '-';
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0) text[at++] = ',';
        text[at++] = plain[i];
    }
    strcpy(text + at, plain + whole);
    return text;
}

const char *page_short(char *text, double v)
{
    if (!isfinite(v)) return page_number(text, v, 0);
    double a = fabs(v);
    if (a != 0.0 && (a < 1e-3 || a >= 1e6)) {
        snprintf(text, PAGE_FIGURE, "%.1e", v);
        return text;
    }
    return page_number(text, v,
                       a >= 100 || a == 0.0 ? 0
                       : a >= 10            ? 1
                       : a >= 0.1           ? 2
                       : a >= 0.01          ? 3
                                            : 4);
}

const char *page_percent(char *text, double part)
{
    if (!isfinite(part)) return page_number(text, NAN, 0);
    snprintf(text, PAGE_FIGURE, "%.1f %%", 100.0 * part);
    return text;
}

const char *page_duration(char *text, double seconds)
{
    if (!isfinite(seconds)) return page_number(text, NAN, 0);
    double minutes = round(seconds / 60.0);
    if (seconds < 60.0) {
        snprintf(text, PAGE_FIGURE, seconds < 10.0 && seconds > 0.0 ? "%.1f s" : "%.0f s", seconds);
    } else if (minutes < 120.0) {
        snprintf(text, PAGE_FIGURE, "%.0f min", minutes);
    } else if (minutes < 2880.0) {
        snprintf(text, PAGE_FIGURE, "%.0f h %02.0f min", floor(minutes / 60.0),
                 fmod(minutes, 60.0));
    } else {
        snprintf(text, PAGE_FIGURE, "%.1f days", minutes / 1440.0);
    }
    return text;
}

const char *page_time(char *text, int64_t ts_ns)
{
    time_t s = (time_t)(ts_ns / INT64_C(1000000000));
    struct tm t;
    gmtime_r(&s, &t);
    strftime(text, PAGE_FIGURE, "%Y-%m-%d %H:%M", &t);
    return text;
}

const char *page_money(const struct page *page, char *text, double v)
{
    char number[PAGE_FIGURE];
    page_number(number, fabs(v), 0);
    if (isnan(v)) return strcpy(text, number);
    snprintf(text, PAGE_FIGURE, "%s%.4s%.36s", v < 0 ? "-" : "", page->currency, number);
    return text;
}
