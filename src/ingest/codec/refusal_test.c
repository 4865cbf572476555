/* Malformed messages: one clear line each. */
#include "ingest/codec/codec_case.h"
#include "test.h"

static const struct {
    uint8_t door;
    const char *topic, *payload, *says;
} malformed[] = {
    {MESSAGE_MQTT, "a/b", "", "an empty payload: expected readings"},
    {MESSAGE_MQTT, "a/b", " \r\n", "an empty payload: expected readings"},
    {MESSAGE_MQTT, "a/b", "{", "JSON, byte 2: expected a key in quotes, found the end"},
    {MESSAGE_MQTT, "a/b", "{}",
     "no values: expected a key and a value such as {\"temperature\":45.1}"},
    {MESSAGE_MQTT, "a/b", "{\"ts\":1717156800}",
     "no values: expected a key and a value such as {\"temperature\":45.1}"},
    {MESSAGE_MQTT, "a/b", "{\"a\" 1}", "JSON, byte 6: expected ':' behind the key, found '1'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":}", "JSON, byte 6: expected a value, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1,}", "JSON, byte 8: expected a key in quotes, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1 \"b\":2}", "JSON, byte 8: expected ',' or '}', found '\"'"},
    {MESSAGE_MQTT, "a/b", "{a:1}", "JSON, byte 2: expected a key in quotes, found 'a'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":01}",
     "JSON, byte 7: expected no digit behind a leading zero, found '1'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1.}",
     "JSON, byte 8: expected a digit behind the point, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":.5}", "JSON, byte 6: expected a value, found '.'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1e}",
     "JSON, byte 8: expected a digit in the exponent, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":-}", "JSON, byte 7: expected a digit, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":+1}", "JSON, byte 6: expected a value, found '+'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":tru}", "JSON, byte 6: expected a value, found 't'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"x}",
     "JSON, byte 9: expected the string's closing quote, found the end"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\\x\"}",
     "JSON, byte 8: expected one of \"\\/bfnrtu behind a backslash, found 'x'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\\u12g4\"}",
     "JSON, byte 9: expected four hexadecimal digits behind \\u, found '1'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\\ud800\"}",
     "JSON, byte 7: expected a pair of surrogates, found '\\'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\xC3(\"}", "JSON, byte 7: expected UTF-8, found byte 0xc3"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\x01\"}",
     "JSON, byte 7: expected no control byte inside a string, found byte 0x01"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1}}", "JSON, byte 8: expected nothing more, found '}'"},
    {MESSAGE_MQTT, "a/b", "[{\"a\":1},", "JSON, byte 10: expected a value, found the end"},
    {MESSAGE_MQTT, "a/b", "[]", "an empty array: expected an array of objects"},
    {MESSAGE_MQTT, "a/b", "[1,{\"a\":1}]",
     "element 1 of an array of values: expected no array or object"},
    {MESSAGE_MQTT, "a/b", "\x80\x81",
     "'\x80\x81': expected JSON, CSV, line protocol or a text in UTF-8"},
    {MESSAGE_MQTT, "a/b", "\"x",
     "JSON, byte 3: expected the string's closing quote, found the end"},
    {MESSAGE_MQTT, "a/b", "{\"ts\":\"yesterday\",\"a\":1}",
     "key 'ts': 'yesterday' is no time, expected a time such as 2024-05-31T12:00:00Z or epoch "
     "seconds"},
    {MESSAGE_MQTT, "a/b", "{\"Timestamp\":true,\"a\":1}",
     "key 'Timestamp': 'true' is no time, expected a time such as 2024-05-31T12:00:00Z or epoch "
     "seconds"},
    {MESSAGE_MQTT, "a/b", "{\"\":1}", "a key without a name"},
    {MESSAGE_MQTT, "a/b", "{\"a\\nb\":1}", "key 'a?b': expected a name without control bytes"},
    {MESSAGE_MQTT, "a/b", "{\"a\":12345678901234567890}",
     "channel 'a': 12345678901234567890 is beyond 2^53 and no double holds it exactly"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1e999}", "channel 'a': 1e999 is no finite double"},
    {MESSAGE_MQTT, "a/b", "{\"a\":-Infinity}", "channel 'a': -Infinity is no finite double"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\\u0000\"}",
     "channel 'a': expected a text of at most 1024 bytes and no 0 in it"},
    {MESSAGE_MQTT, "a/#", "{\"a\":1}",
     "asset 'a/#': expected UTF-8 without '+', '#' and control bytes"},
    {MESSAGE_MQTT, "a/b\x01", "{\"a\":1}",
     "asset 'a/b?': expected UTF-8 without '+', '#' and control bytes"},
    {MESSAGE_MQTT, "a/+/b", "{\"a\":1}",
     "asset 'a/+/b': expected UTF-8 without '+', '#' and control bytes"},
    {MESSAGE_MQTT, "a long/topic/with a +", "{\"a\":1}",
     "asset 'a long/topic/with a +': expected UTF-8 without '+', '#' and control bytes"},
    {MESSAGE_MQTT, "///", "{\"a\":1}", "no asset: expected a path such as site/line/pump1"},
    {MESSAGE_MQTT, "", "1", "no asset: expected a path such as site/line/pump1"},
    {MESSAGE_MQTT, "v1/devices/me/telemetry", "{\"a\":1}",
     "no device: expected its access token as user name"},
    {MESSAGE_MQTT, "v1/devices/me/attributes", "{\"a\":1}",
     "topic 'v1/devices/me/attributes' carries no telemetry: expected readings"},
    {MESSAGE_MQTT, "v1/gateway/telemetry", "[1]",
     "JSON, byte 1: expected an object of devices, found '['"},
    {MESSAGE_MQTT, "spBv1.0/g/NDATA/n", "\x08\x01",
     "topic 'spBv1.0/g/NDATA/n' carries Sparkplug B: expected readings"},
    {MESSAGE_MQTT, "acme/p1/_anomaly/verdict", "{\"a\":1}",
     "topic 'acme/p1/_anomaly/verdict' carries andon's own verdicts: expected readings"},
    {MESSAGE_NATIVE, "", "45", "'45': expected a JSON object or an array of objects"},
    {MESSAGE_NATIVE, "", "{\"asset\":5,\"values\":{\"a\":1}}",
     "key 'asset': expected a text such as \"site/line/pump1\""},
    {MESSAGE_NATIVE, "", "{\"asset\":\"a\",\"quality\":\"fair\",\"values\":{\"a\":1}}",
     "key 'quality': 'fair', expected good, uncertain, bad or stale"},
    {MESSAGE_NATIVE, "", "{\"values\":{\"a\":1}}",
     "no asset: expected a path such as site/line/pump1"},
    {MESSAGE_LINE, "ns", "# nothing\n", "no line: expected measurement field=value"},
    {MESSAGE_LINE, "h", "a b=1", "precision 'h': expected ns, us, ms or s"},
    {MESSAGE_MQTT, "e", "{\"specversion\":\"1.0\",\"data\":null}",
     "a CloudEvent without data: expected \"data\" or \"data_base64\""},
    {MESSAGE_MQTT, "e", "{\"specversion\":\"1.0\",\"data_base64\":\"e30*\"}",
     "data_base64, character 4: expected base64"},
    {MESSAGE_MQTT, "e", "{\"specversion\":\"1.0\",\"data_base64\":\"e3\"}",
     "CloudEvent data: JSON, byte 2: expected a key in quotes, found the end"},
    {MESSAGE_MQTT, "e", "{\"specversion\":\"1.0\",\"time\":\"soon\",\"data\":1}",
     "key 'time': 'soon' is no time, expected a time such as 2024-05-31T12:00:00Z or epoch "
     "seconds"},
};

