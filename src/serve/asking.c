#include "serve/asking.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static bool wrong(struct client *c, const char *name, const struct text *value,
                  const char *expected)
{
    client_refuse(c, REFUSED_PARAMETER, 400, "%s is \"%.*s\", expected %s", name,
                  value->length < 100 ? (int)value->length : 100, value->at, expected);
    return false;
}

bool asking_range(struct client *c, const struct query *q, uint32_t limit, struct range *range)
{
    static const char time[] = "a time such as 2026-11-21T01:02:03Z, an epoch, now or now-15m";
    const struct text *from = query_find(q, "from"), *to = query_find(q, "to");
    const struct text *most = query_find(q, "limit"), *next = query_find(q, "next");
    int64_t now_ns = clock_wall_ns();
    uint64_t n = limit;
    *range = (struct range){.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    if (from != NULL && from->length > 0 && !query_time(*from, now_ns, &range->from_ns))
        return wrong(c, "from", from, time);
    if (to != NULL && to->length > 0 && !query_time(*to, now_ns, &range->to_ns))
        return wrong(c, "to", to, time);
    if (most != NULL && (!query_whole(*most, ASKING_LIMIT_MAX, &n) || n == 0))
        return wrong(c, "limit", most, "a number from 1 to 100000");
    range->limit = (uint32_t)n;
    if (next == NULL || next->length == 0) return true;
    range->paged = query_page(*next, &range->page_ns, &range->page_skip);
    if (!range->paged) return wrong(c, "next", next, "what the page before said");
    if (range->page_ns > range->from_ns) range->from_ns = range->page_ns;
    return true;
}

bool asking_asset(struct client *c, struct reader *reader, const struct query *q, uint32_t *asset,
                  struct text *path)
{
    const struct text *said = query_find(q, "asset");
    if (said == NULL || said->length == 0) {
        client_refuse(c, REFUSED_PARAMETER, 400,
                      "asset is missing, expected a path such as site/line/pump1");
        return false;
    }
    *path = *said;
    *asset = reader_asset_find(reader, *said);
    if (*asset != 0) return true;
    client_refuse(c, REFUSED_PATH, 404, "there is no asset \"%.*s\"",
                  said->length < 200 ? (int)said->length : 200, said->at);
    return false;
}

enum asking_step asking_row(struct paging *p, int64_t ts_ns)
{
    if (!p->any || ts_ns != p->ts_ns) p->same = 0;
    p->any = true;
    p->ts_ns = ts_ns;
    if (p->range->paged && ts_ns == p->range->page_ns && p->same < p->range->page_skip) {
        p->same++;
        return ASKING_PASS;
    }
    if (p->given == p->range->limit) {
        p->more = true;
        return ASKING_STOP;
    }
    p->same++;
    p->given++;
    return ASKING_GIVE;
}

void asking_full(struct paging *p)
{
    p->same--;
    p->given--;
    p->more = true;
}

void asking_next(const struct paging *p, struct json *j)
{
    char page[QUERY_PAGE_ROOM];
    if (!p->more) {
        json_none(j, "next");
        return;
    }
    query_page_write(page, p->ts_ns, p->same);
    json_cstring(j, "next", page);
}

void asking_failed(struct client *c, andon_status status, const andon_error *err)
{
    if (status == ANDON_EINVAL)
        client_refuse(c, REFUSED_PARAMETER, 400, "%s", err->text);
    else if (status == ANDON_ELIMIT)
        client_refuse(c, REFUSED_SIZE, 422, "%s", err->text);
    else
        client_refuse(c, REFUSED_FAILED, 503, "the store cannot be read: %s", err->text);
}

/* ---- channels ---- */

static bool add_channel(void *context, const struct reader_channel *channel)
{
    struct channels *all = context;
    if (all->count == all->room) {
        uint32_t room = all->room == 0 ? 32 : 2 * all->room;
        struct channel *more = realloc(all->channel, room * sizeof *more);
        all->failed |= more == NULL;
        if (more == NULL) return false;
        all->channel = more;
        all->room = room;
    }
    char *name = malloc(channel->name.length + 1u);
    all->failed |= name == NULL;
    if (name == NULL) return false;
    memcpy(name, channel->name.at, channel->name.length);
    all->channel[all->count++] =
        (struct channel){channel->channel, channel->kind, {name, channel->name.length}};
    return true;
}

static int by_id(const void *a, const void *b)
{
    const struct channel *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

bool channels_load(struct client *c, struct reader *reader, uint32_t asset,
                   struct channels *channels)
{
    andon_error err = {""};
    *channels = (struct channels){0};
    andon_status st = reader_channels(reader, asset, add_channel, channels, &err);
    if (st == ANDON_OK && channels->failed)
        st = andon_fail(&err, ANDON_ENOMEM, "no memory for the names of channels");
    if (st != ANDON_OK) {
        channels_free(channels);
        asking_failed(c, st, &err);
        return false;
    }
    if (channels->count > 0)
        qsort(channels->channel, channels->count, sizeof channels->channel[0], by_id);
    return true;
}

void channels_free(struct channels *channels)
{
    for (uint32_t i = 0; i < channels->count; i++)
        free((char *)(uintptr_t)channels->channel[i].name.at);
    free(channels->channel);
    *channels = (struct channels){0};
}

const struct channel *channels_find(const struct channels *channels, uint32_t id)
{
    const struct channel wanted = {.id = id};
    if (channels->count == 0) return NULL;
    return bsearch(&wanted, channels->channel, channels->count, sizeof wanted, by_id);
}

const struct channel *channels_named(const struct channels *channels, struct text name)
{
    for (uint32_t i = 0; i < channels->count; i++)
        if (text_is(channels->channel[i].name, name)) return &channels->channel[i];
    return NULL;
}
