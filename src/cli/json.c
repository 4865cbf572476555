#include "cli/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "ingest/number.h"

static void put_text(const char *text)
{
    putchar('"');
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c == '\n')
            fputs("\\n", stdout);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void begin(struct json *j, const char *name)
{
    if (j->depth > 0) {
        printf("%s\n%*s", j->more[j->depth] ? "," : "", 2 * j->depth, "");
        j->more[j->depth] = true;
    }
    if (name == NULL) return;
    put_text(name);
    fputs(": ", stdout);
}

void json_open(struct json *j, const char *name, char bracket)
{
    begin(j, name);
    putchar(bracket);
    j->depth++;
    assert(j->depth < JSON_DEPTH_MAX);
    j->more[j->depth] = false;
}

void json_close(struct json *j, char bracket)
{
    if (j->more[j->depth]) printf("\n%*s", 2 * (j->depth - 1), "");
    putchar(bracket);
    if (--j->depth == 0) putchar('\n');
}

void json_text(struct json *j, const char *name, const char *value)
{
    begin(j, name);
    if (value == NULL)
        fputs("null", stdout);
    else
        put_text(value);
}

void json_real(struct json *j, const char *name, double value)
{
    char text[NUMBER_ROOM];
    begin(j, name);
    if (!isfinite(value))
        fputs("null", stdout);
    else
        printf("%.*s", (int)number_write(text, value, 17), text);
}

void json_whole(struct json *j, const char *name, long long value)
{
    begin(j, name);
    printf("%lld", value);
}

void json_bool(struct json *j, const char *name, bool value)
{
    begin(j, name);
    fputs(value ? "true" : "false", stdout);
}
