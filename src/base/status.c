#include "andon/status.h"

#include <stdarg.h>
#include <stdio.h>

andon_status andon_fail(andon_error *err, andon_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

const char *andon_status_name(andon_status status)
{
    switch (status) {
    case ANDON_OK: return "ANDON_OK";
    case ANDON_EINVAL: return "ANDON_EINVAL";
    case ANDON_EDATA: return "ANDON_EDATA";
    case ANDON_EFORMAT: return "ANDON_EFORMAT";
    case ANDON_ENOMEM: return "ANDON_ENOMEM";
    case ANDON_ELIMIT: return "ANDON_ELIMIT";
    case ANDON_EIO: return "ANDON_EIO";
    case ANDON_ESTOP: return "ANDON_ESTOP";
    }
    return "unknown status";
}
