/* andon COMMAND ...: finds the subcommand. One file per subcommand stands beside this one. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"train", "learns from CSV files what normal is and writes a model", train_main},
    {"score", "says of every row of a CSV file whether it is normal", score_main},
    {"evaluate", "measures a model on labelled data", evaluate_main},
    {"detectors", "lists the detectors and their options", detectors_main},
    {"presets", "lists what is known of kinds of machines and their faults", presets_main},
    {"simulate", "writes the data of a simulated plant with known faults", simulate_main},
    {"demo", "watches simulated plants, after learning from their past", demo_main},
    {"serve", "watches a plant: takes readings, judges and keeps them", serve_main},
    {"replay", "proves the stored verdicts from the journal, or tries a model on it", replay_main},
    {"sql", "asks the store, read only", sql_main},
    {"export", "writes stored readings for other programs", export_main},
    {"backup", "copies a station into one file while it runs", backup_main},
    {"restore", "makes a station from a backup", restore_main},
    {"journal", "prints or verifies the record of everything that arrived", journal_main},
    {"check", "checks a configuration and prints what it comes to", check_main},
    {"import", "sends recorded data to a running andon", import_main},
    {"bench", "measures how fast models score on this machine", bench_main},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_commands(FILE *out)
{
    fprintf(out,
            "usage: andon COMMAND [OPTIONS]\n\n"
            "Learns what a machine's normal is and says, row by row, whether it still is.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out,
            "\nandon COMMAND --help tells more. Exit status: 0 done, 1 the work failed, 2 the\n"
            "command line is wrong, 3 a file that was given cannot be used.\n");
}

void cli_note(bool quiet, const char *format, ...)
{
    if (quiet) return;
    va_list args;
    fputs("note: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int cli_end(const char *command, andon_status st, const andon_error *err)
{
    if (st == ANDON_OK) return CLI_DONE;
    fprintf(stderr, "andon %s: %s\n", command,
            err->text[0] != 0 ? err->text : andon_status_name(st));
    switch (st) {
    case ANDON_EINVAL: return CLI_USAGE;
    case ANDON_EDATA:
    case ANDON_EFORMAT:
    case ANDON_ELIMIT:
    case ANDON_EIO: return CLI_DATA;
    default: return CLI_FAILED;
    }
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0) {
        printf("andon %s\n", ANDON_VERSION);
        return CLI_DONE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_commands(stdout);
        return CLI_DONE;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "andon: found %s, expected a command: ", name);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stderr, "%s%s", commands[i].name,
                i + 2 < COMMANDS ? ", " : i + 1 < COMMANDS ? " or " : "\n");
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    output_clean_on_signals();
    int status = run(argc, argv);
    if (fflush(stdout) == 0 && ferror(stdout) == 0) return status;
    perror("andon: standard output");
    return status == CLI_DONE ? CLI_DATA : status;
}
