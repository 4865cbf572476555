/* A journal's records as lines: for people, and as JSON. */
#ifndef CLI_JOURNAL_PRINT_H
#define CLI_JOURNAL_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "journal/journal.h"

/* The word for a type: message, tick, action, config, model; NULL: there is none. */
const char *journal_type_name(enum journal_type type);

/* journal_type_named finds a type by its word. */
bool journal_type_named(const char *name, enum journal_type *type);

/* journal_print_text writes one line: offset, time, type, and of a message door, client, topic and
 * the first JOURNAL_PRINT_BYTES of its payload. What is not printable is escaped. */
#define JOURNAL_PRINT_BYTES 200u
void journal_print_text(FILE *out, const struct journal_record *record);

/* journal_print_json writes one line, an object with everything; a payload that is not UTF-8 stands
 * as payload_hex. A ThingsBoard user name, which is an access token, is left out by both. False: no
 * memory. */
bool journal_print_json(FILE *out, const struct journal_record *record);

#endif
