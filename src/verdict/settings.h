/* From "--set KEY=VALUE" to the option structs of a model's parts. */
#ifndef VERDICT_SETTINGS_H
#define VERDICT_SETTINGS_H

#include "verdict/model.h"

/* settings_apply chooses the members and fills the model's options and each member's; recipe gets the
 * recipe's. A detector's traits give the defaults that the settings then change. A key without its
 * room is looked for in the detector (where there is but one), then the recipe and the verdict.
 * ANDON_EINVAL  no such detector, key or value (err names it), a key without its room that both
 *               recipe and verdict have, a member named twice, confirm > of
 * ANDON_ENOMEM, ANDON_ELIMIT  more than ANDON_MEMBERS_MAX members */
ANDON_MUST_CHECK andon_status settings_apply(const struct andon_training *training,
                                             struct andon_arena *arena, struct andon_model *model,
                                             struct andon_recipe_options *recipe,
                                             andon_error *err);

#endif
