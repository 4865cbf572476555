#include "serve/pieces.h"

#include <string.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_blanks(const char *body, size_t at, size_t length)
{
    while (at < length && blank(body[at])) at++;
    return at;
}

enum pieces_shape pieces_shape(const char *body, size_t length)
{
    size_t at = skip_blanks(body, 0, length);
    return at < length && body[at] == '[' ? PIECES_ARRAY : PIECES_OBJECTS;
}

void pieces_begin(struct pieces *p, enum pieces_shape shape, char *body, size_t length)
{
    *p = (struct pieces){.body = body, .length = length, .shape = shape};
}

/* Between two JSON values: behind one's last bracket and before the next one's first. Within a
 * value a comma would stand there, and strings hold no newlines. */
static bool between_values(const struct pieces *p, size_t newline)
{
    size_t before = newline, behind = skip_blanks(p->body, newline, p->length);
    while (before > p->at && blank(p->body[before - 1])) before--;
    if (before == p->at || behind == p->length) return false;
    char last = p->body[before - 1], first = p->body[behind];
    return (last == '}' || last == ']') && (first == '{' || first == '[');
}

static bool cuts(const struct pieces *p, size_t newline)
{
    return p->shape == PIECES_LINES || between_values(p, newline);
}

/* Behind the last newline within bytes_max at which one can cut, or else behind the first later
 * one. */
static size_t line_end(const struct pieces *p, size_t bytes_max)
{
    if (p->length - p->at <= bytes_max) return p->length;
    for (size_t reach = p->at + bytes_max; reach > p->at;) {
        const char *newline = memrchr(p->body + p->at, '\n', reach - p->at);
        if (newline == NULL) break;
        reach = (size_t)(newline - p->body);
        if (cuts(p, reach)) return reach + 1;
    }
    for (size_t from = p->at + bytes_max; from < p->length;) {
        const char *newline = memchr(p->body + from, '\n', p->length - from);
        if (newline == NULL) break;
        from = (size_t)(newline - p->body) + 1;
        if (cuts(p, from - 1)) return from;
    }
    return p->length;
}

/* As the codecs count: lines that hold something; in line protocol, comments are nothing. */
static bool counts(enum pieces_shape shape, const char *text, size_t from, size_t end)
{
    from = skip_blanks(text, from, end);
    return from < end && !(shape == PIECES_LINES && text[from] == '#');
}

static uint32_t lines_in(enum pieces_shape shape, const char *text, size_t length)
{
    uint32_t lines = 0;
    for (size_t at = 0; at < length;) {
        const char *newline = memchr(text + at, '\n', length - at);
        size_t end = newline == NULL ? length : (size_t)(newline - text);
        lines += counts(shape, text, at, end);
        at = end + 1;
    }
    return lines;
}

static bool next_lines(struct pieces *p, size_t bytes_max, struct piece *piece)
{
    p->at = skip_blanks(p->body, p->at, p->length);
    if (p->at == p->length) return false;
    size_t end = line_end(p, bytes_max);
    piece->text = (struct text){p->body + p->at, (uint32_t)(end - p->at)};
    piece->elements = lines_in(p->shape, piece->text.at, piece->text.length);
    p->at = end;
    return true;
}

/* The ',' or closing bracket behind the value at, or length when there is none. */
static size_t value_end(const char *body, size_t at, size_t length)
{
    uint32_t depth = 0;
    for (; at < length; at++) {
        char c = body[at];
        if (c == '"') {
            for (at++; at < length && body[at] != '"'; at++) at += body[at] == '\\';
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return at;
            depth--;
        } else if (c == ',' && depth == 0) {
            return at;
        }
    }
    return length;
}

static bool rest(struct pieces *p, struct piece *piece)
{
    piece->text = (struct text){p->body + p->at, (uint32_t)(p->length - p->at)};
    piece->opened = p->inside;
    piece->elements = 1;
    p->inside = false;
    p->at = p->length;
    return true;
}

static bool next_elements(struct pieces *p, size_t bytes_max, struct piece *piece)
{
    p->at = skip_blanks(p->body, p->at, p->length);
    if (p->at == p->length && !p->inside) return false;
    if (!p->inside) {
        if (p->begun || p->body[p->at] != '[') return rest(p, piece); /* nothing belongs there */
        p->begun = p->inside = true;
        p->at = skip_blanks(p->body, p->at + 1, p->length);
    }
    if (p->at == p->length) { /* it is not closed */
        p->inside = false;
        piece->broken = true;
        return true;
    }
    size_t from = p->at, end = p->at;
    uint32_t elements = 0;
    do {
        size_t stop = value_end(p->body, elements == 0 ? from : end + 1, p->length);
        if (stop == p->length || p->body[stop] == '}') {
            if (elements > 0) break; /* what is whole comes first */
            return rest(p, piece);
        }
        if (elements > 0 && stop - from > bytes_max) break;
        end = stop;
        elements++;
    } while (p->body[end] == ',');
    p->separator = p->body[end];
    p->body[end] = ']';
    p->inside = p->separator == ',';
    piece->text = (struct text){p->body + from, (uint32_t)(end + 1 - from)};
    piece->opened = true;
    piece->elements = elements;
    p->at = end + 1;
    return true;
}

bool pieces_next(struct pieces *p, size_t bytes_max, struct piece *piece)
{
    *piece = (struct piece){0};
    if (bytes_max == 0) bytes_max = 1;
    return p->shape == PIECES_ARRAY ? next_elements(p, bytes_max, piece)
                                    : next_lines(p, bytes_max, piece);
}

void pieces_back(struct pieces *p, const struct piece *piece)
{
    size_t from = (size_t)(piece->text.at - p->body);
    if (p->shape == PIECES_ARRAY) {
        size_t end = from + piece->text.length - 1;
        if (piece->opened && p->at == end + 1 && p->separator != 0) p->body[end] = p->separator;
        p->inside = piece->opened;
    }
    p->at = from;
}

/* The nth non-blank line. */
static bool line_at(enum pieces_shape shape, struct text body, uint32_t index, struct text *element)
{
    for (size_t at = 0; at < body.length;) {
        const char *newline = memchr(body.at + at, '\n', body.length - at);
        size_t end = newline == NULL ? body.length : (size_t)(newline - body.at);
        size_t first = skip_blanks(body.at, at, end);
        if (counts(shape, body.at, first, end) && index-- == 0) {
            *element = (struct text){body.at + first, (uint32_t)(end - first)};
            return true;
        }
        at = end + 1;
    }
    return false;
}

bool pieces_element(enum pieces_shape shape, struct text body, uint32_t index, struct text *element)
{
    if (shape != PIECES_ARRAY) return line_at(shape, body, index, element);
    size_t at = skip_blanks(body.at, 0, body.length);
    if (at == body.length || body.at[at] != '[') return false;
    for (at++; at < body.length; at++) {
        size_t end = value_end(body.at, at, body.length);
        if (end == body.length || body.at[end] == '}') return false;
        if (index-- == 0) {
            at = skip_blanks(body.at, at, end);
            while (end > at && blank(body.at[end - 1])) end--;
            *element = (struct text){body.at + at, (uint32_t)(end - at)};
            return end > at;
        }
        if (body.at[end] == ']') return false;
        at = end;
    }
    return false;
}
