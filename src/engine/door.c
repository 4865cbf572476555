/* What each client sent last, as hashes. A client is found by the hash of its name in a table of
 * DOORS_MAX places; two clients on one place displace each other, which costs no more than an
 * unrecognised redelivery. */
#include "engine/door.h"

#include <stdlib.h>
#include <string.h>

struct door {
    uint64_t client; /* hash of its name, 0: free */
    uint64_t memory[DOOR_MEMORY];
    uint32_t head;
};

struct doors {
    struct door *place[DOORS_MAX];
};

struct doors *doors_new(void)
{
    return calloc(1, sizeof(struct doors));
}

void doors_free(struct doors *d)
{
    if (d == NULL) return;
    for (uint32_t i = 0; i < DOORS_MAX; i++) free(d->place[i]);
    free(d);
}

static uint64_t hash(uint64_t h, struct text t)
{
    for (uint32_t i = 0; i < t.length; i++) h = (h ^ (uint8_t)t.at[i]) * UINT64_C(0x100000001b3);
    return h ^ (h >> 32);
}

static struct door *door_of(struct doors *d, uint64_t client)
{
    struct door **at = &d->place[client % DOORS_MAX];
    if (*at == NULL) *at = calloc(1, sizeof **at);
    if (*at != NULL && (*at)->client != client) **at = (struct door){.client = client};
    return *at;
}

bool doors_redelivered(struct doors *d, const struct message *m)
{
    if (m->qos == 0 || m->packet == 0) return false;
    uint64_t client = hash(UINT64_C(0xcbf29ce484222325), m->client) | 1;
    uint64_t what = hash(hash(UINT64_C(0xcbf29ce484222325) + m->packet, m->topic), m->payload) | 1;
    struct door *door = door_of(d, client);
    if (door == NULL) return false;
    for (uint32_t i = 0; i < DOOR_MEMORY && (m->flags & MESSAGE_DUPLICATE) != 0; i++)
        if (door->memory[i] == what) return true;
    door->memory[door->head] = what;
    door->head = (door->head + 1) % DOOR_MEMORY;
    return false;
}

void doors_save(const struct doors *d, struct andon_writer *out)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < DOORS_MAX; i++) used += d->place[i] != NULL;
    andon_put_u32(out, used);
    for (uint32_t i = 0; i < DOORS_MAX; i++) {
        const struct door *door = d->place[i];
        if (door == NULL) continue;
        andon_put_u64(out, door->client);
        andon_put_u32(out, door->head);
        for (uint32_t k = 0; k < DOOR_MEMORY; k++) andon_put_u64(out, door->memory[k]);
    }
}

bool doors_load(struct doors *d, struct andon_reader *in)
{
    uint32_t used = andon_get_u32(in);
    for (uint32_t i = 0; i < used && !in->bad; i++) {
        uint64_t client = andon_get_u64(in);
        struct door *door = in->bad ? NULL : door_of(d, client);
        if (door == NULL) return false;
        door->head = andon_get_u32(in) % DOOR_MEMORY;
        for (uint32_t k = 0; k < DOOR_MEMORY; k++) door->memory[k] = andon_get_u64(in);
    }
    return !in->bad;
}
