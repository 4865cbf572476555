/* What the files of this room share: the block that alarms_open takes, and what each file does to it.
 *
 * The block is flat: arrays of fixed size that refer to each other by index (NONE: to nothing), so a
 * checkpoint is their contents. What follows from other things (the limits of an asset, the terms of a
 * point) is worked out again when it is loaded. */
#ifndef ALARM_INNER_H
#define ALARM_INNER_H

#include "alarm/alarms.h"

#define NONE UINT32_MAX
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MINUTE (60 * NS_PER_S)
#define BIN_NS (10 * NS_PER_MINUTE)
enum { BINS = 144 };          /* ten minutes each: a day                          */
enum { CHATTER_MAX = 8 };
enum { UPDATES_MAX = 16 };    /* events of the kind "updated" of one record       */

/* Journal and event time of the same moment. */
struct moment {
    int64_t ts_ns, now_ns;
};

/* What is known of the cause of an alarm that is not raised yet, and newest of one that is. */
struct draft {
    char channel[ALARM_NAME_ROOM], text[ALARM_TEXT_ROOM], advice[ALARM_TEXT_ROOM];
    char fault[ALARM_WORD_ROOM];
    double score, value, limit, cost;
    float confidence;
    int64_t respond_ns;
    uint32_t parts;
    struct alarm_part part[ALARM_DIAGNOSTICS_MAX];
};

struct tally { /* raises of a point among the kept records */
    uint64_t cause, raises;
};

struct spent { /* anomaly records that people were told of */
    uint32_t events, labelled[ALARM_LABELS]; /* the latter sum up to the former */
};

struct slot { /* an asset, by the engine's number */
    uint32_t first; /* of its points: number + 1; 0: none */
    struct spent spent;
    uint16_t limit[ALARM_ASSET_LIMITS_MAX];
    uint8_t limits;
    uint8_t points; /* in the chain: at most ALARM_ASSET_POINTS_MAX */
    bool known; /* limit[limits] is filled */
};

struct point {
    bool used;
    uint32_t next; /* of the same asset: number + 1; ascending */
    uint32_t asset;
    uint8_t type, state;

    /* The condition. */
    uint64_t votes;   /* of judged rows, the newest in bit 0 */
    uint64_t seen;    /* alarms->row of the last row that voted */
    bool present;     /* k of n                               */
    bool active;      /* present, and delays are over         */
    uint8_t blind;    /* enum andon_reason                    */
    struct moment since;  /* present, or absent, since               */
    int64_t began_ts_ns;  /* the first row of this run of votes      */

    /* What lies over it. */
    bool suppressed, window, out, latched;
    int64_t shelved_until_ns; /* 0: not shelved */

    /* Its present occurrence, and those before. */
    uint32_t record;
    struct moment ended;
    struct moment raised[CHATTER_MAX]; /* raised[raises], the newest first */
    uint8_t raises;
    bool chattering;
    int64_t escalated_ns; /* when the record was said last */
    uint8_t updates;
    uint8_t agree;   /* rows in succession that look like the same other fault */
    uint64_t other;  /* that fault's name, hashed                              */

    struct draft draft;
    struct alarm_terms terms;
    const char *advice; /* of a rule, or NULL */
    char path[ALARM_PATH_ROOM];
    char name[ALARM_NAME_ROOM]; /* channel or condition; "": the asset itself */
};

struct alarms {
    struct alarms_options options;
    int64_t now_ns;
    uint64_t row;       /* calls of alarms_verdict                                    */
    uint32_t tick_at;   /* the point where a tick goes on; NONE: none is under way    */
    int64_t ticked_ns;  /* the last tick that was finished; 0: none                   */
    int64_t watermark_ns; /* newest event time                                        */
    int64_t watched_now_ns, watched_ts_ns;

    struct slot *slot;      /* slot[assets_max]; slot[assets_max] is the site's        */
    struct point *point;    /* point[points_max]                                       */
    uint64_t *taken;        /* taken[points_max / 64 + 1]: a bit per point that is used */
    uint32_t points;
    struct alarm_record *record; /* record[records_max]                                */
    uint64_t *born;         /* born[records_max]: place in the order of births; 0: free */
    uint32_t *owner;        /* owner[records_max]: its point, NONE once it is over      */
    uint64_t *cause;        /* cause[records_max]: the same for all records of a point  */
    uint32_t *order;        /* order[records]: oldest first                             */
    uint32_t *place;        /* place[records_max]: working room of alarms_save          */
    uint32_t records;
    uint64_t births;
    struct alarm_event *event; /* event[events_max]                                    */
    uint32_t events;
    struct alarm_window *window; /* window[windows_max]                                */
    uint32_t windows;
    uint64_t windows_made;

    struct spent spent; /* of the site */
    uint32_t spenders;  /* above this number no asset has spent anything */

    /* Flood and figures. */
    bool flooding;
    int64_t *raise_ns;      /* raise_ns[flood_alarms + 1]: ring of the last raises      */
    uint32_t raises_head, raises; /* raises_head: where the next one goes               */
    int64_t bin;            /* number of the present ten minutes, 0: none yet          */
    uint16_t bin_count[BINS];
    int64_t first_bin;      /* the first one that was watched                           */
    struct alarms_figures figures; /* the counters among them                          */
    struct tally *tally;    /* tally[tally_size]: working room of alarms_figures         */
    uint32_t tally_size;    /* a power of two, at least twice records_max                */
};

