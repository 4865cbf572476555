/* The tables behind the registry. */
#ifndef SIM_PLANTS_H
#define SIM_PLANTS_H

#include "sim.h"

extern const struct sim_plant sim_pump;
extern const struct sim_plant sim_conveyor;
extern const struct sim_plant sim_bakery;
extern const struct sim_plant sim_component_factory;

#endif
