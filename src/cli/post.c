#include "cli/post.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define NS_PER_S INT64_C(1000000000)
enum {
    URL_ROOM = 512,
    ANSWER_ROOM = 65536,
    CONNECT_S = 5,
    REPLY_S = 60,
    FIRST_PATIENCE_S = 5,
    PATIENCE_S = 300,
    WAIT_MS_MIN = 100,
    WAIT_MS_MAX = 10000
};

struct post {
    char url[URL_ROOM];
    CURL *curl;
    struct curl_slist *headers;
    bool answered; /* somebody was there once */
    char *text;    /* text[ANSWER_ROOM]: the answer, ended by 0 */
    size_t used;
};

static size_t take(char *data, size_t size, size_t n, void *context)
{
    struct post *p = context;
    size_t room = ANSWER_ROOM - 1 - p->used, bytes = size * n;
    memcpy(p->text + p->used, data, bytes < room ? bytes : room);
    p->used += bytes < room ? bytes : room;
    p->text[p->used] = 0;
    return bytes;
}

static bool url_write(struct post *p, const char *url)
{
    static const char door[] = "/api/andon/v1/readings";
    size_t scheme = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
    size_t host = strcspn(url + scheme, "/");
    size_t rest = strlen(url + scheme + host);
    if (scheme == 0 || host == 0 || rest > 1 || strpbrk(url, " \t\"") != NULL) return false;
    int n = snprintf(p->url, sizeof p->url, "%.*s%s", (int)(scheme + host), url, door);
    return n > 0 && (size_t)n < sizeof p->url;
}

static bool set_up(struct post *p)
{
    p->curl = curl_easy_init();
    p->text = malloc(ANSWER_ROOM);
    p->headers = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
    if (p->curl == NULL || p->text == NULL || p->headers == NULL) return false;
    curl_easy_setopt(p->curl, CURLOPT_URL, p->url);
    curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, p->headers);
    curl_easy_setopt(p->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(p->curl, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(p->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(p->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(p->curl, CURLOPT_TIMEOUT, (long)REPLY_S);
    return true;
}

andon_status post_open(const char *url, struct post **post, andon_error *err)
{
    struct post *p = calloc(1, sizeof *p);
    *post = p;
    if (p != NULL && !url_write(p, url)) {
        free(p);
        *post = NULL;
        return andon_fail(err, ANDON_EINVAL, "%.200s: expected http://HOST:PORT", url);
    }
    if (p == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !set_up(p)) {
        post_close(p);
        *post = NULL;
        return andon_fail(err, ANDON_ENOMEM, "no memory for an HTTP client");
    }
    return ANDON_OK;
}

void post_close(struct post *p)
{
    if (p == NULL) return;
    if (p->curl != NULL) curl_easy_cleanup(p->curl);
    curl_slist_free_all(p->headers);
    free(p->text);
    free(p);
}

/* The whole number behind "name": in the answer; 0 when there is none. */
static uint64_t number_of(const char *text, const char *name)
{
    char key[40];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(text, key);
    return at == NULL ? 0 : strtoull(at + strlen(key), NULL, 10);
}

/* The text behind "name": up to its closing quote, escapes as they are. */
static void text_of_key(const char *text, const char *name, char *out, size_t room)
{
    char key[40];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(text, key);
    size_t n = 0;
    out[0] = 0;
    if (at == NULL) return;
    at += strlen(key);
    while (at[n] != 0 && at[n] != '"') n += at[n] == '\\' && at[n + 1] != 0 ? 2 : 1;
    snprintf(out, room, "%.*s", (int)(n < room ? n : room - 1), at);
}

static uint64_t count_of(const char *text, const char *name)
{
    uint64_t count = 0;
    for (const char *at = text; (at = strstr(at, name)) != NULL; at++) count++;
    return count;
}

static void read_answer(const struct post *p, struct post_answer *answer)
{
    answer->accepted = number_of(p->text, "accepted");
    answer->rejected = number_of(p->text, "rejected_count");
    if (answer->rejected == 0) answer->rejected = count_of(p->text, "\"reason\":");
    text_of_key(p->text, "reason", answer->reason, sizeof answer->reason);
}

/* What the door says of a request that it does not take. */
static const char *words_of(const struct post *p, char out[POST_REASON_ROOM])
{
    text_of_key(p->text, "detail", out, POST_REASON_ROOM);
    if (out[0] == 0)
        snprintf(out, POST_REASON_ROOM, "%.*s", (int)strcspn(p->text, "\r\n"), p->text);
    return out;
}

static andon_status send_once(struct post *p, long *status, CURLcode *rc, int64_t *wait_ms)
{
    curl_off_t after_s = 0;
    p->used = 0;
    p->text[0] = 0;
    *status = 0;
    *rc = curl_easy_perform(p->curl);
    if (*rc == CURLE_OK) curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, status);
    if (*rc == CURLE_OK) curl_easy_getinfo(p->curl, CURLINFO_RETRY_AFTER, &after_s);
    if (*rc == CURLE_OUT_OF_MEMORY) return ANDON_ENOMEM;
    if (*status == 200) return ANDON_OK;
    p->answered = p->answered || *status != 0;
    if (*status == 400 || *status == 413 || *status == 422) return ANDON_EDATA;
    if (*status != 0 && *status != 429 && *status != 503 && *status != 507) return ANDON_EINVAL;
    *wait_ms = after_s > 0 ? (int64_t)after_s * 1000 : *wait_ms * 2;
    if (*wait_ms > WAIT_MS_MAX) *wait_ms = WAIT_MS_MAX;
    return ANDON_EIO; /* worth another try */
}

static andon_status give_up(const struct post *p, andon_status st, long status, CURLcode rc,
                            andon_error *err)
{
    char words[POST_REASON_ROOM];
    if (st == ANDON_ENOMEM) return andon_fail(err, st, "no memory for an HTTP request");
    if (status == 0)
        return andon_fail(err, ANDON_EIO, "%s: %s; is andon serve running there?", p->url,
                          curl_easy_strerror(rc));
    return andon_fail(err, st == ANDON_EDATA ? st : ANDON_EIO, "%s: status %ld: %s", p->url, status,
                      words_of(p, words));
}

andon_status post_readings(struct post *p, const char *lines, size_t size,
                           struct post_answer *answer, andon_error *err)
{
    long status;
    CURLcode rc;
    int64_t wait_ms = WAIT_MS_MIN / 2, began = clock_steady_ns();
    *answer = (struct post_answer){0};
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, lines);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    for (;; answer->retries++) {
        andon_status st = send_once(p, &status, &rc, &wait_ms);
        int64_t patience_s = p->answered ? PATIENCE_S : FIRST_PATIENCE_S;
        if (st == ANDON_OK) break;
        if (st != ANDON_EIO || clock_steady_ns() - began > patience_s * NS_PER_S)
            return give_up(p, st, status, rc, err);
        nanosleep(&(struct timespec){wait_ms / 1000, wait_ms % 1000 * NS_PER_MS}, NULL);
    }
    p->answered = true;
    read_answer(p, answer);
    return ANDON_OK;
}
