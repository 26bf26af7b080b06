/* SPDX-License-Identifier: MIT */
/* A growing, always terminated byte string. A failed allocation latches `failed`; callers test it once at the end. */
#ifndef SDCL_BASE_STRBUF_H
#define SDCL_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct strbuf {
    char *s; /* owned; NULL while empty */
    size_t n, capacity;
    bool failed;
} strbuf;

void strbuf_add(strbuf *b, const char *bytes, size_t n);
void strbuf_puts(strbuf *b, const char *text);
void strbuf_printf(strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The text, "" while empty. Valid until the next change. */
const char *strbuf_text(const strbuf *b);
void strbuf_free(strbuf *b);

#endif
