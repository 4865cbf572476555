/* An HTML page that is being written, and how figures look on it. */
#ifndef LEARN_PAGE_H
#define LEARN_PAGE_H

#include <stdint.h>
#include <stdio.h>

struct page {
    FILE *out;
    const char *currency; /* in front of money; "" without one */
    unsigned charts;      /* counts up: ids of titles          */
};

extern const char page_style[]; /* the style sheet */

void page_begin(struct page *page, const char *title);
void page_end(struct page *page);

/* page_put writes as printf does, without escaping: for markup and numbers. */
void page_put(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* page_text writes text that may hold anything; page_text_n its first n bytes. */
void page_text(struct page *page, const char *text);
void page_text_n(struct page *page, const char *text, size_t n);

/* Figures as text of at most PAGE_FIGURE bytes; a dash for NaN. */
#define PAGE_FIGURE 48
const char *page_number(char *text, double v, int decimals); /* "12,345.60" */
const char *page_short(char *text, double v);          /* two to four digits: "0.012", "1.2e+06" */
const char *page_percent(char *text, double part);     /* 0.123 -> "12.3 %" */
const char *page_duration(char *text, double seconds); /* "2 h 05 min" */
const char *page_time(char *text, int64_t ts_ns);      /* "2024-01-03 14:05" */
const char *page_money(const struct page *page, char *text, double v);

#endif
