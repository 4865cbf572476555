#include "store/store.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "store_case.h"

static char path[128];
static const char *dir;
static andon_error err;

static struct store *open_store(struct store_options o)
{
    struct store *s = NULL;
    snprintf(path, sizeof path, "%s/andon.db", dir);
    o.path = path;
    if (store_open(&o, &s, &err) != ANDON_OK) printf("# %s\n", err.text);
    return s;
}

/* Writes turns and reads everything back, over a store that is opened again now and then. */
static bool round_trip(struct store_case c, struct store_options o, uint64_t turns)
{
    bool good = true;
    struct reader *reader = NULL;
    dir = case_dir();
    struct store *s = open_store(o);
    for (uint64_t t = 0; t < turns && s != NULL && good; t++) {
        good = case_write(&c, s, t, &err) == ANDON_OK;
        if (t % 37 == 36) {
            store_close(s);
            s = open_store(o);
        }
    }
    good = good && s != NULL && store_offset(s) == turns;
    store_close(s);
    good = good && reader_open(path, &reader, &err) == ANDON_OK;
    if (!good) printf("# %s\n", err.text);
    for (uint32_t a = 0; a < c.assets && good; a++) good = case_holds(&c, reader, a, turns);
    reader_close(reader);
    case_remove(dir);
    return good;
}

TEST(rows_come_back_bit_for_bit_in_order_of_time)
{
    for (uint32_t seed = 0; seed < 32; seed++) {
        struct store_case c = {.seed = seed, .assets = 1 + seed % 7 * 5, .rows = 20 + seed * 13 % 200,
                               .step_ns = seed % 3 == 0 ? 1000000007 : INT64_C(10000000000),
                               .late = seed & 1, .judged = seed & 2, .holes = seed & 4,
                               .repeats = seed & 8};
        struct store_options o = {.hot_age_ns = seed % 5 == 4 ? INT64_C(20000000000) : 0,
                                  .hot_bytes_max = seed % 4 == 3 ? 20000 : 0};
        CHECK_SAY(round_trip(c, o, 120), "SEED=%u", seed);
    }
}
