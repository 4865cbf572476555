/* An industrial pump of a station of twelve. Means, ranges, signatures, frequencies and costs are those
 * of the published description of such a pipeline; so are the two limits. Its third, pressure below
 * 4 bar, is passed at every start and stays out. */
#include "plant/preset_table.h"

static const struct preset_channel channels[] = {
    LIMITED("temperature", "degC", 20, 85, NAN, 70, 3),
    LIMITED("vibration", "mm/s", 0, 15, NAN, 5, 0.5),
    CHANNEL("pressure", "bar", 0, 12),
    CHANNEL("flow_rate", "m3/h", 0, 250),
    CHANNEL("current", "A", 0, 150),
    CHANNEL("duty_cycle", "%", 0, 100),
    OTHER("status", "", 0, 1, PRESET_RUNNING),
    OTHER("operational_state", "", NAN, NAN, PRESET_REGIME),
};

static const struct andon_effect cavitation[] = {
    TIMES("pressure", 0.60f), TIMES("vibration", 2.5f), TIMES("flow_rate", 0.85f),
    LATE("temperature", 8)};
static const struct andon_effect bearing_wear[] = {
    TIMES_TO("vibration", 1.0f, 2.8f), LATE_TO("temperature", 10, 28),
    TIMES_TO("current", 1.05f, 1.15f)};
static const struct andon_effect seal_leak[] = {
    TIMES("pressure", 0.75f), TIMES("flow_rate", 0.80f), TIMES("duty_cycle", 1.10f),
    TIMES("current", 1.12f)};
static const struct andon_effect electrical_fault[] = {
    {"current", {1.35f, 1.35f}, {0, 0}, 5, 0}, LATE("temperature", 15), TIMES("vibration", 1.20f)};
static const struct andon_effect partial_blockage[] = {
    TIMES("pressure", 1.40f), TIMES("flow_rate", 0.65f), TIMES("current", 1.25f),
    LATE("temperature", 10), TIMES("vibration", 1.30f)};

static const struct andon_signature signatures[] = {
    SIGNATURE("cavitation", cavitation),
    SIGNATURE("bearing_wear", bearing_wear),
    SIGNATURE("seal_leak", seal_leak),
    SIGNATURE("electrical_fault", electrical_fault),
    SIGNATURE("partial_blockage", partial_blockage),
};

static const struct preset_fault faults[COUNT(signatures)] = {
    {"Cavitation",
     "Pressure is down while vibration is up: check the inlet pressure, the suction strainer and "
     "the level in the suction tank; throttle the outlet until the noise stops.",
     "major", 20, 8, 2.5, 6500},
    {"Bearing wear",
     "Vibration and temperature rise together: check lubrication and listen to the bearings; plan "
     "their replacement before the temperature passes 70 degC.",
     "severe", 30, 3, 4.0, 11000},
    {"Seal leak",
     "Pressure and flow are down although the pump works harder: look for a leak at the shaft "
     "seal and the flanges; check the seal's flushing.",
     "major", 30, 5, 3.0, 7200},
    {"Electrical fault",
     "Current is up and unsteady with heat but without more flow: check the phases for imbalance, "
     "the terminals and the winding's insulation before it trips.",
     "severe", 15, 2, 6.0, 15000},
    {"Partial blockage",
     "Pressure is up while flow is down: check the outlet valve, the filter and the pipe behind "
     "the pump for a blockage.",
     "major", 30, 4, 2.0, 5800},
};

const struct preset preset_pump = {
    .name = "pump",
    .title = "Industrial pump",
    .source = "published description of an industrial pump anomaly pipeline; ISO 13373, ISO 20816",
    .plant = "pump",
    .channel = channels,
    .channels = COUNT(channels),
    .signature = signatures,
    .fault = faults,
    .faults = COUNT(signatures),
    .running = "status",
    .interval_s = 60,
};
