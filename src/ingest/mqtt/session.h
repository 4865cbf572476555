/* Sessions (4.1): what is known of a client beyond one connection. */
#ifndef INGEST_MQTT_SESSION_H
#define INGEST_MQTT_SESSION_H

#include "ingest/mqtt/state.h"

ANDON_MUST_CHECK andon_status sessions_open(struct endpoint *e, andon_error *err);
void sessions_close(struct endpoint *e);

struct session *session_find(struct endpoint *e, struct text client);

/* session_begin makes one for client. NULL: no room; then some that have been away longest are given
 * up for those who come next. */
struct session *session_begin(struct endpoint *e, struct text client, struct text user);

/* session_use notes under which name the client came this time. False: no room. */
bool session_use(struct endpoint *e, struct session *s, struct text user);

/* session_leave lets the connection go: the will counts down or (speak false) is thrown away, and
 * the session is kept for expiry_s, or ends. When sessions_max are kept, the one that has been away
 * longest is given up for it, and counted. */
void session_leave(struct endpoint *e, struct session *s, bool speak);

/* session_return joins an absent session with its new connection. */
void session_return(struct endpoint *e, struct session *s, struct connection *c);

/* session_end takes everything of it away; the row is free after session_bury. */
void session_end(struct endpoint *e, struct session *s);
void session_bury(struct endpoint *e);
void session_tick(struct endpoint *e); /* those whose time is over */

/* QoS 2 from the client: packet ids between PUBLISH and PUBREL.
 * session_receive: 1 a new one, 0 it has been here, -1 no room to remember it. */
int session_receive(struct endpoint *e, struct session *s, uint16_t packet);
bool session_received(const struct session *s, uint16_t packet);
bool session_release(struct endpoint *e, struct session *s, uint16_t packet);

#endif
