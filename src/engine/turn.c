/* Room for one turn. */
#include "engine/turn.h"

#include <stdlib.h>
#include <string.h>

bool turn_open(struct turn *turn)
{
    *turn = (struct turn){.row = calloc(TURN_ROWS_MAX, sizeof *turn->row),
                          .field = calloc(TURN_FIELDS_MAX, sizeof *turn->field),
                          .value = calloc(TURN_VALUES_MAX, sizeof *turn->value),
                          .share = calloc(TURN_VALUES_MAX, sizeof *turn->share),
                          .dead = calloc(TURN_DEAD_MAX, sizeof *turn->dead),
                          .text = calloc(TURN_TEXT_MAX, 1)};
    if (turn->row != NULL && turn->field != NULL && turn->value != NULL && turn->share != NULL &&
        turn->dead != NULL && turn->text != NULL)
        return true;
    turn_close(turn);
    return false;
}

void turn_close(struct turn *turn)
{
    free(turn->row);
    free(turn->field);
    free(turn->value);
    free(turn->share);
    free(turn->dead);
    free(turn->text);
    *turn = (struct turn){0};
}

void turn_begin(struct turn *turn, uint64_t from)
{
    turn->from = turn->next = from;
    turn->records = turn->rows = turn->fields = turn->values = 0;
    turn->deads = turn->text_used = 0;
    turn->dead_dropped = 0;
}

uint32_t turn_keep(struct turn *turn, struct text text)
{
    uint32_t at = turn->text_used;
    if (text.length > TURN_TEXT_MAX - at) return TURN_NONE;
    if (text.length > 0) memcpy(turn->text + at, text.at, text.length);
    turn->text_used += text.length;
    return at;
}
