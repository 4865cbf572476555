/* What the fryer and the production line of the bakery share: the list of their keys.
 *
 * Names, spellings and usual ranges are those of the published payloads, 54 keys from the fryer and
 * 52 from the line. K(id, name, unit, kind, min, max, low, high, decimals, choices). */
#ifndef SIM_BAKERY_H
#define SIM_BAKERY_H

#include "run.h"
#include "wander.h"

#define TRIPLE(K, id, name, unit, min, max, low, high, dec)                                        \
    K(id##1, "Drive1_" name, unit, SIM_REAL, min, max, low, high, dec, NULL)                       \
    K(id##2, "Drive2_" name, unit, SIM_REAL, min, max, low, high, dec, NULL)                       \
    K(id##3, "Drive3_" name, unit, SIM_REAL, min, max, low, high, dec, NULL)
#define FLAG(K, id, name) K(id, name, "", SIM_FLAG, 0, 1, 0, 1, 0, NULL)
#define PERCENT(K, id, name, low, high) K(id, name, "%", SIM_REAL, 0, 100, low, high, 2, NULL)

#define FRYER_KEYS(K)                                                                              \
    K(FRYER_TIMESTAMP, "Timestamp", "", SIM_TIME, 0, 0, 0, 0, 0, NULL)                             \
    K(HEATER_OUT, "Heater_Outlet_Temp", "degF", SIM_REAL, 0, 200, 70, 80, 2, NULL)                 \
    K(TOTAL1, "Pump1_Flow_Totalizer", "gal", SIM_REAL, 0, 1e6, 85000, 86000, 1, NULL)              \
    K(TOTAL2, "Pump2_Flow_Totalizer", "gal", SIM_REAL, 0, 1e6, 75000, 77000, 1, NULL)              \
    K(TOTAL3, "Pump3_Flow_Totalizer", "gal", SIM_REAL, 0, 1e6, 129000, 130000, 1, NULL)            \
    K(PUMP_TEMP1, "Pump1_Temperature_Flow", "degC", SIM_REAL, 0, 100, 20, 30, 2, NULL)             \
    K(PUMP_TEMP2, "Pump2_Temperature_Flow", "degC", SIM_REAL, 0, 100, 20, 30, 2, NULL)             \
    K(PUMP_TEMP3, "Pump3_Temperature_Flow", "degC", SIM_REAL, 0, 100, 20, 30, 2, NULL)             \
    K(TOTAL_FLOW, "Pumps_Total_Flow", "gal/min", SIM_REAL, 0, 60, 30, 35, 3, NULL)                 \
    K(FILTER_IN, "Pressure_Filter_Inlet", "bar", SIM_REAL, 0, 6, 1, 2, 3, NULL)                    \
    K(FILTER_OUT, "Pressure_Filter_Outlet", "bar", SIM_REAL, 0, 6, 0.5, 1.5, 3, NULL)              \
    K(ROBOT0, "RobotPosition_J0", "rad", SIM_REAL, 0, 5, 0, 5, 3, NULL)                            \
    K(ROBOT1, "RobotPosition_J1", "rad", SIM_REAL, 0, 5, 0, 5, 3, NULL)                            \
    K(ROBOT2, "RobotPosition_J2", "rad", SIM_REAL, 0, 5, 0, 5, 3, NULL)                            \
    K(ROBOT3, "RobotPosition_J3", "rad", SIM_REAL, 0, 5, 0, 5, 3, NULL)                            \
    K(ROBOT4, "RobotPosition_J4", "rad", SIM_REAL, 0, 5, 0, 5, 3, NULL)                            \
    K(ROBOT5, "RobotPosition_J5", "rad", SIM_REAL, 0, 5, 0, 5, 3, NULL)                            \
    K(TANK_LEVEL, "Tank_Level", "%", SIM_REAL, 0, 100, 60, 70, 2, NULL)                            \
    TRIPLE(K, DRIVE_CURRENT, "Current", "A", 0, 3, 0.4, 0.6, 3)                                    \
    TRIPLE(K, DRIVE_FREQUENCY, "Frequency", "Hz", 0, 60, 30, 30, 2)                                \
    TRIPLE(K, DRIVE_SPEED, "Speed", "rpm", 0, 60, 30, 30, 2)                                       \
    TRIPLE(K, DRIVE_VOLTAGE, "Voltage", "V", 0, 260, 190, 200, 2)                                  \
    K(COOLER_IN, "Cooler_Inlet_Temp", "degF", SIM_REAL, 0, 200, 70, 80, 2, NULL)                   \
    K(COOLER_OUT, "Cooler_Outlet_Temp", "degF", SIM_REAL, 0, 200, 70, 80, 2, NULL)                 \
    K(ACCELERATION, "Dynamix_Ch1_Acceleration", "g", SIM_REAL, 0, 2, 0.02, 0.03, 5, NULL)          \
    K(FLOW001, "Flow001", "gal/min", SIM_REAL, 0, 10, 3, 4, 3, NULL)                               \
    K(PRESSURE001, "Pressure001", "bar", SIM_REAL, 0, 6, 1, 2, 3, NULL)                            \
    K(PRESSURE002, "Pressure002", "bar", SIM_REAL, 0, 3, 0.4, 0.6, 3, NULL)                        \
    K(HEATER_IN, "Heater_Inlet_Temp", "degF", SIM_REAL, 0, 200, 70, 80, 2, NULL)                   \
    K(CONDUCTIVITY, "Pump1_Conductivity", "uS/cm", SIM_REAL, 0, 200, 55, 65, 2, NULL)              \
    FLAG(K, VALVE, "Valve_000_Pump1")                                                              \
    FLAG(K, COOLER_ON, "Cooler_ON")                                                                \
    FLAG(K, FAN_ON, "Fan001_On")                                                                   \
    FLAG(K, HEATER_ON, "Heater_ON")                                                                \
    FLAG(K, FILTER_CHANGE, "Filter_Chg_Required")                                                  \
    FLAG(K, FILTER_RESET, "Filter_Reset")                                                          \
    FLAG(K, FILTER_OVERRIDE, "Filter_Override")                                                    \
    K(UTC_TIME, "UTC_Time", "", SIM_TIME, 0, 0, 0, 0, 0, NULL)                                     \
    K(SUPPLY_CURRENT, "Current", "A", SIM_REAL, 0, 1, 0, 0.01, 4, NULL)                            \
    K(SUPPLY_VOLTAGE, "Voltage", "V", SIM_REAL, 0, 150, 100, 110, 2, NULL)                         \
    K(ROOM_TEMP, "Temperature", "degF", SIM_REAL, 0, 150, 70, 80, 2, NULL)                         \
    K(ROOM_HUMIDITY, "Humidity", "%", SIM_REAL, 0, 100, 40, 50, 2, NULL)                           \
    FLAG(K, VACUUM_ALERT, "VacuumAlert")                                                           \
    K(VACUUM, "VacuumPressure", "kPa", SIM_REAL, 0, 100, 10, 20, 2, NULL)                          \
    K(OIL, "Oiltemperature", "degF", SIM_REAL, 0, 500, 350, 390, 2, NULL)                          \
    K(OIL_TARGET, "OiltemperatureTarget", "degF", SIM_REAL, 0, 500, 375, 375, 1, NULL)

#define LINE_KEYS(K)                                                                               \
    K(LINE_TIMESTAMP, "Timestamp", "", SIM_TIME, 0, 0, 0, 0, 0, NULL)                              \
    K(MAKEUP_AREA, "MakeupArea", "", SIM_TEXT, 0, 0, 0, 0, 0, "Plant Seattle - Ignite")            \
    K(LINE, "Line", "", SIM_TEXT, 0, 0, 0, 0, 0, "Line 1 - Donuts")                                \
    K(PRODUCT, "Product", "", SIM_TEXT, 0, 0, 0, 0, 0, "Strawnberry Donuts ")                      \
    K(PROCESS, "Process", "", SIM_TEXT, 0, 0, 0, 0, 0, "Mixer")                                    \
    K(BATCH, "Batch", "", SIM_COUNT, 1, 10, 1, 10, 0, NULL)                                        \
    K(SHIFT, "CurrentShift", "", SIM_TEXT, 0, 0, 0, 2, 0, "Shift 1|Shift 2|Shift 3")               \
    K(CUTS, "CurrentCutPerMinutes", "1/min", SIM_REAL, 0, 200, 130, 150, 1, NULL)                  \
    K(CUTS_TARGET, "TargetCutPerMinutes", "1/min", SIM_REAL, 0, 200, 145, 145, 0, NULL)            \
    K(START_TIME, "StartTime", "", SIM_TIME, 0, 0, 0, 0, 0, NULL)                                  \
    K(FINISH_TIME, "FinishTime", "", SIM_TIME, 0, 0, 0, 0, 0, NULL)                                \
    K(WASTE, "Waste", "%", SIM_REAL, 0, 20, 1, 2, 2, NULL)                                         \
    K(WASTE_REASON, "WasteReason", "", SIM_TEXT, 0, 0, 0, 3, 0,                                    \
      "|Overcooked|Undercooked|Machine Error")                                                     \
    K(LOST_TIME, "LostTime", "", SIM_TEXT, 0, 0, 0, 0, 0, "SPT")                                   \
    K(LOST_REASON, "LostTimeReason", "", SIM_TEXT, 0, 0, 0, 3, 0,                                  \
      "|Machine Breakdown|Raw Material Shortage|Power Outage")                                     \
    K(LOST_COUNT, "LostTimeTimeCount", "", SIM_COUNT, 0, 1000, 90, 100, 0, NULL)                   \
    K(DOUGHS_PLANNED, "ScheduledDoughs", "", SIM_COUNT, 0, 50, 8, 12, 0, NULL)                     \
    K(DOUGHS_DONE, "CompletedDoughs", "", SIM_COUNT, 0, 50, 3, 7, 0, NULL)                         \
    K(DOUGHS_HOUR, "ScheduledDoughsPerHour", "1/h", SIM_REAL, 0, 600, 280, 320, 1, NULL)           \
    K(DOUGH_TEMP, "DoughTemperature", "", SIM_REAL, 0, 400, 230, 240, 2, NULL)                     \
    K(WEIGHT, "Weight", "g", SIM_REAL, 0, 1500, 780, 790, 2, NULL)                                 \
    K(HEIGHT, "Height", "cm", SIM_REAL, 0, 20, 6, 7, 3, NULL)                                      \
    K(OVEN, "OvenTemp", "degF", SIM_REAL, 0, 600, 400, 410, 2, NULL)                               \
    K(DOWN_TIME, "DownTime", "min", SIM_REAL, 0, 60, 2, 6, 2, NULL)                                \
    K(THRUPUT, "Thruput", "1/min", SIM_REAL, 0, 60, 28, 32, 2, NULL)                               \
    PERCENT(K, OEE, "OverallEfficiency", 88, 92)                                                   \
    PERCENT(K, AVAILABILITY, "Availability", 93, 97)                                               \
    PERCENT(K, PERFORMANCE, "Performance", 93, 97)                                                 \
    PERCENT(K, QUALITY, "Quality", 93, 97)                                                         \
    K(PLANNED_MIN, "PlannedProductionTime", "min", SIM_REAL, 0, 1440, 58, 62, 1, NULL)             \
    K(ACTUAL_MIN, "ActualRuntime", "min", SIM_REAL, 0, 1440, 960, 965, 2, NULL)                    \
    K(UNPLANNED_MIN, "UnplannedDowntime", "min", SIM_REAL, 0, 1440, 295, 300, 2, NULL)             \
    K(PLANNED_DOWN_MIN, "PlannedDowntime", "min", SIM_REAL, 0, 1440, 0, 0, 1, NULL)                \
    K(PLANNED_QUANTITY, "PlannedQuantity", "", SIM_REAL, 0, 1000, 290, 310, 1, NULL)               \
    K(ACTUAL_QUANTITY, "ActualQuantity", "", SIM_REAL, 0, 1000, 280, 290, 1, NULL)                 \
    K(REJECTED_QUANTITY, "RejectedQuantity", "", SIM_REAL, 0, 1000, 10, 20, 1, NULL)               \
    PERCENT(K, GOAL_PLANT, "OEEGoalbyPlant", 78, 82)                                               \
    PERCENT(K, OEE_SEATTLE, "OEESeattle", 95, 96)                                                  \
    PERCENT(K, OEE_MIAMI, "OEEMiami", 94, 95)                                                      \
    PERCENT(K, OEE_BOSTON, "OEEBoston", 95, 96)                                                    \
    PERCENT(K, OEE_MEXICO_CITY, "OEEMexicoCity", 95, 96)                                           \
    PERCENT(K, GOAL_COUNTRY, "OEEGoalbyCountry", 78, 82)                                           \
    PERCENT(K, OEE_USA, "OEEUSA", 95, 96)                                                          \
    PERCENT(K, OEE_MEXICO, "OEEMexico", 95, 96)                                                    \
    PERCENT(K, GOAL_PRODUCT, "OEEGoalbyProduct", 78, 82)                                           \
    PERCENT(K, OEE_DONUTS, "OEEDonuts", 96, 97)                                                    \
    PERCENT(K, OEE_CAKES, "OEECakes", 94, 95)                                                      \
    PERCENT(K, OEE_BREADS, "OEEBreads", 95, 96)                                                    \
    PERCENT(K, GOAL_SHIFT, "OEEGoalbyShift", 78, 82)                                               \
    PERCENT(K, OEE_MORNING, "OEEMorningShift", 92, 94)                                             \
    PERCENT(K, OEE_DAY, "OEEDayShift", 86, 88)                                                     \
    PERCENT(K, OEE_NIGHT, "OEENightShift", 88, 90)

#define BAKERY_ID(id, ...) id,
enum bakery_key { FRYER_KEYS(BAKERY_ID) LINE_KEYS(BAKERY_ID) BAKERY_KEYS };

enum bakery_state { BAKERY_PRODUCTION = 0, BAKERY_CLEANING, BAKERY_STOPPED, BAKERY_STATES };

enum bakery_fault {
    OIL_HEATER = 0,
    FILTER_CLOGGED,
    DRIVE_BEARING,
    COOLER_FAILURE,
    OIL_LEAK,
    VACUUM_LEAK,
    OVEN_HOT,
    DIVIDER_JAM,
    BAKERY_FAULTS
};

/* The bakery's state. Every key wanders by itself; the physics adds to or replaces that. */
struct bakery {
    struct wander own[BAKERY_KEYS];
    double noise[BAKERY_KEYS]; /* this row's wander, in parts of the usual range's width */
    struct andon_rng rng;      /* of the published way                                   */
    double oil_f, heater_heat; /* oil temperature; the heater's heat that reached the outlet */
    bool heater_on, warm;
    double cooler_gap_f; /* how far the cooler cools                               */
    double total[3];     /* pumped since six in the morning                        */
    double level_used;   /* oil taken since the last refill, percent of the tank   */
    double lost;         /* part of the last hour that was lost                    */
};

/* The two parts of a row. fault: -1 healthy. */
struct bakery_now {
    const struct sim *sim;
    int64_t ts_ns;
    double interval_s, part, event_s; /* part and seconds of the event that are over */
    int32_t fault;
    bool running;
};
void bakery_fryer(struct bakery *b, const struct bakery_now *now, double *value);
void bakery_line(struct bakery *b, const struct bakery_now *now, double *value);

#endif
