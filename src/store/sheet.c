/* Invariants: 1. column[c] has room for rows_max values of its kind as soon as c < columns; 2. a slot is
 * in use when its stamp is the sheet's; a new stamp empties all of them; 3. bits of present beyond rows
 * are 0. */
#include "store/sheet.h"

#include <stdlib.h>

enum { COLUMNS_FIRST = 16 };

andon_status sheet_open(struct sheet *s, uint32_t rows_max, andon_error *err)
{
    *s = (struct sheet){.rows_max = rows_max, .stamp = 1};
    s->ts = malloc(rows_max * sizeof *s->ts);
    s->lag_ms = malloc(rows_max * sizeof *s->lag_ms);
    s->judged = malloc(rows_max * sizeof *s->judged);
    s->verdict = malloc(rows_max * sizeof *s->verdict);
    if (s->ts != NULL && s->lag_ms != NULL && s->judged != NULL && s->verdict != NULL)
        return ANDON_OK;
    sheet_close(s);
    return andon_fail(err, ANDON_ENOMEM, "no memory for %u rows of an asset", rows_max);
}

static void free_column(struct sheet_column *c)
{
    free(c->present);
    free(c->quality);
    free(c->number);
    free(c->text);
}

void sheet_close(struct sheet *s)
{
    for (uint32_t i = 0; i < s->columns_room; i++) free_column(&s->column[i]);
    free(s->ts);
    free(s->lag_ms);
    free(s->judged);
    free(s->verdict);
    free(s->column);
    free(s->order);
    free(s->slot);
    *s = (struct sheet){0};
}

void sheet_clear(struct sheet *s)
{
    s->rows = s->columns = s->judged_rows = 0;
    if (++s->stamp != 0) return;
    memset(s->slot, 0, s->slots * sizeof *s->slot);
    s->stamp = 1;
}

/* ---- finding a column ---- */

static struct sheet_slot *slot_of(const struct sheet *s, uint32_t channel, uint8_t kind)
{
    uint32_t at = ((channel << 2 | kind) * UINT32_C(0x9e3779b1)) >> 7;
    for (;; at++) {
        struct sheet_slot *slot = &s->slot[at & (s->slots - 1)];
        if (slot->stamp != s->stamp) return slot;
        const struct sheet_column *c = &s->column[slot->column];
        if (c->channel == channel && c->kind == kind) return slot;
    }
}

static bool grow(struct sheet *s)
{
    uint32_t room = s->columns_room == 0 ? COLUMNS_FIRST : 2 * s->columns_room;
    struct sheet_slot *slot = calloc(4 * (size_t)room, sizeof *slot);
    uint32_t *order = slot == NULL ? NULL : realloc(s->order, room * sizeof *order);
    if (order != NULL) s->order = order;
    struct sheet_column *column =
        order == NULL ? NULL : realloc(s->column, room * sizeof *column);
    if (column == NULL) {
        free(slot);
        return false;
    }
    s->column = column;
    memset(column + s->columns_room, 0, (room - s->columns_room) * sizeof *column);
    s->columns_room = room;
    free(s->slot);
    s->slot = slot;
    s->slots = 4 * room;
    s->stamp = 1;
    for (uint32_t i = 0; i < s->columns; i++)
        *slot_of(s, column[i].channel, column[i].kind) = (struct sheet_slot){s->stamp, i};
    return true;
}

static bool furnish(const struct sheet *s, struct sheet_column *c, uint8_t kind)
{
    size_t words = (s->rows_max + 63u) / 64u;
    if (c->present == NULL) c->present = malloc(words * sizeof *c->present);
    if (c->quality == NULL) c->quality = malloc(s->rows_max);
    if (kind == STORE_TEXT && c->text == NULL) c->text = malloc(s->rows_max * sizeof *c->text);
    if (kind != STORE_TEXT && c->number == NULL) c->number = malloc(s->rows_max * sizeof *c->number);
    if (c->present == NULL || c->quality == NULL) return false;
    memset(c->present, 0, words * sizeof *c->present);
    return kind == STORE_TEXT ? c->text != NULL : c->number != NULL;
}