/* A span of time that cannot overflow. */
static inline int64_t alarm_gap(int64_t from_ns, int64_t to_ns)
{
    int64_t gap;
    if (__builtin_sub_overflow(to_ns, from_ns, &gap)) return to_ns > from_ns ? INT64_MAX : INT64_MIN;
    return gap;
}

static inline int64_t alarm_later(int64_t ns, int64_t by_ns)
{
    int64_t then;
    return __builtin_add_overflow(ns, by_ns, &then) ? INT64_MAX : then;
}

/* Within the window of each other by both times. */
static inline bool alarm_near(struct moment from, struct moment to, int64_t window_ns)
{
    return alarm_gap(from.ts_ns, to.ts_ns) <= window_ns &&
           alarm_gap(from.now_ns, to.now_ns) <= window_ns;
}

static inline struct text alarm_text(const char *string)
{
    return string == NULL ? (struct text){"", 0} : text_of(string);
}

/* alarm_copy fills to[room]; what is too long is cut between characters, and false returned. */
bool alarm_copy(char *to, size_t room, struct text from);

/* terms.c: how a point behaves. */
void alarm_point_terms(const struct alarms *a, struct point *p, const char *fault);
uint8_t alarm_point_priority(const struct alarms *a, const struct point *p, double cost,
                             int64_t respond_ns);
andon_status alarm_options_check(const struct alarms_options *o, andon_error *err);

/* point.c: the table of points, chained by asset. */
struct slot *alarm_slot(struct alarms *a, uint32_t asset);
struct point *alarm_point_find(struct alarms *a, uint32_t asset, uint8_t type, struct text name);
/* NULL: the table is full (counted), or a text does not fit. */
struct point *alarm_point_get(struct alarms *a, uint32_t asset, struct text path, uint8_t type,
                              struct text name);
struct point *alarm_point_put(struct alarms *a, uint32_t number); /* used, chained, otherwise empty */
void alarm_point_chain(struct alarms *a, uint32_t number);
void alarm_point_drop_idle(struct alarms *a, struct point *p);

/* vote.c: from votes to a condition. */
enum vote {
    VOTE_NO = 0,
    VOTE_YES,
    VOTE_BAND /* within the deadband: goes on as it was */
};
void alarm_vote(struct alarms *a, struct point *p, enum vote vote, struct moment at);
void alarm_hold(struct alarms *a, struct point *p, uint8_t reason); /* cannot be judged: andon_reason */
/* alarm_settle raises or clears what is due. ticking: no row came, time has gone on. */
void alarm_settle(struct alarms *a, struct point *p, struct moment at, bool ticking);

/* record.c: occurrences. */
struct alarm_record *alarm_record_of(struct alarms *a, const struct point *p); /* or NULL */
/* NULL: records_max alarms stand (counted). */
struct alarm_record *alarm_record_new(struct alarms *a, struct point *p);
void alarm_record_over(struct alarms *a, struct point *p); /* the point lets go of it */
uint64_t alarm_record_id(const struct point *p, uint32_t salt);
uint64_t alarm_hash(const char *text);
uint64_t alarm_record_cause(const struct point *p);

/* life.c: a point's way through the states. */
struct story { /* what is known of a cause; borrowed */
    struct text channel, text, advice, fault;
    double score, value, limit, confidence, cost;
    int64_t respond_ns;
    const struct alarm_share *share;
    uint32_t shares;
};
void alarm_draft(struct point *p, const struct story *story);
void alarm_emit(struct alarms *a, struct alarm_record *r, enum alarm_change change,
                enum alarm_state before, const char *by);
bool alarm_raise(struct alarms *a, struct point *p, struct moment at); /* false: no room yet */
void alarm_return(struct alarms *a, struct point *p, struct moment at);
/* alarm_move takes an input that somebody or the calendar gives; NULL when done, else why not. */
const char *alarm_move(struct alarms *a, struct point *p, enum alarm_input input,
                       enum alarm_change change, const char *by);
void alarm_close(struct alarms *a, struct point *p); /* its record is over unseen */
/* alarm_pass does for one point what time brings. At most PASS_EVENTS_MAX events. */
#define PASS_EVENTS_MAX 32u
void alarm_pass(struct alarms *a, struct point *p);

/* story.c: an alarm in words, and what newer rows change of it. */
void alarm_tell(struct alarms *a, struct point *p, struct alarm_record *r);
void alarm_update(struct alarms *a, struct point *p);

/* window.c */
const struct alarm_window *alarm_window_of(const struct alarms *a, struct text path,
                                           int64_t now_ns);

/* flood.c: what people were told is counted here. */
void alarm_count_raise(struct alarms *a, const struct alarm_record *r);
void alarm_flood_check(struct alarms *a); /* behind a raise */
bool alarm_flood_holds(const struct alarms *a, const struct alarm_record *r);
void alarm_flood_pass(struct alarms *a); /* time has gone on */

/* budget.c */
void alarm_spend(struct alarms *a, const struct alarm_record *r); /* people are told of it */
void alarm_relabel(struct alarms *a, const struct alarm_record *r, uint8_t label);

/* alarms.c */
void alarm_advance(struct alarms *a, int64_t now_ns);
void alarm_clear(struct alarms *a); /* as after alarms_open */

#endif
