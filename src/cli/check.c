/* andon check: whether a configuration can be used, and what it comes to. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/model_file.h"
#include "engine/config.h"

extern char **environ;

struct check_options {
    const char *file;
    bool keys, json, quiet;
};

#define AT(field) offsetof(struct check_options, field)
static const struct argument arguments[] = {
    {"-c", ARGUMENT_TEXT, AT(file), "FILE", "the configuration; without one, the defaults", false},
    {"--keys", ARGUMENT_FLAG, AT(keys), NULL, "lists every key with its default instead", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints the outcome as JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "the exit status alone", false},
    {0}};

static const struct command_line line = {"check", "[-c FILE] [OPTIONS]",
                                         "Checks a configuration and prints what it comes to.",
                                         "The file and the environment (ANDON_SECTION__KEY) are "
                                         "read as andon serve reads them, models and\n"
                                         "certificates are opened; nothing is started. Secrets are "
                                         "printed as ***. What is wrong is one line\n"
                                         "with file, line and column, and the exit status is 2.\n",
                                         arguments};

/* A model file that is named must be a model of this version. */
static andon_status check_model(const char *path, andon_error *err)
{
    struct andon_arena arena;
    struct andon_model *model;
    andon_status st = model_file_load(path, &arena, &model, err);
    andon_arena_free(&arena);
    return st;
}

static andon_status check_readable(const char *path, andon_error *err)
{
    if (path == NULL || access(path, R_OK) == 0) return ANDON_OK;
    return andon_fail(err, ANDON_EIO, "%s: cannot be read", path);
}

/* The files that the configuration names. */
static andon_status check_files(const struct config *config, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; st == ANDON_OK && i < config->assets; i++)
        if (config->asset[i].model != NULL) st = check_model(config->asset[i].model, err);
    for (uint32_t i = 0; st == ANDON_OK && i < config->sources; i++) {
        const struct config_source *s = &config->source[i];
        const char *file[] = {s->ca, s->cert, s->key, s->dir};
        for (size_t k = 0; st == ANDON_OK && k < sizeof file / sizeof *file; k++)
            st = check_readable(file[k], err);
    }
    return st;
}

static void print_outcome(const struct check_options *o, const struct andon_writer *text)
{
    const char *name = o->file != NULL ? o->file : "no file";
    if (o->json) {
        struct json j;
        json_printing(&j, stdout);
        json_open(&j, NULL, '{');
        json_cstring(&j, "file", o->file);
        json_bool(&j, "ok", true);
        json_text(&j, "configuration", (struct text){(char *)text->data, (uint32_t)text->size});
        json_close(&j, '}');
    } else if (!o->quiet) {
        printf("# ok: %s\n", name);
        fwrite(text->data, 1, text->size, stdout);
    }
}

static andon_status check(const struct check_options *o, struct config *config, andon_error *err)
{
    struct andon_arena arena;
    struct andon_writer text;
    andon_arena_init(&arena, andon_allocator_libc(), CONFIG_BYTES_MAX);
    andon_writer_init(&text, &arena);
    andon_status st = config_load(o->file, environ, config, err);
    if (st == ANDON_OK) st = check_files(config, err);
    if (st == ANDON_OK) config_text(config, &text);
    if (st == ANDON_OK && text.full) st = andon_fail(err, ANDON_ENOMEM, "no memory to print it");
    if (st == ANDON_OK) print_outcome(o, &text);
    andon_arena_free(&arena);
    return st;
}

static void print_keys(void)
{
    struct andon_arena arena;
    struct andon_writer text;
    andon_arena_init(&arena, andon_allocator_libc(), CONFIG_BYTES_MAX);
    andon_writer_init(&text, &arena);
    config_reference(&text);
    fwrite(text.data, 1, text.size, stdout);
    andon_arena_free(&arena);
}

int check_main(int argc, char **argv)
{
    struct check_options options = {0};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (options.keys) {
        print_keys();
        return CLI_DONE;
    }
    struct config config;
    andon_error err = {{0}};
    andon_status st = check(&options, &config, &err);
    config_free(&config);
    /* Whatever is wrong with it or with a file that it names, the configuration is what is wrong.
     */
    return cli_end("check", st == ANDON_OK || st == ANDON_ENOMEM ? st : ANDON_EINVAL, &err);
}
