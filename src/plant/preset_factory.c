/* Factories that make items: wind-turbine components, and medicine in blisters. */
#include "plant/preset_table.h"

static const struct preset_channel channels[] = {
    OTHER("item_id", "", NAN, NAN, PRESET_ITEM),
    LIMITED("temperature", "degC", 0, 80, NAN, 40, 1),
    CHANNEL("humidity", "%", 0, 100),
    LIMITED("sound_volume", "dB", 30, 130, NAN, 85, 2),
    OTHER("status", "", 0, 1, PRESET_RUNNING),
    OTHER("operational_state", "", NAN, NAN, PRESET_REGIME),
};

/* When the air warms, relative humidity falls with the saturation pressure of its vapour (Magnus):
 * from 24 degC, + 2 K are x 0.89, + 6 K x 0.71, + 9 K x 0.59. */
static const struct andon_effect tool_wear[] = {PLUS_TO("sound_volume", 3, 10),
                                                PLUS_TO("temperature", 0, 2),
                                                TIMES_TO("humidity", 1.0f, 0.89f)};
static const struct andon_effect overheating[] = {LATE("temperature", 9),
                                                  TIMES_LATE("humidity", 0.59f)};
static const struct andon_effect cooling_failure[] = {PLUS_TO("temperature", 0, 6),
                                                      PLUS("sound_volume", -4),
                                                      TIMES_TO("humidity", 1.0f, 0.71f)};
static const struct andon_effect moisture[] = {LATE("humidity", 20)};
static const struct andon_effect loose_part[] = {{"sound_volume", {1, 1}, {6, 6}, 4, 0}};

static const struct andon_signature signatures[] = {
    SIGNATURE("tool_wear", tool_wear),
    SIGNATURE("overheating", overheating),
    SIGNATURE("cooling_failure", cooling_failure),
    SIGNATURE("moisture", moisture),
    SIGNATURE("loose_part", loose_part),
};

static const struct preset_fault faults[COUNT(signatures)] = {
    {"Worn tool",
     "The machine gets louder and a little warmer item by item: change or sharpen the tool and "
     "measure the last items.",
     "moderate", 30, 0, 0, 0},
    {"Overheating spindle",
     "It gets hot and the air dry within minutes at the usual sound: stop the spindle, check its "
     "coolant and bearings.",
     "major", 10, 0, 0, 0},
    {"Ventilation failed",
     "It is warmer and quieter than usual: the fans stand. Check their drive and the filters.",
     "moderate", 30, 0, 0, 0},
    {"Water gets in",
     "More water in the air at the same temperature: look for a leak, an open gate or wet material; "
     "resin cures badly now.",
     "moderate", 30, 0, 0, 0},
    {"Loose part in the machine",
     "The sound jumps from item to item: stop and look for a loose clamp, guard or chip.",
     "major", 5, 0, 0, 0},
};

const struct preset preset_component_factory = {
    .name = "component-factory",
    .title = "Factory of wind-turbine components",
    .source = "measurements that a course on production models asks for; WMO-No. 8; faults ours",
    .plant = "component-factory",
    .channel = channels,
    .channels = COUNT(channels),
    .signature = signatures,
    .fault = faults,
    .faults = COUNT(signatures),
    .running = "status",
    .interval_s = 30,
};

/* ---- medicine in blisters: formed, filled, sealed, in a controlled room ---- */

static const struct preset_channel pharma_channels[] = {
    OTHER("item_id", "", NAN, NAN, PRESET_ITEM),
    LIMITED("room_temp", "degC", 0, 50, 15, 25, 0.5),
    LIMITED("room_humidity", "%", 0, 100, NAN, 50, 2),
    CHANNEL("forming_temp", "degC", 0, 250),
    CHANNEL("sealing_temp", "degC", 0, 300),
    CHANNEL("sealing_pressure", "bar", 0, 12),
    CHANNEL("vacuum", "kPa", 0, 100),
    CHANNEL("cycle_rate", "1/min", 0, 120),
    CHANNEL("drive_current", "A", 0, 50),
    LIMITED("reject_rate", "%", 0, 100, NAN, 5, 0.5),
    OTHER("status", "", 0, 1, PRESET_RUNNING),
    OTHER("operational_state", "", NAN, NAN, PRESET_REGIME),
};

static const struct andon_effect sealing_cold[] = {LATE("sealing_temp", -25),
                                                   PLUS("reject_rate", 4)};
static const struct andon_effect sealing_pressure_loss[] = {TIMES("sealing_pressure", 0.7f),
                                                            PLUS("reject_rate", 3)};
static const struct andon_effect vacuum_leak[] = {TIMES("vacuum", 0.6f), PLUS("reject_rate", 3)};
static const struct andon_effect feeder_jam[] = {TIMES("cycle_rate", 0.7f), PLUS("reject_rate", 6)};
static const struct andon_effect drive_wear[] = {TIMES_TO("drive_current", 1.1f, 1.4f),
                                                 TIMES("cycle_rate", 0.97f)};
static const struct andon_effect hvac_failure[] = {LATE("room_temp", 5), LATE("room_humidity", 15)};

static const struct andon_signature pharma_signatures[] = {
    SIGNATURE("sealing_cold", sealing_cold),
    SIGNATURE("sealing_pressure_loss", sealing_pressure_loss),
    SIGNATURE("vacuum_leak", vacuum_leak),
    SIGNATURE("feeder_jam", feeder_jam),
    SIGNATURE("drive_wear", drive_wear),
    SIGNATURE("hvac_failure", hvac_failure),
};

static const struct preset_fault pharma_faults[COUNT(pharma_signatures)] = {
    {"Sealing plate too cold",
     "The sealing temperature sinks: blisters may leak. Hold the batch since the alarm began, check "
     "the heater and its thermocouple.",
     "severe", 5, 0, 0, 0},
    {"Sealing pressure lost",
     "Pressure of the sealing station is down: check the air supply and the cylinder's seals; test "
     "blisters of the batch for leaks.",
     "severe", 5, 0, 0, 0},
    {"Vacuum leak",
     "Less vacuum: foils are not held. Check hoses, suction cups and the pump's filter.",
     "major", 10, 0, 0, 0},
    {"Feeder jam",
     "Slower, with empty pockets: clear the feeder, look for broken tablets and dust.",
     "major", 10, 0, 0, 0},
    {"Drive wear",
     "More current at the same speed: lubricate the indexing drive, check the cam and the belt.",
     "moderate", 60, 0, 0, 0},
    {"Climate of the room lost",
     "The room gets warm and damp: check the air handling; product that takes up water must not "
     "stay open.",
     "severe", 20, 0, 0, 0},
};

const struct preset preset_pharma_packaging = {
    .name = "pharma-packaging",
    .title = "Blister packaging of medicine",
    .source = "use case of a published conveyor monitoring architecture; channels and faults ours",
    .plant = NULL,
    .channel = pharma_channels,
    .channels = COUNT(pharma_channels),
    .signature = pharma_signatures,
    .fault = pharma_faults,
    .faults = COUNT(pharma_signatures),
    .running = "status",
    .interval_s = 10,
};
