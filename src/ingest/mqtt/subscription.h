/* Who wants what: subscriptions in a tree of topic levels (MQTT 4.7). A message walks the tree
 * once, whatever the number of subscribers: O(levels) for plain filters, twice the ways for every
 * level at which somebody has a +. */
#ifndef INGEST_MQTT_SUBSCRIPTION_H
#define INGEST_MQTT_SUBSCRIPTION_H

#include "ingest/mqtt/state.h"
#include "ingest/mqtt/verb.h"

#define SUBSCRIPTION_NONE UINT32_MAX

struct subscription {
    struct session *session; /* NULL: a free row */
    struct text filter;      /* from pool kept   */
    uint32_t node;
    uint32_t next_own;                 /* of the session */
    uint32_t next_there, before_there; /* at the node    */
    uint32_t next_match;               /* of the session, for the mail that is being delivered */
    uint32_t identifier;               /* 0: none        */
    uint8_t qos;
    bool no_local, retain_as_published;
    bool scanning;       /* retained messages that were there before are still due: */
    uint32_t scan_at;    /* the next to look at                                     */
    uint64_t scan_stamp; /* those set after this were delivered as they came        */
};

ANDON_MUST_CHECK andon_status tree_open(struct endpoint *e, andon_error *err);
void tree_close(struct endpoint *e);

/* subscription_put adds one or changes the one with the same filter.
 *   existed  out  whether it was there
 * Returns its number, or SUBSCRIPTION_NONE when a limit is reached. */
uint32_t subscription_put(struct endpoint *e, struct session *s, const struct filter *filter,
                          uint32_t identifier, bool *existed);
bool subscription_drop(struct endpoint *e, struct session *s, struct text filter);
void subscription_drop_all(struct endpoint *e, struct session *s);
struct subscription *subscription_at(struct endpoint *e, uint32_t number);

/* subscription_match gives the numbers of those that match; valid until the next call. */
uint32_t subscription_match(struct endpoint *e, struct text topic, const uint32_t **numbers);
uint32_t subscription_count(const struct endpoint *e);

#endif
