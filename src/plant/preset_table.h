/* Short forms for the tables of presets. */
#ifndef PLANT_PRESET_TABLE_H
#define PLANT_PRESET_TABLE_H

#include <math.h>

#include "plant/preset.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))

/* Channels: name, unit, what the sensor can say; limits and their deadband; the part that sends it. */
#define CHANNEL(name, unit, min, max) {name, unit, min, max, NAN, NAN, 0, PRESET_VALUE, NULL}
#define LIMITED(name, unit, min, max, low, high, deadband)                                         \
    {name, unit, min, max, low, high, deadband, PRESET_VALUE, NULL}
#define OTHER(name, unit, min, max, use) {name, unit, min, max, NAN, NAN, 0, use, NULL}
#define CHANNEL_OF(part, name, unit, min, max) {name, unit, min, max, NAN, NAN, 0, PRESET_VALUE, part}
#define LIMITED_OF(part, name, unit, min, max, low, high, deadband)                                \
    {name, unit, min, max, low, high, deadband, PRESET_VALUE, part}
#define OTHER_OF(part, name, use) {name, "", NAN, NAN, NAN, NAN, 0, use, part}

/* Effects of a fault on a channel: a factor or an offset that is there at once, or that grows from
 * the fault's onset to its full size; LATE is for heat and the like. */
#define TIMES(channel, factor) {channel, {factor, factor}, {0, 0}, 0, 0}
#define TIMES_TO(channel, onset, full) {channel, {onset, full}, {0, 0}, 0, 0}
#define PLUS(channel, offset) {channel, {1, 1}, {offset, offset}, 0, 0}
#define PLUS_TO(channel, onset, full) {channel, {1, 1}, {onset, full}, 0, 0}
#define LATE(channel, offset) {channel, {1, 1}, {offset, offset}, 0, 1}
#define LATE_TO(channel, onset, full) {channel, {1, 1}, {onset, full}, 0, 1}
#define TIMES_LATE(channel, factor) {channel, {factor, factor}, {0, 0}, 0, 1}

#define SIGNATURE(name, effects) {name, effects, COUNT(effects)}

#endif
