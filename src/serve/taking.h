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

#endif
