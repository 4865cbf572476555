/* The journal read again: the same floor and shards as live, without a store. Proves that what is stored
 * follows from the journal, or tells what another model would have said. */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include "engine/engine.h"
#include "engine/fingerprint.h"
#include "store/reader.h"

struct replay_options {
    const char *dir;            /* of andon serve: journal, models, store                         */
    struct floor_options floor;
    uint32_t shards;
    enum andon_kernel kernel;
    int64_t from_ns, to_ns;     /* event times of the verdicts that count; half open              */
    const char *candidate;      /* a model file that every asset with a model gets instead, or NULL */
    bool (*tell)(void *context, double part); /* true: stop; may be NULL */
    void *context;
};

struct replay_event { /* rows of one asset that are anomalous in succession */
    char asset[512];
    int64_t start_ns, end_ns;
    bool gained;
};

struct replay_result {
    struct fingerprint stored, again;
    uint64_t records;
    uint64_t offset;            /* that the store reaches: as far as was compared */
    /* With a candidate: events that the live verdicts and the candidate's overlap in, or not. */
    uint64_t rows_live, rows_candidate; /* anomalous ones */
    uint64_t events_live, events_candidate, gained, lost, earlier, later, same_time;
    double earlier_s, later_s;  /* summed over those events */
    struct replay_event *event; /* gained and lost ones, the first REPLAY_EVENTS_MAX, from malloc */
    uint32_t events;
};
#define REPLAY_EVENTS_MAX 1000u

/* ANDON_EDATA the journal does not reach back to where the store begins (err says from when) */
ANDON_MUST_CHECK andon_status replay_run(const struct replay_options *options,
                                         struct replay_result *result, andon_error *err);
void replay_free(struct replay_result *result);

#endif
