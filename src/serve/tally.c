#include "serve/tally.h"

static const uint16_t code[TALLY_CODES] = {200, 202, 204, 304, 400, 401, 403, 404,
                                           405, 406, 408, 409, 411, 413, 414, 415,
                                           421, 422, 429, 431, 500, 503, 507, 0};

static const char *const name[REFUSED_REASONS] = {[REFUSED_CONNECTIONS] = "connections",
                                                  [REFUSED_HOST] = "host",
                                                  [REFUSED_ORIGIN] = "origin",
                                                  [REFUSED_FRAMING] = "framing",
                                                  [REFUSED_MALFORMED] = "malformed",
                                                  [REFUSED_PATH] = "path",
                                                  [REFUSED_METHOD] = "method",
                                                  [REFUSED_PARAMETER] = "parameter",
                                                  [REFUSED_TYPE] = "type",
                                                  [REFUSED_SIZE] = "size",
                                                  [REFUSED_UNREADABLE] = "unreadable",
                                                  [REFUSED_BUSY] = "busy",
                                                  [REFUSED_FULL] = "disk_full",
                                                  [REFUSED_FAILED] = "failed",
                                                  [REFUSED_SLOW] = "slow",
                                                  [REFUSED_STALLED] = "stalled",
                                                  [REFUSED_ABORTED] = "aborted",
                                                  [REFUSED_STOPPING] = "stopping"};

const char *refusal_reason_name(enum refusal_reason reason)
{
    return name[reason];
}

uint32_t tally_place(unsigned wanted)
{
    uint32_t place = 0;
    while (place < TALLY_CODES - 1 && code[place] != wanted) place++;
    return place;
}

unsigned tally_code(uint32_t place)
{
    return code[place];
}
