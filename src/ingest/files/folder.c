/* The list of a folder. Names are judged alone, files are not opened. */
#include "ingest/files/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "plant/path.h"

enum { PATH_ROOM = 4096, PARTS_MAX = FOLDER_DEPTH_MAX + 1 };

struct lister {
    const char *root, *asset;
    size_t root_bytes;
    struct andon_arena *arena;
    struct folder *folder;
    uint32_t room;
    andon_error *err;
};

/* ---- names ---- */

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c >= 0x80 || (c != 0 && strchr("-.,+=@() _", c) != NULL);
}

/* An underscore that would be read as half of a '/', or as what parts a sensor from a date. */
static bool is_ambiguous(struct text name, uint32_t i)
{
    char before = i > 0 ? name.at[i - 1] : '/', behind = i + 1 < name.length ? name.at[i + 1] : '/';
    return name.at[i] == '_' && (before == '_' || before == '/' || behind == '_' || behind == '/');
}

bool folder_name(struct text name, char out[FOLDER_NAME_MAX + 1])
{
    size_t used = 0;
    for (uint32_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.at[i];
        bool first_dot = c == '.' && i == 0;
        char piece[4];
        if (c == '/')
            snprintf(piece, sizeof piece, "__");
        else if (is_plain(c) && !first_dot && !is_ambiguous(name, i))
            snprintf(piece, sizeof piece, "%c", c);
        else
            snprintf(piece, sizeof piece, "%%%02X", c);
        size_t n = strlen(piece);
        if (used + n > FOLDER_NAME_MAX) return false;
        memcpy(out + used, piece, n);
        used += n;
    }
    out[used] = 0;
    return used > 0;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

bool folder_unname(struct text file, char *out, size_t room)
{
    size_t used = 0;
    for (uint32_t i = 0; i < file.length; used++) {
        uint32_t left = file.length - i;
        if (used + 1 >= room) return false;
        if (left >= 2 && file.at[i] == '_' && file.at[i + 1] == '_') {
            out[used] = '/';
            i += 2;
        } else if (left >= 3 && file.at[i] == '%' && hex(file.at[i + 1]) >= 0 &&
                   hex(file.at[i + 2]) >= 0) {
            out[used] = (char)(hex(file.at[i + 1]) * 16 + hex(file.at[i + 2]));
            if (out[used] == 0) return false;
            i += 3;
        } else
            out[used] = file.at[i++];
    }
    out[used] = 0;
    return used > 0;
}

/* ---- dates ---- */

/* Reads exactly n digits. */
static bool digits(struct text *t, uint32_t n, uint32_t *value)
{
    if (t->length < n) return false;
    *value = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (t->at[i] < '0' || t->at[i] > '9') return false;
        *value = *value * 10 + (uint32_t)(t->at[i] - '0');
    }
    *t = (struct text){t->at + n, t->length - n};
    return true;
}

static bool pass(struct text *t, const char *one_of)
{
    if (t->length == 0 || strchr(one_of, t->at[0]) == NULL) return false;
    *t = (struct text){t->at + 1, t->length - 1};
    return true;
}

/* A number of two digits behind a sign that stands in the whole name or not at all. */
static bool part(struct text *t, bool signs, const char *one_of, uint32_t *value)
{
    return (!signs || pass(t, one_of)) && digits(t, 2, value);
}

bool folder_date(struct text text, char out[24])
{
    static const uint32_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t y, mo, d, h = 0, mi = 0, s = 0;
    if (!digits(&text, 4, &y)) return false;
    bool signs = text.length > 0 && strchr("-.", text.at[0]) != NULL;
    if (!part(&text, signs, "-.", &mo) || !part(&text, signs, "-.", &d)) return false;
    if (y < 1970 || y > 2260 || mo < 1 || mo > 12 || d < 1 || d > days[mo - 1]) return false;
    bool timed = text.length > 0;
    if (timed) {
        if (!pass(&text, "T_- ") || !digits(&text, 2, &h)) return false;
        signs = text.length > 0 && strchr("-.:", text.at[0]) != NULL;
        if (!part(&text, signs, "-.:", &mi)) return false;
        if (text.length > 0 && !part(&text, signs, "-.:", &s)) return false;
        if (text.length > 0 || h > 23 || mi > 59 || s > 59) return false;
    }
    char time[12];
    snprintf(time, sizeof time, "T%02u:%02u:%02u", h % 24, mi % 60, s % 60);
    snprintf(out, 24, "%04u-%02u-%02u%s", y % 10000, mo % 100, d % 100, timed ? time : "");
    return true;
}

