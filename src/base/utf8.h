/* UTF-8 (RFC 3629): shortest forms, no surrogates, nothing beyond U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* utf8_next reads the character at text[0..left) and gives its bytes, 1 to 4; 0: there is none, and
 * *code is the first byte. left > 0 */
size_t utf8_next(const char *text, size_t left, uint32_t *code);

/* utf8_valid: all of text is UTF-8. */
bool utf8_valid(const char *text, size_t length);

#endif
