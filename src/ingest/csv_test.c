#include "ingest/csv.h"

#include <unistd.h>
#include <zlib.h>

#include "andon/rng.h"
#include "test.h"

/* A file that is gone with the test. */
struct file {
    char path[64];
};

static struct file file_of_bytes(const void *bytes, size_t size)
{
    struct file f = {"/tmp/andon_csv_test_XXXXXX"};
    int fd = mkstemp(f.path);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) test_fail(__FILE__, __LINE__, "no file");
    close(fd);
    return f;
}

static struct file file_of(const char *text)
{
    return file_of_bytes(text, strlen(text));
}

/* What became of a file: every cell of its rows, joined. */
struct reading {
    andon_status status;
    andon_error err;
    enum csv_header header;
    uint32_t columns;
    char names[256];
    char rows[1024]; /* "1|2|nan;..." */
    size_t count;
};

static void note(char *text, size_t room, const char *format, double value)
{
    size_t length = strlen(text);
    snprintf(text + length, room - length, format, value);
}

static andon_status read_rows(struct csv *csv, uint32_t words, struct reading *r)
{
    for (uint32_t i = 0; i < csv_columns(csv); i++) {
        strncat(r->names, csv_name(csv, i), 40);
        strcat(r->names, "|");
        if (i < words)
            csv_take(csv, i, CSV_WORD, i);
        else
            csv_take(csv, i, CSV_NUMBER, i - words);
    }
    uint32_t numbers = csv_columns(csv) - words;
    for (;;) {
        struct csv_batch b;
        andon_status st = csv_read(csv, 3, &b, &r->err);
        if (st != ANDON_OK || b.rows == 0) return st;
        for (size_t k = 0; k < b.rows && strlen(r->rows) < 900; k++) {
            for (uint32_t i = 0; i < words; i++) {
                strncat(r->rows, b.word[k * words + i].text, b.word[k * words + i].length);
                strcat(r->rows, "|");
            }
            for (uint32_t i = 0; i < numbers; i++)
                note(r->rows, sizeof r->rows, "%g|", b.value[k * numbers + i]);
            note(r->rows, sizeof r->rows, "@%g;", (double)b.line[k]);
        }
        r->count += b.rows;
    }
}

static struct reading read_path(const char *path, bool has_header, uint32_t words)
{
    struct reading r = {0};
    struct csv *csv = NULL;
    r.status = csv_open(&csv, path, has_header, &r.err);
    if (r.status != ANDON_OK) return r;
    r.header = csv_header(csv);
    r.columns = csv_columns(csv);
    r.status = read_rows(csv, words, &r);
    csv_close(csv);
    return r;
}

static struct reading read_text(const char *text, uint32_t words)
{
    struct file f = file_of(text);
    struct reading r = read_path(f.path, true, words);
    unlink(f.path);
    return r;
}

static bool reads(const char *text, uint32_t words, const char *names, const char *rows)
{
    struct reading r = read_text(text, words);
    bool good = r.status == ANDON_OK && strcmp(r.names, names) == 0 && strcmp(r.rows, rows) == 0;
    if (!good) printf("# %s / %s / %s\n", r.err.text, r.names, r.rows);
    return good;
}

/* The error line without the file's name. */
static bool fails(const char *text, uint32_t words, andon_status status, const char *line)
{
    struct reading r = read_text(text, words);
    const char *said = strchr(r.err.text, ':');
    bool good = r.status == status && said != NULL && strcmp(said + 1, line) == 0;
    if (!good) printf("# %s, expected %s\n", r.err.text, line);
    return good;
}

TEST(comma_semicolon_and_tab_are_told_apart)
{
    CHECK(reads("a,b\n1,2\n", 0, "a|b|", "1|2|@2;"));
    CHECK(reads("a;b\n1;2\n", 0, "a|b|", "1|2|@2;"));
    CHECK(reads("a\tb\n1\t2\n", 0, "a|b|", "1|2|@2;"));
    CHECK(reads("Temp, C;Flow, l;p\n1;2;3\n", 0, "Temp, C|Flow, l|p|", "1|2|3|@2;"));
    CHECK(reads("only\n1\n2\n", 0, "only|", "1|@2;2|@3;"));
}

