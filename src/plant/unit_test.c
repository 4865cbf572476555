#include "plant/unit.h"

#include "test.h"

struct expected {
    const char *channel, *symbol;
};

static void check(const struct expected *e, size_t count, bool certain)
{
    for (size_t i = 0; i < count; i++) {
        struct unit u = unit_of_channel(text_of(e[i].channel));
        CHECK_SAY(u.symbol != NULL && strcmp(u.symbol, e[i].symbol) == 0, "%s: %s, expected %s",
                  e[i].channel, u.symbol == NULL ? "nothing" : u.symbol, e[i].symbol);
        CHECK_SAY(u.certain == certain, "%s", e[i].channel);
        CHECK_SAY(u.quantity != NULL && unit_known(text_of(u.symbol)), "%s", e[i].channel);
    }
}

TEST(a_name_that_says_its_unit_has_it)
{
    static const struct expected e[] = {{"vibration_mm_s", "mm/s"},
                                        {"pressure_bar", "bar"},
                                        {"oil_temp_c", "degC"},
                                        {"temp_degF", "degF"},
                                        {"oilTempC", "degC"},
                                        {"motor_current_a", "A"},
                                        {"Flow [m3/h]", "m3/h"},
                                        {"Temperature (\xc2\xb0"
                                         "C)",
                                         "degC"},
                                        {"spindle-rpm", "1/min"},
                                        {"Pump1_Pressure_kPa", "kPa"},
                                        {"supply.voltage.v", "V"},
                                        {"energy_kwh", "kWh"},
                                        {"level_pct", "%"},
                                        {"humidity [%]", "%"},
                                        {"flow_l_min", "l/min"},
                                        {"coolant.flow.lpm", "l/min"},
                                        {"accel_m_s2", "m/s2"},
                                        {"vibration_g", "g"},
                                        {"Torque [Nm]", "N m"},
                                        {"rotational speed [rpm]", "1/min"},
                                        {"conductivity_us_cm", "uS/cm"},
                                        {"temperature_k", "K"},
                                        {"oil_temp_c_2", "degC"},
                                        {"power_kw", "kW"},
                                        {"Vibration [ mm/s ]", "mm/s"}};
    check(e, sizeof e / sizeof *e, true);
}

TEST(a_name_that_says_a_quantity_has_its_usual_unit)
{
    static const struct expected e[] = {{"temperature", "degC"},
                                        {"Temp", "degC"},
                                        {"Heater_Outlet_Temp", "degC"},
                                        {"OiltemperatureTarget", "degC"},
                                        {"MotorTemp2", "degC"},
                                        {"Humidity", "%"},
                                        {"hum", "%"},
                                        {"Pressure_Filter_Inlet", "bar"},
                                        {"vibration", "mm/s"},
                                        {"Drive1_Current", "A"},
                                        {"current", "A"},
                                        {"current_l1", "A"},
                                        {"Drive3_Voltage", "V"},
                                        {"Drive2_Frequency", "Hz"},
                                        {"Dynamix_Ch1_Acceleration", "g"},
                                        {"duty_cycle", "%"},
                                        {"OverallEfficiency", "%"},
                                        {"sound_volume", "dB"},
                                        {"Pump1_Conductivity", "uS/cm"},
                                        {"Tank_Level", "%"}};
    check(e, sizeof e / sizeof *e, false);
}

TEST(a_name_that_says_neither_has_none)
{
    static const char *const name[] = {"",
                                       "Batch",
                                       "CurrentShift",
                                       "CurrentCutPerMinutes",
                                       "RobotPosition_J0",
                                       "status",
                                       "flow_rate",
                                       "power",
                                       "Weight",
                                       "x[",
                                       "a (b)",
                                       "[]",
                                       "speed",
                                       "barrier",
                                       "Timestamp",
                                       "item_id",
                                       "car",
                                       "kelvinator",
                                       "UnplannedDowntime",
                                       "plan_b",
                                       "valve_c"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        struct unit u = unit_of_channel(text_of(name[i]));
        CHECK_SAY(u.symbol == NULL && u.quantity == NULL && !u.certain, "%s: %s", name[i],
                  u.symbol);
    }
    CHECK(!unit_known(TEXT("furlong")) && !unit_known(TEXT("")));
}

TEST(any_bytes_are_a_name)
{
    char name[300];
    for (uint32_t seed = 1; seed < 20000; seed++) {
        uint32_t x = seed * 2654435761u, length = x % sizeof name;
        for (uint32_t i = 0; i < length; i++) {
            x = x * 1664525u + 1013904223u;
            name[i] = "aAbmsCc_ [](/%1\xc2\xb0."[x >> 27 & 15];
        }
        struct unit u = unit_of_channel((struct text){name, length});
        CHECK(u.symbol == NULL || unit_known(text_of(u.symbol)));
    }
}
