/* A day at a time: its streams are opened, the one with the earliest row is asked, until all are at
 * their end. A day of more than IMPORT_STREAMS_MAX streams is taken in parts, whole assets each. */
#include "cli/import_streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/files/recording.h"

struct stream {
    uint32_t next, end; /* files that are still to come: folder->file[next .. end) */
    struct recording_request request;
    struct recording *recording; /* stands on a row; NULL: at the end */
};

struct import_streams {
    struct import_request request;
    uint32_t next; /* the first file of the next part */
    uint32_t count;
    struct stream stream[IMPORT_STREAMS_MAX];
    struct import_sums sums;
    andon_status broken; /* what stands behind the last sample cannot be read */
    andon_error why;
};

static int compare(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static bool same_day(const struct folder_file *a, const struct folder_file *b)
{
    return strncmp(a->date == NULL ? "" : a->date, b->date == NULL ? "" : b->date, 10) == 0;
}

static bool same_stream(const struct folder_file *a, const struct folder_file *b)
{
    return same_day(a, b) && strcmp(a->asset, b->asset) == 0 &&
           compare(a->channel, b->channel) == 0;
}

static int by_stream(const void *a, const void *b)
{
    const struct folder_file *x = a, *y = b;
    int order = strncmp(x->date == NULL ? "" : x->date, y->date == NULL ? "" : y->date, 10);
    if (order == 0) order = strcmp(x->asset, y->asset);
    if (order == 0) order = compare(x->channel, y->channel);
    if (order == 0) order = compare(x->date, y->date);
    return order != 0 ? order : strcmp(x->path, y->path);
}

andon_status streams_open(const struct import_request *request, struct import_streams **streams,
                          andon_error *err)
{
    struct import_streams *s = calloc(1, sizeof *s);
    *streams = s;
    if (s == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the import");
    s->request = *request;
    qsort(request->folder->file, request->folder->files, sizeof *request->folder->file, by_stream);
    return ANDON_OK;
}

void streams_close(struct import_streams *s)
{
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->count; i++) recording_close(s->stream[i].recording);
    free(s);
}

static void end_file(struct import_streams *s, struct stream *one)
{
    uint64_t untimed = recording_untimed(one->recording);
    if (untimed > 0 && s->sums.untimed == 0)
        snprintf(s->sums.untimed_at, sizeof s->sums.untimed_at, "%.280s:%llu", one->request.path,
                 (unsigned long long)recording_line(one->recording));
    s->sums.untimed += untimed;
    s->sums.files++;
    recording_close(one->recording);
    one->recording = NULL;
}

static andon_status next_file(struct import_streams *s, struct stream *one, andon_error *err)
{
    const struct folder_file *file = &s->request.folder->file[one->next++];
    one->request = (struct recording_request){.path = file->path,
                                              .channel = file->channel,
                                              .date = file->date,
                                              .time = s->request.time,
                                              .drop = s->request.drop,
                                              .drops = s->request.drops};
    return recording_open(&one->recording, &one->request, err);
}

/* Moves to the stream's next row, through as many files as it takes. */
static andon_status advance(struct import_streams *s, struct stream *one, andon_error *err)
{
    bool more = false;
    for (;;) {
        if (one->recording == NULL) {
            if (one->next == one->end) return ANDON_OK;
            andon_status st = next_file(s, one, err);
            if (st != ANDON_OK) return st;
        }
        andon_status st = recording_next(one->recording, &more, err);
        if (st != ANDON_OK || more) return st;
        end_file(s, one);
    }
}

/* How many files of the day from `from` on belong to its next asset; *streams: how many streams. */
static uint32_t files_of_asset(const struct folder *f, uint32_t from, uint32_t *streams)
{
    uint32_t end = from;
    for (*streams = 0; end < f->files; end++) {
        const struct folder_file *file = &f->file[end];
        if (!same_day(file, &f->file[from]) || strcmp(file->asset, f->file[from].asset) != 0) break;
        *streams += end == from || !same_stream(file, &f->file[end - 1]);
    }
    return end - from;
}

/* Takes the files of one asset's day as streams. */
static void add_asset(struct import_streams *s, uint32_t files)
{
    const struct folder_file *file = s->request.folder->file;
    for (uint32_t end = s->next + files; s->next < end;) {
        struct stream *one = &s->stream[s->count++];
        *one = (struct stream){.next = s->next, .end = s->next + 1};
        while (one->end < end && same_stream(&file[one->end], &file[s->next])) one->end++;
        s->next = one->end;
    }
}

/* Opens as much of the next day as may be open at once. */
static andon_status next_part(struct import_streams *s, andon_error *err)
{
    const struct folder *f = s->request.folder;
    uint32_t first = s->next, streams;
    s->count = 0;
    while (s->next < f->files && same_day(&f->file[s->next], &f->file[first])) {
        uint32_t files = files_of_asset(f, s->next, &streams);
        if (streams > IMPORT_STREAMS_MAX)
            return andon_fail(err, ANDON_ELIMIT, "%s: more than %u channels in files of their own",
                              f->file[s->next].asset, IMPORT_STREAMS_MAX);
        if (s->count + streams > IMPORT_STREAMS_MAX) break;
        add_asset(s, files);
    }
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; st == ANDON_OK && i < s->count; i++) st = advance(s, &s->stream[i], err);
    return st;
}

