/* What records become, whatever turns they come in. */
#include "engine/floor.h"

#include <unistd.h>

#include "andon/rng.h"
#include "engine/fingerprint.h"
#include "engine/shard.h"
#include "test.h"

#define NS_PER_S INT64_C(1000000000)
#define BASE_NS (INT64_C(1700000000) * NS_PER_S)

/* A floor, a turn and a journal that is not there. */
struct plant {
    struct models *models;
    struct floor *floor;
    struct shards *shards;
    struct turn turn;
    uint64_t offset;
    struct fingerprint print;
    uint64_t rows;
    andon_error err;
};

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct plant *plant_new(uint32_t shards)
{
    struct plant *p = calloc(1, sizeof *p);
    struct floor_options options = {0};
    must(p != NULL && turn_open(&p->turn), "memory");
    must(models_open("/nowhere", &p->models, &p->err) == ANDON_OK, p->err.text);
    must(floor_open(&options, p->models, &p->floor, &p->err) == ANDON_OK, p->err.text);
    must(shards_open(shards, ANDON_KERNEL_PLAIN, &p->shards, &p->err) == ANDON_OK, p->err.text);
    turn_begin(&p->turn, 0);
    return p;
}

static void plant_free(struct plant *p)
{
    shards_close(p->shards);
    floor_close(p->floor);
    models_close(p->models);
    turn_close(&p->turn);
    free(p);
}

/* Ends the turn: its rows are counted, and what was said of them. */
static void end_turn(struct plant *p)
{
    shards_score(p->shards, p->floor, &p->turn);
    for (uint32_t i = 0; i < p->turn.rows; i++) {
        const struct row *r = &p->turn.row[i];
        const struct asset *a = floor_asset(p->floor, r->asset);
        struct said said = {.asset = {a->path, a->path_bytes}, .channel = {"", 0}, .model = {"", 0},
                            .ts_ns = r->ts_ns, .score = (double)r->fields, .p_value = 0,
                            .state = r->verdict.state, .reason = r->verdict.reason};
        uint64_t hash = said_hash(&said);
        for (uint32_t f = 0; f < r->fields; f++) {
            const struct field *field = &p->turn.field[r->field + f];
            hash = hash * 31 + field->channel;
            hash = hash * 31 + (uint64_t)(field->number * 1000.0);
        }
        fingerprint_add(&p->print, hash);
    }
    p->rows += p->turn.rows;
    turn_begin(&p->turn, p->offset);
}

static void take(struct plant *p, const struct journal_record *record)
{
    if (floor_take(p->floor, record, &p->turn)) return;
    end_turn(p);
    must(floor_take(p->floor, record, &p->turn), "a record fits an empty turn");
}

static void send_from(struct plant *p, const char *client, uint16_t packet, uint8_t flags,
                      const char *topic, const char *payload, int64_t received_ns)
{
    uint8_t body[MESSAGE_HEAD_MAX + 4096];
    struct message m = {.door = MESSAGE_MQTT, .qos = 1, .packet = packet, .flags = flags,
                        .client = text_of(client), .topic = text_of(topic),
                        .payload = text_of(payload), .received_ns = received_ns};
    size_t head = message_pack(&m, body);
    memcpy(body + head, payload, m.payload.length);
    uint32_t size = (uint32_t)head + m.payload.length;
    struct journal_record record = {p->offset, p->offset + 8, received_ns, JOURNAL_MESSAGE, size, body};
    p->offset += 8;
    take(p, &record);
}

static void send(struct plant *p, const char *topic, const char *payload, int64_t received_ns)
{
    send_from(p, "device", 0, 0, topic, payload, received_ns);
}

static void tick(struct plant *p, int64_t now_ns)
{
    struct journal_record record = {p->offset, p->offset + 8, now_ns, JOURNAL_TICK, 0, NULL};
    p->offset += 8;
    take(p, &record);
}

static void send_row(struct plant *p, const char *topic, int second, double a, double b)
{
    char payload[200];
    snprintf(payload, sizeof payload, "{\"timestamp\":%lld,\"a\":%.3f,\"b\":%.3f}",
             (long long)(BASE_NS / 1000000 + second * 1000), a, b);
    send(p, topic, payload, BASE_NS + second * NS_PER_S);
}

TEST(a_message_of_several_channels_is_a_row_at_once)
{
    struct plant *p = plant_new(1);
    send_row(p, "hall/pump1", 0, 1.5, -2.0);
    const struct row *r = &p->turn.row[0];
    const struct asset *a = floor_find(p->floor, TEXT("hall/pump1"));
    bool fits = p->turn.rows == 1 && a != NULL && a->channels == 2 && r->fields == 2;
    double number = p->turn.field[r->field + 1].number;
    int64_t ts = r->ts_ns;
    enum andon_reason reason = (enum andon_reason)r->verdict.reason;
    plant_free(p);
    CHECK(fits);
    CHECK(number == -2.0 && ts == BASE_NS && reason == ANDON_NO_MODEL);
}

