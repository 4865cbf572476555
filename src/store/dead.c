/* Dead letters: messages that could not be read, kept whole with the reason until they are replayed or
 * newer ones need their room. */
#include "store/inside.h"

static andon_status drop_oldest(struct store *s, andon_error *err)
{
    sqlite3_stmt *sql = s->sql[SQL_DEAD_OLDEST];
    int code = sqlite3_step(sql);
    int64_t id = sqlite3_column_int64(sql, 0);
    uint64_t bytes = (uint64_t)sqlite3_column_int64(sql, 1);
    andon_status st = code == SQLITE_ROW ? ANDON_OK : sql_fail(s->db, "the store", err);
    sqlite3_reset(sql);
    if (st != ANDON_OK) return st;
    s->turn.dead_kept--;
    s->turn.dead_bytes -= bytes;
    sqlite3_bind_int64(s->sql[SQL_DEAD_DROP], 1, id);
    return sql_do(s->db, s->sql[SQL_DEAD_DROP], err);
}

andon_status store_dead(struct store *s, const struct store_dead *dead, andon_error *err)
{
    sqlite3_stmt *sql = s->sql[SQL_DEAD];
    if (!s->in_turn) return andon_fail(err, ANDON_EINVAL, "no turn of the store is open");
    sqlite3_bind_int64(sql, 1, dead->received_ns);
    sqlite3_bind_int64(sql, 2, (int64_t)dead->offset);
    sqlite3_bind_int64(sql, 3, dead->index);
    sql_bind_text(sql, 4, dead->door);
    sql_bind_text(sql, 5, dead->client);
    sql_bind_text(sql, 6, dead->topic);
    sql_bind_text(sql, 7, dead->reason);
    sql_bind_blob(sql, 8, dead->payload.at, dead->payload.length);
    andon_status st = sql_do(s->db, sql, err);
    if (st != ANDON_OK) return st;
    s->turn.dead++;
    s->turn.dead_kept++;
    s->turn.dead_bytes += dead->payload.length;
    while (st == ANDON_OK && s->turn.dead_kept > 1 &&
           (s->turn.dead_kept > STORE_DEAD_MAX || s->turn.dead_bytes > STORE_DEAD_BYTES_MAX))
        st = drop_oldest(s, err);
    return st;
}

andon_status store_dead_replayed(struct store *s, int64_t id, int64_t at_ns, andon_error *err)
{
    if (!s->in_turn) return andon_fail(err, ANDON_EINVAL, "no turn of the store is open");
    sqlite3_bind_int64(s->sql[SQL_DEAD_REPLAYED], 1, at_ns);
    sqlite3_bind_int64(s->sql[SQL_DEAD_REPLAYED], 2, id);
    return sql_do(s->db, s->sql[SQL_DEAD_REPLAYED], err);
}
