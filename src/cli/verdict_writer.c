#include "cli/verdict_writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/number.h"

enum { PLAIN_BYTES = 256 }; /* of a row: its numbers, state and reason */
#define SHARE_DIGITS 9      /* a float read back                        */

/* Copies a cell, quoted if it must be; returns the bytes written, at most 2 * length + 2. */
static size_t write_cell(char *at, const char *text, size_t length)
{
    bool quote = false;
    for (size_t i = 0; i < length; i++)
        quote |= text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
    if (!quote) {
        memcpy(at, text, length);
        return length;
    }
    char *start = at;
    *at++ = '"';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') *at++ = '"';
        *at++ = text[i];
    }
    *at++ = '"';
    return (size_t)(at - start);
}

static size_t write_whole(char *at, uint64_t value)
{
    char digits[20];
    size_t n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    for (size_t i = 0; i < n; i++) at[i] = digits[n - 1 - i];
    return n;
}

static size_t write_text(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length);
    return length;
}

static void write_header(struct verdict_writer *w)
{
    static const char columns[] =
        "row,timestamp,score,p_value,is_anomaly,state,reason,channel,share";
    output_bytes(w->out, columns, sizeof columns - 1);
    for (uint32_t i = 0; w->explain && i < w->channels; i++) {
        /* "contrib_" goes inside the quotes of a quoted name. */
        bool quoted = w->name[i][0] == '"';
        const char *start = quoted ? ",\"contrib_" : ",contrib_";
        output_bytes(w->out, start, strlen(start));
        output_bytes(w->out, w->name[i] + quoted, strlen(w->name[i]) - quoted);
    }
    output_bytes(w->out, "\n", 1);
}

andon_status verdict_writer_start(struct verdict_writer *w, struct output *out,
                                  const struct andon_recipe *recipe, bool explain, andon_error *err)
{
    uint32_t channels = andon_recipe_channels(recipe);
    *w = (struct verdict_writer){.out = out, .channels = channels, .explain = explain};
    w->name = calloc(channels, sizeof *w->name);
    for (uint32_t i = 0; w->name != NULL && i < channels; i++) {
        const char *name = andon_recipe_channel(recipe, i);
        w->name[i] = calloc(1, 2 * strlen(name) + 3);
        if (w->name[i] == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the names");
        write_cell(w->name[i], name, strlen(name));
    }
    if (w->name == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the names");
    w->row_bytes =
        PLAIN_BYTES + 2 * ANDON_NAME_MAX + 4 + (explain ? (size_t)channels * (NUMBER_ROOM + 1) : 0);
    write_header(w);
    return ANDON_OK;
}

void verdict_writer_end(struct verdict_writer *w)
{
    for (uint32_t i = 0; w->name != NULL && i < w->channels; i++) free(w->name[i]);
    free(w->name);
    *w = (struct verdict_writer){0};
}

/* The leading channel and its part: nothing and nan where the row was not judged, nothing and 0
 * where no channel stands out. */
static char *write_lead(const struct verdict_writer *w, char *at, const struct andon_verdict *v)
{
    bool lead = v->channel < w->channels;
    if (lead) at += write_text(at, w->name[v->channel]);
    *at++ = ',';
    double share = lead ? (double)v->share : isnan(v->score) ? (double)NAN : 0.0;
    return at + number_write(at, share, SHARE_DIGITS);
}

void verdict_writer_row(struct verdict_writer *w, struct csv_cell time,
                        const struct andon_verdict *v, const float *share)
{
    char *row = output_room(w->out, w->row_bytes + 2 * (size_t)time.length + 2), *at = row;
    at += write_whole(at, w->row++);
    *at++ = ',';
    at += write_cell(at, time.text, time.length);
    *at++ = ',';
    at += number_write(at, v->score, 17);
    *at++ = ',';
    at += number_write(at, v->p_value, 6);
    *at++ = ',';
    *at++ = v->is_anomaly != 0 ? '1' : '0';
    *at++ = ',';
    at += write_text(at, andon_state_name((enum andon_state)v->state));
    *at++ = ',';
    at += write_text(at, andon_reason_name((enum andon_reason)v->reason));
    *at++ = ',';
    at = write_lead(w, at, v);
    for (uint32_t i = 0; w->explain && i < w->channels; i++) {
        *at++ = ',';
        at += number_write(at, (double)share[i], SHARE_DIGITS);
    }
    *at++ = '\n';
    output_fill(w->out, (size_t)(at - row));
}
