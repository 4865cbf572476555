/* Learning from what a running or resting andon has stored. */
#ifndef CLI_LESSON_H
#define CLI_LESSON_H

#include "learn/history.h"

/* lesson_from_store learns a model of one asset from DIR/andon.db and writes it to path; card may be NULL,
 * and is malloc's. */
ANDON_MUST_CHECK andon_status lesson_from_store(const char *dir, const struct history_request *request,
                                                const struct history_lesson *lesson, const char *path,
                                                char **card, andon_error *err);

#endif