TEST(channels_that_come_alone_are_put_together_to_rows)
{
    struct plant *p = plant_new(1);
    for (int s = 0; s < 5; s++) {
        char payload[100];
        int64_t at = BASE_NS + s * NS_PER_S;
        snprintf(payload, sizeof payload, "{\"timestamp\":%lld,\"a\":%d}", (long long)(at / 1000000), s);
        send(p, "m", payload, at);
        snprintf(payload, sizeof payload, "{\"timestamp\":%lld,\"b\":%d}", (long long)(at / 1000000), s);
        send(p, "m", payload, at + 1000);
    }
    /* The first waits to see whether more comes, the others know that two belong together. */
    uint32_t rows = p->turn.rows, fields = p->turn.row[4].fields;
    plant_free(p);
    CHECK_SAY(rows == 5, "%u rows", rows);
    CHECK(fields == 2);
}

TEST(the_rest_of_a_row_that_does_not_come_is_waited_for_a_second)
{
    struct plant *p = plant_new(1);
    send(p, "m/a", "{\"timestamp\":1700000000000,\"a\":1}", BASE_NS);
    tick(p, BASE_NS + NS_PER_S / 2);
    uint32_t early = p->turn.rows;
    tick(p, BASE_NS + 3 * NS_PER_S / 2);
    uint32_t later = p->turn.rows;
    plant_free(p);
    CHECK(early == 0 && later == 1);
}

TEST(the_same_again_is_counted_and_another_value_is_kept)
{
    struct plant *p = plant_new(1);
    send_row(p, "m", 0, 1, 2);
    send_row(p, "m", 1, 1, 2);
    send_row(p, "m", 0, 1, 2);
    send_row(p, "m", 1, 1, 3);
    uint32_t rows = p->turn.rows;
    uint64_t duplicates = floor_figures(p->floor)->duplicates;
    plant_free(p);
    CHECK_SAY(rows == 3 && duplicates == 1, "%u rows, %u duplicates", rows, (unsigned)duplicates);
}

TEST(what_comes_late_is_kept_and_not_judged)
{
    struct plant *p = plant_new(1);
    send_row(p, "m", 10, 1, 2);
    send_row(p, "m", 5, 7, 8);
    send_row(p, "m", 11, 1, 2);
    uint64_t late = floor_figures(p->floor)->late;
    bool kept = p->turn.rows == 3 && p->turn.row[1].ts_ns == BASE_NS + 5 * NS_PER_S &&
                p->turn.row[1].fields == 2 && p->turn.row[1].value == TURN_NONE;
    plant_free(p);
    CHECK(kept && late == 1);
}

TEST(a_time_far_in_the_future_is_not_believed)
{
    struct plant *p = plant_new(1);
    send(p, "m", "{\"timestamp\":\"2199-01-01T00:00:00Z\",\"a\":1,\"b\":2}", BASE_NS);
    int64_t ts = p->turn.row[0].ts_ns;
    uint8_t quality = p->turn.row[0].quality;
    plant_free(p);
    CHECK(ts == BASE_NS && quality == QUALITY_UNCERTAIN);
}

TEST(a_redelivery_without_a_time_is_recognised_and_an_equal_reading_is_not_one)
{
    struct plant *p = plant_new(1);
    send_from(p, "d", 7, 0, "m", "{\"a\":1,\"b\":2}", BASE_NS);
    send_from(p, "d", 8, 0, "m", "{\"a\":1,\"b\":2}", BASE_NS + NS_PER_S);
    send_from(p, "d", 8, MESSAGE_DUPLICATE, "m", "{\"a\":1,\"b\":2}", BASE_NS + 2 * NS_PER_S);
    send_from(p, "d", 9, MESSAGE_DUPLICATE, "m", "{\"a\":1,\"b\":2}", BASE_NS + 3 * NS_PER_S);
    uint32_t rows = p->turn.rows;
    uint64_t again = floor_figures(p->floor)->redelivered;
    plant_free(p);
    CHECK_SAY(rows == 3 && again == 1, "%u rows, %u redelivered", rows, (unsigned)again);
}