TEST(malformed_messages_are_refused_with_what_where_and_expected)
{
    struct bench *b = bench_new();
    bool good = true;
    for (size_t i = 0; good && i < sizeof malformed / sizeof *malformed; i++) {
        uint32_t length = (uint32_t)strlen(malformed[i].payload);
        char *copy = exact_copy(malformed[i].payload, length);
        b->message.door = malformed[i].door;
        decode(b, malformed[i].topic, (struct text){copy, length});
        good = b->status == ANDON_EDATA && strcmp(b->err.text, malformed[i].says) == 0;
        if (!good)
            test_fail(__FILE__, __LINE__, "%s: %s %s", malformed[i].payload,
                      andon_status_name(b->status), b->err.text);
        free(copy);
    }
    bench_free(b);
}

static const struct {
    const char *line, *says;
} bad_lines[] = {
    {"a", "line 1, byte 2: expected a blank and fields, found ''"},
    {"a ", "line 1, byte 2: expected a blank and fields, found ''"},
    {",t=1 b=2", "line 1, byte 1: expected a measurement, found ',t=1 b=2'"},
    {"a,=1 b=2", "line 1, byte 3: expected a tag's key, found '=1 b=2'"},
    {"a,t b=2", "line 1, byte 4: expected '=' behind a tag's key, found ' b=2'"},
    {"a,t= b=2", "line 1, byte 5: expected a tag's value, found ' b=2'"},
    {"a b", "line 1, byte 4: expected '=' behind a field's name, found ''"},
    {"a b=",
     "line 1, byte 5: expected a number, 5i, 5u, true, false or a text in quotes, found ''"},
    {"a b=x",
     "line 1, byte 5: expected a number, 5i, 5u, true, false or a text in quotes, found 'x'"},
    {"a b=5ii",
     "line 1, byte 5: expected a number, 5i, 5u, true, false or a text in quotes, found '5ii'"},
    {"a b=-5u",
     "line 1, byte 5: expected a number, 5i, 5u, true, false or a text in quotes, found '-5u'"},
    {"a b=\"x", "line 1, byte 7: expected the text's closing quote, found ''"},
    {"a b=1,", "line 1, byte 7: expected a field's name, found ''"},
    {"a b=1 1.5", "line 1, byte 7: expected a time as a whole number, found '1.5'"},
    {"a b=1 x", "line 1, byte 7: expected a time as a whole number, found 'x'"},
    {"a b=1 1 2", "line 1, byte 9: expected the end of the line, found '2'"},
    {"a b=9223372036854775807i",
     "channel 'b': 9223372036854775807 is beyond 2^53 and no double holds it exactly"},
    {"a\x01 b=1", "line 1: expected UTF-8 without control bytes"},
};

TEST(malformed_lines_are_refused_each_for_itself)
{
    struct bench *b = bench_new();
    bool good = true;
    b->message.door = MESSAGE_LINE;
    for (size_t i = 0; good && i < sizeof bad_lines / sizeof *bad_lines; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s\nok v=1 5\n", bad_lines[i].line);
        decode(b, "s", text_of(text));
        good = b->status == ANDON_OK && b->out.refusals == 1 &&
               strcmp(b->out.refusal[0].reason, bad_lines[i].says) == 0 &&
               b->out.sample[b->out.samples - 1].ts_ns == 5000000000 &&
               b->out.sample[b->out.samples - 1].index == 1;
        if (!good)
            test_fail(__FILE__, __LINE__, "%s: %s, %s", bad_lines[i].line, b->err.text,
                      b->out.refusal[0].reason);
    }
    bench_free(b);
}
