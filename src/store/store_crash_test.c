/* A store whose process is killed, again and again. */
#include <signal.h>
#include <sys/wait.h>

#include "store_case.h"

enum { DEATHS = 50 };

static char path[128];
static andon_error err;

static const struct store_options options = {.path = path,
                                             .hot_bytes_max = 20000,
                                             .hot_age_ns = INT64_C(400000000000)};
static const struct store_case plan = {.seed = 21, .assets = 7, .rows = 40, .late = true,
                                       .judged = true, .step_ns = INT64_C(3000000000)};

/* Writes turns until it is killed, and says the number of every turn that is committed. */
static void write_turns(int to)
{
    struct store_case c = plan;
    struct store *s;
    if (store_open(&options, &s, &err) != ANDON_OK) _exit(1);
    for (uint64_t turn = store_offset(s);; turn++) {
        if (case_write(&c, s, turn, &err) != ANDON_OK) _exit(2);
        if (write(to, &turn, sizeof turn) != sizeof turn) _exit(3);
    }
}

/* One life: a child writes until `turns` more are committed, and a little longer. Returns how many turns
 * are known to be committed; UINT64_MAX: the child failed. */
static uint64_t live(uint64_t committed, uint64_t turns, uint32_t spin)
{
    int pipes[2], status;
    uint64_t turn;
    if (pipe(pipes) != 0) return UINT64_MAX;
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        write_turns(pipes[1]);
    }
    close(pipes[1]);
    for (uint64_t i = 0; i < turns; i++)
        if (read(pipes[0], &turn, sizeof turn) == sizeof turn) committed = turn + 1;
    for (volatile uint32_t i = 0; i < spin; i++) continue;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    while (read(pipes[0], &turn, sizeof turn) == sizeof turn) committed = turn + 1;
    close(pipes[0]);
    return WIFSIGNALED(status) ? committed : UINT64_MAX;
}

TEST(a_killed_store_has_every_committed_turn_and_no_half_one)
{
    const char *dir = case_dir();
    struct store_case c = plan;
    struct andon_rng rng;
    uint64_t committed = 0;
    snprintf(path, sizeof path, "%s/andon.db", dir);
    andon_rng_seed(&rng, 8);
    for (int death = 0; death < DEATHS; death++) {
        struct store *s;
        struct reader *r;
        struct store_figures f;
        committed = live(committed, andon_rng_below(&rng, 6), andon_rng_below(&rng, 3000000));
        CHECK(committed != UINT64_MAX);
        CHECK_SAY(store_open(&options, &s, &err) == ANDON_OK, "death %d: %s", death, err.text);
        uint64_t turns = store_offset(s);
        store_figures(s, &f);
        CHECK_SAY(turns == committed || turns == committed + 1, "death %d: %llu turns, %llu committed",
                  death, (unsigned long long)turns, (unsigned long long)committed);
        CHECK_SAY(f.rows == turns * c.rows, "death %d", death);
        committed = turns;
        if (death % 10 == 9 || death < 2) {
            CHECK(store_begin(s, &err) == ANDON_OK && case_names(&c, s, &err) == ANDON_OK);
            store_roll_back(s);
            CHECK(reader_open(path, &r, &err) == ANDON_OK);
            for (uint32_t a = 0; a < c.assets; a++)
                CHECK_SAY(case_holds(&c, r, a, turns), "death %d", death);
            reader_close(r);
        }
        store_close(s);
    }
    CHECK(committed > DEATHS);
    case_remove(dir);
}
