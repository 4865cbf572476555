/* andon backup and andon restore: everything that a station is, in one file.
 *
 * The file: "ANDONBK1", then per member u32 length of the name, name, u64 size, bytes, u32 crc32c of
 * the bytes; a name of length 0 ends it. Little-endian. Members are andon.db (a consistent copy),
 * the journal's segments and the published models. The store's copy comes first: the journal that
 * is copied after it reaches at least as far, so the engine of the restored station goes on from there,
 * and offsets are never given out twice. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "andon/bytes.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "store/reader.h"

static const char magic[8] = "ANDONBK1";
enum { PATH_ROOM = 4096, NAME_MAX_BYTES = 255, PIECE = 1 << 16 };

struct backup_options {
    const char *file, *dir;
    bool quiet;
};

#define AT(field) offsetof(struct backup_options, field)
static const struct argument backup_arguments[] = {
    {"FILE", ARGUMENT_PLACE, AT(file), NULL, "what is written; it appears when it is complete", true},
    {"--dir", ARGUMENT_TEXT, AT(dir), "DIR", "of andon serve, running or not (default andon-data)", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no bar", false},
    {0}};
static const struct argument restore_arguments[] = {
    {"FILE", ARGUMENT_PLACE, AT(file), NULL, "what andon backup wrote", true},
    {"--dir", ARGUMENT_TEXT, AT(dir), "DIR", "where it goes: a directory that is not there yet", true},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no bar", false},
    {0}};
static const struct command_line backup_line = {
    "backup", "FILE [--dir DIR]", "Copies a station, readings, journal and models, while it runs.", NULL,
    backup_arguments};
static const struct command_line restore_line = {
    "restore", "FILE --dir DIR", "Makes a directory from which andon serve goes on.", NULL,
    restore_arguments};

/* ---- writing ---- */

static bool put(FILE *out, const void *bytes, size_t size)
{
    return fwrite(bytes, 1, size, out) == size;
}

static bool put_u32(FILE *out, uint32_t v)
{
    const uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    return put(out, b, sizeof b);
}

/* The first size bytes of a file, which may go on growing behind them. */
static andon_status put_member(FILE *out, const char *path, const char *name, andon_error *err)
{
    static uint8_t piece[PIECE];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return ANDON_OK; /* retention took it meanwhile */
    if (fd < 0 || fstat(fd, &st) != 0) return andon_fail(err, ANDON_EIO, "%s: %s", path, strerror(errno));
    uint64_t size = (uint64_t)st.st_size, left = size;
    uint32_t check = 0;
    bool good = put_u32(out, (uint32_t)strlen(name)) && put(out, name, strlen(name)) &&
                put_u32(out, (uint32_t)size) && put_u32(out, (uint32_t)(size >> 32));
    while (good && left > 0) {
        ssize_t n = read(fd, piece, left < PIECE ? (size_t)left : PIECE);
        if (n <= 0) break;
        check = andon_crc32c(check, piece, (size_t)n);
        good = put(out, piece, (size_t)n);
        left -= (uint64_t)n;
    }
    close(fd);
    good = good && left == 0 && put_u32(out, check);
    return good ? ANDON_OK : andon_fail(err, ANDON_EIO, "%s: cannot be copied", path);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Regular files of DIR/folder, as "folder/name". */
static andon_status put_folder(FILE *out, const char *dir, const char *folder, const char *ending,
                               andon_error *err)
{
    char path[PATH_ROOM + 300], name[600];
    struct dirent **list;
    andon_status st = ANDON_OK;
    snprintf(path, sizeof path, "%s/%s", dir, folder);
    int n = scandir(path, &list, NULL, by_name);
    if (n < 0) return ANDON_OK;
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(list[i]->d_name, '.');
        bool wanted = dot != NULL && strcmp(dot, ending) == 0;
        snprintf(path, sizeof path, "%s/%s/%s", dir, folder, list[i]->d_name);
        snprintf(name, sizeof name, "%s/%s", folder, list[i]->d_name);
        if (wanted && st == ANDON_OK && strlen(name) <= NAME_MAX_BYTES)
            st = put_member(out, path, name, err);
        free(list[i]);
    }
    free(list);
    return st;
}

static void tell_copy(void *context, double part)
{
    progress_tell(context, part);
}

static andon_status copy_store(const struct backup_options *o, const char *copy, andon_error *err)
{
    char path[PATH_ROOM];
    struct reader *reader = NULL;
    struct progress bar;
    snprintf(path, sizeof path, "%s/andon.db", o->dir);
    andon_status st = reader_open(path, &reader, err);
    progress_start(&bar, "copying the store", o->quiet);
    if (st == ANDON_OK) st = reader_backup(reader, copy, tell_copy, &bar, err);
    progress_end(&bar);
    reader_close(reader);
    return st;
}

static andon_status write_backup(const struct backup_options *o, const char *temporary,
                                 const char *copy, andon_error *err)
{
    andon_status st = copy_store(o, copy, err);
    if (st != ANDON_OK) return st;
    FILE *out = fopen(temporary, "wb");
    if (out == NULL) return andon_fail(err, ANDON_EIO, "%s: %s", temporary, strerror(errno));
    if (!put(out, magic, sizeof magic)) st = andon_fail(err, ANDON_EIO, "%s: cannot be written", temporary);
    if (st == ANDON_OK) st = put_member(out, copy, "andon.db", err);
    if (st == ANDON_OK) st = put_folder(out, o->dir, "journal", ".journal", err);
    if (st == ANDON_OK) st = put_folder(out, o->dir, "models", ".model", err);
    bool good = put_u32(out, 0) && fflush(out) == 0 && fsync(fileno(out)) == 0;
    good &= fclose(out) == 0;
    if (st == ANDON_OK && !good)
        st = andon_fail(err, ANDON_EIO, "%s: cannot be written: %s", temporary, strerror(errno));
    if (st == ANDON_OK && rename(temporary, o->file) != 0)
        st = andon_fail(err, ANDON_EIO, "%s: %s", o->file, strerror(errno));
    return st;
}

