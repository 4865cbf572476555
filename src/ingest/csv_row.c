/* Cells and rows. Invariants:
 *   1. nothing is consumed and nothing of the batch is kept until a row is whole;
 *   2. the window ends in a newline, so an unquoted scan needs no bounds. */
#include "ingest/csv_row.h"

#include <math.h>
#include <string.h>

#include "ingest/number.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct csv_cell trimmed(const char *text, const char *end)
{
    while (text < end && is_blank(*text)) text++;
    while (end > text && is_blank(end[-1])) end--;
    return (struct csv_cell){text, (uint32_t)(end - text)};
}

void csv_row_found(char text[CSV_FOUND_ROOM], struct csv_cell cell)
{
    size_t n = cell.length < 40 ? cell.length : 40, at = 0;
    while (n < cell.length && n > 0 && ((unsigned char)cell.text[n] & 0xC0) == 0x80) n--;
    text[at++] = '"';
    for (size_t i = 0; i < n; i++)
        text[at++] = (unsigned char)cell.text[i] < 0x20 ? '?' : cell.text[i];
    memcpy(text + at, n < cell.length ? "...\"" : "\"", n < cell.length ? 5 : 2);
}

/* Doubled quotes become one; what is longer than the room is cut (no number is that long, and a
 * word of that length is refused). */
static struct csv_cell undouble(struct csv *c, const char *text, const char *end)
{
    uint32_t n = 0;
    for (; text < end && n < CSV_TEXT_MAX; text++) {
        c->unquoted[n++] = *text;
        if (*text == '"') text++;
    }
    return (struct csv_cell){c->unquoted, n};
}

/* *at stands on the opening quote. */
static enum csv_row_end quoted_scan(struct csv *c, const char **at, struct csv_cell *cell,
                                    andon_error *err)
{
    const char *limit = c->lines.buffer + c->lines.limit;
    const char *start = *at + 1, *end = start;
    bool doubled = false;
    for (;;) {
        end = memchr(end, '"', (size_t)(limit - end));
        if (end == NULL) return CSV_ROW_CUT;
        if (end[1] != '"') break; /* the window's last byte is a newline */
        doubled = true;
        end += 2;
    }
    *cell = doubled ? undouble(c, start, end) : trimmed(start, end);
    const char *after = end + 1;
    while (is_blank(*after) && *after != c->delimiter) after++;
    *at = after;
    if (*after == c->delimiter || *after == '\n') return CSV_ROW_WHOLE;
    andon_fail(err, ANDON_EDATA,
               "%s:%llu: found '%c' behind a closing quote, expected a delimiter or the line's end",
               c->lines.path, (unsigned long long)c->lines.line,
               (unsigned char)*after < 0x20 ? '?' : *after);
    return CSV_ROW_BAD;
}

enum csv_row_end csv_cell_scan(struct csv *c, const char **at, struct csv_cell *cell,
                               andon_error *err)
{
    const char *start = *at;
    while (is_blank(*start) && *start != c->delimiter) start++;
    if (*start == '"') {
        *at = start;
        return quoted_scan(c, at, cell, err);
    }
    const char *end = start;
    while (*end != c->delimiter && *end != '\n') end++;
    *cell = trimmed(start, end);
    *at = end;
    return CSV_ROW_WHOLE;
}

bool csv_row_skip_empty(struct csv *c)
{
    struct lines *l = &c->lines;
    while (l->at < l->limit) {
        const char *at = l->buffer + l->at;
        size_t empty = *at == '\n' ? 1 : *at == '\r' && at[1] == '\n' ? 2 : 0;
        if (empty == 0) return true;
        l->at += empty;
        l->line++;
    }
    return false;
}

static enum csv_row_end bad_cell(struct csv *c, uint32_t column, struct csv_cell cell,
                                 andon_error *err)
{
    char found[CSV_FOUND_ROOM];
    csv_row_found(found, cell);
    c->culprit = column;
    andon_fail(err, ANDON_EDATA, "%s:%llu: column %s: found %s, expected a number", c->lines.path,
               (unsigned long long)c->lines.line, c->name[column], found);
    return CSV_ROW_BAD;
}

