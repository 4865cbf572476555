#include "andon/status.h"

#include "test.h"

TEST(a_failure_returns_its_status_and_says_one_line)
{
    andon_error err;
    CHECK(andon_fail(&err, ANDON_EDATA, "row %d of \"%s\"", 7, "pump.csv") == ANDON_EDATA);
    CHECK(strcmp(err.text, "row 7 of \"pump.csv\"") == 0);
    CHECK(andon_fail(NULL, ANDON_EIO, "nobody listens to %d", 1) == ANDON_EIO);
}

TEST(a_line_that_is_too_long_is_cut_not_spilled)
{
    struct {
        andon_error err;
        char guard;
    } room = {.guard = 'g'};
    char name[1000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    CHECK(andon_fail(&room.err, ANDON_EINVAL, "%s", name) == ANDON_EINVAL);
    CHECK(strlen(room.err.text) == sizeof room.err.text - 1 && room.guard == 'g');
}

TEST(every_status_has_its_constants_name)
{
    static const struct {
        andon_status status;
        const char *name;
    } all[] = {{ANDON_OK, "ANDON_OK"},           {ANDON_EINVAL, "ANDON_EINVAL"},
               {ANDON_EDATA, "ANDON_EDATA"},     {ANDON_EFORMAT, "ANDON_EFORMAT"},
               {ANDON_ENOMEM, "ANDON_ENOMEM"},   {ANDON_ELIMIT, "ANDON_ELIMIT"},
               {ANDON_EIO, "ANDON_EIO"},         {ANDON_ESTOP, "ANDON_ESTOP"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        CHECK(strcmp(andon_status_name(all[i].status), all[i].name) == 0);
    CHECK(strcmp(andon_status_name((andon_status)99), "unknown status") == 0);
}
