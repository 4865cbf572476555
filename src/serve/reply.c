#include "serve/reply.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

void reply_clear(struct reply *r)
{
    if (r->owned) free(r->bytes);
    *r = (struct reply){0};
}

const char *reply_title(unsigned status)
{
    const char *title = MHD_get_reason_phrase_for(status);
    return title == NULL ? "Unknown" : title;
}

void reply_constant(struct reply *r, unsigned status, const char *type, const char *bytes,
                    size_t size)
{
    reply_clear(r);
    *r = (struct reply){
        .status = status, .type = type, .bytes = (char *)(uintptr_t)bytes, .size = size};
}

void reply_taken(struct reply *r, unsigned status, const char *type, struct json *j)
{
    static const char large[] =
        "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\","
        "\"status\":500,\"detail\":\"the answer is larger than its limit: ask for "
        "less at a time\"}";
    if (j->failed) {
        json_free(j);
        reply_constant(r, 500, REPLY_PROBLEM, large, sizeof large - 1);
        return;
    }
    reply_clear(r);
    *r = (struct reply){
        .status = status, .type = type, .bytes = j->at, .size = j->used, .owned = true};
    *j = (struct json){0};
}

void reply_json(struct reply *r, unsigned status, struct json *j)
{
    reply_taken(r, status, REPLY_JSON, j);
}

void reply_problem(struct reply *r, unsigned status, const char *format, ...)
{
    char detail[512];
    struct json j;
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    json_growing(&j, 4096);
    json_open(&j, NULL, '{');
    json_cstring(&j, "type", "about:blank");
    json_cstring(&j, "title", reply_title(status));
    json_whole(&j, "status", status);
    json_cstring(&j, "detail", detail);
    json_close(&j, '}');
    reply_taken(r, status, REPLY_PROBLEM, &j);
}

void reply_influx(struct reply *r, unsigned status, const char *detail)
{
    struct json j;
    const char *code = status == 404   ? "not found"
                       : status == 413 ? "request too large"
                       : status == 429 ? "too many requests"
                       : status >= 500 ? "internal error"
                                       : "invalid";
    json_growing(&j, 8192);
    json_open(&j, NULL, '{');
    json_cstring(&j, "code", code);
    json_cstring(&j, "message", detail);
    json_cstring(&j, "error", detail);
    json_close(&j, '}');
    reply_json(r, status, &j);
}
