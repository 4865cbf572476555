/* andon export: stored readings as CSV, NDJSON, line protocol, or as a folder of recordings that andon
 * import takes again. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/number_write.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "ingest/files/folder.h"
#include "ingest/timestamp.h"
#include "plant/pattern.h"
#include "store/reader.h"

enum { PATH_ROOM = 4096, CHANNELS_MAX = 4096, DATE_BYTES = 10 };
enum format { AS_CSV, AS_NDJSON, AS_LINE, AS_FOLDER };

struct export_options {
    const char *dir, *from, *to, *format, *asset, *out;
};

#define AT(field) offsetof(struct export_options, field)
static const struct argument arguments[] = {
    {"--format", ARGUMENT_TEXT, AT(format), "NAME", "csv, ndjson, line or folder", true},
    {"--from", ARGUMENT_TEXT, AT(from), "T", "readings from this time on", false},
    {"--to", ARGUMENT_TEXT, AT(to), "T", "... and before this one", false},
    {"--asset", ARGUMENT_TEXT, AT(asset), "PATH", "of this asset, or those that match (default: all)", false},
    {"--out", ARGUMENT_TEXT, AT(out), "FILE or DIR", "default: standard output; a folder needs it", false},
    {"--dir", ARGUMENT_TEXT, AT(dir), "DIR", "of andon serve (default andon-data)", false},
    {0}};

static const struct command_line line = {
    "export", "--format NAME [OPTIONS]", "Writes stored readings for other programs.",
    "csv: asset,channel,ts,value,quality. ndjson: what POST readings takes. line: InfluxDB's line\n"
    "protocol, the asset as measurement. folder: DIR/<asset>/<channel>/<date>.csv.\n",
    arguments};

struct work {
    struct export_options options;
    enum format format;
    int64_t from_ns, to_ns;
    struct reader *reader;
    FILE *out;
    char asset[600];
    uint32_t number;
    struct { uint32_t number; char name[300]; } channel[CHANNELS_MAX];
    uint32_t channels;
    char open_path[PATH_ROOM]; /* folder: the file that out is */
    struct { uint32_t number; char path[600]; } *list;
    uint32_t assets, room;
    andon_error *err;
    andon_status st;
};

static bool failed(struct work *w, andon_status st, const char *path)
{
    if (w->st == ANDON_OK) w->st = andon_fail(w->err, st, "%s: cannot be written: %s", path, strerror(errno));
    return false;
}

static const char *channel_name(struct work *w, uint32_t number)
{
    for (uint32_t c = 0; c < w->channels; c++)
        if (w->channel[c].number == number) return w->channel[c].name;
    return "";
}

static void put_number(FILE *out, double v)
{
    char text[NUMBER_ROOM + 1];
    fprintf(out, "%.*s", (int)number_write(text, v, 17), text);
}

/* A cell of CSV. */
static void put_cell(FILE *out, const char *at, size_t length)
{
    bool plain = true;
    for (size_t i = 0; i < length; i++) plain &= strchr(",\"\r\n", at[i]) == NULL;
    if (plain) {
        fwrite(at, 1, length, out);
        return;
    }
    putc('"', out);
    for (size_t i = 0; i < length; i++) {
        if (at[i] == '"') putc('"', out);
        putc(at[i], out);
    }
    putc('"', out);
}

static void put_value(FILE *out, const struct store_field *f)
{
    if (f->kind == STORE_TEXT) put_cell(out, f->text.at, f->text.length);
    else if (f->kind == STORE_FLAG) fputs(f->number > 0.5 ? "true" : "false", out);
    else put_number(out, f->number);
}

static bool row_csv(struct work *w, const struct reader_row *row)
{
    char ts[TIMESTAMP_ROOM];
    timestamp_write(ts, row->ts_ns);
    for (uint32_t i = 0; i < row->fields; i++) {
        const char *channel = channel_name(w, row->field[i].channel);
        put_cell(w->out, w->asset, strlen(w->asset));
        putc(',', w->out);
        put_cell(w->out, channel, strlen(channel));
        fprintf(w->out, ",%s,", ts);
        put_value(w->out, &row->field[i]);
        fprintf(w->out, ",%u\n", row->field[i].quality);
    }
    return true;
}

