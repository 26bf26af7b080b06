/* SPDX-License-Identifier: MIT */
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(strbuf *b, size_t more)
{
    if (b->failed) return false;
    if (more < b->capacity - b->n) return true;
    if (more > SIZE_MAX / 4 || b->n > SIZE_MAX / 4) goto failed;
    size_t capacity = b->capacity ? b->capacity : 64;
    while (capacity <= b->n + more) capacity *= 2;
    char *s = realloc(b->s, capacity);
    if (!s) goto failed;
    b->s = s;
    b->capacity = capacity;
    return true;
failed:
    b->failed = true;
    return false;
}

void strbuf_add(strbuf *b, const char *bytes, size_t n)
{
    if (!reserve(b, n)) return;
    memcpy(b->s + b->n, bytes, n);
    b->n += n;
    b->s[b->n] = 0;
}

void strbuf_puts(strbuf *b, const char *text) { strbuf_add(b, text, strlen(text)); }

void strbuf_printf(strbuf *b, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0) b->failed = true;
    else if (reserve(b, (size_t)n)) {
        vsnprintf(b->s + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

const char *strbuf_text(const strbuf *b) { return b->s ? b->s : ""; }

void strbuf_free(strbuf *b)
{
    free(b->s);
    *b = (strbuf){0};
}
