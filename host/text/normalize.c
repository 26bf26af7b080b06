/* SPDX-License-Identifier: MIT */
#include "text/normalize.h"

#include "base/error.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

/* A canonical decomposition has at most 1.5 code points per UTF-8 byte. */
enum { DECOMPOSED_PER_BYTE = 2 };

static int decompose(const char *text, size_t n, int32_t *out, size_t *count)
{
    size_t capacity = DECOMPOSED_PER_BYTE * n, used = 0;
    for (size_t i = 0, length; i < n; i += length) {
        bool valid;
        length = utf8_span(text + i, n - i, &valid);
        if (!valid)
            return FAIL(SDCL_EUSAGE, "the text is not valid UTF-8 at byte %zu (0x%02X)", i,
                        (unsigned)(unsigned char)text[i]);
        int boundary = 0;
        utf8proc_ssize_t room = (utf8proc_ssize_t)(capacity - used);
        utf8proc_ssize_t made = utf8proc_decompose_char(utf8_code_point(text + i, length), out + used, room,
                                                        UTF8PROC_DECOMPOSE, &boundary);
        if (made < 0 || made > room) return FAIL(SDCL_EINTERNAL, "byte %zu has no canonical decomposition", i);
        used += (size_t)made;
    }
    *count = used;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts each run of combining marks by class and keeps the order within a class; keys: n values of scratch.
 * utf8proc's own ordering is quadratic in the length of a run. */
static void order_marks(int32_t *c, size_t n, uint64_t *keys)
{
    for (size_t i = 0, run; i < n; i += run + 1) {
        run = 0;
        for (uint64_t class; i + run < n && (class = (uint64_t)utf8proc_get_property(c[i + run])->combining_class);
             run++)
            keys[run] = class << 56 | (uint64_t)run << 24 | (uint64_t)c[i + run];
        if (run < 2) continue;
        qsort(keys, run, sizeof *keys, by_value);
        for (size_t k = 0; k < run; k++) c[i + k] = (int32_t)(keys[k] & 0xFFFFFF);
    }
}

static void add_lower(strbuf *out, int32_t c)
{
    static const int32_t dotted_capital_i = 0x130, combining_dot_above = 0x307;
    if (c == dotted_capital_i) {
        utf8_add(out, 'i');
        utf8_add(out, combining_dot_above);
    } else utf8_add(out, utf8proc_tolower(c));
}

int text_normalize(const char *text, size_t n, strbuf *out)
{
    int err = 0;
    int32_t *c = NULL;
    uint64_t *keys = NULL;
    size_t count = 0;
    if (!n) return 0;
    c = malloc(n * DECOMPOSED_PER_BYTE * sizeof *c);
    keys = malloc(n * DECOMPOSED_PER_BYTE * sizeof *keys);
    if (!c || !keys) TRY(FAIL(SDCL_ENOMEM, "no memory to normalise a text of %zu bytes", n));
    TRY(decompose(text, n, c, &count));
    order_marks(c, count, keys);
    utf8proc_ssize_t composed = utf8proc_normalize_utf32(c, (utf8proc_ssize_t)count,
                                                         UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (composed < 0) TRY(FAIL(SDCL_EINTERNAL, "cannot compose the text: %s", utf8proc_errmsg(composed)));
    for (utf8proc_ssize_t i = 0; i < composed; i++) {
        if (!utf8_is_space(c[i])) add_lower(out, c[i]);
        else if (!i || !utf8_is_space(c[i - 1])) strbuf_add(out, " ", 1);
    }
    if (out->failed) TRY(FAIL(SDCL_ENOMEM, "no memory to normalise a text of %zu bytes", n));
out:
    free(keys);
    free(c);
    return err;
}