static bool row_ndjson(struct work *w, const struct reader_row *row)
{
    struct json j;
    json_growing(&j, (size_t)16 << 20);
    json_open(&j, NULL, '{');
    json_cstring(&j, "asset", w->asset);
    json_time(&j, "ts", row->ts_ns);
    json_open(&j, "values", '{');
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        const char *name = channel_name(w, f->channel);
        if (f->kind == STORE_TEXT) json_text(&j, name, f->text);
        else if (f->kind == STORE_FLAG) json_bool(&j, name, f->number > 0.5);
        else json_number(&j, name, f->number);
    }
    json_close(&j, '}');
    json_close(&j, '}');
    bool good = !j.failed && fprintf(w->out, "%.*s\n", (int)j.used, j.at) > 0;
    json_free(&j);
    return good || failed(w, ANDON_EIO, "ndjson");
}

/* Line protocol: blanks, commas and equal signs of names behind a backslash. */
static void put_escaped(FILE *out, const char *text, const char *special)
{
    for (; *text != 0; text++) {
        if (strchr(special, *text) != NULL) putc('\\', out);
        putc(*text, out);
    }
}

static bool row_line(struct work *w, const struct reader_row *row)
{
    if (row->fields == 0) return true;
    put_escaped(w->out, w->asset, ", ");
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        putc(i == 0 ? ' ' : ',', w->out);
        put_escaped(w->out, channel_name(w, f->channel), ",= ");
        putc('=', w->out);
        if (f->kind != STORE_TEXT) {
            put_value(w->out, f);
            continue;
        }
        putc('"', w->out);
        for (uint32_t k = 0; k < f->text.length; k++) {
            if (f->text.at[k] == '"' || f->text.at[k] == '\\') putc('\\', w->out);
            putc(f->text.at[k], w->out);
        }
        putc('"', w->out);
    }
    fprintf(w->out, " %lld\n", (long long)row->ts_ns);
    return true;
}

static bool make_dir(struct work *w, const char *path)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST || failed(w, ANDON_EIO, path);
}

/* The file of one channel and day; rows come in order of time, so one is open at a time. */
static bool open_day(struct work *w, const char *channel, const char *date)
{
    char asset[FOLDER_NAME_MAX + 1], name[FOLDER_NAME_MAX + 1], path[PATH_ROOM];
    if (!folder_name(text_of(w->asset), asset) || !folder_name(text_of(channel), name))
        return failed(w, ANDON_ELIMIT, channel);
    snprintf(path, sizeof path, "%s/%s/%s/%s.csv", w->options.out, asset, name, date);
    if (strcmp(path, w->open_path) == 0) return true;
    if (w->out != NULL && fclose(w->out) != 0) return failed(w, ANDON_EIO, w->open_path);
    w->out = NULL;
    char folder[PATH_ROOM];
    snprintf(folder, sizeof folder, "%s/%s", w->options.out, asset);
    if (!make_dir(w, folder)) return false;
    snprintf(folder, sizeof folder, "%s/%s/%s", w->options.out, asset, name);
    if (!make_dir(w, folder)) return false;
    w->out = fopen(path, "wb");
    if (w->out == NULL) return failed(w, ANDON_EIO, path);
    snprintf(w->open_path, sizeof w->open_path, "%s", path);
    fputs("timestamp,value\n", w->out);
    return true;
}

struct one_channel {
    struct work *work;
    uint32_t number;
    const char *name;
};

static bool row_folder(void *context, const struct reader_row *row)
{
    struct one_channel *of = context;
    char ts[TIMESTAMP_ROOM], date[DATE_BYTES + 1];
    timestamp_write(ts, row->ts_ns);
    snprintf(date, sizeof date, "%.10s", ts);
    for (uint32_t i = 0; i < row->fields; i++) {
        if (row->field[i].channel != of->number) continue;
        if (!open_day(of->work, of->name, date)) return false;
        fprintf(of->work->out, "%s,", ts);
        put_value(of->work->out, &row->field[i]);
        putc('\n', of->work->out);
    }
    return true;
}

static bool write_row(void *context, const struct reader_row *row)
{
    struct work *w = context;
    bool good = w->format == AS_CSV      ? row_csv(w, row)
                : w->format == AS_NDJSON ? row->fields == 0 || row_ndjson(w, row)
                                         : row_line(w, row);
    return good && (ferror(w->out) == 0 || failed(w, ANDON_EIO, "output"));
}

static bool list_channel(void *context, const struct reader_channel *channel)
{
    struct work *w = context;
    if (w->channels == CHANNELS_MAX) return false;
    w->channel[w->channels].number = channel->channel;
    snprintf(w->channel[w->channels++].name, sizeof w->channel->name, "%.*s", (int)channel->name.length,
             channel->name.at);
    return true;
}

