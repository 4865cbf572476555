/* The program's log: one line per event on standard error, as text or as JSON. Any thread.
 *
 *   2026-11-21T01:02:03.004Z warn journal disk full dir=/var/lib/andon free=0
 *
 * The text behind the event's name is "key=value ..."; values with blanks are quoted by the
 * writer. Secrets never get here. A line that repeats within a second is counted instead of
 * printed, so that a flood of bad input cannot fill a disk. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* log_settings: lines below level are dropped; json: one object per line. Before threads start. */
void log_settings(enum log_level level, bool json);

/* log_line writes one line; room says who speaks ("journal"), event what happened ("disk full"). */
void log_line(enum log_level level, const char *room, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
