#include "spine_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS_MAX = 65536, NUMBERS = 6, CELL_MAX = 24, STRIDE = 37 };
#define BEGIN_MS UINT64_C(1704067200000)

static const char *const name[NUMBERS] = {"temperature", "vibration", "pressure",
                                          "flow_rate",   "current",   "duty_cycle"};
static struct {
    enum spine_shape shape;
    uint32_t rows;
    char text[ROWS_MAX][SPINE_ROW_MAX - 80]; /* what stands in every message of that row */
    uint32_t length[ROWS_MAX];
} all;

void spine_fail(const char *what)
{
    fprintf(stderr, "spine: %s: %s\n", what, strerror(errno));
    exit(1);
}

double spine_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Cell 0 of a line is the time, 1 to 6 are the numbers. */
static void keep(const char *line)
{
    const char *form = all.shape == SPINE_LINE ? "%s%s=%.*s" : "%s\"%s\":%.*s";
    char *out = all.text[all.rows];
    size_t room = sizeof all.text[0], used = 0;
    for (int i = 0; i < NUMBERS; i++) {
        const char *cell = strchr(line, ',');
        if (cell == NULL) spine_fail("a row of the file is short");
        size_t bytes = strcspn(++cell, ",\r\n");
        used += (size_t)snprintf(out + used, room - used, form, i > 0 ? "," : "", name[i],
                                 (int)bytes, cell);
        if (bytes > CELL_MAX || used >= room) spine_fail("a row of the file is long");
        line = cell;
    }
    all.length[all.rows++] = (uint32_t)used;
}

void spine_rows_load(const char *path, enum spine_shape shape)
{
    char line[1024];
    FILE *f = fopen(path, "r");
    if (f == NULL || fgets(line, sizeof line, f) == NULL) spine_fail(path);
    all.shape = shape;
    while (all.rows < ROWS_MAX && fgets(line, sizeof line, f) != NULL) keep(line);
    fclose(f);
    if (all.rows == 0) spine_fail("the file has no rows");
}

static char *put_text(char *out, const char *text, size_t bytes)
{
    memcpy(out, text, bytes);
    return out + bytes;
}

static char *put_ms(char *out, uint64_t ms)
{
    for (int i = 12; i >= 0; i--, ms /= 10) out[i] = (char)('0' + ms % 10);
    return out + 13;
}

static char *put_pump(char *out, uint32_t pump)
{
    *out = 'p';
    for (int i = 4; i >= 1; i--, pump /= 10) out[i] = (char)('0' + pump % 10);
    return out + 5;
}

#define PUT(out, text) put_text(out, text, sizeof(text) - 1)

uint32_t spine_row(char *room, uint32_t pump, uint64_t step)
{
    uint32_t row = (uint32_t)((step + (uint64_t)pump * STRIDE) % all.rows);
    uint64_t ms = BEGIN_MS + step * 60000;
    char *at = room;
    switch (all.shape) {
    case SPINE_OBJECT:
        at = put_ms(PUT(at, "{\"timestamp\":"), ms);
        at = put_text(PUT(at, ","), all.text[row], all.length[row]);
        at = PUT(at, "}");
        break;
    case SPINE_ELEMENT:
        at = put_pump(PUT(at, "{\"asset\":\"bench/"), pump);
        at = put_ms(PUT(at, "\",\"ts\":"), ms);
        at = put_text(PUT(at, ",\"values\":{"), all.text[row], all.length[row]);
        at = PUT(at, "}}\n");
        break;
    case SPINE_LINE:
        at = put_pump(PUT(at, "pump,asset="), pump);
        at = put_text(PUT(at, " "), all.text[row], all.length[row]);
        at = put_ms(PUT(at, " "), ms);
        at = PUT(at, "\n");
        break;
    }
    return (uint32_t)(at - room);
}
