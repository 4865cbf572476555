/* One step of a recipe: a named result of two operands. */
#ifndef FEATURE_STEP_H
#define FEATURE_STEP_H

#include <stdbool.h>

#include "andon/detector.h"
#include "andon/status.h"

#define STEPS_MAX 64u

/* left op right, both indices into the values known before this step. ASOF is left minus the last
 * known right. */
struct step {
    char name[ANDON_NAME_MAX];
    uint32_t left, right;
    char op; /* one of + - * / and 'a' (as-of difference) */
};

/* What operands may be called: lookup gives an index or STEP_NO_NAME. */
#define STEP_NO_NAME UINT32_MAX
struct step_names {
    uint32_t (*lookup)(const void *context, const char *name, size_t length);
    const void *context;
};

/* step_parse reads one of "a*b", "name=a*b" (length bytes). Names may hold spaces and operator signs:
 * the split that leaves two known names is taken, leftmost first. asof: only "a-b" is understood.
 * ANDON_EINVAL  no split leaves two known names, or a name is too long (err shows the step) */
ANDON_MUST_CHECK andon_status step_parse(const char *text, size_t length, bool asof,
                                         struct step_names names, struct step *step,
                                         andon_error *err);

/* step_value computes one step. A ratio's denominator is kept at least guard away from 0, on its
 * side; a NaN operand gives NaN. */
double step_value(char op, double left, double right, double guard);

/* step_next cuts the next ';'-separated, blank-trimmed piece; false at the end. */
bool step_next(const char **at, const char **piece, size_t *length);

#endif
