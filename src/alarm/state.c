/* The table of states.
 *
 * Invariants: 1. every cell says either where it leads or why not; 2. a layer (shelved, suppressed, out
 * of service) hides the condition but does not end it: whoever takes the last layer away finds the
 * alarm unacknowledged if the condition stands; 3. a latched alarm is over only when it is both
 * acknowledged and reset. */
#include "alarm/state.h"

#include <stddef.h>

/* Cells that are no state. */
enum {
    STAY = ALARM_STATES, /* allowed, changes nothing                                   */
    RETURNS,             /* returned-unacknowledged, or latched, or normal              */
    RETURNS_ACKED,       /* normal, or latched                                          */
    UNLATCHES,           /* returned-unacknowledged, or normal                          */
    FALLS,               /* to the next layer, or to what the condition says            */
    REFUSED
};

struct cell {
    uint8_t to;
    const char *why; /* of REFUSED */
};

#define TO(state) {(state), NULL}
#define NO(why) {REFUSED, (why)}

static const char no_condition[] = "is not standing";
static const char acked_already[] = "is acknowledged already";
static const char not_latched[] = "is not latched: there is nothing to reset";
static const char not_shelved[] = "is not shelved";
static const char not_suppressed[] = "is not suppressed";
static const char in_service[] = "is in service";
static const char is_shelved[] = "is shelved: unshelve it first";
static const char is_suppressed[] = "is suppressed by design: unsuppress it first";
static const char is_out[] = "is out of service: return it to service first";
static const char still_there[] = "cannot be reset while its condition stands";

static const struct cell table[ALARM_STATES][ALARM_INPUTS] = {
    [ALARM_NORMAL] =
        {
            [ALARM_RAISE] = TO(ALARM_UNACK),
            [ALARM_RETURN] = TO(STAY),
            [ALARM_ACK] = NO(no_condition),
            [ALARM_RESET] = NO(not_latched),
            [ALARM_SHELVE] = TO(ALARM_SHELVED),
            [ALARM_UNSHELVE] = NO(not_shelved),
            [ALARM_SUPPRESS] = TO(ALARM_SUPPRESSED),
            [ALARM_UNSUPPRESS] = NO(not_suppressed),
            [ALARM_TAKE_OUT] = TO(ALARM_OUT_OF_SERVICE),
            [ALARM_PUT_BACK] = NO(in_service),
        },
    [ALARM_UNACK] =
        {
            [ALARM_RAISE] = TO(STAY),
            [ALARM_RETURN] = TO(RETURNS),
            [ALARM_ACK] = TO(ALARM_ACKED),
            [ALARM_RESET] = NO(still_there),
            [ALARM_SHELVE] = TO(ALARM_SHELVED),
            [ALARM_UNSHELVE] = NO(not_shelved),
            [ALARM_SUPPRESS] = TO(ALARM_SUPPRESSED),
            [ALARM_UNSUPPRESS] = NO(not_suppressed),
            [ALARM_TAKE_OUT] = TO(ALARM_OUT_OF_SERVICE),
            [ALARM_PUT_BACK] = NO(in_service),
        },
    [ALARM_ACKED] =
        {
            [ALARM_RAISE] = TO(STAY),
            [ALARM_RETURN] = TO(RETURNS_ACKED),
            [ALARM_ACK] = NO(acked_already),
            [ALARM_RESET] = NO(still_there),
            [ALARM_SHELVE] = TO(ALARM_SHELVED),
            [ALARM_UNSHELVE] = NO(not_shelved),
            [ALARM_SUPPRESS] = TO(ALARM_SUPPRESSED),
            [ALARM_UNSUPPRESS] = NO(not_suppressed),
            [ALARM_TAKE_OUT] = TO(ALARM_OUT_OF_SERVICE),
            [ALARM_PUT_BACK] = NO(in_service),
        },
    [ALARM_RETURNED] =
        {
            [ALARM_RAISE] = TO(ALARM_UNACK),
            [ALARM_RETURN] = TO(STAY),
            [ALARM_ACK] = TO(ALARM_NORMAL),
            [ALARM_RESET] = NO(not_latched),
            [ALARM_SHELVE] = TO(ALARM_SHELVED),
            [ALARM_UNSHELVE] = NO(not_shelved),
            [ALARM_SUPPRESS] = TO(ALARM_SUPPRESSED),
            [ALARM_UNSUPPRESS] = NO(not_suppressed),
            [ALARM_TAKE_OUT] = TO(ALARM_OUT_OF_SERVICE),
            [ALARM_PUT_BACK] = NO(in_service),
        },
    [ALARM_LATCHED_UNACK] =
        {
            [ALARM_RAISE] = TO(ALARM_UNACK),
            [ALARM_RETURN] = TO(STAY),
            [ALARM_ACK] = TO(ALARM_LATCHED_ACKED),
            [ALARM_RESET] = TO(UNLATCHES),
            [ALARM_SHELVE] = TO(ALARM_SHELVED),
            [ALARM_UNSHELVE] = NO(not_shelved),
            [ALARM_SUPPRESS] = TO(ALARM_SUPPRESSED),
            [ALARM_UNSUPPRESS] = NO(not_suppressed),
            [ALARM_TAKE_OUT] = TO(ALARM_OUT_OF_SERVICE),
            [ALARM_PUT_BACK] = NO(in_service),
        },
    [ALARM_LATCHED_ACKED] =
        {
            [ALARM_RAISE] = TO(ALARM_UNACK),
            [ALARM_RETURN] = TO(STAY),
            [ALARM_ACK] = NO(acked_already),
            [ALARM_RESET] = TO(ALARM_NORMAL),
            [ALARM_SHELVE] = TO(ALARM_SHELVED),
            [ALARM_UNSHELVE] = NO(not_shelved),
            [ALARM_SUPPRESS] = TO(ALARM_SUPPRESSED),
            [ALARM_UNSUPPRESS] = NO(not_suppressed),
            [ALARM_TAKE_OUT] = TO(ALARM_OUT_OF_SERVICE),
            [ALARM_PUT_BACK] = NO(in_service),
        },
    [ALARM_SHELVED] =
        {
            [ALARM_RAISE] = TO(STAY),
            [ALARM_RETURN] = TO(STAY),
            [ALARM_ACK] = NO(is_shelved),
            [ALARM_RESET] = NO(is_shelved),
            [ALARM_SHELVE] = TO(STAY), /* until another time */
            [ALARM_UNSHELVE] = TO(FALLS),
            [ALARM_SUPPRESS] = TO(ALARM_SUPPRESSED),
            [ALARM_UNSUPPRESS] = NO(not_suppressed),
            [ALARM_TAKE_OUT] = TO(ALARM_OUT_OF_SERVICE),
            [ALARM_PUT_BACK] = NO(in_service),
        },
    [ALARM_SUPPRESSED] =
        {
            [ALARM_RAISE] = TO(STAY),
            [ALARM_RETURN] = TO(STAY),
            [ALARM_ACK] = NO(is_suppressed),
            [ALARM_RESET] = NO(is_suppressed),
            [ALARM_SHELVE] = NO(is_suppressed),
            [ALARM_UNSHELVE] = NO(is_suppressed),
            [ALARM_SUPPRESS] = TO(STAY),
            [ALARM_UNSUPPRESS] = TO(FALLS),
            [ALARM_TAKE_OUT] = TO(ALARM_OUT_OF_SERVICE),
            [ALARM_PUT_BACK] = NO(in_service),
        },
    [ALARM_OUT_OF_SERVICE] =
        {
            [ALARM_RAISE] = TO(STAY),
            [ALARM_RETURN] = TO(STAY),
            [ALARM_ACK] = NO(is_out),
            [ALARM_RESET] = NO(is_out),
            [ALARM_SHELVE] = NO(is_out),
            [ALARM_UNSHELVE] = NO(is_out),
            [ALARM_SUPPRESS] = TO(STAY), /* a planned stop begins meanwhile */
            [ALARM_UNSUPPRESS] = TO(STAY),
            [ALARM_TAKE_OUT] = NO("is out of service already"),
            [ALARM_PUT_BACK] = TO(FALLS),
        },
};

