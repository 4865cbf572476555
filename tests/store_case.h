/* Rows that a seed decides, for tests of the store: what is written turn by turn, and what a reader must
 * give back. A test that has only the seed knows what any number of turns must have left. */
#ifndef STORE_CASE_H
#define STORE_CASE_H

#include <unistd.h>

#include "andon/rng.h"
#include "store/reader.h"
#include "store/store.h"
#include "test.h"

#define CASE_ASSETS_MAX 64u
#define CASE_CHANNELS 7u /* 0-3 numbers, 4 a flag, 5 a text, 6 nasty numbers */
#define CASE_ROWS_MAX 512u
#define CASE_START_NS INT64_C(1700000000000000000)

struct store_case {
    uint64_t seed;
    uint32_t assets;        /* asset k says something every ... turns */
    uint32_t rows;          /* of a turn */
    int64_t step_ns;        /* between rows of an asset */
    bool late, repeats, judged, holes;
    uint64_t back_from;     /* turns from this one on tell of back_ns earlier; 0: none do */
    int64_t back_ns;
    uint32_t asset[CASE_ASSETS_MAX], channel[CASE_ASSETS_MAX][CASE_CHANNELS], model;
};

struct case_turn {
    uint32_t rows;
    struct store_row row[CASE_ROWS_MAX];
    uint32_t of[CASE_ROWS_MAX];      /* which asset, from 0 */
    struct store_field field[CASE_ROWS_MAX][CASE_CHANNELS];
};

static inline double case_nasty(struct andon_rng *rng)
{
    static const uint64_t bits[] = {0, UINT64_C(1) << 63, 1, UINT64_C(0x7fefffffffffffff),
                                    UINT64_C(0x8000000000000001), UINT64_C(0x4340000000000001),
                                    UINT64_C(0x3fd3333333333334), UINT64_C(0x0010000000000000)};
    uint64_t b = andon_rng_below(rng, 3) == 0 ? andon_rng_u64(rng) & ~(UINT64_C(1) << 62)
                                              : bits[andon_rng_below(rng, 8)];
    double v;
    memcpy(&v, &b, sizeof v);
    return v;
}

static inline void case_field(struct andon_rng *rng, uint32_t c, double level, struct store_field *f)
{
    static const char *const words[] = {"running", "idle", "", "start up", "stopped"};
    *f = (struct store_field){.channel = c};
    f->quality = andon_rng_below(rng, 40) == 0 ? 2 : 0;
    if (c == 4) {
        f->kind = STORE_FLAG;
        f->number = andon_rng_below(rng, 10) == 0;
    } else if (c == 5) {
        f->kind = STORE_TEXT;
        f->text = text_of(words[andon_rng_below(rng, 5)]);
    } else if (c == 6) f->number = case_nasty(rng);
    else f->number = rint((level + (double)c + 0.2 * andon_rng_normal(rng)) * 100) / 100;
}

static inline void case_verdict(struct andon_rng *rng, struct store_verdict *v)
{
    *v = (struct store_verdict){.score = 0.2 + 0.3 * andon_rng_real(rng), .channel = 1, .model = 1};
    v->p_value = 1.0 - v->score;
    v->confidence = 0.5f;
    v->coverage = 1.0f;
    v->share = (float)andon_rng_real(rng);
    if (andon_rng_below(rng, 10) == 0) {
        *v = (struct store_verdict){.score = NAN, .p_value = NAN, .state = 2, .reason = 2,
                                    .channel = STORE_NO_CHANNEL};
    } else if (andon_rng_below(rng, 10) == 0) {
        v->state = 1;
        v->is_anomaly = true;
        v->shares = 3;
        for (uint32_t k = 0; k < 3; k++) {
            v->share_channel[k] = k + 1;
            v->share_part[k] = 0.5f / (float)(k + 1);
        }
    }
}

