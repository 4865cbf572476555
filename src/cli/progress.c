#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 40 };

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void progress_start(struct progress *p, const char *what, bool quiet)
{
    *p = (struct progress){.what = what, .shown = !quiet && isatty(STDERR_FILENO) == 1};
    if (p->shown) p->next_ns = now_ns() + 200000000; /* short work shows no bar */
}

void progress_tell(struct progress *p, double part)
{
    if (!p->shown || now_ns() < p->next_ns) return;
    p->next_ns = now_ns() + 100000000;
    p->drawn = true;
    part = part > 1.0 ? 1.0 : part >= 0.0 ? part : 0.0;
    int full = (int)(part * WIDTH);
    fprintf(stderr, "\r%s [%.*s%*s] %3.0f %%", p->what, full,
            "########################################", WIDTH - full, "", part * 100.0);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->drawn) fputs("\r\033[K", stderr);
    p->shown = p->drawn = false;
}

static bool tell(void *context, double part)
{
    progress_tell(context, part);
    return false;
}

struct andon_progress progress_callback(struct progress *p)
{
    return (struct andon_progress){tell, p};
}
