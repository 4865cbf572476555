#include "ingest/mqtt/will.h"

#include "ingest/mqtt/batch.h"

bool will_arm(struct endpoint *e, struct session *s, const struct connect *connect)
{
    struct properties const *p = &connect->will_properties;
    struct mail mail = {.topic = connect->will_topic,
                        .passed = p->block,
                        .payload = connect->will_payload,
                        .qos = connect->will_qos,
                        .expires = properties_have(p, PROPERTY_MESSAGE_EXPIRY),
                        .expiry_s = p->message_expiry_s,
                        .since_ns = e->now_ns};
    uint8_t *block = (uint8_t *)(uintptr_t)p->block.at; /* in the arena, which is ours */
    if (p->block.length > 0)
        mail.passed.length = (uint32_t)(properties_passed_on(p->block, block) - block);
    struct will *w = pool_take(e->kept, sizeof *w + s->client.length + s->user.length, NULL);
    struct letter *letter = letter_make(e->kept, &mail);
    if (w == NULL || letter == NULL) {
        pool_give(e->kept, w);
        letter_drop(letter);
        return false;
    }
    *w = (struct will){.letter = letter,
                       .session = s,
                       .session_number = s->number,
                       .client = {w->bytes, s->client.length},
                       .user = {w->bytes + s->client.length, s->user.length},
                       .delay_s = p->will_delay_s,
                       .retain = connect->will_retain};
    if (s->client.length > 0) memcpy(w->bytes, s->client.at, s->client.length);
    if (s->user.length > 0) memcpy(w->bytes + s->client.length, s->user.at, s->user.length);
    s->will = w;
    return true;
}

static void give(struct endpoint *e, struct will *w)
{
    if (w->session != NULL) w->session->will = NULL;
    letter_drop(w->letter);
    pool_give(e->kept, w);
}

static void unlink_counting(struct endpoint *e, struct will *w)
{
    if (!w->counting) return;
    if (w->next != NULL) w->next->before = w->before;
    if (w->before != NULL)
        w->before->next = w->next;
    else
        e->wills = w->next;
    w->counting = false;
}

static void count_from(struct endpoint *e, struct will *w, int64_t due_ns)
{
    w->due_ns = due_ns;
    if (e->wills == NULL || due_ns < e->will_due_ns) e->will_due_ns = due_ns;
    if (w->counting) return;
    w->counting = true;
    w->before = NULL;
    w->next = e->wills;
    if (e->wills != NULL) e->wills->before = w;
    e->wills = w;
}

void will_count_down(struct endpoint *e, struct session *s)
{
    uint32_t delay_s = s->will->delay_s < s->expiry_s ? s->will->delay_s : s->expiry_s;
    count_from(e, s->will, e->now_ns + delay_s * NS_PER_S);
}

void will_now(struct endpoint *e, struct session *s)
{
    struct will *w = s->will;
    s->will = NULL;
    w->session = NULL;
    if (!w->in_batch) count_from(e, w, e->now_ns);
}

void will_drop(struct endpoint *e, struct session *s)
{
    struct will *w = s->will;
    s->will = NULL;
    w->session = NULL;
    if (w->in_batch) return; /* too late: it has begun to speak */
    unlink_counting(e, w);
    give(e, w);
}

void will_tick(struct endpoint *e)
{
    if (e->wills == NULL || e->will_due_ns > e->now_ns) return;
    e->will_due_ns = INT64_MAX;
    for (struct will *w = e->wills, *next; w != NULL; w = next) {
        next = w->next;
        if (w->due_ns > e->now_ns) {
            if (w->due_ns < e->will_due_ns) e->will_due_ns = w->due_ns;
        } else if (!w->in_batch) {
            w->in_batch = true;
            batch_add_will(e, w);
        }
    }
}

void will_spoken(struct endpoint *e, struct will *w)
{
    count_one(&e->counters.wills);
    unlink_counting(e, w);
    give(e, w);
}

void will_again(struct endpoint *e, struct will *w)
{
    w->in_batch = false;
    count_from(e, w, e->now_ns + WILL_RETRY_NS);
}

void will_drop_all(struct endpoint *e)
{
    while (e->wills != NULL) {
        struct will *w = e->wills;
        unlink_counting(e, w);
        give(e, w);
    }
}
