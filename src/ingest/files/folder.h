/* A folder of recordings: which file holds what of which asset, told by the files' names. What is read
 * by import is what export writes (docs/data-files.md):
 *
 *   DIR/<asset>/<channel>/<date>.csv   one channel of a day; '/' of the asset's path is "__"
 *   DIR/<sensor>_<date>.csv            everything that a sensor said then
 *   DIR/<asset>.csv                    without a date
 *
 * Folders above <asset> and <sensor> come in front of it. Dates are 2024-05-31 or 20240531, behind which
 * a time may stand: 2024-05-31T12-30-00, 20240531_123000. */
#ifndef INGEST_FILES_FOLDER_H
#define INGEST_FILES_FOLDER_H

#include "andon/arena.h"
#include "andon/status.h"
#include "base/text.h"

#define FOLDER_FILES_MAX 1000000u
#define FOLDER_DEPTH_MAX 16u
#define FOLDER_NAME_MAX 255u /* bytes of a file's name */

struct folder_file {
    const char *path;
    const char *asset;   /* "site/line/pump1"                                      */
    const char *channel; /* of its one channel of values; NULL: its columns say     */
    const char *date;    /* "2024-05-31" or "2024-05-31T12:30:00"; NULL: none        */
};

struct folder {
    struct folder_file *file; /* file[files], in order of date, asset, path; in the arena */
    uint32_t files;
    uint32_t left_out; /* files that are no tables: other endings than csv, tsv, csv.gz, tsv.gz */
};

/* folder_list lists the tables at path: a folder and what is below it, or one file of any name. Names
 * that begin with '.' are passed over.
 *   asset  in  the asset of a single file; in front of the assets of a folder; NULL: the names say
 * ANDON_EIO     path, or something below it, cannot be read
 * ANDON_EDATA   a file's name gives no asset's path (err says why); no table in the folder
 * ANDON_ELIMIT  more than FOLDER_FILES_MAX files, FOLDER_DEPTH_MAX folders within each other
 * ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status folder_list(const char *path, const char *asset,
                                          struct andon_arena *arena, struct folder *folder,
                                          andon_error *err);

/* folder_name writes an asset's path or a channel's name as the name of a file or folder: "__" for '/',
 * %XX for bytes that file systems or this reading take amiss. False: it would be longer than
 * FOLDER_NAME_MAX, or is empty. folder_unname turns it back; false: it is no such name. */
bool folder_name(struct text name, char out[FOLDER_NAME_MAX + 1]);
bool folder_unname(struct text file, char *out, size_t room);

/* folder_date reads a date as files carry it and writes it as "2024-05-31" or "2024-05-31T12:30:00".
 * False: it is none. */
bool folder_date(struct text text, char out[24]);

#endif
