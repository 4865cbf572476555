/* The drive of a conveyor belt, in a plant and in a mine. Signals and preparation rules are those of a
 * published conveyor monitoring architecture: judge only while it runs, the motor's temperature over the
 * hall's, vibration as peak. What faults do is ours to answer for. */
#include "plant/preset_table.h"

static const struct preset_channel channels[] = {
    LIMITED("motor_temp", "degC", -20, 150, NAN, 105, 5),
    OTHER("ambient_temp", "degC", -20, 60, PRESET_REFERENCE),
    LIMITED("vibration", "mm/s", 0, 30, NAN, 7.1, 0.5),
    OTHER("status", "", 0, 1, PRESET_RUNNING),
    OTHER("operational_state", "", NAN, NAN, PRESET_REGIME),
};

static const struct andon_setting settings[] = {{"asof", "motor_temp-ambient_temp"},
                                                {"peak", "vibration=sine"}};

static const struct andon_effect bearing[] = {TIMES_TO("vibration", 1.3f, 3.0f),
                                              PLUS_TO("motor_temp", 0, 8)};
static const struct andon_effect overheating[] = {LATE("motor_temp", 22)};
static const struct andon_effect imbalance[] = {TIMES("vibration", 1.9f)};
/* Three rows in ten jump by 4 to 12 mm/s. */
static const struct andon_effect sensor_spikes[] = {{"vibration", {1, 1}, {2.4f, 2.4f}, 5, 0}};
static const struct andon_effect sensor_offset[] = {PLUS("ambient_temp", 9)};

static const struct andon_signature signatures[] = {
    SIGNATURE("bearing", bearing),
    SIGNATURE("overheating", overheating),
    SIGNATURE("imbalance", imbalance),
    SIGNATURE("sensor_spikes", sensor_spikes),
    SIGNATURE("sensor_offset", sensor_offset),
};

static const struct preset_fault faults[COUNT(signatures)] = {
    {"Bearing damage",
     "Vibration grows from hour to hour and the motor follows: listen to the drive's and the "
     "pulleys' bearings, grease them, plan their replacement.",
     "major", 60, 0, 0, 0},
    {"Motor overheating",
     "The motor is hotter than the hall and the load explain: check the fan and its grille, the "
     "brake, the gearbox's oil and whether the belt drags.",
     "major", 20, 0, 0, 0},
    {"Imbalance of a pulley",
     "Vibration jumped up and stays, the motor is as before: look for material stuck to a pulley "
     "and for a lost weight; align the belt.",
     "moderate", 60, 0, 0, 0},
    {"Loose vibration sensor",
     "Single readings jump while those between are as usual: fasten the sensor and its cable; the "
     "machine is probably well.",
     "minor", 240, 0, 0, 0},
    {"Ambient sensor reads high",
     "The hall's temperature jumped while the motor's did not: check the ambient sensor; until "
     "then the motor looks cooler than it is.",
     "minor", 240, 0, 0, 0},
};

const struct preset preset_conveyor = {
    .name = "conveyor",
    .title = "Conveyor belt",
    .source = "published conveyor-belt monitoring architecture; ISO 20816-3; faults ours",
    .plant = "conveyor",
    .channel = channels,
    .channels = COUNT(channels),
    .signature = signatures,
    .fault = faults,
    .faults = COUNT(signatures),
    .running = "status",
    .setting = settings,
    .settings = COUNT(settings),
    .interval_s = 60,
};

/* ---- in a mine: more is measured, and more goes wrong ---- */

static const struct preset_channel mining_channels[] = {
    LIMITED("motor_temp", "degC", -40, 180, NAN, 120, 5),
    OTHER("ambient_temp", "degC", -50, 60, PRESET_REFERENCE),
    LIMITED("vibration", "mm/s", 0, 50, NAN, 11, 1),
    LIMITED("belt_speed", "m/s", 0, 10, NAN, NAN, 0),
    LIMITED("belt_load", "t/h", 0, 12000, NAN, NAN, 0),
    LIMITED("drive_current", "A", 0, 2000, NAN, NAN, 0),
    LIMITED("belt_tension", "kN", 0, 1000, NAN, NAN, 0),
    LIMITED("belt_drift", "mm", -300, 300, -120, 120, 20),
    OTHER("status", "", 0, 1, PRESET_RUNNING),
    OTHER("operational_state", "", NAN, NAN, PRESET_REGIME),
};

