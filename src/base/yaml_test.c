#include "base/yaml.h"

#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

struct leaf {
    const char *name;
    const char *unit;
    double range[2], scale;
};

struct branch {
    int32_t kind;
    const char *listen;
    const char *const *topic;
    uint32_t topics;
    const char *password, *cert;
    const struct leaf *leaf;
    uint32_t leaves;
};

struct tree {
    struct {
        const char *dir;
        int64_t sync_ns, keep_ns;
        uint64_t keep_bytes;
    } journal;
    struct {
        double budget;
        bool loud;
        int64_t shards;
    } alarms;
    const struct branch *branch;
    uint32_t branches;
};

static const char *check_branch(void *row, struct andon_arena *arena, andon_error *why)
{
    const struct branch *b = row;
    (void)arena;
    if (b->kind < 0) {
        snprintf(why->text, sizeof why->text, "expected mqtt or http");
        return "type";
    }
    return NULL;
}

static const struct yaml_key leaf_keys[] = {
    {.name = "unit", .type = YAML_TEXT, .offset = offsetof(struct leaf, unit)},
    {.name = "range", .type = YAML_RANGE, .offset = offsetof(struct leaf, range)},
    {.name = "scale", .type = YAML_NUMBER, .offset = offsetof(struct leaf, scale), .preset = "1"},
    {0}};
static const struct yaml_table leaf_table = {leaf_keys, sizeof(struct leaf), NULL};
static const struct yaml_key branch_keys[] = {
    {.name = "type",
     .type = YAML_CHOICE,
     .offset = offsetof(struct branch, kind),
     .choices = "mqtt|http"},
    {.name = "listen", .type = YAML_TEXT, .offset = offsetof(struct branch, listen)},
    {.name = "topics",
     .type = YAML_TEXTS,
     .offset = offsetof(struct branch, topic),
     .count = offsetof(struct branch, topics),
     .preset = "#"},
    {.name = "password", .type = YAML_SECRET, .offset = offsetof(struct branch, password)},
    {.name = "cert", .type = YAML_PATH, .offset = offsetof(struct branch, cert)},
    {.name = "leaves",
     .type = YAML_MAP,
     .offset = offsetof(struct branch, leaf),
     .count = offsetof(struct branch, leaves),
     .table = &leaf_table},
    {0}};
static const struct yaml_table branch_table = {branch_keys, sizeof(struct branch), check_branch};
#define JOURNAL(field) (offsetof(struct tree, journal.field) - offsetof(struct tree, journal))
#define ALARMS(field) (offsetof(struct tree, alarms.field) - offsetof(struct tree, alarms))
static const struct yaml_key journal_keys[] = {
    {.name = "dir", .type = YAML_TEXT, .offset = JOURNAL(dir), .preset = "journal"},
    {.name = "sync",
     .type = YAML_DURATION,
     .offset = JOURNAL(sync_ns),
     .preset = "100ms",
     .choices = "every|os",
     .min = 0.001,
     .max = 60},
    {.name = "keep", .type = YAML_DURATION, .offset = JOURNAL(keep_ns), .preset = "7d"},
    {.name = "keep_bytes", .type = YAML_BYTES, .offset = JOURNAL(keep_bytes), .preset = "0"},
    {0}};
static const struct yaml_table journal_table = {journal_keys, sizeof((struct tree *)0)->journal,
                                                NULL};
static const struct yaml_key alarms_keys[] = {
    {.name = "budget", .type = YAML_RATE, .offset = ALARMS(budget), .preset = "3/day"},
    {.name = "loud", .type = YAML_FLAG, .offset = ALARMS(loud), .preset = "no"},
    {.name = "shards",
     .type = YAML_INTEGER,
     .offset = ALARMS(shards),
     .preset = "2",
     .min = 1,
     .max = 64},
    {0}};
