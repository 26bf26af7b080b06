/* SPDX-License-Identifier: MIT */
#include "io/strided.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 1 << 20 };

typedef struct dimension {
    uint64_t begin, end;   /* of the index */
    uint64_t stride, step; /* in the file; in the row-major result; in elements */
} dimension;

typedef struct window {
    strided_source *read;
    const void *user;
    unsigned char *bytes; /* WINDOW_BYTES */
    uint64_t begin, end;  /* offsets in the file of what is in bytes */
    uint64_t limit;       /* behind the last byte that is read */
} window;

static int window_at(window *w, uint64_t offset, uint64_t n, const unsigned char **at)
{
    int err = 0;
    if (offset < w->begin || offset + n > w->end) {
        w->begin = w->end = offset;
        const uint64_t left = w->limit - offset, bytes = left < WINDOW_BYTES ? left : WINDOW_BYTES;
        TRY(w->read(w->user, offset, bytes, w->bytes));
        w->end = offset + bytes;
    }
    *at = w->bytes + (offset - w->begin);
out:
    return err;
}

/* The dimensions longer than 1, the largest stride first: walking them so, offsets only grow. */
static int order(dimension d[TENSOR_RANK_MAX], const file_tensor *t, uint64_t row_begin, uint64_t row_end)
{
    uint64_t step = 1;
    int n = 0;
    for (int i = t->rank - 1; i >= 0; i--) {
        const dimension own = {i ? 0 : row_begin, i ? t->shape[i] : row_end, t->stride[i], step};
        step *= t->shape[i];
        if (t->shape[i] == 1) continue;
        int at = n++;
        for (; at > 0 && d[at - 1].stride < own.stride; at--) d[at] = d[at - 1];
        d[at] = own;
    }
    return n;
}

int strided_read(const file_tensor *t, uint64_t first, uint64_t n, void *dst, strided_source *read, const void *user)
{
    const uint64_t size = (uint64_t)file_dtype_size(t->dtype), row = t->elements / t->shape[0];
    const uint64_t begin = first / size, end = begin + n / size;
    dimension d[TENSOR_RANK_MAX];
    uint64_t index[TENSOR_RANK_MAX], offset = t->offset;
    int err = 0;
    if (first % size || n % size) return FAIL(SDCL_EINTERNAL, "tensor %s: a part of an element is read", t->name);
    if (!n) return 0;
    const int rank = order(d, t, begin / row, (end + row - 1) / row);
    window w = {.read = read, .user = user, .bytes = malloc(WINDOW_BYTES), .limit = t->offset + size};
    if (!w.bytes) return FAIL(SDCL_ENOMEM, "out of memory");
    uint64_t at = 0; /* of the element in row-major order */
    for (int i = 0; i < rank; i++) {
        index[i] = d[i].begin;
        at += d[i].begin * d[i].step;
        offset += d[i].begin * d[i].stride * size;
        w.limit += (d[i].end - 1) * d[i].stride * size;
    }
    for (;;) {
        const unsigned char *element;
        if (at >= begin && at < end) {
            TRY(window_at(&w, offset, size, &element));
            memcpy((unsigned char *)dst + (at - begin) * size, element, (size_t)size);
        }
        int i = rank - 1;
        for (; i >= 0 && ++index[i] == d[i].end; i--) {
            const uint64_t back = d[i].end - 1 - d[i].begin;
            index[i] = d[i].begin;
            at -= back * d[i].step;
            offset -= back * d[i].stride * size;
        }
        if (i < 0) break;
        at += d[i].step;
        offset += d[i].stride * size;
    }
out:
    free(w.bytes);
    return err;
}
