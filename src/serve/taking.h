/* What the routes for readings share. */
#ifndef SERVE_TAKING_H
#define SERVE_TAKING_H

#include "serve/inner.h"

/* take_readings puts the client's body into the journal as message says (door, user, topic). False:
 * it is refused, the answer stands in reply. */
bool take_readings(struct client *client, const struct message *message, enum pieces_shape shape,
                   struct receiver_outcome *outcome);

/* acknowledge_readings lets the answer out when the journal has settled; it stands in reply or
 * answer. */
void acknowledge_readings(struct client *client, const struct receiver_outcome *outcome);

/* thanks_take gives the client an answer that says how many were accepted: kept ones are used
 * again. False: no memory. thanks_give puts it back when it is out. */
bool thanks_take(struct client *client, uint64_t accepted);
void thanks_give(struct client *client);
void thanks_close(struct worker *worker);

#endif