static const struct yaml_table alarms_table = {alarms_keys, sizeof((struct tree *)0)->alarms, NULL};
static const struct yaml_key tree_keys[] = {{.name = "journal",
                                             .type = YAML_TABLE,
                                             .offset = offsetof(struct tree, journal),
                                             .table = &journal_table},
                                            {.name = "alarms",
                                             .type = YAML_TABLE,
                                             .offset = offsetof(struct tree, alarms),
                                             .table = &alarms_table},
                                            {.name = "branches",
                                             .type = YAML_TABLES,
                                             .offset = offsetof(struct tree, branch),
                                             .count = offsetof(struct tree, branches),
                                             .table = &branch_table},
                                            {0}};
static const struct yaml_table tree_table = {tree_keys, sizeof(struct tree), NULL};

/* One document under test; what it owns stands in the arena. */
struct bench {
    struct andon_arena arena;
    struct yaml *yaml;
    struct tree tree;
    andon_error err;
};

static andon_status load(struct bench *b, const char *text, char *const *variables)
{
    memset(b, 0, sizeof *b);
    andon_arena_init(&b->arena, andon_allocator_libc(), (size_t)64 << 20);
    andon_status st = yaml_parse("x.yaml", text, strlen(text), &b->arena, &b->yaml, &b->err);
    if (st == ANDON_OK && variables != NULL)
        st = yaml_environment(b->yaml, &tree_table, "ANDON_", variables, &b->err);
    return st == ANDON_OK ? yaml_read(b->yaml, &tree_table, false, &b->tree, &b->err) : st;
}

static void drop(struct bench *b)
{
    andon_arena_free(&b->arena);
}

TEST(what_is_not_given_has_its_default)
{
    static const char *const empty[] = {"", "# nothing\n", "---\n",
                                        "journal:\nalarms: {}\nbranches: []\n"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        struct bench b;
        CHECK_SAY(load(&b, empty[i], NULL) == ANDON_OK, "%s", b.err.text);
        CHECK(strcmp(b.tree.journal.dir, "journal") == 0);
        CHECK(b.tree.journal.sync_ns == 100000000 &&
              b.tree.journal.keep_ns == INT64_C(604800000000000));
        CHECK(b.tree.alarms.budget == 3.0 && !b.tree.alarms.loud && b.tree.alarms.shards == 2);
        CHECK(b.tree.branches == 0);
        drop(&b);
    }
}

static const char whole[] =
    "journal: { dir: j, sync: every, keep: 1h30m, keep_bytes: 64MiB }\n"
    "alarms: { budget: 0.5/h, loud: on, shards: 8 }\n"
    "branches:\n"
    "  - { type: mqtt, listen: \"127.0.0.1:1883\", topics: [a/#, \"b \\u00f6\"] }\n"
    "  - type: http\n"
    "    topics: one\n"
    "    cert: keys/c.pem\n"
    "    leaves:\n"
    "      vibration: { unit: mm/s, range: [0, 15] }\n"
    "      Motor-Temp: { scale: -0.25 }\n";

TEST(every_type_is_read)
{
    struct bench b;
    CHECK_SAY(load(&b, whole, NULL) == ANDON_OK, "%s", b.err.text);
    CHECK(strcmp(b.tree.journal.dir, "j") == 0 && b.tree.journal.sync_ns == -1);
    CHECK(b.tree.journal.keep_ns == INT64_C(5400000000000) &&
          b.tree.journal.keep_bytes == 67108864);
    CHECK(b.tree.alarms.budget == 12.0 && b.tree.alarms.loud && b.tree.alarms.shards == 8);
    CHECK(b.tree.branches == 2);
    const struct branch *mqtt = &b.tree.branch[0], *http = &b.tree.branch[1];
    CHECK(mqtt->kind == 0 && mqtt->topics == 2 && strcmp(mqtt->topic[1], "b \xc3\xb6") == 0);
    CHECK(mqtt->leaves == 0 && mqtt->password == NULL && mqtt->cert == NULL);
    CHECK(http->kind == 1 && http->topics == 1 && strcmp(http->topic[0], "one") == 0);
    CHECK(strcmp(http->cert, "keys/c.pem") == 0 && http->leaves == 2);
    CHECK(strcmp(http->leaf[0].name, "vibration") == 0 && strcmp(http->leaf[0].unit, "mm/s") == 0);
    CHECK(http->leaf[0].range[0] == 0.0 && http->leaf[0].range[1] == 15.0 &&
          http->leaf[0].scale == 1.0);
    CHECK(strcmp(http->leaf[1].name, "Motor-Temp") == 0 && http->leaf[1].scale == -0.25);
    CHECK(isnan(http->leaf[1].range[0]) && http->leaf[1].unit == NULL);
    drop(&b);
}

