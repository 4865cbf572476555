/* Will messages (3.1.2.5, 3.1.3.2): what a client wants said when it goes without a DISCONNECT.
 * Armed with its session; then counting down in the endpoint's list; then in a batch; and gone when
 * the journal has it. */
#ifndef INGEST_MQTT_WILL_H
#define INGEST_MQTT_WILL_H

#include "ingest/mqtt/state.h"
#include "ingest/mqtt/verb.h"

struct will {
    struct will *next, *before; /* in endpoint.wills */
    struct letter *letter;
    struct session *session; /* armed, or may still come back in time; NULL: on its own */
    uint64_t session_number;
    struct text client, user; /* behind the struct */
    int64_t due_ns;
    uint32_t delay_s;
    bool retain, counting, in_batch;
    char bytes[];
};

/* will_arm makes connect's will that of the session. False: no room. */
bool will_arm(struct endpoint *e, struct session *s, const struct connect *connect);

void will_count_down(struct endpoint *e, struct session *s); /* the client has gone     */
void will_now(struct endpoint *e, struct session *s);        /* ... and so has its session */
void will_drop(struct endpoint *e, struct session *s);       /* DISCONNECT, or back in time */
void will_tick(struct endpoint *e); /* those that are due go into the batch */

/* The batch's answers: the journal has it; it has not. */
void will_spoken(struct endpoint *e, struct will *w);
void will_again(struct endpoint *e, struct will *w);
void will_drop_all(struct endpoint *e); /* at the end of the endpoint */

#endif
