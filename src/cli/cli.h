/* What the subcommands share: how they end and what they are called. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "andon/status.h"

enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1, /* the work failed: no memory, stopped                          */
    CLI_USAGE = 2,  /* the command line or a setting is wrong                       */
    CLI_DATA = 3    /* a file that was given cannot be used: missing, wrong, full   */
};

/* cli_end prints err as one line on stderr, when st is an error, and gives the exit status. */
int cli_end(const char *command, andon_status st, const andon_error *err);

/* cli_note prints "note: ..." on stderr, unless quiet. */
void cli_note(bool quiet, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The subcommands; argv[0] is the command's name. */
int train_main(int argc, char **argv);
int score_main(int argc, char **argv);
int evaluate_main(int argc, char **argv);
int detectors_main(int argc, char **argv);
int presets_main(int argc, char **argv);
int simulate_main(int argc, char **argv);
int journal_main(int argc, char **argv);
int demo_main(int argc, char **argv);
int serve_main(int argc, char **argv);
int sql_main(int argc, char **argv);
int export_main(int argc, char **argv);
int backup_main(int argc, char **argv);
int restore_main(int argc, char **argv);
int replay_main(int argc, char **argv);
int check_main(int argc, char **argv);
int import_main(int argc, char **argv);
int bench_main(int argc, char **argv);

#endif
