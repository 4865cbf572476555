/* andon journal: what a journal holds, record by record, and whether all of it can be read. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/journal_print.h"
#include "ingest/timestamp.h"
#include "journal/segment.h"

enum { PATH_ROOM = 4096, POLL_MS = 100 };

struct journal_view_options {
    const char *dir, *from, *to, *type;
    bool json, follow, check, quiet;
};

#define AT(field) offsetof(struct journal_view_options, field)
static const struct argument arguments[] = {
    {"DIR", ARGUMENT_PLACE, AT(dir), NULL, "the journal, or the folder whose journal it is", true},
    {"--from", ARGUMENT_TEXT, AT(from), "T", "records received at or after this time", false},
    {"--to", ARGUMENT_TEXT, AT(to), "T", "... and before this one", false},
    {"--type", ARGUMENT_TEXT, AT(type), "NAME", "message, tick, action, config or model", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "one JSON object a line, with whole payloads", false},
    {"--follow", ARGUMENT_FLAG, AT(follow), NULL, "goes on with what comes, until stopped", false},
    {"--check", ARGUMENT_FLAG, AT(check), NULL,
     "verifies every record and prints what is damaged instead", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no notes; with --check, the exit status alone",
     false},
    {0}};

static const struct command_line line = {
    "journal", "DIR [OPTIONS]",
    "Prints the records of a journal; the program that writes it may run.",
    "A line holds offset, time, type and, of a message, door, client, topic and payload. --check "
    "ends\n"
    "with exit status 3 when records are damaged.\n",
    arguments};

/* What is to be printed, and what was met. */
struct view {
    const struct journal_view_options *options;
    char dir[PATH_ROOM];
    int64_t from_ns, to_ns;
    enum journal_type type;
    struct journal_cursor *cursor;
    uint64_t records, bytes, first, behind; /* offsets: of the first record, behind the last */
    int64_t first_ns, last_ns;
};

/* The files of the folder. */
struct files {
    uint64_t count, last;
};

static bool count_file(void *context, uint64_t first)
{
    struct files *files = context;
    files->count++;
    if (first > files->last) files->last = first;
    return true;
}

static andon_status look_at_files(const struct view *v, struct files *files, uint64_t *end,
                                  andon_error *err)
{
    char name[SEGMENT_NAME_ROOM];
    *files = (struct files){0};
    *end = 0;
    int dir = open(v->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return andon_fail(err, ANDON_EIO, "%s: cannot open: %s", v->dir, strerror(errno));
    (void)segment_each(dir, count_file, files);
    segment_name(name, files->last);
    int fd = files->count > 0 ? openat(dir, name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)segment_physical_end(fd, files->last, end);
        close(fd);
    }
    close(dir);
    return ANDON_OK;
}

static bool take_time(const char *name, const char *text, int64_t *ts_ns)
{
    if (text == NULL || timestamp_read(text, strlen(text), ts_ns)) return true;
    argument_wrong(&line, "%s %s: expected " TIMESTAMP_EXPECTED, name, text);
    return false;
}

static bool take_options(struct view *v)
{
    const struct journal_view_options *o = v->options;
    struct stat file;
    v->from_ns = INT64_MIN;
    v->to_ns = INT64_MAX;
    if (!take_time("--from", o->from, &v->from_ns) || !take_time("--to", o->to, &v->to_ns))
        return false;
    if (o->type != NULL && !journal_type_named(o->type, &v->type)) {
        argument_wrong(&line, "--type %s: expected message, tick, action, config or model",
                       o->type);
        return false;
    }
    if (o->check && (o->follow || o->from != NULL || o->to != NULL || o->type != NULL)) {
        argument_wrong(&line,
                       "--check looks at every record: expected no --follow, --from, --to or "
                       "--type beside it");
        return false;
    }
    if (snprintf(v->dir, sizeof v->dir, "%s/journal", o->dir) >= PATH_ROOM) {
        argument_wrong(&line, "%s: expected at most %d letters", o->dir, PATH_ROOM - 9);
        return false;
    }
    if (stat(v->dir, &file) != 0) v->dir[strlen(o->dir)] = 0;
    return true;
}

static void print_damage(const struct view *v, uint64_t offset, uint64_t bytes)
{
    if (v->options->quiet || v->options->json) return;
    printf("damaged: %" PRIu64 " bytes before offset %016" PRIx64 "\n", bytes, offset);
}

static bool show(struct view *v, const struct journal_record *r)
{
    const struct journal_view_options *o = v->options;
    if (r->received_ns < v->from_ns || r->received_ns >= v->to_ns) return true;
    if (o->type != NULL && r->type != v->type) return true;
    if (o->json) return journal_print_json(stdout, r);
    journal_print_text(stdout, r);
    return true;
}

static void count(struct view *v, const struct journal_record *r)
{
    if (v->records++ == 0) {
        v->first = r->offset;
        v->first_ns = r->received_ns;
    }
    v->bytes += r->size;
    v->last_ns = r->received_ns;
    v->behind = r->next;
}

