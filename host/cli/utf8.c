/* SPDX-License-Identifier: MIT */
#include "cli/utf8.h"

int32_t utf8_next(const char **s)
{
    const unsigned char *u = (const unsigned char *)*s;
    int32_t c = *u, least = 0;
    int more = 0;
    if (c >= 0xf0 && c < 0xf8) c &= 0x07, more = 3, least = 0x10000;
    else if (c >= 0xe0 && c < 0xf0) c &= 0x0f, more = 2, least = 0x800;
    else if (c >= 0xc0 && c < 0xe0) c &= 0x1f, more = 1, least = 0x80;
    else if (c >= 0x80) least = INT32_MAX;
    int i = 1;
    for (; i <= more && (u[i] & 0xc0) == 0x80; i++) c = c << 6 | (u[i] & 0x3f);
    if (i <= more || c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        ++*s;
        return -1;
    }
    *s += more + 1;
    return c;
}

bool utf8_valid(const char *s)
{
    while (*s)
        if (utf8_next(&s) < 0) return false;
    return true;
}

void utf8_print(FILE *f, const char *s)
{
    while (*s) {
        const char *begin = s;
        int32_t c = utf8_next(&s);
        bool control = c < 0x20 ? c != '\n' && c != '\t' : c >= 0x7f && c < 0xa0;
        if (control) fprintf(f, "\\x%02x", (unsigned)(c < 0 ? (unsigned char)*begin : c));
        else fwrite(begin, 1, (size_t)(s - begin), f);
    }
}
