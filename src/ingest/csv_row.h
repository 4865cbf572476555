/* The inside of a csv, shared by csv.c (header, columns, batches) and csv_row.c (cells, rows). */
#ifndef INGEST_CSV_ROW_H
#define INGEST_CSV_ROW_H

#include "ingest/csv.h"
#include "ingest/kernel/cells.h"
#include "ingest/lines.h"

struct csv_column {
    enum csv_role role;
    uint32_t slot;
    bool unnamed; /* its header cell was empty */
    uint32_t run; /* columns from here on that are numbers in neighbouring slots */
};

struct csv {
    struct lines lines;
    char delimiter;
    enum csv_header header;
    uint32_t columns, numbers, words;
    uint32_t culprit;
    struct csv_column *column; /* column[columns]                                  */
    char **name;               /* name[columns]                                    */
    uint32_t *sorted;          /* sorted[columns]: columns in order of their names */
    /* The batch. */
    size_t rows, rows_max, rows_wanted; /* rows_max: what there is room for */
    double *value;
    struct csv_cell *word;
    uint64_t *line;
    char *text; /* what the words point to */
    size_t text_fill, text_room;
    const struct cells_kernel *kernel;
    int32_t *bound;     /* bound[cells_room(columns)]: of the next cells              */
    uint32_t lone_rows; /* to be read one at a time, before the index is tried again */
    char unquoted[CSV_TEXT_MAX]; /* a cell with doubled quotes */
};

enum csv_row_end {
    CSV_ROW_WHOLE,
    CSV_ROW_CUT, /* the window ends inside the row: read more and start the row again */
    CSV_ROW_BAD  /* err says why                                                      */
};

/* csv_cell_scan finds the cell at *at (inside the window), unquoted and trimmed, and moves *at to
 * the delimiter or newline behind it. */
enum csv_row_end csv_cell_scan(struct csv *csv, const char **at, struct csv_cell *cell,
                               andon_error *err);

/* csv_row_skip_empty moves the window over empty lines; false when the window is used up. */
bool csv_row_skip_empty(struct csv *csv);

/* csv_row_read reads the row at the window's start, or several at once, into the batch and moves on. */
enum csv_row_end csv_row_read(struct csv *csv, andon_error *err);

/* csv_row_found writes a cell for an error line: quoted, cut to 40 bytes, without control bytes. */
#define CSV_FOUND_ROOM 64
void csv_row_found(char text[CSV_FOUND_ROOM], struct csv_cell cell);

#endif
