/* A recorded file row by row: the time and every value as it stands in the file, so that nothing is
 * lost on its way to a door. Owned by one thread. */
#ifndef INGEST_FILES_RECORDING_H
#define INGEST_FILES_RECORDING_H

#include "ingest/csv.h"
#include "base/json.h"

/* What to read. Borrowed until recording_close. */
struct recording_request {
    const char *path;
    const char *channel; /* of the one column of values; NULL: columns are called as the header says */
    const char *date;    /* of the file's name (folder_date): for times of day, and for a file without
                            a column of time, which then holds one row; NULL: none               */
    const char *time;    /* the column of time; NULL: one named like a time that holds one        */
    const char *const *drop; /* drop[drops]: columns that are not read */
    size_t drops;
};

struct recording;

/* recording_open opens the file and finds its columns.
 * ANDON_EDATA  no column of time and no date in the name; a column that was asked for is not there;
 *              with .channel, several columns and none called value; or as csv_open */
ANDON_MUST_CHECK andon_status recording_open(struct recording **recording,
                                             const struct recording_request *request,
                                             andon_error *err);
void recording_close(struct recording *recording); /* NULL is fine */

/* recording_next moves to the next row; *more is false behind the last one. Rows whose time is missing
 * or no time are passed over and counted.
 * ANDON_EDATA  as csv_read */
ANDON_MUST_CHECK andon_status recording_next(struct recording *recording, bool *more,
                                             andon_error *err);

/* Of the present row. The time for putting rows in order: one without a zone is taken as UTC. */
int64_t recording_ts_ns(const struct recording *recording);

/* recording_time writes "ts" as the file has it, so that the door gives a zone to what has none. */
void recording_time(const struct recording *recording, struct json *json);

/* recording_values writes a member per value: numbers digit by digit as in the file, true and false,
 * else text. Missing values are left out. Returns how many it wrote. */
uint32_t recording_values(const struct recording *recording, struct json *json);

uint64_t recording_untimed(const struct recording *recording); /* rows passed over so far      */
uint64_t recording_line(const struct recording *recording);    /* of the first of them, from 1 */
double recording_part(const struct recording *recording);      /* read so far, 0..1            */

#endif