/* ---- what a name says ---- */

static struct text without_ending(struct text name)
{
    static const char *const endings[] = {".csv.gz", ".tsv.gz", ".csv", ".tsv"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        uint32_t n = (uint32_t)strlen(endings[i]);
        if (name.length > n && memcmp(name.at + name.length - n, endings[i], n) == 0)
            return (struct text){name.at, name.length - n};
    }
    return (struct text){name.at, 0};
}

/* sensor_2024-05-31: the first '_' behind which nothing but a date stands. */
static bool cut_date(struct text *stem, char date[24])
{
    for (uint32_t i = 1; i + 1 < stem->length; i++) {
        struct text behind = {stem->at + i + 1, stem->length - i - 1};
        if (stem->at[i] != '_' || !folder_date(behind, date)) continue;
        stem->length = i;
        return true;
    }
    return false;
}

/* The levels of a path below the folder: part[parts], the last is the file's stem. */
static uint32_t cut_parts(struct text below, struct text part[PARTS_MAX])
{
    uint32_t parts = 0;
    while (parts < PARTS_MAX) {
        const char *slash = memchr(below.at, '/', below.length);
        uint32_t n = slash == NULL ? below.length : (uint32_t)(slash - below.at);
        part[parts++] = (struct text){below.at, n};
        if (slash == NULL) return parts;
        below = (struct text){slash + 1, below.length - n - 1};
    }
    return 0;
}

static bool append(char *out, size_t room, struct text name, bool encoded)
{
    char plain[FOLDER_NAME_MAX + 1];
    size_t used = strlen(out);
    if (encoded && !folder_unname(name, plain, sizeof plain)) return false;
    int n = snprintf(out + used, room - used, "%s%.*s", used > 0 ? "/" : "",
                     encoded ? (int)strlen(plain) : (int)name.length, encoded ? plain : name.at);
    return n >= 0 && (size_t)n < room - used;
}

static andon_status keep(struct lister *l, const char *path, const char *asset, const char *channel,
                         const char *date)
{
    struct folder_file *f = &l->folder->file[l->folder->files++];
    f->path = andon_arena_text(l->arena, path);
    f->asset = andon_arena_text(l->arena, asset);
    f->channel = channel == NULL ? NULL : andon_arena_text(l->arena, channel);
    f->date = date[0] == 0 ? NULL : andon_arena_text(l->arena, date);
    bool all = f->path != NULL && f->asset != NULL && (channel == NULL || f->channel != NULL) &&
               (date[0] == 0 || f->date != NULL);
    return all ? ANDON_OK : andon_fail(l->err, ANDON_ENOMEM, "no memory for a list of files");
}

/* What the name of the file at path says; below: the part of the path below the folder. */
static andon_status take_file(struct lister *l, const char *path, struct text below, bool alone)
{
    struct text part[PARTS_MAX], stem;
    char asset[2 * PATH_BYTES_MAX] = "", channel[FOLDER_NAME_MAX + 1] = "", date[24] = "";
    uint32_t parts = cut_parts(below, part), above = parts - 1;
    if (parts == 0)
        return andon_fail(l->err, ANDON_ELIMIT, "%s: more than %u folders", path, FOLDER_DEPTH_MAX);
    stem = part[above];
    bool dated = above > 0 && folder_date(stem, date);
    bool good = !dated || above < 2 || folder_unname(part[--above], channel, sizeof channel);
    if (!dated) cut_date(&stem, date);
    if (l->asset != NULL) good = good && append(asset, sizeof asset, text_of(l->asset), false);
    for (uint32_t i = 0; i < above && good && !(alone && l->asset != NULL); i++)
        good = append(asset, sizeof asset, part[i], true);
    if (!dated && !(alone && l->asset != NULL))
        good = good && append(asset, sizeof asset, stem, true);
    const char *wrong = good ? path_wrong(text_of(asset)) : "it is too long";
    if (wrong != NULL)
        return andon_fail(l->err, ANDON_EDATA, "%s: its name is no asset's path: %s", path, wrong);
    return keep(l, path, asset, channel[0] != 0 ? channel : NULL, date);
}

