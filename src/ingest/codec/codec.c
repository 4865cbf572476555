/* The table of shapes, in the order in which they are asked. */
#include "ingest/codec/codec.h"

#include "ingest/codec/shapes.h"

_Static_assert(CODEC_DEPTH_MAX == PULL_DEPTH_MAX, "one limit of nesting");

static const struct shape *const shapes[] = {
    &shape_native, &shape_line,   &shape_thingsboard, &shape_gateway, &shape_historian,
    &shape_hub,    &shape_bakery, &shape_foreign,     &shape_topic,
};

bool shape_read(struct intake *in, const struct place *around)
{
    size_t i = 0;
    while (!shapes[i]->takes(in->message)) i++; /* the last one takes any */
    return shapes[i]->read(in, around);
}

static void forget(struct decoded *out)
{
    out->readings = out->samples = out->room_used = 0;
    out->refusals = out->nulls = out->repeated = 0;
}

andon_status codec_decode(const struct message *message, const struct codec_rules *rules,
                          struct decoded *out, andon_error *err)
{
    static const struct place nowhere = {.time_given = false};
    andon_error own;
    struct intake in = {
        .message = message, .rules = rules, .out = out, .err = err != NULL ? err : &own};
    forget(out);
    in.err->text[0] = 0;
    (void)shape_read(&in, &nowhere);
    if (in.status == ANDON_OK && out->samples == 0 && !in.batch)
        in.status = andon_fail(in.err, ANDON_EDATA, "%s",
                               out->refusals > 0 ? out->refusal[0].reason : "no readings");
    if (in.status != ANDON_OK) forget(out);
    return in.status;
}
