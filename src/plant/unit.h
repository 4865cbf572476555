/* The unit of a channel, as far as its name tells. */
#ifndef PLANT_UNIT_H
#define PLANT_UNIT_H

#include <stdbool.h>

#include "base/text.h"

struct unit {
    const char *symbol;   /* "degC", "mm/s", "bar", "%"; NULL: the name tells nothing            */
    const char *quantity; /* "temperature", "vibration"; NULL with the symbol                    */
    bool certain;         /* the name says the unit itself; otherwise it is the one in common use
                             for the quantity that the name says                                */
};

/* unit_of_channel reads names such as vibration_mm_s, "Flow [m3/h]", oilTempC, Pump1_Pressure_bar,
 * motor_current. A pure function of the name; nothing is converted by it. */
struct unit unit_of_channel(struct text channel);

/* unit_known says whether a symbol is one of those that unit_of_channel gives. */
bool unit_known(struct text symbol);

#endif
