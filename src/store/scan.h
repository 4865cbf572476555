/* The rows of one asset in order of event time, one at a time: chunks that overlap and rows that fill
 * none yet are merged, exact repeats come once. Used by reader_rows, reader_buckets and the SQL door. */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "store/chunk.h"
#include "store/record.h"
#include "store/view.h"

#define SCAN_SOURCES_MAX 4096u /* chunks that overlap at one time */

struct scan_item { /* a chunk that may have rows in the range */
    int64_t id, t_min, t_max;
};

struct scan_source { /* rows that are being merged */
    struct sheet sheet;
    uint8_t *bytes;      /* of the chunk; the sheet's text points there */
    size_t room;
    uint32_t *order;     /* order[rows] by time; NULL: as they stand */
    uint32_t at, end;
    int64_t rank;        /* order of arrival among rows of one time  */
};

struct scan_seen {
    const struct sheet *sheet;
    uint32_t row;
    uint64_t mark;
};

struct scan {
    struct reader *reader;
    uint32_t asset;
    int64_t from_ns, to_ns; /* half open */
    bool late_only;         /* chunks of rows that came when their day had been dropped, no others */
    int64_t span_ns;        /* the longest time that a chunk of the asset reaches over */
    struct scan_item *item; /* item[items] by t_min, then by id */
    uint32_t items, items_room;
    bool ordered, skipped;         /* items stand in the order of their ends, too; some were left out */
    uint32_t stepped;              /* items that the reader's statement has passed                 */
    uint32_t next_item, end_item;  /* those that are not open yet */
    struct scan_source **source;   /* source[sources] are open; source[.. sources_made) are spare */
    uint32_t sources, sources_made, sources_room;
    struct scan_source hot;        /* rows that fill no chunk yet */
    struct record_cursor records;
    uint32_t hot_first, hot_end;   /* hot.order[hot_first .. hot_end) are in the range             */
    struct store_field *field, *other; /* room for a row's fields */
    uint32_t field_room, other_room;
    struct scan_seen *seen;        /* seen[seen_count]: the rows of one time so far */
    uint32_t seen_count, seen_room;
    int64_t seen_ns;
};

/* scan_find looks up what there is in [from_ns, to_ns); between view_enter and view_leave of the caller,
 * which has to hold on to it until scan_close. A zeroed scan may be closed; the room of one that was
 * used stays for the next scan_find until then. */
ANDON_MUST_CHECK andon_status scan_find(struct scan *scan, struct reader *reader, uint32_t asset,
                                        int64_t from_ns, int64_t to_ns, andon_error *err);
void scan_close(struct scan *scan);

/* scan_waiting looks up nothing but the rows that wait: hot.order[hot_first .. hot_end). */
ANDON_MUST_CHECK andon_status scan_waiting(struct scan *scan, struct reader *reader, uint32_t asset,
                                           int64_t from_ns, int64_t to_ns, andon_error *err);

/* scan_next gives the next row: *more false at the end. The row lives until the next call. */
ANDON_MUST_CHECK andon_status scan_next(struct scan *scan, struct store_row *row, bool *more,
                                        andon_error *err);

/* scan_only restricts what scan_next merges to item[first .. end) and hot.order[hot_from .. hot_to). */
void scan_only(struct scan *scan, uint32_t first, uint32_t end, uint32_t hot_from, uint32_t hot_to);
static inline int64_t scan_hot_ns(const struct scan *scan, uint32_t at)
{
    return scan->hot.sheet.ts[scan->hot.order[at]];
}

/* scan_rest ends what the scan has open in the reader; the scan may be used for another scan_find. */
void scan_rest(struct scan *scan);

/* scan_chunk opens one item as bytes, which live until the next call. Quick when items are opened in
 * their order. */
ANDON_MUST_CHECK andon_status scan_chunk(struct scan *scan, uint32_t item, struct chunk *chunk,
                                         andon_error *err);

#endif
