#include "ingest/csv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "andon/kernel.h"
#include "ingest/csv_row.h"
#include "ingest/number.h"
#include "ingest/timestamp.h"

#define CSV_TEXT_ROOM (256u * 1024u)

/* How often each of , ; tab stands in a line, outside quotes. */
struct parting {
    uint32_t count[3];
};
static const char delimiters[3] = {',', ';', '\t'};

static struct parting parting_of(const char *at, const char *end)
{
    struct parting p = {{0}};
    bool quoted = false;
    for (; at < end && (*at != '\n' || quoted); at++) {
        if (*at == '"') quoted = !quoted;
        for (int k = 0; k < 3; k++) p.count[k] += !quoted && *at == delimiters[k];
    }
    return p;
}

/* The delimiter that parts the first two lines alike, else the most frequent of the first. */
static char delimiter_of(const struct lines *l)
{
    const char *first = l->buffer + l->at, *end = l->buffer + l->limit;
    const char *second = memchr(first, '\n', (size_t)(end - first));
    struct parting a = parting_of(first, end);
    struct parting b = second == NULL ? a : parting_of(second + 1, end);
    int best = 0;
    uint64_t best_weight = 0;
    for (int k = 0; k < 3; k++) {
        bool alike = a.count[k] == b.count[k];
        uint64_t weight = a.count[k] + ((uint64_t)(alike && a.count[k] > 0) << 32);
        if (weight > best_weight) best = k;
        if (weight > best_weight) best_weight = weight;
    }
    return delimiters[best];
}

static andon_status no_memory(const struct csv *c, andon_error *err)
{
    return andon_fail(err, ANDON_ENOMEM, "%s: no memory for its columns", c->lines.path);
}

static andon_status open_quote(const struct csv *c, andon_error *err)
{
    return andon_fail(err, ANDON_EDATA, "%s:%llu: found a quote that is not closed", c->lines.path,
                      (unsigned long long)c->lines.line);
}

/* The cells of the row at the window's start, up to CSV_COLUMNS_MAX kept; reads on until the row is
 * whole. *columns == 0: the file has no further row. */
static andon_status first_cells(struct csv *c, struct csv_cell *cell, uint32_t *columns,
                                const char **end, andon_error *err)
{
    enum csv_row_end row = CSV_ROW_CUT;
    do {
        const char *at = c->lines.buffer + c->lines.at;
        *columns = 0;
        if (csv_row_skip_empty(c)) {
            at = c->lines.buffer + c->lines.at - 1;
            do {
                struct csv_cell here;
                at++;
                row = csv_cell_scan(c, &at, &here, err);
                if (*columns < CSV_COLUMNS_MAX) cell[*columns] = here;
                ++*columns;
            } while (row == CSV_ROW_WHOLE && *at != '\n');
            *end = at + 1;
        } else if (c->lines.ended)
            return ANDON_OK;
        if (row == CSV_ROW_BAD) return ANDON_EDATA;
        if (row == CSV_ROW_CUT && c->lines.ended) return open_quote(c, err);
        andon_status st = row == CSV_ROW_CUT ? lines_more(&c->lines, err) : ANDON_OK;
        if (st != ANDON_OK) return st;
    } while (row == CSV_ROW_CUT);
    return ANDON_OK;
}

static bool is_value(struct csv_cell cell)
{
    double value;
    int64_t ts_ns;
    return number_read(cell.text, cell.length, &value) ||
           timestamp_read(cell.text, cell.length, &ts_ns);
}

/* Names that only count the columns, as written by programs for tables without names; an index
 * column without a name may stand before them. */
static bool counts_columns(const struct csv_cell *cell, uint32_t columns)
{
    uint32_t skip = cell[0].length == 0;
    for (uint32_t i = skip; i < columns; i++) {
        double value;
        if (!number_read(cell[i].text, cell[i].length, &value) || value != i - skip) return false;
    }
    return columns - skip >= 3;
}

static bool holds_values(const struct csv_cell *cell, uint32_t columns)
{
    bool any = false;
    for (uint32_t i = 0; i < columns; i++) {
        bool value = is_value(cell[i]);
        if (!value && !number_missing(cell[i].text, cell[i].length)) return false;
        any |= value;
    }
    return any && !counts_columns(cell, columns);
}

static andon_status name_column(struct csv *c, uint32_t column, struct csv_cell cell,
                                andon_error *err)
{
    char own[16];
    int length = snprintf(own, sizeof own, "c%u", column);
    c->column[column].unnamed = c->header == CSV_HEADER_READ && cell.length == 0;
    if (c->header != CSV_HEADER_READ || cell.length == 0)
        cell = (struct csv_cell){own, (uint32_t)length};
    if (cell.length >= ANDON_NAME_MAX)
        return andon_fail(err, ANDON_EDATA,
                          "%s:%llu: column %u has a name of %u bytes, expected under %u",
                          c->lines.path, (unsigned long long)c->lines.line, column + 1, cell.length,
                          (unsigned)ANDON_NAME_MAX);
    c->name[column] = calloc(1, cell.length + 1);
    if (c->name[column] == NULL) return no_memory(c, err);
    memcpy(c->name[column], cell.text, cell.length);
    for (char *at = c->name[column]; *at != 0; at++)
        if ((unsigned char)*at < 0x20) *at = ' ';
    return ANDON_OK;
}

