/* What the tables cannot say: values that are expressions, and keys that belong together. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "base/zone.h"
#include "engine/config_schema.h"
#include "plant/path.h"

static const char *wrong(andon_error *why, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static const char *wrong(andon_error *why, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return key;
}

const char *check_site(void *row, struct andon_arena *arena, andon_error *why)
{
    const struct config_site *site = row;
    struct zone *zone = NULL;
    andon_error err;
    (void)arena;
    const char *path = site->path == NULL ? NULL : path_wrong(text_of(site->path));
    if (path != NULL)
        return wrong(why, "path", "found '%.80s', expected names with / between them: %s",
                     site->path, path);
    andon_status st = zone_open(site->timezone, &zone, &err);
    zone_close(zone);
    return st == ANDON_OK ? NULL : wrong(why, "timezone", "%s", err.text);
}

/* "3 of 5", "10 per 10m": a whole number, a word, and what is behind it. */
static const char *cut_pair(const char *text, const char *word, uint32_t *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    size_t length = strlen(word);
    if (*text < '0' || *text > '9' || value > 1000000) return NULL;
    if (*end != ' ' || strncmp(end + 1, word, length) != 0 || end[1 + length] != ' ') return NULL;
    *number = (uint32_t)value;
    return end + length + 2;
}

const char *check_alarms(void *row, struct andon_arena *arena, andon_error *why)
{
    struct config_alarms *a = row;
    int64_t of;
    (void)arena;
    const char *rest = cut_pair(a->confirm, "of", &a->confirm_hits);
    char *end = NULL;
    of = rest == NULL ? 0 : strtol(rest, &end, 10);
    if (rest == NULL || *rest < '0' || *rest > '9' || *end != 0 || of > 1000 ||
        a->confirm_hits < 1 || a->confirm_hits > of)
        return wrong(why, "confirm",
                     "found '%.40s', expected N of M with N from 1 to M, such as 3 of 5",
                     a->confirm);
    a->confirm_of = (uint32_t)of;
    rest = cut_pair(a->flood, "per", &a->flood_count);
    if (rest == NULL || a->flood_count < 1 || !duration_read(text_of(rest), &a->flood_ns) ||
        a->flood_ns <= 0)
        return wrong(why, "flood", "found '%.40s', expected N per DURATION, such as 10 per 10m",
                     a->flood);
    return NULL;
}

/* HOST:PORT with a host of letters, digits, '.', '-' or in [] for IPv6. */
static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    if (colon == NULL || colon == text || colon[1] < '0' || colon[1] > '9') return false;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != 0 || port > 65535) return false;
    size_t host = (size_t)(colon - text);
    if (text[0] == '[')
        return text[host - 1] == ']' && strspn(text + 1, "0123456789abcdefABCDEF:.%") == host - 2;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
           host;
}

/* One of the schemes, a host, perhaps a port; never a password. */
static const char *check_url(const char *url, const char *schemes, andon_error *why,
                             const char *key)
{
    char address[256];
    const char *host = strstr(url, "://");
    bool known = false;
    for (const char *s = schemes; host != NULL && *s != 0;
         s += strcspn(s, "|") + (strchr(s, '|') != NULL))
        known = known || (strcspn(s, "|") == (size_t)(host - url) &&
                          strncmp(s, url, (size_t)(host - url)) == 0);
    if (host != NULL && strchr(host, '@') != NULL)
        return wrong(why, key,
                     "found an address with a user in it, expected none: no secrets in addresses");
    if (host != NULL) {
        size_t length = strcspn(host + 3, "/");
        bool port = memchr(host + 3, ':', length) != NULL && host[2 + length] != ']';
        int n =
            snprintf(address, sizeof address, "%.*s%s", (int)length, host + 3, port ? "" : ":1");
        if (known && n < (int)sizeof address && is_address(address)) return NULL;
    }
    return wrong(why, key, "found '%.80s', expected %.*s://HOST[:PORT]%s", url,
                 (int)strcspn(schemes, "|"), schemes,
                 strchr(schemes, '|') != NULL ? ", or with s for TLS" : "");
}

/* The first key that is given though it means nothing for this source. */
static const char *out_of_place(const struct config_source *s)
{
    bool broker = s->broker != NULL, files = s->door == CONFIG_FILES;
    const struct {
        const char *key;
        bool given, fits;
    } keys[] = {{"listen", s->listen != NULL, !broker && !files},
                {"broker", broker, s->door == CONFIG_MQTT},
                {"topics", s->topics > 0, broker},
                {"qos", s->qos >= 0, broker},
                {"client_id", s->client_id != NULL, broker},
                {"user", s->user != NULL, broker},
                {"password", s->password != NULL, broker},
                {"ca", s->ca != NULL, broker},
                {"cert", s->cert != NULL, broker},
                {"key", s->key != NULL, broker},
                {"dir", s->dir != NULL, files},
                {"pattern", s->pattern != NULL, files},
                {"every", s->every_ns != 0, files},
                {"asset", s->asset != NULL, files},
                {"time", s->time != NULL, files}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].given && !keys[i].fits) return keys[i].key;
    return NULL;
}

