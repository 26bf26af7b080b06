/* SPDX-License-Identifier: MIT */
#ifndef SDCL_TEXT_UTF8_H
#define SDCL_TEXT_UTF8_H

#include "base/strbuf.h"

#include <stdint.h>

/* Length of the character at s[0 .. n), n > 0, and whether it is well formed. If it is not: the length of what one
 * U+FFFD replaces, the longest start of a well-formed character, at least 1 (Unicode 15, section 3.9, table 3-7). */
size_t utf8_span(const char *s, size_t n, bool *valid);
/* The code point of a well-formed character of that length. */
int32_t utf8_code_point(const char *s, size_t length);
void utf8_add(strbuf *out, int32_t code_point);

/* The property White_Space: what separates words. */
bool utf8_is_space(int32_t code_point);

#endif
