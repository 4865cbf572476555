/* The table, by length; keys_test.c holds it to that. */
#include "ingest/codec/keys.h"

#define NAME(literal) literal, sizeof(literal) - 1
#define MS 1000000
#define US 1000
#define S 1000000000

static const char temperature[] = "temperature", humidity[] = "humidity", sound[] = "sound_volume";
#define OURS(name)                                                                                 \
    {                                                                                              \
        name, sizeof(name) - 1                                                                     \
    }

const struct key keys[] = {
    {NAME("id"), KEY_ITEM, 0, 0, {0}},
    {NAME("ts"), KEY_TIME, 3, 0, {0}},
    {NAME("TS"), KEY_TIME, 3, 0, {0}},
    {NAME("hum"), KEY_ALIAS, 0, 0, OURS(humidity)},
    {NAME("seq"), KEY_SEQUENCE, 0, 0, {0}},
    {NAME("data"), KEY_WRAPPER, 0, 0, {0}},
    {NAME("date"), KEY_DATE, 0, 0, {0}},
    {NAME("Date"), KEY_DATE, 0, 0, {0}},
    {NAME("item"), KEY_ITEM, 0, 0, {0}},
    {NAME("temp"), KEY_ALIAS, 0, 0, OURS(temperature)},
    {NAME("time"), KEY_CLOCK, 6, 0, {0}},
    {NAME("Time"), KEY_CLOCK, 6, 0, {0}},
    {NAME("sound"), KEY_ALIAS, 0, 0, OURS(sound)},
    {NAME("Sound"), KEY_ALIAS, 0, 0, OURS(sound)},
    {NAME("ts_ms"), KEY_TIME, 2, MS, {0}},
    {NAME("values"), KEY_WRAPPER, 0, 0, {0}},
    {NAME("item_id"), KEY_ITEM, 0, 0, {0}},
    {NAME("DateTime"), KEY_TIME, 4, 0, {0}},
    {NAME("Humidity"), KEY_ALIAS, 0, 0, OURS(humidity)},
    {NAME("UTC_Time"), KEY_CLOCK, 7, 0, {0}},
    {NAME("datetime"), KEY_TIME, 4, 0, {0}},
    {NAME("sequence"), KEY_SEQUENCE, 0, 0, {0}},
    {NAME("Timestamp"), KEY_TIME, 0, 0, {0}},
    {NAME("date_time"), KEY_TIME, 4, 0, {0}},
    {NAME("eventTime"), KEY_TIME, 5, 0, {0}},
    {NAME("messageId"), KEY_SEQUENCE, 0, 0, {0}},
    {NAME("timestamp"), KEY_TIME, 0, 0, {0}},
    {NAME("TIMESTAMP"), KEY_TIME, 0, 0, {0}},
    {NAME("event_time"), KEY_TIME, 5, 0, {0}},
    {NAME("Temperature"), KEY_ALIAS, 0, 0, OURS(temperature)},
    {NAME("data_base64"), KEY_WRAPPER, 0, 0, {0}},
    {NAME("sensor_data"), KEY_WRAPPER, 0, 0, {0}},
    {NAME("specversion"), KEY_WRAPPER, 0, 0, {0}},
    {NAME("timestamp_s"), KEY_TIME, 1, S, {0}},
    {NAME("messageCount"), KEY_SEQUENCE, 0, 0, {0}},
    {NAME("timestamp_ms"), KEY_TIME, 1, MS, {0}},
    {NAME("timestamp_ns"), KEY_TIME, 1, 1, {0}},
    {NAME("timestamp_us"), KEY_TIME, 1, US, {0}},
    {NAME("enqueued_time"), KEY_CLOCK, 7, 0, {0}},
};

const uint8_t keys_from[KEY_NAME_MAX + 2] = {0,  0,  0,  3,  5,  12, 15, 16, 17,
                                             22, 28, 29, 34, 38, 39, 39, 39, 39};

const uint64_t keys_bits[KEY_NAME_MAX + 1] = {
    0,
    0,
    0x0000000400000050u,
    0x000000000000a000u,
    0x0420020008008084u,
    0x0000200100008000u,
    0x0020000000000000u,
    0x0000000000000004u,
    0x0800808001004000u,
    0x0001000809000201u,
    0x0000100000000000u,
    0x0020004108000000u,
    0x0100000011010000u,
    0x2000000000000000u,
};

bool key_names_machine(struct text name)
{
    static const char *const names[] = {"equipment_id", "equipmentId", "machine_id", "machineId",
                                        "asset_id",     "assetId",     "device_id",  "deviceId",
                                        "sensor_id",    "sensorId",    "robot_id",   "station_id",
                                        "unit_id",      "id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, text_of(names[i]))) return true;
    return false;
}
