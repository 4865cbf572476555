#include "ingest/codec/cell.h"

#include "ingest/number.h"

static bool is_word(struct text text, const char *lower)
{
    for (uint32_t i = 0; i < text.length; i++)
        if ((text.at[i] | 0x20) != lower[i]) return false;
    return lower[text.length] == 0;
}

struct value cell_value(struct text cell)
{
    struct value v = {.kind = VALUE_STRING, .plain = true, .text = cell};
    if (number_missing(cell.at, cell.length)) {
        v.kind = VALUE_NULL;
    } else if (number_read(cell.at, cell.length, &v.number)) {
        v.kind = VALUE_NUMBER;
        v.whole = true;
        for (uint32_t i = 0; i < cell.length; i++)
            v.whole = v.whole &&
                      ((cell.at[i] >= '0' && cell.at[i] <= '9') || (i == 0 && *cell.at == '-'));
    } else if ((cell.length == 4 && is_word(cell, "true")) ||
               (cell.length == 5 && is_word(cell, "false"))) {
        v.kind = VALUE_FLAG;
        v.number = cell.length == 4;
    }
    return v;
}
