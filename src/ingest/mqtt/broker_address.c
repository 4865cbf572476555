#include "ingest/mqtt/broker_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static andon_status wrong(andon_error *err, const char *what)
{
    return andon_fail(err, ANDON_EINVAL,
                      "broker: %s, expected mqtt://[USER@]HOST[:PORT] or mqtts://...", what);
}

static bool copy(char *to, size_t room, const char *from, size_t length)
{
    if (length == 0 || length >= room) return false;
    memcpy(to, from, length);
    to[length] = 0;
    return true;
}

/* HOST, HOST:PORT or [HOST]:PORT */
static bool read_host(struct broker_address *a, const char *at)
{
    const char *end = at + strcspn(at, "/?#"), *host_end = end, *port = NULL;
    if (*at == '[') {
        const char *close = memchr(at, ']', (size_t)(end - at));
        if (close == NULL) return false;
        if (close + 1 < end && close[1] != ':') return false;
        if (close + 1 < end) port = close + 2;
        host_end = close;
        at++;
    } else if ((port = memchr(at, ':', (size_t)(end - at))) != NULL) {
        host_end = port++;
    }
    if (*end != 0 && strcmp(end, "/") != 0) return false;
    if (port != NULL) {
        char *stop;
        unsigned long value = strtoul(port, &stop, 10);
        if (stop != end || stop == port || value == 0 || value > UINT16_MAX) return false;
        a->port = (uint16_t)value;
    }
    return copy(a->host, sizeof a->host, at, (size_t)(host_end - at));
}

static andon_status read_url(const char *url, struct broker_address *a, andon_error *err)
{
    if (url == NULL) return wrong(err, "no address");
    if (strncmp(url, "mqtts://", 8) == 0)
        a->tls = true;
    else if (strncmp(url, "mqtt://", 7) != 0)
        return wrong(err, "another scheme than mqtt or mqtts");
    const char *at = url + (a->tls ? 8 : 7), *sign = strrchr(at, '@');
    a->port = a->tls ? 8883 : 1883;
    if (sign != NULL) {
        if (memchr(at, ':', (size_t)(sign - at)) != NULL)
            return wrong(err, "a password in the address; it comes from a file or the environment");
        if (!copy(a->user, sizeof a->user, at, (size_t)(sign - at)))
            return wrong(err, "a user name of 0 or more than 255 bytes");
        a->has_user = true;
        at = sign + 1;
    }
    if (!read_host(a, at)) return wrong(err, "no host or no port");
    snprintf(a->name, sizeof a->name, "%s:%u", a->host, a->port);
    return ANDON_OK;
}

static andon_status read_password_file(const char *path, struct broker_address *a, andon_error *err)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return andon_fail(err, ANDON_EIO, "broker: password file %s: %s", path, strerror(errno));
    bool there = fgets(a->password, sizeof a->password, f) != NULL;
    bool cut = there && strlen(a->password) == sizeof a->password - 1;
    fclose(f);
    a->password[there ? strcspn(a->password, "\r\n") : 0] = 0;
    a->has_password = true;
    if (!there || cut || a->password[0] == 0)
        return andon_fail(err, ANDON_EINVAL,
                          "broker: password file %s: a first line of 1 to %zu bytes expected", path,
                          sizeof a->password - 2);
    return ANDON_OK;
}

static andon_status read_password_variable(const char *name, struct broker_address *a,
                                           andon_error *err)
{
    const char *value = getenv(name);
    if (value == NULL || *value == 0 || strlen(value) >= sizeof a->password)
        return andon_fail(err, ANDON_EINVAL,
                          "broker: environment variable %s: a password of 1 to %zu bytes expected",
                          name, sizeof a->password - 1);
    strcpy(a->password, value);
    a->has_password = true;
    return ANDON_OK;
}

/* What a configuration says beside the address. */
static andon_status take_given(const struct broker_options *options, struct broker_address *a,
                               andon_error *err)
{
    if (options->user != NULL) {
        if (!copy(a->user, sizeof a->user, options->user, strlen(options->user)))
            return wrong(err, "a user name of 0 or more than 255 bytes");
        a->has_user = true;
    }
    if (options->password == NULL) return ANDON_OK;
    if (!copy(a->password, sizeof a->password, options->password, strlen(options->password)))
        return andon_fail(err, ANDON_EINVAL, "broker: a password of 1 to %zu bytes expected",
                          sizeof a->password - 1);
    a->has_password = true;
    return ANDON_OK;
}

andon_status broker_address_read(const struct broker_options *options,
                                 struct broker_address *address, andon_error *err)
{
    *address = (struct broker_address){0};
    andon_status st = read_url(options->url, address, err);
    if (st == ANDON_OK) st = take_given(options, address, err);
    if (st == ANDON_OK && options->password_file != NULL)
        st = read_password_file(options->password_file, address, err);
    else if (st == ANDON_OK && options->password_variable != NULL)
        st = read_password_variable(options->password_variable, address, err);
    if (st == ANDON_OK && address->has_password && !address->has_user)
        st = andon_fail(err, ANDON_EINVAL, "broker: a password without a user name in the address");
    return st;
}
