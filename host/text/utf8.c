/* SPDX-License-Identifier: MIT */
#include "text/utf8.h"

#include <utf8proc.h>

size_t utf8_span(const char *s, size_t n, bool *valid)
{
    const unsigned char *u = (const unsigned char *)s;
    unsigned c = u[0], low = 0x80, high = 0xBF;
    size_t length = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    *valid = false;
    if (!length) return 1;
    if (c == 0xE0) low = 0xA0;  /* shorter form exists */
    if (c == 0xED) high = 0x9F; /* surrogates */
    if (c == 0xF0) low = 0x90;
    if (c == 0xF4) high = 0x8F; /* past U+10FFFF */
    for (size_t i = 1; i < length; i++) {
        if (i >= n || u[i] < low || u[i] > high) return i;
        low = 0x80;
        high = 0xBF;
    }
    *valid = true;
    return length;
}

int32_t utf8_code_point(const char *s, size_t length)
{
    const unsigned char *u = (const unsigned char *)s;
    switch (length) {
    case 1: return u[0];
    case 2: return (u[0] & 0x1F) << 6 | (u[1] & 0x3F);
    case 3: return (u[0] & 0x0F) << 12 | (u[1] & 0x3F) << 6 | (u[2] & 0x3F);
    default: return (u[0] & 0x07) << 18 | (u[1] & 0x3F) << 12 | (u[2] & 0x3F) << 6 | (u[3] & 0x3F);
    }
}

void utf8_add(strbuf *out, int32_t code_point)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char(code_point, bytes);
    strbuf_add(out, (const char *)bytes, (size_t)n);
}

bool utf8_is_space(int32_t c)
{
    if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
    if (c == 0x85) return true;
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}
