/* The functions behind the routes, a file for each noun. Live ones run in the event loop, the
 * others in a query thread with a reader of the store; all of them leave their answer in
 * client->reply. */
#ifndef SERVE_ANSWERS_H
#define SERVE_ANSWERS_H

struct client;
struct reader;

/* pages.c */
void answer_index(struct client *client);
void answer_docs(struct client *client);
void answer_openapi(struct client *client);

/* health.c, metrics.c */
void answer_health(struct client *client);
void answer_metrics(struct client *client);

/* readings_in.c, influx.c */
void answer_readings_post(struct client *client);
void answer_thingsboard(struct client *client);
void answer_influx_write(struct client *client);
void answer_influx_ping(struct client *client);
void answer_influx_health(struct client *client);
void answer_influx_query(struct client *client);

/* readings_out.c, assets.c, verdicts.c */
void answer_readings(struct client *client, struct reader *reader);
void answer_assets(struct client *client, struct reader *reader);
void answer_asset(struct client *client, struct reader *reader);
void answer_verdicts(struct client *client, struct reader *reader);

/* deadletters.c, sql.c */
void answer_deadletters(struct client *client, struct reader *reader);
void answer_replay(struct client *client, struct reader *reader);
void answer_sql(struct client *client, struct reader *reader);

/* stream.c */
void answer_stream(struct client *client);

#endif