struct sheet_column *sheet_column_of(struct sheet *s, uint32_t channel, uint8_t kind)
{
    struct sheet_slot *slot = s->slots > 0 ? slot_of(s, channel, kind) : NULL;
    if (slot != NULL && slot->stamp == s->stamp) return &s->column[slot->column];
    if (s->columns >= SHEET_COLUMNS_MAX) return NULL;
    if (s->columns == s->columns_room) {
        if (!grow(s)) return NULL;
        slot = slot_of(s, channel, kind);
    }
    struct sheet_column *c = &s->column[s->columns];
    if (!furnish(s, c, kind)) return NULL;
    c->channel = channel;
    c->kind = kind;
    c->count = 0;
    c->has_quality = false;
    *slot = (struct sheet_slot){s->stamp, s->columns++};
    return c;
}

/* ---- rows ---- */

static void put(struct sheet_column *c, uint32_t r, const struct store_field *f)
{
    uint64_t bit = UINT64_C(1) << (r % 64);
    c->count += (c->present[r / 64] & bit) == 0;
    c->present[r / 64] |= bit;
    c->quality[r] = f->quality;
    if (f->quality != 0) c->has_quality = true;
    if (f->kind == STORE_TEXT) c->text[r] = f->text;
    else c->number[r] = f->number;
}

/* Takes row r out of the columns that got it before one failed. */
static void take_back(struct sheet *s, uint32_t r)
{
    for (uint32_t i = 0; i < s->columns; i++) {
        if (!sheet_has(&s->column[i], r)) continue;
        s->column[i].present[r / 64] &= ~(UINT64_C(1) << (r % 64));
        s->column[i].count--;
    }
}

andon_status sheet_add(struct sheet *s, const struct store_row *row, andon_error *err)
{
    uint32_t r = s->rows;
    if (r == s->rows_max)
        return andon_fail(err, ANDON_ELIMIT, "more than %u rows in a chunk", s->rows_max);
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        /* Rows of an asset are mostly alike. */
        struct sheet_column *c = i < s->columns ? &s->column[i] : NULL;
        if (c == NULL || c->channel != f->channel || c->kind != f->kind)
            c = sheet_column_of(s, f->channel, f->kind);
        if (c == NULL) {
            take_back(s, r);
            return andon_fail(err, s->columns >= SHEET_COLUMNS_MAX ? ANDON_ELIMIT : ANDON_ENOMEM,
                              "no room for another channel of asset %u (at most %u)", row->asset,
                              SHEET_COLUMNS_MAX);
        }
        put(c, r, f);
    }
    s->ts[r] = row->ts_ns;
    s->lag_ms[r] = sheet_lag_ms(row->ts_ns, row->received_ns);
    s->judged[r] = row->judged;
    if (row->judged) {
        s->verdict[r] = row->verdict;
        s->judged_rows++;
    }
    s->rows++;
    return ANDON_OK;
}

static bool stands_before(const struct sheet *s, uint32_t a, uint32_t b)
{
    const struct sheet_column *x = &s->column[a], *y = &s->column[b];
    return x->channel != y->channel ? x->channel < y->channel : x->kind < y->kind;
}

/* Columns mostly come in order already: insertion is quick then, and few are out of it. */
void sheet_sort(struct sheet *s)
{
    for (uint32_t i = 0; i < s->columns; i++) {
        uint32_t at = i;
        for (; at > 0 && stands_before(s, i, s->order[at - 1]); at--) s->order[at] = s->order[at - 1];
        s->order[at] = i;
    }
}

void sheet_row(const struct sheet *s, uint32_t r, uint32_t asset, struct store_field *field,
               struct store_row *row)
{
    *row = (struct store_row){.asset = asset, .ts_ns = s->ts[r], .field = field};
    int64_t lag_ns;
    if (__builtin_mul_overflow(s->lag_ms[r], 1000000, &lag_ns) ||
        __builtin_add_overflow(s->ts[r], lag_ns, &row->received_ns))
        row->received_ns = s->ts[r];
    for (uint32_t i = 0; i < s->columns; i++) {
        const struct sheet_column *c = &s->column[s->order[i]];
        if (!sheet_has(c, r)) continue;
        struct store_field *f = &field[row->fields++];
        *f = (struct store_field){.channel = c->channel, .kind = c->kind, .quality = c->quality[r]};
        if (c->kind == STORE_TEXT) f->text = c->text[r];
        else f->number = c->number[r];
    }
    row->judged = s->judged[r] != 0;
    if (row->judged) row->verdict = s->verdict[r];
}