TEST(what_is_wrong_is_one_line_with_place_key_found_and_expected)
{
    static const struct {
        const char *text, *line;
    } wrong[] = {
        {"journal:\n  sync: often\n",
         "x.yaml:2:9: journal.sync: found 'often', expected every, os or a "
         "duration such as 100ms, 5m or 7d from 1ms to 1m"},
        {"journal: { sync: 2h }",
         "x.yaml:1:18: journal.sync: found '2h', expected every, os or a duration "
         "such as 100ms, 5m or 7d from 1ms to 1m"},
        {"journal:\n  dri: x\n", "x.yaml:2:3: journal: no key dri here, did you mean dir?"},
        {"jurnal: {}\n", "x.yaml:1:1: no key jurnal here, did you mean journal?"},
        {"zzzzzzzzz: 1\n",
         "x.yaml:1:1: no key zzzzzzzzz here, expected one of journal, alarms, branches"},
        {"\"a\\nb\": 1\n",
         "x.yaml:1:1: no key a?b here, expected one of journal, alarms, branches"},
        {"alarms: { shards: 65 }",
         "x.yaml:1:19: alarms.shards: found '65', expected a whole number from 1 "
         "to 64"},
        {"alarms: { shards: 2.5 }",
         "x.yaml:1:19: alarms.shards: found '2.5', expected a whole number from "
         "1 to 64"},
        {"alarms: { budget: 3 }",
         "x.yaml:1:19: alarms.budget: found '3', expected a rate such as 3/day"},
        {"alarms: { loud: maybe }", "x.yaml:1:17: alarms.loud: found 'maybe', expected yes or no"},
        {"alarms: [1]\n", "x.yaml:1:9: alarms: found a list, expected keys and values"},
        {"alarms:\n  loud:\n", "x.yaml:2:8: alarms.loud: found nothing, expected yes or no"},
        {"branches: { a: 1 }\n", "x.yaml:1:11: branches: found a table, expected a list of tables"},
        {"branches:\n  - listen: x\n", "x.yaml:2:5: branches[0].type: expected mqtt or http"},
        {"branches: [{type: htp}]",
         "x.yaml:1:19: branches[0].type: found 'htp', expected mqtt or http"},
        {"branches:\n- type: mqtt\n- type: http\n  topics: [a, [b]]\n",
         "x.yaml:4:15: branches[1].topics: found a list, expected a text"},
        {"branches:\n- type: mqtt\n  leaves:\n    v: { range: [5, 5] }\n",
         "x.yaml:4:17: branches[0].leaves.v.range: found a list, expected two numbers such as [0, "
         "15], the "
         "smaller first"},
        {"branches:\n- type: mqtt\n  leaves:\n    v: { range: [0, x] }\n",
         "x.yaml:4:21: branches[0].leaves.v.range: found 'x', expected two numbers such as [0, "
         "15], the "
         "smaller first"},
        {"branches:\n- type: mqtt\n  leaves:\n    v: { units: x }\n",
         "x.yaml:4:10: branches[0].leaves.v: no key units here, did you mean unit?"},
        {"branches:\n- { type: mqtt, password: hunter2 }\n",
         "x.yaml:2:27: branches[0].password: found a value, expected file: and the path of a file "
         "that "
         "holds it"},
        {"journal: { dir: \"\" }\n", "x.yaml:1:17: journal.dir: found '', expected a text"},
        {"journal: { dir: a }\n\njournal: {}\n",
         "x.yaml:3:1: journal stands twice, first in line 1"},
        {"journal: !secret x\n", "x.yaml:1:10: found the tag !secret, expected none"},
        {"journal: { dir: \"a\\0b\" }\n", "x.yaml:1:17: found a zero byte, expected text"},
        {"[a]: b\n", "x.yaml:1:1: found a list or table, expected a name"},
        {"- a\n", "x.yaml:1:1: found a text or list, expected keys and values"},
        {"journal: {}\n---\nalarms: {}\n", "x.yaml:3:1: found a second document, expected one"},
        {"journal: {\n  dir: a\n  sync: b }\n",
         "x.yaml:3:7: did not find expected ',' or '}' while parsing a flow mapping"},
        {"journal:\n\tdir: a\n", "x.yaml:2:1: found character that cannot start any token while "
                                 "scanning for the next token"},
        {"alarms:\n  loud: *nobody\n", "x.yaml:2:9: found undefined alias"},
        {"journal:\n  dir: \xff\n", "x.yaml:2:8: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bench b;
        CHECK_SAY(load(&b, wrong[i].text, NULL) == ANDON_EINVAL, "%s", wrong[i].text);
        CHECK_SAY(strcmp(b.err.text, wrong[i].line) == 0, "found    %s\n# expected %s", b.err.text,
                  wrong[i].line);
        drop(&b);
    }
}

TEST(aliases_stand_for_what_they_name_within_limits)
{
    struct bench b;
    CHECK_SAY(load(&b,
                   "branches:\n- &first { type: mqtt, leaves: &l { v: { unit: bar } } }\n"
                   "- { type: http, leaves: *l }\n- *first\n",
                   NULL) == ANDON_OK,
              "%s", b.err.text);
    CHECK(b.tree.branches == 3 && strcmp(b.tree.branch[1].leaf[0].unit, "bar") == 0);
    CHECK(b.tree.branch[2].kind == 0);
    drop(&b);
    CHECK(load(&b, "branches: &a [*a]\n", NULL) == ANDON_EINVAL);
    CHECK_SAY(strstr(b.err.text, "more than 32 tables and lists within each other") != NULL, "%s",
              b.err.text);
    drop(&b);
    CHECK(load(&b,
               "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
               "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
               "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
               NULL) == ANDON_EINVAL);
    CHECK_SAY(strstr(b.err.text, "more than 1000 uses of aliases") != NULL, "%s", b.err.text);
    drop(&b);
}

static char *repeated(const char *piece, size_t times)
{
    size_t length = strlen(piece);
    char *text = malloc(length * times + 1);
    if (text == NULL) abort();
    for (size_t i = 0; i < times; i++) memcpy(text + i * length, piece, length);
    text[length * times] = 0;
    return text;
}

TEST(depth_nodes_keys_and_bytes_have_limits)
{
    static const struct {
        const char *piece;
        size_t times;
        const char *says;
    } big[] = {{"[", 200, "more than 32 tables"},
               {"- x\n", 100001, "more than 100000 keys and values"},
               {"# comment\n", 110000, "larger than 1048576 bytes"}};
    struct bench b;
    for (size_t i = 0; i < sizeof big / sizeof *big; i++) {
        char *text = repeated(big[i].piece, big[i].times);
        char *closed = text;
        if (i == 0) {
            char *end = repeated("]", 200);
            closed = malloc(401);
            if (closed == NULL) abort();
            snprintf(closed, 401, "%s%s", text, end);
            free(end);
            free(text);
        }
        CHECK_SAY(load(&b, closed, NULL) == ANDON_EINVAL, "%zu", i);
        CHECK_SAY(strstr(b.err.text, big[i].says) != NULL, "%s", b.err.text);
        drop(&b);
        free(closed);
    }
    char *keys = malloc(10001 * 8 + 1), *at = keys;
    CHECK(keys != NULL);
    for (int i = 0; i < 10001; i++) at += sprintf(at, "k%05d:\n", i);
    CHECK(load(&b, keys, NULL) == ANDON_EINVAL);
    CHECK_SAY(strcmp(b.err.text, "x.yaml:10001:1: found more than 10000 keys in a table") == 0,
              "%s", b.err.text);
    drop(&b);
    free(keys);
}

TEST(the_environment_lies_over_the_file)
{
    char *variables[] = {(char *)"ANDON_JOURNAL__SYNC=os",
                         (char *)"ANDON_CLOCK_STEP=/x",
                         (char *)"PATH=/a__b",
                         (char *)"ANDON_BRANCHES__2__TYPE=http",
                         (char *)"ANDON_BRANCHES__2__LEAVES__NEW_ONE__RANGE=-1, 2.5",
                         (char *)"ANDON_BRANCHES__1__LEAVES__MOTOR_TEMP__UNIT=degC",
                         (char *)"ANDON_BRANCHES__0__TOPICS=x, y,z",
                         (char *)"ANDON_BRANCHES__0__PASSWORD=s=3, cret ",
                         (char *)"ANDON_alarms__Budget=1/week",
                         NULL};
    struct bench b;
    CHECK_SAY(load(&b, whole, variables) == ANDON_OK, "%s", b.err.text);
    CHECK(b.tree.journal.sync_ns == -2 && strcmp(b.tree.journal.dir, "j") == 0);
    CHECK(b.tree.branches == 3 && b.tree.branch[2].kind == 1);
    CHECK(b.tree.branch[2].leaves == 1 && strcmp(b.tree.branch[2].leaf[0].name, "new_one") == 0);
    CHECK(b.tree.branch[2].leaf[0].range[0] == -1.0 && b.tree.branch[2].leaf[0].range[1] == 2.5);
    CHECK(strcmp(b.tree.branch[1].leaf[1].unit, "degC") == 0 && b.tree.branch[1].leaves == 2);
    CHECK(b.tree.branch[0].topics == 3 && strcmp(b.tree.branch[0].topic[1], "y") == 0);
    CHECK(strcmp(b.tree.branch[0].password, "s=3, cret ") == 0);
    CHECK_NEAR(b.tree.alarms.budget, 1.0 / 7.0, 1e-15);
    drop(&b);
}

TEST(a_variable_that_is_wrong_is_named)
{
    static const struct {
        const char *variable, *line;
    } wrong[] = {
        {"ANDON_JOURNAL__DRI=x", "ANDON_JOURNAL__DRI: found DRI, expected a key such as dir"},
        {"ANDON_NOTHING__X=1", "ANDON_NOTHING__X: found NOTHING, expected a key such as journal"},
        {"ANDON_JOURNAL__SYNC=1x", "ANDON_JOURNAL__SYNC: journal.sync: found '1x', expected every, "
                                   "os or a duration such as 100ms, 5m "
                                   "or 7d from 1ms to 1m"},
        {"ANDON_JOURNAL__SYNC__MORE=1",
         "ANDON_JOURNAL__SYNC__MORE: found MORE, expected the end of the name"},
        {"ANDON_BRANCHES__1__TYPE=mqtt",
         "ANDON_BRANCHES__1__TYPE: found 1, expected a number from 0 to 0"},
        {"ANDON_BRANCHES__X__TYPE=mqtt",
         "ANDON_BRANCHES__X__TYPE: found X, expected a number from 0 to 0"},
        {"ANDON_BRANCHES__0__LISTEN=a",
         "ANDON_BRANCHES__0__LISTEN: branches[0].type: expected mqtt or http"},
        {"ANDON_ALARMS__LOUD=\xff", "ANDON_ALARMS__LOUD: found bytes that are no UTF-8"},
        {"ANDON_ALARMS__=1", "ANDON_ALARMS__: found , expected a key such as budget"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *variables[] = {(char *)wrong[i].variable, NULL};
        struct bench b;
        CHECK_SAY(load(&b, "", variables) == ANDON_EINVAL, "%s", wrong[i].variable);
        CHECK_SAY(strcmp(b.err.text, wrong[i].line) == 0, "found    %s\n# expected %s", b.err.text,
                  wrong[i].line);
        drop(&b);
    }
}

/* A folder of its own with a file in it. */
static bool put_file(char *folder, const char *name, const char *text, mode_t mode, char path[256])
{
    if (folder[strlen(folder) - 1] == 'X' && mkdtemp(folder) == NULL) return false;
    snprintf(path, 256, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (f == NULL) return false;
    fputs(text, f);
    fclose(f);
    return chmod(path, mode) == 0;
}

TEST(a_secret_is_read_from_its_file_once_and_never_shown)
{
    char folder[] = "/tmp/andon-yaml-XXXXXX", secret[256], config[256];
    CHECK(put_file(folder, "secret", "hunter2\n", 0600, secret));
    CHECK(put_file(folder, "c.yaml",
                   "branches: [{ type: mqtt, password: \"file:secret\", cert: c.pem }]\n", 0600,
                   config));
    struct bench b = {0};
    andon_arena_init(&b.arena, andon_allocator_libc(), (size_t)64 << 20);
    CHECK(yaml_open(config, &b.arena, &b.yaml, &b.err) == ANDON_OK);
    CHECK_SAY(yaml_read(b.yaml, &tree_table, false, &b.tree, &b.err) == ANDON_OK, "%s", b.err.text);
    CHECK(strcmp(b.tree.branch[0].password, "hunter2") == 0);
    char cert[300];
    snprintf(cert, sizeof cert, "%s/c.pem", folder);
    CHECK(strcmp(b.tree.branch[0].cert, cert) == 0);
    struct andon_writer out;
    andon_writer_init(&out, &b.arena);
    yaml_print(&tree_table, &b.tree, &out);
    andon_put_u8(&out, 0);
    CHECK(strstr((char *)out.data, "hunter2") == NULL);
    CHECK_SAY(strstr((char *)out.data, "password: \"***\"\n") != NULL, "%s", (char *)out.data);
    drop(&b);
    unlink(secret);
    memset(&b, 0, sizeof b);
    andon_arena_init(&b.arena, andon_allocator_libc(), (size_t)64 << 20);
    CHECK(yaml_open(config, &b.arena, &b.yaml, &b.err) == ANDON_OK);
    CHECK(yaml_read(b.yaml, &tree_table, false, &b.tree, &b.err) == ANDON_EIO);
    CHECK_SAY(strstr(b.err.text, "c.yaml:1:36: branches[0].password: ") != NULL &&
                  strstr(b.err.text, "secret: No such file or directory") != NULL,
              "%s", b.err.text);
    drop(&b);
    unlink(config);
    rmdir(folder);
}

TEST(a_secret_that_others_can_read_is_warned_of)
{
    char folder[] = "/tmp/andon-yaml-XXXXXX", secret[256], caught[1024];
    int pipes[2], before = dup(STDERR_FILENO);
    CHECK(put_file(folder, "secret", "x", 0644, secret) && pipe(pipes) == 0);
    char variable[300];
    snprintf(variable, sizeof variable, "ANDON_BRANCHES__0__PASSWORD=file:%s", secret);
    char *variables[] = {variable, (char *)"ANDON_BRANCHES__0__TYPE=mqtt", NULL};
    struct bench b;
    dup2(pipes[1], STDERR_FILENO);
    andon_status st = load(&b, "", variables);
    dup2(before, STDERR_FILENO);
    close(before);
    close(pipes[1]);
    ssize_t n = read(pipes[0], caught, sizeof caught - 1);
    close(pipes[0]);
    caught[n > 0 ? n : 0] = 0;
    CHECK_SAY(st == ANDON_OK, "%s", b.err.text);
    CHECK_SAY(strstr(caught, "secret readable by others key=branches[0].password file=/tmp") !=
                      NULL &&
                  strstr(caught, "mode=644") != NULL,
              "%s", caught);
    drop(&b);
    unlink(secret);
    rmdir(folder);
}

/* What is printed, with its length; ends in 0. */
static char *printed(struct bench *b, size_t *size)
{
    struct andon_writer out;
    andon_writer_init(&out, &b->arena);
    yaml_print(&tree_table, &b->tree, &out);
    *size = out.size;
    andon_put_u8(&out, 0);
    return out.full ? NULL : (char *)out.data;
}

TEST(what_is_printed_reads_back_as_the_same_and_prints_the_same)
{
    char *variables[] = {
        (char *)"ANDON_BRANCHES__0__PASSWORD=x",
        (char *)"ANDON_BRANCHES__0__LISTEN= a: \"b\" #c\\\n\t\x7f \xc2\x85\xe2\x80\xa8\xc3\xb6 ",
        (char *)"ANDON_BRANCHES__0__TOPICS=null,~,- x,#,'y',yes,%",
        (char *)"ANDON_JOURNAL__DIR=null", NULL};
    struct bench b, again = {0};
    size_t size, size_again;
    CHECK_SAY(load(&b, whole, variables) == ANDON_OK, "%s", b.err.text);
    char *text = printed(&b, &size);
    CHECK(text != NULL);
    andon_arena_init(&again.arena, andon_allocator_libc(), (size_t)64 << 20);
    CHECK_SAY(yaml_parse("printed", text, size, &again.arena, &again.yaml, &again.err) == ANDON_OK,
              "%s\n%s", again.err.text, text);
    CHECK_SAY(yaml_read(again.yaml, &tree_table, true, &again.tree, &again.err) == ANDON_OK,
              "%s\n%s", again.err.text, text);
    CHECK(strcmp(again.tree.journal.dir, "null") == 0 && again.tree.branches == 2);
    CHECK(strcmp(again.tree.branch[0].listen, b.tree.branch[0].listen) == 0);
    CHECK(again.tree.branch[0].topics == 7);
    for (uint32_t i = 0; i < 7; i++)
        CHECK(strcmp(again.tree.branch[0].topic[i], b.tree.branch[0].topic[i]) == 0);
    char *text_again = printed(&again, &size_again);
    CHECK(size == size_again && memcmp(text, text_again, size) == 0);
    drop(&again);
    drop(&b);
}

/* libyaml asks for memory through functions of these names; where the program's own take their
 * place, every one of its allocations fails in turn as well. */
static size_t yaml_calls, yaml_fail_at;
void *yaml_malloc(size_t size);
void *yaml_realloc(void *old, size_t size);

void *yaml_malloc(size_t size)
{
    return ++yaml_calls == yaml_fail_at ? NULL : malloc(size != 0 ? size : 1);
}

void *yaml_realloc(void *old, size_t size)
{
    return ++yaml_calls == yaml_fail_at ? NULL : realloc(old, size != 0 ? size : 1);
}

/* Loads with so much memory; everything is given back. */
static andon_status load_within(size_t limit, andon_error *err)
{
    char *variables[] = {(char *)"ANDON_JOURNAL__SYNC=os", (char *)"ANDON_BRANCHES__0__TOPICS=x,y",
                         NULL};
    struct andon_arena arena;
    struct yaml *yaml = NULL;
    struct tree tree;
    yaml_calls = 0;
    andon_arena_init(&arena, andon_allocator_libc(), limit);
    andon_status st = yaml_parse("x", whole, sizeof whole - 1, &arena, &yaml, err);
    if (st == ANDON_OK) st = yaml_environment(yaml, &tree_table, "ANDON_", variables, err);
    if (st == ANDON_OK) st = yaml_read(yaml, &tree_table, false, &tree, err);
    andon_arena_free(&arena);
    return st;
}

TEST(an_arena_of_any_size_is_enough_or_says_so)
{
    andon_status st = ANDON_ENOMEM;
    andon_error err;
    for (size_t limit = 0; st != ANDON_OK; limit += 64) {
        st = load_within(limit, &err);
        CHECK_SAY(st == ANDON_OK || st == ANDON_ENOMEM, "%zu: %s", limit, err.text);
        CHECK(limit < 1000000);
    }
}

TEST(libyaml_without_memory_is_no_memory)
{
    andon_error err;
    yaml_fail_at = 0;
    CHECK(load_within((size_t)1 << 20, &err) == ANDON_OK);
    size_t all = yaml_calls;
    if (all == 0) SKIP("libyaml does not ask this program for memory");
    CHECK(all > 50);
    for (size_t nth = 1; nth <= all; nth++) {
        yaml_fail_at = nth;
        andon_status st = load_within((size_t)1 << 20, &err);
        CHECK_SAY(st == ANDON_ENOMEM, "%zu: %s", nth, andon_status_name(st));
    }
    yaml_fail_at = 0;
}
