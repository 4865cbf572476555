/* Fuzzes what stands in a request's line: escapes, parameters, times, durations, figures, pages,
 * hosts, and the table of routes. */
#include <stdlib.h>
#include <string.h>

#include "serve/query.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + (size == 0));
    struct query *q = calloc(1, sizeof *q);
    must(text != NULL && q != NULL);
    if (size > 0) memcpy(text, data, size);
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
    free(q);
    free(text);
    return 0;
}