static int by_name(const void *a, const void *b, void *names)
{
    char **name = names;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int order = strcmp(name[i], name[j]);
    return order != 0 ? order : i < j ? -1 : 1;
}

static andon_status sort_names(struct csv *c, andon_error *err)
{
    for (uint32_t i = 0; i < c->columns; i++) c->sorted[i] = i;
    qsort_r(c->sorted, c->columns, sizeof *c->sorted, by_name, c->name);
    for (uint32_t i = 1; i < c->columns; i++) {
        uint32_t a = c->sorted[i - 1], b = c->sorted[i];
        if (strcmp(c->name[a], c->name[b]) == 0)
            return andon_fail(
                err, ANDON_EDATA,
                "%s:%llu: columns %u and %u are both named %s, expected each name once",
                c->lines.path, (unsigned long long)c->lines.line, a + 1, b + 1, c->name[a]);
    }
    return ANDON_OK;
}

static andon_status name_columns(struct csv *c, const struct csv_cell *cell, andon_error *err)
{
    c->column = calloc(c->columns, sizeof *c->column);
    c->name = calloc(c->columns, sizeof *c->name);
    c->sorted = calloc(c->columns, sizeof *c->sorted);
    if (c->column == NULL || c->name == NULL || c->sorted == NULL) return no_memory(c, err);
    for (uint32_t i = 0; i < c->columns; i++) {
        andon_status st = name_column(c, i, cell[i], err);
        if (st != ANDON_OK) return st;
    }
    return sort_names(c, err);
}

/* A header cell may hold a newline in quotes. */
static void pass_header(struct csv *c, const char *end)
{
    const char *at = c->lines.buffer + c->lines.at;
    for (; at < end; at++) c->lines.line += *at == '\n';
    c->lines.at = (size_t)(end - c->lines.buffer);
}

static andon_status name_from(struct csv *c, bool has_header, struct csv_cell *cell,
                              andon_error *err)
{
    const char *end = NULL;
    andon_status st = first_cells(c, cell, &c->columns, &end, err);
    if (st != ANDON_OK) return st;
    uint32_t columns = c->columns;
    if (columns > CSV_COLUMNS_MAX) {
        c->columns = 0;
        return andon_fail(err, ANDON_ELIMIT, "%s:%llu: found %u columns, expected at most %u",
                          c->lines.path, (unsigned long long)c->lines.line, columns,
                          CSV_COLUMNS_MAX);
    }
    c->header = !has_header                   ? CSV_HEADER_OFF
                : holds_values(cell, columns) ? CSV_HEADER_ABSENT
                                              : CSV_HEADER_READ;
    st = name_columns(c, cell, err);
    if (st == ANDON_OK && c->header == CSV_HEADER_READ) pass_header(c, end);
    return st;
}

static andon_status read_header(struct csv *c, bool has_header, andon_error *err)
{
    while (!csv_row_skip_empty(c)) {
        if (c->lines.ended)
            return andon_fail(err, ANDON_EDATA, "%s: the file is empty, expected a header and rows",
                              c->lines.path);
        andon_status st = lines_more(&c->lines, err);
        if (st != ANDON_OK) return st;
    }
    c->delimiter = delimiter_of(&c->lines);
    struct csv_cell *cell = calloc(CSV_COLUMNS_MAX, sizeof *cell);
    if (cell == NULL) return no_memory(c, err);
    andon_status st = name_from(c, has_header, cell, err);
    free(cell);
    return st;
}