TEST(byte_order_mark_crlf_and_a_missing_last_newline_do_not_matter)
{
    CHECK(reads("\xEF\xBB\xBF"
                "a,b\r\n1,2\r\n3,4",
                0, "a|b|", "1|2|@2;3|4|@3;"));
    CHECK(reads("a,b\n1,2\r\n\r\n\n3,4\n\n", 0, "a|b|", "1|2|@2;3|4|@5;"));
}

TEST(missing_values_are_nan_and_no_zero)
{
    CHECK(reads("a,b,c\n,NaN,null\n1,,NA\n none , nan ,3\n", 0, "a|b|c|",
                "nan|nan|nan|@2;1|nan|nan|@3;nan|nan|3|@4;"));
    CHECK(reads("a\tb\tc\n\t\t\n1\t\t3\n", 0, "a|b|c|", "nan|nan|nan|@2;1|nan|3|@3;"));
}

TEST(quoted_cells_follow_rfc_4180)
{
    CHECK(reads("\"a,x\",\"b\"\"q\"\n\"one, \"\"two\"\"\n3\",\"4.5\"\nx, \"6\" \n", 1, "a,x|b\"q|",
                "one, \"two\"\n3|4.5|@2;x|6|@4;"));
    CHECK(fails("a,b\n1,\"2\n3,4\n", 0, ANDON_EDATA, "2: found a quote that is not closed"));
    CHECK(fails("a,b\n1,\"2\"x\n", 0, ANDON_EDATA,
                "2: found 'x' behind a closing quote, expected a delimiter or the line's end"));
}

TEST(a_first_line_of_values_is_no_header)
{
    struct reading r = read_text("1,2,4\n4,5,6\n", 0);
    CHECK(r.status == ANDON_OK && r.header == CSV_HEADER_ABSENT && r.count == 2);
    CHECK(strcmp(r.names, "c0|c1|c2|") == 0);
    r = read_text("2020-01-01 00:00:00,1,\n2020-01-01 00:01:00,2,3\n", 1);
    CHECK(r.status == ANDON_OK && r.header == CSV_HEADER_ABSENT && r.count == 2);
}

TEST(names_that_count_the_columns_are_a_header)
{
    struct reading r = read_text("0,1,2\n4,5,6\n", 0);
    CHECK(r.status == ANDON_OK && r.header == CSV_HEADER_READ && r.count == 1);
    r = read_text(",0,1,2\n0,4,5,6\n", 0);
    CHECK(r.status == ANDON_OK && r.header == CSV_HEADER_READ && strcmp(r.names, "c0|0|1|2|") == 0);
}

TEST(no_header_names_the_columns_by_number)
{
    struct file f = file_of("1,2\n3,4\n");
    struct reading r = read_path(f.path, false, 0);
    unlink(f.path);
    CHECK(r.header == CSV_HEADER_OFF && strcmp(r.rows, "1|2|@1;3|4|@2;") == 0);
}

