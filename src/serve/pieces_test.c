#include "serve/pieces.h"

#include <stdlib.h>

#include "test.h"

/* All pieces of text, with '|' between them and "[" in front of opened ones. */
static const char *cut(enum pieces_shape shape, const char *text, size_t bytes_max)
{
    static char out[4096];
    char body[1024];
    struct pieces p;
    struct piece piece;
    size_t used = 0;
    snprintf(body, sizeof body, "%s", text);
    pieces_begin(&p, shape, body, strlen(body));
    while (pieces_next(&p, bytes_max, &piece))
        used += (size_t)(piece.broken
                             ? snprintf(out + used, sizeof out - used, "%s!", used > 0 ? "|" : "")
                             : snprintf(out + used, sizeof out - used, "%s%s%.*s#%u",
                                        used > 0 ? "|" : "", piece.opened ? "[" : "",
                                        (int)piece.text.length, piece.text.at, piece.elements));
    out[used] = 0;
    return out;
}

static bool gives(enum pieces_shape shape, const char *text, size_t bytes_max, const char *expected)
{
    const char *got = cut(shape, text, bytes_max);
    if (strcmp(got, expected) == 0) return true;
    fprintf(stderr, "# %s: %s, expected %s\n", text, got, expected);
    return false;
}

TEST(lines_are_cut_at_newlines)
{
    CHECK(gives(PIECES_LINES, "a 1\nb 2\nc 3\n", 100, "a 1\nb 2\nc 3\n#3"));
    CHECK(gives(PIECES_LINES, "a 1\nb 2\nc 3\n", 8, "a 1\nb 2\n#2|c 3\n#1"));
    CHECK(gives(PIECES_LINES, "a 1\nb 2\nc 3", 7, "a 1\n#1|b 2\nc 3#2"));
    CHECK(gives(PIECES_LINES, "long line\nb", 3, "long line\n#1|b#1"));
    CHECK(gives(PIECES_LINES, "\n \n\r\n", 2, ""));
    CHECK(gives(PIECES_LINES, "\n\na\n\n\nb\n\n", 100, "a\n\n\nb\n\n#2"));
    CHECK(gives(PIECES_LINES, "", 10, ""));
    CHECK(gives(PIECES_LINES, "# c\na\n #d\nb", 100, "# c\na\n #d\nb#2"));
}

TEST(objects_are_cut_between_values_alone)
{
    CHECK(gives(PIECES_OBJECTS, "{\"a\":1}\n{\"b\":2}\n", 10, "{\"a\":1}\n#1|{\"b\":2}\n#1"));
    CHECK(gives(PIECES_OBJECTS, "{\"a\":\n{\"b\":2}\n}", 3, "{\"a\":\n{\"b\":2}\n}#3"));
    CHECK(gives(PIECES_OBJECTS, "{\"a\":[{}\n,{}]\n}\n{}", 4, "{\"a\":[{}\n,{}]\n}\n#3|{}#1"));
    CHECK(gives(PIECES_OBJECTS, "{}\r\n{}\r\n", 3, "{}\r\n#1|{}\r\n#1"));
    CHECK(gives(PIECES_OBJECTS, "{}\nrubbish\n{}\n{}", 12, "{}\nrubbish\n{}\n#3|{}#1"));
}

TEST(arrays_are_cut_between_elements_and_stay_arrays)
{
    CHECK(gives(PIECES_ARRAY, "[{\"a\":1},{\"b\":2}]", 100, "[{\"a\":1},{\"b\":2}]#2"));
    CHECK(gives(PIECES_ARRAY, "[{\"a\":1},{\"b\":2}]", 8, "[{\"a\":1}]#1|[{\"b\":2}]#1"));
    CHECK(gives(PIECES_ARRAY, " [ 1 , 22 , 333 ] ", 8, "[1 , 22 ]#2|[333 ]#1"));
    CHECK(
        gives(PIECES_ARRAY, "[\"],\\\"[\",{\"x\":\"}\"}]", 1, "[\"],\\\"[\"]#1|[{\"x\":\"}\"}]#1"));
    CHECK(gives(PIECES_ARRAY, "[[1,2],[3,[4]]]", 1, "[[1,2]]#1|[[3,[4]]]#1"));
}