andon_status csv_open(struct csv **csv, const char *path, bool has_header, andon_error *err)
{
    struct csv *c = calloc(1, sizeof *c);
    if (c == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory to open it", path);
    c->culprit = CSV_NONE;
    andon_status st = lines_open(&c->lines, path, err);
    if (st == ANDON_OK) st = read_header(c, has_header, err);
    if (st == ANDON_OK)
        *csv = c;
    else
        csv_close(c);
    return st;
}

void csv_close(struct csv *c)
{
    if (c == NULL) return;
    for (uint32_t i = 0; c->name != NULL && i < c->columns; i++) free(c->name[i]);
    free(c->name);
    free(c->column);
    free(c->sorted);
    free(c->value);
    free(c->word);
    free(c->line);
    free(c->bound);
    free(c->text);
    lines_close(&c->lines);
    free(c);
}

uint32_t csv_columns(const struct csv *c)
{
    return c->columns;
}

const char *csv_name(const struct csv *c, uint32_t column)
{
    assert(column < c->columns);
    return c->name[column];
}

bool csv_unnamed(const struct csv *c, uint32_t column)
{
    assert(column < c->columns);
    return c->column[column].unnamed;
}

uint32_t csv_find(const struct csv *c, const char *name)
{
    uint32_t low = 0, high = c->columns;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(c->name[c->sorted[middle]], name);
        if (order == 0) return c->sorted[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return CSV_NONE;
}

enum csv_header csv_header(const struct csv *c)
{
    return c->header;
}

bool csv_sample(struct csv *c, uint32_t column, char *text, size_t room)
{
    struct csv_cell *cell = calloc(CSV_COLUMNS_MAX, sizeof *cell);
    uint32_t columns = 0;
    const char *end;
    bool found = cell != NULL && first_cells(c, cell, &columns, &end, NULL) == ANDON_OK &&
                 columns == c->columns;
    if (found) {
        size_t length = cell[column].length < room ? cell[column].length : room - 1;
        memcpy(text, cell[column].text, length);
        text[length] = 0;
    }
    free(cell);
    return found;
}

void csv_take(struct csv *c, uint32_t column, enum csv_role role, uint32_t slot)
{
    assert(column < c->columns && c->value == NULL && role != CSV_IGNORE);
    assert(c->column[column].role == CSV_IGNORE);
    c->column[column].role = role;
    c->column[column].slot = slot;
    c->numbers += role == CSV_NUMBER;
    c->words += role == CSV_WORD;
}

static const struct cells_kernel *cells_kernel(void)
{
    switch (andon_kernel_best()) {
#if defined(__x86_64__)
    case ANDON_KERNEL_AVX2: return &cells_kernel_avx2;
    case ANDON_KERNEL_AVX512: return &cells_kernel_avx512;
#elif defined(__aarch64__)
    case ANDON_KERNEL_NEON: return &cells_kernel_neon;
#endif
    default: return &cells_kernel_plain;
    }
}

static void find_runs(struct csv *c)
{
    for (uint32_t i = c->columns; i-- > 0;) {
        struct csv_column *column = &c->column[i];
        bool goes_on = i + 1 < c->columns && column[1].run > 0 && column[1].slot == column->slot + 1;
        column->run = column->role == CSV_NUMBER ? 1 + (goes_on ? column[1].run : 0) : 0;
    }
}

static andon_status make_room(struct csv *c, size_t rows_max, andon_error *err)
{
    c->kernel = cells_kernel();
    find_runs(c);
    c->rows_max = rows_max;
    c->text_room = (size_t)c->words * CSV_TEXT_MAX;
    if (c->text_room > 0 && c->text_room < CSV_TEXT_ROOM) c->text_room = CSV_TEXT_ROOM;
    c->value = calloc(rows_max * c->numbers + 1, sizeof *c->value);
    c->word = calloc(rows_max * c->words + 1, sizeof *c->word);
    c->line = calloc(rows_max, sizeof *c->line);
    c->text = calloc(1, c->text_room + 1);
    c->bound = calloc(cells_room(c->columns), sizeof *c->bound);
    bool room = c->value != NULL && c->word != NULL && c->line != NULL && c->text != NULL &&
                c->bound != NULL;
    return room ? ANDON_OK : no_memory(c, err);
}

/* More of the file, when a row is cut by the window's end. */
static andon_status go_on(struct csv *c, bool *end, andon_error *err)
{
    if (!c->lines.ended) return lines_more(&c->lines, err);
    *end = true;
    if (!csv_row_skip_empty(c)) return ANDON_OK;
    return open_quote(c, err);
}

andon_status csv_read(struct csv *c, size_t rows_max, struct csv_batch *batch, andon_error *err)
{
    if (c->value == NULL) {
        andon_status st = make_room(c, rows_max, err);
        if (st != ANDON_OK) return st;
    }
    assert(rows_max <= c->rows_max);
    c->rows_wanted = rows_max;
    c->rows = c->text_fill = 0;
    c->culprit = CSV_NONE;
    size_t words_room = (size_t)c->words * CSV_TEXT_MAX;
    bool end = false;
    while (!end && c->rows < rows_max && c->text_fill + words_room <= c->text_room) {
        enum csv_row_end row = csv_row_read(c, err);
        if (row == CSV_ROW_BAD) return ANDON_EDATA;
        andon_status st = row == CSV_ROW_CUT ? go_on(c, &end, err) : ANDON_OK;
        if (st != ANDON_OK) return st;
    }
    *batch = (struct csv_batch){c->rows, c->value, c->word, c->line};
    return ANDON_OK;
}

uint32_t csv_culprit(const struct csv *c)
{
    return c->culprit;
}

double csv_part(const struct csv *c)
{
    return compressed_part(c->lines.file);
}
