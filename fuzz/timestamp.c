/* Fuzzes the reader of times: what is read is written as ISO 8601, and that reads as the same instant. */
#include <stdlib.h>
#include <string.h>

#include "ingest/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ts_ns = 0, again = 1;
    char written[TIMESTAMP_ROOM];
    char *exact = calloc(size + (size == 0), 1);
    if (exact == NULL) abort();
    if (size > 0) memcpy(exact, data, size);
    bool taken = timestamp_read(exact, size, &ts_ns);
    timestamp_is_epoch(exact, size);
    free(exact);
    if (size >= sizeof ts_ns && !taken) memcpy(&ts_ns, data, sizeof ts_ns);
    timestamp_write(written, ts_ns);
    if (strlen(written) >= sizeof written) abort();
    /* Years from 1678 to 2261 can be read; an int64_t reaches a little farther. */
    bool within = ts_ns > INT64_C(-9214560000000000000) && ts_ns < INT64_C(9214646400000000000);
    if (!timestamp_read(written, strlen(written), &again)) {
        if (taken || within) abort();
    } else if (again != ts_ns) {
        abort();
    }
    return 0;
}