TEST(an_error_names_file_line_column_found_and_expected)
{
    CHECK(fails("", 0, ANDON_EDATA, " the file is empty, expected a header and rows"));
    CHECK(fails("\n\n", 0, ANDON_EDATA, " the file is empty, expected a header and rows"));
    CHECK(fails("a,b\n1,2\n3\n", 0, ANDON_EDATA,
                "3: found 1 cell, expected 2 as in the header line"));
    CHECK(fails("a,b\n1,2,3,4\n", 0, ANDON_EDATA,
                "2: found 4 cells, expected 2 as in the header line"));
    CHECK(fails("a,b\n1,2\n3,high\n", 0, ANDON_EDATA,
                "3: column b: found \"high\", expected a number"));
    CHECK(fails("a,b\n1,inf\n", 0, ANDON_EDATA, "2: column b: found \"inf\", expected a number"));
    CHECK(fails("a,b\n1,0x10\n", 0, ANDON_EDATA, "2: column b: found \"0x10\", expected a number"));
    CHECK(fails("a;b\n1;1,5\n", 0, ANDON_EDATA, "2: column b: found \"1,5\", expected a number"));
    CHECK(fails("a,b,a\n1,2,3\n", 0, ANDON_EDATA,
                "1: columns 1 and 3 are both named a, expected each name once"));
}

TEST(what_is_no_text_is_refused_with_its_first_odd_byte)
{
    static const char elf[] = "\177ELF\2\1\1\0\0\0";
    struct file f = file_of_bytes(elf, sizeof elf);
    struct reading r = read_path(f.path, true, 0);
    unlink(f.path);
    CHECK(r.status == ANDON_EDATA);
    CHECK(strstr(r.err.text, "not a CSV: found byte 0x02 at offset 4, expected text") != NULL);
    static const char wide[] = "\xFF\xFE"
                               "a\0,\0b\0\n";
    f = file_of_bytes(wide, sizeof wide);
    r = read_path(f.path, true, 0);
    unlink(f.path);
    CHECK(r.status == ANDON_EDATA && strstr(r.err.text, "UTF-16, expected UTF-8") != NULL);
}

TEST(a_missing_path_and_a_directory_are_named)
{
    struct reading r = read_path("/nowhere/at.csv", true, 0);
    CHECK(r.status == ANDON_EIO);
    CHECK(strcmp(r.err.text, "/nowhere/at.csv: cannot open: No such file or directory") == 0);
    r = read_path("/tmp", true, 0);
    CHECK(r.status == ANDON_EIO);
    CHECK(strcmp(r.err.text, "/tmp: is a directory, expected a file") == 0);
}

TEST(ten_thousand_columns_are_refused_in_one_line)
{
    static char text[200000];
    size_t at = 0;
    for (int i = 0; i < 10000; i++) at += (size_t)sprintf(text + at, "%sc%d", i ? "," : "", i);
    text[at] = '\n';
    struct file f = file_of_bytes(text, at + 1);
    struct reading r = read_path(f.path, true, 0);
    unlink(f.path);
    CHECK(r.status == ANDON_ELIMIT);
    CHECK(strstr(r.err.text, "1: found 10000 columns, expected at most 4104") != NULL);
}

TEST(a_row_over_the_limit_is_refused_and_one_below_is_read)
{
    size_t size = 3 * (size_t)CSV_LINE_MAX;
    char *text = malloc(size);
    CHECK(text != NULL);
    memset(text, ' ', size);
    memcpy(text, "a,b\n1,2\n3,", 10);
    struct file f = file_of_bytes(text, size);
    struct reading r = read_path(f.path, true, 0);
    unlink(f.path);
    CHECK(r.status == ANDON_ELIMIT && strstr(r.err.text, ":3: a row of more than 1048576") != NULL);
    text[CSV_LINE_MAX - 3] = '4';
    text[CSV_LINE_MAX - 2] = '\n';
    f = file_of_bytes(text, CSV_LINE_MAX - 1);
    r = read_path(f.path, true, 0);
    unlink(f.path);
    free(text);
    CHECK(r.status == ANDON_OK && strcmp(r.rows, "1|2|@2;3|4|@3;") == 0);
}

/* Rows of many lengths, so that reads end at every place of a row. */
static char *long_text(size_t rows, size_t *size)
{
    char *text = malloc(rows * 64 + 64);
    if (text == NULL) abort();
    size_t at = (size_t)sprintf(text, "t,a,b\n");
    for (size_t i = 0; i < rows; i++)
        at += (size_t)sprintf(text + at, i % 7 == 0 ? "\"q\n%zu\",%zu,%.9g\n" : "w%zu,%zu,%.9g\n",
                              i, i * i, 1.0 / (double)(i + 1));
    *size = at;
    return text;
}

