/* What is answered where. */
#include "serve/answers.h"
#include "serve/route.h"

#define API "/api/andon/v1"

const struct route route_api[] = {
    {"GET", "/", ROUTE_NO_BODY, answer_index, NULL, NULL, "what runs here"},
    {"GET", "/docs", ROUTE_NO_BODY, answer_docs, NULL, NULL, "this list"},
    {"GET", "/openapi.json", ROUTE_NO_BODY, answer_openapi, NULL, NULL, "this list for programs"},
    {"GET", "/health", ROUTE_NO_BODY, answer_health, NULL, NULL,
     "200 healthy or 503 degraded, and which part"},
    {"GET", "/metrics", ROUTE_NO_BODY, answer_metrics, NULL, NULL,
     "Prometheus text, OpenMetrics or JSON, as Accept asks"},
    {"POST", API "/readings", ROUTE_READINGS, answer_readings_post, NULL, NULL,
     "readings: one object, an array, or NDJSON; answered when the journal has them"},
    {"GET", API "/readings", ROUTE_NO_BODY, NULL, answer_readings,
     "asset channel from to bucket agg limit next", "readings, or figures per bucket"},
    {"GET", API "/assets", ROUTE_NO_BODY, NULL, answer_assets, "state q limit next", "all assets"},
    {"GET", API "/assets/{path...}", ROUTE_NO_BODY, NULL, answer_asset, NULL, "one asset"},
    {"GET", API "/verdicts", ROUTE_NO_BODY, NULL, answer_verdicts, "asset from to limit next",
     "what andon said of an asset"},
    {"GET", API "/deadletters", ROUTE_NO_BODY, NULL, answer_deadletters, "limit next",
     "what could not be read, newest first"},
    {"POST", API "/deadletters/replay", ROUTE_SMALL_BODY, NULL, answer_replay, NULL,
     "{\"id\":n} or {\"ids\":[n]}: reads dead letters again"},
    {"GET", API "/stream", ROUTE_NO_BODY, answer_stream, NULL, "asset kinds",
     "server-sent events, resumed by Last-Event-ID"},
    {"GET", API "/sql", ROUTE_NO_BODY, NULL, answer_sql, "q", "a query, read only"},
    {"POST", API "/sql", ROUTE_SMALL_BODY, NULL, answer_sql, NULL,
     "the query as text, or {\"query\":\"...\"}"},
    {"POST", "/api/v1/{token}/telemetry", ROUTE_READINGS, answer_thingsboard, NULL, NULL,
     "ThingsBoard's shapes; the token names the device"},
    {0}};

const struct route route_influx[] = {
    {"POST", "/write", ROUTE_READINGS, answer_influx_write, NULL, "precision db",
     "line protocol, as InfluxDB 1 takes it"},
    {"POST", "/api/v2/write", ROUTE_READINGS, answer_influx_write, NULL, "precision bucket org",
     "line protocol, as InfluxDB 2 takes it"},
    {"GET", "/ping", ROUTE_NO_BODY, answer_influx_ping, NULL, NULL, "204"},
    {"GET", "/health", ROUTE_NO_BODY, answer_influx_health, NULL, NULL, "{\"status\":\"pass\"}"},
    {"POST", "/query", ROUTE_SMALL_BODY, answer_influx_query, NULL, "q",
     "CREATE DATABASE, which senders ask for before they write"},
    {"GET", "/query", ROUTE_NO_BODY, answer_influx_query, NULL, "q", "the same"},
    {0}};
