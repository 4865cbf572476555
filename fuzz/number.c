/* Fuzzes the cells of a file: numbers against strtod, numbers out and in again, missing values and
 * status words. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "andon/recipe.h"
#include "ingest/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) abort();
}

static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

enum { CELL_MAX = 1024 }; /* longer ones are no numbers, whatever they hold */

/* Whether strtod, too, knows the text; it takes hexadecimals and words besides. */
static bool plain(const char *text, size_t length)
{
    return length <= CELL_MAX && strlen(text) == length &&
           text[strspn(text, "0123456789+-.eE ")] == 0;
}

static bool strtod_takes(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && end[strspn(end, " \t\r\n")] == 0 && isfinite(*value);
}

static void read_cell(const char *text, size_t length)
{
    double found = 0.0, wanted = 0.0;
    char *exact = malloc(length + (length == 0));
    must(exact != NULL);
    if (length > 0) memcpy(exact, text, length);
    bool taken = number_read(exact, length, &found);
    int runs = andon_running(exact, length);
    must(runs >= -1 && runs <= 1);
    must(!(taken && number_missing(exact, length)));
    must(!taken || (strtod_takes(text, &wanted) && same(found, wanted)));
    must(taken || !plain(text, length) || !strtod_takes(text, &wanted));
    free(exact);
}

/* The longest number at the front, whatever stands behind it. */
static void scan(const char *text, size_t length)
{
    double found = 0.0;
    char *room = calloc(length + 1 + NUMBER_SLACK, 1);
    must(room != NULL);
    memcpy(room, text, length);
    const char *stop = number_scan(room, &found);
    must(stop >= room && stop <= room + length);
    if (stop > room) {
        char *end;
        room[stop - room] = 0;
        double wanted = strtod(room, &end);
        must(end == stop && same(found, wanted));
    }
    free(room);
}

static void write_and_read(const uint8_t *data)
{
    double value, found;
    char text[NUMBER_ROOM];
    memcpy(&value, data, sizeof value);
    for (int digits = 1; digits <= 17; digits++) {
        size_t length = number_write(text, value, digits);
        must(length > 0 && length <= NUMBER_ROOM);
        if (!isfinite(value)) continue;
        /* A value next to the largest may round up beyond it. */
        bool taken = number_read(text, length, &found);
        must(taken || (digits < 17 && fabs(value) > 8e307));
        must(digits < 17 || found == value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    must(text != NULL);
    if (size > 0) memcpy(text, data, size);
    text[size] = 0;
    read_cell(text, size);
    scan(text, size);
    if (size >= sizeof(double)) write_and_read(data);
    free(text);
    return 0;
}
