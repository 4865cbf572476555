/* umh/v1/ENTERPRISE/SITE/.../_historian[/GROUP...]: the levels between are the asset. */
#include "ingest/codec/topic.h"

static const struct text umh = {"umh/v1/", 7}, historian = {"/_historian", 11};

/* Where the level _historian begins; NULL: there is none. */
static const char *historian_at(struct text topic)
{
    struct text rest = topic;
    while (rest.length >= historian.length) {
        const char *at = memmem(rest.at, rest.length, historian.at, historian.length);
        if (at == NULL) return NULL;
        rest = topic_behind(rest, (uint32_t)(at - rest.at) + historian.length);
        if (rest.length == 0 || rest.at[0] == '/') return at;
    }
    return NULL;
}

static bool historian_takes(const struct message *m)
{
    return text_starts(m->topic, umh) && historian_at(topic_behind(m->topic, umh.length)) != NULL;
}

/* Groups of tags stand in front of the tags: "motor/left" is motor.left. */
static bool group_of(struct intake *in, struct text levels, struct text *group)
{
    while (levels.length > 0 && levels.at[0] == '/') levels = topic_behind(levels, 1);
    while (levels.length > 0 && levels.at[levels.length - 1] == '/') levels.length--;
    *group = levels;
    if (!intake_readable(levels, false))
        return intake_broken(in, "group '%s': expected UTF-8 without control bytes", SHOW(levels));
    if (levels.length == 0 || memchr(levels.at, '/', levels.length) == NULL) return true;
    char *room = intake_room(in, levels.length);
    if (room == NULL) return false;
    for (uint32_t i = 0; i < levels.length; i++) room[i] = levels.at[i] == '/' ? '.' : levels.at[i];
    group->at = room;
    return true;
}

static bool historian_read(struct intake *in, const struct place *around)
{
    struct text path = topic_behind(in->message->topic, umh.length);
    const char *at = historian_at(path);
    struct text levels = topic_behind(path, (uint32_t)(at - path.at) + historian.length);
    struct place place = topic_place(around, (struct text){path.at, (uint32_t)(at - path.at)});
    return group_of(in, levels, &place.group) && payload_read(in, &place);
}

const struct shape shape_historian = {"historian", historian_takes, historian_read};
