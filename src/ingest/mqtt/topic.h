/* Topic names and filters (MQTT 4.7) and the text that they are made of (1.5.4). */
#ifndef INGEST_MQTT_TOPIC_H
#define INGEST_MQTT_TOPIC_H

#include <stdbool.h>

#include "base/text.h"

enum { TOPIC_LEVELS_MAX = 128 };

/* UTF-8 without U+0000, surrogates, overlong forms or anything beyond U+10FFFF. */
bool text_well_formed(struct text text);

/* topic_name_ok: a name to publish to. Well-formed; 1 to MESSAGE_TOPIC_MAX bytes, no wildcard,
 * TOPIC_LEVELS_MAX levels at most. O(length). */
bool topic_name_ok(struct text name);

/* topic_filter_ok: a filter to subscribe to; + and # alone in their level, # at the end only. */
bool topic_filter_ok(struct text filter);

bool topic_filter_shared(struct text filter); /* $share/... */
bool topic_filter_has_wildcard(struct text filter);

/* topic_level takes the level at the front off rest; false: there was none left.
 * "a//b" has the levels "a", "", "b". rest->at is NULL behind the last. */
bool topic_level(struct text *rest, struct text *level);

/* topic_matches, with the rule that wildcards at the front do not match names that begin with $. */
bool topic_matches(struct text filter, struct text name);

#endif
