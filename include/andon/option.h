/* Settings as one table: the command line, the config file, the help text and the docs all follow
 * from it. */
#ifndef ANDON_OPTION_H
#define ANDON_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ANDON_OPTION_TEXT 512 /* room for a text option, with its 0 */

/* The type of the field at .offset in the options struct. */
enum andon_option_type {
    ANDON_OPTION_INT,  /* int64_t                                 */
    ANDON_OPTION_REAL, /* double                                  */
    ANDON_OPTION_BOOL, /* bool; yes/no, true/false, on/off, 1/0   */
    ANDON_OPTION_ENUM, /* int32_t, index into .choices            */
    ANDON_OPTION_LINE  /* char[ANDON_OPTION_TEXT]                 */
};

/* One row of a table; a table ends with .name == NULL. */
struct andon_option {
    const char *name;
    enum andon_option_type type;
    uint32_t offset;
    double min, max;       /* INT and REAL: the closed range               */
    const char *preset;    /* the default, as text                         */
    const char *choices;   /* ENUM: "robust|standard|minmax|none"          */
    const char *help;      /* one line                                     */
};

/* andon_options_default fills options with every row's preset (programmer error if one is bad). */
void andon_options_default(const struct andon_option *table, void *options);

/* andon_option_set parses value for the option of that name.
 * ANDON_EINVAL  no such option, or a value outside type, range or choices (err says which). */
ANDON_MUST_CHECK andon_status andon_option_set(const struct andon_option *table, void *options,
                                               const char *name, const char *value,
                                               andon_error *err);

/* andon_option_print writes the option's present value as text that andon_option_set reads back. */
void andon_option_print(const struct andon_option *option, const void *options, char *text,
                        size_t bytes);

/* andon_option_find returns the row of that name, or NULL. */
const struct andon_option *andon_option_find(const struct andon_option *table, const char *name);

#ifdef __cplusplus
}
#endif
#endif
