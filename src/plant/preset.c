#include "plant/preset.h"

#include <string.h>

static const struct preset *const presets[] = {
    &preset_pump,
    &preset_conveyor,
    &preset_bakery,
    &preset_component_factory,
    &preset_mining_conveyor,
    &preset_pharma_packaging,
};

const char *preset_use_name(enum preset_use use)
{
    static const char *const name[] = {
        [PRESET_VALUE] = "value", [PRESET_REFERENCE] = "reference", [PRESET_RUNNING] = "running",
        [PRESET_REGIME] = "regime", [PRESET_ITEM] = "item", [PRESET_ALERT] = "alert",
        [PRESET_IGNORED] = "ignored"};
    return name[use];
}

size_t preset_count(void)
{
    return sizeof presets / sizeof *presets;
}

const struct preset *preset_at(size_t index)
{
    return presets[index];
}

const struct preset *preset_named(struct text name)
{
    for (size_t i = 0; i < preset_count(); i++)
        if (text_is(text_of(presets[i]->name), name)) return presets[i];
    return NULL;
}

const struct preset_channel *preset_channel_named(const struct preset *preset, struct text name)
{
    for (uint32_t c = 0; c < preset->channels; c++)
        if (text_is(text_of(preset->channel[c].name), name)) return &preset->channel[c];
    return NULL;
}

int32_t preset_fault_named(const struct preset *preset, struct text name)
{
    for (uint32_t f = 0; f < preset->faults; f++)
        if (text_is(text_of(preset->signature[f].name), name)) return (int32_t)f;
    return -1;
}
