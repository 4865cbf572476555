/* The alarms of a site: verdicts, ticks and what operators do go in, events come out.
 *
 * A point is one cause at one asset (its anomalies, its silence, one channel's limit, one named fault).
 * A point's votes are confirmed (k of n), delayed and held within a deadband before its condition
 * stands; then it walks the states of alarm/state.h. A record is one occurrence of a point: what people
 * see, acknowledge, label. Occurrences closer than the group window are one record.
 *
 * Invariants: 1. Nothing here looks at a clock: time is that of the journal (now_ns, which never goes
 * back here) and of the readings (ts_ns). A delay is over when either has gone on so far: readings that
 * were buffered or imported count as they happened, and a sensor whose clock stands still does not stop
 * ours. 2. The state is a function of the calls since alarms_open, and alarms_save/alarms_load in
 * between change nothing. 3. All room is taken by alarms_open, in one block; what does not fit is
 * refused and counted (alarms_figures), never silently. 4. What cannot be judged neither raises nor
 * clears. 5. An alarm's id is derived from its cause and its beginning, and its events count up from 1:
 * (id, sequence) is the same in every replay.
 *
 * Owned by one thread (the engine's). */
#ifndef ALARM_ALARMS_H
#define ALARM_ALARMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alarm/state.h"
#include "andon/bytes.h"
#include "andon/status.h"
#include "base/text.h"

#define ALARM_ID_ROOM 17         /* 16 hex digits and a 0                                  */
#define ALARM_PATH_ROOM 513      /* an asset's path                                         */
#define ALARM_NAME_ROOM 257      /* a channel, the name of a condition                      */
#define ALARM_WORD_ROOM 65       /* who did it, a fault, a channel in the diagnostics       */
#define ALARM_TEXT_ROOM 257
#define ALARM_DIAGNOSTICS_MAX 8u /* channels of a record                                    */
#define ALARM_SENSORS_MAX 8u     /* more sensors of an asset in trouble are one alarm       */
#define ALARM_LIMITS_MAX 4096u   /* rows of limits; for one asset ALARM_ASSET_LIMITS_MAX    */
#define ALARM_ASSET_LIMITS_MAX 16u
#define ALARM_FLOOD_MAX 1000u
#define ALARM_ASSET_POINTS_MAX 64u /* causes of one asset at a time                         */
#define ALARM_CALL_EVENTS_MAX 512u /* events that one call may add                          */
#define ALARM_SITE UINT32_MAX      /* the asset number of what concerns the whole site      */

enum alarm_type {
    ALARM_ANOMALY = 0,  /* the model says so                                                 */
    ALARM_NO_DATA,      /* an asset, or one of its sensors, is silent                        */
    ALARM_FROZEN,       /* a sensor repeats itself                                           */
    ALARM_BAD_QUALITY,  /* its source says that its values are bad                           */
    ALARM_OUT_OF_RANGE, /* a configured limit is passed                                      */
    ALARM_SCHEDULE,     /* the machine runs when it should not, or stands when it should run */
    ALARM_FAULT,        /* the plant or a model reports a fault by name                      */
    ALARM_FLOOD,        /* of the site: more alarms than people can read                     */
    ALARM_TYPES
};
#define ALARM_ANY_TYPE (-1)

enum alarm_priority { ALARM_LOW = 0, ALARM_MEDIUM, ALARM_HIGH, ALARM_CRITICAL, ALARM_PRIORITIES };

/* What happens if nobody does anything. Priority follows from this and from how much time there is. */
enum alarm_consequence {
    ALARM_MINOR = 0,
    ALARM_MODERATE,
    ALARM_MAJOR,
    ALARM_SEVERE,
    ALARM_CONSEQUENCES
};

enum alarm_label { ALARM_UNLABELLED = 0, ALARM_TRUE, ALARM_FALSE, ALARM_PLANNED, ALARM_LABELS };

const char *alarm_type_name(enum alarm_type type);             /* "no_data"  */
const char *alarm_priority_name(enum alarm_priority priority); /* "high"     */
const char *alarm_label_name(enum alarm_label label);          /* "", "true" */
bool alarm_type_named(struct text name, enum alarm_type *type);
bool alarm_priority_named(struct text name, enum alarm_priority *priority);
bool alarm_label_named(struct text name, enum alarm_label *label);
bool alarm_state_named(struct text name, uint32_t *states); /* bits 1 << state: "latched" has two */

/* alarm_priority_of is the matrix: consequence against time to respond (under 10 min, under 30 min,
 * longer). */
enum alarm_priority alarm_priority_of(enum alarm_consequence consequence, int64_t respond_ns);

