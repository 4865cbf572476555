#include "ingest/mqtt/packet.h"

#include "test.h"

TEST(mqtt_1_5_5_lengths_are_read_as_they_are_written)
{
    static const uint32_t values[] = {0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint8_t bytes[5] = {0};
        uint8_t *end = put_varint(bytes, values[i]);
        CHECK((uint32_t)(end - bytes) == varint_size(values[i]));
        struct wire w = wire_of(bytes, (size_t)(end - bytes));
        CHECK(wire_varint(&w) == values[i] && w.reason == REASON_OK && w.at == w.end);
        w = wire_of(bytes, (size_t)(end - bytes) - 1); /* cut */
        wire_varint(&w);
        CHECK(w.reason == REASON_MALFORMED);
    }
    const uint8_t five[] = {0xff, 0xff, 0xff, 0xff, 0x01};
    struct wire w = wire_of(five, sizeof five);
    wire_varint(&w);
    CHECK(w.reason == REASON_MALFORMED);
}

TEST(mqtt_2_1_a_packet_is_split_off_where_its_header_is_whole)
{
    const uint8_t bytes[] = {0x32, 0x81, 0x01, 'x'};
    struct packet p;
    CHECK(packet_split(bytes, 0, &p) == 0 && packet_split(bytes, 1, &p) == 0);
    CHECK(packet_split(bytes, 2, &p) == 0);
    CHECK(packet_split(bytes, 3, &p) == 3 + 129 && p.type == PACKET_PUBLISH && p.flags == 2);
    CHECK(p.body == bytes + 3 && p.size == 129);
    const uint8_t endless[] = {0x30, 0x80, 0x80, 0x80, 0x80, 0x00};
    CHECK(packet_split(endless, 4, &p) == 0 && packet_split(endless, 5, &p) == -1);
}

TEST(reading_past_the_end_is_malformed_and_stays_so)
{
    const uint8_t bytes[] = {0, 5, 'a', 'b'};
    struct wire w = wire_of(bytes, sizeof bytes);
    CHECK(wire_string(&w).length == 0 && w.reason == REASON_MALFORMED);
    CHECK(wire_u8(&w) == 0 && wire_u16(&w) == 0 && wire_u32(&w) == 0 && wire_left(&w) == 0);
    wire_fail(&w, REASON_PROTOCOL);
    CHECK(w.reason == REASON_MALFORMED);
}

TEST(numbers_are_big_endian)
{
    uint8_t bytes[8];
    CHECK(put_u32(put_u16(put_u8(bytes, 1), 0x0203), 0x04050607) == bytes + 7);
    for (int i = 0; i < 7; i++) CHECK(bytes[i] == i + 1);
    struct wire w = wire_of(bytes, 7);
    CHECK(wire_u8(&w) == 1 && wire_u16(&w) == 0x0203 && wire_u32(&w) == 0x04050607);
}
