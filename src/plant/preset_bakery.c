/* A donut bakery: the fryer and the production line, with the keys of the published payloads. What is
 * measured is judged; targets, totals, texts, goals and the line's own OEE are kept. */
#include "plant/preset_table.h"

#define FRYER "fryer"
#define LINE "productionline"
#define DRIVE(n)                                                                                   \
    CHANNEL_OF(FRYER, "Drive" n "_Current", "A", 0, 3),                                            \
        CHANNEL_OF(FRYER, "Drive" n "_Frequency", "Hz", 0, 60),                                    \
        CHANNEL_OF(FRYER, "Drive" n "_Speed", "rpm", 0, 60),                                       \
        CHANNEL_OF(FRYER, "Drive" n "_Voltage", "V", 0, 260)
#define KEPT(part, name) OTHER_OF(part, name, PRESET_IGNORED)

static const struct preset_channel channels[] = {
    LIMITED_OF(FRYER, "Oiltemperature", "degF", 0, 500, 350, 390, 3),
    KEPT(FRYER, "OiltemperatureTarget"),
    LIMITED_OF(FRYER, "Tank_Level", "%", 0, 100, 61, NAN, 0.5),
    CHANNEL_OF(FRYER, "Heater_Inlet_Temp", "degF", 0, 200),
    CHANNEL_OF(FRYER, "Heater_Outlet_Temp", "degF", 0, 200),
    CHANNEL_OF(FRYER, "Cooler_Inlet_Temp", "degF", 0, 200),
    CHANNEL_OF(FRYER, "Cooler_Outlet_Temp", "degF", 0, 200),
    CHANNEL_OF(FRYER, "Pressure_Filter_Inlet", "bar", 0, 6),
    CHANNEL_OF(FRYER, "Pressure_Filter_Outlet", "bar", 0, 6),
    CHANNEL_OF(FRYER, "Pumps_Total_Flow", "gal/min", 0, 60),
    CHANNEL_OF(FRYER, "Pump1_Temperature_Flow", "degC", 0, 100),
    CHANNEL_OF(FRYER, "Pump2_Temperature_Flow", "degC", 0, 100),
    CHANNEL_OF(FRYER, "Pump3_Temperature_Flow", "degC", 0, 100),
    CHANNEL_OF(FRYER, "Pump1_Conductivity", "uS/cm", 0, 200),
    CHANNEL_OF(FRYER, "Flow001", "gal/min", 0, 10),
    CHANNEL_OF(FRYER, "Pressure001", "bar", 0, 6),
    CHANNEL_OF(FRYER, "Pressure002", "bar", 0, 3),
    CHANNEL_OF(FRYER, "Dynamix_Ch1_Acceleration", "g", 0, 2),
    CHANNEL_OF(FRYER, "VacuumPressure", "kPa", 0, 100),
    OTHER_OF(FRYER, "VacuumAlert", PRESET_ALERT),
    OTHER_OF(FRYER, "Filter_Chg_Required", PRESET_ALERT),
    CHANNEL_OF(FRYER, "Temperature", "degF", 0, 150),
    CHANNEL_OF(FRYER, "Humidity", "%", 0, 100),
    CHANNEL_OF(FRYER, "Voltage", "V", 0, 150),
    CHANNEL_OF(FRYER, "Current", "A", 0, 1),
    DRIVE("1"),
    DRIVE("2"),
    DRIVE("3"),
    KEPT(FRYER, "Pump1_Flow_Totalizer"),
    KEPT(FRYER, "Pump2_Flow_Totalizer"),
    KEPT(FRYER, "Pump3_Flow_Totalizer"),
    KEPT(FRYER, "RobotPosition_J0"),
    KEPT(FRYER, "RobotPosition_J1"),
    KEPT(FRYER, "RobotPosition_J2"),
    KEPT(FRYER, "RobotPosition_J3"),
    KEPT(FRYER, "RobotPosition_J4"),
    KEPT(FRYER, "RobotPosition_J5"),
    KEPT(FRYER, "Valve_000_Pump1"),
    KEPT(FRYER, "Cooler_ON"),
    KEPT(FRYER, "Fan001_On"),
    KEPT(FRYER, "Heater_ON"),
    KEPT(FRYER, "Filter_Reset"),
    KEPT(FRYER, "Filter_Override"),
    KEPT(FRYER, "UTC_Time"),
    LIMITED_OF(LINE, "OvenTemp", "degF", 0, 600, NAN, 425, 3),
    CHANNEL_OF(LINE, "CurrentCutPerMinutes", "1/min", 0, 200),
    KEPT(LINE, "TargetCutPerMinutes"),
    CHANNEL_OF(LINE, "Thruput", "1/min", 0, 60),
    CHANNEL_OF(LINE, "DoughTemperature", "", 0, 400),
    CHANNEL_OF(LINE, "Weight", "g", 0, 1500),
    CHANNEL_OF(LINE, "Height", "cm", 0, 20),
    LIMITED_OF(LINE, "Waste", "%", 0, 20, NAN, 4, 0.3),
    KEPT(LINE, "MakeupArea"),
    KEPT(LINE, "Line"),
    KEPT(LINE, "Product"),
    KEPT(LINE, "Process"),
    KEPT(LINE, "Batch"),
    KEPT(LINE, "CurrentShift"),
    KEPT(LINE, "StartTime"),
    KEPT(LINE, "FinishTime"),
    KEPT(LINE, "WasteReason"),
    KEPT(LINE, "LostTime"),
    KEPT(LINE, "LostTimeReason"),
    KEPT(LINE, "LostTimeTimeCount"),
    KEPT(LINE, "ScheduledDoughs"),
    KEPT(LINE, "CompletedDoughs"),
    KEPT(LINE, "ScheduledDoughsPerHour"),
    KEPT(LINE, "DownTime"),
    KEPT(LINE, "OverallEfficiency"),
    KEPT(LINE, "Availability"),
    KEPT(LINE, "Performance"),
    KEPT(LINE, "Quality"),
    KEPT(LINE, "PlannedProductionTime"),
    KEPT(LINE, "ActualRuntime"),
    KEPT(LINE, "UnplannedDowntime"),
    KEPT(LINE, "PlannedDowntime"),
    KEPT(LINE, "PlannedQuantity"),
    KEPT(LINE, "ActualQuantity"),
    KEPT(LINE, "RejectedQuantity"),
    KEPT(LINE, "OEEGoalbyPlant"),
    KEPT(LINE, "OEESeattle"),
    KEPT(LINE, "OEEMiami"),
    KEPT(LINE, "OEEBoston"),
    KEPT(LINE, "OEEMexicoCity"),
    KEPT(LINE, "OEEGoalbyCountry"),
    KEPT(LINE, "OEEUSA"),
    KEPT(LINE, "OEEMexico"),
    KEPT(LINE, "OEEGoalbyProduct"),
    KEPT(LINE, "OEEDonuts"),
    KEPT(LINE, "OEECakes"),
    KEPT(LINE, "OEEBreads"),
    KEPT(LINE, "OEEGoalbyShift"),
    KEPT(LINE, "OEEMorningShift"),
    KEPT(LINE, "OEEDayShift"),
    KEPT(LINE, "OEENightShift"),
};

