#include "ingest/lines.h"

#include <stdlib.h>
#include <string.h>

#include "ingest/csv.h"
#include "ingest/kernel/cells.h"
#include "ingest/number.h"

_Static_assert(CELLS_SLACK >= NUMBER_SLACK, "both look behind the last line");

enum { READ_BYTES = 256 * 1024, LOOK_BYTES = 4096 };

static const size_t room = (size_t)CSV_LINE_MAX + READ_BYTES;

static void find_limit(struct lines *l, size_t from)
{
    if (l->ended) {
        if (l->fill > l->at && l->buffer[l->fill - 1] != '\n') l->buffer[l->fill++] = '\n';
        l->limit = l->fill;
        return;
    }
    const char *last = memrchr(l->buffer + from, '\n', l->fill - from);
    if (last != NULL) l->limit = (size_t)(last - l->buffer) + 1;
}

andon_status lines_more(struct lines *l, andon_error *err)
{
    if (l->ended) return ANDON_OK;
    memmove(l->buffer, l->buffer + l->at, l->fill - l->at);
    l->limit -= l->at;
    l->fill -= l->at;
    l->at = 0;
    size_t before = l->limit;
    while (!l->ended && l->limit == before) {
        if (l->fill > CSV_LINE_MAX)
            return andon_fail(err, ANDON_ELIMIT,
                              "%s:%llu: a row of more than %u bytes, expected shorter rows",
                              l->path, (unsigned long long)l->line, CSV_LINE_MAX);
        size_t got, want = room - l->fill < READ_BYTES ? room - l->fill : (size_t)READ_BYTES;
        andon_status st = compressed_read(l->file, l->buffer + l->fill, want, &got, err);
        if (st != ANDON_OK) return st;
        l->ended = got == 0;
        l->fill += got;
        find_limit(l, l->fill - got);
    }
    return ANDON_OK;
}

static andon_status check_is_text(const struct lines *l, andon_error *err)
{
    size_t look = l->fill < LOOK_BYTES ? l->fill : (size_t)LOOK_BYTES;
    const unsigned char *b = (const unsigned char *)l->buffer;
    if (look >= 2 && ((b[0] == 0xFF && b[1] == 0xFE) || (b[0] == 0xFE && b[1] == 0xFF)))
        return andon_fail(err, ANDON_EDATA, "%s: the text is UTF-16, expected UTF-8", l->path);
    for (size_t i = 0; i < look; i++)
        if (b[i] < 0x20 && b[i] != '\t' && b[i] != '\n' && b[i] != '\r')
            return andon_fail(err, ANDON_EDATA,
                              "%s: not a CSV: found byte 0x%02x at offset %zu, "
                              "expected text",
                              l->path, b[i], i);
    return ANDON_OK;
}

andon_status lines_open(struct lines *l, const char *path, andon_error *err)
{
    *l = (struct lines){.path = path, .line = 1};
    andon_status st = compressed_open(&l->file, path, err);
    if (st != ANDON_OK) return st;
    l->buffer = calloc(1, room + 1 + CELLS_SLACK);
    if (l->buffer == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory for a line", path);
    /* The reason is better told of a binary file than of its endless first line. */
    st = lines_more(l, err);
    andon_status text = check_is_text(l, st == ANDON_OK || st == ANDON_ELIMIT ? err : NULL);
    if (st == ANDON_OK || (st == ANDON_ELIMIT && text != ANDON_OK)) st = text;
    if (st == ANDON_OK && l->fill >= 3 && memcmp(l->buffer, "\xEF\xBB\xBF", 3) == 0) l->at = 3;
    return st;
}

void lines_close(struct lines *l)
{
    compressed_close(l->file);
    free(l->buffer);
    *l = (struct lines){0};
}
