/* The plants of this build. A new one is one file, one line here, one test and one page. */
#include "plants.h"

#include <string.h>

static const struct sim_plant *const plants[] = {
    &sim_pump,
    &sim_conveyor,
    &sim_bakery,
    &sim_component_factory,
};

size_t sim_plant_count(void)
{
    return sizeof plants / sizeof plants[0];
}

const struct sim_plant *sim_plant_at(size_t index)
{
    return plants[index];
}

const struct sim_plant *sim_plant_named(const char *name)
{
    for (size_t i = 0; i < sim_plant_count(); i++) {
        if (strcmp(plants[i]->name, name) == 0) return plants[i];
    }
    return NULL;
}