TEST(silence_is_said_once_and_ends_with_the_next_reading)
{
    struct plant *p = plant_new(1);
    for (int s = 0; s < 10; s++) send_row(p, "m", s, 1, s);
    for (int s = 10; s < 200; s++) tick(p, BASE_NS + s * NS_PER_S);
    uint64_t silences = floor_figures(p->floor)->silences;
    uint32_t rows = p->turn.rows, fields = p->turn.row[10].fields;
    send_row(p, "m", 201, 1, 2);
    bool silent = floor_find(p->floor, TEXT("m"))->silent;
    plant_free(p);
    CHECK(silences == 1 && rows == 11 && fields == 0 && !silent);
}

TEST(what_cannot_be_read_becomes_a_dead_letter_with_its_reason)
{
    struct plant *p = plant_new(1);
    send(p, "m", "{\"a\":", BASE_NS);
    const struct dead *d = &p->turn.dead[0];
    bool told = p->turn.deads == 1 && p->turn.rows == 0 && d->reason[0] != 0 &&
                text_is(turn_text(&p->turn, d->payload, d->payload_bytes), TEXT("{\"a\":"));
    plant_free(p);
    CHECK(told);
}

/* A stream of everything that happens, the same for the same seed. */
static void stream(struct plant *p, uint64_t seed, int records, int from, int breaks)
{
    struct andon_rng rng, turns;
    andon_rng_seed(&rng, seed);
    andon_rng_seed(&turns, (uint64_t)breaks);
    for (int i = 0; i < records; i++) {
        char topic[40], payload[200];
        unsigned asset = andon_rng_below(&rng, 5), what = andon_rng_below(&rng, 20);
        int back = (int)andon_rng_below(&rng, 4);
        double a = andon_rng_normal(&rng), b = andon_rng_normal(&rng);
        int64_t at = BASE_NS + i * NS_PER_S / 3;
        if (i < from) continue;
        snprintf(topic, sizeof topic, "line/m%u", asset);
        long long ms = at / 1000000 - (what == 0 ? 1000 * back : 0);
        if (what == 1) tick(p, at);
        else if (what == 2) send(p, topic, "no reading {", at);
        else if (what < 8) {
            snprintf(payload, sizeof payload, "{\"timestamp\":%lld,\"%c\":%.3f}", ms,
                     "abc"[i % 3], a);
            send(p, topic, payload, at);
        } else {
            snprintf(payload, sizeof payload, "{\"timestamp\":%lld,\"a\":%.3f,\"b\":%.3f}", ms, a, b);
            send(p, topic, payload, at);
            if (what == 9) send(p, topic, payload, at);
        }
        if (breaks > 0 && andon_rng_below(&turns, (uint32_t)breaks) == 0) end_turn(p);
    }
    end_turn(p);
}

TEST(rows_do_not_depend_on_where_turns_begin)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct plant *whole = plant_new(1), *broken = plant_new(3);
        stream(whole, seed, 600, 0, 0);
        stream(broken, seed, 600, 0, 1 + (int)(seed % 7));
        bool same = whole->print.sum == broken->print.sum && whole->rows == broken->rows;
        uint64_t rows = whole->rows;
        plant_free(whole);
        plant_free(broken);
        CHECK_SAY(same && rows > 300, "SEED=%u: %u rows", (unsigned)seed, (unsigned)rows);
    }
}

/* Saves the floor and every asset and gives a plant that goes on from those bytes. */
static struct plant *restarted(struct plant *before)
{
    struct plant *p = plant_new(2);
    struct andon_arena arena;
    struct andon_writer out;
    struct andon_reader in;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
    for (uint32_t i = 0; i < floor_assets(before->floor); i++) {
        andon_writer_init(&out, &arena);
        asset_save(floor_asset(before->floor, i), &out);
        andon_reader_init(&in, out.data, out.size);
        struct asset *a = asset_load(&in, p->models);
        must(a != NULL && andon_reader_left(&in) == 0, "an asset comes back");
        must(floor_add(p->floor, i, a), "an asset is put back");
    }
    andon_writer_init(&out, &arena);
    floor_save(before->floor, &out);
    andon_reader_init(&in, out.data, out.size);
    must(floor_load(p->floor, &in) && andon_reader_left(&in) == 0, "the floor comes back");
    andon_arena_free(&arena);
    p->offset = before->offset;
    p->print = before->print;
    p->rows = before->rows;
    turn_begin(&p->turn, p->offset);
    return p;
}

TEST(a_floor_that_comes_back_from_bytes_goes_on_as_if_nothing_had_happened)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct plant *through = plant_new(1), *stopped = plant_new(1);
        stream(through, seed, 500, 0, 5);
        stream(stopped, seed, 250, 0, 5);
        struct plant *goes_on = restarted(stopped);
        stream(goes_on, seed, 500, 250, 3);
        bool same = through->print.sum == goes_on->print.sum && through->rows == goes_on->rows;
        bool counted = memcmp(floor_figures(through->floor), floor_figures(goes_on->floor),
                              sizeof(struct floor_figures)) == 0;
        plant_free(through);
        plant_free(stopped);
        plant_free(goes_on);
        CHECK_SAY(same, "SEED=%u", (unsigned)seed);
        CHECK_SAY(counted, "SEED=%u: figures differ", (unsigned)seed);
    }
}

