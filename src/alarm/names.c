/* Names of what is counted off in the headers. */
#include "alarm/alarms.h"

static const char *const types[ALARM_TYPES] = {
    [ALARM_ANOMALY] = "anomaly",           [ALARM_NO_DATA] = "no_data",
    [ALARM_FROZEN] = "frozen",             [ALARM_BAD_QUALITY] = "bad_quality",
    [ALARM_OUT_OF_RANGE] = "out_of_range", [ALARM_SCHEDULE] = "schedule",
    [ALARM_FAULT] = "fault",               [ALARM_FLOOD] = "flood"};
static const char *const priorities[ALARM_PRIORITIES] = {"low", "medium", "high", "critical"};
static const char *const labels[ALARM_LABELS] = {"", "true", "false", "planned"};
static const char *const changes[ALARM_CHANGES] = {
    [ALARM_RAISED] = "raised",
    [ALARM_CLEARED] = "cleared",
    [ALARM_ACKNOWLEDGED] = "acknowledged",
    [ALARM_WAS_RESET] = "reset",
    [ALARM_WAS_SHELVED] = "shelved",
    [ALARM_UNSHELVED] = "unshelved",
    [ALARM_WAS_SUPPRESSED] = "suppressed",
    [ALARM_UNSUPPRESSED] = "unsuppressed",
    [ALARM_OUT] = "out_of_service",
    [ALARM_BACK] = "in_service",
    [ALARM_UPDATED] = "updated",
    [ALARM_ESCALATED] = "escalated",
    [ALARM_BECAME_STALE] = "stale",
    [ALARM_CHATTERS] = "chattering",
    [ALARM_CALMED] = "calm",
    [ALARM_BLINDED] = "blind",
    [ALARM_SIGHTED] = "sighted",
    [ALARM_RELEASED] = "released",
    [ALARM_CLOSED] = "closed",
    [ALARM_WAS_LABELLED] = "labelled",
    [ALARM_COMMENTED] = "commented",
};
static const char *const verbs[ALARM_VERBS] = {
    [ALARM_DO_ACK] = "ack",
    [ALARM_DO_RESET] = "reset",
    [ALARM_DO_SHELVE] = "shelve",
    [ALARM_DO_UNSHELVE] = "unshelve",
    [ALARM_DO_SUPPRESS] = "suppress",
    [ALARM_DO_UNSUPPRESS] = "unsuppress",
    [ALARM_DO_TAKE_OUT] = "out_of_service",
    [ALARM_DO_PUT_BACK] = "return_to_service",
    [ALARM_DO_LABEL] = "label",
    [ALARM_DO_COMMENT] = "comment",
};

static bool find(const char *const *names, uint32_t count, struct text name, uint32_t *number)
{
    for (uint32_t i = 0; i < count; i++)
        if (name.length > 0 && text_is(text_of(names[i]), name)) {
            *number = i;
            return true;
        }
    return false;
}

const char *alarm_type_name(enum alarm_type type)
{
    return types[type];
}

const char *alarm_priority_name(enum alarm_priority priority)
{
    return priorities[priority];
}

const char *alarm_label_name(enum alarm_label label)
{
    return labels[label];
}

const char *alarm_change_name(enum alarm_change change)
{
    return changes[change];
}

bool alarm_type_named(struct text name, enum alarm_type *type)
{
    uint32_t number;
    if (!find(types, ALARM_TYPES, name, &number)) return false;
    *type = (enum alarm_type)number;
    return true;
}

bool alarm_priority_named(struct text name, enum alarm_priority *priority)
{
    uint32_t number;
    if (!find(priorities, ALARM_PRIORITIES, name, &number)) return false;
    *priority = (enum alarm_priority)number;
    return true;
}

bool alarm_label_named(struct text name, enum alarm_label *label)
{
    uint32_t number;
    if (!find(labels, ALARM_LABELS, name, &number)) return false;
    *label = (enum alarm_label)number;
    return true;
}

bool alarm_verb_named(struct text name, enum alarm_verb *verb)
{
    uint32_t number;
    if (!find(verbs, ALARM_VERBS, name, &number)) return false;
    *verb = (enum alarm_verb)number;
    return true;
}

const char *alarm_verb_name(enum alarm_verb verb)
{
    return verbs[verb];
}

bool alarm_state_named(struct text name, uint32_t *states)
{
    *states = 0;
    for (uint32_t s = 0; s < ALARM_STATES; s++)
        if (text_is(text_of(alarm_state_name((enum alarm_state)s)), name)) *states |= 1u << s;
    return *states != 0;
}
