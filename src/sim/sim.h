/* Simulated plants: machines to watch, with faults on a known schedule.
 *
 * A plant is one const table; list it in src/sim/plants.c. A run of it is a stream of samples, a
 * deterministic function of (plant, options). Each purpose has its own random stream, so another
 * anomaly rate leaves the healthy signal as it was, bit for bit, unless the plant remembers a fault.
 *
 * Owned by one thread; allocates in sim_open alone. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/arena.h"
#include "andon/option.h"
#include "andon/status.h"

#define SIM_CHANNELS_MAX 128u
#define SIM_FAULTS_MAX 16u

enum sim_kind {
    SIM_REAL = 0, /* a number                                                       */
    SIM_COUNT,    /* a whole number                                                 */
    SIM_FLAG,     /* 0 or 1: a boolean in payloads                                  */
    SIM_TEXT,     /* an index into .choices                                         */
    SIM_TIME,     /* ns since 1970, UTC                                             */
    SIM_ID        /* a whole number that names a made item: C0000123               */
};

struct sim_channel {
    const char *name, *unit; /* "temperature", "degC"; "" without unit               */
    double min, max;         /* the declared range: no value leaves it               */
    double low, high;        /* the usual range; published generators of independent values draw
                                uniformly from it                                    */
    uint8_t decimals;        /* as the sensor sends it                               */
    uint8_t kind;            /* enum sim_kind                                        */
    const char *choices;     /* SIM_TEXT: "Shift 1|Shift 2", an empty choice is ""   */
    const char *asset;       /* the plant's part that sends it ("fryer"); NULL: one part */
};

/* A kind of fault, with what it costs where somebody said so (0: unknown). */
struct sim_fault {
    const char *name, *title;
    double weight;     /* events a month over the whole plant; share among kinds       */
    double downtime_h; /* per event                                                    */
    double cost;       /* per event, money                                             */
    uint32_t channels; /* bits of the channels that it moves (0: unsaid)               */
};

/* What a run is. Fill by sim_options_default, change by andon_option_set(sim_table, ...). */
struct sim_options {
    double days;         /* length; 0: endless                                         */
    double interval_s;   /* between samples                                            */
    double anomaly_rate; /* part of the time with a fault, 0 .. 0.3                    */
    int64_t seed;
    int64_t start_s;   /* time of the first sample, seconds since 1970 UTC           */
    bool as_published; /* the arithmetic of the published generator, where there is one */
};
extern const struct andon_option sim_table[]; /* days, interval, anomaly-rate, seed,
                                             start, as-published */

/* One sample. Borrowed until the next one. */
struct sim_sample {
    uint64_t row;
    int64_t ts_ns;
    const double *value; /* value[plant->channels]                                     */
    uint32_t state;      /* index into plant->state                                    */
    bool running;
    int32_t fault; /* index into plant->fault; -1: healthy                       */
};

struct sim;

struct sim_plant {
    const char *name;      /* "pump"                                                      */
    const char *title;     /* "Industrial pump station"                                   */
    const char *source;    /* where the figures come from                                 */
    const char *published; /* what as_published follows; NULL: nothing was published      */
    const struct sim_channel *channel; /* channel[channels]                              */
    uint32_t channels;
    const struct sim_fault *fault; /* fault[faults]                                  */
    uint32_t faults;
    const char *const *state; /* state[states]                                  */
    uint32_t states;
    double days, interval_s, anomaly_rate; /* presets                                    */
    double fault_min_s, fault_max_s;       /* how long a fault lasts                         */
    double stops_per_month, stop_min_s, stop_max_s; /* planned stops                     */

    /* Whether the calendar lets the plant run at ts_ns, so that faults fall into running time;
     * NULL: always. */
    bool (*runs)(int64_t ts_ns);

    size_t memory_bytes; /* the plant's own state                          */
    void (*start)(const struct sim *sim, void *memory);
    /* next fills value[channels], .state and .running of a sample whose row, time and fault are
     * set. sim_next clips to the declared ranges and rounds to the sensors' decimals afterwards,
     * but for as_published. */
    void (*next)(const struct sim *sim, void *memory, struct sim_sample *sample, double *value);
};

size_t sim_plant_count(void);
const struct sim_plant *sim_plant_at(size_t index);
const struct sim_plant *sim_plant_named(const char *name); /* NULL: none of that name */

/* sim_options_default fills options with the plant's presets. */
void sim_options_default(const struct sim_plant *plant, struct sim_options *options);

/* sim_open starts a run that lives in arena.
 * ANDON_EINVAL  as_published for a plant without a published generator, an interval longer than the
 *               run or than the shortest fault */
ANDON_MUST_CHECK andon_status sim_open(const struct sim_plant *plant,
                                       const struct sim_options *options, struct andon_arena *arena,
                                       struct sim **sim, andon_error *err);

const struct sim_plant *sim_plant_of(const struct sim *sim);
const struct sim_options *sim_options_of(const struct sim *sim);
uint64_t sim_rows(const struct sim *sim); /* of the whole run; UINT64_MAX: endless */

/* sim_next gives the next sample; false after the last. Allocates nothing. */
bool sim_next(struct sim *sim, struct sim_sample *sample);

#endif
