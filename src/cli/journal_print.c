#include "cli/journal_print.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "ingest/message.h"
#include "ingest/timestamp.h"

#define JSON_BYTES_MAX ((size_t)128 << 20) /* a body of 16 MiB, escaped */

static const char *const type_name[] = {[JOURNAL_MESSAGE] = "message",
                                        [JOURNAL_TICK] = "tick",
                                        [JOURNAL_ACTION] = "action",
                                        [JOURNAL_CONFIG] = "config",
                                        [JOURNAL_MODEL] = "model"};
static const char *const door_name[] = {
    [MESSAGE_MQTT] = "mqtt", [MESSAGE_BROKER] = "broker",           [MESSAGE_NATIVE] = "native",
    [MESSAGE_LINE] = "line", [MESSAGE_THINGSBOARD] = "thingsboard", [MESSAGE_FILE] = "file"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *journal_type_name(enum journal_type type)
{
    return (size_t)type < COUNT(type_name) ? type_name[type] : NULL;
}

bool journal_type_named(const char *name, enum journal_type *type)
{
    for (size_t i = 1; i < COUNT(type_name); i++) {
        if (strcmp(name, type_name[i]) != 0) continue;
        *type = (enum journal_type)i;
        return true;
    }
    return false;
}

/* Text as it stands, and what a terminal should not see as \n, \t, \\ or \xHH. */
static void print_escaped(FILE *out, struct text text, uint32_t bytes_max)
{
    uint32_t shown = text.length < bytes_max ? text.length : bytes_max;
    for (uint32_t i = 0; i < shown;) {
        uint32_t code;
        size_t n = utf8_next(text.at + i, text.length - i, &code);
        if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            const char *plain = code == '\n' ? "\\n" : code == '\t' ? "\\t" : NULL;
            for (size_t k = 0; plain == NULL && k < (n == 0 ? 1 : n); k++)
                fprintf(out, "\\x%02x", (unsigned)(uint8_t)text.at[i + k]);
            if (plain != NULL) fputs(plain, out);
        } else if (code == '\\') {
            fputs("\\\\", out);
        } else {
            fwrite(text.at + i, 1, n, out);
        }
        i += n == 0 ? 1 : (uint32_t)n;
    }
    if (shown < text.length) fprintf(out, "... (%u bytes)", text.length);
}

static void print_message(FILE *out, const struct message *m)
{
    fprintf(out, " %s", door_name[m->door]);
    if (m->qos > 0) fprintf(out, " qos=%u", m->qos);
    if ((m->flags & MESSAGE_DUPLICATE) != 0) fputs(" duplicate", out);
    if ((m->flags & MESSAGE_RETAINED) != 0) fputs(" retained", out);
    if ((m->flags & MESSAGE_WILL) != 0) fputs(" will", out);
    if (m->client.length > 0) {
        fputs(" client=", out);
        print_escaped(out, m->client, MESSAGE_NAME_MAX);
    }
    fputs(" topic=", out);
    print_escaped(out, m->topic, MESSAGE_TOPIC_MAX);
    fputc(' ', out);
    print_escaped(out, m->payload, JOURNAL_PRINT_BYTES);
}

static bool unpack(const struct journal_record *r, struct message *m)
{
    return r->type == JOURNAL_MESSAGE && message_unpack(r->body, r->size, r->received_ns, m);
}

void journal_print_text(FILE *out, const struct journal_record *r)
{
    char time[TIMESTAMP_ROOM];
    struct message message;
    timestamp_write(time, r->received_ns);
    fprintf(out, "%016" PRIx64 " %s ", r->offset, time);
    if (journal_type_name(r->type) != NULL)
        fputs(journal_type_name(r->type), out);
    else
        fprintf(out, "type-%d", (int)r->type);
    if (unpack(r, &message)) {
        print_message(out, &message);
    } else if (r->size > 0) {
        fputc(' ', out);
        print_escaped(out, (struct text){(const char *)r->body, r->size}, JOURNAL_PRINT_BYTES);
    }
    fputc('\n', out);
}

/* "name": text; as hex digits under another name where JSON could not hold it as it is. */
static void json_payload(struct json *j, const char *name, const char *name_hex, struct text text)
{
    static const char digit[] = "0123456789abcdef";
    if (utf8_valid(text.at, text.length)) {
        json_text(j, name, text);
        return;
    }
    json_raw(j, name_hex, TEXT("\""));
    for (uint32_t i = 0; i < text.length; i++) {
        uint8_t byte = (uint8_t)text.at[i];
        json_bytes(j, (const char[2]){digit[byte >> 4], digit[byte & 15]}, 2);
    }
    json_bytes(j, "\"", 1);
}

static void json_message(struct json *j, const struct message *m)
{
    json_cstring(j, "door", door_name[m->door]);
    json_text(j, "client", m->client);
    if (m->door != MESSAGE_THINGSBOARD && m->user.length > 0) json_text(j, "user", m->user);
    json_text(j, "topic", m->topic);
    json_whole(j, "qos", m->qos);
    json_bool(j, "duplicate", (m->flags & MESSAGE_DUPLICATE) != 0);
    json_bool(j, "retained", (m->flags & MESSAGE_RETAINED) != 0);
    json_bool(j, "will", (m->flags & MESSAGE_WILL) != 0);
    json_payload(j, "payload", "payload_hex", m->payload);
}

bool journal_print_json(FILE *out, const struct journal_record *r)
{
    struct json j;
    struct message message;
    json_growing(&j, JSON_BYTES_MAX);
    json_open(&j, NULL, '{');
    json_whole(&j, "offset", (long long)r->offset);
    json_time(&j, "time", r->received_ns);
    if (journal_type_name(r->type) != NULL)
        json_cstring(&j, "type", journal_type_name(r->type));
    else
        json_whole(&j, "type", r->type);
    if (unpack(r, &message))
        json_message(&j, &message);
    else if (r->size > 0)
        json_payload(&j, "body", "body_hex", (struct text){(const char *)r->body, r->size});
    json_close(&j, '}');
    bool whole = !j.failed;
    if (whole) {
        fwrite(j.at, 1, j.used, out);
        fputc('\n', out);
    }
    json_free(&j);
    return whole;
}