static size_t rows_as_written(const char *path, size_t rows)
{
    struct csv *csv;
    struct csv_batch b;
    if (csv_open(&csv, path, true, NULL) != ANDON_OK) return 0;
    csv_take(csv, 0, CSV_WORD, 0);
    csv_take(csv, 2, CSV_NUMBER, 0); /* the file's order is not the caller's */
    csv_take(csv, 1, CSV_NUMBER, 1);
    size_t seen = 0, good = 0;
    uint64_t line = 2;
    while (csv_read(csv, 257, &b, NULL) == ANDON_OK && b.rows > 0 && seen < rows)
        for (size_t k = 0; k < b.rows; k++, seen++) {
            char word[32], part[32];
            sprintf(word, seen % 7 == 0 ? "q\n%zu" : "w%zu", seen);
            sprintf(part, "%.9g", 1.0 / (double)(seen + 1));
            good += b.word[k].length == strlen(word) &&
                    memcmp(b.word[k].text, word, strlen(word)) == 0 &&
                    b.value[2 * k] == strtod(part, NULL) &&
                    b.value[2 * k + 1] == (double)(seen * seen) && b.line[k] == line;
            line += seen % 7 == 0 ? 2 : 1;
        }
    csv_close(csv);
    return good;
}

TEST(every_row_of_a_file_longer_than_the_window_arrives_once)
{
    size_t size, rows = 100000;
    char *text = long_text(rows, &size);
    struct file f = file_of_bytes(text, size);
    free(text);
    size_t good = rows_as_written(f.path, rows);
    unlink(f.path);
    CHECK_SAY(good == rows, "%zu of %zu", good, rows);
}

enum { MIXED_ROWS = 4000 };

/* Mostly plain rows, now and then what makes two rows differ: blank and quoted cells, a newline in
 * quotes, an empty line, a \r, long numbers, an overflow of the sum. */
static struct file mixed_file(void)
{
    static const char *const rare[] = {
        "w,,2.5,nan\n",           "\"a\nb\",1.5,2.5,3.5\n", "\n",        "w,1.5, 2.5 ,3.5\r\n",
        "w,\"1.5\",2.5,3.5\n",    "w,123456.7890123,-2,+3e2\n", "\"\n\n\",1,2,3\n",
        "w,1e308,1e308,-1e308\n"};
    char *text = malloc(MIXED_ROWS * 64), *at = text;
    struct andon_rng rng;
    andon_rng_seed(&rng, 5);
    if (text == NULL) test_fail(__FILE__, __LINE__, "no memory");
    at += sprintf(at, "word,a,b,c\n");
    for (int i = 0; i < MIXED_ROWS; i++)
        if (andon_rng_below(&rng, 40) == 0)
            at += sprintf(at, "%s", rare[andon_rng_below(&rng, sizeof rare / sizeof *rare)]);
        else
            at += sprintf(at, "r%d,%.3f,%d,%.1f\n", i, andon_rng_real(&rng) - 0.5, i % 10, i * 0.7);
    struct file f = file_of_bytes(text, (size_t)(at - text));
    free(text);
    return f;
}

/* The rows of a file as bytes, `batch` at a time: values, line and word of each. */
static size_t rows_as_bytes(const char *path, size_t batch, char *bytes)
{
    struct csv *csv = NULL;
    struct csv_batch b;
    char *at = bytes;
    if (csv_open(&csv, path, true, NULL) != ANDON_OK) return 0;
    csv_take(csv, 0, CSV_WORD, 0);
    for (uint32_t i = 1; i < 4; i++) csv_take(csv, i, CSV_NUMBER, i - 1);
    while (csv_read(csv, batch, &b, NULL) == ANDON_OK && b.rows > 0)
        for (size_t k = 0; k < b.rows; k++) {
            memcpy(at, b.value + 3 * k, 3 * sizeof *b.value);
            memcpy(at + 24, b.line + k, sizeof *b.line);
            memcpy(at + 32, b.word[k].text, b.word[k].length);
            at += 32 + b.word[k].length;
        }
    csv_close(csv);
    return (size_t)(at - bytes);
}

