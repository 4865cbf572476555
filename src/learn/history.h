/* What an asset has said, from the store, as a series that a model can learn from. Owned by one thread. */
#ifndef LEARN_HISTORY_H
#define LEARN_HISTORY_H

#include "andon/arena.h"
#include "andon/model.h"
#include "store/reader.h"

#define HISTORY_RANGES_MAX 4096u

/* Time that must not teach: maintenance, shelved alarms, a labelled fault. Half open. */
struct history_range {
    int64_t from_ns, to_ns;
};

struct history_request {
    const char *asset;
    int64_t from_ns, to_ns;
    bool take_alarmed; /* also rows that were judged anomalous; by default they do not teach */
    const struct history_range *without; /* without[ranges] */
    uint32_t ranges;
};

struct history {
    struct andon_arena arena;
    struct andon_schema schema;
    struct andon_series series;
    const int32_t *label;  /* label[n]: 1 where a row must not teach               */
    const char *running;   /* the channel that says whether it runs, or NULL       */
    const char *regime;    /* the channel that names the operating state, or NULL  */
    double interval_s;     /* usual time between rows, 0: unknown                  */
    uint64_t kept_out;     /* rows with label 1                                    */
};

/* history_read reads the rows of the asset in [from, to). Numbers and flags become channels, a channel that
 * a row lacks keeps its last value; which one is the running signal and which the operating state is
 * found by name and values, as the engine finds it. history->arena is freed by history_free,
 * whatever is returned.
 * ANDON_EDATA no such asset, or no rows (err says which) */
ANDON_MUST_CHECK andon_status history_read(struct reader *reader, const struct history_request *request,
                                           struct history *history, andon_error *err);
void history_free(struct history *history);

struct history_lesson {
    const char *detector; /* NULL: auto                                          */
    double budget_per_day;
    const struct andon_setting *setting;
    size_t settings;
    uint64_t seed;
    struct andon_progress progress;
};

/* history_fit learns a model from a history, with the notes by which the engine finds the signals again;
 * its bytes appear at path when they are complete. *card lives in the history's arena. */
ANDON_MUST_CHECK andon_status history_fit(struct history *history, const struct history_lesson *lesson,
                                          const char *path, const char **card, andon_error *err);

#endif
