/* SPDX-License-Identifier: MIT */
#include "npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 10, HEADER_MAX = 1024 };

/* "(2, 77, 32)" or "(4,)"; a scalar "()" has rank 0. */
static bool parse_shape(npy *a, const char *text)
{
    const char *at = strstr(text, "'shape': (");
    if (!at) return false;
    at += strlen("'shape': (");
    a->count = 1;
    while (*at != ')') {
        char *end;
        long side = strtol(at, &end, 10);
        if (end == at || side < 0 || side > 1 << 24 || a->rank == NPY_RANK_MAX) return false;
        a->shape[a->rank++] = (int)side;
        a->count *= (size_t)side;
        at = end + strspn(end, ", ");
    }
    return a->count <= (size_t)1 << 28;
}

static const char *read_from(npy *a, FILE *f)
{
    unsigned char prefix[PREFIX];
    char header[HEADER_MAX + 1] = "";
    if (fread(prefix, PREFIX, 1, f) != 1 || memcmp(prefix, "\x93NUMPY\x01", 7)) return "not a NumPy file of version 1";
    size_t length = (size_t)prefix[8] + 256 * (size_t)prefix[9];
    if (length > HEADER_MAX || fread(header, length, 1, f) != 1) return "its header is too long or cut off";
    bool floats = strstr(header, "'<f4'"), integers = strstr(header, "'<i4'");
    if (floats == integers || !strstr(header, "'fortran_order': False") || !parse_shape(a, header))
        return "neither float32 nor int32 in C order";
    void *values = malloc(4 * a->count + 1);
    if (floats) a->f32 = values;
    else a->i32 = values;
    if (!values || (a->count && fread(values, 4 * a->count, 1, f) != 1)) return "fewer values than its shape says";
    return fgetc(f) == EOF ? NULL : "more values than its shape says";
}

bool npy_read(npy *a, const char *path)
{
    *a = (npy){0};
    FILE *f = fopen(path, "rb");
    const char *why = f ? read_from(a, f) : "cannot open it";
    if (f) fclose(f);
    if (!why) return true;
    fprintf(stderr, "%s: %s\n", path, why);
    npy_free(a);
    return false;
}

void npy_free(npy *a)
{
    free(a->f32);
    free(a->i32);
    *a = (npy){0};
}

bool npy_alike(const npy *a, const npy *b)
{
    return a->rank == b->rank && !memcmp(a->shape, b->shape, sizeof a->shape) && !a->f32 == !b->f32;
}