TEST(rows_read_two_at_once_are_the_rows_read_one_by_one)
{
    static char alone[MIXED_ROWS * 64], together[MIXED_ROWS * 64];
    static const size_t batches[] = {2, 3, 64, 1000};
    struct file f = mixed_file();
    size_t size = rows_as_bytes(f.path, 1, alone);
    CHECK(size > (size_t)MIXED_ROWS * 34);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        CHECK(rows_as_bytes(f.path, batches[i], together) == size);
        CHECK_SAY(memcmp(alone, together, size) == 0, "%zu rows at a time", batches[i]);
    }
    unlink(f.path);
}

static struct file gzip_of(const char *text, size_t size, int members)
{
    struct file f = {"/tmp/andon_csv_test_XXXXXX"};
    close(mkstemp(f.path));
    for (int i = 0; i < members; i++) {
        size_t from = size * (size_t)i / (size_t)members;
        size_t to = size * (size_t)(i + 1) / (size_t)members;
        gzFile gz = gzopen(f.path, "ab");
        if (gzwrite(gz, text + from, (unsigned)(to - from)) == 0)
            test_fail(__FILE__, __LINE__, "gzwrite");
        gzclose(gz);
    }
    return f;
}

TEST(gzip_reads_like_plain_text_also_in_several_members)
{
    size_t size, rows = 50000;
    char *text = long_text(rows, &size);
    for (int members = 1; members <= 3; members++) {
        struct file f = gzip_of(text, size, members);
        size_t good = rows_as_written(f.path, rows);
        unlink(f.path);
        CHECK_SAY(good == rows, "%d members: %zu of %zu", members, good, rows);
    }
    free(text);
}

TEST(a_cut_or_damaged_gzip_file_is_an_error)
{
    size_t size;
    char *text = long_text(50000, &size);
    struct file f = gzip_of(text, size, 1);
    free(text);
    static char bytes[1 << 20];
    FILE *in = fopen(f.path, "rb");
    size_t packed = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    unlink(f.path);
    for (size_t cut = 20; cut < packed; cut += packed / 7) {
        struct file half = file_of_bytes(bytes, packed - cut);
        struct reading r = read_path(half.path, true, 1);
        unlink(half.path);
        CHECK_SAY(r.status == ANDON_EDATA && strstr(r.err.text, "gzip data") != NULL, "cut %zu: %s",
                  cut, r.err.text);
    }
    memset(bytes + packed / 2, 0x55, 64);
    f = file_of_bytes(bytes, packed);
    struct reading r = read_path(f.path, true, 1);
    unlink(f.path);
    CHECK(r.status == ANDON_EDATA);
}

TEST(a_sample_shows_the_first_row_and_consumes_nothing)
{
    struct file f = file_of("t,a\n\"2020-01-01, early\",5\nx,6\n");
    struct csv *csv;
    CHECK(csv_open(&csv, f.path, true, NULL) == ANDON_OK);
    char text[64];
    CHECK(csv_sample(csv, 0, text, sizeof text) && strcmp(text, "2020-01-01, early") == 0);
    CHECK(csv_sample(csv, 1, text, sizeof text) && strcmp(text, "5") == 0);
    struct reading r = {0};
    CHECK(read_rows(csv, 1, &r) == ANDON_OK && r.count == 2);
    CHECK(csv_find(csv, "a") == 1 && csv_find(csv, "b") == CSV_NONE);
    csv_close(csv);
    unlink(f.path);
}