static const struct andon_effect belt_slip[] = {TIMES("belt_speed", 0.85f),
                                                TIMES("belt_tension", 0.8f),
                                                LATE("motor_temp", 6)};
static const struct andon_effect overload[] = {TIMES("belt_load", 1.3f),
                                               TIMES("drive_current", 1.25f),
                                               TIMES("belt_tension", 1.2f), LATE("motor_temp", 12)};
static const struct andon_effect misalignment[] = {PLUS("belt_drift", 80), TIMES("vibration", 1.3f)};
static const struct andon_effect idler_seized[] = {TIMES_TO("vibration", 1.2f, 1.8f),
                                                   TIMES("drive_current", 1.08f)};
static const struct andon_effect blocked_chute[] = {TIMES("belt_load", 0.4f),
                                                    TIMES("drive_current", 0.7f),
                                                    TIMES("belt_tension", 0.8f)};

static const struct andon_signature mining_signatures[] = {
    SIGNATURE("bearing", bearing),           SIGNATURE("overheating", overheating),
    SIGNATURE("belt_slip", belt_slip),       SIGNATURE("overload", overload),
    SIGNATURE("misalignment", misalignment), SIGNATURE("idler_seized", idler_seized),
    SIGNATURE("blocked_chute", blocked_chute), SIGNATURE("imbalance", imbalance),
    SIGNATURE("sensor_spikes", sensor_spikes), SIGNATURE("sensor_offset", sensor_offset),
};

static const struct preset_fault mining_faults[COUNT(mining_signatures)] = {
    {"Bearing damage",
     "Vibration grows and the motor follows: check the drive pulley's and the gearbox's bearings "
     "and their lubrication at the next stop of the belt.",
     "major", 60, 0, 0, 0},
    {"Motor overheating",
     "The motor is hotter than the weather and the load explain: check the cooling, dust on the "
     "grille, the brake and the fluid coupling.",
     "severe", 15, 0, 0, 0},
    {"Belt slip",
     "The belt is slower than its drive and slack: check the take-up's weight, the pulley's lagging "
     "and whether the belt is wet. Slip is a fire hazard: stop it if the motor heats up.",
     "severe", 5, 0, 0, 0},
    {"Overload",
     "More ore than usual and a current to match: lower the feed; check that the crusher's gap and "
     "the feeder's rate are right.",
     "moderate", 20, 0, 0, 0},
    {"Misalignment",
     "The belt runs off to a side: check the idlers and the loading point, remove spilt ore; stop "
     "before the edge is damaged.",
     "major", 15, 0, 0, 0},
    {"Seized idler",
     "Vibration and current are up a little at the same load: walk the belt with a heat camera and "
     "look for idlers that stand still; they cut and heat the belt.",
     "major", 60, 0, 0, 0},
    {"Blocked chute",
     "Hardly any ore arrives although the belt runs: look at the chute and the feeder before "
     "material builds up behind it.",
     "moderate", 10, 0, 0, 0},
    {"Imbalance of a pulley",
     "Vibration jumped up and stays, the motor is as before: look for ore stuck to a pulley and a "
     "worn scraper.",
     "moderate", 60, 0, 0, 0},
    {"Loose vibration sensor",
     "Single readings jump while those between are as usual: fasten the sensor and its cable; the "
     "machine is probably well.",
     "minor", 240, 0, 0, 0},
    {"Ambient sensor reads high",
     "The ambient temperature jumped while the motor's did not: check the sensor and its shade; "
     "until then the motor looks cooler than it is.",
     "minor", 240, 0, 0, 0},
};

const struct preset preset_mining_conveyor = {
    .name = "mining-conveyor",
    .title = "Ore conveyor of a mine",
    .source = "use case of a published conveyor monitoring architecture; channels and faults ours",
    .plant = NULL,
    .channel = mining_channels,
    .channels = COUNT(mining_channels),
    .signature = mining_signatures,
    .fault = mining_faults,
    .faults = COUNT(mining_signatures),
    .running = "status",
    .setting = settings,
    .settings = COUNT(settings),
    .interval_s = 10,
};
