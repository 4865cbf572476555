/* Objects around the readings: andon's own {"asset","ts","values"}, ThingsBoard's {"ts","values"},
 * {"Content-Type","data"}, {"sensor_data"}, CloudEvents. */
#ifndef INGEST_CODEC_WRAPPER_H
#define INGEST_CODEC_WRAPPER_H

#include "ingest/codec/draft.h"

enum wrapper_kind {
    WRAPPER_NONE,
    WRAPPER_VALUES, /* {"asset"?, "ts"?, "values":{...}}: the outer time counts first      */
    WRAPPER_DATA,   /* {"Content-Type"?, "data":{...}}                                     */
    WRAPPER_SENSOR, /* {"sensor_data":{...}, ...}                                          */
    WRAPPER_EVENT   /* CloudEvents 1.0: {"specversion", "data" or "data_base64", ...}      */
};

/* wrapper_key says which envelope a key with this value may belong to. */
static inline enum wrapper_kind wrapper_key(const struct value *key, const struct value *value)
{
    struct text k = key->text;
    if (value->kind == VALUE_OBJECT) {
        if (text_is(k, TEXT("values"))) return WRAPPER_VALUES;
        if (text_is(k, TEXT("sensor_data"))) return WRAPPER_SENSOR;
        if (text_is(k, TEXT("data"))) return WRAPPER_DATA;
    }
    bool event = value->kind == VALUE_STRING && text_is(k, TEXT("specversion"));
    return event ? WRAPPER_EVENT : WRAPPER_NONE;
}

/* wrapper_kind says what the object that p has entered is (p stays where it is), after a key that
 * may belong to `guess`. */
enum wrapper_kind wrapper_kind(const struct pull *p, enum wrapper_kind guess);

/* wrapper_read reads the object that was just entered; as object_read. */
bool wrapper_read(struct intake *in, struct pull *p, const struct place *place,
                  enum wrapper_kind kind);

#endif
