/* JSON on standard output, as the subcommands print results with --json. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>

enum { JSON_DEPTH_MAX = 8 };

/* A zeroed one is at the start. Name is NULL inside an array and for the outermost value. */
struct json {
    int depth;
    bool more[JSON_DEPTH_MAX]; /* a value stands before */
};

void json_open(struct json *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket); /* '}' or ']'; a newline at the end */
void json_text(struct json *j, const char *name, const char *value); /* NULL: null */
void json_real(struct json *j, const char *name, double value);      /* not finite: null */
void json_whole(struct json *j, const char *name, long long value);
void json_bool(struct json *j, const char *name, bool value);

#endif