/* ---- settings ---- */

/* How a point behaves. */
struct alarm_terms {
    int64_t on_delay_ns;    /* the condition has to stand so long                              */
    int64_t off_delay_ns;   /* and to be gone so long                                          */
    int64_t group_ns;       /* occurrences closer than this are one record                     */
    int64_t escalate_ns;    /* nobody acknowledged for so long: say it again, louder; 0: never */
    int64_t respond_ns;     /* how much time there is to do something                          */
    double deadband;        /* anomaly: in parts of the level 1, until the score counts as normal */
    uint8_t confirm, of;    /* k of the last n judged rows; n <= 64                            */
    uint8_t consequence;    /* enum alarm_consequence                                          */
    bool latch, ack_needed; /* has to be reset; has to be acknowledged                         */
    bool off;               /* no such alarm here                                              */
};

enum alarm_set { /* bits of alarm_rule.set: what of its terms counts */
    ALARM_SET_ON_DELAY = 1,
    ALARM_SET_OFF_DELAY = 2,
    ALARM_SET_GROUP = 4,
    ALARM_SET_ESCALATE = 8,
    ALARM_SET_RESPOND = 16,
    ALARM_SET_DEADBAND = 32,
    ALARM_SET_CONFIRM = 64,
    ALARM_SET_CONSEQUENCE = 128,
    ALARM_SET_LATCH = 256,
    ALARM_SET_ACK_NEEDED = 512,
    ALARM_SET_OFF = 1024
};

/* A rule changes the terms of the points that it matches; later rules win. */
struct alarm_rule {
    const char *match;   /* plant/pattern.h; NULL: every asset           */
    const char *channel; /* NULL: any                                    */
    const char *fault;   /* NULL: any; else of anomalies with this name  */
    int32_t type;        /* enum alarm_type or ALARM_ANY_TYPE            */
    uint32_t set;        /* enum alarm_set                               */
    struct alarm_terms terms;
    const char *advice;  /* NULL: none                                   */
};

/* A limit of a channel, in its unit. */
struct alarm_limit {
    const char *match, *channel;
    double low, high; /* NaN: none                                         */
    double deadband;  /* back inside by this much before it counts as gone */
    const char *unit; /* for the text; NULL: none                          */
};

struct alarms_options {
    struct alarm_terms type[ALARM_TYPES];
    const struct alarm_rule *rule; /* rule[rules]; rules, limits and texts are borrowed for life */
    uint32_t rules;
    const struct alarm_limit *limit; /* limit[limits], at most ALARM_LIMITS_MAX                 */
    uint32_t limits;
    const char *site;        /* the path that site-wide alarms have                               */
    double budget_per_day;   /* false alarm events a day that people accept                       */
    uint32_t flood_alarms;   /* more than so many ... (1..ALARM_FLOOD_MAX)                        */
    int64_t flood_ns;        /* ... within this: a flood. It ends at half of that                 */
    uint8_t flood_pass;      /* enum alarm_priority: what is delivered in a flood at least has    */
    uint32_t chatter_raises; /* an alarm that comes so often (2..8) ...                           */
    int64_t chatter_ns;      /* ... within this chatters: it stands until it is quiet for as long */
    int64_t fleeting_ns;     /* gone again within this: counted as fleeting                       */
    int64_t stale_ns;        /* standing for longer: stale                                        */
    uint8_t escalations_max; /* of one alarm                                                      */
    int64_t shelve_ns_max;   /* longest shelving                                                  */
    double cost_moderate, cost_major, cost_severe; /* cost of a fault from which its consequence is so */
    uint32_t assets_max, points_max, records_max, events_max, windows_max; /* limits on counts    */
    void *(*zeroed)(size_t count, size_t bytes);   /* where the block comes from; NULL: calloc    */
};

/* The defaults: docs/alarms.md. */
void alarms_options_default(struct alarms_options *options);

/* ---- records and events ---- */

struct alarm_part {
    char channel[ALARM_WORD_ROOM];
    float part; /* 0..1, of the score; of sensor alarms 0 */
};

