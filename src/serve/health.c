/* GET /health: every part's state, and 503 as soon as one of them is not well. */
#include <string.h>

#include "base/clock.h"
#include "serve/answers.h"
#include "serve/inner.h"

struct telling {
    struct json j;
    bool ill;
    int64_t now_ns;
};

static void tell(void *to, const struct plant_component *part)
{
    static const char *const state_name[] = {"ok", "degraded", "down"};
    struct telling *t = to;
    t->ill |= part->state != PLANT_OK;
    json_open(&t->j, NULL, '{');
    json_cstring(&t->j, "component", part->name);
    json_cstring(&t->j, "state", state_name[part->state]);
    if (part->since_ns > 0) json_time(&t->j, "since", part->since_ns);
    json_cstring(&t->j, "text", part->text == NULL ? "" : part->text);
    json_close(&t->j, '}');
}

void answer_health(struct client *c)
{
    const struct server *s = c->worker->server;
    struct telling t = {.now_ns = clock_wall_ns()};
    json_growing(&t.j, 1 << 20);
    json_open(&t.j, NULL, '{');
    json_open(&t.j, "components", '[');
    if (s->plant.health != NULL) s->plant.health(s->plant.context, tell, &t);
    bool full = atomic_load(&s->connections) >= s->options.connections_max;
    tell(&t, &(struct plant_component){.name = "http",
                                       .state = full ? PLANT_DEGRADED : PLANT_OK,
                                       .text = full ? "http.connections_max is reached" : ""});
    json_close(&t.j, ']');
    json_cstring(&t.j, "status", t.ill ? "degraded" : "healthy");
    json_cstring(&t.j, "version", s->options.version);
    json_time(&t.j, "timestamp", t.now_ns);
    json_whole(&t.j, "uptime_s", (t.now_ns - s->started_ns) / (1000 * NS_PER_MS));
    json_close(&t.j, '}');
    reply_json(&c->reply, t.ill ? 503 : 200, &t.j);
    c->ready = true;
}