static bool list_asset(void *context, const struct reader_asset *asset)
{
    struct work *w = context;
    bool wanted = w->options.asset == NULL || pattern_matches(text_of(w->options.asset), asset->path);
    if (!wanted || asset->path.length >= sizeof w->list->path) return true;
    if (w->assets == w->room) {
        w->room = w->room == 0 ? 256 : 2 * w->room;
        void *more = realloc(w->list, w->room * sizeof *w->list);
        if (more == NULL) return failed(w, ANDON_ENOMEM, "list of assets");
        w->list = more;
    }
    w->list[w->assets].number = asset->asset;
    snprintf(w->list[w->assets++].path, sizeof w->list->path, "%.*s", (int)asset->path.length,
             asset->path.at);
    return true;
}

static andon_status export_asset(struct work *w, uint32_t number, andon_error *err)
{
    w->channels = 0;
    andon_status st = reader_channels(w->reader, number, list_channel, w, err);
    if (st == ANDON_OK && w->format != AS_FOLDER)
        st = reader_rows(w->reader, number, w->from_ns, w->to_ns, write_row, w, err);
    for (uint32_t c = 0; c < w->channels && st == ANDON_OK && w->format == AS_FOLDER; c++) {
        struct one_channel of = {w, w->channel[c].number, w->channel[c].name};
        st = reader_rows(w->reader, number, w->from_ns, w->to_ns, row_folder, &of, err);
        if (st == ANDON_OK) st = w->st;
    }
    return st == ANDON_OK ? w->st : st;
}

static andon_status open_output(struct work *w, andon_error *err)
{
    if (w->format == AS_FOLDER)
        return make_dir(w, w->options.out) ? ANDON_OK : w->st;
    w->out = w->options.out == NULL ? stdout : fopen(w->options.out, "wb");
    if (w->out == NULL) return andon_fail(err, ANDON_EIO, "%s: %s", w->options.out, strerror(errno));
    if (w->format == AS_CSV) fputs("asset,channel,ts,value,quality\n", w->out);
    return ANDON_OK;
}

static andon_status run(struct work *w, andon_error *err)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/andon.db", w->options.dir);
    andon_status st = reader_open(path, &w->reader, err);
    if (st == ANDON_OK) st = open_output(w, err);
    if (st == ANDON_OK) st = reader_snapshot(w->reader, err);
    if (st == ANDON_OK) st = reader_assets(w->reader, list_asset, w, err);
    if (st == ANDON_OK && w->assets == 0 && w->options.asset != NULL)
        st = andon_fail(err, ANDON_EDATA, "%s: no such asset", w->options.asset);
    for (uint32_t i = 0; i < w->assets && st == ANDON_OK; i++) {
        snprintf(w->asset, sizeof w->asset, "%s", w->list[i].path);
        st = export_asset(w, w->list[i].number, err);
    }
    if (w->out != NULL && w->out != stdout && fclose(w->out) != 0 && st == ANDON_OK)
        st = andon_fail(err, ANDON_EIO, "the output cannot be written: %s", strerror(errno));
    if (w->reader != NULL) reader_release(w->reader);
    reader_close(w->reader);
    free(w->list);
    return st;
}

int export_main(int argc, char **argv)
{
    static const char *const names[] = {"csv", "ndjson", "line", "folder"};
    static struct work w; /* names of thousands of channels */
    andon_error err = {{0}};
    w = (struct work){.options = {.dir = "andon-data"}, .from_ns = INT64_MIN, .to_ns = INT64_MAX,
                      .err = &err, .format = AS_FOLDER + 1};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &w.options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    for (int i = 0; i < 4; i++)
        if (strcmp(w.options.format, names[i]) == 0) w.format = (enum format)i;
    if (w.format > AS_FOLDER)
        return argument_wrong(&line, "--format %s: expected csv, ndjson, line or folder", w.options.format);
    if (w.format == AS_FOLDER && w.options.out == NULL)
        return argument_wrong(&line, "--format folder: expected --out DIR");
    if (w.options.from != NULL && !timestamp_read(w.options.from, strlen(w.options.from), &w.from_ns))
        return argument_wrong(&line, "--from %s: expected " TIMESTAMP_EXPECTED, w.options.from);
    if (w.options.to != NULL && !timestamp_read(w.options.to, strlen(w.options.to), &w.to_ns))
        return argument_wrong(&line, "--to %s: expected " TIMESTAMP_EXPECTED, w.options.to);
    return cli_end("export", run(&w, &err), &err);
}