/* The rows of a turn; fields name channels by their place, 0 to CASE_CHANNELS - 1. */
static inline void case_make(const struct store_case *c, uint64_t turn, struct case_turn *t)
{
    struct andon_rng rng = andon_rng_fork(c->seed, turn);
    t->rows = c->rows;
    for (uint32_t i = 0; i < c->rows; i++) {
        uint32_t a = (uint32_t)((turn * c->rows + i) % c->assets);
        uint64_t number = (turn * c->rows + i) / c->assets;
        struct store_row *r = &t->row[i];
        *r = (struct store_row){.field = t->field[i],
                                .ts_ns = CASE_START_NS + (int64_t)number * c->step_ns};
        t->of[i] = a;
        if (c->late && andon_rng_below(&rng, 15) == 0)
            r->ts_ns -= (int64_t)andon_rng_below(&rng, 400) * c->step_ns;
        if (c->back_from > 0 && turn >= c->back_from) r->ts_ns -= c->back_ns;
        r->received_ns = r->ts_ns + (int64_t)andon_rng_below(&rng, 3000000);
        for (uint32_t k = 0; k < CASE_CHANNELS; k++) {
            if (c->holes && andon_rng_below(&rng, 4) == 0) continue;
            case_field(&rng, k, 40 + a, &t->field[i][r->fields++]);
        }
        r->judged = c->judged && andon_rng_below(&rng, 8) != 0;
        if (r->judged) case_verdict(&rng, &r->verdict);
        if (c->repeats && i >= c->assets && andon_rng_below(&rng, 10) == 0) {
            /* says what its asset said before, once more */
            *r = t->row[i - c->assets];
            r->received_ns += 5000000;
        }
    }
}

/* Names in order of first use; store and reader give the same numbers. */
static inline andon_status case_names(struct store_case *c, struct store *store, andon_error *err)
{
    andon_status st = store_model(store, TEXT("ensemble"), 3, 77, &c->model, err);
    for (uint32_t a = 0; a < c->assets && st == ANDON_OK; a++) {
        char name[64];
        snprintf(name, sizeof name, "site/line/pump%u", a);
        st = store_asset(store, text_of(name), &c->asset[a], err);
        for (uint32_t k = 0; k < CASE_CHANNELS && st == ANDON_OK; k++) {
            snprintf(name, sizeof name, "c%u", k);
            st = store_channel(store, c->asset[a], text_of(name),
                               k == 4 ? STORE_FLAG : k == 5 ? STORE_TEXT : STORE_NUMBER,
                               &c->channel[a][k], err);
        }
    }
    return st;
}

/* Puts the numbers of assets and channels in. */
static inline void case_number(const struct store_case *c, struct case_turn *t)
{
    for (uint32_t i = 0; i < t->rows; i++) {
        struct store_row *r = &t->row[i];
        uint32_t a = t->of[i];
        r->asset = c->asset[a];
        for (uint32_t f = 0; f < r->fields; f++)
            if (r->field == t->field[i]) t->field[i][f].channel = c->channel[a][t->field[i][f].channel];
    }
}

/* One turn into the store: its number + 1 is the offset. */
static inline andon_status case_write(struct store_case *c, struct store *store, uint64_t turn,
                                      andon_error *err)
{
    static struct case_turn t;
    andon_status st = store_begin(store, err);
    if (st == ANDON_OK) st = case_names(c, store, err);
    if (st != ANDON_OK) return st;
    case_make(c, turn, &t);
    case_number(c, &t);
    st = store_rows(store, t.row, t.rows, err);
    int64_t now = CASE_START_NS + (int64_t)((turn + 1) * c->rows / c->assets) * c->step_ns;
    return st == ANDON_OK ? store_commit(store, turn + 1, now, err) : st;
}

/* ---- what a reader must give ---- */

struct case_rows {
    struct store_row *row;
    struct store_field (*field)[CASE_CHANNELS];
    size_t rows, room;
};

static inline void case_rows_free(struct case_rows *r)
{
    free(r->row);
    free(r->field);
    *r = (struct case_rows){0};
}

static inline bool case_same_field(const struct store_field *a, const struct store_field *b)
{
    if (a->channel != b->channel || a->kind != b->kind || a->quality != b->quality) return false;
    return a->kind == STORE_TEXT ? text_is(a->text, b->text)
                                 : memcmp(&a->number, &b->number, sizeof a->number) == 0;
}

static inline bool case_same_verdict(const struct store_verdict *a, const struct store_verdict *b)
{
    if (memcmp(&a->score, &b->score, 8) != 0 || memcmp(&a->p_value, &b->p_value, 8) != 0 ||
        a->confidence != b->confidence || a->coverage != b->coverage || a->model != b->model ||
        a->channel != b->channel || a->share != b->share || a->state != b->state ||
        a->reason != b->reason || a->is_anomaly != b->is_anomaly || a->shares != b->shares)
        return false;
    for (uint32_t k = 0; k < a->shares; k++)
        if (a->share_channel[k] != b->share_channel[k] || a->share_part[k] != b->share_part[k])
            return false;
    return true;
}

