/* GET and POST sql: a query over the store's views, read only. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "serve/answers.h"
#include "serve/asking.h"

enum { QUERY_BYTES_MAX = 65536, BYTES_MAX = 24 << 20 };

struct table {
    struct client *c;
    struct json j;
    bool begun, cut;
};

/* SQLite's numbers as text are JSON's but for infinities. */
static bool is_number(const char *s)
{
    s += *s == '-';
    size_t whole = strspn(s, "0123456789");
    if (whole == 0 || (whole > 1 && s[0] == '0')) return false;
    s += whole;
    if (*s == '.') {
        size_t part = strspn(s + 1, "0123456789");
        if (part == 0) return false;
        s += 1 + part;
    }
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '+' || s[1] == '-');
        if (strspn(s, "0123456789") == 0) return false;
        s += strspn(s, "0123456789");
    }
    return *s == 0;
}

static void put_value(struct json *j, const char *value, bool text)
{
    if (!text && value != NULL && is_number(value))
        json_raw(j, NULL, text_of(value));
    else
        json_cstring(j, NULL, value);
}

static bool put_row(void *context, uint32_t columns, const char *const *name,
                    const char *const *value, const uint8_t *is_text)
{
    struct table *t = context;
    if (!t->begun) {
        t->begun = true;
        json_open(&t->j, "columns", '[');
        for (uint32_t i = 0; i < columns; i++) json_cstring(&t->j, NULL, name[i]);
        json_close(&t->j, ']');
        json_open(&t->j, "rows", '[');
    }
    if (value == NULL) return true;
    t->cut = t->j.used > BYTES_MAX || atomic_load(&t->c->worker->server->stopping);
    if (t->cut) return false;
    json_open(&t->j, NULL, '[');
    for (uint32_t i = 0; i < columns; i++)
        put_value(&t->j, value[i], is_text != NULL && is_text[i] != 0);
    json_close(&t->j, ']');
    return true;
}

static char *copy(struct text t)
{
    return memchr(t.at, 0, t.length) == NULL ? strndup(t.at, t.length) : NULL;
}

/* The query: ?q=, a body of {"query":"..."}, or the body as it is. malloc's; NULL: there is none.
 */
static char *read_statement(struct client *c)
{
    struct query q;
    char *statement = NULL;
    if (!client_query(c, &q)) return NULL;
    const struct text *said = query_find(&q, "q");
    if (said != NULL && said->length > 0) {
        statement = copy(*said);
    } else if (c->body != NULL && c->body->used > 0) {
        json_t *body =
            c->body->at[0] == '{' ? json_loadb(c->body->at, c->body->used, 0, NULL) : NULL;
        const char *text = json_string_value(json_object_get(body, "query"));
        statement =
            text != NULL ? strdup(text) : copy((struct text){c->body->at, (uint32_t)c->body->used});
        json_decref(body);
    }
    if (statement != NULL && strlen(statement) <= QUERY_BYTES_MAX) return statement;
    free(statement);
    client_refuse(c, REFUSED_PARAMETER, 400,
                  "expected a query of at most %d bytes, as q=... or as the body", QUERY_BYTES_MAX);
    return NULL;
}

void answer_sql(struct client *c, struct reader *reader)
{
    struct table t = {.c = c};
    andon_error err = {""};
    const struct reader_sql_limits limits = {.timeout_ns =
                                                 c->worker->server->options.sql_timeout_ns};
    char *statement = read_statement(c);
    if (statement == NULL) return;
    json_growing(&t.j, REPLY_BYTES_MAX);
    json_open(&t.j, NULL, '{');
    andon_status st = reader_sql(reader, statement, &limits, put_row, &t, &err);
    free(statement);
    if (st != ANDON_OK) {
        json_free(&t.j);
        asking_failed(c, st, &err);
        return;
    }
    if (!t.begun) (void)put_row(&t, 0, NULL, NULL, NULL);
    json_close(&t.j, ']');
    if (t.cut) json_bool(&t.j, "cut", true);
    json_close(&t.j, '}');
    reply_json(&c->reply, 200, &t.j);
    c->ready = true;
}
