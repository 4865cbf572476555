/* Fuzzes what stands in a request's line: escapes, parameters, times, durations, figures, pages,
 * hosts, and the table of routes. */
#include <stdlib.h>
#include <string.h>

#include "serve/pieces.h"
#include "serve/query.h"
#include "serve/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) abort();
}

static void read_value(struct text value)
{
    int64_t ts = 0, again = 0;
    uint64_t whole;
    uint32_t skip;
    struct query_figures figures;
    char room[QUERY_PAGE_ROOM];
    (void)query_time(value, INT64_C(1700000000000000000), &ts);
    if (query_duration(value, &ts)) must(ts > 0);
    if (query_whole(value, 1000, &whole)) must(whole <= 1000);
    if (query_figures(value, &figures)) must(figures.count > 0 && figures.count <= QUERY_FIGURES);
    if (query_page(value, &ts, &skip)) {
        uint32_t skip_again = 0;
        query_page_write(room, ts, skip);
        must(query_page(text_of(room), &again, &skip_again) && again == ts && skip_again == skip);
    }
    struct text host = query_host_of(value);
    must(host.length <= value.length);
    if (query_host_is_local(value)) must(value.length >= 5);
}

static void find(struct text path)
{
    struct text tail;
    const char *allow;
    const struct route *tables[] = {route_api, route_influx};
    for (int i = 0; i < 2; i++) {
        const struct route *r = route_find(tables[i], TEXT("GET"), path, &tail, &allow);
        must(r == NULL || allow == NULL);
        if (r != NULL && tail.length > 0)
            must(tail.at >= path.at && tail.at + tail.length <= path.at + path.length);
    }
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Every byte that is no blank comes out once and in order; between elements of an array a bracket
 * may stand for the comma. A piece that is taken back and cut again leaves nothing out. */
static void cut(const uint8_t *data, size_t size, enum pieces_shape shape, size_t bytes_max)
{
    char *body = malloc(size + 1);
    struct pieces p;
    struct piece piece;
    size_t at = 0;
    bool back = true;
    must(body != NULL);
    if (size > 0) memcpy(body, data, size);
    pieces_begin(&p, shape, body, size);
    while (pieces_next(&p, bytes_max, &piece)) {
        if (piece.broken) continue;
        size_t from = (size_t)(piece.text.at - body);
        must(piece.text.length > 0 && from >= at && from + piece.text.length <= size);
        for (; at < from; at++)
            must(blank((char)data[at]) || (shape == PIECES_ARRAY && data[at] == '['));
        if (back && piece.elements > 1) {
            pieces_back(&p, &piece);
            back = false;
            continue;
        }
        back = true;
        for (uint32_t i = 0; i + 1 < piece.text.length; i++)
            must(piece.text.at[i] == (char)data[from + i]);
        at = from + piece.text.length;
    }
    for (; at < size; at++)
        must(blank((char)data[at]) || (shape == PIECES_ARRAY && data[at] == '['));
    free(body);
}

static void pick(const uint8_t *data, size_t size)
{
    const struct text body = {(const char *)data, (uint32_t)size};
    for (int shape = PIECES_LINES; shape <= PIECES_ARRAY; shape++) {
        struct text element;
        for (uint32_t i = 0; i < 3; i++)
            if (pieces_element((enum pieces_shape)shape, body, i, &element))
                must(element.length > 0 && element.at >= body.at &&
                     element.at + element.length <= body.at + body.length);
        cut(data, size, (enum pieces_shape)shape, 1 + size / 3);
        cut(data, size, (enum pieces_shape)shape, size + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + (size == 0));
    struct query *q = calloc(1, sizeof *q);
    must(text != NULL && q != NULL);
    if (size > 0) memcpy(text, data, size);
    find((struct text){text, (uint32_t)size});
    read_value((struct text){text, (uint32_t)size});
    if (query_split(q, text, size)) {
        for (uint32_t i = 0; i < q->params; i++) {
            must(memchr(q->param[i].value.at, 0, q->param[i].value.length) == NULL);
            read_value(q->param[i].value);
        }
    }
    if (size > 0) memcpy(text, data, size);
    int64_t length = query_unescape(text, size);
    must(length <= (int64_t)size);
    pick(data, size);
    free(q);
    free(text);
    return 0;
}
