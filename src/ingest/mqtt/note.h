/* What the endpoint says in the program's log about its clients: at most NOTES_PER_S lines a
 * second, whatever they do; how many more there were is said with the next. */
#ifndef INGEST_MQTT_NOTE_H
#define INGEST_MQTT_NOTE_H

#include "base/log.h"
#include "ingest/mqtt/state.h"

/* note_client: event happened to the client of s (NULL: one without a name), because of reason. */
void note_client(struct endpoint *e, enum log_level level, const char *event, const char *reason,
                 const struct session *s);

#endif
