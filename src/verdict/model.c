#include "verdict/model.h"

#include <string.h>

const char *andon_state_name(enum andon_state state)
{
    switch (state) {
    case ANDON_NORMAL: return "NORMAL";
    case ANDON_ANOMALY: return "ANOMALY";
    case ANDON_UNKNOWN: return "UNKNOWN";
    }
    return "UNKNOWN";
}

const char *andon_reason_name(enum andon_reason reason)
{
    switch (reason) {
    case ANDON_REASON_NONE: return "";
    case ANDON_MACHINE_OFF: return "machine_off";
    case ANDON_WARMING_UP: return "warming_up";
    case ANDON_STALE: return "stale";
    case ANDON_FROZEN: return "frozen";
    case ANDON_BAD_QUALITY: return "bad_quality";
    case ANDON_OUT_OF_REGIME: return "out_of_regime";
    case ANDON_NO_MODEL: return "no_model";
    }
    return "";
}

const struct andon_recipe *andon_model_recipe(const struct andon_model *model)
{
    return model->recipe;
}

const char *andon_model_detector(const struct andon_model *model)
{
    return model->detector;
}

uint32_t andon_model_classes(const struct andon_model *model)
{
    return model->classes;
}

const char *andon_model_class(const struct andon_model *model, uint32_t index)
{
    return model->class_name[index];
}

const char *andon_model_card(const struct andon_model *model)
{
    return model->card;
}

static struct note *find_note(struct andon_model *model, const char *key)
{
    for (uint32_t i = 0; i < model->notes; i++)
        if (strcmp(model->note[i].key, key) == 0) return &model->note[i];
    return NULL;
}

andon_status andon_model_note(struct andon_model *model, struct andon_arena *arena, const char *key,
                              const char *value, andon_error *err)
{
    struct note *note = find_note(model, key);
    if ((note == NULL && model->notes == ANDON_NOTES_MAX) || strlen(key) >= ANDON_NAME_MAX ||
        strlen(value) >= ANDON_NOTE_BYTES_MAX)
        return andon_fail(err, ANDON_ELIMIT, "note \"%.40s\": expected at most %u notes of %u bytes",
                          key, ANDON_NOTES_MAX, ANDON_NOTE_BYTES_MAX);
    if (note == NULL) {
        note = &model->note[model->notes];
        memset(note->key, 0, sizeof note->key);
        memcpy(note->key, key, strlen(key));
    }
    char *copy = andon_arena_text(arena, value);
    if (copy == NULL) return andon_fail(err, ANDON_ENOMEM, "note \"%s\": no room", key);
    note->value = copy;
    if (note == &model->note[model->notes]) model->notes++;
    return ANDON_OK;
}

const char *andon_model_noted(const struct andon_model *model, const char *key)
{
    for (uint32_t i = 0; i < model->notes; i++)
        if (strcmp(model->note[i].key, key) == 0) return model->note[i].value;
    return NULL;
}
