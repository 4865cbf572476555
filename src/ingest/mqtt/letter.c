#include "ingest/mqtt/letter.h"

static char *put(char *at, struct text text)
{
    if (text.length > 0) memcpy(at, text.at, text.length);
    return at + text.length;
}

struct letter *letter_make(struct pool *pool, const struct mail *mail)
{
    size_t bytes = sizeof(struct letter) + mail->topic.length + mail->passed.length;
    struct letter *letter = pool_take(pool, bytes + mail->payload.length, NULL);
    if (letter == NULL) return NULL;
    *letter = (struct letter){.pool = pool,
                              .references = 1,
                              .topic = mail->topic.length,
                              .passed = mail->passed.length,
                              .payload = mail->payload.length,
                              .expiry_s = mail->expiry_s,
                              .since_ns = mail->since_ns,
                              .qos = mail->qos,
                              .expires = mail->expires};
    put(put(put(letter->bytes, mail->topic), mail->passed), mail->payload);
    return letter;
}

struct letter *letter_hold(struct letter *letter)
{
    letter->references++;
    return letter;
}

void letter_drop(struct letter *letter)
{
    if (letter != NULL && --letter->references == 0) pool_give(letter->pool, letter);
}

void letter_read(const struct letter *letter, struct mail *mail)
{
    const char *passed = letter->bytes + letter->topic;
    *mail = (struct mail){.topic = {letter->bytes, letter->topic},
                          .passed = {passed, letter->passed},
                          .payload = {passed + letter->passed, letter->payload},
                          .qos = letter->qos,
                          .expires = letter->expires,
                          .expiry_s = letter->expiry_s,
                          .since_ns = letter->since_ns};
}