/* ---- walking ---- */

static andon_status make_room(struct lister *l)
{
    if (l->folder->files < l->room) return ANDON_OK;
    if (l->folder->files == FOLDER_FILES_MAX)
        return andon_fail(l->err, ANDON_ELIMIT, "%s: more than %u files", l->root,
                          FOLDER_FILES_MAX);
    uint32_t room = l->room == 0 ? 256 : l->room * 2;
    struct folder_file *more = andon_arena_array(l->arena, room, sizeof *more);
    if (more == NULL) return andon_fail(l->err, ANDON_ENOMEM, "no memory for a list of files");
    if (l->room > 0) memcpy(more, l->folder->file, l->room * sizeof *more);
    l->folder->file = more;
    l->room = room;
    return ANDON_OK;
}

static andon_status take_table(struct lister *l, const char *path)
{
    struct text name = text_of(path + l->root_bytes);
    struct text stem = without_ending(name);
    if (stem.length == 0) {
        l->folder->left_out++;
        return ANDON_OK;
    }
    andon_status st = make_room(l);
    return st == ANDON_OK ? take_file(l, path, stem, false) : st;
}

static andon_status walk(struct lister *l, const char *path, uint32_t depth);

static andon_status take_entry(struct lister *l, const char *folder, const char *name,
                               uint32_t depth)
{
    char path[PATH_ROOM];
    struct stat about;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return andon_fail(l->err, ANDON_ELIMIT, "%.200s/...: a longer path than %d bytes", folder,
                          PATH_ROOM - 1);
    if (stat(path, &about) != 0)
        return andon_fail(l->err, ANDON_EIO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(about.st_mode)) return walk(l, path, depth + 1);
    return S_ISREG(about.st_mode) ? take_table(l, path) : ANDON_OK;
}

static andon_status walk(struct lister *l, const char *path, uint32_t depth)
{
    if (depth > FOLDER_DEPTH_MAX)
        return andon_fail(l->err, ANDON_ELIMIT, "%.200s: more than %u folders within each other",
                          path, FOLDER_DEPTH_MAX);
    DIR *dir = opendir(path);
    andon_status st = ANDON_OK;
    if (dir == NULL) return andon_fail(l->err, ANDON_EIO, "%s: %s", path, strerror(errno));
    const struct dirent *entry;
    while (st == ANDON_OK && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') st = take_entry(l, path, entry->d_name, depth);
    closedir(dir);
    return st;
}

static int by_date(const void *a, const void *b)
{
    const struct folder_file *x = a, *y = b;
    int order = strcmp(x->date == NULL ? "" : x->date, y->date == NULL ? "" : y->date);
    if (order == 0) order = strcmp(x->asset, y->asset);
    return order != 0 ? order : strcmp(x->path, y->path);
}

/* A file that is named alone needs no ending. */
static andon_status take_alone(struct lister *l, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct text name = text_of(slash == NULL ? path : slash + 1), stem = without_ending(name);
    if (stem.length == 0) stem = name;
    andon_status st = make_room(l);
    return st == ANDON_OK ? take_file(l, path, stem, true) : st;
}

andon_status folder_list(const char *path, const char *asset, struct andon_arena *arena,
                         struct folder *folder, andon_error *err)
{
    char root[PATH_ROOM];
    struct stat about;
    *folder = (struct folder){0};
    struct lister l = {.root = root, .asset = asset, .arena = arena, .folder = folder, .err = err};
    int n = snprintf(root, sizeof root, "%s", path);
    while (n > 1 && n < PATH_ROOM && root[n - 1] == '/') root[--n] = 0;
    if (n <= 0 || n >= PATH_ROOM || stat(root, &about) != 0)
        return andon_fail(err, ANDON_EIO, "%.200s: %s", path,
                          strerror(n <= 0 || n >= PATH_ROOM ? ENAMETOOLONG : errno));
    l.root_bytes = (size_t)n + 1;
    andon_status st = S_ISDIR(about.st_mode) ? walk(&l, root, 0) : take_alone(&l, root);
    if (st == ANDON_OK && folder->files == 0)
        st = andon_fail(err, ANDON_EDATA, "%s: no file ends in .csv, .tsv, .csv.gz or .tsv.gz",
                        root);
    if (st == ANDON_OK) qsort(folder->file, folder->files, sizeof *folder->file, by_date);
    return st;
}
