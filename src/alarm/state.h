/* The states of an alarm and what leads from one to another, as ANSI/ISA-18.2 and IEC 62682 name them.
 * One table drives the machine; nothing here knows of time, assets or records. */
#ifndef ALARM_STATE_H
#define ALARM_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum alarm_state {
    ALARM_NORMAL = 0,
    ALARM_UNACK,         /* the condition stands, nobody has seen it                          */
    ALARM_ACKED,         /* it stands, somebody has                                           */
    ALARM_RETURNED,      /* it has gone, nobody has seen it: returned-unacknowledged          */
    ALARM_LATCHED_UNACK, /* it has gone, but the alarm stays until somebody resets it         */
    ALARM_LATCHED_ACKED,
    ALARM_SHELVED,       /* an operator does not want to hear of it for a while               */
    ALARM_SUPPRESSED,    /* by design: a planned stop, a maintenance window, another's word   */
    ALARM_OUT_OF_SERVICE,
    ALARM_STATES
};

enum alarm_input {
    ALARM_RAISE = 0, /* the condition is confirmed                   */
    ALARM_RETURN,    /* the condition has gone                       */
    ALARM_ACK,
    ALARM_RESET,     /* of a latched alarm                           */
    ALARM_SHELVE,
    ALARM_UNSHELVE,  /* by an operator, or the time is over          */
    ALARM_SUPPRESS,
    ALARM_UNSUPPRESS,
    ALARM_TAKE_OUT,  /* of service                                   */
    ALARM_PUT_BACK,
    ALARM_INPUTS
};

/* What stands behind a state: the way out of shelving, suppression or out-of-service depends on it. */
struct alarm_facts {
    bool active;     /* the condition stands                                     */
    bool latch;      /* the alarm has to be reset                                */
    bool latched;    /* it was latched and not reset when a layer was laid over it */
    bool ack_needed; /* false: an alarm that returns is over                     */
    bool shelved, suppressed, out; /* the layers that are left after the input   */
};

/* alarm_step says where input leads from a state. False: not allowed; *why says so in words that go on
 * after "the alarm": "is acknowledged already". An allowed input may stay in its state. */
bool alarm_step(enum alarm_state from, enum alarm_input input, const struct alarm_facts *facts,
                enum alarm_state *to, const char **why);

/* "normal", "unacknowledged", "acknowledged", "returned_unacknowledged", "latched" (both), "shelved",
 * "suppressed_by_design", "out_of_service" */
const char *alarm_state_name(enum alarm_state state);

/* Whether people are to do something: the first five states but normal. */
bool alarm_state_stands(enum alarm_state state);

/* Whether a layer hides the alarm: shelved, suppressed, out of service. */
bool alarm_state_hidden(enum alarm_state state);

#endif
