/* GET /, /docs and /openapi.json: what runs here, written from the tables of routes. */
#include <string.h>

#include "serve/answers.h"
#include "serve/inner.h"

#define PAGE_BYTES_MAX ((size_t)1 << 20)

static void put(struct json *j, const char *text)
{
    json_bytes(j, text, strlen(text));
}

static void put_escaped(struct json *j, const char *text)
{
    for (; *text != 0; text++) {
        switch (*text) {
        case '<': put(j, "&lt;"); break;
        case '>': put(j, "&gt;"); break;
        case '&': put(j, "&amp;"); break;
        case '"': put(j, "&quot;"); break;
        default: json_bytes(j, text, 1);
        }
    }
}

static void begin(struct json *j, const char *title)
{
    json_growing(j, PAGE_BYTES_MAX);
    put(j, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    put_escaped(j, title);
    put(j,
        "</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;"
        "padding:0 1rem}table{border-collapse:collapse}td,th{text-align:left;padding:.2rem 1rem "
        ".2rem 0;"
        "vertical-align:top}code{font-size:.9em}</style></head><body><h1>");
    put_escaped(j, title);
    put(j, "</h1>");
}

static void finish(struct client *c, struct json *j)
{
    put(j, "</body></html>\n");
    reply_taken(&c->reply, 200, REPLY_HTML, j);
    c->ready = true;
}

static void put_link(struct json *j, const char *path, const char *what)
{
    put(j, "<li><a href=\"");
    put_escaped(j, path);
    put(j, "\">");
    put_escaped(j, path);
    put(j, "</a> ");
    put_escaped(j, what);
    put(j, "</li>");
}

void answer_index(struct client *c)
{
    const struct server *s = c->worker->server;
    struct json j;
    begin(&j, "andon");
    put(&j, "<p>andon ");
    put_escaped(&j, s->options.version);
    put(&j, " watches machines from here: it keeps what their sensors say and judges every reading."
            "</p><ul>");
    for (const struct route *r = route_api; r->method != NULL; r++)
        if (strcmp(r->method, "GET") == 0 && strchr(r->pattern, '{') == NULL &&
            strcmp(r->pattern, "/") != 0 && strstr(r->pattern, "/verdicts") == NULL &&
            strstr(r->pattern, "/readings") == NULL && strstr(r->pattern, "/sql") == NULL)
            put_link(&j, r->pattern, r->help);
    put(&j, "</ul>");
    finish(c, &j);
}

static void put_routes(struct json *j, const struct route *table)
{
    put(j, "<table><tr><th>call</th><th>parameters</th><th></th></tr>");
    for (const struct route *r = table; r->method != NULL; r++) {
        put(j, "<tr><td><code>");
        put_escaped(j, r->method);
        put(j, " ");
        put_escaped(j, r->pattern);
        put(j, "</code></td><td><code>");
        put_escaped(j, r->parameters == NULL ? "" : r->parameters);
        put(j, "</code></td><td>");
        put_escaped(j, r->help);
        put(j, "</td></tr>");
    }
    put(j, "</table>");
}

void answer_docs(struct client *c)
{
    const struct server *s = c->worker->server;
    struct json j;
    char port[16];
    begin(&j, "andon: what is answered here");
    put_routes(&j, route_api);
    if (s->port[LISTENER_INFLUX] != 0) {
        put(&j, "<h2>InfluxDB's clients: port ");
        snprintf(port, sizeof port, "%u", (unsigned)s->port[LISTENER_INFLUX]);
        put(&j, port);
        put(&j, "</h2>");
        put_routes(&j, route_influx);
    }
    finish(c, &j);
}

/* ---- OpenAPI ---- */

static void put_parameter(struct json *j, struct text name, const char *in, bool required)
{
    json_open(j, NULL, '{');
    json_text(j, "name", name);
    json_cstring(j, "in", in);
    json_bool(j, "required", required);
    json_open(j, "schema", '{');
    json_cstring(j, "type", "string");
    json_close(j, '}');
    json_close(j, '}');
}

static void put_parameters(struct json *j, const struct route *r)
{
    const char *open = strchr(r->pattern, '{'), *p = r->parameters;
    json_open(j, "parameters", '[');
    if (open != NULL) {
        uint32_t n = (uint32_t)strcspn(open + 1, ".}");
        put_parameter(j, (struct text){open + 1, n}, "path", true);
    }
    while (p != NULL && *p != 0) {
        uint32_t n = (uint32_t)strcspn(p, " ");
        put_parameter(j, (struct text){p, n}, "query", false);
        p += n + (p[n] == ' ');
    }
    json_close(j, ']');
}

static void put_operation(struct json *j, const struct route *r)
{
    json_open(j, strcmp(r->method, "POST") == 0 ? "post" : "get", '{');
    json_cstring(j, "summary", r->help);
    put_parameters(j, r);
    if (r->body != ROUTE_NO_BODY) {
        json_open(j, "requestBody", '{');
        json_open(j, "content", '{');
        json_open(j, "application/json", '{');
        json_close(j, '}');
        json_close(j, '}');
        json_close(j, '}');
    }
    json_open(j, "responses", '{');
    json_open(j, "200", '{');
    json_cstring(j, "description", "done");
    json_close(j, '}');
    json_open(j, "default", '{');
    json_cstring(j, "description", "an error, as RFC 9457 has it");
    json_close(j, '}');
    json_close(j, '}');
    json_close(j, '}');
}

/* Patterns of the table are OpenAPI's but for "{path...}". */
static void put_path(struct json *j, const struct route *r)
{
    char path[128];
    snprintf(path, sizeof path, "%s", r->pattern);
    char *dots = strstr(path, "...");
    if (dots != NULL) memmove(dots, dots + 3, strlen(dots + 3) + 1);
    json_open(j, path, '{');
}

static bool is_first(const struct route *r)
{
    for (const struct route *b = route_api; b < r; b++)
        if (strcmp(b->pattern, r->pattern) == 0) return false;
    return true;
}

void answer_openapi(struct client *c)
{
    struct json j;
    json_growing(&j, PAGE_BYTES_MAX);
    json_open(&j, NULL, '{');
    json_cstring(&j, "openapi", "3.0.3");
    json_open(&j, "info", '{');
    json_cstring(&j, "title", "andon");
    json_cstring(&j, "version", c->worker->server->options.version);
    json_close(&j, '}');
    json_open(&j, "paths", '{');
    for (const struct route *r = route_api; r->method != NULL; r++) {
        if (!is_first(r)) continue;
        put_path(&j, r);
        for (const struct route *o = r; o->method != NULL; o++)
            if (strcmp(o->pattern, r->pattern) == 0) put_operation(&j, o);
        json_close(&j, '}');
    }
    json_close(&j, '}');
    json_close(&j, '}');
    reply_json(&c->reply, 200, &j);
    c->ready = true;
}
