/* The answer to readings that were all accepted. It is the only one that a busy server makes all
 * the time, so that it asks nobody for memory: the library's response objects are kept, with the
 * text that they point to. */
#include <stdio.h>
#include <stdlib.h>

#include "serve/inner.h"
#include "serve/taking.h"

static struct thanks *make(const char *text, size_t n, uint32_t digits)
{
    struct thanks *t = calloc(1, sizeof *t);
    if (t == NULL) return NULL;
    snprintf(t->text, sizeof t->text, "%s", text);
    t->digits = digits;
    t->response = MHD_create_response_from_buffer(n, t->text, MHD_RESPMEM_PERSISTENT);
    if (t->response != NULL &&
        MHD_add_response_header(t->response, MHD_HTTP_HEADER_CONTENT_TYPE, REPLY_JSON) == MHD_YES &&
        MHD_add_response_header(t->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES)
        return t;
    if (t->response != NULL) MHD_destroy_response(t->response);
    free(t);
    return NULL;
}

bool thanks_take(struct client *c, uint64_t accepted)
{
    struct worker *w = c->worker;
    char text[48];
    uint32_t digits = 1;
    for (uint64_t rest = accepted; rest >= 10; rest /= 10) digits++;
    if (digits >= THANKS_DIGITS) return false;
    int n = snprintf(text, sizeof text, "{\"accepted\":%u,\"rejected\":[]}", (unsigned)accepted);
    struct thanks *t = w->thanks[digits];
    if (t != NULL) {
        w->thanks[digits] = t->next;
        snprintf(t->text, sizeof t->text, "%s", text);
    } else {
        t = make(text, (size_t)n, digits);
        if (t == NULL) return false;
    }
    c->thanks = t;
    c->answer = t->response;
    return true;
}

void thanks_give(struct client *c)
{
    struct thanks *t = c->thanks;
    if (t == NULL) return;
    t->next = c->worker->thanks[t->digits];
    c->worker->thanks[t->digits] = t;
    c->thanks = NULL;
}

void thanks_close(struct worker *w)
{
    for (uint32_t d = 0; d < THANKS_DIGITS; d++) {
        while (w->thanks[d] != NULL) {
            struct thanks *t = w->thanks[d];
            w->thanks[d] = t->next;
            MHD_destroy_response(t->response);
            free(t);
        }
    }
}
