/* How andon's functions say that something went wrong.
 *
 * Operating errors (bad input, no room, hostile bytes) are an andon_status and one line of text;
 * programmer errors are asserts. Whoever knows the detail fills the error; whoever decides what to
 * do about it prints it, once. */
#ifndef ANDON_STATUS_H
#define ANDON_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define ANDON_MUST_CHECK __attribute__((warn_unused_result))
#define ANDON_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

typedef enum andon_status {
    ANDON_OK = 0,
    ANDON_EINVAL,  /* an argument, an option or a command line is wrong           */
    ANDON_EDATA,   /* the data itself is wrong: not a number, too few rows, ...    */
    ANDON_EFORMAT, /* bytes that are no model, no journal record, no packet        */
    ANDON_ENOMEM,  /* an allocation failed or an arena reached its stated limit    */
    ANDON_ELIMIT,  /* more rows, columns or bytes than the stated limit            */
    ANDON_EIO,     /* the operating system refused a read or a write               */
    ANDON_ESTOP    /* the caller's progress callback asked to stop                 */
} andon_status;

/* One line, no newline: what, where, expected. Owned by the caller; empty after ANDON_OK. */
typedef struct andon_error {
    char text[320];
} andon_error;

/* andon_fail writes the line into err (which may be NULL) and returns status, so that a failing
 * function ends in one statement. */
andon_status andon_fail(andon_error *err, andon_status status, const char *format, ...)
    ANDON_PRINTF(3, 4);

/* andon_status_name gives the constant's name, for logs: "ANDON_EDATA". */
const char *andon_status_name(andon_status status);

#ifdef __cplusplus
}
#endif
#endif
