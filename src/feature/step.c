#include "feature/step.h"

#include <math.h>
#include <string.h>

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && (*text)[0] == ' ') {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && (*text)[*length - 1] == ' ') (*length)--;
}

bool step_next(const char **at, const char **piece, size_t *length)
{
    while (**at != 0) {
        *piece = *at;
        *length = strcspn(*at, ";");
        *at += *length;
        if (**at == ';') (*at)++;
        trim(piece, length);
        if (*length > 0) return true;
    }
    return false;
}

static uint32_t look_up(struct step_names names, const char *text, size_t length)
{
    trim(&text, &length);
    return length == 0 ? STEP_NO_NAME : names.lookup(names.context, text, length);
}

static bool split(const char *text, size_t length, bool asof, struct step_names names,
                  struct step *step)
{
    for (size_t i = 1; i + 1 < length; i++) {
        if (strchr(asof ? "-" : "+-*/", text[i]) == NULL) continue;
        step->left = look_up(names, text, i);
        step->right = look_up(names, text + i + 1, length - i - 1);
        step->op = asof ? 'a' : text[i];
        if (step->left != STEP_NO_NAME && step->right != STEP_NO_NAME) return true;
    }
    return false;
}

andon_status step_parse(const char *text, size_t length, bool asof, struct step_names names,
                        struct step *step, andon_error *err)
{
    const char *equals = memchr(text, '=', length);
    const char *name = text, *body = text;
    size_t name_length = length, body_length = length;
    if (equals != NULL) {
        name_length = (size_t)(equals - text);
        body = equals + 1;
        body_length = length - name_length - 1;
    }
    trim(&name, &name_length);
    if (name_length == 0 || name_length >= ANDON_NAME_MAX)
        return andon_fail(err, ANDON_EINVAL, "step \"%.*s\": expected a name of 1 to %u bytes",
                          (int)length, text, ANDON_NAME_MAX - 1);
    if (!split(body, body_length, asof, names, step))
        return andon_fail(err, ANDON_EINVAL,
                          "step \"%.*s\": expected [name=]channel %s channel, both in the data",
                          (int)length, text, asof ? "-" : "+, -, * or /");
    memset(step->name, 0, sizeof step->name);
    memcpy(step->name, name, name_length);
    return ANDON_OK;
}

double step_value(char op, double left, double right, double guard)
{
    switch (op) {
    case '+': return left + right;
    case '-':
    case 'a': return left - right;
    case '*': return left * right;
    default: break;
    }
    if (isnan(right)) return right;
    double denominator = right + guard;
    if (fabs(denominator) < guard) denominator = copysign(guard, denominator);
    return left / denominator;
}
