/* Addresses to listen at. */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/status.h"

/* listen_open listens at "host:port": 127.0.0.1:8000, [::1]:8000, localhost:8000, :8000
 * (everywhere). Port 0 takes any free one. what names the setting in errors. loopback  out  only
 * this machine can reach it ANDON_EINVAL  no address, or not loopback although it must be;
 * ANDON_EIO it cannot be used */
ANDON_MUST_CHECK andon_status listen_open(const char *what, const char *address, bool insecure,
                                          int *fd, uint16_t *port, bool *loopback,
                                          andon_error *err);

#endif
