/* JSON on the way out: into a piece of memory, a growing one, or a file. Text is escaped, and what
 * is not UTF-8 becomes U+FFFD, so that the result is always JSON; numbers are the shortest that
 * read back as the same double, NaN and infinities are null. Owned by one thread.
 *
 *   struct json j;
 *   json_into(&j, room, sizeof room);
 *   json_open(&j, NULL, '{');
 *   json_text(&j, "asset", path);
 *   json_close(&j, '}');
 *   if (!j.failed) send(j.at, j.used);
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

enum { JSON_DEPTH_MAX = 16 };

struct json {
    char *at; /* at[used]; NULL when it goes to a file                           */
    size_t used;
    bool failed;       /* something found no room: what is there is no JSON, used no longer grows */
    bool grows, named; /* named: json_name stands before */
    uint8_t indent;    /* blanks a level; 0: all on one line                              */
    uint8_t depth;
    bool more[JSON_DEPTH_MAX]; /* a value stands before */
    size_t room, max;
    FILE *file;
};

/* Where it goes. Memory of the caller; memory that grows up to bytes_max and is released by
 * json_free (or taken over: it is malloc's); a file, indented by two blanks, with a newline at the
 * end. */
void json_into(struct json *j, char *room, size_t bytes);
void json_growing(struct json *j, size_t bytes_max);
void json_printing(struct json *j, FILE *file);
void json_free(struct json *j);

/* Name is NULL inside an array and for the outermost value. (jansson, which may be linked beside,
 * has taken json_string, json_real and json_null.) */
void json_open(struct json *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);                  /* '}' or ']' */
void json_text(struct json *j, const char *name, struct text value);
void json_cstring(struct json *j, const char *name, const char *value); /* NULL: null */
void json_number(struct json *j, const char *name, double value);       /* not finite: null */
void json_whole(struct json *j, const char *name, long long value);
void json_bool(struct json *j, const char *name, bool value);
void json_none(struct json *j, const char *name);
void json_time(struct json *j, const char *name, int64_t ts_ns); /* RFC 3339, UTC */

/* A name that is no C string, in front of a value without one: json_name(j, t), json_number(j,
 * NULL, v). */
void json_name(struct json *j, struct text name);

/* json_raw puts in a value that is JSON already. */
void json_raw(struct json *j, const char *name, struct text value);

/* json_bytes appends bytes as they are, outside of JSON's order. */
void json_bytes(struct json *j, const char *bytes, size_t n);

#endif