static enum alarm_state fall(const struct alarm_facts *f)
{
    if (f->out) return ALARM_OUT_OF_SERVICE;
    if (f->suppressed) return ALARM_SUPPRESSED;
    if (f->shelved) return ALARM_SHELVED;
    if (f->active) return ALARM_UNACK;
    return f->latched ? ALARM_LATCHED_UNACK : ALARM_NORMAL;
}

bool alarm_step(enum alarm_state from, enum alarm_input input, const struct alarm_facts *facts,
                enum alarm_state *to, const char **why)
{
    const struct cell *cell = &table[from][input];
    switch (cell->to) {
    case REFUSED: *why = cell->why; return false;
    case STAY: *to = from; return true;
    case FALLS: *to = fall(facts); return true;
    case RETURNS:
        *to = facts->latch        ? ALARM_LATCHED_UNACK
              : facts->ack_needed ? ALARM_RETURNED
                                  : ALARM_NORMAL;
        return true;
    case UNLATCHES: *to = facts->ack_needed ? ALARM_RETURNED : ALARM_NORMAL; return true;
    case RETURNS_ACKED: *to = facts->latch ? ALARM_LATCHED_ACKED : ALARM_NORMAL; return true;
    default: *to = (enum alarm_state)cell->to; return true;
    }
}

const char *alarm_state_name(enum alarm_state state)
{
    static const char *const name[ALARM_STATES] = {
        [ALARM_NORMAL] = "normal",
        [ALARM_UNACK] = "unacknowledged",
        [ALARM_ACKED] = "acknowledged",
        [ALARM_RETURNED] = "returned_unacknowledged",
        [ALARM_LATCHED_UNACK] = "latched",
        [ALARM_LATCHED_ACKED] = "latched",
        [ALARM_SHELVED] = "shelved",
        [ALARM_SUPPRESSED] = "suppressed_by_design",
        [ALARM_OUT_OF_SERVICE] = "out_of_service",
    };
    return name[state];
}

bool alarm_state_stands(enum alarm_state state)
{
    return state >= ALARM_UNACK && state <= ALARM_LATCHED_ACKED;
}

bool alarm_state_hidden(enum alarm_state state)
{
    return state >= ALARM_SHELVED;
}
