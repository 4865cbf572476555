#include "ingest/files/recording.h"

#include <unistd.h>

#include "test.h"

/* The rows of a file with this text as lines of JSON, or the error. */
struct played {
    andon_status st;
    andon_error err;
    char text[4096];
    uint64_t untimed, line;
    int64_t first_ns;
};

static void play_rows(struct recording *r, struct played *p, struct json *j)
{
    bool more = true;
    while (p->st == ANDON_OK) {
        p->st = recording_next(r, &more, &p->err);
        if (p->st != ANDON_OK || !more) break;
        if (p->first_ns == 0) p->first_ns = recording_ts_ns(r);
        json_open(j, NULL, '{');
        recording_time(r, j);
        recording_values(r, j);
        json_close(j, '}');
        json_bytes(j, "\n", 1);
    }
    p->untimed = recording_untimed(r);
    p->line = recording_line(r);
}

static void play(const char *text, struct recording_request q, struct played *p)
{
    char path[] = "/tmp/andon-recording-XXXXXX";
    int fd = mkstemp(path);
    size_t size = strlen(text);
    struct recording *r = NULL;
    struct json j;
    memset(p, 0, sizeof *p);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size) abort();
    close(fd);
    q.path = path;
    json_into(&j, p->text, sizeof p->text - 1);
    p->st = recording_open(&r, &q, &p->err);
    if (p->st == ANDON_OK) play_rows(r, p, &j);
    recording_close(r);
    unlink(path);
}

TEST(values_go_out_as_they_stand_in_the_file)
{
    struct played p;
    play("timestamp,a,b c,state,on\n"
         "2024-05-31T12:00:00Z,0.1,9007199254740993,run,true\n"
         "2024-05-31T12:00:01Z,-0,+5,\"say \"\"x\"\"\",False\n"
         "2024-05-31T12:00:02Z,,nan,NaN,1e-7\n",
         (struct recording_request){0}, &p);
    CHECK_SAY(p.st == ANDON_OK, "%s", p.err.text);
    CHECK_SAY(strcmp(p.text, "{\"ts\":\"2024-05-31T12:00:00Z\",\"a\":0.1,\"b c\":9007199254740993,\"state\":"
                             "\"run\",\"on\":true}\n"
                             "{\"ts\":\"2024-05-31T12:00:01Z\",\"a\":-0,\"b c\":5,\"state\":\"say "
                             "\\\"x\\\"\",\"on\":false}\n"
                             "{\"ts\":\"2024-05-31T12:00:02Z\",\"on\":1e-7}\n") == 0,
              "%s", p.text);
    CHECK(p.first_ns == INT64_C(1717156800000000000));
}

TEST(numbers_that_json_spells_otherwise_are_spelled_as_json_does)
{
    struct played p;
    play("ts;v\n1717156800;.5\n1717156801;1.\n1717156802;007\n1717156803;1e5\n1717156804;-1E+2\n",
         (struct recording_request){0}, &p);
    CHECK_SAY(strcmp(p.text, "{\"ts\":1717156800,\"v\":0.5}\n{\"ts\":1717156801,\"v\":1}\n"
                             "{\"ts\":1717156802,\"v\":7}\n{\"ts\":1717156803,\"v\":1e5}\n"
                             "{\"ts\":1717156804,\"v\":-1E+2}\n") == 0,
              "%s", p.text);
}

TEST(a_time_of_day_takes_the_date_of_the_files_name)
{
    struct played p;
    play("time,v\n12:30:15,1\n6:30:15.25,2\n", (struct recording_request){.date = "2024-05-31T11:00:00"}, &p);
    CHECK_SAY(strcmp(p.text, "{\"ts\":\"2024-05-31T12:30:15\",\"v\":1}\n"
                             "{\"ts\":\"2024-05-31T06:30:15.25\",\"v\":2}\n") == 0,
              "%s%s", p.text, p.err.text);
    play("time,v\n12:30:15,1\n", (struct recording_request){0}, &p);
    CHECK(p.st == ANDON_EDATA);
}

TEST(a_file_without_times_is_one_row_of_its_names_time)
{
    struct played p;
    play("a,b\n1,2\n3,4\n", (struct recording_request){.date = "2024-05-31T12:30:00"}, &p);
    CHECK_SAY(strcmp(p.text, "{\"ts\":\"2024-05-31T12:30:00\",\"a\":1,\"b\":2}\n") == 0, "%s", p.text);
    CHECK(p.untimed == 1 && p.line == 3);
    play("a,b\n1,2\n", (struct recording_request){0}, &p);
    CHECK(p.st == ANDON_EDATA);
    CHECK_SAY(strstr(p.err.text, "found no column called timestamp or time, expected one with times") != NULL,
              "%s", p.err.text);
}

TEST(rows_without_a_time_are_passed_over_and_counted)
{
    struct played p;
    play("when,v\n2024-05-31,1\n,2\nyesterday,3\n2024-06-01,4\n", (struct recording_request){.time = "when"},
         &p);
    CHECK_SAY(strcmp(p.text, "{\"ts\":\"2024-05-31\",\"v\":1}\n{\"ts\":\"2024-06-01\",\"v\":4}\n") == 0, "%s",
              p.text);
    CHECK(p.untimed == 2 && p.line == 3);
}

TEST(a_file_of_one_channel_has_one_column_of_values)
{
    struct played p;
    play("timestamp,value,quality\n2024-05-31,1.5,0\n", (struct recording_request){.channel = "vibration"}, &p);
    CHECK_SAY(strcmp(p.text, "{\"ts\":\"2024-05-31\",\"vibration\":1.5}\n") == 0, "%s%s", p.text, p.err.text);
    play("timestamp,rms\n2024-05-31,1.5\n", (struct recording_request){.channel = "vibration"}, &p);
    CHECK(strcmp(p.text, "{\"ts\":\"2024-05-31\",\"vibration\":1.5}\n") == 0);
    play("timestamp,x,y\n2024-05-31,1,2\n", (struct recording_request){.channel = "vibration"}, &p);
    CHECK(p.st == ANDON_EDATA);
    CHECK_SAY(strstr(p.err.text, "found 2 columns of values, expected one called value") != NULL, "%s",
              p.err.text);
}

TEST(columns_may_be_left_out_and_must_be_there_when_asked_for)
{
    static const char *const drop[] = {"anomaly", "fault"};
    struct played p;
    play("timestamp,v,anomaly,fault\n2024-05-31,1,0,none\n", (struct recording_request){.drop = drop, .drops = 2},
         &p);
    CHECK(strcmp(p.text, "{\"ts\":\"2024-05-31\",\"v\":1}\n") == 0);
    play("timestamp,v\n2024-05-31,1\n", (struct recording_request){.time = "when"}, &p);
    CHECK(p.st == ANDON_EDATA && strstr(p.err.text, "found no column when, expected one with times") != NULL);
    play("timestamp,anomaly\n2024-05-31,1\n", (struct recording_request){.drop = drop, .drops = 2}, &p);
    CHECK(p.st == ANDON_EDATA && strstr(p.err.text, "found no column of values") != NULL);
    play("timestamp,v\n2024-05-31\n", (struct recording_request){0}, &p);
    CHECK(p.st == ANDON_EDATA);
}