/* One occurrence of a point. Times are ns since 1970 UTC, 0 where it did not happen. */
struct alarm_record {
    uint64_t id;
    uint32_t sequence;     /* events so far                                                   */
    uint32_t asset;        /* the engine's number                                             */
    uint8_t type;          /* enum alarm_type                                                 */
    uint8_t state;         /* enum alarm_state                                                */
    uint8_t priority;      /* enum alarm_priority                                             */
    uint8_t label;         /* enum alarm_label                                                */
    uint8_t escalation;    /* how often it was said again                                     */
    uint8_t blind;         /* enum andon_reason: why it cannot be judged at present; 0: it can */
    bool active;           /* the condition stands                                            */
    bool told;             /* receivers know of it                                            */
    bool held;             /* kept from receivers because of a flood                          */
    bool chattering, stale;
    bool hidden;           /* it was shelved, suppressed or out of service at some time       */
    uint32_t raises;       /* occurrences that were grouped into it                           */
    int64_t began_ns;      /* event time of the first reading that showed it                  */
    int64_t raised_ns, cleared_ns;       /* event times: confirmed; last gone                 */
    int64_t said_ns;                     /* journal time of the raise                         */
    int64_t acked_ns, shelved_until_ns;  /* journal times                                     */
    double score;                        /* highest so far; NaN: none                         */
    double value, limit;                 /* out_of_range: what was read, what it passed; NaN  */
    float confidence;                    /* of the fault, 0..1                                */
    double cost;                         /* of the fault, per event; 0: not known             */
    char path[ALARM_PATH_ROOM];
    char channel[ALARM_NAME_ROOM];       /* the one that leads or is in trouble; "": none     */
    char name[ALARM_NAME_ROOM];          /* ALARM_FAULT, ALARM_SCHEDULE: the condition's name */
    char fault[ALARM_WORD_ROOM];         /* recognised: "bearing_wear"; "": not               */
    char text[ALARM_TEXT_ROOM], advice[ALARM_TEXT_ROOM];
    char acked_by[ALARM_WORD_ROOM], labelled_by[ALARM_WORD_ROOM];
    char label_text[ALARM_TEXT_ROOM], comment[ALARM_TEXT_ROOM];
    char hidden_by[ALARM_WORD_ROOM];     /* who shelved or suppressed it, or the window's text */
    uint32_t parts;
    struct alarm_part part[ALARM_DIAGNOSTICS_MAX];
};

void alarm_id_write(char out[ALARM_ID_ROOM], uint64_t id);
bool alarm_id_read(struct text text, uint64_t *id);

enum alarm_change {
    ALARM_RAISED = 0,
    ALARM_CLEARED,      /* the condition has gone                                     */
    ALARM_ACKNOWLEDGED,
    ALARM_WAS_RESET,
    ALARM_WAS_SHELVED,
    ALARM_UNSHELVED,
    ALARM_WAS_SUPPRESSED,
    ALARM_UNSUPPRESSED,
    ALARM_OUT,          /* taken out of service                                       */
    ALARM_BACK,         /* returned to service                                        */
    ALARM_UPDATED,      /* another fault, priority or sensor                          */
    ALARM_ESCALATED,
    ALARM_BECAME_STALE,
    ALARM_CHATTERS,
    ALARM_CALMED,       /* no longer chattering                                       */
    ALARM_BLINDED,      /* it stands, but its condition can no longer be judged       */
    ALARM_SIGHTED,      /* it can again                                               */
    ALARM_RELEASED,     /* held back during the flood, told now                       */
    ALARM_CLOSED,       /* over without anybody's acknowledgement: a new one took its place */
    ALARM_WAS_LABELLED,
    ALARM_COMMENTED,
    ALARM_CHANGES
};
const char *alarm_change_name(enum alarm_change change); /* "raised" */

struct alarm_event {
    uint8_t change, before, after; /* enum alarm_change, enum alarm_state */
    bool notify;                   /* receivers are to be told            */
    int64_t at_ns;                 /* journal time                        */
    char by[ALARM_WORD_ROOM];      /* "" for andon itself                 */
    struct alarm_record record;    /* as it is after the change           */
};

struct alarms;

/* alarms_open takes all room at once.
 * ANDON_EINVAL  a setting is out of its range (err names it)
 * ANDON_ENOMEM  (err names the counts) */
ANDON_MUST_CHECK andon_status alarms_open(const struct alarms_options *options,
                                          struct alarms **alarms, andon_error *err);
void alarms_close(struct alarms *alarms); /* NULL is allowed */

/* Events since the last alarms_taken, in order. They are the same whether they are taken after every
 * call or when alarms_room says no. */
const struct alarm_event *alarms_events(const struct alarms *alarms, uint32_t *count);
void alarms_taken(struct alarms *alarms);
bool alarms_room(const struct alarms *alarms); /* for one more call of any kind */

/* ---- what goes in ---- */

struct alarm_share { /* largest first */
    struct text channel;
    float part;
};
struct alarm_sensor { /* a channel that cannot be used now */
    struct text channel;
    uint8_t reason; /* ANDON_STALE, ANDON_FROZEN or ANDON_BAD_QUALITY */
};
struct alarm_value {
    struct text channel;
    double value;
};
struct alarm_fault { /* what the anomaly looks like; name empty: not looked at */
    struct text name, title, advice; /* name "unknown": like none of the known */
    double confidence;               /* 0..1             */
    double cost;                     /* per event        */
    int64_t respond_ns;              /* 0: as the terms say */
};

