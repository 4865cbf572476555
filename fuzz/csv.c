/* Fuzzes the CSV reader: any bytes, as a header with rows, must be read or refused, never crash,
 * loop or read beyond their end. The first byte of the input says how the columns are used. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingest/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a path. */
static int memory_file(const uint8_t *data, size_t size, char path[64])
{
    int fd = memfd_create("csv", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void read_columns(const char *path, uint8_t use)
{
    struct csv *csv = NULL;
    struct csv_batch batch = {0};
    andon_error err = {{0}};
    andon_status st = csv_open(&csv, path, (use & 1) != 0, &err);
    if (st != ANDON_OK && err.text[0] == 0) abort(); /* every refusal says why */
    if (st != ANDON_OK) return;
    uint32_t slot[2] = {0, 0};
    for (uint32_t i = 0; i < csv_columns(csv); i++) {
        uint32_t kind = (i ^ (uint32_t)(use >> 1)) % 3;
        if (csv_find(csv, csv_name(csv, i)) != i) abort();
        if (kind == 0) csv_take(csv, i, CSV_NUMBER, slot[0]++);
        if (kind == 1) csv_take(csv, i, CSV_WORD, slot[1]++);
    }
    do {
        st = csv_read(csv, 7, &batch, &err);
        if (st != ANDON_OK && err.text[0] == 0) abort();
        for (size_t k = 0; st == ANDON_OK && k < batch.rows * slot[1]; k++)
            if (batch.word[k].length >= CSV_TEXT_MAX) abort();
    } while (st == ANDON_OK && batch.rows > 0);
    csv_close(csv);
}

static void read_table(const char *path, uint8_t use)
{
    const char *const paths[1] = {path};
    struct table table;
    struct table_request request = {.path = paths,
                                    .paths = 1,
                                    .columns = {.no_header = (use & 2) != 0,
                                                .time = (use & 4) != 0 ? "" : NULL,
                                                .label = (use & 8) != 0 ? "b" : NULL,
                                                .regime = (use & 16) != 0 ? "c" : NULL},
                                    .end = 100000};
    andon_error err = {{0}};
    andon_status st = table_read(&table, &request, &err);
    if (st != ANDON_OK && err.text[0] == 0) abort();
    if (st == ANDON_OK) st = table_check(&table, path, &err);
    table_free(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    if (size == 0) return 0;
    int fd = memory_file(data + 1, size - 1, path);
    read_columns(path, data[0]);
    read_table(path, data[0]);
    close(fd);
    return 0;
}
