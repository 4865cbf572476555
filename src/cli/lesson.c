/* One asset's history to one model. */
#include "cli/lesson.h"

#include <stdio.h>
#include <string.h>

andon_status lesson_from_store(const char *dir, const struct history_request *request,
                               const struct history_lesson *lesson, const char *path, char **card,
                               andon_error *err)
{
    char store[4096];
    struct reader *reader = NULL;
    struct history history = {0};
    const char *text = NULL;
    if ((size_t)snprintf(store, sizeof store, "%s/andon.db", dir) >= sizeof store)
        return andon_fail(err, ANDON_EINVAL, "%s: the path is too long", dir);
    andon_status st = reader_open(store, &reader, err);
    if (st == ANDON_OK) st = history_read(reader, request, &history, err);
    if (st == ANDON_OK) st = history_fit(&history, lesson, path, &text, err);
    if (st == ANDON_OK && card != NULL) *card = text != NULL ? strdup(text) : NULL;
    history_free(&history);
    reader_close(reader);
    return st;
}