static struct stream *earliest(struct import_streams *s)
{
    struct stream *best = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        struct stream *one = &s->stream[i];
        if (one->recording != NULL &&
            (best == NULL || recording_ts_ns(one->recording) < recording_ts_ns(best->recording)))
            best = one;
    }
    return best;
}

static const char *asset_of(const struct import_streams *s, const struct stream *one)
{
    return s->request.folder->file[one->next - 1].asset;
}

/* Writes the rows of all streams of first's asset that have its time as one sample and moves these
 * streams on. The streams of an asset stand side by side. Returns the number of values. */
static uint32_t put_sample(struct import_streams *s, struct stream *first, struct json *lines)
{
    const char *asset = asset_of(s, first);
    int64_t ts_ns = recording_ts_ns(first->recording);
    uint32_t values = 0;
    json_open(lines, NULL, '{');
    json_cstring(lines, "asset", asset);
    recording_time(first->recording, lines);
    json_open(lines, "values", '{');
    for (struct stream *one = first; one < s->stream + s->count; one++) {
        if (one->recording == NULL) continue;
        if (strcmp(asset_of(s, one), asset) != 0) break;
        if (recording_ts_ns(one->recording) != ts_ns) continue;
        values += recording_values(one->recording, lines);
        if (s->broken == ANDON_OK) s->broken = advance(s, one, &s->why);
    }
    json_close(lines, '}');
    json_close(lines, '}');
    json_bytes(lines, "\n", 1);
    return values;
}

/* The stream with the earliest row, after opening more where none has one; NULL: the end. */
static andon_status find_first(struct import_streams *s, struct stream **first, andon_error *err)
{
    if (s->broken != ANDON_OK) {
        if (err != NULL) *err = s->why;
        return s->broken;
    }
    while ((*first = earliest(s)) == NULL && s->next < s->request.folder->files) {
        andon_status st = next_part(s, err);
        if (st != ANDON_OK) return st;
    }
    return ANDON_OK;
}

andon_status streams_next(struct import_streams *s, struct json *lines, int64_t *ts_ns,
                          const char **asset, bool *more, andon_error *err)
{
    struct stream *first;
    size_t before = lines->used;
    *more = false;
    for (;;) {
        andon_status st = find_first(s, &first, err);
        if (st != ANDON_OK || first == NULL) return st;
        *ts_ns = recording_ts_ns(first->recording);
        *asset = asset_of(s, first);
        uint32_t values = put_sample(s, first, lines);
        if (lines->failed)
            return andon_fail(err, ANDON_ELIMIT, "%s: a row of more than %zu bytes", *asset,
                              lines->max);
        if (values > 0) break;
        lines->used = before;
        s->sums.empty++;
    }
    s->sums.samples++;
    *more = true;
    return ANDON_OK;
}

const struct import_sums *streams_sums(const struct import_streams *s)
{
    return &s->sums;
}

double streams_part(const struct import_streams *s)
{
    double done = (double)s->sums.files;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->stream[i].recording != NULL) done += recording_part(s->stream[i].recording);
    return done / (double)s->request.folder->files;
}