TEST(a_broken_array_gives_its_whole_elements_and_the_rest)
{
    CHECK(gives(PIECES_ARRAY, "[1,2,{\"a\":3", 100, "[1,2]#2|[{\"a\":3#1"));
    CHECK(gives(PIECES_ARRAY, "[1,2] x", 100, "[1,2]#2|x#1"));
    CHECK(gives(PIECES_ARRAY, "[1}", 100, "[1}#1"));
    CHECK(gives(PIECES_ARRAY, "[1][2]", 100, "[1]#1|[2]#1"));
    CHECK(gives(PIECES_ARRAY, "[\"a", 100, "[\"a#1"));
    CHECK(gives(PIECES_ARRAY, "[\"a\\", 100, "[\"a\\#1"));
    CHECK(gives(PIECES_ARRAY, "[1, ", 100, "[1]#1|!"));
    CHECK(gives(PIECES_ARRAY, " [ ", 100, "!"));
    CHECK(gives(PIECES_ARRAY, "[]", 100, "[]#1"));
}

TEST(a_piece_that_is_taken_back_is_cut_smaller)
{
    char body[] = "[10,20,30,40]";
    struct pieces p;
    struct piece piece;
    pieces_begin(&p, PIECES_ARRAY, body, strlen(body));
    CHECK(pieces_next(&p, 6, &piece) && text_is(piece.text, TEXT("10,20]")));
    pieces_back(&p, &piece);
    CHECK(strcmp(body, "[10,20,30,40]") == 0);
    CHECK(pieces_next(&p, 1, &piece) && text_is(piece.text, TEXT("10]")));
    CHECK(pieces_next(&p, 100, &piece) && text_is(piece.text, TEXT("20,30,40]")));
    pieces_back(&p, &piece);
    CHECK(pieces_next(&p, 5, &piece) && text_is(piece.text, TEXT("20,30]")));
    CHECK(pieces_next(&p, 5, &piece) && text_is(piece.text, TEXT("40]")));
    CHECK(!pieces_next(&p, 5, &piece));
}

/* Whatever is cut, and wherever: what comes out is what went in. */
TEST(pieces_put_together_are_the_body)
{
    static const char text[] =
        "{\"a\":[1,{\"b\":\"\\\"}\\n\"}]}\n\n{\"c\":{}}\r\n[{\"d\":1}]\nx\n{}";
    for (size_t bytes = 1; bytes < sizeof text + 2; bytes++) {
        for (int shape = PIECES_LINES; shape <= PIECES_OBJECTS; shape++) {
            char body[sizeof text], got[2 * sizeof text] = "", wanted[sizeof text];
            struct pieces p;
            struct piece piece;
            memcpy(body, text, sizeof text);
            pieces_begin(&p, (enum pieces_shape)shape, body, sizeof text - 1);
            while (pieces_next(&p, bytes, &piece)) strncat(got, piece.text.at, piece.text.length);
            /* Without blanks between values. */
            size_t g = 0, w = 0;
            for (size_t i = 0; got[i] != 0; i++)
                if (got[i] != '\n' && got[i] != '\r') got[g++] = got[i];
            for (size_t i = 0; text[i] != 0; i++)
                if (text[i] != '\n' && text[i] != '\r') wanted[w++] = text[i];
            CHECK(g == w && memcmp(got, wanted, g) == 0);
        }
    }
}

TEST(an_element_is_found_by_its_index)
{
    struct text e;
    CHECK(pieces_element(PIECES_ARRAY, TEXT(" [ {\"a\":\"],\"} , 2,[3]]"), 0, &e));
    CHECK(text_is(e, TEXT("{\"a\":\"],\"}")));
    CHECK(pieces_element(PIECES_ARRAY, TEXT("[1, 2 ,[3]]"), 1, &e) && text_is(e, TEXT("2")));
    CHECK(pieces_element(PIECES_ARRAY, TEXT("[1,2,[3]]"), 2, &e) && text_is(e, TEXT("[3]")));
    CHECK(!pieces_element(PIECES_ARRAY, TEXT("[1,2,[3]]"), 3, &e));
    CHECK(!pieces_element(PIECES_ARRAY, TEXT("[1,2"), 1, &e) &&
          !pieces_element(PIECES_ARRAY, TEXT("[]"), 0, &e));
    CHECK(!pieces_element(PIECES_ARRAY, TEXT(""), 0, &e) &&
          !pieces_element(PIECES_ARRAY, TEXT("["), 0, &e));
    CHECK(pieces_element(PIECES_LINES, TEXT("a\n\n  b\r\nc"), 1, &e) && text_is(e, TEXT("b\r")));
    CHECK(!pieces_element(PIECES_LINES, TEXT("a\n\n"), 1, &e));
    CHECK(pieces_element(PIECES_LINES, TEXT("a\n#\nc"), 1, &e) && text_is(e, TEXT("c")));
    CHECK(pieces_element(PIECES_OBJECTS, TEXT("{}\n#\n{}"), 1, &e) && text_is(e, TEXT("#")));
}
