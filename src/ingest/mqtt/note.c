#include "ingest/mqtt/note.h"

enum { NOTES_PER_S = 20, CLIENT_BYTES_SHOWN = 64 };

void note_client(struct endpoint *e, enum log_level level, const char *event, const char *reason,
                 const struct session *s)
{
    if (e->now_ns - e->notes_since_ns >= NS_PER_S) {
        e->notes_since_ns = e->now_ns;
        e->notes = 0;
    }
    if (e->notes++ >= NOTES_PER_S) {
        e->notes_held++;
        return;
    }
    uint32_t length = s == NULL ? 0 : s->client.length;
    if (length > CLIENT_BYTES_SHOWN) length = CLIENT_BYTES_SHOWN;
    log_line(level, "mqtt", event, "reason=\"%s\" client=\"%.*s\" not_shown=%llu", reason,
             (int)length, s == NULL ? "" : s->client.at, (unsigned long long)e->notes_held);
    e->notes_held = 0;
}