struct alarm_verdict { /* borrowed for the call */
    uint32_t asset;    /* below assets_max */
    struct text path;
    int64_t ts_ns, now_ns;
    uint8_t state, reason; /* enum andon_state, enum andon_reason */
    double score;
    struct text channel; /* leads */
    const struct alarm_share *share;
    uint32_t shares;
    const struct alarm_sensor *sensor; /* every channel in trouble: one that is not here is well */
    uint32_t sensors;
    const struct alarm_value *value; /* of this row; wanted only if alarms_limited             */
    uint32_t values;
    struct alarm_fault fault;
};

/* alarms_limited says whether any limit is configured for the asset: without one, values are not
 * looked at. */
bool alarms_limited(struct alarms *alarms, uint32_t asset, struct text path);

/* alarms_verdict takes one judged row. False: no alarms_room, nothing was done; take the events and
 * call again. */
ANDON_MUST_CHECK bool alarms_verdict(struct alarms *alarms, const struct alarm_verdict *verdict);

/* alarms_condition says whether a condition stands that others watch: ALARM_SCHEDULE or ALARM_FAULT of
 * an asset (or ALARM_SITE), by name. Needed when it changes; saying it again does no harm. */
struct alarm_condition {
    uint32_t asset;
    struct text path, name, text, advice;
    struct text channel;
    uint8_t type; /* ALARM_SCHEDULE or ALARM_FAULT */
    bool stands;
    int64_t ts_ns, now_ns;
    double cost;        /* 0: not known          */
    int64_t respond_ns; /* 0: as the terms say   */
};
ANDON_MUST_CHECK bool alarms_condition(struct alarms *alarms,
                                       const struct alarm_condition *condition);

/* alarms_tick: time has gone on. Delays, ends of shelving and of windows, escalation, stale alarms, the
 * end of a flood. True: done. False: the events' list is full; take them and call again with the same
 * now_ns. O(points). */
ANDON_MUST_CHECK bool alarms_tick(struct alarms *alarms, int64_t now_ns);

/* ---- what people do ---- */

enum alarm_verb {
    ALARM_DO_ACK = 0,
    ALARM_DO_RESET,
    ALARM_DO_SHELVE, /* until_ns */
    ALARM_DO_UNSHELVE,
    ALARM_DO_SUPPRESS,
    ALARM_DO_UNSUPPRESS,
    ALARM_DO_TAKE_OUT,
    ALARM_DO_PUT_BACK,
    ALARM_DO_LABEL, /* label, text */
    ALARM_DO_COMMENT, /* text      */
    ALARM_VERBS
};
bool alarm_verb_named(struct text name, enum alarm_verb *verb); /* "ack", "out_of_service", ... */
const char *alarm_verb_name(enum alarm_verb verb);

struct alarm_action {
    uint8_t verb;         /* enum alarm_verb                                            */
    uint64_t id;          /* which alarm; 0: the point of asset, type and name          */
    uint32_t asset;       /* with id 0                                                  */
    struct text path;
    uint8_t type;
    struct text name;     /* channel or condition of the point; empty: the asset itself */
    int64_t until_ns;
    uint8_t label;        /* enum alarm_label                                           */
    struct text text, by;
};

/* alarms_act does what an operator wants, or says in one line why not.
 * ANDON_EINVAL  not allowed in the alarm's state, or wrong in itself (until_ns in the past, ...)
 * ANDON_EDATA   there is no such alarm
 * ANDON_ELIMIT  no room: a count is at its limit, or no alarms_room */
ANDON_MUST_CHECK andon_status alarms_act(struct alarms *alarms, const struct alarm_action *action,
                                         int64_t now_ns, andon_error *err);

/* Maintenance windows and planned stops: alarms inside are suppressed by design. */
struct alarm_window {
    uint64_t id;              /* given by alarms_plan                     */
    int64_t from_ns, to_ns;   /* journal time, half open                  */
    char match[ALARM_PATH_ROOM]; /* pattern of asset paths                */
    char text[ALARM_WORD_ROOM];  /* "planned stop", "maintenance", ...    */
    char by[ALARM_WORD_ROOM];
};

/* alarms_plan adds a window and gives its id; windows that are over are forgotten when room is needed.
 * It takes effect with the next tick.
 * ANDON_EINVAL  to <= from, to in the past, a text too long; ANDON_ELIMIT  windows_max */