/* Any number that take_cells does not: spaces, quotes, a missing value, one cell too many. */
static enum csv_row_end take_number(struct csv *c, uint32_t column, const char **at, double *value,
                                    andon_error *err)
{
    struct csv_cell cell;
    enum csv_row_end end = csv_cell_scan(c, at, &cell, err);
    if (end != CSV_ROW_WHOLE) return end;
    *value = NAN;
    if (number_missing(cell.text, cell.length)) return CSV_ROW_WHOLE;
    if (number_read(cell.text, cell.length, value)) return CSV_ROW_WHOLE;
    return bad_cell(c, column, cell, err);
}

static enum csv_row_end take_word(struct csv *c, size_t row, uint32_t column, const char **at,
                                  andon_error *err)
{
    struct csv_cell cell;
    enum csv_row_end end = csv_cell_scan(c, at, &cell, err);
    if (end != CSV_ROW_WHOLE) return end;
    if (cell.length >= CSV_TEXT_MAX) {
        c->culprit = column;
        andon_fail(err, ANDON_ELIMIT, "%s:%llu: column %s: a text of %u bytes, expected under %u",
                   c->lines.path, (unsigned long long)c->lines.line, c->name[column], cell.length,
                   CSV_TEXT_MAX);
        return CSV_ROW_BAD;
    }
    char *copy = c->text + c->text_fill; /* csv_read leaves room for a row of longest words */
    memcpy(copy, cell.text, cell.length);
    c->text_fill += cell.length;
    c->word[row * c->words + c->column[column].slot] = (struct csv_cell){copy, cell.length};
    return CSV_ROW_WHOLE;
}

static enum csv_row_end ragged(struct csv *c, andon_error *err)
{
    const char *at = c->lines.buffer + c->lines.at;
    unsigned long long cells = 1;
    for (;; at++, cells++) {
        struct csv_cell cell;
        enum csv_row_end end = csv_cell_scan(c, &at, &cell, err);
        if (end != CSV_ROW_WHOLE) return end;
        if (*at == '\n') break;
    }
    andon_fail(err, ANDON_EDATA, "%s:%llu: found %llu cell%s, expected %u as in the %s line",
               c->lines.path, (unsigned long long)c->lines.line, cells, cells == 1 ? "" : "s",
               c->columns, c->header == CSV_HEADER_READ ? "header" : "first");
    return CSV_ROW_BAD;
}

static enum csv_row_end take_cell(struct csv *c, size_t row, uint32_t column, const char **at,
                                  double *value, andon_error *err)
{
    struct csv_cell ignored;
    switch (c->column[column].role) {
    case CSV_NUMBER: return take_number(c, column, at, value, err);
    case CSV_WORD: return take_word(c, row, column, at, err);
    default: return csv_cell_scan(c, at, &ignored, err);
    }
}

static enum csv_row_end take_cells(struct csv *c, const char **at, andon_error *err)
{
    double *values = c->value + c->rows * c->numbers;
    const struct csv_column *column = c->column;
    const uint32_t columns = c->columns;
    const char delimiter = c->delimiter;
    for (uint32_t i = 0; i < columns; i++, column++) {
        char last = i + 1 == columns ? '\n' : delimiter;
        double *value = values + column->slot;
        if (column->role == CSV_NUMBER) { /* plain digits up to where the cell has to end */
            const char *end = number_scan(*at, value);
            if (end != *at && *end == last && isfinite(*value)) {
                *at = end + 1;
                continue;
            }
        }
        enum csv_row_end end = take_cell(c, c->rows, i, at, value, err);
        if (end != CSV_ROW_WHOLE) return end;
        if (**at != last) return ragged(c, err);
        (*at)++;
    }
    return CSV_ROW_WHOLE;
}

