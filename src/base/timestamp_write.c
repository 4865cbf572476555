#include "base/timestamp_write.h"

#include <stdio.h>

#define SECOND_NS 1000000000

struct moment {
    int year, month, day;
};

/* The Gregorian date of a day since 1970-01-01 (Hinnant). */
static void date_of(int64_t days, struct moment *m)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    m->day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    m->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    m->year = (int)(year_of_era + era * 400 + (m->month <= 2));
}

void timestamp_write(char text[TIMESTAMP_ROOM], int64_t ts_ns)
{
    int64_t seconds = ts_ns / SECOND_NS, rest = ts_ns % SECOND_NS;
    if (rest < 0) {
        rest += SECOND_NS;
        seconds--;
    }
    int64_t days = seconds / 86400, of_day = seconds % 86400;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }
    struct moment m = {0};
    date_of(days, &m);
    int length = snprintf(text, TIMESTAMP_ROOM, "%04d-%02d-%02dT%02d:%02d:%02d", m.year, m.month,
                          m.day, (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
    size_t room = TIMESTAMP_ROOM - (size_t)length;
    if (rest == 0)
        snprintf(text + length, room, "Z");
    else if (rest % 1000000 == 0)
        snprintf(text + length, room, ".%03dZ", (int)(rest / 1000000));
    else if (rest % 1000 == 0)
        snprintf(text + length, room, ".%06dZ", (int)(rest / 1000));
    else
        snprintf(text + length, room, ".%09dZ", (int)rest);
}
