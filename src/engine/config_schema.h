/* Inside config: what the tables cannot say of a section. Each looks over one filled struct, fills
 * what follows from it, and gives NULL or the name of the key at fault (base/yaml.h). */
#ifndef ENGINE_CONFIG_SCHEMA_H
#define ENGINE_CONFIG_SCHEMA_H

#include "engine/config.h"

const char *check_site(void *site, struct andon_arena *arena, andon_error *why);
const char *check_alarms(void *alarms, struct andon_arena *arena, andon_error *why);
const char *check_source(void *source, struct andon_arena *arena, andon_error *why);
const char *check_channel(void *channel, struct andon_arena *arena, andon_error *why);
const char *check_asset(void *asset, struct andon_arena *arena, andon_error *why);
const char *check_oee(void *oee, struct andon_arena *arena, andon_error *why);
const char *check_training(void *training, struct andon_arena *arena, andon_error *why);
const char *check_upstream(void *upstream, struct andon_arena *arena, andon_error *why);
const char *check_influx(void *influx, struct andon_arena *arena, andon_error *why);

#endif
