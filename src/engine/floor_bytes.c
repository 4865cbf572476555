/* The floor as bytes of a checkpoint. The config comes before the assets are put back under it. */
#include "engine/floor_inner.h"

enum { FLOOR_FORMAT = 1 };

void floor_save(const struct floor *f, struct andon_writer *out)
{
    andon_put_u32(out, FLOOR_FORMAT);
    andon_put_u64(out, (uint64_t)f->now_ns);
    andon_put_u32(out, (uint32_t)(sizeof f->figures / sizeof(uint64_t)));
    const uint64_t *figure = (const uint64_t *)&f->figures;
    for (size_t i = 0; i < sizeof f->figures / sizeof *figure; i++) andon_put_u64(out, figure[i]);
    andon_put_u32(out, (uint32_t)f->config_text.size);
    andon_put_bytes(out, f->config_text.data, f->config_text.size);
    publications_save(&f->publications, out);
    doors_save(f->doors, out);
}

bool floor_load(struct floor *f, struct andon_reader *in)
{
    if (andon_get_u32(in) != FLOOR_FORMAT) return false;
    f->now_ns = (int64_t)andon_get_u64(in);
    uint32_t figures = andon_get_u32(in);
    if (figures != sizeof f->figures / sizeof(uint64_t)) return false;
    uint64_t *figure = (uint64_t *)&f->figures;
    for (uint32_t i = 0; i < figures; i++) figure[i] = andon_get_u64(in);
    uint32_t bytes = andon_get_u32(in);
    if (in->bad || bytes > andon_reader_left(in)) return false;
    const uint8_t *text = in->data + in->at;
    in->at += bytes;
    if (bytes > 0 && !floor_config_read(f, text, bytes)) return false;
    if (!publications_load(&f->publications, f->models, in)) return false;
    floor_widest(f);
    return doors_load(f->doors, in);
}
