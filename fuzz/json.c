/* Fuzzes the JSON decoder beside jansson: both accept or both refuse, and see the same values. */
#include <stdlib.h>

#include "ingest/codec/pull_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) abort();
}

/* What only one of the two limits or leaves open. */
static bool ours_to_refuse(const struct pull *p)
{
    return p->fault != NULL && (strcmp(p->fault, "no deeper nesting than 32") == 0 ||
                                strcmp(p->fault, "a number of at most 1024 characters") == 0);
}

static bool theirs_to_refuse(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_duplicate_key || code == json_error_null_byte_in_key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t flags =
        JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES;
    char *text = malloc(size + (size == 0));
    struct agreement alone = {false, false}, beside = {false, false};
    struct pull p, skip;
    struct value value;
    json_error_t error;
    must(text != NULL);
    if (size > 0) memcpy(text, data, size);
    bool zero = memchr(text, 0, size) != NULL; /* jansson passes over one between two tokens */
    json_t *tree = json_loadb(text, size, flags, &error);
    struct text whole = {text, (uint32_t)size};
    pull_begin(&p, whole);
    bool taken = pull_read(&p, &value) && pull_case_walk(&p, &value, NULL, &alone) && pull_done(&p);
    pull_begin(&skip, whole);
    bool skipped = pull_read(&skip, &value) && pull_skip(&skip, &value) && pull_done(&skip);
    must(taken == skipped && p.fault == skip.fault && p.fault_at == skip.fault_at);
    if (!taken) must(p.fault != NULL && p.fault_at >= p.begin && p.fault_at <= p.end);
    if (tree == NULL && taken) must(alone.infinite || p.lax || theirs_to_refuse(&error));
    if (tree != NULL && !taken) must(ours_to_refuse(&p) || zero);
    if (tree != NULL && taken && !zero) {
        must(!alone.infinite && !p.lax);
        pull_begin(&p, whole);
        must(pull_read(&p, &value) && pull_case_walk(&p, &value, tree, &beside));
        must(!beside.differs);
    }
    json_decref(tree);
    free(text);
    return 0;
}
