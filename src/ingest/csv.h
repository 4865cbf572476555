/* A table of text, read as a stream: comma, semicolon or tab, plain or gzip, RFC 4180 quotes.
 *
 * Memory does not depend on the file: one line buffer and one batch of rows. Owned by one thread.
 */
#ifndef INGEST_CSV_H
#define INGEST_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/recipe.h"
#include "andon/status.h"

#define CSV_LINE_MAX (1u << 20)                   /* bytes of a row                              */
#define CSV_COLUMNS_MAX (ANDON_CHANNELS_MAX + 8u) /* the channels, a time, a label, ...        */
#define CSV_TEXT_MAX 4096u                        /* bytes of a cell that is kept as text        */
#define CSV_NONE UINT32_MAX

enum csv_role {
    CSV_IGNORE = 0, /* skipped, whatever it holds                                 */
    CSV_NUMBER,     /* a finite number or missing; anything else is an error      */
    CSV_WORD        /* kept as text, spaces around it cut                         */
};

/* How the columns got their names. */
enum csv_header {
    CSV_HEADER_READ,  /* from the first line                                          */
    CSV_HEADER_OFF,   /* c0, c1, ... because the caller said there is no header       */
    CSV_HEADER_ABSENT /* c0, c1, ... because the first line holds values              */
};

struct csv_cell {
    const char *text; /* not 0-terminated */
    uint32_t length;
};

/* Rows as read. Owned by the csv, valid until the next csv_read. */
struct csv_batch {
    size_t rows;
    const double *value;         /* value[rows][numbers], NaN = missing                    */
    const struct csv_cell *word; /* word[rows][words]                                      */
    const uint64_t *line;        /* line[rows]: where each row starts, counted from 1      */
};

struct csv;

/* csv_open opens a file and reads its header. The delimiter is the one of , ; tab that parts the
 * first two lines alike. With has_header a first line that holds nothing but numbers and times is
 * taken as data all the same, unless it counts 0, 1, 2, ... (at least three of them).
 * An empty name becomes c<index>. path ("-": standard input) is borrowed until csv_close.
 * ANDON_EIO     path cannot be read
 * ANDON_EDATA   empty file, no text, a column named twice (err names line and columns)
 * ANDON_ELIMIT  more than CSV_COLUMNS_MAX columns, a line longer than CSV_LINE_MAX */
ANDON_MUST_CHECK andon_status csv_open(struct csv **csv, const char *path, bool has_header,
                                       andon_error *err);
void csv_close(struct csv *csv); /* NULL is fine */

uint32_t csv_columns(const struct csv *csv);
const char *csv_name(const struct csv *csv, uint32_t column);
bool csv_unnamed(const struct csv *csv, uint32_t column);   /* the header's cell was empty */
uint32_t csv_find(const struct csv *csv, const char *name); /* CSV_NONE: no column of that name */
enum csv_header csv_header(const struct csv *csv);

/* csv_sample copies the first row's cell of a column (cut to room, 0-terminated); false when the
 * file has no rows or the row is broken. Only before the first csv_read. */
bool csv_sample(struct csv *csv, uint32_t column, char *text, size_t room);

/* csv_take says what a column is for; the numbers and the words of a row come in order of slot,
 * each slot from 0 upward given once. Columns not taken are ignored. */
void csv_take(struct csv *csv, uint32_t column, enum csv_role role, uint32_t slot);

/* csv_read reads up to rows_max further rows (the first call sets the room); rows == 0 at the end.
 * Empty lines are no rows.
 * ANDON_EDATA   a ragged row, text where a number belongs, an open quote, a damaged file: err names
 *               file, line, column, what was found and what was expected
 * ANDON_ELIMIT  a line longer than CSV_LINE_MAX, a word longer than CSV_TEXT_MAX */
ANDON_MUST_CHECK andon_status csv_read(struct csv *csv, size_t rows_max, struct csv_batch *batch,
                                       andon_error *err);

/* csv_culprit is the column that the last csv_read failed on, or CSV_NONE. */
uint32_t csv_culprit(const struct csv *csv);

/* csv_part is the part of the file read so far, 0..1, for progress. */
double csv_part(const struct csv *csv);

#endif