int backup_main(int argc, char **argv)
{
    struct backup_options o = {.dir = "andon-data"};
    char temporary[PATH_ROOM + 8], copy[PATH_ROOM + 8];
    andon_error err = {{0}};
    enum arguments_result parsed = arguments_parse(&backup_line, argc, argv, &o);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    snprintf(temporary, sizeof temporary, "%.4080s.tmp", o.file);
    snprintf(copy, sizeof copy, "%.4080s.db", o.file);
    andon_status st = write_backup(&o, temporary, copy, &err);
    unlink(copy);
    if (st != ANDON_OK) unlink(temporary);
    return cli_end("backup", st, &err);
}

/* ---- reading ---- */

static bool get(FILE *in, void *bytes, size_t size)
{
    return fread(bytes, 1, size, in) == size;
}

static bool get_u32(FILE *in, uint32_t *v)
{
    uint8_t b[4];
    if (!get(in, b, sizeof b)) return false;
    *v = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

/* andon.db, or a plain file in journal or models: nothing that could point elsewhere. */
static bool is_member(const char *name)
{
    if (strcmp(name, "andon.db") == 0) return true;
    const char *file = strncmp(name, "journal/", 8) == 0  ? name + 8
                       : strncmp(name, "models/", 7) == 0 ? name + 7
                                                          : "";
    return file[0] != 0 && file[0] != '.' && strchr(file, '/') == NULL;
}

static andon_status get_bytes(FILE *in, FILE *out, uint64_t size, uint32_t *check)
{
    static uint8_t piece[PIECE];
    *check = 0;
    for (uint64_t left = size; left > 0;) {
        size_t n = left < PIECE ? (size_t)left : PIECE;
        if (!get(in, piece, n)) return ANDON_EFORMAT;
        if (!put(out, piece, n)) return ANDON_EIO;
        *check = andon_crc32c(*check, piece, n);
        left -= n;
    }
    return ANDON_OK;
}

static andon_status get_member(FILE *in, const struct backup_options *o, uint32_t length,
                               andon_error *err)
{
    char name[NAME_MAX_BYTES + 1] = "", path[PATH_ROOM + 300];
    uint32_t low, high, check, said;
    if (length > NAME_MAX_BYTES || !get(in, name, length) || strlen(name) != length || !is_member(name))
        return andon_fail(err, ANDON_EFORMAT, "%s: a member that is none of a station's", o->file);
    if (!get_u32(in, &low) || !get_u32(in, &high))
        return andon_fail(err, ANDON_EFORMAT, "%s: cut in %s", o->file, name);
    snprintf(path, sizeof path, "%s/%s", o->dir, name);
    FILE *out = fopen(path, "wbx");
    if (out == NULL) return andon_fail(err, ANDON_EIO, "%s: %s", path, strerror(errno));
    andon_status st = get_bytes(in, out, (uint64_t)high << 32 | low, &check);
    bool good = fflush(out) == 0 && fsync(fileno(out)) == 0;
    good &= fclose(out) == 0;
    if (st == ANDON_EIO || !good) return andon_fail(err, ANDON_EIO, "%s: cannot be written", path);
    if (st != ANDON_OK || !get_u32(in, &said))
        return andon_fail(err, ANDON_EFORMAT, "%s: cut in %s", o->file, name);
    if (said != check)
        return andon_fail(err, ANDON_EFORMAT, "%s: the bytes of %s do not match their checksum", o->file, name);
    return ANDON_OK;
}

static andon_status make_dirs(const struct backup_options *o, andon_error *err)
{
    static const char *const folder[] = {"", "/journal", "/models"};
    char path[PATH_ROOM + 16];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", o->dir, folder[i]);
        if (mkdir(path, 0750) != 0)
            return andon_fail(err, i == 0 && errno == EEXIST ? ANDON_EINVAL : ANDON_EIO, "%s: %s", path,
                              i == 0 && errno == EEXIST ? "is there already; expected a new directory"
                                                        : strerror(errno));
    }
    return ANDON_OK;
}

static andon_status read_backup(const struct backup_options *o, FILE *in, andon_error *err)
{
    char head[sizeof magic];
    uint32_t length;
    if (!get(in, head, sizeof head) || memcmp(head, magic, sizeof head) != 0)
        return andon_fail(err, ANDON_EFORMAT, "%s: no backup of andon's", o->file);
    andon_status st = make_dirs(o, err);
    while (st == ANDON_OK) {
        if (!get_u32(in, &length)) return andon_fail(err, ANDON_EFORMAT, "%s: cut at its end", o->file);
        if (length == 0) break;
        st = get_member(in, o, length, err);
    }
    return st;
}

int restore_main(int argc, char **argv)
{
    struct backup_options o = {0};
    andon_error err = {{0}};
    enum arguments_result parsed = arguments_parse(&restore_line, argc, argv, &o);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    FILE *in = fopen(o.file, "rb");
    andon_status st = in == NULL ? andon_fail(&err, ANDON_EIO, "%s: %s", o.file, strerror(errno))
                                 : read_backup(&o, in, &err);
    if (in != NULL) fclose(in);
    return cli_end("restore", st, &err);
}
