/* Whether a machine runs: which of its channels says so, and rules such as "duty_cycle > 5".
 *
 * A wrong guess would silence a machine that runs, so a channel is taken for the running signal
 * only when it is called like one and all that it has said is understood. */
#ifndef PLANT_RUNNING_H
#define PLANT_RUNNING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "plant/kind.h"

#define RUNNING_NAME_MAX 256u
#define RUNNING_WORD_MAX 96u

/* running_rank says how much a channel's name sounds like the running signal: 0 not at all; of
 * several channels the one with the highest rank is it, of equals the first. */
uint32_t running_rank(struct text channel);

/* running_guess says whether a channel of that name and these values is the running signal. */
bool running_guess(struct text channel, const struct kind_state *state);

enum running_test {                  /* what is asked of the channel's value */
                    RUNNING_SAYS_SO, /* andon_running's words; a number above 0.5 runs */
                    RUNNING_MORE,
                    RUNNING_MORE_OR_EQUAL,
                    RUNNING_LESS,
                    RUNNING_LESS_OR_EQUAL,
                    RUNNING_EQUAL,
                    RUNNING_UNEQUAL,
                    RUNNING_ALWAYS /* there is no running signal */
};

struct running_rule {
    char channel[RUNNING_NAME_MAX];
    enum running_test test;
    bool is_number;
    double number;
    char word[RUNNING_WORD_MAX]; /* small letters do not differ from capitals */
};

/* running_rule_read reads "always", "channel", or "channel OP value" with OP one of > >= < <= == =
 * != and a value that is a number or, for equality, a word. False: none of these. */
bool running_rule_read(struct text text, struct running_rule *rule);

/* What a rule says of a value of its channel: 1, 0 or ANDON_RUNNING_UNKNOWN (a word where a number
 * belongs, a word that nobody knows). */
int running_rule_number(const struct running_rule *rule, double number);
int running_rule_text(const struct running_rule *rule, struct text text);

#endif
