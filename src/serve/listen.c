#include "serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

struct address {
    struct sockaddr_storage at;
    socklen_t length;
    bool loopback;
};

static bool is_loopback(const struct sockaddr_storage *at)
{
    if (at->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)at)->sin6_addr);
}

/* "host:port" into its parts; false: it is none. */
static bool split(const char *address, char host[256], char port[8])
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || strlen(colon + 1) > 5 || colon[1] == 0 ||
        colon[1 + strspn(colon + 1, "0123456789")] != 0)
        return false;
    const char *from = address, *to = colon;
    if (*from == '[') {
        if (to == from || to[-1] != ']') return false;
        from++;
        to--;
    } else if (memchr(from, ':', (size_t)(to - from)) != NULL) {
        return false; /* IPv6 wants brackets */
    }
    if (to - from > 255) return false;
    snprintf(host, 256, "%.*s", (int)(to - from), from);
    snprintf(port, 8, "%s", colon + 1);
    return true;
}

static bool resolve(const char *text, struct address *address)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (!split(text, host, port) || atoi(port) > 65535) return false;
    if (strcmp(host, "localhost") == 0) snprintf(host, sizeof host, "127.0.0.1");
    if (host[0] == 0 || strcmp(host, "*") == 0) snprintf(host, sizeof host, "0.0.0.0");
    if (getaddrinfo(host, port, &hints, &found) != 0 || found == NULL) return false;
    memcpy(&address->at, found->ai_addr, found->ai_addrlen);
    address->length = found->ai_addrlen;
    address->loopback = is_loopback(&address->at);
    freeaddrinfo(found);
    return true;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t length = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &length) != 0) return 0;
    return ntohs(at.ss_family == AF_INET ? ((const struct sockaddr_in *)&at)->sin_port
                                         : ((const struct sockaddr_in6 *)&at)->sin6_port);
}

andon_status listen_open(const char *what, const char *text, bool insecure, int *fd, uint16_t *port,
                         bool *loopback, andon_error *err)
{
    struct address address;
    const int on = 1;
    if (!resolve(text, &address))
        return andon_fail(err, ANDON_EINVAL,
                          "%s: \"%.100s\" is no address, expected one such as 127.0.0.1:8000", what,
                          text);
    if (!address.loopback && !insecure)
        return andon_fail(
            err, ANDON_EINVAL,
            "%s: %.100s can be reached by other machines, and nobody is asked who he is: "
            "expected a loopback address such as 127.0.0.1, or --insecure",
            what, text);
    *loopback = address.loopback;
    *fd = socket(address.at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(*fd, (struct sockaddr *)&address.at, address.length) == 0 &&
        listen(*fd, BACKLOG) == 0) {
        *port = port_of(*fd);
        return ANDON_OK;
    }
    int failed = errno;
    if (*fd >= 0) close(*fd);
    *fd = -1;
    return andon_fail(err, ANDON_EIO, "%s: cannot listen at %.100s: %s", what, text,
                      strerror(failed));
}