TEST(bytes_of_an_asset_that_were_cut_are_refused)
{
    struct plant *p = plant_new(1);
    struct andon_arena arena;
    struct andon_writer out;
    stream(p, 3, 100, 0, 0);
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
    andon_writer_init(&out, &arena);
    asset_save(floor_asset(p->floor, 0), &out);
    size_t taken = 0;
    for (size_t cut = 0; cut < out.size; cut++) {
        struct andon_reader in;
        andon_reader_init(&in, out.data, cut);
        struct asset *a = asset_load(&in, p->models);
        taken += a != NULL;
        asset_free(a);
    }
    andon_arena_free(&arena);
    plant_free(p);
    CHECK_SAY(taken == 0, "%zu of the cut ones were taken", taken);
}

/* ---- configuration ---- */

static void configure(struct plant *p, const char *text)
{
    struct journal_record record = {p->offset, p->offset + 8, BASE_NS, JOURNAL_CONFIG,
                                    (uint32_t)strlen(text), (const uint8_t *)text};
    p->offset += 8;
    take(p, &record);
}

static double sent(struct plant *p, int second, double value)
{
    char payload[100];
    snprintf(payload, sizeof payload, "{\"timestamp\":%lld,\"counts\":%.17g,\"other\":%d}",
             (long long)(BASE_NS / 1000000 + second * 1000), value, second);
    send(p, "hall/m", payload, BASE_NS + second * NS_PER_S);
    return p->turn.field[p->turn.row[p->turn.rows - 1].field].number;
}

TEST(a_channel_is_scaled_as_configured_and_bad_outside_of_its_range)
{
    struct plant *p = plant_new(1);
    configure(p, "assets:\n  - match: \"hall/*\"\n    channels:\n"
                 "      counts: { unit: degC, scale: 0.25, offset: -40, range: [-40, 120] }\n");
    double value = sent(p, 0, 400.0);
    uint8_t good = p->turn.field[p->turn.row[0].field].quality;
    double high = sent(p, 1, 4000.0);
    uint8_t bad = p->turn.field[p->turn.row[1].field].quality;
    const struct channel *c = &floor_find(p->floor, TEXT("hall/m"))->channel[0];
    bool unit = c->unit != NULL && strcmp(c->unit, "degC") == 0;
    plant_free(p);
    CHECK(value == 60.0 && good == QUALITY_GOOD && unit);
    CHECK(high == 960.0 && (bad & QUALITY_BAD) != 0);
}

TEST(a_counter_is_judged_by_what_it_counted_and_may_begin_anew)
{
    struct plant *p = plant_new(1);
    configure(p, "assets:\n  - match: \"hall/*\"\n    channels:\n      counts: { counter: true }\n");
    double counted[4];
    static const double counts[4] = {100, 130, 7, 9};
    for (int s = 0; s < 4; s++) {
        (void)sent(p, s, counts[s]);
        counted[s] = floor_find(p->floor, TEXT("hall/m"))->channel[0].last;
    }
    double kept = p->turn.field[p->turn.row[1].field].number;
    uint64_t resets = floor_find(p->floor, TEXT("hall/m"))->channel[0].resets;
    plant_free(p);
    CHECK(isnan(counted[0]) && counted[1] == 30 && counted[2] == 7 && counted[3] == 2);
    CHECK(kept == 130 && resets == 1);
}

TEST(a_running_rule_of_the_configuration_counts_before_names)
{
    struct plant *p = plant_new(1);
    configure(p, "assets:\n  - match: \"**\"\n    running: other > 1\n");
    (void)sent(p, 0, 1.0);
    int8_t off = floor_find(p->floor, TEXT("hall/m"))->running;
    (void)sent(p, 2, 1.0);
    int8_t on = floor_find(p->floor, TEXT("hall/m"))->running;
    plant_free(p);
    CHECK(off == 0 && on == 1);
}

TEST(a_configuration_that_cannot_be_read_leaves_the_old_one)
{
    struct plant *p = plant_new(1);
    configure(p, "assets:\n  - match: \"**\"\n    channels:\n      counts: { scale: 2 }\n");
    configure(p, "assets: [ nonsense");
    double value = sent(p, 0, 21.0);
    plant_free(p);
    CHECK(value == 42.0);
}
