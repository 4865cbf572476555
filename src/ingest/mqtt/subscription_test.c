#include "ingest/mqtt/subscription.h"

#include <stdio.h>
#include <stdlib.h>

#include "andon/rng.h"
#include "ingest/mqtt/topic.h"
#include "test.h"

enum { SESSIONS = 20, STEPS = 20000 };

/* One to four levels of a small alphabet, so that much of it matches. */
static struct text random_topic(struct andon_rng *rng, bool filter, char *room)
{
    static const char *const levels[] = {"a", "b", "", "$a", "+", "#"};
    uint32_t n = 1 + andon_rng_below(rng, 4);
    room[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t which = andon_rng_below(rng, filter ? 6 : 4);
        if (i > 0) strcat(room, "/");
        strcat(room, levels[which]);
        if (which == 5) break;
    }
    return text_of(room);
}

/* All subscriptions of all sessions, one by one. */
static uint32_t match_one_by_one(struct endpoint *e, const struct session *s, struct text topic)
{
    uint32_t n = 0;
    for (int i = 0; i < SESSIONS; i++)
        for (uint32_t k = s[i].subscriptions; k != SUBSCRIPTION_NONE;
             k = subscription_at(e, k)->next_own)
            n += topic_matches(subscription_at(e, k)->filter, topic);
    return n;
}

TEST(the_tree_matches_what_each_filter_matches)
{
    static struct session session[SESSIONS];
    struct endpoint *e = calloc(1, sizeof *e);
    struct andon_rng rng;
    andon_error err;
    char room[64];
    const uint32_t *found;
    andon_rng_seed(&rng, 11);
    CHECK(e != NULL && tree_open(e, &err) == ANDON_OK);
    CHECK(pool_open(1 << 22, &e->kept, &err) == ANDON_OK);
    for (int i = 0; i < SESSIONS; i++) session[i].subscriptions = SUBSCRIPTION_NONE;
    for (int step = 0; step < STEPS; step++) {
        struct session *s = &session[andon_rng_below(&rng, SESSIONS)];
        struct filter f = {.text = random_topic(&rng, true, room)};
        bool existed;
        if (f.text.length == 0) continue;
        CHECK(topic_filter_ok(f.text));
        if (andon_rng_below(&rng, 3) == 0)
            subscription_drop(e, s, f.text);
        else
            CHECK(subscription_put(e, s, &f, 0, &existed) != SUBSCRIPTION_NONE);
        struct text topic = random_topic(&rng, false, room);
        if (topic.length == 0) continue;
        uint32_t n = subscription_match(e, topic, &found);
        CHECK_SAY(n == match_one_by_one(e, session, topic), "%s", room);
        for (uint32_t i = 0; i < n; i++)
            CHECK(topic_matches(subscription_at(e, found[i])->filter, topic));
    }
    for (int i = 0; i < SESSIONS; i++) subscription_drop_all(e, &session[i]);
    CHECK(subscription_count(e) == 0 && pool_used(e->kept) == 0);
    tree_close(e);
    pool_close(e->kept);
    free(e);
}