ANDON_MUST_CHECK andon_status alarms_plan(struct alarms *alarms, struct alarm_window *window,
                                          int64_t now_ns, andon_error *err);
/* alarms_unplan ends a window now, or takes it back. ANDON_EDATA: no such window. */
ANDON_MUST_CHECK andon_status alarms_unplan(struct alarms *alarms, uint64_t id, int64_t now_ns,
                                            andon_error *err);
const struct alarm_window *alarms_windows(const struct alarms *alarms, uint32_t *count);

/* alarms_planned says whether a window covers the asset at journal time now_ns: such time never
 * trains a model. */
bool alarms_planned(const struct alarms *alarms, struct text path, int64_t now_ns);

/* alarms_troubled says whether the asset has an alarm whose condition stands, or a point that is shelved,
 * suppressed or out of service: such time never trains a model. */
bool alarms_troubled(const struct alarms *alarms, uint32_t asset);

/* ---- what can be asked ---- */

struct alarm_filter {
    uint32_t states;          /* bits 1 << enum alarm_state; 0: any                    */
    uint32_t types;           /* bits 1 << enum alarm_type; 0: any                     */
    struct text match;        /* pattern of asset paths; empty: any                    */
    int64_t from_ns, to_ns;   /* of raised_ns, half open; 0: open                      */
    uint64_t before;          /* go on behind this place; 0: with the newest           */
};

/* alarms_each calls back with the records that pass, newest first; place is what filter.before takes to
 * go on behind this one. each returns false to stop. */
void alarms_each(const struct alarms *alarms, const struct alarm_filter *filter,
                 bool (*each)(void *context, const struct alarm_record *record, uint64_t place),
                 void *context);
const struct alarm_record *alarms_find(const struct alarms *alarms, uint64_t id); /* or NULL */

/* Counters as EEMUA 191 and ISA-18.2 ask for them. "Annunciated" is what reached unacknowledged and was
 * not hidden. */
struct alarms_figures {
    uint64_t annunciated[ALARM_PRIORITIES]; /* since the beginning                          */
    uint64_t by_type[ALARM_TYPES];
    uint64_t chattered, fleeting;           /* alarms that did                              */
    uint64_t floods;
    int64_t watched_ns, flood_ns;           /* journal time that ticks covered; in a flood  */
    uint32_t standing[ALARM_PRIORITIES];    /* now                                          */
    uint32_t stale, chattering, shelved, suppressed, out_of_service;
    bool flooding;
    uint32_t last_10_min;                   /* annunciated in the ten minutes that are over */
    double mean_10_min, max_10_min;         /* per ten minutes, over the last day           */
    double over_10_part;                    /* part of the last day's ten minutes with more than 10 */
    double top_10_part;                     /* of the raises of kept records, the ten busiest points' */
    uint64_t refused_points, refused_records; /* points_max, records_max: alarms that found no room */
    uint64_t refused_limits;                /* limits beyond ALARM_ASSET_LIMITS_MAX of an asset */
    uint64_t transitions[ALARM_STATES];     /* into each state                              */
    uint32_t points, records;               /* in use                                       */
};
void alarms_figures(const struct alarms *alarms, struct alarms_figures *figures);

/* What the budget has been spent on: anomaly records. Those labelled true or planned were no false
 * alarms, those without a label count as false until somebody says otherwise. */
struct alarm_budget {
    double per_day;                    /* stated                                             */
    double days;                       /* watched: the larger of journal and event time      */
    uint64_t events, labelled_true, labelled_false, labelled_planned;
    double spent_per_day;              /* events - true - planned, a day; NaN without time   */
    double spent_upper95_per_day;      /* one-sided 95 % Poisson bound; NaN without time     */
    double false_per_day, false_upper95_per_day; /* of those labelled false alone            */
};
void alarms_budget(const struct alarms *alarms, struct alarm_budget *budget); /* of the site  */
void alarms_asset_budget(const struct alarms *alarms, uint32_t asset, struct alarm_budget *budget);

/* ---- bytes of a checkpoint ---- */

/* The events that were not taken are not in it: take them first. */
void alarms_save(const struct alarms *alarms, struct andon_writer *out);

/* alarms_load puts an opened alarms where the saved one was; settings may be others. After an error it
 * is as it was after alarms_open.
 * ANDON_EFORMAT  cut, flipped, of another format; ANDON_ELIMIT  more points, records, windows or assets
 * than there is room for (err says which) */
ANDON_MUST_CHECK andon_status alarms_load(struct alarms *alarms, struct andon_reader *in,
                                          andon_error *err);

#endif