static inline bool case_same_fields(const struct store_row *a, const struct store_row *b)
{
    if (a->ts_ns != b->ts_ns || a->fields != b->fields) return false;
    for (uint32_t f = 0; f < a->fields; f++)
        if (!case_same_field(&a->field[f], &b->field[f])) return false;
    return true;
}

static inline bool case_same_row(const struct store_row *a, const struct store_row *b)
{
    int64_t lag = (b->received_ns - b->ts_ns) / 1000000 * 1000000;
    return case_same_fields(a, b) && a->received_ns == b->ts_ns + lag && a->judged == b->judged &&
           (!a->judged || case_same_verdict(&a->verdict, &b->verdict));
}

/* All rows of asset a in turns [0, turns), in order of time, exact repeats once. */
static inline void case_expect(const struct store_case *c, uint32_t a, uint64_t turns,
                               struct case_rows *out)
{
    static struct case_turn t;
    size_t room = (size_t)turns * c->rows / c->assets + 1;
    *out = (struct case_rows){.row = calloc(room, sizeof *out->row),
                              .field = calloc(room, sizeof *out->field), .room = room};
    for (uint64_t turn = 0; turn < turns; turn++) {
        case_make(c, turn, &t);
        case_number(c, &t);
        for (uint32_t i = 0; i < t.rows; i++) {
            if (t.of[i] != a) continue;
            size_t at = out->rows, same = at;
            while (at > 0 && out->row[at - 1].ts_ns > t.row[i].ts_ns) at--;
            for (size_t k = at; k > 0 && out->row[k - 1].ts_ns == t.row[i].ts_ns; k--)
                if (case_same_fields(&out->row[k - 1], &t.row[i]) && t.row[i].fields > 0) same = k - 1;
            if (same < out->rows) continue;
            for (size_t k = out->rows; k > at; k--) {
                out->row[k] = out->row[k - 1];
                memcpy(out->field[k], out->field[k - 1], sizeof out->field[k]);
                out->row[k].field = out->field[k];
            }
            out->row[at] = t.row[i];
            memcpy(out->field[at], t.row[i].field, sizeof out->field[at]);
            out->row[at].field = out->field[at];
            out->rows++;
        }
    }
}

struct case_check {
    const struct case_rows *expected;
    size_t at, first_wrong;
};

static inline bool case_check_row(void *context, const struct reader_row *row)
{
    struct case_check *check = context;
    struct store_row got = {.ts_ns = row->ts_ns, .received_ns = row->received_ns,
                            .fields = row->fields, .field = row->field, .judged = row->judged,
                            .verdict = row->verdict};
    if (check->at < check->expected->rows &&
        case_same_row(&got, &check->expected->row[check->at])) {
        check->at++;
        return true;
    }
    check->first_wrong = check->at;
    check->at = SIZE_MAX;
    return false;
}

/* Whether reader gives exactly what turns [0, turns) left of asset a. */
static inline bool case_holds(const struct store_case *c, struct reader *reader, uint32_t a,
                              uint64_t turns)
{
    struct case_rows expected;
    andon_error err = {""};
    case_expect(c, a, turns, &expected);
    struct case_check check = {.expected = &expected};
    andon_status st = reader_rows(reader, c->asset[a], INT64_MIN, INT64_MAX, case_check_row, &check,
                                  &err);
    bool good = st == ANDON_OK && check.at == expected.rows;
    if (!good)
        printf("# asset %u: %s, %zu of %zu rows, first wrong %zu\n", a,
               st == ANDON_OK ? "read" : err.text, check.at, expected.rows, check.first_wrong);
    case_rows_free(&expected);
    return good;
}

/* A directory that goes with the test. */
static inline const char *case_dir(void)
{
    static char dir[64];
    snprintf(dir, sizeof dir, "/tmp/andon-store-XXXXXX");
    return mkdtemp(dir);
}

static inline void case_remove(const char *dir)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0) printf("# %s stays\n", dir);
}

#endif