static const char *check_topics(struct config_source *s, struct andon_arena *arena,
                                andon_error *why)
{
    static const char *const all[] = {"#"};
    (void)arena;
    if (s->qos < 0) s->qos = 1;
    if (s->topics == 0) {
        s->topic = all;
        s->topics = 1;
    }
    for (uint32_t i = 0; i < s->topics; i++) {
        size_t length = strlen(s->topic[i]);
        const char *hash = strchr(s->topic[i], '#');
        if (length == 0 || length > 65535 || (hash != NULL && hash[1] != 0))
            return wrong(why, "topics", "found '%.80s', expected a topic with # only at its end",
                         s->topic[i]);
    }
    if ((s->cert == NULL) != (s->key == NULL))
        return wrong(why, s->cert == NULL ? "key" : "cert", "expected cert and key together");
    return NULL;
}

const char *check_source(void *row, struct andon_arena *arena, andon_error *why)
{
    static const char *const usual[] = {"127.0.0.1:1883", "127.0.0.1:8000", "127.0.0.1:8086"};
    struct config_source *s = row;
    if (s->door < 0)
        return wrong(why, "type", "found nothing, expected mqtt, http, influx or files");
    const char *key = out_of_place(s);
    if (key != NULL)
        return wrong(why, key, "means nothing here: it belongs to %s",
                     strcmp(key, "listen") == 0   ? "mqtt without broker, http and influx"
                     : strcmp(key, "broker") == 0 ? "mqtt"
                     : strstr("dir pattern every asset time", key) != NULL ? "files"
                                                                           : "mqtt with broker");
    if (s->door == CONFIG_FILES) {
        if (s->dir == NULL)
            return wrong(why, "dir", "found nothing, expected the path of a folder");
        const char *bad = s->asset == NULL ? NULL : path_wrong(text_of(s->asset));
        if (bad != NULL) return wrong(why, "asset", "found '%.80s': %s", s->asset, bad);
        if (s->pattern == NULL) s->pattern = "*.csv";
        if (s->every_ns == 0) s->every_ns = INT64_C(60000000000);
        return NULL;
    }
    if (s->broker != NULL) {
        key = check_url(s->broker, "mqtt|mqtts", why, "broker");
        return key != NULL ? key : check_topics(s, arena, why);
    }
    if (s->listen == NULL) s->listen = usual[s->door];
    if (!is_address(s->listen))
        return wrong(why, "listen", "found '%.80s', expected ADDRESS:PORT such as 127.0.0.1:1883",
                     s->listen);
    return NULL;
}

const char *check_channel(void *row, struct andon_arena *arena, andon_error *why)
{
    const struct config_channel *c = row;
    double factor;
    (void)arena;
    if (c->rms_to_peak != NULL && strcmp(c->rms_to_peak, "sine") != 0 &&
        strcmp(c->rms_to_peak, "half_wave") != 0 &&
        (!real_read(text_of(c->rms_to_peak), &factor) || factor < 1.0 || factor > 100.0))
        return wrong(why, "rms_to_peak",
                     "found '%.40s', expected sine, half_wave or a factor from 1 to 100",
                     c->rms_to_peak);
    if (c->scale == 0.0) return wrong(why, "scale", "found 0, expected a number that is not 0");
    return NULL;
}

const char *check_asset(void *row, struct andon_arena *arena, andon_error *why)
{
    struct config_asset *a = row;
    (void)arena;
    if (a->match == NULL || strlen(a->match) > PATH_BYTES_MAX)
        return wrong(why, "match",
                     "found %s, expected a pattern such as pumps/* of at most %u bytes",
                     a->match == NULL ? "nothing" : "more", PATH_BYTES_MAX);
    if (a->running != NULL && !running_rule_read(text_of(a->running), &a->running_rule))
        return wrong(why, "running",
                     "found '%.60s', expected always, a channel, or a rule such as duty_cycle > 5",
                     a->running);
    return NULL;
}

static bool is_clock(const char *text, int *minute)
{
    if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789") != 2 ||
        strspn(text + 3, "0123456789") != 2)
        return false;
    *minute = atoi(text) * 60 + atoi(text + 3);
    return *minute < 24 * 60 && atoi(text + 3) < 60;
}

const char *check_oee(void *row, struct andon_arena *arena, andon_error *why)
{
    const struct config_oee *o = row;
    int last = -1, minute;
    (void)arena;
    if (o->yellow > o->green)
        return wrong(why, "yellow", "found more than green, expected at most that");
    for (uint32_t i = 0; i < o->shifts; i++) {
        if (!is_clock(o->shift[i], &minute) || minute <= last)
            return wrong(why, "shifts", "found '%.20s', expected times such as 06:00, in order",
                         o->shift[i]);
        last = minute;
    }
    return NULL;
}

const char *check_training(void *row, struct andon_arena *arena, andon_error *why)
{
    static const char *const known[] = {"daily", "weekly", "monthly", "drift"};
    const struct config_training *t = row;
    (void)arena;
    for (uint32_t i = 0; i < t->whens; i++) {
        bool good = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            good = good || strcmp(t->when[i], known[k]) == 0;
        if (!good)
            return wrong(why, "when", "found '%.40s', expected of daily, weekly, monthly, drift",
                         t->when[i]);
    }
    return NULL;
}

const char *check_upstream(void *row, struct andon_arena *arena, andon_error *why)
{
    const struct config_upstream *u = row;
    (void)arena;
    return u->url == NULL ? NULL : check_url(u->url, "mqtt|mqtts", why, "url");
}

const char *check_influx(void *row, struct andon_arena *arena, andon_error *why)
{
    const struct config_influx *i = row;
    (void)arena;
    if (i->url == NULL) return NULL;
    const char *key = check_url(i->url, "http|https", why, "url");
    if (key != NULL) return key;
    if (i->bucket == NULL) return wrong(why, "bucket", "found nothing, expected a bucket's name");
    return NULL;
}
