/* The command line of one subcommand as a table: parsing and --help follow from it. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGUMENT_VALUES_MAX 1024u

/* The type of the field at .offset in the options struct. */
enum argument_type {
    ARGUMENT_FLAG,  /* bool                                                       */
    ARGUMENT_TEXT,  /* const char *; given twice is an error                      */
    ARGUMENT_COUNT, /* uint64_t                                                  */
    ARGUMENT_EACH,  /* struct argument_values: one value each time it is given    */
    ARGUMENT_LIST,  /* struct argument_values: values up to the next option       */
    ARGUMENT_PLACE  /* const char *, by its place on the line instead of a name   */
};

struct argument_values {
    size_t count;
    const char *value[ARGUMENT_VALUES_MAX];
};

struct argument {
    const char *name; /* "--data"; for ARGUMENT_PLACE "PLANT"; NULL ends a table */
    enum argument_type type;
    size_t offset;
    const char *value; /* "FILE" in the help; NULL for a flag                     */
    const char *help;  /* one line; '\n' goes on below                            */
    bool required;
};

struct command_line {
    const char *command; /* "score"                                        */
    const char *usage;   /* what stands behind the command in the usage line */
    const char *summary; /* one sentence                                   */
    const char *more;    /* paragraphs behind the options, or NULL         */
    const struct argument *argument;
};

enum arguments_result { ARGUMENTS_RUN, ARGUMENTS_HELPED, ARGUMENTS_WRONG };

/* arguments_parse fills the options struct (which holds the defaults) from argv[1..argc). "--name
 * value" and "--name=value" are the same. --help prints to stdout; what is wrong is one line on
 * stderr. */
enum arguments_result arguments_parse(const struct command_line *line, int argc, char **argv,
                                      void *options);

/* argument_wrong prints "andon COMMAND: ..." on stderr and returns the exit status 2. */
int argument_wrong(const struct command_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* argument_rows reads "A:B", half open, counted from 0; either may be missing. */
bool argument_rows(const char *text, uint64_t *first, uint64_t *end);

/* argument_budget reads "3/day", "1/week", "0.5/h", "20/month" as alarms a day; > 0. */
bool argument_budget(const char *text, double *per_day);

/* argument_split cuts text at every comma, in place, and appends the parts; false: too many. */
bool argument_split(char *text, struct argument_values *values);

#endif
