/* Invariants: 1. before the WAL is synced, what the newest commit reached has been asked for; 2. one of
 * the two sides works at a time; which one is the state. */
#include "store/checkpointer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "store/sql.h"

/* Pages of the WAL from which on it is put away, and at which turns wait for that. */
enum { PAGES_LONG = 4000, PAGES_MOST = 32000, BUSY_MS = 5000 };

enum state { IDLE, WANTED, CARRIED };

struct checkpointer {
    const struct store_options *options;
    sqlite3 *db; /* the thread's */
    pthread_t thread;
    bool runs, stop;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    enum state state; /* with stop, guarded by lock */
    _Atomic uint64_t offset;
};

andon_status checkpointer_ask(const struct store_options *o, uint64_t offset, andon_error *err)
{
    if (o->before_durable == NULL || offset == 0) return ANDON_OK;
    return o->before_durable(o->durable_context, offset, err);
}

/* False: it is not allowed, held up or failed; then the WAL grows on and it is tried again. */
static bool carry_over(struct checkpointer *c, sqlite3 *db)
{
    andon_error err = {""};
    if (checkpointer_ask(c->options, atomic_load(&c->offset), &err) != ANDON_OK) return false;
    return sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK;
}

static void *run(void *context)
{
    struct checkpointer *c = context;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (c->state != WANTED && !c->stop) pthread_cond_wait(&c->wanted, &c->lock);
        if (c->stop) break;
        pthread_mutex_unlock(&c->lock);
        bool carried = carry_over(c, c->db);
        pthread_mutex_lock(&c->lock);
        c->state = carried ? CARRIED : IDLE;
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Behind each commit, in the store's thread. */
static int wal_grew(void *context, sqlite3 *db, const char *name, int pages)
{
    struct checkpointer *c = context;
    (void)name;
    if (pages < PAGES_LONG) return SQLITE_OK;
    pthread_mutex_lock(&c->lock);
    bool finish = c->state == CARRIED || (c->state == IDLE && pages >= PAGES_MOST);
    if (c->state == IDLE && !finish) {
        c->state = WANTED;
        pthread_cond_signal(&c->wanted);
    }
    pthread_mutex_unlock(&c->lock);
    if (!finish) return SQLITE_OK;
    (void)carry_over(c, db);
    pthread_mutex_lock(&c->lock);
    c->state = IDLE;
    pthread_mutex_unlock(&c->lock);
    return SQLITE_OK;
}

static andon_status open_own(struct checkpointer *c, andon_error *err)
{
    int code = sqlite3_open_v2(c->options->path, &c->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                               NULL);
    if (code != SQLITE_OK) return sql_fail(c->db, c->options->path, err);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    /* It reads no page through its cache. */
    return sql_run(c->db, "PRAGMA cache_size=8;PRAGMA wal_autocheckpoint=0;PRAGMA synchronous=NORMAL",
                   err);
}

andon_status checkpointer_open(const struct store_options *options, sqlite3 *db,
                               struct checkpointer **checkpointer, andon_error *err)
{
    struct checkpointer *c = calloc(1, sizeof *c);
    if (c == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the store");
    c->options = options;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wanted, NULL);
    *checkpointer = c;
    andon_status st = open_own(c, err);
    if (st != ANDON_OK) return st;
    if (pthread_create(&c->thread, NULL, run, c) != 0)
        return andon_fail(err, ANDON_ENOMEM, "no thread for the store");
    c->runs = true;
    sqlite3_wal_hook(db, wal_grew, c);
    return ANDON_OK;
}

void checkpointer_reached(struct checkpointer *c, uint64_t offset)
{
    atomic_store(&c->offset, offset);
}

void checkpointer_close(struct checkpointer *c)
{
    if (c == NULL) return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->wanted);
    pthread_mutex_unlock(&c->lock);
    if (c->runs) pthread_join(c->thread, NULL);
    sqlite3_close(c->db);
    pthread_cond_destroy(&c->wanted);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
