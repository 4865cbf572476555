/* Messages without a time of their own that a sender sent again. A redelivery carries the same packet id
 * and bytes, and says so (MQTT's DUP); without the flag it is a new reading that happens to be equal. */
#ifndef ENGINE_DOOR_H
#define ENGINE_DOOR_H

#include <stdbool.h>

#include "andon/bytes.h"
#include "ingest/message.h"

#define DOORS_MAX 65536u    /* clients that are remembered; then the oldest is forgotten */
#define DOOR_MEMORY 64u     /* messages of each                                          */

struct doors;

struct doors *doors_new(void); /* NULL: no memory */
void doors_free(struct doors *doors);

/* doors_redelivered says whether message came before, and remembers it. */
bool doors_redelivered(struct doors *doors, const struct message *message);

void doors_save(const struct doors *doors, struct andon_writer *out);
bool doors_load(struct doors *doors, struct andon_reader *in);

#endif