/* Everything that is there now. */
static andon_status pass(struct view *v, andon_error *err)
{
    struct journal_record record;
    uint64_t damaged = journal_cursor_damaged(v->cursor);
    int got;
    while ((got = journal_next(v->cursor, &record, err)) == 1) {
        if (journal_cursor_damaged(v->cursor) > damaged)
            print_damage(v, record.offset, journal_cursor_damaged(v->cursor) - damaged);
        damaged = journal_cursor_damaged(v->cursor);
        count(v, &record);
        if (!v->options->check && !show(v, &record))
            return andon_fail(err, ANDON_ENOMEM, "no memory for a record of %u bytes", record.size);
        if (ferror(stdout) != 0) return ANDON_OK; /* main says why */
    }
    return got < 0 ? ANDON_EIO : ANDON_OK;
}

static andon_status follow(struct view *v, andon_error *err)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};
    andon_status st = pass(v, err);
    while (st == ANDON_OK && fflush(stdout) == 0 && ferror(stdout) == 0) {
        nanosleep(&pause, NULL);
        st = pass(v, err);
    }
    return st;
}

/* The figures of --check. Bytes behind the last record are being written, or were torn off and will
 * be cut when the journal is opened. */
static void print_figures(const struct view *v, const struct files *files, uint64_t unfinished)
{
    char first[TIMESTAMP_ROOM] = "", last[TIMESTAMP_ROOM] = "";
    if (v->records > 0) {
        timestamp_write(first, v->first_ns);
        timestamp_write(last, v->last_ns);
    }
    printf("records    %" PRIu64 "\nbytes      %" PRIu64 "\nsegments   %" PRIu64 "\n", v->records,
           v->bytes, files->count);
    printf("offsets    %016" PRIx64 " to %016" PRIx64 "\n", v->first, v->behind);
    printf("received   %s to %s\n", first, last);
    printf("damaged    %" PRIu64 " bytes\nunfinished %" PRIu64 " bytes\n",
           journal_cursor_damaged(v->cursor), unfinished);
}

static void json_figures(const struct view *v, const struct files *files, uint64_t unfinished)
{
    struct json j;
    json_printing(&j, stdout);
    json_open(&j, NULL, '{');
    json_whole(&j, "records", (long long)v->records);
    json_whole(&j, "bytes", (long long)v->bytes);
    json_whole(&j, "segments", (long long)files->count);
    json_whole(&j, "begin", (long long)v->first);
    json_whole(&j, "end", (long long)v->behind);
    if (v->records > 0) {
        json_time(&j, "first", v->first_ns);
        json_time(&j, "last", v->last_ns);
    }
    json_whole(&j, "damaged_bytes", (long long)journal_cursor_damaged(v->cursor));
    json_whole(&j, "unfinished_bytes", (long long)unfinished);
    json_close(&j, '}');
}

static andon_status check(struct view *v, const struct files *files, andon_error *err)
{
    struct files after;
    uint64_t end, at = 0;
    andon_status st = pass(v, err);
    if (st == ANDON_OK) st = look_at_files(v, &after, &end, err);
    if (st != ANDON_OK) return st;
    at = journal_cursor_offset(v->cursor);
    uint64_t damaged = journal_cursor_damaged(v->cursor), unfinished = end > at ? end - at : 0;
    if (v->options->json)
        json_figures(v, files, unfinished);
    else if (!v->options->quiet)
        print_figures(v, files, unfinished);
    if (damaged == 0) return ANDON_OK;
    return andon_fail(err, ANDON_EDATA, "%s: %" PRIu64 " bytes of records are damaged", v->dir,
                      damaged);
}

static andon_status run(struct view *v, andon_error *err)
{
    struct files files;
    uint64_t end;
    andon_status st = look_at_files(v, &files, &end, err);
    if (st == ANDON_OK && files.count == 0 && !v->options->follow)
        st = andon_fail(err, ANDON_EDATA,
                        "%s: found no journal, expected files such as "
                        "0000000000000000.journal",
                        v->dir);
    if (st == ANDON_OK) st = journal_cursor_open(NULL, v->dir, 0, &v->cursor, err);
    if (st != ANDON_OK) return st;
    if (v->options->check) return check(v, &files, err);
    st = v->options->follow ? follow(v, err) : pass(v, err);
    uint64_t damaged = journal_cursor_damaged(v->cursor);
    if (damaged > 0)
        cli_note(v->options->quiet, "%" PRIu64 " bytes of damaged records were passed over",
                 damaged);
    return st;
}

int journal_main(int argc, char **argv)
{
    static struct journal_view_options options;
    static struct view view = {.options = &options};
    andon_error err = {{0}};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (!take_options(&view)) return CLI_USAGE;
    int status = cli_end("journal", run(&view, &err), &err);
    journal_cursor_close(view.cursor);
    return status;
}
