/* Presets: what is known of a kind of machine before anything is measured. Channels with units, ranges
 * and limits, when it runs, how its samples are prepared, what its faults look like, cost and call for.
 * Const tables, one file per kind; list a new one in preset.c. docs/presets has a page for each. */
#ifndef PLANT_PRESET_H
#define PLANT_PRESET_H

#include <stddef.h>
#include <stdint.h>

#include "andon/model.h"
#include "andon/signature.h"
#include "base/text.h"

enum preset_use {
    PRESET_VALUE = 0, /* measured and judged                                             */
    PRESET_REFERENCE, /* measured, only serves to judge others: the hall's temperature   */
    PRESET_RUNNING,   /* says whether the machine runs                                   */
    PRESET_REGIME,    /* names the operating state                                       */
    PRESET_ITEM,      /* names the made item                                             */
    PRESET_ALERT,     /* a flag: the machine itself reports trouble while it is true     */
    PRESET_IGNORED    /* kept but not judged: targets, totals, texts, goals              */
};
const char *preset_use_name(enum preset_use use); /* "value", "reference", ... */

struct preset_channel {
    const char *name, *unit;
    double min, max;  /* what the sensor can say: other values are bad; NaN: not known       */
    double low, high; /* limits of the process: beyond them is an alarm of its own; NaN: none */
    double deadband;  /* of the limits                                                       */
    uint8_t use;      /* enum preset_use                                                     */
    const char *part; /* the part of the plant that sends it ("fryer"); NULL: there is but one */
};

struct preset_fault { /* beside the signature of the same place */
    const char *title;       /* "Bearing wear"                                              */
    const char *advice;      /* which sensor says so, what to look at                       */
    const char *consequence; /* minor, moderate, major, severe: if nobody does anything      */
    double respond_min;      /* minutes in which something can be done                       */
    double per_month;        /* how often it happens over the whole plant; 0: not known      */
    double downtime_h, cost; /* per event; 0: not known                                      */
};

struct preset {
    const char *name, *title, *source;
    const char *plant; /* andon simulate PLANT; NULL: not simulated */
    const struct preset_channel *channel; /* channel[channels]      */
    uint32_t channels;
    const struct andon_signature *signature; /* signature[faults]   */
    const struct preset_fault *fault;        /* fault[faults]       */
    uint32_t faults;
    const char *running;                 /* a running rule (plant/running.h); NULL: it is found  */
    const struct andon_setting *setting; /* setting[settings]: of the recipe                     */
    uint32_t settings;
    double interval_s;
};

extern const struct preset preset_pump, preset_conveyor, preset_bakery, preset_component_factory,
    preset_mining_conveyor, preset_pharma_packaging;

size_t preset_count(void);
const struct preset *preset_at(size_t index);
const struct preset *preset_named(struct text name); /* NULL: none of that name */

/* NULL: the preset says nothing of a channel of that name. */
const struct preset_channel *preset_channel_named(const struct preset *preset, struct text name);

/* The number of a fault, -1: there is none of that name. */
int32_t preset_fault_named(const struct preset *preset, struct text name);

#endif
