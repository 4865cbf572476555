/* Requests that two programs could understand in two ways are refused (RFC 9112, 6 and 11.2): the
 * library takes the first of contradicting lengths, and chunks beside a length. And who may ask: on
 * loopback a page of somebody else's, whose name leads here, must not (DNS rebinding), nor may it
 * send. */
#include <string.h>
#include <strings.h>

#include "serve/inner.h"

struct headers {
    uint32_t lengths, codings, hosts;
    struct text coding, host, origin;
    bool wrong; /* a name that is no token */
};

/* RFC 9110, 5.6.2 */
static bool is_token(const char *name, size_t length)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || strchr(others, c) == NULL)) return false;
    }
    return length > 0;
}

static enum MHD_Result look(void *context, enum MHD_ValueKind kind, const char *name,
                            size_t name_length, const char *value, size_t value_length)
{
    struct headers *h = context;
    (void)kind;
    h->wrong |= !is_token(name, name_length);
    struct text v = {value, (uint32_t)value_length};
    if (strcasecmp(name, "Content-Length") == 0) {
        h->lengths++;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        h->codings++;
        h->coding = v;
    } else if (strcasecmp(name, "Host") == 0) {
        h->hosts++;
        h->host = v;
    } else if (strcasecmp(name, "Origin") == 0) {
        h->origin = v;
    }
    return MHD_YES;
}

static bool contradicts(struct client *c, const struct headers *h)
{
    const char *why = NULL;
    if (h->wrong)
        why = "a header's name is none";
    else if (h->lengths > 1)
        why = "there is more than one Content-Length";
    else if (h->lengths > 0 && h->codings > 0)
        why = "there are Content-Length and Transfer-Encoding";
    else if (h->codings > 1 || (h->codings == 1 && (h->coding.length != 7 ||
                                                    strncasecmp(h->coding.at, "chunked", 7) != 0)))
        why = "the Transfer-Encoding is not \"chunked\"";
    else if (h->hosts > 1)
        why = "there is more than one Host";
    if (why == NULL) return false;
    client_refuse(c, REFUSED_FRAMING, 400, "%s", why);
    return true;
}

static bool from_elsewhere(struct client *c, const struct headers *h, struct text host)
{
    const struct server *s = c->worker->server;
    if (s->loopback[c->listener] && host.length > 0 && !query_host_is_local(host)) {
        client_refuse(
            c, REFUSED_HOST, 421,
            "the Host is \"%.*s\", expected this machine's own name (localhost, 127.0.0.1)",
            host.length < 100 ? (int)host.length : 100, host.at);
        return true;
    }
    if (h->origin.length == 0) return false;
    struct text origin = query_host_of(h->origin);
    if (origin.length == host.length && strncasecmp(origin.at, host.at, host.length) == 0)
        return false;
    client_refuse(c, REFUSED_ORIGIN, 403, "a page of another site (Origin) may not ask");
    return true;
}

bool framing_check(struct client *c, const char *url)
{
    struct headers h = {0};
    MHD_get_connection_values_n(c->connection, MHD_HEADER_KIND, look, &h);
    if (contradicts(c, &h)) return false;
    struct text host = h.host, authority = query_host_of(text_of(url));
    if (authority.length > 0) host = authority; /* GET http://host/path */
    return !from_elsewhere(c, &h, host);
}