/* Quoted cells may hold newlines. */
static uint64_t lines_in(const char *row, const char *end)
{
    uint64_t lines = 0;
    while ((row = memchr(row, '\n', (size_t)(end - row))) != NULL) {
        lines++;
        row++;
    }
    return lines;
}

/* A number that is not as short as most. */
static bool known_number(struct csv *c, uint32_t column, const char *at, const char *end,
                         double *value)
{
    const char *stop = number_scan(at, value);
    if (stop != at && stop + (*stop == '\r') == end && isfinite(*value)) return true;
    return take_number(c, column, &at, value, NULL) == CSV_ROW_WHOLE && at == end;
}

/* The numbers of `count` neighbouring columns, which stand in neighbouring slots. */
static bool take_numbers(struct csv *c, uint32_t column, uint32_t count, const char *text,
                         const int32_t *bound)
{
    double *value = c->value + c->rows * c->numbers + c->column[column].slot;
    for (size_t i = 0;; i++) {
        i += c->kernel->read(text, bound + i, count - i, value + i);
        if (i == count) return true;
        if (!known_number(c, column + (uint32_t)i, text + (bound[i] + 1), text + bound[i + 1],
                          &value[i]))
            return false;
    }
}

/* A row whose cells have these bounds. False when a cell is wrong or a bound lies in quotes. */
static bool take_known(struct csv *c, const char *text, const int32_t *bound)
{
    uint32_t columns = c->columns;
    unsigned other = 0;
    for (uint32_t i = 1; i < columns; i++) other |= (unsigned)(text[bound[i]] ^ c->delimiter);
    if (other != 0 || text[bound[columns]] != '\n') return false;
    for (uint32_t i = 0, run; i < columns; i += run) {
        const char *at = text + (bound[i] + 1);
        run = c->column[i].run;
        if (run > 0) {
            if (!take_numbers(c, i, run, text, bound + i)) return false;
            continue;
        }
        run = 1;
        if (take_cell(c, c->rows, i, &at, NULL, NULL) != CSV_ROW_WHOLE || at != text + bound[i + 1])
            return false;
    }
    return true;
}

enum { LONE_ROWS = 64 };

/* Reads the next rows, as many as lie whole in the text that is looked at together; false: none. */
static bool read_known(struct csv *c)
{
    struct lines *l = &c->lines;
    const char *text = l->buffer + l->at;
    const int32_t *bound = c->bound;
    size_t before = c->rows, words_room = (size_t)c->words * CSV_TEXT_MAX;
    size_t cells =
        c->kernel->find(text, l->limit - l->at, c->delimiter, c->columns, c->bound);
    for (; cells >= c->columns && c->rows < c->rows_wanted; cells -= c->columns) {
        size_t text_fill = c->text_fill;
        char first = text[bound[0] + 1];
        if (first == '\n' || first == '\r' || text_fill + words_room > c->text_room) break;
        if (!take_known(c, text, bound)) {
            c->text_fill = text_fill;
            c->culprit = CSV_NONE;
            c->lone_rows = LONE_ROWS;
            break;
        }
        bound += c->columns;
        c->line[c->rows++] = l->line++;
    }
    l->at += (size_t)(bound[0] + 1);
    return c->rows > before;
}

enum csv_row_end csv_row_read(struct csv *c, andon_error *err)
{
    if (!csv_row_skip_empty(c)) return CSV_ROW_CUT;
    if (c->lone_rows > 0)
        c->lone_rows--;
    else if (read_known(c))
        return CSV_ROW_WHOLE;
    const char *row = c->lines.buffer + c->lines.at, *at = row;
    size_t text_fill = c->text_fill;
    enum csv_row_end end = take_cells(c, &at, err);
    if (end != CSV_ROW_WHOLE) {
        c->text_fill = text_fill;
        return end;
    }
    c->line[c->rows++] = c->lines.line;
    c->lines.line += lines_in(row, at);
    c->lines.at += (size_t)(at - row);
    return CSV_ROW_WHOLE;
}