/* A degree a minute for ten to forty minutes. */
static const struct andon_effect oil_heater[] = {PLUS_TO("Oiltemperature", -2, -25)};
/* The pressure over the filter rises by up to 1.2 bar, and 0.22 of that part of the flow is lost. */
static const struct andon_effect filter_clogged[] = {
    PLUS_TO("Pressure_Filter_Inlet", 0.15f, 0.35f), TIMES_TO("Pressure_Filter_Outlet", 0.92f, 0.74f),
    TIMES_TO("Pumps_Total_Flow", 0.92f, 0.74f), TIMES_TO("Flow001", 0.92f, 0.74f)};
static const struct andon_effect drive_bearing[] = {
    TIMES_TO("Dynamix_Ch1_Acceleration", 1.6f, 3.2f), TIMES_TO("Drive2_Current", 1.25f, 1.45f)};
static const struct andon_effect cooler_failure[] = {LATE("Cooler_Outlet_Temp", 7),
                                                     PLUS_TO("Temperature", 0, 5)};
static const struct andon_effect oil_leak[] = {PLUS_TO("Tank_Level", -0.5f, -8)};
static const struct andon_effect vacuum_leak[] = {LATE("VacuumPressure", -9)};
static const struct andon_effect oven_hot[] = {LATE("OvenTemp", 24), LATE("Weight", -12),
                                               LATE("Height", -0.36f), LATE("Waste", 1.2f)};
static const struct andon_effect divider_jam[] = {TIMES("CurrentCutPerMinutes", 0.72f),
                                                  TIMES("Thruput", 0.72f), PLUS("Waste", 1.2f)};

static const struct andon_signature signatures[] = {
    SIGNATURE("oil_heater", oil_heater),         SIGNATURE("filter_clogged", filter_clogged),
    SIGNATURE("drive_bearing", drive_bearing),   SIGNATURE("cooler_failure", cooler_failure),
    SIGNATURE("oil_leak", oil_leak),             SIGNATURE("vacuum_leak", vacuum_leak),
    SIGNATURE("oven_hot", oven_hot),             SIGNATURE("divider_jam", divider_jam),
};

static const struct preset_fault faults[COUNT(signatures)] = {
    {"Fryer heater weak",
     "The oil cools below its target although the heater is on: check the heating elements and "
     "their fuses; donuts take up more fat now.",
     "major", 10, 0, 0, 0},
    {"Oil filter clogged",
     "Pressure before the filter is up and flow is down: change the filter at the next break.",
     "moderate", 30, 0, 0, 0},
    {"Bearing of drive 2",
     "Acceleration and the current of drive 2 rise together: lubricate the bearing of drive 2 and "
     "plan its replacement.",
     "major", 60, 0, 0, 0},
    {"Cooler failed",
     "The cooler's outlet is as warm as its inlet: check the fan, its fuse and the coolant.",
     "moderate", 20, 0, 0, 0},
    {"Oil leak",
     "The tank's level sinks faster than donuts take oil along: look under the fryer. Hot oil on "
     "the floor is a danger to people.",
     "severe", 5, 0, 0, 0},
    {"Vacuum leak",
     "The vacuum is weak: check the lines and the suction cups of the robot.",
     "moderate", 10, 0, 0, 0},
    {"Oven too hot",
     "The oven is above its range and what it bakes is light and flat: lower the set point, check "
     "the thermocouple and the burner's valve.",
     "major", 10, 0, 0, 0},
    {"Divider jams",
     "Fewer cuts and more waste: clear the divider, check the dough's temperature and the knife.",
     "moderate", 10, 0, 0, 0},
};

const struct preset preset_bakery = {
    .name = "bakery",
    .title = "Donut bakery: fryer and production line",
    .source = "keys and ranges of the published bakery payloads; faults ours",
    .plant = "bakery",
    .channel = channels,
    .channels = COUNT(channels),
    .signature = signatures,
    .fault = faults,
    .faults = COUNT(signatures),
    .running = NULL,
    .interval_s = 20,
};
