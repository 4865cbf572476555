/* A model as one byte string:
 *   "ANDONMDL"  format u32  body bytes u64  body  CRC-32C of everything before it u32
 * The body holds, in order: detector's name, options, classes, rests, recipe, follow, members with options,
 * compression and model, calibration, notes, card. Everything is checked before it is used; whatever
 * passes the checksum but does not make sense is refused with one line. */
#include <math.h>
#include <string.h>

#include "verdict/follow.h"
#include "verdict/model.h"

static const char magic[8] = {'A', 'N', 'D', 'O', 'N', 'M', 'D', 'L'};
enum { HEAD_BYTES = 20, CRC_BYTES = 4 };

static void save_options(const struct andon_option *table, const void *options,
                         struct andon_writer *out)
{
    for (; table->name != NULL; table++) {
        char text[ANDON_OPTION_TEXT];
        andon_option_print(table, options, text, sizeof text);
        andon_put_text(out, table->name);
        andon_put_text(out, text);
    }
    andon_put_text(out, "");
}

static andon_status load_options(const struct andon_option *table, void *options,
                                 struct andon_reader *in, andon_error *err)
{
    andon_options_default(table, options);
    for (;;) {
        char name[ANDON_NAME_MAX], text[ANDON_OPTION_TEXT];
        andon_get_text(in, name, sizeof name);
        if (!in->bad && name[0] == 0) return ANDON_OK;
        andon_get_text(in, text, sizeof text);
        if (in->bad || andon_option_set(table, options, name, text, err) != ANDON_OK)
            return andon_fail(err, ANDON_EFORMAT, "model: options are cut or not understood");
    }
}

static void save_member(const struct member *m, struct andon_writer *out)
{
    andon_put_text(out, m->detector->name);
    save_options(m->detector->options, m->options, out);
    andon_put_f64(out, m->weight);
    andon_put_f64(out, m->compression.typical);
    andon_put_f64(out, m->compression.spread);
    m->detector->save(m->model, out);
}

static void save_body(const struct andon_model *m, struct andon_writer *out)
{
    andon_put_text(out, m->detector);
    save_options(andon_verdict_table, &m->options, out);
    andon_put_u32(out, m->classes);
    for (uint32_t c = 0; c < m->classes; c++) andon_put_text(out, m->class_name[c]);
    andon_recipe_save(m->recipe, out);
    andon_put_u8(out, m->follow != NULL);
    if (m->follow != NULL) follow_save(m->follow, out);
    andon_put_u32s(out, m->longest_run, andon_recipe_channels(m->recipe));
    andon_put_u32(out, m->members);
    for (uint32_t k = 0; k < m->members; k++) save_member(&m->member[k], out);
    calibration_save(&m->calibration, out);
    andon_put_u32(out, m->notes);
    for (uint32_t i = 0; i < m->notes; i++) {
        andon_put_text(out, m->note[i].key);
        andon_put_text(out, m->note[i].value);
    }
    andon_put_text(out, m->card);
}

static void patch_u64(uint8_t *at, uint64_t v)
{
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(v >> (8 * i));
}

void andon_model_save(const struct andon_model *model, struct andon_writer *out)
{
    size_t start = out->size;
    andon_put_bytes(out, magic, sizeof magic);
    andon_put_u32(out, ANDON_MODEL_FORMAT);
    andon_put_u64(out, 0);
    save_body(model, out);
    if (out->full) return;
    patch_u64(out->data + start + 12, out->size - start - HEAD_BYTES);
    andon_put_u32(out, andon_crc32c(0, out->data + start, out->size - start));
}

static andon_status check_head(struct andon_reader *in, andon_error *err)
{
    char head[8];
    andon_get_bytes(in, head, sizeof head);
    if (in->bad || memcmp(head, magic, sizeof magic) != 0)
        return andon_fail(err, ANDON_EFORMAT, "not an andon model: expected it to start with %.8s",
                          magic);
    uint32_t format = andon_get_u32(in);
    if (format != ANDON_MODEL_FORMAT)
        return andon_fail(err, ANDON_EFORMAT, "model of format %u: expected %u", format,
                          ANDON_MODEL_FORMAT);
    uint64_t body = andon_get_u64(in);
    if (in->bad || body + CRC_BYTES != andon_reader_left(in))
        return andon_fail(err, ANDON_EFORMAT, "model is cut or padded: %zu bytes, expected %llu",
                          in->size, (unsigned long long)body + HEAD_BYTES + CRC_BYTES);
    struct andon_reader crc = *in;
    crc.at = in->size - CRC_BYTES;
    if (andon_get_u32(&crc) != andon_crc32c(0, in->data, in->size - CRC_BYTES))
        return andon_fail(err, ANDON_EFORMAT, "model is damaged: its checksum does not fit");
    in->size -= CRC_BYTES;
    return ANDON_OK;
}

