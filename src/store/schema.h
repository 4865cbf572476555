/* The tables of the store's file. docs/store.md says what is in them. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/sql.h"

#define SCHEMA_APPLICATION 0x616e646f /* "ando" */
#define SCHEMA_VERSION 1
#define SCHEMA_PAGE_BYTES 8192

/* schema_check tells whether db is a store. *is_new: it is empty, and may become one.
 * ANDON_EFORMAT another program's database, or a newer version's; ANDON_EIO it cannot be read */
ANDON_MUST_CHECK andon_status schema_check(sqlite3 *db, const char *path, bool *is_new,
                                           andon_error *err);

/* schema_create makes the tables of a new store, in one transaction. */
ANDON_MUST_CHECK andon_status schema_create(sqlite3 *db, andon_error *err);

#endif
