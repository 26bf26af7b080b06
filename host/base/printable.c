/* SPDX-License-Identifier: MIT */
#include "base/printable.h"

#include <stdio.h>
#include <string.h>

const char *printable(char out[PRINTABLE_MAX], const char *text)
{
    enum { ROOM = PRINTABLE_MAX - 8 }; /* one escape, "..." and the end always fit behind it */
    size_t n = 0;
    for (; *text && n < ROOM; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c < 0x7f) out[n++] = (char)c;
        else n += (size_t)sprintf(out + n, "\\x%02x", c);
    }
    strcpy(out + n, *text ? "..." : "");
    return out;
}

bool has_control(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)) return true;
    return false;
}