static andon_status load_member(struct andon_reader *in, struct andon_model *model,
                                struct member *m, struct andon_arena *arena, andon_error *err)
{
    char name[ANDON_NAME_MAX];
    andon_get_text(in, name, sizeof name);
    m->detector = in->bad ? NULL : andon_detector_named(name);
    if (m->detector == NULL)
        return andon_fail(err, ANDON_EFORMAT, "model: there is no detector \"%s\" here", name);
    m->options = andon_arena_take(arena, m->detector->options_bytes);
    if (m->options == NULL) return andon_fail(err, ANDON_ENOMEM, "model: no room for options");
    andon_status st = load_options(m->detector->options, m->options, in, err);
    if (st != ANDON_OK) return st;
    m->weight = andon_get_f64(in);
    m->compression.typical = andon_get_f64(in);
    m->compression.spread = andon_get_f64(in);
    if (!(m->weight >= 1e-12 && m->weight <= MEMBER_WEIGHT_MAX) ||
        !compression_sound(&m->compression))
        return andon_fail(err, ANDON_EFORMAT, "model: %s's weight or calibration is not a number",
                          name);
    st = m->detector->load(in, andon_recipe_features(model->recipe), arena, &m->model, err);
    if (st == ANDON_OK && m->detector->classes != NULL &&
        m->detector->classes(m->model) != model->classes)
        st = andon_fail(err, ANDON_EFORMAT, "model: %s knows %u kinds of label, expected %u", name,
                        m->detector->classes(m->model), model->classes);
    return st;
}

static andon_status load_members(struct andon_reader *in, struct andon_model *m,
                                 struct andon_arena *arena, andon_error *err)
{
    m->members = andon_get_u32(in);
    if (in->bad || m->members == 0 || m->members > ANDON_MEMBERS_MAX)
        return andon_fail(err, ANDON_EFORMAT, "model: %u members, expected 1 to %u", m->members,
                          ANDON_MEMBERS_MAX);
    for (uint32_t k = 0; k < m->members; k++) {
        andon_status st = load_member(in, m, &m->member[k], arena, err);
        if (st != ANDON_OK) return st;
    }
    return ANDON_OK;
}

static andon_status load_classes(struct andon_reader *in, struct andon_model *m,
                                 struct andon_arena *arena, andon_error *err)
{
    m->classes = andon_get_u32(in);
    if (in->bad || m->classes > ANDON_CLASSES_MAX || m->classes == 1)
        return andon_fail(err, ANDON_EFORMAT, "model: %u kinds of label", m->classes);
    m->class_name = andon_arena_array(arena, m->classes, sizeof *m->class_name);
    if (m->class_name == NULL) return andon_fail(err, ANDON_ENOMEM, "model: no room for labels");
    for (uint32_t c = 0; c < m->classes; c++)
        andon_get_text(in, m->class_name[c], sizeof m->class_name[c]);
    return ANDON_OK;
}

/* Text of any length that is there. */
static char *load_text(struct andon_reader *in, struct andon_arena *arena)
{
    struct andon_reader peek = *in;
    size_t length = andon_get_u32(&peek);
    char *text = NULL;
    if (!peek.bad && length <= andon_reader_left(&peek)) text = andon_arena_take(arena, length + 1);
    if (text == NULL) {
        in->starved = !peek.bad && length <= andon_reader_left(&peek);
        in->bad = true;
    } else {
        andon_get_text(in, text, length + 1);
    }
    return text;
}

static andon_status load_notes(struct andon_reader *in, struct andon_model *m,
                               struct andon_arena *arena, andon_error *err)
{
    m->notes = andon_get_u32(in);
    if (in->bad || m->notes > ANDON_NOTES_MAX)
        return andon_fail(err, ANDON_EFORMAT, "model: %u notes", m->notes);
    for (uint32_t i = 0; i < m->notes; i++) {
        andon_get_text(in, m->note[i].key, sizeof m->note[i].key);
        m->note[i].value = load_text(in, arena);
    }
    m->card = load_text(in, arena);
    if (in->bad || andon_reader_left(in) != 0)
        return andon_fail(err, andon_reader_blame(in), "model: notes are cut or followed by more");
    return ANDON_OK;
}

static andon_status load_follow(struct andon_reader *in, struct andon_model *m,
                                struct andon_arena *arena, andon_error *err)
{
    struct follow *follow = NULL;
    if (andon_get_u8(in) == 0) return ANDON_OK;
    andon_status st = follow_load(in, andon_recipe_features(m->recipe), &m->options.follow, arena,
                                  &follow, err);
    m->follow = follow;
    return st;
}

static andon_status load_body(struct andon_reader *in, struct andon_model *m,
                              struct andon_arena *arena, andon_error *err)
{
    struct andon_recipe *recipe = NULL;
    andon_get_text(in, m->detector, sizeof m->detector);
    andon_status st = load_options(andon_verdict_table, &m->options, in, err);
    if (st == ANDON_OK) st = load_classes(in, m, arena, err);
    if (st == ANDON_OK) st = andon_recipe_load(in, arena, &recipe, err);
    if (st != ANDON_OK) return st;
    m->recipe = recipe;
    st = load_follow(in, m, arena, err);
    if (st != ANDON_OK) return st;
    uint32_t channels = andon_recipe_channels(recipe);
    m->longest_run = andon_get_array(in, arena, channels, sizeof *m->longest_run, 4);
    if (m->longest_run == NULL)
        return andon_fail(err, andon_reader_blame(in), "model: rests are cut or without room");
    andon_get_u32s(in, m->longest_run, channels);
    st = load_members(in, m, arena, err);
    if (st == ANDON_OK && (in->bad || !calibration_load(in, &m->calibration)))
        st = andon_fail(err, ANDON_EFORMAT, "model: the calibration is cut or not a number");
    if (st == ANDON_OK) st = load_notes(in, m, arena, err);
    return st;
}

andon_status andon_model_load(const void *data, size_t size, struct andon_arena *arena,
                              struct andon_model **model, andon_error *err)
{
    struct andon_reader in;
    andon_reader_init(&in, data, size);
    struct andon_model *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "model: no room");
    andon_status st = check_head(&in, err);
    if (st == ANDON_OK) st = load_body(&in, m, arena, err);
    if (st == ANDON_OK) *model = m;
    return st;
}
