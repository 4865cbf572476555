/* Alarms as JSON: the shape that the API, the live stream, MQTT and the store share. */
#ifndef ALARM_PRINT_H
#define ALARM_PRINT_H

#include "alarm/alarms.h"
#include "base/json.h"

/* A record: id, sequence, asset, channel, type, name, fault, confidence, cost, priority, state, active,
 * acknowledged, began, raised, cleared, acknowledged_at, acknowledged_by, shelved_until, ... Times are
 * RFC 3339; what is not known is null; flags that are not set are left out. */
void alarm_print(struct json *j, const char *name, const struct alarm_record *record);

/* An event: change, before, after, at, by, notify and the record as alarm. */
void alarm_event_print(struct json *j, const char *name, const struct alarm_event *event);

void alarm_window_print(struct json *j, const char *name, const struct alarm_window *window);
void alarm_budget_print(struct json *j, const char *name, const struct alarm_budget *budget);
void alarm_figures_print(struct json *j, const char *name, const struct alarms_figures *figures);

#endif
